/* gauges: those that every daemon has. */
#ifndef METRICS_GAUGES_H
#define METRICS_GAUGES_H

#include "db/db.h"
#include "net/server.h"

/* Connections and workers of the server, and the pool of database connections. */
void gauges_of_daemon(const struct server *s, struct db *db, struct buf *out);

#endif
