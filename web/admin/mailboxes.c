/* Lists of mailboxes: those of a domain, and all that the actor sees, for looking one up by its address or name. */
#include "admin/admin.h"
#include "admin/common.h"
#include "admin/domain.h"
#include "admin/list.h"
#include "directory/address.h"
#include "page.h"

/* $2 is looked for within the local part, the name and, when it has an @, the whole address. */
#define FOUND                                                                                                          \
    "($2 = '' OR strpos(a.local_part, $2) > 0 OR strpos(lower(a.name), $2) > 0"                                        \
    " OR (strpos($2, '@') > 0 AND strpos(a.local_part || '@' || (SELECT o.name FROM domain o WHERE o.id = "            \
    "a.domain_id), $2) > 0))"
#define ROWS(where, order)                                                                                             \
    "SELECT a.id, a.local_part, d.name, d.display, a.name, a.active, a.quota_bytes, coalesce(u.bytes, 0), d.active"    \
    " FROM (SELECT a.id, a.domain_id, a.local_part, a.name, a.active, a.quota_bytes FROM account a WHERE " where       \
    " AND " FOUND " ORDER BY " order " LIMIT " LIST_LIMIT ") a"                                                        \
    " JOIN domain d ON d.id = a.domain_id LEFT JOIN account_usage u ON u.account_id = a.id ORDER BY " order
#define UPWARDS "a.local_part COLLATE \"C\", a.id"
#define DOWNWARDS "a.local_part COLLATE \"C\" DESC, a.id DESC"
#define ABOVE "(a.local_part COLLATE \"C\", a.id) > ($1, $3)"
#define BELOW "(a.local_part COLLATE \"C\", a.id) < ($1, $3)"

/* Those who got a warning (lib/quota/quota.h): found by the index of the few that did. */
#define FULL "a.id IN (SELECT w.account_id FROM account_usage w WHERE w.warned > 0) AND "
#define IN_TENANT "a.tenant_id = $4 AND "
#define IN_DOMAIN "a.domain_id = $4 AND "
#define BOTH_WAYS(name, where)                                                                                         \
    {                                                                                                                  \
        {"web_" name "_up", ROWS(where ABOVE, UPWARDS)}, { "web_" name "_down", ROWS(where BELOW, DOWNWARDS) }         \
    }

/* [nearly full only][all, of a tenant, of a domain][downwards] */
static const struct db_statement LIST[2][3][2] = {
    {BOTH_WAYS("accounts", ""), BOTH_WAYS("tenant_accounts", IN_TENANT), BOTH_WAYS("domain_accounts", IN_DOMAIN)},
    {BOTH_WAYS("full_accounts", FULL), BOTH_WAYS("full_tenant_accounts", FULL IN_TENANT),
     BOTH_WAYS("full_domain_accounts", FULL IN_DOMAIN)},
};
enum scope { SCOPE_ALL, SCOPE_TENANT, SCOPE_DOMAIN };
static const char *const SORTS[] = {"address", NULL};

/* "full=1": only those that are nearly full. */
static bool wants_full(const struct exchange *x) { return str_eq(exchange_query(x, "full"), STR("1")); }

/* The cursor is "id local-part". */
static PGresult *query(struct exchange *x, const struct list *l, enum scope scope, int64_t of) {
    uint64_t id = l->scan_down ? INT64_MAX : 0;
    struct str local = list_from(l);
    ptrdiff_t blank = str_chr(l->cursor, ' ');
    if (blank > 0 && str_u64(str_sub(l->cursor, 0, (size_t)blank), &id) && id <= INT64_MAX)
        local = str_sub(l->cursor, (size_t)blank + 1, l->cursor.n);
    struct db_params p = {0};
    db_text(&p, local);
    db_text(&p, arena_lower(&x->arena, l->search));
    db_int8(&p, (int64_t)id);
    if (scope != SCOPE_ALL)
        db_int8(&p, of);
    return exchange_query_db(x, &LIST[wants_full(x)][scope][l->scan_down], &p);
}

static struct str row_key(struct exchange *x, const PGresult *r, int row) {
    return arena_printf(&x->arena, "%lld %.*s", (long long)db_get_int8(r, row, 0), STR_ARG(db_get_str(r, row, 1)));
}

