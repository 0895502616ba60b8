/* Resellers (tenants): providers only. */
#include "admin/admin.h"
#include "admin/common.h"
#include "admin/list.h"
#include "directory/admin.h"
#include "page.h"

#define ROWS(compare, order)                                                                                           \
    "SELECT t.id, t.name, t.max_domains, t.suspended, t.created_at, " COUNTED(                                         \
        "domain WHERE tenant_id = t.id",                                                                               \
        1000) ", " COUNTED("account WHERE tenant_id = t.id ORDER BY local_part COLLATE \"C\", id",                     \
                           1000) " FROM (SELECT * FROM tenant WHERE name COLLATE \"C\" " compare                       \
                                 " $1 AND ($2 = '' OR strpos(lower(name), $2) > 0) ORDER BY name COLLATE \"C\"" order  \
                                 " LIMIT " LIST_LIMIT ") t ORDER BY t.name COLLATE \"C\"" order
static const struct db_statement LIST[2] = {{"web_tenants_up", ROWS(">", "")},
                                            {"web_tenants_down", ROWS("<", " DESC")}};
static const struct db_statement LOAD = {
    "web_tenant",
    "SELECT t.id, t.name, t.max_domains, t.suspended, t.created_at,"
    " (SELECT count(*) FROM domain WHERE tenant_id = t.id), (SELECT count(*) FROM account WHERE tenant_id = t.id),"
    " (SELECT count(*) FROM operator WHERE tenant_id = t.id) FROM tenant t WHERE t.id = $1"};

struct reseller {
    int64_t id, max_domains; /* -1: no limit */
    struct str name;
    bool suspended;
    int64_t created_at, domains, accounts, operators;
};

/* ---- the list ---- */

static void show_row(struct exchange *x, struct dict *list, const PGresult *r, int row) {
    struct dict *d = dict_section(list, "RESELLER");
    dict_set_int(d, "ID", db_get_int8(r, row, 0));
    dict_set(d, "NAME", db_get_str(r, row, 1));
    if (!db_get_null(r, row, 2))
        dict_set(dict_section(d, "LIMITED"), "MAX", count_text(&x->arena, db_get_int8(r, row, 2)));
    dict_show_if(d, "SUSPENDED", db_get_bool(r, row, 3));
    dict_show_if(d, "ON", !db_get_bool(r, row, 3));
    dict_time(d, "CREATED", db_get_time(r, row, 4));
    dict_set(d, "DOMAINS", bounded_text(&x->arena, db_get_int8(r, row, 5), 1000));
    dict_set(d, "MAILBOXES", bounded_text(&x->arena, db_get_int8(r, row, 6), 1000));
}

static void get_resellers(struct exchange *x) {
    static const char *const SORTS[] = {"name", NULL};
    struct list l;
    list_read(x, &l, SORTS, false);
    struct db_params p = {0};
    db_text(&p, list_from(&l));
    db_text(&p, arena_lower(&x->arena, l.search));
    PGresult *r = exchange_query_db(x, &LIST[l.scan_down], &p);
    if (!r)
        return;
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/resellers.tpl", "Resellers");
    int rows = list_take(&l, r);
    for (int i = 0; i < rows; i++)
        show_row(x, d, r, list_row(&l, i));
    if (rows > 0)
        list_pager(x, d, &l, STR("/resellers"), arena_str(&x->arena, db_get_str(r, list_row(&l, 0), 1)),
                   arena_str(&x->arena, db_get_str(r, list_row(&l, rows - 1), 1)));
    PQclear(r);
    list_state(d, &l);
    list_heading(x, d, &l, STR("/resellers"), "name", "NAME");
    page_send(x);
}

/* ---- a new one ---- */

static struct dict *new_page(struct exchange *x) {
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/reseller_new.tpl", "New reseller");
    dict_set(d, "NAME", exchange_form(x, "name"));
    dict_set(d, "LIMIT", exchange_form(x, "limit"));
    return d;
}

static void get_new(struct exchange *x) {
    new_page(x);
    page_send(x);
}

static void post_new(struct exchange *x) {
    struct err err;
    int32_t limit;
    int64_t id = 0;
    bool limit_good = limit_parse(exchange_form(x, "limit"), &limit, &err);
    if (limit_good)
        id = admin_tenant_add(x->db, exchange_form(x, "name"), limit, &err);
    enum outcome outcome = admin_outcome(x, id, &err);
    if (outcome == OUTCOME_DONE) {
        page_flash(x, "The reseller is here. Next it needs somebody who can log in.");
        exchange_redirect(x, "/operators/new?reseller=%lld", (long long)id);
    } else if (outcome == OUTCOME_REFUSED) {
        form_refused(x, new_page(x), limit_good ? "NAME_PROBLEM" : "LIMIT_PROBLEM", &err);
    }
}

/* ---- one of them ---- */

static bool load(struct exchange *x, struct reseller *out) {
    struct db_params p = {0};
    db_int8(&p, exchange_id(x, "reseller"));
    PGresult *r = exchange_query_db(x, &LOAD, &p);
    if (!r)
        return false;
    bool found = PQntuples(r) == 1;
    if (found)
        *out = (struct reseller){.id = db_get_int8(r, 0, 0),
                                 .name = arena_str(&x->arena, db_get_str(r, 0, 1)),
                                 .max_domains = db_get_null(r, 0, 2) ? -1 : db_get_int8(r, 0, 2),
                                 .suspended = db_get_bool(r, 0, 3),
                                 .created_at = db_get_time(r, 0, 4),
                                 .domains = db_get_int8(r, 0, 5),
                                 .accounts = db_get_int8(r, 0, 6),
                                 .operators = db_get_int8(r, 0, 7)};
    else
        exchange_not_found(x);
    PQclear(r);
    return found;
}

