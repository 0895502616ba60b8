/* Allow and deny lists for incoming mail: those of the installation (providers), of a reseller, of a domain. */
#include "admin/admin.h"
#include "admin/common.h"
#include "admin/list.h"
#include "admin/tenants.h"
#include "directory/admin.h"
#include "page.h"

#define COLUMNS                                                                                                        \
    "l.id, l.action, l.kind, l.pattern, l.note, coalesce(d.display, ''), coalesce(t.name, ''), l.tenant_id IS NULL"
#define FROM_LIST                                                                                                      \
    " FROM access_list l LEFT JOIN domain d ON d.id = l.domain_id LEFT JOIN tenant t ON t.id = l.tenant_id"
#define ROWS(compare, order)                                                                                           \
    "SELECT " COLUMNS FROM_LIST " WHERE l.id " compare                                                                 \
    " $1 AND ($2 = '' OR strpos(lower(l.name || ' ' || l.note), $2)"                                                   \
    " > 0 OR strpos(lower(coalesce(d.display, '')), $2) > 0) ORDER BY l.id" order " LIMIT " LIST_LIMIT
static const struct db_statement LIST[2] = {{"web_access_up", ROWS(">", "")}, {"web_access_down", ROWS("<", " DESC")}};
static const struct db_statement LOAD = {"web_access_one", "SELECT " COLUMNS FROM_LIST " WHERE l.id = $1"};

struct choice {
    const char *value, *label;
};
static const struct choice ACTIONS[] = {
    {"allow", "Allow"}, {"deny", "Deny"}, {"greylist", "Greylist"}, {"no-greylist", "No greylisting"}};
static const struct choice KINDS[] = {{"sender", "Sender address or domain"},
                                      {"network", "Network of the client"},
                                      {"helo", "HELO name of the client"},
                                      {"any", "Everybody"}};
enum { ACTION_COUNT = sizeof ACTIONS / sizeof *ACTIONS, KIND_COUNT = sizeof KINDS / sizeof *KINDS };

static const char *label_of(const struct choice *choice, size_t count, struct str value) {
    for (size_t i = 0; i < count; i++)
        if (str_eq(value, str_of(choice[i].value)))
            return choice[i].label;
    return "";
}

/* ---- the list ---- */

static void show_row(struct dict *list, const PGresult *r, int row) {
    struct dict *d = dict_section(list, "ENTRY");
    struct str action = db_get_str(r, row, 1), kind = db_get_str(r, row, 2), domain = db_get_str(r, row, 5);
    dict_set_int(d, "ID", db_get_int8(r, row, 0));
    dict_set_c(d, "ACTION", label_of(ACTIONS, ACTION_COUNT, action));
    dict_show_if(d, "GOOD", str_eq(action, STR("allow")) || str_eq(action, STR("no-greylist")));
    dict_show_if(d, "BAD", str_eq(action, STR("deny")) || str_eq(action, STR("greylist")));
    dict_set_c(d, "KIND", label_of(KINDS, KIND_COUNT, kind));
    dict_set(d, "PATTERN", str_eq(kind, STR("any")) ? STR("everybody") : db_get_str(r, row, 3));
    if (db_get_str(r, row, 4).n)
        dict_set(dict_section(d, "NOTED"), "NOTE", db_get_str(r, row, 4));
    if (db_get_bool(r, row, 7))
        dict_set_c(d, "FOR", "all recipients");
    else
        dict_set(d, "FOR", domain.n ? domain : STR("all domains"));
    if (db_get_str(r, row, 6).n)
        dict_set(dict_section(d, "OF"), "TENANT", db_get_str(r, row, 6));
}

static void show_choices(struct dict *d, const char *section, const struct choice *choice, size_t count,
                         struct str chosen) {
    for (size_t i = 0; i < count; i++) {
        struct dict *one = dict_section(d, section);
        dict_set_c(one, "VALUE", choice[i].value);
        dict_set_c(one, "LABEL", choice[i].label);
        dict_show_if(one, "CHOSEN", str_eq(chosen, str_of(choice[i].value)));
    }
}

/* The form below the list, as it was typed. False: an error is in the reply. */
static bool show_form(struct exchange *x, struct dict *d) {
    int64_t tenant_id = 0;
    tenants_chosen(x, &tenant_id);
    show_choices(d, "ACTION_CHOICE", ACTIONS, ACTION_COUNT, exchange_form(x, "action"));
    show_choices(d, "KIND_CHOICE", KINDS, KIND_COUNT, exchange_form(x, "kind"));
    dict_set(d, "PATTERN", exchange_form(x, "pattern"));
    dict_set(d, "DOMAIN", exchange_form(x, "domain"));
    dict_set(d, "NOTE", exchange_form(x, "note"));
    dict_show_if(d, "DOMAIN_NEEDED", x->actor.role == ROLE_DOMAIN);
    dict_show_if(d, "DOMAIN_OPTIONAL", x->actor.role != ROLE_DOMAIN);
    if (x->actor.role != ROLE_PROVIDER)
        return true;
    return tenants_choose(x, dict_section(d, "IS_PROVIDER"), tenant_id);
}

