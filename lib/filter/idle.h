/*
 * idle: connections that wait for their next use. A few a filter, for a minute at most; what does not fit is closed.
 * Safe for all threads.
 */
#ifndef FILTER_IDLE_H
#define FILTER_IDLE_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

enum { IDLE_MAX = 16, IDLE_SECONDS = 60 };

struct idle {
    pthread_mutex_t lock;
    void (*close)(void *item);
    void *item[IDLE_MAX];
    int64_t since[IDLE_MAX];
    size_t count;
};

void idle_init(struct idle *i, void (*close)(void *item));
void idle_free(struct idle *i);  /* closes all */
void *idle_take(struct idle *i); /* the one used last; NULL: there is none */
void idle_put(struct idle *i, void *item);

#endif
