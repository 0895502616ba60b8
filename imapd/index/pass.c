#include "index/pass.h"

#include "base/clock.h"
#include "base/log.h"
#include "db/db.h"
#include "index/filter.h"
#include "index/text.h"

#include <stdlib.h>

enum {
    BATCH = 128,                     /* emails put in by one transaction */
    GONE_BATCH = 500,                /* emails taken out */
    THIN = BLOCK_BYTES / 4,          /* a block with less text left is dissolved */
    THIN_SEGMENT = FILTER_SLOTS / 4, /* and so is a segment with no more blocks left */
};
static const int64_t SETTLE =
    5 * CLOCK_SECOND; /* an email's id is made before its commit: so long, others may come before it */

static const struct db_statement ADD_ACCOUNT = {
    "index_add_account", "INSERT INTO search_account (account_id, version) SELECT $1, $2"
                         " WHERE EXISTS (SELECT FROM account WHERE id = $1)"
                         " OR EXISTS (SELECT FROM search_gone WHERE account_id = $1) ON CONFLICT DO NOTHING"};
static const struct db_statement LOCK_ACCOUNT = {
    "index_lock_account", "SELECT s.enabled AND a.id IS NOT NULL, s.version, s.indexed_to FROM search_account s"
                          " LEFT JOIN account a ON a.id = s.account_id WHERE s.account_id = $1"
                          " FOR UPDATE OF s SKIP LOCKED"};
static const struct db_statement SET_ACCOUNT = {
    "index_set_account", "UPDATE search_account SET version = $2, indexed_to = $3 WHERE account_id = $1"
                         " AND (version, indexed_to) <> ($2, $3)"};
static const struct db_statement CLEAR[] = {
    {"index_clear_blocks", "DELETE FROM search_block WHERE account_id = $1"},
    {"index_clear_segments", "DELETE FROM search_segment WHERE account_id = $1"},
    {"index_clear_gone", "DELETE FROM search_gone WHERE account_id = $1"},
};
static const struct db_statement FORGET_ACCOUNT = {"index_forget_account",
                                                   "DELETE FROM search_account s WHERE account_id = $1"
                                                   " AND NOT EXISTS (SELECT FROM account a WHERE a.id = s.account_id)"};
static const struct db_statement GONE = {
    "index_gone", "DELETE FROM search_gone WHERE ctid = ANY (ARRAY (SELECT ctid FROM search_gone WHERE account_id = $1"
                  " LIMIT $2)) RETURNING email_id"};
static const struct db_statement GONE_BLOCKS = {
    "index_gone_blocks", "SELECT id, emails, text FROM search_block WHERE account_id = $1 AND whole AND id IN"
                         " (SELECT b.id FROM search_block b CROSS JOIN unnest(b.emails) AS e WHERE b.account_id = $1"
                         " AND e = ANY ($2))"};
static const struct db_statement OPEN_BLOCK = {
    "index_open_block", "SELECT id, emails, text FROM search_block WHERE account_id = $1 AND NOT whole LIMIT 1"};
static const struct db_statement ADD_BLOCK = {
    "index_add_block", "INSERT INTO search_block (account_id, whole, first_email, last_email, emails, bytes, text)"
                       " VALUES ($1, $2, $3, $4, $5, $6, $7)"};
static const struct db_statement SET_BLOCK = {
    "index_set_block", "UPDATE search_block SET whole = $2, first_email = $3, last_email = $4, emails = $5, bytes = $6,"
                       " text = $7 WHERE account_id = $1 AND id = $8"};
static const struct db_statement DROP_BLOCK = {"index_drop_block",
                                               "DELETE FROM search_block WHERE account_id = $1 AND id = $2"};
static const struct db_statement NEW_EMAILS = {
    "index_new_emails", "SELECT id, blob, size, card FROM email WHERE account_id = $1 AND id > $2 AND id < $3"
                        " ORDER BY id LIMIT $4"};
