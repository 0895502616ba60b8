/* The audit log, newest first: who did what, found by object, person, kind and day. */
#include "admin/audit.h"
#include "admin/admin.h"
#include "admin/common.h"
#include "admin/list.h"
#include "base/clock.h"
#include "page.h"

#include <jansson.h>
#include <stdlib.h>

#define COLUMNS "id, at, actor, coalesce(host(address), ''), action, object_kind, object_id, object_name, detail::text"
#define FOUND                                                                                                          \
    " AND at >= $3 AND at < $4 AND ($5 = '' OR object_kind = $5)"                                                      \
    " AND ($6 = '' OR strpos(lower(object_name), $6) > 0 OR strpos(lower(actor), $6) > 0)"
#define OLDER "(at, id) < ($1, $2)" FOUND " ORDER BY at DESC, id DESC LIMIT " LIST_LIMIT
#define NEWER "(at, id) > ($1, $2)" FOUND " ORDER BY at, id LIMIT " LIST_LIMIT

/* [within one tenant][downwards: from new to old] */
static const struct db_statement LIST[2][2] = {
    {{"web_audit_newer", "SELECT " COLUMNS " FROM audit WHERE " NEWER},
     {"web_audit_older", "SELECT " COLUMNS " FROM audit WHERE " OLDER}},
    {{"web_tenant_audit_newer", "SELECT " COLUMNS " FROM audit WHERE tenant_id = $7 AND " NEWER},
     {"web_tenant_audit_older", "SELECT " COLUMNS " FROM audit WHERE tenant_id = $7 AND " OLDER}},
};

static const struct {
    const char *kind, *label, *page; /* page: where the object is looked at, before its id */
} KINDS[] = {{"account", "mailbox", "/mailboxes/"},
             {"access_token", "access token", NULL},
             {"access_list", "entry of the allow and deny lists", NULL},
             {"alias", "alias", NULL},
             {"app_password", "app password", NULL},
             {"dkim_key", "DKIM key", NULL},
             {"domain", "domain", "/domains/"},
             {"filter", "filter", "/filters/"},
             {"login_ban", "ban", NULL},
             {"mailbox_acl", "access to a folder", NULL},
             {"operator", "operator", "/operators/"},
             {"record", "DNS record", NULL},
             {"send_as", "permission to send as", NULL},
             {"send_limit", "limit of sending", NULL},
             {"sender_policy", "sender policy", NULL},
             {"setting", "setting", NULL},
             {"tenant", "reseller", "/resellers/"},
             {"zone", "DNS zone", "/zones/"}};
enum { KIND_COUNT = sizeof KINDS / sizeof *KINDS, MAX_DETAIL = 200 };

static const int64_t FAR = INT64_C(4102444800) * CLOCK_SECOND; /* the year 2100 */

/* ---- one entry ---- */

static const char *verb(struct str action) {
    if (str_eq(action, STR("insert")))
        return "added";
    return str_eq(action, STR("delete")) ? "deleted" : "changed";
}

/* A value of the detail as text: strings as they are, all else as JSON; long ones cut. */
static void set_value(struct dict *d, const char *section, const json_t *value) {
    if (json_is_null(value))
        return;
    char *encoded = json_is_string(value) ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    struct str text =
        json_is_string(value) ? str_n(json_string_value(value), json_string_length(value)) : str_of(encoded);
    struct str cut = str_sub(text, 0, MAX_DETAIL);
    while (cut.n > 0 && cut.n < text.n && !str_is_utf8(cut))
        cut.n--;
    struct dict *one = dict_section(d, section);
    dict_set(one, "VALUE", cut);
    dict_show_if(one, "CUT", cut.n < text.n);
    free(encoded);
}

static void show_detail(struct dict *d, struct str detail) {
    json_t *changes = json_loadb(detail.p, detail.n, 0, NULL), *value;
    const char *column;
    json_object_foreach(changes, column, value) {
        struct dict *one = dict_section(d, "CHANGE");
        dict_set_c(one, "COLUMN", column);
        if (json_is_array(value)) {
            set_value(one, "OLD", json_array_get(value, 0));
            set_value(one, "NEW", json_array_get(value, 1));
        } else {
            dict_show(one, "HIDDEN");
        }
    }
    json_decref(changes);
}

