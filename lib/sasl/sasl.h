/*
 * sasl: the mechanisms of SASL (RFC 4422), one exchange at a time, for SMTP, IMAP and POP3 alike: the protocol only
 * frames the lines (334, "+ "), this reads and writes what is in them (base64).
 *
 *     PLAIN (RFC 4616), LOGIN                              a password, an app password, the webmail's token
 *     SCRAM-SHA-256, SCRAM-SHA-1 and their -PLUS variants  the same without telling it (RFC 5802, RFC 7677), bound to
 *                                                          the TLS connection by tls-exporter (RFC 9266) or tls-unique
 *     OAUTHBEARER (RFC 7628), XOAUTH2                      an access token of ours
 *
 * Offer and take them only where nobody can listen: under TLS, or on a UNIX socket.
 *
 *     struct sasl *x = sasl_begin(auth, AUTH_IMAP, conn, peer, mechanism);     // NULL: not known
 *     switch (sasl_step(x, response, &challenge)) {                     // response: one line, p NULL where there is
 * none case SASL_CHALLENGE: ... send the challenge, wait for a line, step again case SASL_OK: ... sasl_account(x)
 *     }
 *     sasl_end(x);
 */
#ifndef SASL_SASL_H
#define SASL_SASL_H

#include "net/server.h"
#include "sasl/auth.h"

enum sasl_result {
    SASL_CHALLENGE,
    SASL_OK,
    SASL_OFF,       /* as AUTH_OFF */
    SASL_FAILED,    /* as AUTH_FAILED */
    SASL_THROTTLED, /* as AUTH_THROTTLED */
    SASL_TEMPORARY, /* as AUTH_TEMPORARY */
    SASL_CANCELLED, /* the client sent "*" */
    SASL_MALFORMED, /* no base64, or far too long */
};

enum { SASL_MAX_LINE = 12288 }; /* RFC 4954 section 4 */

struct sasl;
struct sasl_account;

/* Appends the names of the mechanisms for this connection, each behind `before`. */
void sasl_names(const struct conn *c, const char *before, struct buf *out);
/* peer: the client's address, which lives as long as the exchange. */
struct sasl *sasl_begin(struct auth *a, enum auth_service service, const struct conn *c, const char *peer,
                        struct str mechanism);
/* The client's line without its end. "=" stands for an empty one, p NULL for none. Appends the challenge in base64. */
enum sasl_result sasl_step(struct sasl *x, struct str response, struct buf *challenge);
/* The account, after SASL_OK; lives as long as x. */
const struct directory_account *sasl_account(const struct sasl *x);
/* The name that the client gave, "" before it has: for the log. */
struct str sasl_login(const struct sasl *x);
const char *sasl_mechanism(const struct sasl *x);
void sasl_end(struct sasl *x); /* NULL is fine */

/* SASL PLAIN (RFC 4616): authzid NUL authcid NUL password; an authzid other than "" or authcid is refused. */
bool sasl_plain_parse(struct str message, struct str *authcid, struct str *password);
/* The client's message of OAUTHBEARER (RFC 7628 section 3.1): the user in the arena, "" where none is named. */
bool sasl_oauthbearer_parse(struct arena *a, struct str message, struct str *user, struct str *token);
/* XOAUTH2: user=NAME ^A auth=Bearer TOKEN ^A ^A */
bool sasl_xoauth2_parse(struct str message, struct str *user, struct str *token);

#endif
