#include "store/store_internal.h"

#include "base/clock.h"

#include <stdlib.h>

enum { RECIPIENTS_A_JOB = 100 };

/* Claiming moves next_attempt_at to the end of the lease: a runner that dies leaves its recipients due again, and what
 * is under way is passed over by the index itself. */
static const struct db_statement CLAIM = {
    "queue_claim",
    "WITH due AS (SELECT id FROM queue_recipient WHERE status = 'pending' AND next_attempt_at <= now()"
    "             ORDER BY next_attempt_at LIMIT $3 FOR UPDATE SKIP LOCKED),"
    " claimed AS (UPDATE queue_recipient r SET lease_owner = $1, lease_until = now() + $2 * interval '1 second',"
    "             next_attempt_at = now() + $2 * interval '1 second' FROM due WHERE r.id = due.id RETURNING r.*)"
    " SELECT m.id, m.blob, m.size, m.prefix, m.sender, coalesce(m.tenant_id, 0), coalesce(m.account_id, 0), "
    "m.smtputf8, m.body_8bit,"
    "        m.envid, m.ret, m.received_at, m.expires_at, r.id, r.address, r.original, r.next_hop, r.notify, "
    "r.last_reply, r.attempts,"
    "        r.delay_notified, lower(substring(r.address FROM '[^@]*$')), m.body_binary, m.require_tls, m.release_at,"
    "        r.orcpt"
    "   FROM claimed r JOIN queue_message m ON m.id = r.message_id ORDER BY m.id, r.next_hop, 22, r.id"};
static const struct db_statement NEXT_DUE = {
    "queue_next_due", "SELECT min(next_attempt_at) FROM queue_recipient WHERE status = 'pending'"};
static const struct db_statement EXTEND = {
    "queue_extend", "UPDATE queue_recipient SET lease_until = now() + $3 * interval '1 second',"
                    " next_attempt_at = now() + $3 * interval '1 second' WHERE id = ANY ($1) AND lease_owner = $2"};
static const struct db_statement LOCK = {"queue_lock", "SELECT FROM queue_message WHERE id = $1 FOR UPDATE"};
static const struct db_statement DONE = {"queue_done",
                                         "DELETE FROM queue_recipient WHERE id = ANY ($1) AND lease_owner = $2"};
static const struct db_statement DEFER = {
    "queue_defer",
    "UPDATE queue_recipient r SET attempts = attempts + 1, next_attempt_at = d.at, last_reply = d.reply,"
    " last_attempt_at = now(), delay_notified = delay_notified OR d.told <> 0, lease_owner = NULL, lease_until = NULL"
    " FROM unnest($1::int8[], $2::timestamptz[], $3::text[], $4::int4[]) AS d (id, at, reply, told)"
    " WHERE r.id = d.id AND r.lease_owner = $5"};
static const struct db_statement DROP_MESSAGE = {
    "queue_drop_message", "WITH gone AS (DELETE FROM queue_message q WHERE q.id = $1"
                          " AND NOT EXISTS (SELECT FROM queue_recipient r WHERE r.message_id = $1) RETURNING q.blob)"
                          " INSERT INTO blob_garbage (blob) SELECT blob FROM gone"};

/* ---- ids ---- */

static const char digits[] =
    "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; /* Crockford's base 32: nothing to mistake on the telephone */

int64_t queue_new_id(void) { return store_new_id(); }

void queue_id_text(int64_t id, char out[16]) {
    char text[16];
    size_t at = sizeof text;
    uint64_t v = (uint64_t)id;
    text[--at] = 0;
    do {
        text[--at] = digits[v & 31];
        v >>= 5;
    } while (v);
    memcpy(out, text + at, sizeof text - at);
}

