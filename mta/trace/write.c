/* The rows of a batch as arrays, a statement for some hundreds of them. */
#include "trace/batch.h"

enum { CHUNK = 1000 };

/* The trace may be a moment late; mail must not wait for its way to the disk. And whatever the tables' statistics say
 * today, a row is found by its id. */
static const struct db_statement PREPARE = {
    "trace_prepare", "SELECT set_config('synchronous_commit', 'off', true), set_config('enable_hashjoin', 'off', true),"
                     " set_config('enable_mergejoin', 'off', true), set_config('enable_seqscan', 'off', true)"};

static const struct db_statement MAINTAIN = {"trace_maintain", "SELECT trace_maintain($1)"};

static const struct db_statement ROWS = {
    "trace_rows",
    "INSERT INTO trace (id, n, service, client, client_name, helo, tls, login, sender, message_id, size, recipient,"
    " target, tenant_id, domain_id, sender_tenant_id, sender_domain_id, target_tenant_id, target_domain_id, stage,"
    " outcome, rule, reply, mailbox, notes)"
    " SELECT u.id, u.n, u.service, nullif(u.client, '')::inet, nullif(u.client_name, ''), nullif(u.helo, ''),"
    " nullif(u.tls, ''), nullif(u.login, ''), u.sender, nullif(u.message_id, ''), nullif(u.size, 0),"
    " nullif(u.recipient, ''), nullif(u.target, ''), d.tenant_id, d.id, nullif(u.sender_tenant_id, 0),"
    " nullif(u.sender_domain_id, 0), td.tenant_id, td.id, u.stage, u.outcome, nullif(u.rule, ''),"
    " nullif(u.reply, ''), nullif(u.mailbox, ''), nullif(u.notes, '')::json"
    " FROM unnest($1::bigint[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],"
    " $9::text[], $10::text[], $11::bigint[], $12::text[], $13::text[], $14::text[], $15::text[], $16::bigint[],"
    " $17::bigint[], $18::text[], $19::text[], $20::text[], $21::text[], $22::text[], $23::text[])"
    " AS u(id, n, service, client, client_name, helo, tls, login, sender, message_id, size, recipient, target, domain,"
    " target_domain, sender_tenant_id, sender_domain_id, stage, outcome, rule, reply, mailbox, notes)"
    " LEFT JOIN domain d ON d.name = u.domain LEFT JOIN domain td ON td.name = u.target_domain"};

static const struct db_statement EVENTS = {
    "trace_events",
    "INSERT INTO trace_event (id, at, address, outcome, attempt, host, tls, reply)"
    " SELECT u.id, u.at, u.address, u.outcome, u.attempt, nullif(u.host, ''), nullif(u.tls, ''),"
    " nullif(u.reply, '')"
    " FROM unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::integer[], $6::text[], $7::text[],"
    " $8::text[]) AS u(id, at, address, outcome, attempt, host, tls, reply)"};

/* A recipient's outcome is that of its newest event. Asked for whatever came in as queued, too: another node may have
 * sent it and told of that before. */
static const struct db_statement SETTLE = {
    "trace_settle",
    "UPDATE trace t SET outcome = e.outcome, host = e.host, reply = e.reply, attempts = coalesce(e.attempt, "
    "t.attempts),"
    " changed_at = e.at"
    " FROM (SELECT DISTINCT ON (id, address) * FROM trace_event WHERE id = ANY ($1::bigint[]) AND id >= $2 AND id <= $3"
    " ORDER BY id, address, at DESC) e"
    " WHERE t.id = e.id AND t.id >= $2 AND t.id <= $3 AND coalesce(t.target, t.recipient) = e.address"};

bool write_maintain(struct db_conn *c, int32_t days, int64_t *lowest, struct err *err) {
    struct db_params p = {0};
    db_int4(&p, days);
    PGresult *r = db_query(c, &MAINTAIN, &p, err);
    if (!r)
        return false;
    *lowest = db_get_int8(r, 0, 0);
    PQclear(r);
    return true;
}

/* ---- rows ---- */

/* The columns of a chunk, gathered from its rows one after the other. */
struct columns {
    const struct batch_row *row;
    size_t n;
    struct str text[CHUNK];
    int64_t number[CHUNK];
    int32_t small[CHUNK];
};

#define TEXTS(p, c, field)                                                                                             \
    do {                                                                                                               \
        for (size_t i = 0; i < (c)->n; i++)                                                                            \
            (c)->text[i] = (field);                                                                                    \
        db_text_array(p, (c)->text, (c)->n);                                                                           \
    } while (0)
#define NUMBERS(p, c, field)                                                                                           \
    do {                                                                                                               \
        for (size_t i = 0; i < (c)->n; i++)                                                                            \
            (c)->number[i] = (int64_t)(field);                                                                         \
        db_int8_array(p, (c)->number, (c)->n);                                                                         \
    } while (0)

static struct str domain_of(struct str address) {
    ptrdiff_t at = str_rchr(address, '@');
    return at < 0 ? STR("") : str_sub(address, (size_t)at + 1, address.n);
}

