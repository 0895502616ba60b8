/* App passwords and tokens, which are random, so that a fast hash is enough; and what is written of a login. */
#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/memory.h"
#include "db/db.h"
#include "sasl/internal.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

enum { HEX_BYTES = 2 * SHA256_DIGEST_LENGTH, APP_LETTERS = 20 };

static const struct db_statement FIND_LOGIN_TOKEN = {
    "auth_login_token", "SELECT 1 FROM login_token WHERE token_hash = $1 AND account_id = $2 AND expires_at > now()"};
static const struct db_statement FIND_ACCESS_TOKEN = {
    "auth_access_token", "SELECT a.local_part || '@' || d.name, t.id FROM access_token t "
                         "JOIN account a ON a.id = t.account_id JOIN domain d ON d.id = a.domain_id "
                         "WHERE t.token_hash = $1 AND t.expires_at > now() AND $2 = ANY (t.scopes)"};
static const struct db_statement USE_TOKEN = {
    "auth_use_token",
    "UPDATE access_token SET used_at = now(), used_from = $2::text::inet WHERE id = $1 AND (used_at IS "
    "NULL OR used_at < now() - interval '1 minute' OR used_from IS DISTINCT FROM $2::text::inet)"};
static const struct db_statement USE_APP = {
    "auth_use_app", "UPDATE app_password SET used_at = now(), used_from = $2::text::inet WHERE id = $1 AND (used_at IS "
                    "NULL OR used_at < now() - interval '1 minute' OR used_from IS DISTINCT FROM $2::text::inet)"};
static const struct db_statement RENEW = {"auth_renew",
                                          "UPDATE account SET password = $2 WHERE id = $1 AND password = $3"};
static const struct db_statement READ_SECRET = {"auth_secret", "SELECT value FROM auth_secret"};

static const char *scope_of(enum auth_service service) {
    return service == AUTH_SMTP ? "smtp" : service == AUTH_IMAP ? "imap" : "pop3";
}

/* ---- app passwords ---- */

/* "id scope,scope hash keys..." */
static bool read_app(struct str line, enum auth_service service, struct auth_app *out) {
    struct str id, scopes, scope;
    uint64_t number;
    if (!str_split(&line, ' ', &id) || !str_u64(id, &number) || !str_split(&line, ' ', &scopes) || line.n < HEX_BYTES)
        return false;
    *out = (struct auth_app){.id = (int64_t)number, .hash = str_sub(line, 0, HEX_BYTES), .stored = line};
    while (str_split(&scopes, ',', &scope))
        if (str_eq(scope, str_of(scope_of(service))))
            return true;
    return false;
}

bool auth_next_app(struct str *list, enum auth_service service, struct auth_app *out) {
    struct str line;
    while (list->p && str_split(list, '\n', &line))
        if (read_app(line, service, out))
            return true;
    return false;
}

/* It is shown in groups, and people leave the dashes out or type blanks. */
static bool plain_letters(struct str typed, char letters[APP_LETTERS]) {
    size_t n = 0;
    for (size_t i = 0; i < typed.n; i++) {
        char c = ascii_lower(typed.p[i]);
        if (c == '-' || c == ' ')
            continue;
        if (n == APP_LETTERS || !(ascii_alpha(c) || ascii_digit(c)))
            return false;
        letters[n++] = c;
    }
    return n == APP_LETTERS;
}

bool auth_is_app_password(const struct auth_try *t, struct str password, int64_t *id) {
    char letters[APP_LETTERS];
    unsigned char digest[SHA256_DIGEST_LENGTH];
    struct str list = t->account.app_passwords;
    struct auth_app app;
    if (!list.n || !plain_letters(password, letters))
        return false;
    struct buf hex = BUF_EMPTY;
    SHA256((const unsigned char *)letters, sizeof letters, digest);
    hex_encode(str_n(digest, sizeof digest), &hex);
    bool found = false;
    while (!found && auth_next_app(&list, t->service, &app)) {
        found = bytes_equal(app.hash, buf_str(&hex));
        *id = app.id;
    }
    buf_free(&hex);
    OPENSSL_cleanse(letters, sizeof letters);
    return found;
}

/* ---- what is written after the fact ---- */

struct use {
    const struct db_statement *statement;
    int64_t id;
    char peer[64];
};

static void run_statement(struct db *db, const struct db_statement *s, struct db_params *p) {
    struct err err;
    struct db_conn *c = db_acquire(db, &err);
    if (!c || db_exec(c, s, p, &err) < 0)
        log_warn("auth: %s", err.text);
    if (c)
        db_release(db, c);
}

static void write_use(struct db *db, void *context) {
    const struct use *u = context;
    struct db_params p = {0};
    db_int8(&p, u->id);
    db_text(&p, strcmp(u->peer, "unix") == 0 ? (struct str){NULL, 0} : str_of(u->peer));
    run_statement(db, u->statement, &p);
}

static void note_use(struct auth *a, const struct db_statement *s, int64_t id, const char *peer) {
    struct use *u = mem_zero(sizeof *u);
    u->statement = s;
    u->id = id;
    snprintf(u->peer, sizeof u->peer, "%s", peer);
    throttle_later(a->throttle, write_use, free, u);
}

void auth_note_use(struct auth *a, int64_t app_password_id, const char *peer) {
    note_use(a, &USE_APP, app_password_id, peer);
}

struct renewal {
    struct auth *auth;
    int64_t account;
    struct arena arena;
    struct str login, stored;
    char *password;
    size_t bytes;
};

