#include "database.h"

enum { HISTORY = 50 };

/* The key is any number that nobody else takes. */
static const struct db_statement LOCK = {"export_lock", "SELECT pg_try_advisory_lock(hashtext('mansio-dns export'))"};
static const struct db_statement UNLOCK = {"export_unlock", "SELECT pg_advisory_unlock(hashtext('mansio-dns export'))"};
static const struct db_statement SNAPSHOT = {"export_snapshot",
                                             "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"};
static const struct db_statement PENDING = {
    "export_pending", "SELECT zone_id, revision FROM zone_export WHERE revision <> exported AND zone_id > $1 "
                      "ORDER BY zone_id LIMIT $2"};
static const struct db_statement THESE = {
    "export_these", "SELECT zone_id, revision FROM zone_export WHERE zone_id = ANY ($1) ORDER BY zone_id"};
static const struct db_statement RESERVE = {
    "export_reserve",
    "UPDATE zone SET serial = n.serial FROM unnest($1::bigint[], $2::bigint[]) AS n (id, serial) WHERE zone.id = n.id"};
static const struct db_statement RECORD = {
    "export_record",
    "UPDATE zone SET content_hash = coalesce(nullif(n.hash, ''), content_hash), problem = nullif(n.problem, ''), "
    "exported_at = CASE WHEN n.hash = '' THEN exported_at ELSE now() END "
    "FROM unnest($1::bigint[], $2::bytea[], $3::text[]) AS n (id, hash, problem) "
    "WHERE zone.id = n.id AND (n.hash <> '' OR coalesce(zone.problem, '') <> n.problem)"};
static const struct db_statement DONE = {
    "export_done",
    "UPDATE zone_export SET exported = n.revision FROM unnest($1::bigint[], $2::bigint[]) AS n (id, revision) "
    "WHERE zone_id = n.id AND n.revision <> 0 AND exported <> n.revision"};
static const struct db_statement REMEMBER = {
    "export_history",
    "INSERT INTO zone_history (zone_id, serial, content) "
    "SELECT n.id, n.serial, n.content FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS n (id, serial, content) "
    "JOIN zone ON zone.id = n.id WHERE n.content <> '' ON CONFLICT DO NOTHING"};
static const struct db_statement FORGET_OLD = {"export_history_old",
                                               "DELETE FROM zone_history h USING (SELECT zone_id, serial, row_number() "
                                               "OVER (PARTITION BY zone_id ORDER BY at DESC, serial DESC) "
                                               "AS place FROM zone_history WHERE zone_id = ANY ($1)) AS o WHERE "
                                               "h.zone_id = o.zone_id AND h.serial = o.serial AND o.place > $2"};
static const struct db_statement ALL = {
    "export_all", "SELECT name, id, content_hash IS NOT NULL FROM zone ORDER BY name COLLATE \"C\""};
static const struct db_statement REMOVED = {
    "export_removed",
    "SELECT DISTINCT name FROM zone_removed WHERE NOT EXISTS (SELECT FROM zone WHERE zone.name = zone_removed.name)"};
static const struct db_statement FORGET = {"export_forget", "DELETE FROM zone_removed WHERE name = ANY ($1)"};
static const struct db_statement FORGET_BACK = {
    "export_forget_back",
    "DELETE FROM zone_removed WHERE EXISTS (SELECT FROM zone WHERE zone.name = zone_removed.name)"};

bool export_lock(struct db_conn *c, bool *got, struct err *err) {
    PGresult *r = db_query(c, &LOCK, NULL, err);
    *got = r && db_get_bool(r, 0, 0);
    PQclear(r);
    return r != NULL;
}

void export_unlock(struct db_conn *c) {
    PQclear(db_query(c, &UNLOCK, NULL, NULL)); /* where it fails, the connection's end releases it */
}

/* ---- zones ---- */

/* The zones whose ids and revisions are the rows of r, within the snapshot. */
static bool load_set(struct db_conn *c, struct arena *a, PGresult *r, struct export_set *out, struct err *err) {
    size_t n = (size_t)PQntuples(r), kept = 0;
    int64_t *id = arena_array(a, n + 1, sizeof *id);
    out->revision = arena_array(a, n + 1, sizeof *out->revision);
    for (size_t i = 0; i < n; i++)
        id[i] = db_get_int8(r, (int)i, 0);
    out->last_id = n ? id[n - 1] : 0;
    if (!zone_load_set(c, a, id, n, &out->row, &out->count, err))
        return false;
    for (size_t i = 0; i < n && kept < out->count; i++)
        if (out->row[kept].id == id[i])
            out->revision[kept++] = db_get_int8(r, (int)i, 1);
    return true;
}

