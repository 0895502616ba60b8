#include "submit/limit.h"

#include "base/log.h"
#include "db/db.h"
#include "smtpd/session.h"
#include "submit/alarm.h"

static const struct db_statement TAKE = {"limit_take", "SELECT refused, never, alarmed FROM submission_take($1, $2)"};

static void refuse(struct session *s, struct verdict *v, const char *code, struct str why) {
    v->action = VERDICT_REFUSE;
    v->reply = arena_printf(&s->transaction.arena, "%s limit: %.*s", code, STR_ARG(why));
    session_note(s, "limit", NOTE_REFUSE, "%.*s", STR_ARG(why));
    log_event(LOG_LEVEL_INFO, "smtp", "refused", LOG_ADDRESS("from", s->transaction.sender),
              LOG_ADDRESS("login", s->account.address), LOG_CLIENT(s->client.address), LOG_REPLY(v->reply));
}

/* What the reply says: the limit in the database's words, in ASCII (a name may be of any letters). */
static struct str reason(struct session *s, struct str refused, bool never) {
    if (!str_is_ascii(refused))
        refused = STR("the limit of sending is reached");
    return never ? refused : arena_printf(&s->transaction.arena, "%.*s, try again later", STR_ARG(refused));
}

static void at_data(struct session *s, struct verdict *v) {
    if (s->kind != SERVICE_SUBMISSION || !s->authenticated)
        return;
    struct arena *a = &s->transaction.arena;
    struct err err;
    struct db_conn *c = db_acquire(s->mta->db, &err);
    struct db_params p = {0};
    db_int8(&p, s->account.id);
    db_int4(&p, (int32_t)s->transaction.count);
    PGresult *r = c ? db_query(c, &TAKE, &p, &err) : NULL;
    if (!c)
        db_params_free(&p);
    struct str alarmed = {NULL, 0};
    if (!r) {
        log_warn("limit: %s", err.text);
        v->action = VERDICT_REFUSE;
        v->reply = STR("451 4.3.0 Limits can't be looked up just now, try again");
    } else if (db_get_str(r, 0, 0).n) {
        bool never = db_get_bool(r, 0, 1);
        refuse(s, v, never ? "550 5.7.1" : "452 4.7.1", reason(s, arena_str(a, db_get_str(r, 0, 0)), never));
        if (!db_get_null(r, 0, 2))
            alarmed = arena_str(a, db_get_str(r, 0, 2));
    }
    PQclear(r);
    if (c)
        db_release(s->mta->db, c);
    if (alarmed.p)
        alarm_mail(s->mta, a, alarmed);
}

const struct examiner limit_examiner = {.name = "limit", .examine = {[STAGE_DATA] = at_data}};
