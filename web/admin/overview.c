/* The first page after the login: how much there is, and what was changed lately. */
#include "admin/admin.h"
#include "admin/audit.h"
#include "admin/common.h"
#include "page.h"
#include "session/login.h"

/* Counting what everybody has takes its time once it is a lot: beyond 20,000 rows the provider sees the planner's
 * estimate. */
#define COUNT(table)                                                                                                   \
    "CASE WHEN $1 AND (SELECT reltuples FROM pg_class WHERE oid = 'public." table "'::regclass) > 20000"               \
    " THEN -(SELECT reltuples FROM pg_class WHERE oid = 'public." table                                                \
    "'::regclass)::bigint ELSE (SELECT count(*) FROM " table ") END"
static const struct db_statement COUNTS = {
    "web_counts", "SELECT " COUNT("domain") ", " COUNT("account") ", " COUNT(
                      "alias") ", (SELECT count(*) FROM queue_recipient),"
                               " (SELECT count(*) FROM queue_recipient WHERE status = 'held'), (SELECT count(*) FROM "
                               "zone WHERE problem IS NOT NULL)"};
/* Without the records that come with each new domain by themselves. */
static const struct db_statement LATEST = {
    "web_latest",
    "SELECT id, at, actor, coalesce(host(address), ''), action, object_kind, object_id, object_name, detail::text"
    " FROM audit WHERE ($1 OR tenant_id = $2) AND NOT (object_kind = 'record' AND detail @> '{\"managed\": [null, "
    "true]}')"
    " ORDER BY at DESC, id DESC LIMIT 8"};

/* Estimates come as negative numbers. */
static void set_count(struct exchange *x, struct dict *d, const char *name, const PGresult *r, int column) {
    int64_t n = db_get_int8(r, 0, column);
    struct str text = count_text(&x->arena, n < 0 ? -n : n);
    dict_set(d, name, n < 0 ? arena_printf(&x->arena, "≈ %.*s", STR_ARG(text)) : text);
}

static void show_counts(struct exchange *x, struct dict *d, const PGresult *r) {
    bool sees_queue = x->actor.role & (ROLE_PROVIDER | ROLE_RESELLER);
    set_count(x, d, "DOMAINS", r, 0);
    set_count(x, d, "MAILBOXES", r, 1);
    set_count(x, d, "ALIASES", r, 2);
    if (sees_queue) {
        struct dict *queue = dict_section(d, "QUEUE");
        set_count(x, queue, "WAITING", r, 3);
        if (db_get_int8(r, 0, 4) > 0)
            set_count(x, dict_section(queue, "HELD"), "COUNT", r, 4);
    }
    if (db_get_int8(r, 0, 5) > 0)
        set_count(x, dict_section(d, "BROKEN_ZONES"), "COUNT", r, 5);
}

static bool show_latest(struct exchange *x, struct dict *d) {
    if (!(x->actor.role & (ROLE_PROVIDER | ROLE_RESELLER)))
        return true;
    struct db_params p = {0};
    db_bool(&p, x->actor.role == ROLE_PROVIDER);
    db_int8(&p, x->actor.tenant_id);
    PGresult *r = exchange_query_db(x, &LATEST, &p);
    if (!r)
        return false;
    if (PQntuples(r) > 0) {
        dict_show(d, "LATEST");
        struct dict *entries = dict_include(d, "ENTRIES", "admin/audit_entries.tpl");
        for (int i = 0; i < PQntuples(r); i++)
            audit_show(x, entries, r, i);
    }
    PQclear(r);
    return true;
}

static void get_overview(struct exchange *x) {
    if (x->actor.role == ROLE_USER) {
        exchange_redirect(x, "%s", login_home(x->actor.role));
        return;
    }
    struct db_params p = {0};
    db_bool(&p, x->actor.role == ROLE_PROVIDER);
    PGresult *r = exchange_query_db(x, &COUNTS, &p);
    if (!r)
        return;
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/overview.tpl", "Overview");
    struct dict *counts = x->actor.role == ROLE_HELPDESK ? NULL : dict_section(d, "COUNTS");
    if (counts)
        show_counts(x, counts, r);
    dict_show_if(d, "HELPDESK", x->actor.role == ROLE_HELPDESK);
    dict_set(d, "NAME", x->actor.name.n > 0 ? x->actor.name : x->actor.login);
    PQclear(r);
    if (show_latest(x, d))
        page_send(x);
}

const struct route overview_routes[] = {
    {METHOD_GET, "/", get_overview, ROUTE_ANYONE},
    {0},
};