static void write_renewal(struct db *db, void *context) {
    struct renewal *r = context;
    unsigned char salt[PASSWORD_SALT_BYTES];
    struct buf made = BUF_EMPTY;
    struct err err;
    if (auth_salt(r->auth, r->login, salt)) {
        if (password_hash_scram(str_n(r->password, r->bytes), str_n(salt, sizeof salt), &made, &err)) {
            struct db_params p = {0};
            db_int8(&p, r->account);
            db_text(&p, buf_str(&made));
            db_text(&p, r->stored);
            run_statement(db, &RENEW, &p);
            log_info("auth: the password of <%.*s> is stored in today's form now", STR_ARG(r->login));
        } else {
            log_warn("auth: %s", err.text);
        }
    }
    buf_free(&made);
}

static void end_renewal(void *context) {
    struct renewal *r = context;
    OPENSSL_cleanse(r->password, r->bytes);
    free(r->password);
    arena_free(&r->arena);
    free(r);
}

void auth_renew(struct auth *a, const struct directory_account *account, struct str password) {
    struct renewal *r = mem_zero(sizeof *r);
    r->auth = a;
    r->account = account->id;
    r->login = arena_str(&r->arena, account->address);
    r->stored = arena_str(&r->arena, account->password);
    r->password = str_dup(password);
    r->bytes = password.n;
    throttle_later(a->throttle, write_renewal, end_renewal, r);
}

/* ---- tokens ---- */

/* One row for the token's hash and what else the statement asks; NULL with *result set. */
static PGresult *look_up(struct auth *a, const struct db_statement *s, struct db_params *p, enum auth_result *result) {
    struct err err;
    struct db_conn *c = db_acquire(a->db, &err);
    PGresult *r = c ? db_query(c, s, p, &err) : NULL;
    if (!r)
        log_warn("auth: %s", err.text);
    if (c)
        db_release(a->db, c);
    *result = !r ? AUTH_TEMPORARY : PQntuples(r) ? AUTH_OK : AUTH_FAILED;
    return r;
}

enum auth_result auth_check_login_token(struct auth_try *t, struct str token) {
    unsigned char hash[SHA256_DIGEST_LENGTH];
    enum auth_result result;
    SHA256((const unsigned char *)token.p, token.n, hash);
    struct db_params p = {0};
    db_bytes(&p, str_n(hash, sizeof hash));
    db_int8(&p, t->account.id);
    PQclear(look_up(t->auth, &FIND_LOGIN_TOKEN, &p, &result));
    return result == AUTH_FAILED ? auth_try_failed(t, "a wrong token") : result;
}

enum auth_result auth_check_access_token(struct auth *a, enum auth_service service, struct arena *arena,
                                         struct str login, struct str token, const char *peer,
                                         struct directory_account *account) {
    struct auth_try t;
    enum auth_result result;
    unsigned char hash[SHA256_DIGEST_LENGTH];
    if (!auth_try_begin(&t, a, service, arena, login, peer, &result))
        return result;
    SHA256((const unsigned char *)token.p, token.n, hash);
    struct db_params p = {0};
    db_bytes(&p, str_n(hash, sizeof hash));
    db_text(&p, str_of(scope_of(service)));
    PGresult *r = look_up(a, &FIND_ACCESS_TOKEN, &p, &result);
    if (result == AUTH_OK) {
        struct str whose = arena_str(arena, db_get_str(r, 0, 0));
        enum directory_status status = directory_account(a->directory, arena, whose, account);
        if (status == DIRECTORY_TEMPORARY)
            result = AUTH_TEMPORARY;
        else if (status != DIRECTORY_OK || (login.n && !str_ieq(login, whose)))
            result = AUTH_FAILED;
        else
            result = auth_allowed(account, (enum directory_protocol)service, peer);
        if (result == AUTH_OK)
            note_use(a, &USE_TOKEN, db_get_int8(r, 0, 1), peer);
    }
    PQclear(r);
    return result == AUTH_FAILED ? auth_try_failed(&t, "a wrong token") : result;
}

/* ---- salts ---- */

static bool read_secret(struct auth *a) {
    enum auth_result result;
    PGresult *r = look_up(a, &READ_SECRET, NULL, &result);
    bool good = result == AUTH_OK && db_get_str(r, 0, 0).n == sizeof a->secret;
    if (good) {
        pthread_mutex_lock(&a->lock);
        memcpy(a->secret, db_get_str(r, 0, 0).p, sizeof a->secret);
        a->has_secret = true;
        pthread_mutex_unlock(&a->lock);
    }
    PQclear(r);
    return good;
}

/* What the function scram_salt() of the database gives for the name. */
bool auth_salt(struct auth *a, struct str login, unsigned char salt[PASSWORD_SALT_BYTES]) {
    unsigned char hash[SHA256_DIGEST_LENGTH];
    pthread_mutex_lock(&a->lock);
    bool known = a->has_secret;
    pthread_mutex_unlock(&a->lock);
    if (!known && !read_secret(a))
        return false;
    struct arena arena = ARENA_EMPTY;
    struct buf text = BUF_EMPTY;
    pthread_mutex_lock(&a->lock);
    buf_add(&text, a->secret, sizeof a->secret);
    pthread_mutex_unlock(&a->lock);
    buf_add_str(&text, arena_lower(&arena, login));
    SHA256((const unsigned char *)text.p, text.n, hash);
    memcpy(salt, hash, PASSWORD_SALT_BYTES);
    OPENSSL_cleanse(text.p, text.n);
    buf_free(&text);
    arena_free(&arena);
    return true;
}
