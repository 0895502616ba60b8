#include "measure.h"

#include "index/indexer.h"
#include "metrics/gauges.h"

static const char *const protocols[] = {"imap", "pop3"};
static const char *const logins[] = {"ok", "failed", "throttled", "temporary"};

static struct metrics_counter connections = {.name = "mansio_mailbox_connections_total",
                                             .help = "Connections by protocol.",
                                             .label = "protocol",
                                             .value = protocols,
                                             .values = 2};
static struct metrics_counter auth = {
    .name = "mansio_auth_total", .help = "Logins by result.", .label = "result", .value = logins, .values = 4};

static struct {
    const struct server *server;
    struct db *const *db;
} state;

void measure_connection(enum measure_protocol protocol) { metrics_count(&connections, protocol, 1); }

void measure_login(enum measure_login result) { metrics_count(&auth, result, 1); }

static void gauges(void *context, struct buf *out) {
    (void)context;
    gauges_of_daemon(state.server, *state.db, out);
    indexer_gauges(out);
}

const struct metrics_set *measure_set(const struct server *server, struct db *const *db) {
    static struct metrics_counter *const counters[] = {&connections, &auth, NULL};
    static const struct metrics_set set = {.program = "mansio-imapd", .counter = counters, .gauges = gauges};
    state.server = server;
    state.db = db;
    return &set;
}
