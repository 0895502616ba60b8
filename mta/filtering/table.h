/*
 * table: the filters that are configured, as the sessions use them. Read once and kept until something changes; a
 * session holds on to the set it began with until its next MAIL, so that what is changed is in force at once and no
 * conversation is cut in two.
 */
#ifndef FILTERING_TABLE_H
#define FILTERING_TABLE_H

#include "filter/filter.h"
#include "filter/idle.h"
#include "mta.h"

#include <stdatomic.h>

struct filter_entry {
    struct filter filter;
    struct idle idle;           /* connections that wait: of milters, policy servers, rspamd */
    _Atomic int64_t dead_until; /* clock_monotonic; see filter_entry_failed() */
};

struct filter_set {
    atomic_int users;
    uint64_t generation;
    struct arena arena;
    struct filter_entry *entry;
    size_t count;
    unsigned services; /* that have any filter */
};

/* It failed to answer what was asked at `since` (clock_monotonic). Where that took its time nobody else waits for it
 * for some seconds: each of them would have a worker of the server wait with it. */
void filter_entry_failed(struct filter_entry *e, int64_t since);
/* Whether that is so now; false with err. */
bool filter_entry_is_alive(const struct filter_entry *e, struct err *err);

struct filter_table;
struct filter_table *filter_table_new(const struct mta *m);
void filter_table_free(struct filter_table *t);

/* Whether a service has filters: all that a session without any pays. */
bool filter_table_serves(struct filter_table *t, unsigned service);
/* The set in force; give it back with filter_set_release(). NULL: none was ever read. */
struct filter_set *filter_table_take(struct filter_table *t);
bool filter_set_is_current(struct filter_table *t, const struct filter_set *set);
void filter_set_release(struct filter_set *set);

#endif
