/* The list of domains, and a new one. */
#include "admin/admin.h"
#include "admin/common.h"
#include "admin/list.h"
#include "admin/tenants.h"
#include "directory/address.h"
#include "directory/admin.h"
#include "page.h"

#define FOUND "($2 = '' OR strpos(name, $2) > 0 OR strpos(display, $2) > 0)"
#define ROWS(where, order)                                                                                             \
    "SELECT d.id, d.name, d.display, d.kind::text, d.active, t.name, t.id, coalesce(o.display, d.relay_host, ''),"     \
    " " COUNTED("account WHERE domain_id = d.id ORDER BY local_part COLLATE \"C\"", 1000) ", " COUNTED(                \
        "alias WHERE domain_id = d.id",                                                                                \
        1000) ","                                                                                                      \
              " d.created_at, t.suspended"                                                                             \
              " FROM (SELECT * FROM domain WHERE " where " AND " FOUND " ORDER BY " order " LIMIT " LIST_LIMIT ") d"   \
              " JOIN tenant t ON t.id = d.tenant_id LEFT JOIN domain o ON o.id = d.target_id ORDER BY d." order

/* [within one tenant][by: name, created][downwards] */
static const struct db_statement LIST[2][2][2] = {
    {{{"web_domains_up", ROWS("name COLLATE \"C\" > $1", "name COLLATE \"C\"")},
      {"web_domains_down", ROWS("name COLLATE \"C\" < $1", "name COLLATE \"C\" DESC")}},
     {{"web_domains_old", ROWS("id > $1", "id")}, {"web_domains_new", ROWS("id < $1", "id DESC")}}},
    {{{"web_tenant_domains_up", ROWS("tenant_id = $3 AND name COLLATE \"C\" > $1", "name COLLATE \"C\"")},
      {"web_tenant_domains_down", ROWS("tenant_id = $3 AND name COLLATE \"C\" < $1", "name COLLATE \"C\" DESC")}},
     {{"web_tenant_domains_old", ROWS("tenant_id = $3 AND id > $1", "id")},
      {"web_tenant_domains_new", ROWS("tenant_id = $3 AND id < $1", "id DESC")}}},
};

static PGresult *query(struct exchange *x, const struct list *l, int64_t tenant_id) {
    bool by_age = str_eq(l->sort, STR("created"));
    struct db_params p = {0};
    if (by_age)
        db_int8(&p, list_from_number(l));
    else
        db_text(&p, list_from(l));
    db_text(&p, arena_lower(&x->arena, l->search));
    if (tenant_id)
        db_int8(&p, tenant_id);
    return exchange_query_db(x, &LIST[tenant_id != 0][by_age][l->scan_down], &p);
}

static void show_row(struct exchange *x, struct dict *list, const PGresult *r, int row) {
    struct dict *d = dict_section(list, "DOMAIN");
    struct arena *a = &x->arena;
    struct str name = db_get_str(r, row, 1), display = db_get_str(r, row, 2), kind = db_get_str(r, row, 3);
    dict_set_int(d, "ID", db_get_int8(r, row, 0));
    dict_set(d, "DISPLAY", display);
    if (!str_eq(name, display))
        dict_set(dict_section(d, "ASCII"), "NAME", name);
    bool active = db_get_bool(r, row, 4), suspended = db_get_bool(r, row, 11);
    dict_show_if(d, "ON", active && !suspended);
    dict_show_if(d, "OFF", !active);
    dict_show_if(d, "SUSPENDED", active && suspended);
    if (x->actor.role == ROLE_PROVIDER) {
        struct dict *tenant = dict_section(d, "TENANT");
        dict_set(tenant, "NAME", db_get_str(r, row, 5));
        dict_set_int(tenant, "ID", db_get_int8(r, row, 6));
    }
    struct str target = db_get_str(r, row, 7);
    if (str_eq(kind, STR("hosted"))) {
        struct dict *hosted = dict_section(d, "HOSTED");
        dict_set(hosted, "MAILBOXES", bounded_text(a, db_get_int8(r, row, 8), 1000));
        dict_set(hosted, "ALIASES", bounded_text(a, db_get_int8(r, row, 9), 1000));
    } else {
        struct dict *other = dict_section(d, str_eq(kind, STR("alias")) ? "STANDS_FOR" : "RELAYED");
        dict_set(other, "TARGET", target.n > 0 ? target : STR("its MX"));
    }
    dict_time(d, "CREATED", db_get_time(r, row, 10));
}

static struct str row_key(struct exchange *x, const struct list *l, const PGresult *r, int row) {
    if (str_eq(l->sort, STR("created")))
        return arena_printf(&x->arena, "%lld", (long long)db_get_int8(r, row, 0));
    return arena_str(&x->arena, db_get_str(r, row, 1));
}

/* The provider may look at one reseller's; everybody else has one tenant, and saying so lets the database use its
 * index. */
