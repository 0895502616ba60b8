/* What an account logs in with beside its password, and under whose addresses it sends. */
#include "base/codec.h"
#include "base/password.h"
#include "directory/admin_internal.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

enum { LETTERS = 20, GROUP = 5, TOKEN_BYTES = 32, MAX_NAME = 100 };

static const struct db_statement SALT = {"admin_credential_salt", "SELECT scram_salt($1)"};
static const struct db_statement ADD_APP = {
    "admin_app_add",
    "INSERT INTO app_password (account_id, name, password, scopes) VALUES ($1, $2, $3, $4) RETURNING id"};
static const struct db_statement REMOVE_APP = {"admin_app_remove",
                                               "DELETE FROM app_password WHERE account_id = $1 AND name = $2"};
static const struct db_statement ADD_TOKEN = {
    "admin_token_add", "INSERT INTO access_token (account_id, name, token_hash, scopes, expires_at) "
                       "VALUES ($1, $2, $3, $4, now() + make_interval(days => $5)) RETURNING id"};
static const struct db_statement REMOVE_TOKEN = {"admin_token_remove",
                                                 "DELETE FROM access_token WHERE account_id = $1 AND name = $2"};
static const struct db_statement APP_ONLY = {"admin_app_only",
                                             "UPDATE account SET app_passwords_only = $2 WHERE id = $1"};
static const struct db_statement ADD_SEND_AS = {
    "admin_send_as_add", "INSERT INTO send_as (account_id, address) VALUES ($1, $2) RETURNING id"};
static const struct db_statement REMOVE_SEND_AS = {"admin_send_as_remove",
                                                   "DELETE FROM send_as WHERE account_id = $1 AND address = $2"};
static const struct admin_sentence SENTENCES[] = {
    {"app_password_account_id_name_key", "there is an app password with the name \"%.*s\" already"},
    {"access_token_account_id_name_key", "there is a token with the name \"%.*s\" already"},
    {"send_as_account_id_address_key", "the mailbox may send as %.*s already"},
    {"send_as_guard", "%.*s is not an address of your own domains"},
    {NULL, NULL}};

static bool check_name(struct arena *a, struct str typed, struct str *name, struct err *err) {
    if (!admin_text(a, typed, "the name", name, err))
        return false;
    if (!name->n || name->n > MAX_NAME)
        return err_set(err, "give it a name of at most %d letters, by which you know it again", MAX_NAME);
    return true;
}

/* "smtp imap": what it is good for; "" is everything. */
static bool check_scopes(struct str typed, struct str scope[3], size_t *count, struct err *err) {
    static const char *const known[] = {"smtp", "imap", "pop3"};
    struct str piece, rest = typed;
    bool wanted[3] = {false, false, false}, any = false;
    while (rest.p && str_split(&rest, ' ', &piece)) {
        bool found = piece.n == 0;
        for (size_t i = 0; i < 3; i++)
            if (str_ieq(piece, str_of(known[i])))
                wanted[i] = any = found = true;
        if (!found)
            return err_set(err, "\"%.*s\" is none of smtp, imap and pop3", STR_ARG(piece));
    }
    *count = 0;
    for (size_t i = 0; i < 3; i++)
        if (wanted[i] || !any)
            scope[(*count)++] = str_of(known[i]);
    return true;
}

/* ---- app passwords ---- */

/* Twenty letters and digits without those that look alike, 99 bits: "shown" has them in groups. */
static void make_secret(char letters[LETTERS], struct buf *shown) {
    static const char alphabet[] = "abcdefghjkmnpqrstuvwxyz23456789";
    for (size_t made = 0; made < LETTERS;) {
        unsigned char byte;
        random_bytes(&byte, 1);
        if (byte >= 256 / (sizeof alphabet - 1) * (sizeof alphabet - 1))
            continue; /* the rest would favour some letters */
        if (made && made % GROUP == 0)
            buf_add_byte(shown, '-');
        letters[made] = alphabet[byte % (sizeof alphabet - 1)];
        buf_add_byte(shown, letters[made++]);
    }
}

/* What is stored of it: the fast hash of the letters, and the keys for SCRAM of what is shown, with the salt that goes
 * with the login: a client of SCRAM is told one salt and may mean any of the account's passwords. */
static int64_t store_secret(struct db_conn *c, struct str login, const char letters[LETTERS], struct str shown,
                            struct buf *stored, struct err *err) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    struct db_params p = {0};
    db_text(&p, login);
    PGresult *r = db_query(c, &SALT, &p, err);
    if (!r)
        return admin_failed(c, NULL, login, err);
    SHA256((const unsigned char *)letters, LETTERS, digest);
    hex_encode(str_n(digest, sizeof digest), stored);
    password_scram_make(shown, db_get_str(r, 0, 0), stored);
    PQclear(r);
    return 1;
}

