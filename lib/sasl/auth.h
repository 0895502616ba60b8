/*
 * auth: who may log in to imapd and submission. Password hashing is CPU-heavy by design, so it runs with bounded
 * concurrency; a password that was right is remembered for a while under a keyed hash (never itself), together with the
 * stored hash it was checked against, so that a changed password is refused at once.
 *
 * Good for an account are its password (unless its app passwords alone are for mail programs), its app passwords (table
 * app_password), and the webmail's login tokens (table login_token); with OAUTHBEARER and XOAUTH2 its access tokens
 * (table access_token). A password that is stored in an old form is stored anew after it was right, and gets the keys
 * for SCRAM.
 *
 * Too many failures ban for a while: an address, an account, or an account from one address (throttle.h).
 *
 * A protocol can be switched off for an account or its domain. Who has proved to be the account's owner may know that;
 * everybody else hears what a wrong password hears. The webmail's tokens ask for the webmail's own switch.
 *
 * The mechanisms of SASL are in sasl.h; protocols that have commands of their own for a name and a password call
 * auth_check.
 */
#ifndef SASL_AUTH_H
#define SASL_AUTH_H

#include "directory/directory.h"

struct auth;
struct db;

/* A login token is this and 32 random bytes in base64url; login_token.token_hash is the SHA-256 of the whole. */
#define AUTH_TOKEN_PREFIX "mansio_token_"
/* An access token likewise, in access_token. */
#define AUTH_ACCESS_PREFIX "mansio_access_"

enum auth_result {
    AUTH_OK,
    AUTH_OFF,       /* the password is right, and the protocol is switched off for the account: 535 5.7.1 */
    AUTH_FAILED,    /* wrong name or password: say nothing more; 535 5.7.8 */
    AUTH_THROTTLED, /* too many failures of late for this account or address: 454 4.7.0 */
    AUTH_TEMPORARY, /* PostgreSQL is away: 454 4.7.0 */
};

/* What is logged in to: app passwords and tokens may be for some of them only. */
enum auth_service { AUTH_SMTP = DIRECTORY_SMTP, AUTH_IMAP = DIRECTORY_IMAP, AUTH_POP3 = DIRECTORY_POP3 };

/* conninfo: for the connection that listens for bans. */
struct auth *auth_new(struct directory *d, struct db *db, const char *conninfo, struct err *err);
void auth_free(struct auth *a);
/* Checks a password (or token) for a login name. `peer` is the client's address, for throttling. account in the arena.
 */
enum auth_result auth_check(struct auth *a, enum auth_service service, struct arena *arena, struct str login,
                            struct str password, const char *peer, struct directory_account *account);

#endif
