#include "session/session.h"

#include "base/codec.h"
#include "sasl/auth.h"
#include "session/recent.h"

#include <openssl/sha.h>

enum { TOKEN_BYTES = 32, TOKEN_TEXT = 44, CSRF_BYTES = 18 };

static const struct db_statement BEGIN = {"session_transaction", "BEGIN"};
static const struct db_statement ACTOR = {
    "session_actor",
    "SELECT role, tenant_id, operator_id, account_id, login, name, csrf FROM actor_begin($1, nullif($2, '')::inet)"};
static const struct db_statement START = {
    "session_start",
    "INSERT INTO web_session (token_hash, operator_id, account_id, csrf, address, agent, expires_at, idle) "
    "VALUES ($1, nullif($2, 0), nullif($3, 0), $4, nullif($5, '')::inet, $6, "
    "now() + CASE WHEN $2 > 0 THEN interval '12 hours' ELSE interval '7 days' END, "
    "CASE WHEN $2 > 0 THEN interval '1 hour' ELSE interval '1 day' END)"};
static const struct db_statement END = {"session_end", "DELETE FROM web_session WHERE token_hash = $1"};
static const struct db_statement MAIL_TOKEN = {
    "session_mail_token", "INSERT INTO login_token (token_hash, account_id, session_hash, expires_at) "
                          "VALUES ($1, $2, $3, now() + interval '1 hour')"};
static const struct db_statement SWEEP = {"session_sweep",
                                          "DELETE FROM web_session WHERE token_hash IN "
                                          "(SELECT token_hash FROM web_session WHERE expires_at < now() LIMIT 100)"};

struct str session_cookie_name(const struct exchange *x, const char *name) {
    struct arena *a = x->request.arena;
    return x->request.https ? arena_printf(a, "__Host-%s", name) : str_of(name);
}

static void hash_token(struct str token, unsigned char out[32]) {
    SHA256((const unsigned char *)token.p, token.n, out);
}

/* The hash of the request's session cookie. False: there is none that could be ours. */
static bool cookie_hash(const struct exchange *x, unsigned char out[32]) {
    struct str token = params_get(&x->request.cookies, session_cookie_name(x, "mansio"));
    if (token.n < 40 || token.n > TOKEN_TEXT)
        return false;
    hash_token(token, out);
    return true;
}

bool session_has_cookie(const struct exchange *x) {
    unsigned char hash[32];
    return cookie_hash(x, hash);
}

static enum role role_of(struct str name) {
    static const struct {
        const char *name;
        enum role role;
    } ROLES[] = {{"provider", ROLE_PROVIDER},
                 {"reseller", ROLE_RESELLER},
                 {"domain", ROLE_DOMAIN},
                 {"helpdesk", ROLE_HELPDESK},
                 {"user", ROLE_USER}};
    for (size_t i = 0; i < sizeof ROLES / sizeof *ROLES; i++) {
        if (str_eq(name, str_of(ROLES[i].name)))
            return ROLES[i].role;
    }
    return ROLE_NONE;
}

static void read_actor(struct exchange *x, const PGresult *r) {
    struct actor *actor = &x->actor;
    actor->role = role_of(db_get_str(r, 0, 0));
    actor->tenant_id = db_get_int8(r, 0, 1);
    actor->operator_id = db_get_int8(r, 0, 2);
    actor->account_id = db_get_int8(r, 0, 3);
    actor->login = arena_str(&x->arena, db_get_str(r, 0, 4));
    actor->name = arena_str(&x->arena, db_get_str(r, 0, 5));
    actor->csrf = arena_str(&x->arena, db_get_str(r, 0, 6));
}

enum session_status session_resume(struct exchange *x, struct err *err) {
    x->actor.role = ROLE_NONE;
    if (!cookie_hash(x, x->actor.session))
        return SESSION_NONE;
    struct db_params p = {0};
    db_bytes(&p, str_n(x->actor.session, sizeof x->actor.session));
    db_text(&p, x->request.address);
    PGresult *begun = NULL, *found = NULL;
    if (db_pipeline(x->db, err) && db_send(x->db, &BEGIN, NULL, err) && db_send(x->db, &ACTOR, &p, err) &&
        db_sync(x->db, err)) {
        begun = db_receive(x->db, err);
        found = begun ? db_receive(x->db, err) : NULL;
    }
    bool good = db_pipeline_end(x->db, found ? err : NULL) && found;
    bool known = good && PQntuples(found) == 1;
    if (known)
        read_actor(x, found);
    PQclear(begun);
    PQclear(found);
    known = known && x->actor.role != ROLE_NONE;
    if (known)
        recent_remember(&x->actor);
    else
        recent_forget(x->actor.session);
    return !good ? SESSION_DATABASE : known ? SESSION_OK : SESSION_NONE;
}

bool session_recall(struct exchange *x) {
    unsigned char hash[32];
    return cookie_hash(x, hash) && recent_recall(x, hash);
}

bool session_start(struct exchange *x, int64_t operator_id, int64_t account_id, struct err *err) {
    unsigned char old[32], hash[32];
    char token[TOKEN_TEXT + 1], csrf[32];
    random_token(token, sizeof token, TOKEN_BYTES);
    random_token(csrf, sizeof csrf, CSRF_BYTES);
    hash_token(str_of(token), hash);
    if (cookie_hash(x, old)) {
        struct db_params p = {0};
        db_bytes(&p, str_n(old, sizeof old));
        if (db_exec(x->db, &END, &p, err) < 0)
            return false;
    }
    if (db_exec(x->db, &SWEEP, NULL, err) < 0)
        return false;
    struct db_params p = {0};
    db_bytes(&p, str_n(hash, sizeof hash));
    db_int8(&p, operator_id);
    db_int8(&p, account_id);
    db_text(&p, str_of(csrf));
    db_text(&p, x->request.address);
    struct str agent = request_header(&x->request, "USER_AGENT");
    db_text(&p, str_is_ascii(agent) ? str_sub(agent, 0, 400) : STR(""));
    if (db_exec(x->db, &START, &p, err) < 0)
        return false;
    reply_cookie(&x->reply, session_cookie_name(x, "mansio"), str_of(token), -1, x->request.https);
    return true;
}

bool session_end(struct exchange *x, struct err *err) {
    struct db_params p = {0};
    db_bytes(&p, str_n(x->actor.session, sizeof x->actor.session));
    if (db_exec(x->db, &END, &p, err) < 0)
        return false;
    recent_forget(x->actor.session);
    reply_cookie(&x->reply, session_cookie_name(x, "mansio"), STR(""), 0, x->request.https);
    return true;
}

bool session_mail_token(struct exchange *x, struct buf *out, struct err *err) {
    unsigned char hash[32];
    char random[TOKEN_TEXT + 1];
    random_token(random, sizeof random, TOKEN_BYTES);
    struct str token = arena_printf(&x->arena, AUTH_TOKEN_PREFIX "%s", random);
    hash_token(token, hash);
    struct db_params p = {0};
    db_bytes(&p, str_n(hash, sizeof hash));
    db_int8(&p, x->actor.account_id);
    db_bytes(&p, str_n(x->actor.session, sizeof x->actor.session));
    if (db_exec(x->db, &MAIL_TOKEN, &p, err) < 0)
        return false;
    buf_add_str(out, token);
    return true;
}
