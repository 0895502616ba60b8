/* Zones: the list of those without mail, a zone with its records, and its end. */
#include "admin/zone.h"

#include "admin/admin.h"
#include "admin/common.h"
#include "admin/domain.h"
#include "admin/list.h"
#include "admin/tenants.h"
#include "directory/address.h"
#include "directory/admin.h"
#include "page.h"

static const struct db_statement LOAD = {
    "web_zone",
    "SELECT id, domain_id, name, primary_ns, serial, ttl, exported_at, coalesce(problem, '') FROM zone WHERE id = $1"};

#define FOUND "($2 = '' OR strpos(name, $2) > 0 OR strpos(lower(rdata), $2) > 0 OR type = upper($2))"
#define KEY "(name COLLATE \"C\", id)"
#define RECORDS(compare, order)                                                                                        \
    "SELECT id, name, type, ttl, rdata, managed FROM record WHERE zone_id = $4 AND " KEY " " compare                   \
    " ($1, $3) AND " FOUND " ORDER BY name COLLATE \"C\"" order ", id" order " LIMIT " LIST_LIMIT
static const struct db_statement LIST[2] = {{"web_records_up", RECORDS(">", "")},
                                            {"web_records_down", RECORDS("<", " DESC")}};

#define ZONES(compare, order)                                                                                          \
    "SELECT z.id, z.name, z.serial, coalesce(z.problem, ''), t.name, " COUNTED(                                        \
        "record WHERE zone_id = z.id",                                                                                 \
        1000) " FROM zone z JOIN tenant t ON t.id = z.tenant_id WHERE z.domain_id IS NULL AND z.name COLLATE "         \
              "\"C\" " compare " $1 AND ($2 = '' OR strpos(z.name, $2) > 0) ORDER BY z.name COLLATE \"C\"" order       \
              " LIMIT " LIST_LIMIT
static const struct db_statement ZONE_LIST[2] = {{"web_zones_up", ZONES(">", "")},
                                                 {"web_zones_down", ZONES("<", " DESC")}};

bool zone_info_load(struct exchange *x, struct zone_info *out) {
    struct db_params p = {0};
    db_int8(&p, exchange_id(x, "zone"));
    PGresult *r = exchange_query_db(x, &LOAD, &p);
    if (!r)
        return false;
    bool found = PQntuples(r) == 1;
    if (found)
        *out = (struct zone_info){.id = db_get_int8(r, 0, 0),
                                  .domain_id = db_get_int8(r, 0, 1),
                                  .name = arena_str(&x->arena, db_get_str(r, 0, 2)),
                                  .primary_ns = arena_str(&x->arena, db_get_str(r, 0, 3)),
                                  .serial = db_get_int8(r, 0, 4),
                                  .ttl = db_get_int8(r, 0, 5),
                                  .exported_at = db_get_null(r, 0, 6) ? 0 : db_get_time(r, 0, 6),
                                  .problem = arena_str(&x->arena, db_get_str(r, 0, 7))};
    else
        exchange_not_found(x);
    PQclear(r);
    return found;
}

/* ---- a zone with its records ---- */

static bool show_head(struct exchange *x, struct dict *d, const struct zone_info *z) {
    if (z->domain_id) {
        struct domain domain;
        if (!domain_load(x, z->domain_id, &domain))
            return false;
        domain_head(x, d, &domain, DOMAIN_RECORDS);
        return true;
    }
    struct dict *head = dict_include(d, "HEAD", "admin/zone_head.tpl");
    dict_set(head, "ZONE", domain_to_display(&x->arena, z->name));
    dict_set_int(head, "ID", z->id);
    return true;
}

static void show_state(struct dict *d, const struct zone_info *z) {
    dict_set_int(d, "SERIAL", z->serial);
    dict_set_int(d, "TTL", z->ttl);
    dict_set(d, "PRIMARY", z->primary_ns);
    if (z->exported_at)
        dict_time(dict_section(d, "EXPORTED"), "AT", z->exported_at);
    else
        dict_show(d, "NOT_EXPORTED");
    if (z->problem.n > 0)
        dict_set(dict_section(d, "PROBLEM"), "TEXT", z->problem);
}

