/*
 * rate_table: how much each client network has done lately. In memory, of a fixed size whatever comes: where a place is
 * needed, the network that was quiet for the longest time of a few loses its own. Which few that are depends on a
 * secret, so that nobody can choose whom to push out. Networks with connections are never pushed out; where all of the
 * few have some, one more is not counted.
 */
#ifndef POLICY_RATE_TABLE_H
#define POLICY_RATE_TABLE_H

#include "net/network.h"

enum rate { RATE_CONNECTIONS, RATE_MESSAGES, RATE_RECIPIENTS, RATE_COUNT };

struct rate_limits {
    uint32_t at_a_time;              /* connections; 0: any number, as in each of these */
    uint32_t per_minute[RATE_COUNT]; /* as many at once are allowed where there was silence before */
};

struct rate_table;
struct rate_table *rate_table_new(size_t places); /* rounded up to a power of two */
void rate_table_free(struct rate_table *t);
size_t rate_table_bytes(const struct rate_table *t);

enum rate_verdict { RATE_GOOD, RATE_TOO_MANY_AT_A_TIME, RATE_TOO_FAST };
/* A connection begins; where it is good, *counted says whether rate_table_leave() is owed. now: monotonic
 * microseconds. */
enum rate_verdict rate_table_enter(struct rate_table *t, const struct network *n, const struct rate_limits *l,
                                   int64_t now, bool *counted);
void rate_table_leave(struct rate_table *t, const struct network *n);
/* One more message or recipient. False: too fast; it is not counted then. */
bool rate_table_take(struct rate_table *t, const struct network *n, const struct rate_limits *l, enum rate which,
                     int64_t now);
/* The network has waited for its greeting; it is known to until then. */
void rate_table_know(struct rate_table *t, const struct network *n, int64_t now, int64_t until);
bool rate_table_knows(struct rate_table *t, const struct network *n, int64_t now);

#endif