static bool load(struct db_conn *c, struct arena *a, const struct db_statement *s, struct db_params *p,
                 struct export_set *out, struct err *err) {
    *out = (struct export_set){.count = 0};
    PGresult *r = NULL;
    bool good = db_begin(c, err) && db_exec(c, &SNAPSHOT, NULL, err) >= 0 && (r = db_query(c, s, p, err)) &&
                load_set(c, a, r, out, err);
    if (!r)
        db_params_free(p);
    PQclear(r);
    if (good)
        return db_commit(c, err);
    db_rollback(c);
    return false;
}

bool export_pending(struct db_conn *c, struct arena *a, int64_t after, int limit, struct export_set *out,
                    struct err *err) {
    struct db_params p = {0};
    db_int8(&p, after);
    db_int8(&p, limit);
    return load(c, a, &PENDING, &p, out, err);
}

bool export_these(struct db_conn *c, struct arena *a, const int64_t *id, size_t n, struct export_set *out,
                  struct err *err) {
    struct db_params p = {0};
    db_int8_array(&p, id, n);
    return load(c, a, &THESE, &p, out, err);
}

bool export_reserve(struct db_conn *c, const int64_t *id, const int64_t *serial, size_t n, struct err *err) {
    struct db_params p = {0};
    if (n == 0)
        return true;
    db_int8_array(&p, id, n);
    db_int8_array(&p, serial, n);
    return db_exec(c, &RESERVE, &p, err) >= 0;
}

static bool record_all(struct db_conn *c, const struct export_outcome *o, struct err *err) {
    struct db_params zone = {0}, done = {0}, history = {0}, old = {0};
    db_int8_array(&zone, o->id, o->count);
    db_bytes_array(&zone, o->hash, o->count);
    db_text_array(&zone, o->problem, o->count);
    if (db_exec(c, &RECORD, &zone, err) < 0)
        return false;
    db_int8_array(&done, o->id, o->count);
    db_int8_array(&done, o->revision, o->count);
    if (db_exec(c, &DONE, &done, err) < 0)
        return false;
    db_int8_array(&history, o->id, o->count);
    db_int8_array(&history, o->serial, o->count);
    db_text_array(&history, o->content, o->count);
    if (db_exec(c, &REMEMBER, &history, err) < 0)
        return false;
    db_int8_array(&old, o->id, o->count);
    db_int8(&old, HISTORY);
    return db_exec(c, &FORGET_OLD, &old, err) >= 0;
}

bool export_record(struct db_conn *c, const struct export_outcome *o, struct err *err) {
    if (o->count == 0)
        return true;
    if (db_begin(c, err) && record_all(c, o, err))
        return db_commit(c, err);
    db_rollback(c);
    return false;
}

/* ---- names ---- */

bool export_all(struct db_conn *c, struct arena *a, struct str **name, int64_t **id, bool **exported, size_t *count,
                struct err *err) {
    PGresult *r = db_query(c, &ALL, NULL, err);
    if (!r)
        return false;
    *count = (size_t)PQntuples(r);
    *name = arena_array(a, *count + 1, sizeof **name);
    *id = arena_array(a, *count + 1, sizeof **id);
    *exported = arena_array(a, *count + 1, sizeof **exported);
    for (size_t i = 0; i < *count; i++) {
        (*name)[i] = arena_str(a, db_get_str(r, (int)i, 0));
        (*id)[i] = db_get_int8(r, (int)i, 1);
        (*exported)[i] = db_get_bool(r, (int)i, 2);
    }
    PQclear(r);
    return true;
}

bool export_removed(struct db_conn *c, struct arena *a, struct str **name, size_t *count, struct err *err) {
    if (db_exec(c, &FORGET_BACK, NULL, err) < 0)
        return false;
    PGresult *r = db_query(c, &REMOVED, NULL, err);
    if (!r)
        return false;
    *count = (size_t)PQntuples(r);
    *name = arena_array(a, *count + 1, sizeof **name);
    for (size_t i = 0; i < *count; i++)
        (*name)[i] = arena_str(a, db_get_str(r, (int)i, 0));
    PQclear(r);
    return true;
}

bool export_forget(struct db_conn *c, const struct str *name, size_t count, struct err *err) {
    struct db_params p = {0};
    if (count == 0)
        return true;
    db_text_array(&p, name, count);
    return db_exec(c, &FORGET, &p, err) >= 0;
}
