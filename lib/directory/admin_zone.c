/* Zones and their records. */
#include "directory/admin_internal.h"
#include "zone/zone_db.h"

#include <stdlib.h>

static const struct db_statement ADD_ZONE = {
    "admin_zone_add", "INSERT INTO zone (tenant_id, name, primary_ns, contact) "
                      "SELECT $1, $2, split_part(trim(n.value), ' ', 1), c.value FROM setting n, setting c "
                      "WHERE n.name = 'dns.nameservers' AND c.name = 'dns.contact' RETURNING id"};
static const struct db_statement ADD_NAMESERVERS = {
    "admin_zone_ns", "INSERT INTO record (tenant_id, zone_id, name, type, rdata) "
                     "SELECT $1, $2, '@', 'NS', ns || '.' FROM setting, string_to_table(trim(value), ' ') AS ns "
                     "WHERE setting.name = 'dns.nameservers' AND ns <> '' ON CONFLICT DO NOTHING"};
static const struct db_statement REMOVE_ZONE = {"admin_zone_remove", "DELETE FROM zone WHERE id = $1"};
static const struct db_statement ADD_RECORD = {
    "admin_record_add",
    "INSERT INTO record (tenant_id, zone_id, name, type, ttl, rdata) VALUES ($1, $2, $3, $4, $5, $6) "
    "RETURNING id"};
static const struct db_statement CHANGE_RECORD = {
    "admin_record_change",
    "UPDATE record SET name = $2, type = $3, ttl = $4, rdata = $5, managed = false WHERE id = $1"};
static const struct db_statement SAME_TTL = {
    "admin_record_ttl",
    "UPDATE record SET ttl = $4 WHERE zone_id = $1 AND name = $2 AND type = $3 AND ttl IS DISTINCT FROM $4"};
static const struct db_statement REMOVE_RECORD = {"admin_record_remove", "DELETE FROM record WHERE id = $1"};
static const struct db_statement ZONE_OF_RECORD = {"admin_record_zone", "SELECT zone_id FROM record WHERE id = $1"};
static const struct admin_sentence ZONE_SENTENCES[] = {
    {"zone_name_key", "the zone %.*s is served here already"},
    {"zone_tenant_id_fkey", "the reseller for %.*s does not exist any more"},
    {NULL, NULL}};
static const struct admin_sentence RECORD_SENTENCES[] = {
    {"record_zone_id_name_type_rdata_key", "%.*s has this record already"}, {NULL, NULL}};

/* ---- zones ---- */

int64_t admin_zone_add(struct db_conn *c, int64_t tenant_id, struct str name, struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct str checked;
    int64_t id = 0;
    if (zone_name_check(&a, name, &checked, err)) {
        struct db_params p = {0};
        db_int8(&p, tenant_id);
        db_text(&p, checked);
        id = admin_insert(c, &ADD_ZONE, &p, ZONE_SENTENCES, checked, err);
    }
    if (id > 0) {
        struct db_params p = {0};
        db_int8(&p, tenant_id);
        db_int8(&p, id);
        if (db_exec(c, &ADD_NAMESERVERS, &p, err) < 0)
            id = admin_failed(c, NULL, checked, err);
    }
    arena_free(&a);
    return id;
}

/* Loads the zone for a change. 1, or 0 and -1 as for admin_*(). */
static int64_t load(struct db_conn *c, struct arena *a, struct str name, int64_t id, struct zone_row *out,
                    struct err *err) {
    int found = zone_load(c, a, name, id, true, out, err);
    if (found < 0)
        return admin_failed(c, NULL, name, err);
    if (!found && name.p)
        err_set(err, "the zone %.*s is not served here", STR_ARG(name));
    else if (!found)
        err_set(err, "the zone does not exist any more");
    return found;
}

static int64_t load_named(struct db_conn *c, struct arena *a, struct str typed, struct zone_row *out, struct err *err) {
    struct str name;
    return zone_name_check(a, typed, &name, err) ? load(c, a, name, 0, out, err) : 0;
}

int64_t admin_zone_remove(struct db_conn *c, struct str name, struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct zone_row row;
    int64_t result = load_named(c, &a, name, &row, err);
    if (result == 1 && row.domain_id)
        result = err_set(err, "%.*s is the zone of a domain: it goes with the domain", STR_ARG(row.zone.name));
    if (result == 1) {
        struct db_params p = {0};
        db_int8(&p, row.id);
        result = admin_touch(c, &REMOVE_ZONE, &p, err, "the zone does not exist any more");
    }
    arena_free(&a);
    return result;
}

/* ---- records ---- */

/* A change must not make the zone worse; what was wrong with it before does not stand in the way of mending it. */
static bool no_worse(struct arena *a, const struct zone *before, const struct zone *after, struct err *err) {
    struct str *old, *new;
    size_t olds = zone_problems(a, before, &old), news = zone_problems(a, after, &new);
    for (size_t i = 0; i < news; i++) {
        bool known = false;
        for (size_t k = 0; k < olds && !known; k++)
            known = str_eq(new[i], old[k]);
        if (!known)
            return err_set(err, "%.*s", STR_ARG(new[i]));
    }
    return true;
}

/* The zone with the record at `place` replaced, one added behind (place is the count), or taken out (with is NULL).
 * TTLs of an rrset are one (RFC 2181 section 5.2): the changed record's goes to the others. */