static void show_record(struct dict *list, const struct zone_info *z, const PGresult *r, int row) {
    struct dict *d = dict_section(list, "RECORD");
    dict_set_int(d, "ID", db_get_int8(r, row, 0));
    dict_set_int(d, "ZONE_ID", z->id);
    dict_set(d, "NAME", db_get_str(r, row, 1));
    dict_set(d, "TYPE", db_get_str(r, row, 2));
    if (!db_get_null(r, row, 3))
        dict_set_int(dict_section(d, "OWN_TTL"), "TTL", db_get_int8(r, row, 3));
    dict_set(d, "VALUE", db_get_str(r, row, 4));
    dict_show_if(d, "MANAGED", db_get_bool(r, row, 5));
}

/* The cursor is "id name": names may hold blanks, as "\032", but ids do not. */
static PGresult *query_records(struct exchange *x, const struct list *l, const struct zone_info *z) {
    uint64_t id = l->scan_down ? INT64_MAX : 0;
    struct str name = list_from(l);
    ptrdiff_t blank = str_chr(l->cursor, ' ');
    if (blank > 0 && str_u64(str_sub(l->cursor, 0, (size_t)blank), &id) && id <= INT64_MAX)
        name = str_sub(l->cursor, (size_t)blank + 1, l->cursor.n);
    struct db_params p = {0};
    db_text(&p, name);
    db_text(&p, arena_lower(&x->arena, l->search));
    db_int8(&p, (int64_t)id);
    db_int8(&p, z->id);
    return exchange_query_db(x, &LIST[l->scan_down], &p);
}

static struct str record_key(struct exchange *x, const PGresult *r, int row) {
    return arena_printf(&x->arena, "%lld %.*s", (long long)db_get_int8(r, row, 0), STR_ARG(db_get_str(r, row, 1)));
}

static void get_zone(struct exchange *x) {
    static const char *const SORTS[] = {"name", NULL};
    struct zone_info z;
    struct list l;
    if (!zone_info_load(x, &z))
        return;
    list_read(x, &l, SORTS, false);
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/zone.tpl", "DNS");
    page_title(x, arena_printf(&x->arena, "DNS of %.*s", STR_ARG(z.name)));
    PGresult *r = show_head(x, d, &z) ? query_records(x, &l, &z) : NULL;
    if (!r)
        return;
    dict_set_int(d, "ID", z.id);
    show_state(d, &z);
    int rows = list_take(&l, r);
    for (int i = 0; i < rows; i++)
        show_record(d, &z, r, list_row(&l, i));
    if (rows > 0)
        list_pager(x, d, &l, arena_printf(&x->arena, "/zones/%lld", (long long)z.id), record_key(x, r, list_row(&l, 0)),
                   record_key(x, r, list_row(&l, rows - 1)));
    PQclear(r);
    list_state(d, &l);
    page_send(x);
}

/* ---- zones without mail ---- */

static void show_zone(struct exchange *x, struct dict *list, const PGresult *r, int row) {
    struct dict *d = dict_section(list, "ZONE");
    dict_set_int(d, "ID", db_get_int8(r, row, 0));
    dict_set(d, "NAME", domain_to_display(&x->arena, db_get_str(r, row, 1)));
    dict_set_int(d, "SERIAL", db_get_int8(r, row, 2));
    dict_show_if(d, "BROKEN", db_get_str(r, row, 3).n > 0);
    dict_show_if(d, "FINE", db_get_str(r, row, 3).n == 0);
    if (x->actor.role == ROLE_PROVIDER)
        dict_set(dict_section(d, "TENANT"), "NAME", db_get_str(r, row, 4));
    dict_set(d, "RECORDS", bounded_text(&x->arena, db_get_int8(r, row, 5), 1000));
}

static void get_zones(struct exchange *x) {
    static const char *const SORTS[] = {"name", NULL};
    struct list l;
    list_read(x, &l, SORTS, false);
    struct db_params p = {0};
    db_text(&p, list_from(&l));
    db_text(&p, arena_lower(&x->arena, l.search));
    PGresult *r = exchange_query_db(x, &ZONE_LIST[l.scan_down], &p);
    if (!r)
        return;
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/zones.tpl", "Zones without mail");
    int rows = list_take(&l, r);
    for (int i = 0; i < rows; i++)
        show_zone(x, d, r, list_row(&l, i));
    if (rows > 0)
        list_pager(x, d, &l, STR("/zones"), arena_str(&x->arena, db_get_str(r, list_row(&l, 0), 1)),
                   arena_str(&x->arena, db_get_str(r, list_row(&l, rows - 1), 1)));
    PQclear(r);
    list_state(d, &l);
    dict_show_if(d, "IS_PROVIDER", x->actor.role == ROLE_PROVIDER);
    page_send(x);
}