static const struct db_statement HAS_YOUNG = {"index_has_young",
                                              "SELECT 1 FROM email WHERE account_id = $1 AND id >= $2 LIMIT 1"};
static const struct db_statement KNOWN = {
    "index_known", "SELECT e FROM search_block CROSS JOIN unnest(emails) AS e WHERE account_id = $1"
                   " AND last_email >= $2 AND first_email <= $3 AND e BETWEEN $2 AND $3"};
static const struct db_statement DISSOLVE = {
    "index_dissolve",
    "WITH thin AS (DELETE FROM search_segment s WHERE account_id = $1 AND (SELECT count(*) FROM search_block b"
    " WHERE b.account_id = $1 AND b.segment = s.id) <= $2 RETURNING id)"
    " UPDATE search_block SET segment = NULL, slot = NULL WHERE account_id = $1 AND segment IN (SELECT id FROM thin)"};
static const struct db_statement LOOSE = {
    "index_loose", "SELECT id, emails, text FROM search_block WHERE account_id = $1 AND whole AND segment IS NULL"
                   " AND (SELECT count(*) FROM search_block WHERE account_id = $1 AND whole AND segment IS NULL) >= $2"
                   " ORDER BY id LIMIT $2"};
static const struct db_statement ADD_SEGMENT = {
    "index_add_segment", "INSERT INTO search_segment (account_id, id, filter) VALUES ($1, $2, $3)"};
static const struct db_statement JOIN_SEGMENT = {
    "index_join_segment", "UPDATE search_block b SET segment = $2, slot = o.slot FROM unnest($3::bigint[], $4::int[])"
                          " AS o (id, slot) WHERE b.account_id = $1 AND b.id = o.id"};
static const struct db_statement RELAXED = {"index_relaxed", "SET LOCAL synchronous_commit = off"};

struct pass {
    struct store *store;
    struct db_conn *c;
    struct arena arena, message; /* of the pass, of one email */
    int64_t account, indexed_to;
    struct block_builder open; /* the block that is being filled */
    int64_t open_id;           /* its row; 0: none yet */
    bool open_changed;
    struct block block; /* for reading */
    struct buf packed, room;
    uint64_t indexed;
    struct err *err;
};

/* ---- blocks ---- */

static void block_params(struct pass *x, struct db_params *p, const struct block_builder *b, bool whole) {
    int64_t first = INT64_MAX, last = 0;
    for (size_t i = 0; i < b->count; i++) {
        first = b->email[i] < first ? b->email[i] : first;
        last = b->email[i] > last ? b->email[i] : last;
    }
    buf_reset(&x->packed);
    block_pack(b, &x->packed);
    db_int8(p, x->account), db_bool(p, whole), db_int8(p, first), db_int8(p, last);
    db_int8_array(p, b->email, b->count);
    db_int4(p, (int32_t)b->text.n);
    db_bytes(p, buf_str(&x->packed));
}

static bool drop_block(struct pass *x, int64_t id) {
    struct db_params p = {0};
    db_int8(&p, x->account), db_int8(&p, id);
    return db_exec(x->c, &DROP_BLOCK, &p, x->err) >= 0;
}

/* id 0: a row of its own. A block of nothing goes. */
static bool write_block(struct pass *x, const struct block_builder *b, bool whole, int64_t id) {
    struct db_params p = {0};
    if (b->count == 0)
        return id == 0 || drop_block(x, id);
    block_params(x, &p, b, whole);
    if (id)
        db_int8(&p, id);
    return db_exec(x->c, id ? &SET_BLOCK : &ADD_BLOCK, &p, x->err) >= 0;
}

static bool write_open(struct pass *x, bool whole) {
    if (!x->open_changed)
        return true;
    bool good = write_block(x, &x->open, whole, x->open_id);
    block_reset(&x->open);
    x->open_id = 0;
    x->open_changed = false;
    return good;
}