static void show_usage(struct exchange *x, struct dict *d, int64_t used, bool limited, int64_t quota) {
    struct dict *usage = dict_section(d, limited ? "LIMITED" : "UNLIMITED");
    dict_set(usage, "USED", size_text(&x->arena, used));
    if (!limited)
        return;
    int64_t percent = quota > 0 ? used * 100 / quota : 100;
    dict_set(usage, "QUOTA", size_text(&x->arena, quota));
    dict_set_int(usage, "PERCENT", percent > 100 ? 100 : percent);
}

static void show_row(struct exchange *x, struct dict *list, const PGresult *r, int row) {
    struct dict *d = dict_section(list, "MAILBOX");
    dict_set_int(d, "ID", db_get_int8(r, row, 0));
    struct str address = address_format(&x->arena, db_get_str(r, row, 1), db_get_str(r, row, 3));
    dict_set(d, "ADDRESS", address);
    dict_set(d, "NAME", db_get_str(r, row, 4));
    bool active = db_get_bool(r, row, 5), domain_active = db_get_bool(r, row, 8);
    dict_show_if(d, "ON", active && domain_active);
    dict_show_if(d, "OFF", !active);
    dict_show_if(d, "DOMAIN_OFF", active && !domain_active);
    show_usage(x, d, db_get_int8(r, row, 7), !db_get_null(r, row, 6), db_get_int8(r, row, 6));
}

static void show_list(struct exchange *x, struct dict *d, struct list *l, const PGresult *r, struct str path) {
    struct dict *list = dict_include(d, "LIST", "admin/mailbox_list.tpl");
    int rows = list_take(l, r);
    for (int i = 0; i < rows; i++)
        show_row(x, list, r, list_row(l, i));
    if (rows > 0)
        list_pager(x, list, l, path, row_key(x, r, list_row(l, 0)), row_key(x, r, list_row(l, rows - 1)));
    list_heading(x, list, l, path, "address", "ADDRESS");
    list_state(list, l);
    dict_set(d, "SEARCH", l->search);
    dict_show_if(d, "SEARCHED", l->search.n > 0 || wants_full(x));
    dict_show_if(d, "FULL", wants_full(x));
    dict_show_if(d, "ALL", !wants_full(x));
}

static void get_domain_mailboxes(struct exchange *x) {
    struct domain domain;
    struct list l;
    if (!domain_load(x, exchange_id(x, "domain"), &domain))
        return;
    list_read(x, &l, SORTS, false);
    list_keep(&l, "full", wants_full(x) ? STR("1") : STR(""));
    PGresult *r = query(x, &l, SCOPE_DOMAIN, domain.id);
    if (!r)
        return;
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/domain_mailboxes.tpl", "Mailboxes");
    page_title(x, arena_printf(&x->arena, "Mailboxes of %.*s", STR_ARG(domain.display)));
    domain_head(x, d, &domain, DOMAIN_MAILBOXES);
    dict_set_int(d, "ID", domain.id);
    show_list(x, d, &l, r, arena_printf(&x->arena, "/domains/%lld/mailboxes", (long long)domain.id));
    PQclear(r);
    page_send(x);
}

static void get_mailboxes(struct exchange *x) {
    struct list l;
    list_read(x, &l, SORTS, false);
    list_keep(&l, "full", wants_full(x) ? STR("1") : STR(""));
    bool all = x->actor.role == ROLE_PROVIDER;
    PGresult *r = query(x, &l, all ? SCOPE_ALL : SCOPE_TENANT, x->actor.tenant_id);
    if (!r)
        return;
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/mailboxes.tpl", "Mailboxes");
    show_list(x, d, &l, r, STR("/mailboxes"));
    PQclear(r);
    page_send(x);
}

const struct route mailboxes_routes[] = {
    {METHOD_GET, "/domains/#domain/mailboxes", get_domain_mailboxes, ROUTE_MANAGERS},
    {METHOD_GET, "/mailboxes", get_mailboxes, ROUTE_OPERATORS},
    {0},
};
