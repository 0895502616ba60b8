#include "zone/zone_db.h"

#define COLUMNS                                                                                                        \
    "SELECT id, tenant_id, coalesce(domain_id, 0), name, primary_ns, contact, refresh, retry, expire, minimum, ttl, "  \
    "serial, coalesce(content_hash, ''), coalesce(problem, '') FROM zone WHERE name = $1 OR id = $2"

static const struct db_statement FIND = {"zone_load", COLUMNS};
static const struct db_statement FIND_AND_LOCK = {"zone_load_lock", COLUMNS " FOR NO KEY UPDATE"};
static const struct db_statement RECORDS = {
    "zone_load_records", "SELECT id, name, type, coalesce(ttl, -1), rdata FROM record WHERE zone_id = $1 ORDER BY id"};

static uint32_t u32(const PGresult *r, int column) { return (uint32_t)db_get_int8(r, 0, column); }

static void read_zone(struct arena *a, const PGresult *r, struct zone_row *out) {
    *out = (struct zone_row){.id = db_get_int8(r, 0, 0),
                             .tenant_id = db_get_int8(r, 0, 1),
                             .domain_id = db_get_int8(r, 0, 2),
                             .content_hash = arena_str(a, db_get_str(r, 0, 12)),
                             .problem = arena_str(a, db_get_str(r, 0, 13))};
    out->zone = (struct zone){.name = arena_str(a, db_get_str(r, 0, 3)),
                              .primary_ns = arena_str(a, db_get_str(r, 0, 4)),
                              .contact = arena_str(a, db_get_str(r, 0, 5)),
                              .refresh = u32(r, 6),
                              .retry = u32(r, 7),
                              .expire = u32(r, 8),
                              .minimum = u32(r, 9),
                              .ttl = u32(r, 10),
                              .serial = u32(r, 11)};
}

static void read_records(struct arena *a, const PGresult *r, struct zone_row *out) {
    struct zone *z = &out->zone;
    z->count = (size_t)PQntuples(r);
    z->record = arena_array(a, z->count + 1, sizeof *z->record);
    out->record_id = arena_array(a, z->count + 1, sizeof *out->record_id);
    for (int i = 0; i < PQntuples(r); i++) {
        out->record_id[i] = db_get_int8(r, i, 0);
        z->record[i] = (struct zone_record){.name = arena_str(a, db_get_str(r, i, 1)),
                                            .type = arena_str(a, db_get_str(r, i, 2)),
                                            .ttl = db_get_int8(r, i, 3),
                                            .rdata = arena_str(a, db_get_str(r, i, 4))};
    }
}

int zone_load(struct db_conn *c, struct arena *a, struct str name, int64_t id, bool lock, struct zone_row *out,
              struct err *err) {
    struct db_params p = {0};
    db_text(&p, name);
    db_int8(&p, id);
    PGresult *r = db_query(c, lock ? &FIND_AND_LOCK : &FIND, &p, err);
    if (!r)
        return -1;
    int found = PQntuples(r) == 1;
    if (found)
        read_zone(a, r, out);
    PQclear(r);
    if (!found)
        return 0;
    struct db_params of_zone = {0};
    db_int8(&of_zone, out->id);
    r = db_query(c, &RECORDS, &of_zone, err);
    if (!r)
        return -1;
    read_records(a, r, out);
    PQclear(r);
    return 1;
}