static bool add_email(struct pass *x, int64_t email, const struct block_email *e) {
    block_add(&x->open, email, e);
    x->open_changed = true;
    return !block_whole(&x->open) || write_open(x, true);
}

/* Unpacks the block of a row (id, emails, text). A damaged one counts as empty: its emails are read when searched. */
static size_t read_block(struct pass *x, const PGresult *r, int row, int64_t **emails) {
    size_t n = db_value_int8s(db_get_str(r, row, 1), &x->arena, emails);
    if (block_unpack(&x->block, db_get_str(r, row, 2), n))
        return n;
    log_warn("block %lld of the search index of account %lld is damaged: \"mansio index rebuild\" makes it anew",
             (long long)db_get_int8(r, row, 0), (long long)x->account);
    return 0;
}

static int by_value(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Numbers of the first column, ascending. */
static int64_t *numbers(struct pass *x, const PGresult *r, size_t *n) {
    *n = (size_t)PQntuples(r);
    int64_t *list = arena_array(&x->arena, *n ? *n : 1, sizeof *list);
    for (size_t i = 0; i < *n; i++)
        list[i] = db_get_int8(r, (int)i, 0);
    qsort(list, *n, sizeof *list, by_value);
    return list;
}

static bool is_in(const int64_t *list, size_t n, int64_t value) {
    return n && bsearch(&value, list, n, sizeof *list, by_value) != NULL;
}

static bool load_open(struct pass *x, const int64_t *gone, size_t gone_count) {
    struct db_params p = {0};
    int64_t *emails;
    db_int8(&p, x->account);
    PGresult *r = db_query(x->c, &OPEN_BLOCK, &p, x->err);
    if (!r)
        return false;
    if (PQntuples(r)) {
        x->open_id = db_get_int8(r, 0, 0);
        size_t n = read_block(x, r, 0, &emails);
        for (size_t i = 0; i < n; i++)
            if (is_in(gone, gone_count, emails[i]))
                x->open_changed = true;
            else
                block_add(&x->open, emails[i], &x->block.email[i]);
    }
    PQclear(r);
    return true;
}

/* ---- what is gone ---- */

/* One block without the emails that are gone; of a thin one the rest moves to the open block. */
static bool thin_out(struct pass *x, int64_t id, const int64_t *emails, size_t n, const int64_t *gone, size_t count) {
    struct block_builder left = {0};
    bool good = true;
    for (size_t i = 0; i < n; i++)
        if (!is_in(gone, count, emails[i]))
            block_add(&left, emails[i], &x->block.email[i]);
    if (left.text.n >= THIN || left.count >= BLOCK_EMAILS / 4) {
        good = write_block(x, &left, true, id);
    } else {
        good = drop_block(x, id);
        for (size_t i = 0; i < n && good; i++)
            if (!is_in(gone, count, emails[i]))
                good = add_email(x, emails[i], &x->block.email[i]);
    }
    block_free(&left);
    return good;
}

/* *count: how many were noted as gone. */
static bool take_out(struct pass *x, size_t *count) {
    struct db_params p = {0};
    db_int8(&p, x->account), db_int4(&p, GONE_BATCH);
    PGresult *r = db_query(x->c, &GONE, &p, x->err);
    if (!r)
        return false;
    int64_t *gone = numbers(x, r, count), *emails;
    PQclear(r);
    if (!load_open(x, gone, *count))
        return false;
    if (*count == 0)
        return true;
    db_int8(&p, x->account);
    db_int8_array(&p, gone, *count);
    if (!(r = db_query(x->c, &GONE_BLOCKS, &p, x->err)))
        return false;
    bool good = true;
    for (int i = 0; i < PQntuples(r) && good; i++) {
        size_t n = read_block(x, r, i, &emails);
        good = thin_out(x, db_get_int8(r, i, 0), emails, n, gone, *count);
    }
    PQclear(r);
    db_int8(&p, x->account), db_int4(&p, THIN_SEGMENT);
    return good && db_exec(x->c, &DISSOLVE, &p, x->err) >= 0;
}

/* ---- what is new ---- */

static bool put_in(struct pass *x, const PGresult *r, int row) {
    struct store_card of = {.email_id = db_get_int8(r, row, 0),
                            .blob_size = (uint64_t)db_get_int8(r, row, 2),
                            .card = db_get_str(r, row, 3)};
    memcpy(of.blob, db_get_str(r, row, 1).p, sizeof of.blob);
    struct searched text = {.store = x->store,
                            .of = &of,
                            .card = mime_card_decode(&x->message, of.card),
                            .arena = &x->message,
                            .status = STORE_OK};
    struct block_email e = {0};
    if (text.card)
        index_text(&text, &x->room, &e);
    bool good = add_email(x, of.email_id, &e);
    searched_free(&text);
    arena_reset(&x->message);
    x->indexed++;
    return good;
}

/* Those that are in blocks already, of late ones that are looked for again. */
static bool known_emails(struct pass *x, int64_t first, int64_t last, int64_t **known, size_t *count) {
    struct db_params p = {0};
    db_int8(&p, x->account), db_int8(&p, first), db_int8(&p, last);
    PGresult *r = db_query(x->c, &KNOWN, &p, x->err);
    if (r)
        *known = numbers(x, r, count);
    PQclear(r);
    return r != NULL;
}

static bool put_in_all(struct pass *x, int64_t before, size_t *count) {
    struct db_params p = {0};
    int64_t *known;
    size_t known_count;
    db_int8(&p, x->account), db_int8(&p, x->indexed_to), db_int8(&p, before), db_int4(&p, BATCH);
    PGresult *r = db_query(x->c, &NEW_EMAILS, &p, x->err);
    if (!r)
        return false;
    int n = PQntuples(r);
    *count = (size_t)n;
    bool good = n == 0 || known_emails(x, db_get_int8(r, 0, 0), db_get_int8(r, n - 1, 0), &known, &known_count);
    for (int i = 0; i < n && good; i++) {
        int64_t id = db_get_int8(r, i, 0);
        good = is_in(known, known_count, id) || put_in(x, r, i);
        x->indexed_to = id;
    }
    PQclear(r);
    return good;
}

/* ---- filters ---- */

static bool join_segment(struct pass *x, int64_t segment, const int64_t *block, size_t count) {
    struct db_params p = {0};
    int32_t slot[FILTER_SLOTS];
    for (size_t i = 0; i < count; i++)
        slot[i] = (int32_t)i;
    db_int8(&p, x->account), db_int8(&p, segment);
    db_int8_array(&p, block, count);
    db_int4_array(&p, slot, count);
    return db_exec(x->c, &JOIN_SEGMENT, &p, x->err) >= 0;
}

static bool all_known(const struct block *b) {
    for (size_t i = 0; i < b->count; i++)
        if (!b->email[i].known)
            return false;
    return true;
}

/* A segment is named by its first block. */
static bool make_segment(struct pass *x, const PGresult *r) {
    uint64_t *filter = mem_zero(FILTER_BYTES);
    int64_t block[FILTER_SLOTS], *emails;
    size_t count = (size_t)PQntuples(r);
    for (size_t i = 0; i < count; i++) {
        block[i] = db_get_int8(r, (int)i, 0);
        if (read_block(x, r, (int)i, &emails) && all_known(&x->block))
            filter_add(filter, (unsigned)i, x->block.text);
        else
            filter_add_all(filter, (unsigned)i);
    }
    struct db_params p = {0};
    db_int8(&p, x->account), db_int8(&p, block[0]);
    db_bytes(&p, str_n(filter, FILTER_BYTES));
    bool good = db_exec(x->c, &ADD_SEGMENT, &p, x->err) >= 0 && join_segment(x, block[0], block, count);
    free(filter);
    return good;
}

static bool seal(struct pass *x) {
    struct db_params p = {0};
    db_int8(&p, x->account), db_int4(&p, FILTER_SLOTS);
    PGresult *r = db_query(x->c, &LOOSE, &p, x->err);
    bool good = r && (PQntuples(r) < FILTER_SLOTS || make_segment(x, r));
    PQclear(r);
    return good;
}

/* ---- all of it ---- */

static bool clear(struct pass *x) {
    for (size_t i = 0; i < sizeof CLEAR / sizeof *CLEAR; i++) {
        struct db_params p = {0};
        db_int8(&p, x->account);
        if (db_exec(x->c, &CLEAR[i], &p, x->err) < 0)
            return false;
    }
    struct db_params p = {0};
    db_int8(&p, x->account);
    return db_exec(x->c, &FORGET_ACCOUNT, &p, x->err) >= 0;
}

static bool set_account(struct pass *x) {
    struct db_params p = {0};
    db_int8(&p, x->account), db_int4(&p, INDEX_VERSION), db_int8(&p, x->indexed_to);
    return db_exec(x->c, &SET_ACCOUNT, &p, x->err) >= 0;
}

static enum pass_result work(struct pass *x) {
    size_t gone, put = 0;
    struct db_params p = {0};
    int64_t before = store_id_at(clock_now() - SETTLE);
    if (!take_out(x, &gone) || !put_in_all(x, before, &put) || !write_open(x, false) || !seal(x) || !set_account(x))
        return PASS_FAILED;
    if (gone == GONE_BATCH || put == BATCH)
        return PASS_MORE;
    db_int8(&p, x->account), db_int8(&p, before);
    PGresult *r = db_query(x->c, &HAS_YOUNG, &p, x->err);
    enum pass_result result = !r ? PASS_FAILED : PQntuples(r) ? PASS_LATER : PASS_DONE;
    PQclear(r);
    return result;
}

/* Takes the account and does what is to be done. */
static enum pass_result with_account(struct pass *x, int64_t missing) {
    struct db_params p = {0};
    db_int8(&p, x->account), db_int4(&p, INDEX_VERSION);
    if (db_exec(x->c, &ADD_ACCOUNT, &p, x->err) < 0 || db_exec(x->c, &RELAXED, NULL, x->err) < 0)
        return PASS_FAILED;
    db_int8(&p, x->account);
    PGresult *r = db_query(x->c, &LOCK_ACCOUNT, &p, x->err);
    if (!r)
        return PASS_FAILED;
    bool mine = PQntuples(r) > 0, enabled = mine && db_get_bool(r, 0, 0);
    bool stale = mine && db_get_int8(r, 0, 1) != INDEX_VERSION;
    x->indexed_to = mine ? db_get_int8(r, 0, 2) : 0;
    PQclear(r);
    if (!mine)
        return PASS_LATER;
    if ((!enabled || stale) && !clear(x))
        return PASS_FAILED;
    if (!enabled || stale)
        x->indexed_to = 0;
    if (missing && missing <= x->indexed_to)
        x->indexed_to = missing - 1;
    if (!enabled)
        return set_account(x) ? PASS_DONE : PASS_FAILED;
    return work(x);
}

enum pass_result index_pass(struct store *store, struct db *db, int64_t account, int64_t missing, uint64_t *indexed,
                            struct err *err) {
    struct pass x = {.store = store, .account = account, .err = err};
    enum pass_result result = PASS_FAILED;
    *err = (struct err){0};
    if (!(x.c = db_acquire(db, err)))
        return PASS_FAILED;
    if (db_begin(x.c, err))
        result = with_account(&x, missing);
    if (result == PASS_FAILED)
        db_rollback(x.c);
    else if (!db_commit(x.c, err))
        result = PASS_FAILED;
    db_release(db, x.c);
    *indexed = result == PASS_FAILED ? 0 : x.indexed;
    block_free(&x.open);
    block_close(&x.block);
    buf_free(&x.packed), buf_free(&x.room);
    arena_free(&x.arena), arena_free(&x.message);
    return result;
}
