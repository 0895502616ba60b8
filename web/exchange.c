#include "exchange.h"

#include "base/log.h"
#include "page.h"
#include "session/session.h"

#include <jansson.h>
#include <stdlib.h>

static size_t param_index(const struct exchange *x, const char *name) {
    for (size_t i = 0; i < x->match.count; i++) {
        if (str_eq(x->match.param[i].name, str_of(name)))
            return i;
    }
    log_panic("the route %s has no %s", x->match.route->pattern, name);
}

int64_t exchange_id(const struct exchange *x, const char *name) { return x->match.param[param_index(x, name)].number; }
struct str exchange_segment(const struct exchange *x, const char *name) {
    return x->match.param[param_index(x, name)].text;
}

static struct str trimmed(struct str s) { return s.p ? str_trim(s) : STR(""); }

struct str exchange_form(const struct exchange *x, const char *name) {
    return trimmed(params_get(&x->request.form, str_of(name)));
}

struct str exchange_query(const struct exchange *x, const char *name) {
    return trimmed(params_get(&x->request.query, str_of(name)));
}

bool exchange_is_post(const struct exchange *x) { return x->request.method == METHOD_POST; }

/* ---- the transaction ---- */

bool exchange_begin(struct exchange *x) {
    bool again = x->actor.role != ROLE_NONE;
    struct err err;
    if (!session_has_cookie(x)) /* nobody's request costs a connection */
        return false;
    x->db = db_acquire(x->web->db, &err);
    if (!x->db) {
        exchange_database_error(x, &err);
        return false;
    }
    enum session_status status = session_resume(x, &err);
    if (status == SESSION_OK)
        return true;
    if (status == SESSION_DATABASE)
        exchange_database_error(x, &err);
    exchange_rollback(x);
    if (status == SESSION_NONE && again) /* it ended while the page was at work */
        exchange_redirect(x, "/login");
    return false;
}

void exchange_rollback(struct exchange *x) {
    if (!x->db)
        return;
    db_release(x->web->db, x->db);
    x->db = NULL;
}

bool exchange_commit(struct exchange *x) {
    if (!x->db)
        return true;
    struct err err;
    bool good = db_commit(x->db, &err);
    if (!good)
        exchange_database_error(x, &err);
    exchange_rollback(x);
    return good;
}

PGresult *exchange_query_db(struct exchange *x, const struct db_statement *s, struct db_params *p) {
    struct err err;
    PGresult *r = db_query(x->db, s, p, &err);
    if (!r)
        exchange_database_error(x, &err);
    return r;
}

/* ---- replies ---- */

static void error_json(struct exchange *x, const char *text) {
    json_t *o = json_pack("{s:s}", "error", text);
    char *encoded = o ? json_dumps(o, JSON_COMPACT) : NULL;
    buf_reset(&x->reply.body);
    reply_type(&x->reply, "application/json");
    buf_add_c(&x->reply.body, encoded ? encoded : "{}");
    free(encoded);
    json_decref(o);
}

void exchange_error(struct exchange *x, int status, const char *fmt, ...) {
    char text[500];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    x->failed = true;
    x->reply.status = status;
    reply_unset(&x->reply, "Location");
    if (x->match.route && x->match.route->flags & ROUTE_JSON)
        error_json(x, text);
    else
        page_error(x, status, text);
}

void exchange_not_found(struct exchange *x) {
    exchange_error(x, 404, "There is nothing at this address, or it is not yours to see.");
}

void exchange_database_error(struct exchange *x, const struct err *err) {
    log_error("%s %.*s: %s", exchange_is_post(x) ? "POST" : "GET", STR_ARG(x->request.path), err->text);
    if (!x->db || db_is_broken(x->db))
        exchange_error(x, 503,
                       "The database can't be reached at the moment. Nothing was changed; try again in a minute.");
    else if (strcmp(db_sqlstate(x->db), "42501") == 0)
        exchange_error(x, 403, "Your role does not allow this.");
    else
        exchange_error(x, 500, "Something went wrong here. Nothing was changed, and the failure was logged.");
}

void exchange_redirect(struct exchange *x, const char *fmt, ...) {
    struct buf b = BUF_EMPTY;
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    reply_redirect(&x->reply, buf_str(&b));
    buf_free(&b);
}
