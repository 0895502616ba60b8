#include "store/annotation.h"

#include "base/log.h"
#include "store/store_internal.h"

#include <inttypes.h>
#include <stdlib.h>

static const struct db_statement READ = {
    "annotation_read", "SELECT coalesce(mailbox_id, 0), entry, value FROM annotation WHERE account_id = $1"
                       " AND mailbox_id IS NOT DISTINCT FROM nullif($2, 0) AND reader_id IN (0, $3)"
                       " ORDER BY entry COLLATE \"C\""};
static const struct db_statement READ_NAMED = {
    "annotation_read_named", "SELECT coalesce(mailbox_id, 0), entry, value FROM annotation WHERE account_id = $1"
                             " AND mailbox_id IS NOT NULL AND reader_id IN (0, $2) AND entry = ANY ($3)"
                             " ORDER BY mailbox_id, entry COLLATE \"C\""};
static const struct db_statement READ_ALL = {
    "annotation_read_all", "SELECT coalesce(mailbox_id, 0), entry, value FROM annotation WHERE account_id = $1"
                           " AND reader_id IN (0, $2) ORDER BY coalesce(mailbox_id, 0), entry COLLATE \"C\""};
static const struct db_statement COPY = {"annotation_copy",
                                         "INSERT INTO annotation (account_id, mailbox_id, reader_id, entry, value)"
                                         " SELECT account_id, $3, reader_id, entry, value FROM annotation"
                                         " WHERE account_id = $1 AND mailbox_id = $2 ON CONFLICT DO NOTHING"};
/* Whoever sets some counts what is there; the others wait. */
static const struct db_statement LOCK = {"annotation_lock",
                                         "SELECT pg_advisory_xact_lock(hashtextextended('annotation', $1))"};
static const struct db_statement SET = {
    "annotation_set", "INSERT INTO annotation (account_id, mailbox_id, reader_id, entry, value)"
                      " VALUES ($1, nullif($2, 0), $3, $4, $5) ON CONFLICT (account_id, mailbox_id, reader_id, entry)"
                      " DO UPDATE SET value = excluded.value"};
static const struct db_statement REMOVE = {
    "annotation_remove", "DELETE FROM annotation WHERE account_id = $1 AND mailbox_id IS NOT DISTINCT FROM"
                         " nullif($2, 0) AND reader_id = $3 AND entry = $4"};
static const struct db_statement COUNT = {
    "annotation_count", "SELECT coalesce(max(n), 0)::int8, coalesce(sum(bytes), 0)::int8 FROM (SELECT count(*) AS n,"
                        " sum(octet_length(value) + octet_length(entry)) AS bytes FROM annotation WHERE account_id = $1"
                        " GROUP BY mailbox_id, reader_id) AS x"};

static struct store_annotation *read_rows(const PGresult *r, struct arena *a, size_t *count) {
    *count = (size_t)PQntuples(r);
    struct store_annotation *out = arena_array(a, *count ? *count : 1, sizeof *out);
    for (size_t i = 0; i < *count; i++)
        out[i] = (struct store_annotation){db_get_int8(r, (int)i, 0), arena_str(a, db_get_str(r, (int)i, 1)),
                                           arena_str(a, db_get_str(r, (int)i, 2))};
    return out;
}

static enum store_status ask(struct store *s, struct arena *a, const struct db_statement *statement,
                             struct db_params *p, struct store_annotation **out, size_t *count, struct err *err) {
    *count = 0;
    struct db_conn *c = db_acquire(s->db, err);
    if (!c) {
        db_params_free(p);
        return store_failed(err);
    }
    PGresult *r = db_query(c, statement, p, err);
    enum store_status status = r ? STORE_OK : store_failed(err);
    if (r)
        *out = read_rows(r, a, count);
    PQclear(r);
    db_release(s->db, c);
    return status;
}