int64_t admin_app_password_add(struct db_conn *c, struct str address, struct str name, struct str scopes,
                               struct buf *secret, struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct admin_account account;
    struct str checked, scope[3];
    struct buf stored = BUF_EMPTY;
    char letters[LETTERS];
    size_t scope_count;
    int64_t result = admin_find_account(c, &a, address, &account, err);
    if (result == 1)
        result = check_name(&a, name, &checked, err) && check_scopes(scopes, scope, &scope_count, err);
    if (result == 1) {
        make_secret(letters, secret);
        result = store_secret(c, account.login, letters, buf_str(secret), &stored, err);
        OPENSSL_cleanse(letters, sizeof letters);
    }
    if (result == 1) {
        struct db_params p = {0};
        db_int8(&p, account.id);
        db_text(&p, checked);
        db_text(&p, buf_str(&stored));
        db_text_array(&p, scope, scope_count);
        result = admin_insert(c, &ADD_APP, &p, SENTENCES, checked, err);
    }
    buf_free(&stored);
    arena_free(&a);
    return result;
}

/* Removes what the account has under that name. */
static int64_t remove_named(struct db_conn *c, const struct db_statement *s, const char *what, struct str address,
                            struct str name, struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct admin_account account;
    int64_t result = admin_find_account(c, &a, address, &account, err);
    if (result == 1) {
        struct db_params p = {0};
        db_int8(&p, account.id);
        db_text(&p, name);
        result = admin_touch(c, s, &p, err, "%.*s has no %s %.*s", STR_ARG(account.login), what, STR_ARG(name));
    }
    arena_free(&a);
    return result;
}

int64_t admin_app_password_remove(struct db_conn *c, struct str address, struct str name, struct err *err) {
    return remove_named(c, &REMOVE_APP, "app password", address, name, err);
}

int64_t admin_account_app_passwords_only(struct db_conn *c, struct str address, bool only, struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct admin_account account;
    int64_t result = admin_find_account(c, &a, address, &account, err);
    if (result == 1) {
        struct db_params p = {0};
        db_int8(&p, account.id);
        db_bool(&p, only);
        result = admin_touch(c, &APP_ONLY, &p, err, "there is no mailbox %.*s", STR_ARG(account.login));
    }
    arena_free(&a);
    return result;
}

/* ---- access tokens ---- */

int64_t admin_access_token_add(struct db_conn *c, struct str address, struct str name, struct str scopes, int32_t days,
                               struct buf *token, struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct admin_account account;
    struct str checked, scope[3];
    char random[TOKEN_BYTES * 4 / 3 + 2];
    unsigned char digest[SHA256_DIGEST_LENGTH];
    size_t scope_count;
    int64_t result = admin_find_account(c, &a, address, &account, err);
    if (result == 1)
        result = check_name(&a, name, &checked, err) && check_scopes(scopes, scope, &scope_count, err);
    if (result == 1) {
        random_token(random, sizeof random, TOKEN_BYTES);
        buf_printf(token, "mansio_access_%s", random);
        SHA256((const unsigned char *)token->p, token->n, digest);
        struct db_params p = {0};
        db_int8(&p, account.id);
        db_text(&p, checked);
        db_bytes(&p, str_n(digest, sizeof digest));
        db_text_array(&p, scope, scope_count);
        db_int4(&p, days);
        result = admin_insert(c, &ADD_TOKEN, &p, SENTENCES, checked, err);
    }
    arena_free(&a);
    return result;
}

int64_t admin_access_token_remove(struct db_conn *c, struct str address, struct str name, struct err *err) {
    return remove_named(c, &REMOVE_TOKEN, "token", address, name, err);
}

/* ---- under whose addresses it sends ---- */

static bool check_address(struct arena *a, struct str typed, struct str *out, struct err *err) {
    struct str local, domain;
    typed = str_trim(typed);
    if (typed.n > 1 && typed.p[0] == '@') {
        local = STR("");
        if (!domain_to_ascii(a, str_sub(typed, 1, typed.n), &domain, err))
            return false;
    } else if (!address_parse(a, typed, &local, &domain, err)) {
        return false;
    }
    *out = arena_printf(a, "%.*s@%.*s", STR_ARG(arena_lower(a, local)), STR_ARG(domain));
    return true;
}

int64_t admin_send_as_add(struct db_conn *c, struct str address, struct str other, struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct admin_account account;
    struct str checked;
    int64_t result = admin_find_account(c, &a, address, &account, err);
    if (result == 1)
        result = check_address(&a, other, &checked, err);
    if (result == 1) {
        struct db_params p = {0};
        db_int8(&p, account.id);
        db_text(&p, checked);
        result = admin_insert(c, &ADD_SEND_AS, &p, SENTENCES, checked, err);
    }
    arena_free(&a);
    return result;
}

int64_t admin_send_as_remove(struct db_conn *c, struct str address, struct str other, struct err *err) {
    return remove_named(c, &REMOVE_SEND_AS, "permission to send as", address, other, err);
}
