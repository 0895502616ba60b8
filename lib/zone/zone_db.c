#include "zone/zone_db.h"

#define COLUMNS                                                                                                        \
    "SELECT id, tenant_id, coalesce(domain_id, 0), name, primary_ns, contact, refresh, retry, expire, minimum, ttl, "  \
    "serial, coalesce(content_hash, ''), coalesce(problem, '') FROM zone "

static const struct db_statement FIND = {"zone_load", COLUMNS "WHERE name = $1 OR id = $2"};
static const struct db_statement FIND_AND_LOCK = {"zone_load_lock",
                                                  COLUMNS "WHERE name = $1 OR id = $2 FOR NO KEY UPDATE"};
static const struct db_statement FIND_SET = {"zone_load_set", COLUMNS "WHERE id = ANY ($1) ORDER BY id"};
static const struct db_statement RECORDS = {
    "zone_load_records",
    "SELECT zone_id, id, name, type, coalesce(ttl, -1), rdata FROM record WHERE zone_id = ANY ($1) "
    "ORDER BY zone_id, id"};

static void read_zone(struct arena *a, const PGresult *r, int row, struct zone_row *out) {
    uint32_t number[6];
    for (int i = 0; i < 6; i++)
        number[i] = (uint32_t)db_get_int8(r, row, 6 + i);
    *out = (struct zone_row){.id = db_get_int8(r, row, 0),
                             .tenant_id = db_get_int8(r, row, 1),
                             .domain_id = db_get_int8(r, row, 2),
                             .content_hash = arena_str(a, db_get_str(r, row, 12)),
                             .problem = arena_str(a, db_get_str(r, row, 13))};
    out->zone = (struct zone){.name = arena_str(a, db_get_str(r, row, 3)),
                              .primary_ns = arena_str(a, db_get_str(r, row, 4)),
                              .contact = arena_str(a, db_get_str(r, row, 5)),
                              .refresh = number[0],
                              .retry = number[1],
                              .expire = number[2],
                              .minimum = number[3],
                              .ttl = number[4],
                              .serial = number[5]};
}

/* The rows [from, to) of the records' result are this zone's. */
static void read_records(struct arena *a, const PGresult *r, int from, int to, struct zone_row *out) {
    struct zone *z = &out->zone;
    z->count = (size_t)(to - from);
    z->record = arena_array(a, z->count + 1, sizeof *z->record);
    out->record_id = arena_array(a, z->count + 1, sizeof *out->record_id);
    for (int i = from; i < to; i++) {
        out->record_id[i - from] = db_get_int8(r, i, 1);
        z->record[i - from] = (struct zone_record){.name = arena_str(a, db_get_str(r, i, 2)),
                                                   .type = arena_str(a, db_get_str(r, i, 3)),
                                                   .ttl = db_get_int8(r, i, 4),
                                                   .rdata = arena_str(a, db_get_str(r, i, 5))};
    }
}

/* rows are in the order of their ids, and so are the records. */
static bool load_records(struct db_conn *c, struct arena *a, struct zone_row *row, size_t count, struct err *err) {
    int64_t *id = arena_array(a, count + 1, sizeof *id);
    for (size_t i = 0; i < count; i++)
        id[i] = row[i].id;
    struct db_params p = {0};
    db_int8_array(&p, id, count);
    PGresult *r = db_query(c, &RECORDS, &p, err);
    if (!r)
        return false;
    int at = 0, rows = PQntuples(r);
    for (size_t i = 0; i < count; i++) {
        int from = at;
        while (at < rows && db_get_int8(r, at, 0) == row[i].id)
            at++;
        read_records(a, r, from, at, row + i);
    }
    PQclear(r);
    return true;
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
        read_zone(a, r, 0, out);
    PQclear(r);
    if (!found)
        return 0;
    return load_records(c, a, out, 1, err) ? 1 : -1;
}

bool zone_load_set(struct db_conn *c, struct arena *a, const int64_t *id, size_t n, struct zone_row **out,
                   size_t *count, struct err *err) {
    struct db_params p = {0};
    db_int8_array(&p, id, n);
    PGresult *r = db_query(c, &FIND_SET, &p, err);
    if (!r)
        return false;
    *count = (size_t)PQntuples(r);
    *out = arena_array(a, *count + 1, sizeof **out);
    for (size_t i = 0; i < *count; i++)
        read_zone(a, r, (int)i, *out + i);
    PQclear(r);
    return load_records(c, a, *out, *count, err);
}