static struct zone changed(struct arena *a, const struct zone *z, size_t place, const struct zone_record *with) {
    struct zone out = *z;
    out.record = arena_array(a, z->count + 1, sizeof *out.record);
    out.count = 0;
    for (size_t i = 0; i < z->count; i++) {
        if (i == place)
            continue;
        struct zone_record r = z->record[i];
        if (with && str_eq(r.name, with->name) && str_eq(r.type, with->type))
            r.ttl = with->ttl;
        out.record[out.count++] = r;
    }
    if (with)
        out.record[out.count++] = *with;
    return out;
}

static bool ttl_check(int32_t ttl, struct err *err) {
    return ttl >= -1 || err_set(err, "the TTL must be a number of seconds, or empty for the zone's own");
}

static void add_ttl(struct db_params *p, int64_t ttl) {
    if (ttl < 0)
        db_null(p);
    else
        db_int4(p, (int32_t)ttl);
}

static int64_t level_ttl(struct db_conn *c, const struct zone_row *row, const struct zone_record *r, struct err *err) {
    struct db_params p = {0};
    db_int8(&p, row->id);
    db_text(&p, r->name);
    db_text(&p, r->type);
    add_ttl(&p, r->ttl);
    return db_exec(c, &SAME_TTL, &p, err) < 0 ? admin_failed(c, NULL, STR(""), err) : 1;
}

/* Without a TTL of its own a new record takes that of its rrset. */
static int64_t rrset_ttl(const struct zone *z, const struct zone_record *r, int32_t ttl) {
    for (size_t i = 0; ttl < 0 && i < z->count; i++)
        if (str_eq(z->record[i].name, r->name) && str_eq(z->record[i].type, r->type))
            return z->record[i].ttl;
    return ttl;
}

int64_t admin_record_add(struct db_conn *c, struct str zone, struct str name, struct str type, int32_t ttl,
                         struct str rdata, struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct zone_row row;
    struct zone_record record;
    int64_t result = ttl_check(ttl, err) ? load_named(c, &a, zone, &row, err) : 0;
    if (result == 1)
        result = zone_record_check(&a, row.zone.name, name, type, rdata, &record, err);
    if (result == 1) {
        record.ttl = rrset_ttl(&row.zone, &record, ttl);
        struct zone after = changed(&a, &row.zone, row.zone.count, &record);
        result = no_worse(&a, &row.zone, &after, err);
    }
    if (result == 1)
        result = level_ttl(c, &row, &record, err);
    if (result == 1) {
        struct db_params p = {0};
        db_int8(&p, row.tenant_id);
        db_int8(&p, row.id);
        db_text(&p, record.name);
        db_text(&p, record.type);
        add_ttl(&p, record.ttl);
        db_text(&p, record.rdata);
        result = admin_insert(c, &ADD_RECORD, &p, RECORD_SENTENCES, record.name, err);
    }
    arena_free(&a);
    return result;
}

/* The zone of a record and the record's place in it. 1, or 0 and -1 as for admin_*(). */
static int64_t find_record(struct db_conn *c, struct arena *a, int64_t record_id, struct zone_row *row, size_t *place,
                           struct err *err) {
    struct db_params p = {0};
    db_int8(&p, record_id);
    PGresult *r = db_query(c, &ZONE_OF_RECORD, &p, err);
    if (!r)
        return admin_failed(c, NULL, STR(""), err);
    int64_t zone_id = PQntuples(r) ? db_get_int8(r, 0, 0) : 0;
    PQclear(r);
    int64_t result = zone_id ? load(c, a, (struct str){NULL, 0}, zone_id, row, err) : 0;
    if (result < 0)
        return result;
    for (*place = 0; result && *place < row->zone.count; ++*place)
        if (row->record_id[*place] == record_id)
            return 1;
    return err_set(err, "the record does not exist any more");
}

int64_t admin_record_change(struct db_conn *c, int64_t record_id, struct str name, struct str type, int32_t ttl,
                            struct str rdata, struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct zone_row row;
    struct zone_record record;
    size_t place = 0;
    int64_t result = ttl_check(ttl, err) ? find_record(c, &a, record_id, &row, &place, err) : 0;
    if (result == 1)
        result = zone_record_check(&a, row.zone.name, name, type, rdata, &record, err);
    if (result == 1) {
        record.ttl = ttl;
        struct zone after = changed(&a, &row.zone, place, &record);
        result = no_worse(&a, &row.zone, &after, err);
    }
    if (result == 1) {
        struct db_params p = {0};
        db_int8(&p, record_id);
        db_text(&p, record.name);
        db_text(&p, record.type);
        add_ttl(&p, record.ttl);
        db_text(&p, record.rdata);
        int64_t rows = db_exec(c, &CHANGE_RECORD, &p, err);
        result = rows < 0 ? admin_failed(c, RECORD_SENTENCES, record.name, err) : 1;
    }
    if (result == 1)
        result = level_ttl(c, &row, &record, err);
    arena_free(&a);
    return result;
}

int64_t admin_record_remove(struct db_conn *c, int64_t record_id, struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct zone_row row;
    size_t place = 0;
    int64_t result = find_record(c, &a, record_id, &row, &place, err);
    if (result == 1) {
        struct zone after = changed(&a, &row.zone, place, NULL);
        result = no_worse(&a, &row.zone, &after, err);
    }
    if (result == 1) {
        struct db_params p = {0};
        db_int8(&p, record_id);
        result = admin_touch(c, &REMOVE_RECORD, &p, err, "the record does not exist any more");
    }
    arena_free(&a);
    return result;
}