static struct dict *new_page(struct exchange *x) {
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/zone_new.tpl", "New zone");
    dict_set(d, "NAME", exchange_form(x, "name"));
    int64_t chosen = 0;
    tenants_chosen(x, &chosen);
    dict_show_if(d, "IS_PROVIDER", x->actor.role == ROLE_PROVIDER);
    return x->actor.role != ROLE_PROVIDER || tenants_choose(x, d, chosen) ? d : NULL;
}

static void get_new(struct exchange *x) {
    if (new_page(x))
        page_send(x);
}

static void post_new(struct exchange *x) {
    struct err err;
    int64_t tenant_id = x->actor.tenant_id, id = 0;
    if (x->actor.role == ROLE_PROVIDER && !tenants_chosen(x, &tenant_id))
        err_set(&err, "choose the reseller that the zone belongs to");
    else
        id = admin_zone_add(x->db, tenant_id, exchange_form(x, "name"), &err);
    enum outcome outcome = admin_outcome(x, id, &err);
    if (outcome == OUTCOME_DONE) {
        page_flash(x, "The zone %.*s is here.", STR_ARG(exchange_form(x, "name")));
        exchange_redirect(x, "/zones/%lld", (long long)id);
        return;
    }
    if (outcome == OUTCOME_REFUSED)
        form_refused(x, new_page(x), tenant_id ? "NAME_PROBLEM" : "TENANT_PROBLEM", &err);
}

static bool ask_delete(struct exchange *x, const struct zone_info *z) {
    struct arena *a = &x->arena;
    if (z->domain_id) {
        exchange_error(x, 404, "This is the zone of a domain: it goes with the domain.");
        return false;
    }
    struct confirmation c = {.title = "Delete this zone?",
                             .object = domain_to_display(a, z->name),
                             .button = "Delete the zone",
                             .action = arena_printf(a, "/zones/%lld/delete", (long long)z->id),
                             .cancel = arena_printf(a, "/zones/%lld", (long long)z->id),
                             .typed = domain_to_display(a, z->name)};
    struct dict *d = confirm_begin(x, &c);
    confirm_consequence(d, "All its records are deleted: the nameservers stop answering for it.");
    confirm_consequence(d, "This can't be undone.");
    return true;
}

static void get_delete(struct exchange *x) {
    struct zone_info z;
    if (zone_info_load(x, &z) && ask_delete(x, &z))
        page_send(x);
}

static void post_delete(struct exchange *x) {
    struct zone_info z;
    struct err err;
    if (!zone_info_load(x, &z))
        return;
    if (!confirm_typed(x, domain_to_display(&x->arena, z.name)) && !confirm_typed(x, z.name)) {
        if (ask_delete(x, &z))
            page_send(x);
        return;
    }
    switch (admin_outcome(x, admin_zone_remove(x->db, z.name, &err), &err)) {
    case OUTCOME_DONE:
        page_flash(x, "The zone %.*s is deleted.", STR_ARG(z.name));
        exchange_redirect(x, "/zones");
        break;
    case OUTCOME_REFUSED:
        exchange_error(x, 422, "%.*s", STR_ARG(sentence(&x->arena, err.text)));
        break;
    case OUTCOME_REPLIED:
        break;
    }
}

const struct route zone_routes[] = {
    {METHOD_GET, "/zones", get_zones, ROUTE_MANAGERS},
    {METHOD_GET, "/zones/new", get_new, ROLE_PROVIDER | ROLE_RESELLER},
    {METHOD_POST, "/zones/new", post_new, ROLE_PROVIDER | ROLE_RESELLER},
    {METHOD_GET, "/zones/#zone", get_zone, ROUTE_MANAGERS},
    {METHOD_GET, "/zones/#zone/delete", get_delete, ROLE_PROVIDER | ROLE_RESELLER},
    {METHOD_POST, "/zones/#zone/delete", post_delete, ROLE_PROVIDER | ROLE_RESELLER},
    {0},
};