static int64_t wanted_tenant(struct exchange *x, struct list *l) {
    uint64_t id;
    if (x->actor.role != ROLE_PROVIDER)
        return x->actor.tenant_id;
    struct str typed = exchange_query(x, "reseller");
    if (!str_u64(typed, &id) || id > INT64_MAX)
        return 0;
    list_keep(l, "reseller", typed);
    return (int64_t)id;
}

static void get_domains(struct exchange *x) {
    static const char *const SORTS[] = {"name", "created", NULL};
    struct list l;
    list_read(x, &l, SORTS, false);
    int64_t tenant_id = wanted_tenant(x, &l);
    PGresult *r = query(x, &l, tenant_id);
    if (!r)
        return;
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/domains.tpl", "Domains");
    struct str path = STR("/domains");
    int rows = list_take(&l, r);
    for (int i = 0; i < rows; i++)
        show_row(x, d, r, list_row(&l, i));
    if (rows > 0)
        list_pager(x, d, &l, path, row_key(x, &l, r, list_row(&l, 0)), row_key(x, &l, r, list_row(&l, rows - 1)));
    PQclear(r);
    list_state(d, &l);
    list_heading(x, d, &l, path, "name", "NAME");
    list_heading(x, d, &l, path, "created", "CREATED");
    dict_show_if(d, "MAY_ADD", x->actor.role & (ROLE_PROVIDER | ROLE_RESELLER));
    dict_show_if(d, "IS_PROVIDER", x->actor.role == ROLE_PROVIDER);
    if (x->actor.role == ROLE_PROVIDER && !tenants_choose(x, d, tenant_id))
        return;
    page_send(x);
}

/* ---- a new one ---- */

static struct dict *new_page(struct exchange *x) {
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/domain_new.tpl", "New domain");
    struct str kind = exchange_form(x, "kind");
    dict_set(d, "NAME", exchange_form(x, "name"));
    dict_set(d, "STANDS_FOR", exchange_form(x, "stands_for"));
    dict_set(d, "RELAY_HOST", exchange_form(x, "relay_host"));
    dict_show_if(d, "HOSTED", !str_eq(kind, STR("alias")) && !str_eq(kind, STR("relay")));
    dict_show_if(d, "ALIAS", str_eq(kind, STR("alias")));
    dict_show_if(d, "RELAY", str_eq(kind, STR("relay")));
    if (x->actor.role != ROLE_PROVIDER)
        return d;
    uint64_t chosen = 0;
    struct str typed = exchange_is_post(x) ? exchange_form(x, "reseller") : exchange_query(x, "reseller");
    if (!str_u64(typed, &chosen) || chosen > INT64_MAX)
        chosen = 0;
    dict_show(d, "IS_PROVIDER");
    return tenants_choose(x, d, (int64_t)chosen) ? d : NULL;
}

static void get_new(struct exchange *x) {
    if (new_page(x))
        page_send(x);
}

/* At which field a refused domain's sentence belongs: found by looking at the parts alone. */
static const char *problem_field(struct exchange *x, struct str name, struct str kind, struct str target) {
    struct str ascii;
    if (!domain_to_ascii(&x->arena, name, &ascii, NULL))
        return "NAME_PROBLEM";
    if (str_eq(kind, STR("alias")) && (target.n == 0 || !domain_to_ascii(&x->arena, target, &ascii, NULL)))
        return "ALIAS_PROBLEM";
    return "PROBLEM";
}

static void post_new(struct exchange *x) {
    struct err err;
    struct str name = exchange_form(x, "name"), kind = exchange_form(x, "kind"), target = STR("");
    int64_t tenant_id = x->actor.tenant_id;
    if (x->actor.role == ROLE_PROVIDER && !tenants_chosen(x, &tenant_id)) {
        err_set(&err, "choose the reseller that the domain belongs to");
        form_refused(x, new_page(x), "TENANT_PROBLEM", &err);
        return;
    }
    if (str_eq(kind, STR("alias")))
        target = exchange_form(x, "stands_for");
    else if (str_eq(kind, STR("relay")))
        target = exchange_form(x, "relay_host");
    int64_t id = admin_domain_add(x->db, tenant_id, name, kind, target, &err);
    enum outcome outcome = admin_outcome(x, id, &err);
    if (outcome == OUTCOME_DONE) {
        page_flash(x, "The domain %.*s is here, and so is its DNS zone.", STR_ARG(name));
        exchange_redirect(x, "/domains/%lld", (long long)id);
        return;
    }
    if (outcome == OUTCOME_REFUSED)
        form_refused(x, new_page(x), problem_field(x, name, kind, target), &err);
}

const struct route domains_routes[] = {
    {METHOD_GET, "/domains", get_domains, ROUTE_MANAGERS},
    {METHOD_GET, "/domains/new", get_new, ROLE_PROVIDER | ROLE_RESELLER},
    {METHOD_POST, "/domains/new", post_new, ROLE_PROVIDER | ROLE_RESELLER},
    {0},
};
