/*
 * auth: who may log in to imapd and submission. Password hashing is CPU-heavy by design, so it runs with bounded
 * concurrency; a password that was right is remembered for a while under a keyed hash (never itself), together with the
 * stored hash it was checked against, so that a changed password is refused at once.
 *
 * Besides its password an account's login tokens (the webmail's, table login_token) are good; those are looked up each
 * time.
 */
#ifndef SASL_AUTH_H
#define SASL_AUTH_H

#include "directory/directory.h"

struct auth;
struct db;

/* A login token is this and 32 random bytes in base64url; login_token.token_hash is the SHA-256 of the whole. */
#define AUTH_TOKEN_PREFIX "mansio_token_"

enum auth_result {
    AUTH_OK,
    AUTH_FAILED,    /* wrong name or password: say nothing more; 535 5.7.8 */
    AUTH_THROTTLED, /* too many failures of late for this account or address: 454 4.7.0 */
    AUTH_TEMPORARY, /* PostgreSQL is away: 454 4.7.0 */
};

struct auth *auth_new(struct directory *d, struct db *db);
void auth_free(struct auth *a);
/* Checks a password (or token) for a login name. `peer` is the client's address, for throttling. account in the arena.
 */
enum auth_result auth_check(struct auth *a, struct arena *arena, struct str login, struct str password,
                            const char *peer, struct directory_account *account);

/* SASL PLAIN (RFC 4616): authzid NUL authcid NUL password; an authzid other than "" or authcid is refused. */
bool sasl_plain_parse(struct str message, struct str *authcid, struct str *password);

#endif
