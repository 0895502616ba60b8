/* internal: what the files of lib/sasl share about one process's logins. */
#ifndef SASL_INTERNAL_H
#define SASL_INTERNAL_H

#include "base/password.h"
#include "sasl/auth.h"
#include "sasl/throttle.h"

#include <gsasl.h>
#include <pthread.h>

enum { AUTH_KEY_BYTES = 32, AUTH_PROOF_SLOTS = 16384 /* passwords remembered as right */ };

struct auth {
    struct directory *directory;
    struct db *db;
    struct throttle *throttle;
    Gsasl *gsasl;
    unsigned char key[AUTH_KEY_BYTES];
    struct buf nobody; /* the hash that unknown logins are checked against, so that they take as long */
    pthread_mutex_t lock;
    pthread_cond_t hasher_free;
    int hashers, waiting;
    struct {
        unsigned char mac[AUTH_KEY_BYTES];
        int64_t until;
    } proof[AUTH_PROOF_SLOTS];
    unsigned char secret[32]; /* that the salts of SCRAM follow from (table auth_secret) */
    bool has_secret;
};

/* A login that is under way. */
struct auth_try {
    struct auth *auth;
    enum auth_service service;
    const char *peer;
    struct str login;
    enum directory_status status; /* DIRECTORY_OK: the account is there and may log in */
    struct directory_account account;
};

/* Looks for bans and the account. False with *result set: go no further. */
bool auth_try_begin(struct auth_try *t, struct auth *a, enum auth_service service, struct arena *arena,
                    struct str login, const char *peer, enum auth_result *result);
/* What becomes of a login that has proved to be the account's: AUTH_OK, or AUTH_OFF with a line in the log. */
enum auth_result auth_allowed(const struct directory_account *account, enum directory_protocol protocol,
                              const char *peer);
/* Counts a failure and gives AUTH_FAILED. */
enum auth_result auth_try_failed(struct auth_try *t, const char *why);

/* ---- secret.c: app passwords, tokens, and what is stored anew ---- */

/* One of an account's app passwords. */
struct auth_app {
    int64_t id;
    struct str hash;   /* SHA-256, hexadecimal */
    struct str stored; /* with the keys for SCRAM behind it */
};
/* Takes the next app password of the list that is for the service. */
bool auth_next_app(struct str *list, enum auth_service service, struct auth_app *out);
/* Whether the password is one of the account's app passwords for this service; *id says which. */
bool auth_is_app_password(const struct auth_try *t, struct str password, int64_t *id);
/* Notes when and from where an app password was used, after the fact. */
void auth_note_use(struct auth *a, int64_t app_password_id, const char *peer);
/* The webmail's tokens. */
enum auth_result auth_check_login_token(struct auth_try *t, struct str token);
/* An access token; where `login` is empty the token itself says whose it is. */
enum auth_result auth_check_access_token(struct auth *a, enum auth_service service, struct arena *arena,
                                         struct str login, struct str token, const char *peer,
                                         struct directory_account *account);
/* Has the password stored in today's form, after the fact. */
void auth_renew(struct auth *a, const struct directory_account *account, struct str password);
/* The salt of SCRAM that goes with a login name, whether or not there is such an account. False: PostgreSQL is away. */
bool auth_salt(struct auth *a, struct str login, unsigned char salt[PASSWORD_SALT_BYTES]);

#endif
