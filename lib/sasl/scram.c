#include "sasl/scram.h"

#include "base/codec.h"
#include "base/log.h"
#include "base/memory.h"
#include "net/server.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>

struct scram {
    struct auth *auth;
    enum auth_service service;
    const struct conn *conn;
    const char *peer;
    struct arena *arena;
    Gsasl_session *session;
    enum password_scram which;
    struct auth_try try;
    bool looked_up;
    enum auth_result trouble; /* why it was not looked up */
    struct str salt;          /* base64, as the client is told */
    uint32_t iterations;
    struct password_keys keys; /* that the proof is checked with */
    int64_t app;               /* the app password that they are of, 0: none */
    struct str client_first, server_first;
};

/* ---- the account behind the name ---- */

static void random_keys(struct scram *s) {
    s->keys.key_bytes = s->which == PASSWORD_SCRAM_SHA256 ? 32 : 20;
    random_bytes(s->keys.stored_key, sizeof s->keys.stored_key);
    random_bytes(s->keys.server_key, sizeof s->keys.server_key);
}

/* Finds salt and iterations. A name that is not there has them too, and they never change. */
static bool look_up(struct scram *s, struct str login) {
    unsigned char salt[PASSWORD_SALT_BYTES];
    struct password_keys keys;
    if (!auth_try_begin(&s->try, s->auth, s->service, s->arena, arena_str(s->arena, login), s->peer, &s->trouble))
        return false;
    if (!auth_salt(s->auth, s->try.status == DIRECTORY_OK ? s->try.account.address : login, salt)) {
        s->trouble = AUTH_TEMPORARY;
        return false;
    }
    struct buf text = BUF_EMPTY;
    base64_encode(str_n(salt, sizeof salt), &text);
    s->salt = arena_str(s->arena, buf_str(&text));
    buf_free(&text);
    s->iterations = PASSWORD_SCRAM_ITERATIONS;
    random_keys(s);
    bool usable = s->try.status == DIRECTORY_OK && !s->try.account.app_passwords_only;
    if (usable && password_scram_keys(s->try.account.password, s->which, &keys)) {
        s->keys = keys;
        s->salt = arena_str(s->arena, keys.salt);
        s->iterations = keys.iterations;
    }
    return true;
}

/* ---- what libgsasl asks for ---- */

static int give_base64(Gsasl_session *session, Gsasl_property property, struct str bytes) {
    struct buf text = BUF_EMPTY;
    base64_encode(bytes, &text);
    int code = gsasl_property_set(session, property, text.p);
    buf_free(&text);
    return code;
}

static int give_binding(struct scram *s, Gsasl_property property, const char *type) {
    struct buf bytes = BUF_EMPTY;
    int code = GSASL_NO_CALLBACK;
    if (conn_channel_binding(s->conn, type, &bytes))
        code = give_base64(s->session, property, buf_str(&bytes));
    buf_free(&bytes);
    return code;
}

static int give_number(Gsasl_session *session, Gsasl_property property, uint32_t number) {
    char text[16];
    snprintf(text, sizeof text, "%u", (unsigned)number);
    return gsasl_property_set(session, property, text);
}

/* The name is known now: libgsasl asks for the iterations first. */
static bool know_account(struct scram *s) {
    const char *login = gsasl_property_fast(s->session, GSASL_AUTHID);
    const char *other = gsasl_property_fast(s->session, GSASL_AUTHZID);
    if (s->looked_up || !login)
        return s->looked_up;
    s->looked_up = look_up(s, str_of(login));
    if (other && *other && strcmp(other, login) != 0) /* nobody acts for somebody else */
        random_keys(s);
    return s->looked_up;
}

static int answer(Gsasl *context, Gsasl_session *session, Gsasl_property property) {
    (void)context;
    struct scram *s = gsasl_session_hook_get(session);
    if (!s)
        return GSASL_NO_CALLBACK;
    switch (property) {
    case GSASL_CB_TLS_EXPORTER:
        return give_binding(s, property, "tls-exporter");
    case GSASL_CB_TLS_UNIQUE:
        return give_binding(s, property, "tls-unique");
    case GSASL_SCRAM_ITER:
        return know_account(s) ? give_number(session, property, s->iterations) : GSASL_NO_CALLBACK;
    case GSASL_SCRAM_SALT:
        return know_account(s) ? gsasl_property_set(session, property, s->salt.p) : GSASL_NO_CALLBACK;
    case GSASL_SCRAM_STOREDKEY:
        return give_base64(session, property, str_n(s->keys.stored_key, s->keys.key_bytes));
    case GSASL_SCRAM_SERVERKEY:
        return give_base64(session, property, str_n(s->keys.server_key, s->keys.key_bytes));
    default:
        return GSASL_NO_CALLBACK;
    }
}

void scram_init(Gsasl *g) { gsasl_callback_set(g, answer); }

