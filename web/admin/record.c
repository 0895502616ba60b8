/* One DNS record: adding, changing, deleting. */
#include "admin/admin.h"
#include "admin/common.h"
#include "admin/zone.h"
#include "directory/address.h"
#include "directory/admin.h"
#include "page.h"
#include "zone/zone.h"

static const struct db_statement LOAD = {
    "web_record", "SELECT name, type, ttl, rdata, managed FROM record WHERE zone_id = $1 AND id = $2"};

struct record {
    int64_t id;                        /* 0: a new one */
    struct str name, type, ttl, value; /* as typed, or as stored */
    bool managed;
};

static bool load(struct exchange *x, const struct zone_info *z, struct record *out) {
    struct db_params p = {0};
    out->id = exchange_id(x, "record");
    db_int8(&p, z->id);
    db_int8(&p, out->id);
    PGresult *r = exchange_query_db(x, &LOAD, &p);
    if (!r)
        return false;
    bool found = PQntuples(r) == 1;
    if (found) {
        struct arena *a = &x->arena;
        out->name = arena_str(a, db_get_str(r, 0, 0));
        out->type = arena_str(a, db_get_str(r, 0, 1));
        out->ttl = db_get_null(r, 0, 2) ? STR("") : arena_printf(a, "%lld", (long long)db_get_int8(r, 0, 2));
        out->value = arena_str(a, db_get_str(r, 0, 3));
        out->managed = db_get_bool(r, 0, 4);
    } else {
        exchange_not_found(x);
    }
    PQclear(r);
    return found;
}

static void read_form(struct exchange *x, struct record *record) {
    record->name = exchange_form(x, "name");
    record->type = exchange_form(x, "type");
    record->ttl = exchange_form(x, "ttl");
    record->value = exchange_form(x, "value");
    if (record->name.n == 0)
        record->name = STR("@");
}

static struct dict *form_page(struct exchange *x, const struct zone_info *z, const struct record *record) {
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/record.tpl", record->id ? "DNS record" : "New DNS record");
    struct dict *old = dict_section(d, record->id ? "OLD" : "NEW");
    dict_set_int(d, "ZONE_ID", z->id);
    dict_set(d, "ZONE", domain_to_display(&x->arena, z->name));
    dict_set_int(old, "ID", record->id);
    dict_set_int(d, "ZONE_TTL", z->ttl);
    dict_set(d, "NAME", record->name);
    dict_set(d, "TTL", record->ttl);
    dict_set(d, "VALUE", record->value);
    dict_show_if(d, "MANAGED", record->managed);
    for (const char *const *type = zone_types(); *type; type++) {
        struct dict *one = dict_section(d, "TYPE");
        dict_set_c(one, "NAME", *type);
        dict_show_if(one, "CHOSEN", str_eq(record->type, str_of(*type)));
    }
    return d;
}

static void get_new(struct exchange *x) {
    struct zone_info z;
    if (!zone_info_load(x, &z))
        return;
    struct record record = {.name = STR(""), .type = STR("A"), .ttl = STR(""), .value = STR("")};
    form_page(x, &z, &record);
    page_send(x);
}

static void get_record(struct exchange *x) {
    struct zone_info z;
    struct record record;
    if (!zone_info_load(x, &z) || !load(x, &z, &record))
        return;
    form_page(x, &z, &record);
    page_send(x);
}

/* At which field the sentence belongs, found by trying the parts with others that are surely good. */
static const char *problem_field(struct exchange *x, const struct zone_info *z, const struct record *r) {
    struct zone_record out;
    if (!zone_record_check(&x->arena, z->name, r->name, STR("TXT"), STR("x"), &out, NULL))
        return "NAME_PROBLEM";
    if (zone_record_check(&x->arena, z->name, r->name, r->type, r->value, &out, NULL))
        return "PROBLEM"; /* good alone, wrong within the zone */
    if (zone_record_check(&x->arena, z->name, STR("x"), r->type, r->value, &out, NULL))
        return "NAME_PROBLEM";
    return "VALUE_PROBLEM";
}

