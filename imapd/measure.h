/* measure: what imapd counts for Prometheus (lib/metrics). docs/observability.md lists the names. */
#ifndef MEASURE_H
#define MEASURE_H

#include "db/db.h"
#include "metrics/metrics.h"
#include "net/server.h"

enum measure_protocol { MEASURE_IMAP, MEASURE_POP3 };
void measure_connection(enum measure_protocol protocol);

enum measure_login { MEASURE_LOGIN_OK, MEASURE_LOGIN_FAILED, MEASURE_LOGIN_THROTTLED, MEASURE_LOGIN_TEMPORARY };
void measure_login(enum measure_login result);

/* All of it, with the state of the server and, once it is there, of the pool. They live as long as the process. */
const struct metrics_set *measure_set(const struct server *server, struct db *const *db);

#endif