/* err: why the form was refused, or NULL. */
static void show_page(struct exchange *x, const struct err *err) {
    static const char *const SORTS[] = {"id", NULL};
    struct list l;
    list_read(x, &l, SORTS, true);
    struct db_params p = {0};
    db_int8(&p, list_from_number(&l));
    db_text(&p, arena_lower(&x->arena, l.search));
    PGresult *r = exchange_query_db(x, &LIST[l.scan_down], &p);
    if (!r)
        return;
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/access.tpl", "Allow and deny lists");
    int rows = list_take(&l, r);
    for (int i = 0; i < rows; i++)
        show_row(d, r, list_row(&l, i));
    if (rows > 0)
        list_pager(x, d, &l, STR("/access"),
                   arena_printf(&x->arena, "%lld", (long long)db_get_int8(r, list_row(&l, 0), 0)),
                   arena_printf(&x->arena, "%lld", (long long)db_get_int8(r, list_row(&l, rows - 1), 0)));
    PQclear(r);
    list_state(d, &l);
    if (err)
        show_problem(x, d, "PROBLEM", err);
    if (show_form(x, d))
        page_send(x);
}

static void get_access(struct exchange *x) { show_page(x, NULL); }

/* ---- acts ---- */

static void post_new(struct exchange *x) {
    struct err err;
    int64_t tenant_id = x->actor.role == ROLE_PROVIDER ? 0 : x->actor.tenant_id, result = 0;
    struct str domain = exchange_form(x, "domain");
    if (x->actor.role == ROLE_PROVIDER)
        tenants_chosen(x, &tenant_id);
    if (x->actor.role == ROLE_DOMAIN && domain.n == 0)
        err_set(&err, "write which of your domains it is for");
    else
        result = admin_access_add(x->db, tenant_id, domain, exchange_form(x, "action"), exchange_form(x, "kind"),
                                  exchange_form(x, "pattern"), exchange_form(x, "note"), &err);
    enum outcome outcome = admin_outcome(x, result, &err);
    if (outcome == OUTCOME_DONE) {
        page_flash(x, "The entry is added and in effect.");
        exchange_redirect(x, "/access");
    } else if (outcome == OUTCOME_REFUSED) {
        show_page(x, &err);
    }
}

static void get_delete(struct exchange *x) {
    struct db_params p = {0};
    db_int8(&p, exchange_id(x, "entry"));
    PGresult *r = exchange_query_db(x, &LOAD, &p);
    if (!r)
        return;
    if (PQntuples(r) == 0) {
        exchange_not_found(x);
        PQclear(r);
        return;
    }
    struct arena *a = &x->arena;
    struct confirmation c = {.title = "Delete this entry?",
                             .object = arena_printf(a, "%s: %.*s", label_of(ACTIONS, ACTION_COUNT, db_get_str(r, 0, 1)),
                                                    STR_ARG(db_get_str(r, 0, 3))),
                             .button = "Delete the entry",
                             .action = arena_printf(a, "/access/%lld/delete", (long long)db_get_int8(r, 0, 0)),
                             .cancel = STR("/access")};
    PQclear(r);
    struct dict *d = confirm_begin(x, &c);
    confirm_consequence(d, "The rules for incoming mail decide again.");
    page_send(x);
}

static void post_delete(struct exchange *x) {
    struct err err;
    switch (admin_outcome(x, admin_access_remove(x->db, exchange_id(x, "entry"), &err), &err)) {
    case OUTCOME_DONE:
        page_flash(x, "The entry is deleted.");
        exchange_redirect(x, "/access");
        break;
    case OUTCOME_REFUSED:
        exchange_not_found(x);
        break;
    case OUTCOME_REPLIED:
        break;
    }
}

const struct route access_routes[] = {
    {METHOD_GET, "/access", get_access, ROUTE_MANAGERS},
    {METHOD_POST, "/access", post_new, ROUTE_MANAGERS},
    {METHOD_GET, "/access/#entry/delete", get_delete, ROUTE_MANAGERS},
    {METHOD_POST, "/access/#entry/delete", post_delete, ROUTE_MANAGERS},
    {0},
};
