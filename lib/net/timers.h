/*
 * timers: which connections' deadlines may have passed. A heap of one entry a connection, that is only touched when a
 * deadline comes nearer than the entry says; one that moves away (the usual case: input restarts the time) costs a
 * store, and the entry is put where it belongs when its old time comes.
 */
#ifndef NET_TIMERS_H
#define NET_TIMERS_H

#include "net/slots.h"

struct timer_entry {
    int64_t at;
    uint32_t index;
};

struct timers {
    struct slots *slots;
    struct timer_entry *heap; /* the earliest first */
    uint32_t count, cap;
    pthread_mutex_t lock;
};

void timers_init(struct timers *t, struct slots *slots);
void timers_destroy(struct timers *t);
/* The owner of a slot sets its deadline (monotonic microseconds, INT64_MAX: none). True when an entry was made or moved
 * forward: then whoever waits for timers may have to wait shorter. */
bool timers_set(struct timers *t, uint32_t index, int64_t deadline);
void timers_remove(struct timers *t, uint32_t index);
/* Takes out one connection whose deadline has passed and gives its place; false when there is none, *next is then
 * the time of the next look (INT64_MAX: none). */
bool timers_due(struct timers *t, int64_t now, uint32_t *index, int64_t *next);

#endif
