#include "sasl/sasl.h"

#include "base/codec.h"
#include "base/log.h"
#include "base/memory.h"
#include "sasl/scram.h"

#include <openssl/crypto.h>
#include <stdlib.h>

struct mechanism {
    const char *name;
    enum sasl_result (*step)(struct sasl *x, struct str message, bool given, struct buf *out);
    bool plus; /* only where the connection can be bound to */
};

struct sasl {
    const struct mechanism *mechanism;
    struct auth *auth;
    enum auth_service service;
    const struct conn *conn;
    const char *peer;
    struct arena arena;
    struct directory_account account;
    struct str login;
    struct scram *scram;
    int steps;
    bool proven; /* the last message is on its way: an empty answer ends it */
    bool refused;
};

static enum sasl_result of_auth(enum auth_result r) {
    static const enum sasl_result result[] = {[AUTH_OK] = SASL_OK,
                                              [AUTH_OFF] = SASL_OFF,
                                              [AUTH_FAILED] = SASL_FAILED,
                                              [AUTH_THROTTLED] = SASL_THROTTLED,
                                              [AUTH_TEMPORARY] = SASL_TEMPORARY};
    return result[r];
}

static enum sasl_result check(struct sasl *x, struct str login, struct str password) {
    x->login = arena_str(&x->arena, login);
    return of_auth(auth_check(x->auth, x->service, &x->arena, x->login, password, x->peer, &x->account));
}

/* ---- PLAIN ---- */

bool sasl_plain_parse(struct str message, struct str *authcid, struct str *password) {
    struct str authzid;
    return message.n && str_split(&message, 0, &authzid) && str_split(&message, 0, authcid) &&
           str_split(&message, 0, password) && message.p == NULL && authcid->n > 0 && password->n > 0 &&
           (authzid.n == 0 || str_eq(authzid, *authcid));
}

static enum sasl_result plain(struct sasl *x, struct str message, bool given, struct buf *out) {
    struct str login, password;
    (void)out;
    if (!given)
        return SASL_CHALLENGE;
    return sasl_plain_parse(message, &login, &password) ? check(x, login, password) : SASL_FAILED;
}

/* ---- LOGIN, which was never a standard and which many programs still ask for ---- */

static enum sasl_result login(struct sasl *x, struct str message, bool given, struct buf *out) {
    if (!given) {
        buf_add_c(out, "Username:");
        return SASL_CHALLENGE;
    }
    if (x->login.p)
        return check(x, x->login, message);
    x->login = arena_str(&x->arena, message);
    buf_add_c(out, "Password:");
    return SASL_CHALLENGE;
}

/* ---- SCRAM ---- */

static enum sasl_result scram(struct sasl *x, struct str message, bool given, struct buf *out) {
    enum auth_result result;
    if (!given)
        return SASL_CHALLENGE;
    if (x->proven)
        return message.n == 0 ? SASL_OK : SASL_FAILED;
    if (!x->scram)
        x->scram = scram_begin(x->auth, x->service, x->conn, x->peer, x->mechanism->name, &x->arena);
    if (!x->scram)
        return SASL_TEMPORARY;
    enum scram_result r = scram_step(x->scram, message, out, &result);
    const struct auth_try *t = scram_try(x->scram);
    if (t->login.p)
        x->login = t->login;
    if (r == SCRAM_ENDED)
        return of_auth(result);
    if (r == SCRAM_PROVEN) {
        x->account = t->account;
        x->proven = true;
    }
    return SASL_CHALLENGE;
}

/* ---- OAUTHBEARER, XOAUTH2 ---- */

/* KEY=VALUE pairs with ^A behind each. False where it is none. */
static bool next_pair(struct str *rest, struct str *key, struct str *value) {
    struct str pair;
    if (!str_split(rest, 1, &pair) || !rest->p)
        return false;
    ptrdiff_t equals = str_chr(pair, '=');
    if (equals <= 0)
        return false;
    *key = str_sub(pair, 0, (size_t)equals);
    *value = str_sub(pair, (size_t)equals + 1, pair.n);
    return true;
}

static bool bearer(struct str value, struct str *token) {
    if (!str_istarts(value, STR("Bearer ")))
        return false;
    *token = str_trim(str_sub(value, 7, value.n));
    return token->n > 0;
}

/* A SASL name (RFC 5801 section 4): "=2C" is a comma and "=3D" an equals sign. */
static bool read_name(struct arena *a, struct str name, struct str *out) {
    char *p = arena_alloc(a, name.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] != '=') {
            p[n++] = name.p[i];
            continue;
        }
        struct str code = str_sub(name, i, 3);
        if (!str_ieq(code, STR("=2C")) && !str_ieq(code, STR("=3D")))
            return false;
        p[n++] = str_ieq(code, STR("=2C")) ? ',' : '=';
        i += 2;
    }
    *out = str_n(p, n);
    return true;
}

