#include "metrics/gauges.h"

#include "metrics/metrics.h"

void gauges_of_daemon(const struct server *s, struct db *db, struct buf *out) {
    struct db_counts counts = db_count(db);
    metrics_head(out, "mansio_connections", "gauge", "Client connections.");
    metrics_sample(out, "mansio_connections", NULL, STR(""), server_connections(s));
    metrics_head(out, "mansio_workers", "gauge", "Threads that work for connections.");
    metrics_sample(out, "mansio_workers", NULL, STR(""), server_workers(s));
    metrics_head(out, "mansio_database_connections", "gauge", "Connections to PostgreSQL.");
    metrics_sample(out, "mansio_database_connections", "state", STR("busy"), counts.open - counts.idle);
    metrics_sample(out, "mansio_database_connections", "state", STR("idle"), counts.idle);
    metrics_head(out, "mansio_database_connections_max", "gauge", "Connections to PostgreSQL that there may be.");
    metrics_sample(out, "mansio_database_connections_max", NULL, STR(""), counts.max);
}
