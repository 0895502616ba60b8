#include "sweeper.h"

#include "base/log.h"
#include "base/memory.h"
#include "store/store.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum {
    EVERY_SECONDS = 600,
    MAX_PIECES = 1000,    /* of store_sweep() in one go */
    GRACE_SECONDS = 3600, /* a backup that began before the rows went still finds the bytes */
    ORPHANS_EVERY_SECONDS = 86400,
    ORPHANS_HOUR = 3, /* local time */
};

struct sweeper {
    struct store *store;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stop;
};

/* True when it is time to go on, false when to stop. */
static bool sleep_until(struct sweeper *s, const struct timespec *at) {
    pthread_mutex_lock(&s->lock);
    while (!s->stop && pthread_cond_timedwait(&s->changed, &s->lock, at) == 0)
        continue;
    bool go_on = !s->stop;
    pthread_mutex_unlock(&s->lock);
    return go_on;
}

static bool stopping(struct sweeper *s) {
    pthread_mutex_lock(&s->lock);
    bool stop = s->stop;
    pthread_mutex_unlock(&s->lock);
    return stop;
}

static void sweep(struct sweeper *s, time_t now, time_t *orphans_at) {
    struct err err;
    struct tm tm;
    int64_t n = 1, sum = 0;
    for (int i = 0; n > 0 && i < MAX_PIECES && !stopping(s); i++) {
        n = store_sweep(s->store, GRACE_SECONDS, &err);
        sum += n > 0 ? n : 0;
    }
    if (sum)
        log_info("%lld messages that no mailbox has any more were deleted", (long long)sum);
    if (n < 0)
        log_warn("sweeping: %s", err.text);
    localtime_r(&now, &tm);
    if (tm.tm_hour != ORPHANS_HOUR || now < *orphans_at)
        return;
    *orphans_at = now + ORPHANS_EVERY_SECONDS - EVERY_SECONDS;
    if (store_sweep_orphans(s->store, GRACE_SECONDS, &err) < 0)
        log_warn("sweeping: %s", err.text);
}

static void *run(void *context) {
    struct sweeper *s = context;
    struct timespec at;
    time_t orphans_at = 0;
    clock_gettime(CLOCK_REALTIME, &at);
    do {
        at.tv_sec += EVERY_SECONDS;
        if (!sleep_until(s, &at))
            break;
        sweep(s, at.tv_sec, &orphans_at);
    } while (true);
    return NULL;
}

struct sweeper *sweeper_start(struct store *store) {
    struct sweeper *s = mem_zero(sizeof *s);
    s->store = store;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    if (pthread_create(&s->thread, NULL, run, s) != 0)
        log_fatal("cannot start a thread");
    return s;
}

void sweeper_stop(struct sweeper *s) {
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->changed);
    free(s);
}