static struct dict *reseller_page(struct exchange *x, const struct reseller *one) {
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/reseller.tpl", "Reseller");
    page_title(x, one->name);
    struct arena *a = &x->arena;
    struct str limit = one->max_domains < 0 ? STR("") : arena_printf(a, "%lld", (long long)one->max_domains);
    dict_set_int(d, "ID", one->id);
    dict_set(d, "RESELLER", one->name);
    dict_set(d, "NAME", exchange_is_post(x) ? exchange_form(x, "name") : one->name);
    dict_set(d, "LIMIT", exchange_is_post(x) ? exchange_form(x, "limit") : limit);
    dict_set(d, "DOMAINS", count_text(a, one->domains));
    dict_set(d, "MAILBOXES", count_text(a, one->accounts));
    dict_set(d, "OPERATORS", count_text(a, one->operators));
    dict_time(d, "CREATED", one->created_at);
    dict_show_if(d, "SUSPENDED", one->suspended);
    dict_show_if(d, "ON", !one->suspended);
    return d;
}

static void get_reseller(struct exchange *x) {
    struct reseller one;
    if (load(x, &one)) {
        reseller_page(x, &one);
        page_send(x);
    }
}

static void post_reseller(struct exchange *x) {
    struct reseller one;
    struct err err;
    int32_t limit;
    int64_t result = 0;
    if (!load(x, &one))
        return;
    bool limit_good = limit_parse(exchange_form(x, "limit"), &limit, &err);
    if (limit_good)
        result = admin_tenant_change(x->db, one.name, exchange_form(x, "name"), limit, &err);
    enum outcome outcome = admin_outcome(x, result, &err);
    if (outcome == OUTCOME_DONE) {
        page_flash(x, "The reseller is saved.");
        exchange_redirect(x, "/resellers/%lld", (long long)one.id);
    } else if (outcome == OUTCOME_REFUSED) {
        form_refused(x, reseller_page(x, &one), limit_good ? "NAME_PROBLEM" : "LIMIT_PROBLEM", &err);
    }
}

static void refuse(struct exchange *x, const struct err *err) {
    exchange_error(x, 422, "%.*s", STR_ARG(sentence(&x->arena, err->text)));
}

static void suspend(struct exchange *x, bool suspended) {
    struct reseller one;
    struct err err;
    if (!load(x, &one))
        return;
    enum outcome outcome = admin_outcome(x, admin_tenant_suspend(x->db, one.name, suspended, &err), &err);
    if (outcome == OUTCOME_DONE) {
        page_flash(x,
                   suspended ? "%.*s is suspended: nobody of it can log in, its mail is refused." : "%.*s is on again.",
                   STR_ARG(one.name));
        exchange_redirect(x, "/resellers/%lld", (long long)one.id);
    } else if (outcome == OUTCOME_REFUSED) {
        refuse(x, &err);
    }
}

static void post_suspend(struct exchange *x) { suspend(x, true); }
static void post_resume(struct exchange *x) { suspend(x, false); }

static void ask_delete(struct exchange *x, const struct reseller *one) {
    struct arena *a = &x->arena;
    struct confirmation c = {.title = "Delete this reseller?",
                             .object = one->name,
                             .button = "Delete the reseller",
                             .action = arena_printf(a, "/resellers/%lld/delete", (long long)one->id),
                             .cancel = arena_printf(a, "/resellers/%lld", (long long)one->id),
                             .typed = one->name};
    struct dict *d = confirm_begin(x, &c);
    confirm_consequence(d, "Domains with their DNS zones: %.*s", STR_ARG(count_text(a, one->domains)));
    confirm_consequence(d, "Mailboxes with all their mail: %.*s", STR_ARG(count_text(a, one->accounts)));
    confirm_consequence(d, "Operators and their logins: %.*s", STR_ARG(count_text(a, one->operators)));
    confirm_consequence(d, "This can't be undone. To stop it and keep everything, suspend it instead.");
    page_send(x);
}

static void get_delete(struct exchange *x) {
    struct reseller one;
    if (load(x, &one))
        ask_delete(x, &one);
}

static void post_delete(struct exchange *x) {
    struct reseller one;
    struct err err;
    if (!load(x, &one))
        return;
    if (!confirm_typed(x, one.name)) {
        ask_delete(x, &one);
        return;
    }
    enum outcome outcome = admin_outcome(x, admin_tenant_remove(x->db, one.name, &err), &err);
    if (outcome == OUTCOME_DONE) {
        page_flash(x, "The reseller %.*s is deleted.", STR_ARG(one.name));
        exchange_redirect(x, "/resellers");
    } else if (outcome == OUTCOME_REFUSED) {
        refuse(x, &err);
    }
}

const struct route reseller_routes[] = {
    {METHOD_GET, "/resellers", get_resellers, ROLE_PROVIDER},
    {METHOD_GET, "/resellers/new", get_new, ROLE_PROVIDER},
    {METHOD_POST, "/resellers/new", post_new, ROLE_PROVIDER},
    {METHOD_GET, "/resellers/#reseller", get_reseller, ROLE_PROVIDER},
    {METHOD_POST, "/resellers/#reseller", post_reseller, ROLE_PROVIDER},
    {METHOD_POST, "/resellers/#reseller/suspend", post_suspend, ROLE_PROVIDER},
    {METHOD_POST, "/resellers/#reseller/resume", post_resume, ROLE_PROVIDER},
    {METHOD_GET, "/resellers/#reseller/delete", get_delete, ROLE_PROVIDER},
    {METHOD_POST, "/resellers/#reseller/delete", post_delete, ROLE_PROVIDER},
    {0},
};
