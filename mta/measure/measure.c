#include "measure/measure.h"

#include "base/clock.h"
#include "db/db.h"
#include "metrics/gauges.h"

enum { KEEP_SECONDS = 10 }; /* what the queue holds is not counted more often */

static const char *const services[] = {"smtp", "submission", "lmtp", "local"};
static const char *const outcomes[] = {"delivered", "queued",  "relayed",   "deferred",
                                       "bounced",   "refused", "discarded", "lost"};
static const char *const logins[] = {"ok", "failed", "throttled", "temporary"};
static const double seconds[] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60};
static const double waits[] = {1, 5, 15, 60, 300, 900, 3600, 14400, 86400, 432000};

static struct metrics_counter connections = {.name = "mansio_smtp_connections_total",
                                             .help = "Connections by service.",
                                             .label = "service",
                                             .value = services,
                                             .values = 4};
static struct metrics_counter messages = {
    .name = "mansio_smtp_messages_total",
    .help = "Messages by what became of them at the end of the data: delivered and queued are taken.",
    .label = "outcome",
    .value = outcomes,
    .values = 8};
static struct metrics_counter recipients = {.name = "mansio_smtp_recipients_total",
                                            .help = "Recipients by what became of them in the session.",
                                            .label = "outcome",
                                            .value = outcomes,
                                            .values = 8};
static struct metrics_counter bytes = {.name = "mansio_smtp_received_bytes_total",
                                       .help = "Bytes of messages that were taken."};
static struct metrics_counter auth = {
    .name = "mansio_auth_total", .help = "Logins by result.", .label = "result", .value = logins, .values = 4};
static struct metrics_counter attempts = {.name = "mansio_queue_attempts_total",
                                          .help = "Recipients of the queue by what an attempt came to.",
                                          .label = "outcome",
                                          .value = outcomes,
                                          .values = 8};
static struct metrics_tally refusals = {.name = "mansio_smtp_refusals_total",
                                        .help = "Refusals by the rule, or the stage where it was none of them.",
                                        .label = "rule",
                                        .lock = PTHREAD_MUTEX_INITIALIZER};
static struct metrics_histogram transactions = {.name = "mansio_smtp_transaction_seconds",
                                                .help = "From MAIL to the reply to the message.",
                                                .bound = seconds,
                                                .bounds = sizeof seconds / sizeof *seconds};
static struct metrics_histogram deliveries = {
    .name = "mansio_queue_delivery_seconds",
    .help = "From the arrival of a message to its being taken by the next server.",
    .bound = waits,
    .bounds = sizeof waits / sizeof *waits};

void measure_connection(enum measure_service service) { metrics_count(&connections, service, 1); }

void measure_message(enum trace_outcome outcome, uint64_t size, int64_t took) {
    metrics_count(&messages, outcome, 1);
    if (outcome == TRACE_DELIVERED || outcome == TRACE_QUEUED)
        metrics_count(&bytes, 0, size);
    metrics_observe(&transactions, took);
}

void measure_recipient(enum trace_outcome outcome) { metrics_count(&recipients, outcome, 1); }

void measure_refusal(struct str rule) { metrics_tally(&refusals, rule); }

void measure_login(enum measure_login result) { metrics_count(&auth, result, 1); }

void measure_attempt(enum trace_outcome outcome, int64_t waited) {
    metrics_count(&attempts, outcome, 1);
    if (outcome == TRACE_RELAYED)
        metrics_observe(&deliveries, waited);
}

/* ---- what is asked for when somebody looks ---- */

static const struct db_statement QUEUE = {
    "measure_queue", "SELECT r.status::text, CASE WHEN m.received_at > now() - interval '1 hour' THEN '1h'"
                     " WHEN m.received_at > now() - interval '1 day' THEN '1d' ELSE 'older' END, count(*),"
                     " extract(epoch FROM now() - min(m.received_at))::bigint"
                     " FROM queue_recipient r JOIN queue_message m ON m.id = r.message_id GROUP BY 1, 2"};

