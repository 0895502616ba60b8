/*
 * imap_client: a connection to an IMAP server as a client: TLS, login, commands and their responses. Blocking; commands
 * can be sent ahead (imap_send), their ends awaited in order.
 */
#ifndef MOVE_IMAP_CLIENT_H
#define MOVE_IMAP_CLIENT_H

#include "move/source.h"

struct imap_client;

/* Connects, encrypts and logs in. host: as in the certificate. */
struct imap_client *imap_open(const char *host, uint16_t port, bool implicit_tls, const struct source_options *options,
                              struct err *err);
void imap_close(struct imap_client *c); /* NULL is fine */
bool imap_is_broken(const struct imap_client *c);
bool imap_can(const struct imap_client *c, const char *capability);

/* Called with each untagged response behind its "* ": views are valid during the call. False: stop, the caller has set
 * an error. */
enum { IMAP_AHEAD = 4 };
typedef bool imap_untagged(void *context, struct str response);

/* Sends a command (without tag and line end) and returns its number. */
bool imap_send(struct imap_client *c, struct str command, uint32_t *number, struct err *err);
/* Reads up to the end of the command. Servers may answer commands that were sent ahead at the same time: untagged
 * responses to any of them come to whoever waits, and one that ends early is remembered (IMAP_AHEAD of them). False
 * where it was refused (err: what the server said), or the connection broke.
 */
bool imap_wait(struct imap_client *c, uint32_t number, imap_untagged *each, void *context, struct err *err);
/* Both. */
bool imap_command(struct imap_client *c, struct str command, imap_untagged *each, void *context, struct err *err);

/* Appends a string that a command can carry in one line; false where it can't (line ends, NUL). */
bool imap_add_quoted(struct buf *out, struct str s);

#endif