bool queue_id_parse(struct str text, int64_t *id) {
    uint64_t v = 0;
    if (text.n == 0 || text.n > 13)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        const char *at = text.p[i] ? strchr(digits, ascii_upper(text.p[i])) : NULL;
        if (!at || v >> 58)
            return false;
        v = v << 5 | (uint64_t)(at - digits);
    }
    *id = (int64_t)v;
    return true;
}

/* ---- claiming ---- */

static struct str keep(struct arena *a, struct str s) { return s.p ? arena_str(a, s) : s; }

static void read_job(const PGresult *r, int row, struct arena *a, struct queue_job *job) {
    job->message_id = db_get_int8(r, row, 0);
    memcpy(job->blob, db_get_str(r, row, 1).p, sizeof job->blob);
    job->size = (uint64_t)db_get_int8(r, row, 2);
    job->prefix = keep(a, db_get_str(r, row, 3));
    job->sender = keep(a, db_get_str(r, row, 4));
    job->tenant_id = db_get_int8(r, row, 5);
    job->account_id = db_get_int8(r, row, 6);
    job->smtputf8 = db_get_bool(r, row, 7);
    job->body_8bit = db_get_bool(r, row, 8);
    job->envid = keep(a, db_get_str(r, row, 9));
    job->ret = keep(a, db_get_str(r, row, 10));
    job->received_at = db_get_time(r, row, 11);
    job->expires_at = db_get_time(r, row, 12);
    job->next_hop = keep(a, db_get_str(r, row, 16));
    job->domain = keep(a, db_get_str(r, row, 21));
    job->body_binary = db_get_bool(r, row, 22);
    job->require_tls = db_get_bool(r, row, 23);
    job->release_at = db_get_null(r, row, 24) ? 0 : db_get_time(r, row, 24);
}

static void read_recipient(const PGresult *r, int row, struct arena *a, struct queue_recipient *out) {
    out->id = db_get_int8(r, row, 13);
    out->address = keep(a, db_get_str(r, row, 14));
    out->original = keep(a, db_get_str(r, row, 15));
    out->notify = keep(a, db_get_str(r, row, 17));
    out->last_reply = keep(a, db_get_str(r, row, 18));
    out->attempts = (int32_t)db_get_int8(r, row, 19);
    out->delay_notified = db_get_bool(r, row, 20);
    out->orcpt = keep(a, db_get_str(r, row, 25));
}

/* Rows of one message and one place to go to stand together. */
static bool same_job(const PGresult *r, int row, const struct queue_job *job) {
    return db_get_int8(r, row, 0) == job->message_id && str_eq(db_get_str(r, row, 16), job->next_hop) &&
           (job->next_hop.n || str_eq(db_get_str(r, row, 21), job->domain));
}

enum store_status queue_claim(struct store *s, struct arena *a, const char *owner, int lease_seconds, size_t max_jobs,
                              struct queue_job **out, size_t *count, struct err *err) {
    *count = 0;
    struct db_conn *c = db_acquire(s->db, err);
    if (!c)
        return store_failed(err);
    struct db_params p = {0};
    db_text(&p, str_of(owner)), db_int4(&p, lease_seconds), db_int8(&p, (int64_t)max_jobs);
    PGresult *r = db_query(c, &CLAIM, &p, err);
    enum store_status status = r ? STORE_OK : store_failed(err);
    int n = r ? PQntuples(r) : 0;
    *out = arena_array(a, (size_t)n, sizeof **out);
    for (int row = 0; row < n; row++) {
        struct queue_job *job = *count ? &(*out)[*count - 1] : NULL;
        if (!job || job->count == RECIPIENTS_A_JOB || !same_job(r, row, job)) {
            job = &(*out)[(*count)++];
            read_job(r, row, a, job);
            int left = n - row;
            job->recipient =
                arena_array(a, left < RECIPIENTS_A_JOB ? (size_t)left : RECIPIENTS_A_JOB, sizeof *job->recipient);
        }
        read_recipient(r, row, a, &job->recipient[job->count++]);
    }
    PQclear(r);
    db_release(s->db, c);
    return status;
}