void audit_show(struct exchange *x, struct dict *list, const PGresult *r, int row) {
    struct dict *d = dict_section(list, "ENTRY");
    struct str action = db_get_str(r, row, 4), kind = db_get_str(r, row, 5), name = db_get_str(r, row, 7);
    dict_time(d, "AT", db_get_time(r, row, 1));
    dict_set(d, "ACTOR", db_get_str(r, row, 2));
    if (db_get_str(r, row, 3).n > 0)
        dict_set(dict_section(d, "FROM"), "ADDRESS", db_get_str(r, row, 3));
    dict_set_c(d, "VERB", verb(action));
    dict_set(d, "KIND", kind);
    bool gone = str_eq(action, STR("delete"));
    const char *page = NULL;
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (str_eq(kind, str_of(KINDS[i].kind))) {
            dict_set_c(d, "KIND", KINDS[i].label);
            page = gone ? NULL : KINDS[i].page;
        }
    }
    dict_set(d, "NAME", name.n > 0 ? name : STR("(without a name)"));
    if (page)
        dict_set(dict_section(d, "LINK"), "HREF",
                 arena_printf(&x->arena, "%s%lld", page, (long long)db_get_int8(r, row, 6)));
    show_detail(d, db_get_str(r, row, 8));
}

/* ---- the list ---- */

struct filter {
    struct str kind, from_text, to_text;
    int64_t from, to;
};

static void read_filter(struct exchange *x, struct list *l, struct filter *f) {
    static const char *const SORTS[] = {"time", NULL};
    list_read(x, l, SORTS, true);
    *f = (struct filter){.kind = exchange_query(x, "kind"), .from = 0, .to = FAR};
    list_keep(l, "kind", f->kind);
    struct str from = exchange_query(x, "from"), to = exchange_query(x, "to");
    if (day_parse(from, &f->from)) {
        f->from_text = from;
        list_keep(l, "from", from);
    }
    if (day_parse(to, &f->to)) {
        f->to += INT64_C(86400) * CLOCK_SECOND;
        f->to_text = to;
        list_keep(l, "to", to);
    } else {
        f->to = FAR;
    }
}

/* The cursor is "id microseconds". */
static PGresult *query(struct exchange *x, const struct list *l, const struct filter *f) {
    uint64_t id = l->scan_down ? INT64_MAX : 0, at = l->scan_down ? (uint64_t)FAR : 0;
    ptrdiff_t blank = str_chr(l->cursor, ' ');
    if (blank > 0) {
        struct str time_text = str_sub(l->cursor, (size_t)blank + 1, l->cursor.n);
        if (!str_u64(str_sub(l->cursor, 0, (size_t)blank), &id) || !str_u64(time_text, &at) || id > INT64_MAX ||
            at > (uint64_t)FAR)
            id = 0, at = 0;
    }
    struct db_params p = {0};
    db_time(&p, (int64_t)at);
    db_int8(&p, (int64_t)id);
    db_time(&p, f->from);
    db_time(&p, f->to);
    db_text(&p, f->kind);
    db_text(&p, arena_lower(&x->arena, l->search));
    bool one_tenant = x->actor.role != ROLE_PROVIDER;
    if (one_tenant)
        db_int8(&p, x->actor.tenant_id);
    return exchange_query_db(x, &LIST[one_tenant][l->scan_down], &p);
}

static struct str row_key(struct exchange *x, const PGresult *r, int row) {
    return arena_printf(&x->arena, "%lld %lld", (long long)db_get_int8(r, row, 0), (long long)db_get_time(r, row, 1));
}

static void get_audit(struct exchange *x) {
    struct list l;
    struct filter f;
    read_filter(x, &l, &f);
    PGresult *r = query(x, &l, &f);
    if (!r)
        return;
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/audit.tpl", "Audit log");
    int rows = list_take(&l, r);
    struct dict *entries = rows > 0 ? dict_include(d, "ENTRIES", "admin/audit_entries.tpl") : NULL;
    for (int i = 0; i < rows; i++)
        audit_show(x, entries, r, list_row(&l, i));
    if (rows > 0)
        list_pager(x, d, &l, STR("/audit"), row_key(x, r, list_row(&l, 0)), row_key(x, r, list_row(&l, rows - 1)));
    PQclear(r);
    list_state(d, &l);
    for (size_t i = 0; i < KIND_COUNT; i++) {
        struct dict *kind = dict_section(d, "KIND");
        dict_set_c(kind, "VALUE", KINDS[i].kind);
        dict_set_c(kind, "LABEL", KINDS[i].label);
        dict_show_if(kind, "CHOSEN", str_eq(f.kind, str_of(KINDS[i].kind)));
    }
    dict_set(d, "FROM", f.from_text);
    dict_set(d, "TO", f.to_text);
    page_send(x);
}

const struct route audit_routes[] = {
    {METHOD_GET, "/audit", get_audit, ROLE_PROVIDER | ROLE_RESELLER},
    {0},
};