static bool write_rows(struct db_conn *c, struct columns *k, struct err *err) {
    const struct batch_row *row = k->row;
    struct db_params p = {0};
    NUMBERS(&p, k, row[i].m.id);
    for (size_t i = 0; i < k->n; i++)
        k->small[i] = row[i].r.n;
    db_int4_array(&p, k->small, k->n);
    TEXTS(&p, k, str_of(row[i].m.service));
    TEXTS(&p, k, row[i].m.client);
    TEXTS(&p, k, row[i].m.client_name);
    TEXTS(&p, k, row[i].m.helo);
    TEXTS(&p, k, row[i].m.tls);
    TEXTS(&p, k, row[i].m.login);
    TEXTS(&p, k, row[i].m.sender);
    TEXTS(&p, k, row[i].m.message_id);
    NUMBERS(&p, k, row[i].m.size);
    TEXTS(&p, k, row[i].r.recipient);
    TEXTS(&p, k, row[i].r.target);
    TEXTS(&p, k, domain_of(row[i].r.recipient));
    TEXTS(&p, k, domain_of(row[i].r.target));
    NUMBERS(&p, k, row[i].m.sender_tenant_id);
    NUMBERS(&p, k, row[i].m.sender_domain_id);
    TEXTS(&p, k, str_of(row[i].m.stage));
    TEXTS(&p, k, str_of(trace_outcome_name(row[i].r.outcome)));
    TEXTS(&p, k, str_of(row[i].r.rule));
    TEXTS(&p, k, row[i].r.reply);
    TEXTS(&p, k, row[i].r.mailbox);
    TEXTS(&p, k, row[i].r.notes);
    return db_exec(c, &ROWS, &p, err) >= 0;
}

/* ---- events ---- */

/* Of the events those that still have a place. */
static size_t places(const struct batch *b, int64_t lowest, struct trace_event *out) {
    size_t n = 0;
    for (size_t i = 0; i < b->events; i++)
        if (b->event[i].id >= lowest)
            out[n++] = b->event[i];
    return n;
}

static bool write_events(struct db_conn *c, struct columns *k, const struct trace_event *event, struct err *err) {
    struct db_params p = {0};
    NUMBERS(&p, k, event[i].id);
    for (size_t i = 0; i < k->n; i++)
        k->number[i] = event[i].at;
    db_time_array(&p, k->number, k->n);
    TEXTS(&p, k, event[i].address);
    TEXTS(&p, k, str_of(trace_outcome_name(event[i].outcome)));
    for (size_t i = 0; i < k->n; i++)
        k->small[i] = event[i].attempt;
    db_int4_array(&p, k->small, k->n);
    TEXTS(&p, k, event[i].host);
    TEXTS(&p, k, event[i].tls);
    TEXTS(&p, k, event[i].reply);
    return db_exec(c, &EVENTS, &p, err) >= 0;
}

/* The messages whose outcome may have become another. */
static size_t changed(const struct batch *b, const struct trace_event *event, size_t events, int64_t *id) {
    size_t n = 0;
    for (size_t i = 0; i < events; i++)
        id[n++] = event[i].id;
    for (size_t i = 0; i < b->rows; i++)
        if (b->row[i].r.outcome == TRACE_QUEUED)
            id[n++] = b->row[i].m.id;
    return n;
}

static bool settle(struct db_conn *c, const int64_t *id, size_t n, struct err *err) {
    struct db_params p = {0};
    int64_t first = INT64_MAX, last = 0;
    for (size_t i = 0; i < n; i++) {
        first = id[i] < first ? id[i] : first;
        last = id[i] > last ? id[i] : last;
    }
    db_int8_array(&p, id, n);
    db_int8(&p, first);
    db_int8(&p, last);
    return db_exec(c, &SETTLE, &p, err) >= 0;
}

/* ---- all of it ---- */

static size_t chunk_of(size_t from, size_t count) { return count - from < CHUNK ? count - from : CHUNK; }

static bool write_all(struct db_conn *c, const struct batch *b, int64_t lowest, struct arena *a, struct err *err) {
    struct columns *k = arena_alloc(a, sizeof *k);
    struct trace_event *event = arena_array(a, b->events, sizeof *event);
    int64_t *id = arena_array(a, b->events + b->rows, sizeof *id);
    bool good = db_exec(c, &PREPARE, NULL, err) >= 0;
    for (size_t from = 0; good && from < b->rows; from += k->n) {
        k->row = b->row + from;
        k->n = chunk_of(from, b->rows);
        good = write_rows(c, k, err);
    }
    size_t events = places(b, lowest, event);
    for (size_t from = 0; good && from < events; from += k->n) {
        k->n = chunk_of(from, events);
        good = write_events(c, k, event + from, err);
    }
    size_t n = changed(b, event, events, id);
    for (size_t from = 0; good && from < n; from += CHUNK)
        good = settle(c, id + from, chunk_of(from, n), err);
    return good;
}

bool write_batch(struct db_conn *c, const struct batch *b, int64_t lowest, struct err *err) {
    struct arena a = ARENA_EMPTY;
    bool good = db_begin(c, err) && write_all(c, b, lowest, &a, err) && db_commit(c, err);
    arena_free(&a);
    return good;
}