enum store_status queue_next_due(struct store *s, int64_t *at, struct err *err) {
    *at = INT64_MAX;
    struct db_conn *c = db_acquire(s->db, err);
    if (!c)
        return store_failed(err);
    PGresult *r = db_query(c, &NEXT_DUE, NULL, err);
    enum store_status status = r ? STORE_OK : store_failed(err);
    if (r && !db_get_null(r, 0, 0))
        *at = db_get_time(r, 0, 0);
    PQclear(r);
    db_release(s->db, c);
    return status;
}

enum store_status queue_extend(struct store *s, const struct queue_job *job, const char *owner, int lease_seconds,
                               struct err *err) {
    struct db_conn *c = db_acquire(s->db, err);
    if (!c)
        return store_failed(err);
    int64_t *id = mem_alloc(job->count * sizeof *id);
    for (size_t i = 0; i < job->count; i++)
        id[i] = job->recipient[i].id;
    struct db_params p = {0};
    db_int8_array(&p, id, job->count), db_text(&p, str_of(owner)), db_int4(&p, lease_seconds);
    int64_t n = db_exec(c, &EXTEND, &p, err);
    free(id);
    db_release(s->db, c);
    if (n < 0)
        return store_failed(err);
    if ((size_t)n == job->count)
        return STORE_OK;
    err_set(err, "the lease was lost to another runner");
    return STORE_NOT_FOUND;
}

enum store_status queue_read(struct store *s, const struct queue_job *job, uint64_t offset, uint64_t n, struct buf *out,
                             struct err *err) {
    struct store_card m = {.blob_size = job->size, .prefix = job->prefix};
    memcpy(m.blob, job->blob, sizeof m.blob);
    return store_read(s, &m, offset, n, out, err);
}

/* ---- finishing ---- */

bool queue_send_settlement(struct arena *a, struct db_conn *c, const struct queue_settlement *q, struct err *err) {
    size_t done = 0, deferred = 0;
    int64_t *done_id = arena_array(a, q->count, 8), *id = arena_array(a, q->count, 8),
            *at = arena_array(a, q->count, 8);
    struct str *reply = arena_array(a, q->count, sizeof *reply);
    int32_t *told = arena_array(a, q->count, 4);
    for (size_t i = 0; i < q->count; i++) {
        const struct queue_result *r = &q->result[i];
        if (r->outcome != QUEUE_DEFERRED) {
            done_id[done++] = r->recipient->id;
            continue;
        }
        id[deferred] = r->recipient->id, at[deferred] = r->next_attempt_at;
        reply[deferred] = r->reply, told[deferred++] = r->delay_notified;
    }
    struct db_params p = {0};
    /* Two jobs of one message that finish together must not each see the other's recipients and leave the message
     * behind. */
    db_int8(&p, q->job->message_id);
    if (!db_send(c, &LOCK, &p, err))
        return false;
    db_int8_array(&p, done_id, done), db_text(&p, str_of(q->owner));
    if (!db_send(c, &DONE, &p, err))
        return false;
    if (deferred) {
        db_int8_array(&p, id, deferred), db_time_array(&p, at, deferred), db_text_array(&p, reply, deferred);
        db_int4_array(&p, told, deferred), db_text(&p, str_of(q->owner));
        if (!db_send(c, &DEFER, &p, err))
            return false;
    }
    db_int8(&p, q->job->message_id);
    return db_send(c, &DROP_MESSAGE, &p, err);
}

enum store_status queue_finish(struct store *s, const struct queue_job *job, const char *owner,
                               const struct queue_result *result, size_t count, struct str notification,
                               struct str card, struct store_delivery *delivery, size_t delivery_count,
                               const struct store_queued *queued, struct err *err) {
    struct queue_settlement q = {job, owner, result, count};
    return store_settle(s, &q, notification, card, delivery, delivery_count, queued, err);
}
