/* The first page after the login: how much there is, and what was changed lately. */
#include "admin/admin.h"
#include "admin/alarms.h"
#include "admin/audit.h"
#include "admin/common.h"
#include "page.h"
#include "session/login.h"

/* Counted to 10,000; beyond, the provider sees the planner's estimate (as a negative number), the others "10,000+". */
#define ESTIMATE(table) "(SELECT reltuples FROM pg_class WHERE oid = 'public." table "'::regclass)"
#define COUNT_ALL(table)                                                                                               \
    "CASE WHEN " ESTIMATE(table) " > 10000 THEN -" ESTIMATE(table) "::bigint ELSE " COUNTED(table, 10000) " END"
#define COUNT_OWN(table) COUNTED(table " WHERE tenant_id = $1", 10000)
/* clang-format off */
#define COUNTS(name, count) {name, "SELECT " count("domain") ", " count("account") ", " count("alias") ", "            \
    COUNTED("queue_recipient", 1000) ", " COUNTED("zone WHERE problem IS NOT NULL", 1000) ", "                           \
    COUNTED("account_usage WHERE warned > 0", 1000)}
/* clang-format on */
static const struct db_statement COUNT_OF_ALL = COUNTS("web_counts", COUNT_ALL),
                                 COUNT_OF_OWN = COUNTS("web_own_counts", COUNT_OWN);
/* Without the records that come with each new domain by themselves. */
static const struct db_statement LATEST = {
    "web_latest",
    "SELECT id, at, actor, coalesce(host(address), ''), action, object_kind, object_id, object_name, detail::text"
    " FROM audit WHERE ($1 OR tenant_id = $2) AND NOT (object_kind = 'record' AND detail @> '{\"managed\": [null, "
    "true]}')"
    " ORDER BY at DESC, id DESC LIMIT 8"};

static struct str number(struct exchange *x, const PGresult *r, int column, int64_t bound) {
    int64_t n = db_get_int8(r, 0, column);
    if (n < 0)
        return arena_printf(&x->arena, "≈ %.*s", STR_ARG(count_text(&x->arena, -n)));
    return bounded_text(&x->arena, n, bound);
}

static void show_counts(struct exchange *x, struct dict *d, const PGresult *r) {
    dict_set(d, "DOMAINS", number(x, r, 0, 10000));
    dict_set(d, "MAILBOXES", number(x, r, 1, 10000));
    dict_set(d, "ALIASES", number(x, r, 2, 10000));
    if (x->actor.role & (ROLE_PROVIDER | ROLE_RESELLER))
        dict_set(dict_section(d, "QUEUE"), "WAITING", number(x, r, 3, 1000));
    if (db_get_int8(r, 0, 4) > 0)
        dict_set(dict_section(d, "BROKEN_ZONES"), "COUNT", number(x, r, 4, 1000));
    if (db_get_int8(r, 0, 5) > 0)
        dict_set(dict_section(d, "FULL_MAILBOXES"), "COUNT", number(x, r, 5, 1000));
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
    bool all = x->actor.role == ROLE_PROVIDER;
    struct db_params p = {0};
    if (!all)
        db_int8(&p, x->actor.tenant_id);
    PGresult *r = exchange_query_db(x, all ? &COUNT_OF_ALL : &COUNT_OF_OWN, &p);
    if (!r)
        return;
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/overview.tpl", "Overview");
    struct dict *counts = x->actor.role == ROLE_HELPDESK ? NULL : dict_section(d, "COUNTS");
    if (counts)
        show_counts(x, counts, r);
    dict_show_if(d, "HELPDESK", x->actor.role == ROLE_HELPDESK);
    dict_set(d, "NAME", x->actor.name.n > 0 ? x->actor.name : x->actor.login);
    PQclear(r);
    if (alarms_show(x, d) && show_latest(x, d))
        page_send(x);
}

const struct route overview_routes[] = {
    {METHOD_GET, "/", get_overview, ROUTE_ANYONE},
    {0},
};
