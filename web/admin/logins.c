/* How a mailbox logs in and what it may send: its app passwords and tokens, under whose addresses it sends, its limits.
 * The helpdesk sees it, and takes app passwords away. */
#include "admin/admin.h"
#include "admin/apps.h"
#include "admin/common.h"
#include "admin/send_limits.h"
#include "directory/address.h"
#include "directory/admin.h"
#include "page.h"

static const struct db_statement LOAD = {
    "web_logins", "SELECT a.id, a.local_part, d.name, a.sending_blocked, a.tenant_id FROM account a"
                  " JOIN domain d ON d.id = a.domain_id WHERE a.id = $1"};
static const struct db_statement SEND_AS = {
    "web_send_as", "SELECT id, address FROM send_as WHERE account_id = $1 ORDER BY address LIMIT 500"};
static const struct db_statement REMOVE_SEND_AS = {"web_send_as_remove",
                                                   "DELETE FROM send_as WHERE id = $1 AND account_id = $2"};
#define SENT(column, window, length)                                                                                   \
    "coalesce(CASE WHEN c." window " > now() - interval '" length "' THEN c." column " END, 0)"
static const struct db_statement LIMITS = {
    "web_limits",
    "SELECT own.messages_hour, own.messages_day, own.recipients_hour, own.recipients_day,"
    " l.messages_hour, l.messages_day, l.recipients_hour, l.recipients_day, " SENT(
        "hour_messages", "hour_at",
        "1 hour") ", " SENT("day_messages", "day_at",
                            "1 day") ", " SENT("hour_recipients", "hour_at",
                                               "1 hour") ", " SENT("day_recipients", "day_at",
                                                                   "1 day") " FROM send_limits('a', $1) l LEFT JOIN "
                                                                            "send_limit own ON own.account_id = $1"
                                                                            " LEFT JOIN send_count c ON c.kind = 'a' "
                                                                            "AND c.id = $1"};
static const struct db_statement SET_LIMITS = {
    "web_limits_set",
    "INSERT INTO send_limit AS l (tenant_id, account_id, messages_hour, messages_day, recipients_hour, recipients_day)"
    " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant_id, domain_id, account_id) DO UPDATE SET"
    " messages_hour = excluded.messages_hour, messages_day = excluded.messages_day,"
    " recipients_hour = excluded.recipients_hour, recipients_day = excluded.recipients_day"};
static const struct db_statement BLOCK = {"web_limits_block", "UPDATE account SET sending_blocked = $2 WHERE id = $1"};

static const char *const sent[] = {"SENT_MESSAGES_HOUR", "SENT_MESSAGES_DAY", "SENT_RECIPIENTS_HOUR",
                                   "SENT_RECIPIENTS_DAY"};

struct owner {
    int64_t id, tenant_id;
    struct str address, blocked;
};

static bool may_change(const struct exchange *x) { return x->actor.role & ROUTE_MANAGERS; }

static bool load(struct exchange *x, struct owner *o) {
    struct db_params p = {0};
    db_int8(&p, exchange_id(x, "account"));
    PGresult *r = exchange_query_db(x, &LOAD, &p);
    if (!r)
        return false;
    bool found = PQntuples(r) == 1;
    if (found)
        *o = (struct owner){
            .id = db_get_int8(r, 0, 0),
            .tenant_id = db_get_int8(r, 0, 4),
            .address = arena_str(&x->arena, address_format(&x->arena, db_get_str(r, 0, 1), db_get_str(r, 0, 2))),
            .blocked = arena_str(&x->arena, db_get_str(r, 0, 3))};
    else
        exchange_not_found(x);
    PQclear(r);
    return found;
}

static bool show_send_as(struct exchange *x, struct dict *d, const struct owner *o) {
    struct db_params p = {0};
    db_int8(&p, o->id);
    PGresult *r = exchange_query_db(x, &SEND_AS, &p);
    if (!r)
        return false;
    for (int i = 0; i < PQntuples(r); i++) {
        struct dict *one = dict_section(d, "SEND_AS");
        dict_set(one, "ADDRESS", db_get_str(r, i, 1));
        if (may_change(x)) {
            struct dict *change = dict_section(one, "REMOVE");
            dict_set_int(change, "ACCOUNT_ID", o->id);
            dict_set_int(change, "ID", db_get_int8(r, i, 0));
            dict_set(change, "ADDRESS", db_get_str(r, i, 1));
        }
    }
    PQclear(r);
    return true;
}

/* 0 is "none" to people. */
static struct str number(struct arena *a, int64_t n) { return n ? arena_printf(a, "%lld", (long long)n) : STR("none"); }

