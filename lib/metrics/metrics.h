/*
 * metrics: numbers for Prometheus. Counters, tallies and histograms are static variables of the module that counts;
 * counting is one relaxed atomic addition. Gauges are asked for when somebody looks. A small HTTP server, with a thread
 * of its own so that it answers when everything else is busy, gives all of it at GET /metrics in the text exposition
 * format 0.0.4, and nothing else.
 *
 *     static const char *const outcomes[] = {"accepted", "refused"};
 *     static struct metrics_counter messages = {"mansio_smtp_messages_total", "Messages by outcome.", "outcome",
 * outcomes, 2}; metrics_count(&messages, 0, 1);
 */
#ifndef METRICS_METRICS_H
#define METRICS_METRICS_H

#include "base/err.h"
#include "base/str.h"

#include <pthread.h>
#include <stdatomic.h>

enum { METRICS_VALUES = 16, METRICS_BUCKETS = 16, METRICS_TALLY = 64 };

/* Only grows. One label with known values at most. */
struct metrics_counter {
    const char *name, *help;
    const char *label; /* NULL: none */
    const char *const *value;
    size_t values; /* 0 without label */
    _Atomic uint64_t count[METRICS_VALUES];
};
static inline void metrics_count(struct metrics_counter *c, size_t value, uint64_t n) {
    atomic_fetch_add_explicit(&c->count[value], n, memory_order_relaxed);
}

/* Only grows; the label's values become known as they come. The first METRICS_TALLY are kept, the rest is "other". */
struct metrics_tally {
    const char *name, *help, *label;
    pthread_mutex_t lock; /* PTHREAD_MUTEX_INITIALIZER */
    size_t values;
    struct {
        char value[40];
        uint64_t count;
    } one[METRICS_TALLY + 1];
};
void metrics_tally(struct metrics_tally *t, struct str value);

/* How long something took. Bounds in seconds, ascending. */
struct metrics_histogram {
    const char *name, *help;
    const double *bound;
    size_t bounds; /* METRICS_BUCKETS at most */
    _Atomic uint64_t bucket[METRICS_BUCKETS + 1];
    _Atomic uint64_t microseconds;
};
void metrics_observe(struct metrics_histogram *h, int64_t microseconds);

/* What a program shows. Lists end with NULL; lives as long as the server. */
struct metrics_set {
    const char *program; /* "mansio-mta", for mansio_build_info */
    struct metrics_counter *const *counter;
    struct metrics_tally *const *tally;
    struct metrics_histogram *const *histogram;
    void (*gauges)(void *context, struct buf *out); /* appends what is known only now; may block for a moment */
    void *context;
};
/* For gauges: the two comment lines, and a value (label NULL: none). */
void metrics_head(struct buf *out, const char *name, const char *type, const char *help);
void metrics_sample(struct buf *out, const char *name, const char *label, struct str value, double number);
/* Appends all of it, with the process's own: memory, CPU, descriptors, start. */
void metrics_write(const struct metrics_set *set, struct buf *out);

/* Listens on each of the addresses, as server_listen; "" is none, and gives NULL with err empty. Before privileges are
 * dropped. */
struct metrics_server;
struct metrics_server *metrics_listen(const struct metrics_set *set, const char *addresses, struct err *err);
bool metrics_serve(struct metrics_server *s, struct err *err); /* starts; NULL is fine */
/* Another process has its sockets (net/handover.h). metrics_stop() is still to be called. */
void metrics_retire(struct metrics_server *s);
void metrics_stop(struct metrics_server *s); /* ends and frees; NULL is fine */

#endif