static void post_record(struct exchange *x, bool is_new) {
    struct zone_info z;
    struct record record = {0};
    struct err err;
    if (!zone_info_load(x, &z) || (!is_new && !load(x, &z, &record)))
        return;
    read_form(x, &record);
    uint32_t seconds = 0;
    bool ttl_good = record.ttl.n == 0 || (str_u32(record.ttl, &seconds) && seconds <= INT32_MAX);
    int32_t ttl = record.ttl.n == 0 ? -1 : (int32_t)seconds;
    int64_t result = 0;
    if (!ttl_good)
        err_set(&err, "write a number of seconds, or leave it empty for the zone's own %lld", (long long)z.ttl);
    else if (is_new)
        result = admin_record_add(x->db, z.name, record.name, record.type, ttl, record.value, &err);
    else
        result = admin_record_change(x->db, record.id, record.name, record.type, ttl, record.value, &err);
    enum outcome outcome = admin_outcome(x, result, &err);
    if (outcome == OUTCOME_DONE) {
        page_flash(x, "The record is saved. The nameservers answer with it in a moment.");
        exchange_redirect(x, "/zones/%lld", (long long)z.id);
    } else if (outcome == OUTCOME_REFUSED) {
        form_refused(x, form_page(x, &z, &record), ttl_good ? problem_field(x, &z, &record) : "TTL_PROBLEM", &err);
    }
}

static void post_new(struct exchange *x) { post_record(x, true); }
static void post_old(struct exchange *x) { post_record(x, false); }

static void get_delete(struct exchange *x) {
    struct zone_info z;
    struct record record;
    if (!zone_info_load(x, &z) || !load(x, &z, &record))
        return;
    struct arena *a = &x->arena;
    struct confirmation c = {
        .title = "Delete this record?",
        .object = arena_printf(a, "%.*s %.*s %.*s", STR_ARG(record.name), STR_ARG(record.type), STR_ARG(record.value)),
        .button = "Delete the record",
        .action = arena_printf(a, "/zones/%lld/records/%lld/delete", (long long)z.id, (long long)record.id),
        .cancel = arena_printf(a, "/zones/%lld", (long long)z.id)};
    struct dict *d = confirm_begin(x, &c);
    confirm_consequence(d,
                        "The nameservers of %.*s stop answering with it. Others may remember it for its time to live.",
                        STR_ARG(domain_to_display(a, z.name)));
    if (record.managed)
        confirm_consequence(d, "It belongs to the records that make the domain's mail work.");
    page_send(x);
}

static void post_delete(struct exchange *x) {
    struct zone_info z;
    struct record record;
    struct err err;
    if (!zone_info_load(x, &z) || !load(x, &z, &record))
        return;
    switch (admin_outcome(x, admin_record_remove(x->db, record.id, &err), &err)) {
    case OUTCOME_DONE:
        page_flash(x, "The record %.*s %.*s is deleted.", STR_ARG(record.name), STR_ARG(record.type));
        exchange_redirect(x, "/zones/%lld", (long long)z.id);
        break;
    case OUTCOME_REFUSED:
        exchange_error(x, 422, "%.*s", STR_ARG(sentence(&x->arena, err.text)));
        break;
    case OUTCOME_REPLIED:
        break;
    }
}

const struct route record_routes[] = {
    {METHOD_GET, "/zones/#zone/records/new", get_new, ROUTE_MANAGERS},
    {METHOD_POST, "/zones/#zone/records/new", post_new, ROUTE_MANAGERS},
    {METHOD_GET, "/zones/#zone/records/#record", get_record, ROUTE_MANAGERS},
    {METHOD_POST, "/zones/#zone/records/#record", post_old, ROUTE_MANAGERS},
    {METHOD_GET, "/zones/#zone/records/#record/delete", get_delete, ROUTE_MANAGERS},
    {METHOD_POST, "/zones/#zone/records/#record/delete", post_delete, ROUTE_MANAGERS},
    {0},
};