enum store_status store_annotations(struct store *s, struct arena *a, int64_t account, int64_t mailbox, int64_t reader,
                                    struct store_annotation **out, size_t *count, struct err *err) {
    struct db_params p = {0};
    db_int8(&p, account), db_int8(&p, mailbox), db_int8(&p, reader);
    return ask(s, a, &READ, &p, out, count, err);
}

enum store_status store_annotations_named(struct store *s, struct arena *a, int64_t account, int64_t reader,
                                          const struct str *entry, size_t entries, struct store_annotation **out,
                                          size_t *count, struct err *err) {
    struct db_params p = {0};
    db_int8(&p, account), db_int8(&p, reader), db_text_array(&p, entry, entries);
    return ask(s, a, &READ_NAMED, &p, out, count, err);
}

enum store_status store_annotations_all(struct store *s, struct arena *a, int64_t account, int64_t reader,
                                        struct store_annotation **out, size_t *count, struct err *err) {
    struct db_params p = {0};
    db_int8(&p, account), db_int8(&p, reader);
    return ask(s, a, &READ_ALL, &p, out, count, err);
}

enum store_status store_annotations_copy(struct store *s, int64_t account, int64_t from, int64_t to, struct err *err) {
    struct db_conn *c = db_acquire(s->db, err);
    if (!c)
        return store_failed(err);
    struct db_params p = {0};
    db_int8(&p, account), db_int8(&p, from), db_int8(&p, to);
    enum store_status status = db_exec(c, &COPY, &p, err) < 0 ? store_failed(err) : STORE_OK;
    db_release(s->db, c);
    return status;
}

static int64_t owner_of(const struct store_annotation *x, int64_t reader) {
    return str_starts(x->entry, STR("/private/")) ? reader : 0;
}

static bool set_one(struct db_conn *c, int64_t account, int64_t mailbox, int64_t reader,
                    const struct store_annotation *x, struct err *err) {
    struct db_params p = {0};
    db_int8(&p, account), db_int8(&p, mailbox), db_int8(&p, owner_of(x, reader)), db_text(&p, x->entry);
    if (x->value.p)
        db_bytes(&p, x->value);
    return db_exec(c, x->value.p ? &SET : &REMOVE, &p, err) >= 0;
}

/* In a transaction. */
static enum store_status set_all(struct db_conn *c, int64_t account, int64_t mailbox, int64_t reader,
                                 const struct store_annotation *set, size_t count, struct err *err) {
    struct db_params p = {0};
    db_int8(&p, account);
    if (db_exec(c, &LOCK, &p, err) < 0)
        return store_failed(err);
    for (size_t i = 0; i < count; i++)
        if (!set_one(c, account, mailbox, reader, &set[i], err)) {
            if (strcmp(db_sqlstate(c), "23503") != 0)
                return store_failed(err);
            err_set(err, "the mailbox is gone");
            return STORE_NOT_FOUND;
        }
    db_int8(&p, account);
    PGresult *r = db_query(c, &COUNT, &p, err);
    if (!r)
        return store_failed(err);
    bool fits = db_get_int8(r, 0, 0) <= STORE_ANNOTATIONS && db_get_int8(r, 0, 1) <= STORE_ANNOTATIONS_BYTES;
    PQclear(r);
    if (fits)
        return STORE_OK;
    err_set(err, "there would be too many annotations");
    return STORE_QUOTA;
}

enum store_status store_annotate(struct store *s, int64_t account, int64_t mailbox, int64_t reader,
                                 const struct store_annotation *set, size_t count, uint64_t by, struct err *err) {
    struct db_conn *c = db_acquire(s->db, err);
    if (!c)
        return store_failed(err);
    enum store_status status =
        db_begin(c, err) ? set_all(c, account, mailbox, reader, set, count, err) : store_failed(err);
    if (status == STORE_OK && !db_commit(c, err))
        status = store_failed(err);
    db_release(s->db, c);
    for (size_t i = 0; status == STORE_OK && i < count; i++)
        store_tell_annotated(s,
                             &(struct store_annotated){account, mailbox, owner_of(&set[i], reader), set[i].entry, by});
    return status;
}