static const struct {
    const char *status, *age;
} depths[] = {{"pending", "1h"}, {"pending", "1d"}, {"pending", "older"},
              {"held", "1h"},    {"held", "1d"},    {"held", "older"}};
enum { DEPTHS = sizeof depths / sizeof *depths };

static struct {
    const struct mta *m;
    const struct server *server;
    pthread_mutex_t lock;
    int64_t counted_at;
    bool known;
    int64_t depth[DEPTHS], oldest_seconds;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void take_row(const PGresult *r, int row) {
    for (size_t i = 0; i < DEPTHS; i++)
        if (str_eq(db_get_str(r, row, 0), str_of(depths[i].status)) &&
            str_eq(db_get_str(r, row, 1), str_of(depths[i].age)))
            state.depth[i] = db_get_int8(r, row, 2);
    int64_t oldest = db_get_int8(r, row, 3);
    state.oldest_seconds = oldest > state.oldest_seconds ? oldest : state.oldest_seconds;
}

/* Counts the queue anew where that is some time ago. Under the lock. */
static void count_queue(void) {
    struct err err;
    int64_t now = clock_monotonic();
    if (state.counted_at && now - state.counted_at < KEEP_SECONDS * CLOCK_SECOND)
        return;
    state.counted_at = now;
    struct db_conn *c = db_acquire(state.m->db, &err);
    PGresult *r = c ? db_query(c, &QUEUE, NULL, &err) : NULL;
    state.known = r != NULL;
    memset(state.depth, 0, sizeof state.depth);
    state.oldest_seconds = 0;
    for (int row = 0; r && row < PQntuples(r); row++)
        take_row(r, row);
    PQclear(r);
    db_release(state.m->db, c);
}

static void write_queue(struct buf *out) {
    pthread_mutex_lock(&state.lock);
    count_queue();
    metrics_head(out, "mansio_database_up", "gauge", "1 where PostgreSQL answers.");
    metrics_sample(out, "mansio_database_up", NULL, STR(""), state.known);
    if (state.known) {
        metrics_head(out, "mansio_queue_recipients", "gauge",
                     "Recipients in the queue by state and age of the message (up to an hour, up to a day, older).");
        for (size_t i = 0; i < DEPTHS; i++)
            buf_printf(out, "mansio_queue_recipients{state=\"%s\",age=\"%s\"} %lld\n", depths[i].status, depths[i].age,
                       (long long)state.depth[i]);
        metrics_head(out, "mansio_queue_oldest_seconds", "gauge", "Age of the oldest message in the queue.");
        metrics_sample(out, "mansio_queue_oldest_seconds", NULL, STR(""), (double)state.oldest_seconds);
    }
    pthread_mutex_unlock(&state.lock);
}

static void gauges(void *context, struct buf *out) {
    (void)context;
    struct trace_counts trace = trace_count(state.m->trace);
    gauges_of_daemon(state.server, state.m->db, out);
    write_queue(out);
    metrics_head(out, "mansio_trace_rows_total", "counter", "Rows of the message trace by what became of them.");
    metrics_sample(out, "mansio_trace_rows_total", "result", STR("written"), (double)trace.written);
    metrics_sample(out, "mansio_trace_rows_total", "result", STR("dropped"), (double)trace.dropped);
    metrics_head(out, "mansio_trace_rows_waiting", "gauge", "Rows of the message trace that are not written yet.");
    metrics_sample(out, "mansio_trace_rows_waiting", NULL, STR(""), (double)trace.waiting);
}

const struct metrics_set *measure_set(const struct mta *m, const struct server *server) {
    static struct metrics_counter *const counters[] = {&connections, &messages, &recipients, &bytes,
                                                       &auth,        &attempts, NULL};
    static struct metrics_tally *const tallies[] = {&refusals, NULL};
    static struct metrics_histogram *const histograms[] = {&transactions, &deliveries, NULL};
    static const struct metrics_set set = {
        .program = "mansio-mta", .counter = counters, .tally = tallies, .histogram = histograms, .gauges = gauges};
    state.m = m;
    state.server = server;
    return &set;
}