struct scram *scram_begin(struct auth *a, enum auth_service service, const struct conn *c, const char *peer,
                          const char *mechanism, struct arena *arena) {
    struct scram *s = mem_zero(sizeof *s);
    s->auth = a;
    s->service = service;
    s->conn = c;
    s->peer = peer;
    s->arena = arena;
    s->trouble = AUTH_FAILED;
    s->which = strncmp(mechanism, "SCRAM-SHA-256", 13) == 0 ? PASSWORD_SCRAM_SHA256 : PASSWORD_SCRAM_SHA1;
    int code = gsasl_server_start(a->gsasl, mechanism, &s->session);
    if (code != GSASL_OK) {
        log_warn("auth: %s: %s", mechanism, gsasl_strerror(code));
        free(s);
        return NULL;
    }
    gsasl_session_hook_set(s->session, s);
    return s;
}

/* ---- which password it is ---- */

/* Whether a proof was made with these keys (RFC 5802 section 3). */
static bool proves(const struct password_keys *keys, struct str auth_message, struct str proof) {
    const EVP_MD *md = keys->key_bytes == 32 ? EVP_sha256() : EVP_sha1();
    unsigned char signature[EVP_MAX_MD_SIZE], digest[EVP_MAX_MD_SIZE];
    if (proof.n != keys->key_bytes)
        return false;
    HMAC(md, keys->stored_key, (int)keys->key_bytes, (const unsigned char *)auth_message.p, auth_message.n, signature,
         NULL);
    for (size_t i = 0; i < proof.n; i++)
        signature[i] ^= (unsigned char)proof.p[i];
    EVP_Digest(signature, keys->key_bytes, digest, NULL, md, NULL);
    return bytes_equal(str_n(digest, keys->key_bytes), str_n(keys->stored_key, keys->key_bytes));
}

/* libgsasl checks one pair of keys; an account may have several passwords. So the one that fits is found first. */
static void choose_keys(struct scram *s, struct str client_final) {
    struct str list = s->try.account.app_passwords;
    ptrdiff_t comma = str_find(client_final, STR(",p="));
    struct auth_app app;
    struct password_keys keys;
    struct buf message = BUF_EMPTY, proof = BUF_EMPTY;
    if (s->try.status != DIRECTORY_OK || !list.n || comma < 0)
        return;
    buf_printf(&message, "%.*s,%.*s,", STR_ARG(s->client_first), STR_ARG(s->server_first));
    buf_add_str(&message, str_sub(client_final, 0, (size_t)comma));
    bool good = base64_decode(str_sub(client_final, (size_t)comma + 3, client_final.n), &proof);
    while (good && !s->app && auth_next_app(&list, s->service, &app))
        if (password_scram_keys(app.stored, s->which, &keys) && str_eq(keys.salt, s->salt) &&
            keys.iterations == s->iterations && proves(&keys, buf_str(&message), buf_str(&proof))) {
            s->keys = keys;
            s->app = app.id;
        }
    buf_free(&message);
    buf_free(&proof);
}

/* The client's first message without its GS2 header. */
static struct str bare(struct str message) {
    struct str piece;
    for (int i = 0; i < 2; i++)
        if (!str_split(&message, ',', &piece))
            return STR("");
    return message.p ? message : STR("");
}

enum scram_result scram_step(struct scram *s, struct str message, struct buf *out, enum auth_result *result) {
    char *text = NULL;
    size_t n = 0;
    bool first = !s->looked_up;
    *result = AUTH_FAILED;
    if (message.n == 0 || str_chr(message, 0) >= 0)
        return SCRAM_ENDED;
    if (first)
        s->client_first = arena_str(s->arena, bare(message));
    else
        choose_keys(s, message);
    char *copy = str_dup(message);
    int code = gsasl_step(s->session, copy, message.n, &text, &n);
    free(copy);
    if (text && n && (code == GSASL_OK || code == GSASL_NEEDS_MORE))
        buf_add(out, text, n);
    if (first && text)
        s->server_first = arena_str(s->arena, str_n(text, n));
    gsasl_free(text);
    if (first && !s->looked_up) { /* banned, or the database is away; or no name was given */
        buf_reset(out);
        *result = s->trouble;
        return SCRAM_ENDED;
    }
    if (code == GSASL_NEEDS_MORE)
        return SCRAM_MORE;
    bool known = s->try.status == DIRECTORY_OK;
    if (code == GSASL_OK && known) {
        *result = auth_allowed(&s->try.account, (enum directory_protocol)s->service, s->peer);
        if (*result != AUTH_OK)
            return SCRAM_ENDED;
        if (s->app)
            auth_note_use(s->auth, s->app, s->try.peer);
        *result = AUTH_OK;
        return SCRAM_PROVEN;
    }
    log_debug("auth: SCRAM: %s", gsasl_strerror(code));
    *result = auth_try_failed(&s->try, "a wrong proof of SCRAM");
    return SCRAM_ENDED;
}

const struct auth_try *scram_try(const struct scram *s) { return &s->try; }

void scram_end(struct scram *s) {
    if (!s)
        return;
    gsasl_finish(s->session);
    OPENSSL_cleanse(&s->keys, sizeof s->keys);
    free(s);
}