static bool show_limits(struct exchange *x, struct dict *d, const struct owner *o) {
    struct db_params p = {0};
    db_int8(&p, o->id);
    PGresult *r = exchange_query_db(x, &LIMITS, &p);
    if (!r)
        return false;
    struct dict *change = may_change(x) ? dict_section(d, "CHANGE") : NULL;
    for (int i = 0; i < SEND_LIMITS; i++) {
        struct str own = db_get_null(r, 0, i) ? STR("") : number(&x->arena, db_get_int8(r, 0, i));
        dict_set(d, send_limit_name[i], number(&x->arena, db_get_int8(r, 0, SEND_LIMITS + i)));
        dict_set(d, sent[i], count_text(&x->arena, db_get_int8(r, 0, 2 * SEND_LIMITS + i)));
        if (change)
            dict_set(change, send_limit_name[i], exchange_is_post(x) ? exchange_form(x, send_limit_field[i]) : own);
    }
    PQclear(r);
    if (!change)
        return true;
    dict_set_int(change, "ACCOUNT_ID", o->id);
    dict_show_if(change, o->blocked.n ? "IS_BLOCKED" : "IS_ALLOWED", true);
    return true;
}

static struct dict *logins_page(struct exchange *x, const struct owner *o) {
    bool only;
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/logins.tpl", "Logins and sending");
    struct str path = arena_printf(&x->arena, "/mailboxes/%lld/logins", (long long)o->id);
    dict_set_int(d, "ACCOUNT_ID", o->id);
    dict_set(d, "ADDRESS", o->address);
    if (o->blocked.n)
        dict_set(dict_section(d, "BLOCKED"), "WHY", o->blocked);
    struct dict *list = dict_include(d, "LIST", "admin/app_list.tpl");
    if (!apps_show(x, list, o->id, path, &only) || !show_send_as(x, d, o) || !show_limits(x, d, o))
        return NULL;
    dict_show_if(d, "ONLY", only);
    return d;
}

static void get_logins(struct exchange *x) {
    struct owner o;
    if (load(x, &o) && logins_page(x, &o))
        page_send(x);
}

static void back(struct exchange *x, const struct owner *o) {
    exchange_redirect(x, "/mailboxes/%lld/logins", (long long)o->id);
}

static void take_away(struct exchange *x, bool token) {
    struct owner o;
    if (!load(x, &o) || !apps_remove(x, o.id, token, exchange_id(x, "id")))
        return;
    page_flash(x, "It is removed, and works no more.");
    back(x, &o);
}

static void post_remove_app(struct exchange *x) { take_away(x, false); }
static void post_remove_token(struct exchange *x) { take_away(x, true); }

static void post_send_as(struct exchange *x) {
    struct owner o;
    struct err err;
    if (!load(x, &o))
        return;
    int64_t id = admin_send_as_add(x->db, o.address, exchange_form(x, "address"), &err);
    enum outcome outcome = admin_outcome(x, id, &err);
    if (outcome == OUTCOME_DONE) {
        page_flash(x, "It may send under this address now.");
        back(x, &o);
    } else if (outcome == OUTCOME_REFUSED) {
        form_refused(x, logins_page(x, &o), "ADDRESS_PROBLEM", &err);
    }
}

static void post_remove_send_as(struct exchange *x) {
    struct owner o;
    struct db_params p = {0};
    if (!load(x, &o))
        return;
    db_int8(&p, exchange_id(x, "id"));
    db_int8(&p, o.id);
    if (!change_row(x, &REMOVE_SEND_AS, &p))
        return;
    page_flash(x, "It may not send under this address any more.");
    back(x, &o);
}

static void post_limits(struct exchange *x) {
    struct owner o;
    struct err err;
    struct db_params p = {0};
    if (!load(x, &o))
        return;
    db_int8(&p, o.tenant_id);
    db_int8(&p, o.id);
    if (!send_limits_read(x, &p, &err)) {
        form_refused(x, logins_page(x, &o), "LIMIT_PROBLEM", &err);
        return;
    }
    if (db_exec(x->db, &SET_LIMITS, &p, &err) < 0) {
        exchange_database_error(x, &err);
        return;
    }
    page_flash(x, "The limits are saved.");
    back(x, &o);
}

static void post_block(struct exchange *x) {
    struct owner o;
    struct err err;
    struct db_params p = {0};
    if (!load(x, &o))
        return;
    db_int8(&p, o.id);
    db_text(&p, o.blocked.n ? STR("") : arena_printf(&x->arena, "by %.*s", STR_ARG(str_sub(x->actor.login, 0, 100))));
    if (db_exec(x->db, &BLOCK, &p, &err) < 0) {
        exchange_database_error(x, &err);
        return;
    }
    page_flash(x, o.blocked.n ? "It can send again." : "It can't send any more.");
    back(x, &o);
}

const struct route logins_routes[] = {
    {METHOD_GET, "/mailboxes/#account/logins", get_logins, ROUTE_OPERATORS},
    {METHOD_POST, "/mailboxes/#account/logins/#id/remove", post_remove_app, ROUTE_OPERATORS},
    {METHOD_POST, "/mailboxes/#account/logins/tokens/#id/remove", post_remove_token, ROUTE_OPERATORS},
    {METHOD_POST, "/mailboxes/#account/logins/send-as", post_send_as, ROUTE_MANAGERS},
    {METHOD_POST, "/mailboxes/#account/logins/send-as/#id/remove", post_remove_send_as, ROUTE_MANAGERS},
    {METHOD_POST, "/mailboxes/#account/logins/limits", post_limits, ROUTE_MANAGERS},
    {METHOD_POST, "/mailboxes/#account/logins/block", post_block, ROUTE_MANAGERS},
    {0},
};