bool sasl_oauthbearer_parse(struct arena *a, struct str message, struct str *user, struct str *token) {
    struct str binding, identity, key, value;
    *user = STR("");
    *token = (struct str){NULL, 0};
    if (!str_split(&message, ',', &binding) || !(str_eq(binding, STR("n")) || str_eq(binding, STR("y"))) ||
        !str_split(&message, ',', &identity) || !message.n || message.p[0] != 1)
        return false;
    if (identity.n && (!str_starts(identity, STR("a=")) || !read_name(a, str_sub(identity, 2, identity.n), user)))
        return false;
    message = str_sub(message, 1, message.n);
    while (next_pair(&message, &key, &value))
        if (str_eq(key, STR("auth")) && !bearer(value, token))
            return false;
    return token->n > 0;
}

bool sasl_xoauth2_parse(struct str message, struct str *user, struct str *token) {
    struct str key, value;
    *user = STR("");
    *token = (struct str){NULL, 0};
    while (next_pair(&message, &key, &value))
        if (str_eq(key, STR("user")))
            *user = value;
        else if (str_eq(key, STR("auth")) && !bearer(value, token))
            return false;
    return token->n > 0 && user->n > 0;
}

/* A refusal is told in a challenge, which the client answers with next to nothing. */
static enum sasl_result oauth(struct sasl *x, struct str message, bool given, struct buf *out) {
    struct str user, token;
    if (!given)
        return SASL_CHALLENGE;
    if (x->refused)
        return SASL_FAILED;
    bool ours = strcmp(x->mechanism->name, "XOAUTH2") == 0 ? sasl_xoauth2_parse(message, &user, &token)
                                                           : sasl_oauthbearer_parse(&x->arena, message, &user, &token);
    enum auth_result r = AUTH_FAILED;
    if (ours) {
        x->login = arena_str(&x->arena, user);
        r = auth_check_access_token(x->auth, x->service, &x->arena, x->login, token, x->peer, &x->account);
    }
    if (r != AUTH_FAILED)
        return of_auth(r);
    x->refused = true;
    buf_add_c(out, "{\"status\":\"invalid_token\"}");
    return SASL_CHALLENGE;
}

/* ---- all of them, the best first ---- */

static const struct mechanism mechanisms[] = {
    {"SCRAM-SHA-256-PLUS", scram, true}, {"SCRAM-SHA-1-PLUS", scram, true}, {"SCRAM-SHA-256", scram, false},
    {"SCRAM-SHA-1", scram, false},       {"PLAIN", plain, false},           {"LOGIN", login, false},
    {"OAUTHBEARER", oauth, false},       {"XOAUTH2", oauth, false},
};

static bool can_bind(const struct conn *c) {
    struct buf binding = BUF_EMPTY;
    bool can = conn_channel_binding(c, "tls-exporter", &binding);
    buf_free(&binding);
    return can;
}

void sasl_names(const struct conn *c, const char *before, struct buf *out) {
    bool plus = can_bind(c);
    for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++)
        if (plus || !mechanisms[i].plus) {
            buf_add_c(out, before);
            buf_add_c(out, mechanisms[i].name);
        }
}

struct sasl *sasl_begin(struct auth *a, enum auth_service service, const struct conn *c, const char *peer,
                        struct str mechanism) {
    for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++)
        if (str_ieq(mechanism, str_of(mechanisms[i].name)) && (!mechanisms[i].plus || can_bind(c))) {
            struct sasl *x = mem_zero(sizeof *x);
            x->mechanism = &mechanisms[i];
            x->auth = a;
            x->service = service;
            x->conn = c;
            x->peer = peer;
            return x;
        }
    return NULL;
}

enum sasl_result sasl_step(struct sasl *x, struct str response, struct buf *challenge) {
    struct buf message = BUF_EMPTY, out = BUF_EMPTY;
    bool given = response.p != NULL;
    if (given && str_eq(response, STR("*")))
        return SASL_CANCELLED;
    if (str_eq(response, STR("=")) && x->steps == 0) /* RFC 4954 section 4: an empty initial response */
        response.n = 0;
    x->steps++;
    if (response.n > SASL_MAX_LINE || (given && !base64_decode(response, &message)))
        return SASL_MALFORMED;
    enum sasl_result r = x->mechanism->step(x, buf_str(&message), given, &out);
    if (r == SASL_CHALLENGE)
        base64_encode(buf_str(&out), challenge);
    if (message.p)
        OPENSSL_cleanse(message.p, message.cap);
    buf_free(&message);
    buf_free(&out);
    return r;
}

const struct directory_account *sasl_account(const struct sasl *x) { return &x->account; }

struct str sasl_login(const struct sasl *x) {
    return x->login.p ? x->login : STR("");
}

const char *sasl_mechanism(const struct sasl *x) { return x->mechanism->name; }

void sasl_end(struct sasl *x) {
    if (!x)
        return;
    scram_end(x->scram);
    arena_free(&x->arena);
    free(x);
}
