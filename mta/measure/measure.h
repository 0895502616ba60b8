/*
 * measure: what the MTA counts for Prometheus (lib/metrics). docs/observability.md lists the names.
 */
#ifndef MEASURE_MEASURE_H
#define MEASURE_MEASURE_H

#include "metrics/metrics.h"
#include "mta.h"
#include "trace/trace.h"

enum measure_service { MEASURE_SMTP, MEASURE_SUBMISSION, MEASURE_LMTP, MEASURE_LOCAL };
void measure_connection(enum measure_service service);

/* The end of a transaction's data, or of the connection within it. took: since MAIL, microseconds. */
void measure_message(enum trace_outcome outcome, uint64_t bytes, int64_t took);
void measure_recipient(enum trace_outcome outcome);
/* Who refused: the rule's name, or the stage where none of the rules did. */
void measure_refusal(struct str rule);

enum measure_login { MEASURE_LOGIN_OK, MEASURE_LOGIN_FAILED, MEASURE_LOGIN_THROTTLED, MEASURE_LOGIN_TEMPORARY };
void measure_login(enum measure_login result);

/* An attempt of the queue; waited: since the message came, microseconds. */
void measure_attempt(enum trace_outcome outcome, int64_t waited);

/* All of it, with the state of the server and the queue. Both live as long as the process. */
const struct metrics_set *measure_set(const struct mta *m, const struct server *server);

#endif
