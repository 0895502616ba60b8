/*
 * limits: how many connections of IMAP and POP3 a mailbox and an address may have in this process, and how long they
 * may be silent: the settings imapd.* (sql/0017_protocols.sql). Connections are counted exactly: whoever takes a place
 * gives it back. This machine's own addresses and the webmail's socket are not counted by address.
 */
#ifndef LIMITS_H
#define LIMITS_H

#include <stdbool.h>
#include <stdint.h>

struct directory;
struct limits;

struct limits *limits_new(struct directory *d);
void limits_free(struct limits *l);

/* A place for one more connection from this peer ("192.0.2.1", "2001:db8::1", "unix"). False: there is none. */
bool limits_take_address(struct limits *l, const char *peer);
void limits_give_address(struct limits *l, const char *peer);
bool limits_take_account(struct limits *l, int64_t account);
void limits_give_account(struct limits *l, int64_t account);

int limits_login_ms(struct limits *l);   /* imapd.login_timeout */
int limits_imap_ms(struct limits *l);    /* imapd.imap_timeout */
int limits_pop3_ms(struct limits *l);    /* imapd.pop3_timeout */
int limits_pop3_delay(struct limits *l); /* imapd.pop3_login_delay, seconds */

#endif
