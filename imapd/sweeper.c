#include "sweeper.h"

#include "base/log.h"
#include "base/memory.h"
#include "store/store.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum {
    MAX_PIECES = 1000,    /* of one kind in one go */
    GRACE_SECONDS = 3600, /* a backup that began before the rows went still finds the bytes */
    ORPHANS_EVERY_SECONDS = 86400,
    ORPHANS_HOUR = 3, /* local time */
};

struct sweeper {
    struct store *store;
    int every_seconds;
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

/* Does a kind of work piece by piece until there is no more of it, and says what came of it. */
static void each_piece(struct sweeper *s, int64_t (*piece)(struct sweeper *s, struct err *err), const char *done) {
    struct err err;
    int64_t n = 1, sum = 0;
    for (int i = 0; n > 0 && i < MAX_PIECES && !stopping(s); i++) {
        n = piece(s, &err);
        sum += n > 0 ? n : 0;
    }
    if (sum)
        log_info(done, (long long)sum);
    if (n < 0)
        log_warn("sweeping: %s", err.text);
}

static int64_t forget(struct sweeper *s, struct err *err) { return store_forget_removed(s->store, err); }

static int64_t delete (struct sweeper *s, struct err *err) { return store_sweep(s->store, GRACE_SECONDS, err); }

static void apply_retention(struct sweeper *s) {
    struct err err;
    int64_t after = 0, n = 0, sum = 0;
    do {
        n = store_apply_retention(s->store, &after, &err);
        sum += n > 0 ? n : 0;
    } while (n >= 0 && after && !stopping(s));
    if (sum)
        log_info("%lld messages were removed, as their folders' rules say", (long long)sum);
    if (n < 0)
        log_warn("retention: %s", err.text);
}

static void sweep(struct sweeper *s, time_t now, time_t *orphans_at) {
    struct err err;
    struct tm tm;
    apply_retention(s);
    each_piece(s, forget, "%lld removed messages can't be brought back any more");
    each_piece(s, delete, "%lld messages that no mailbox has any more were deleted");
    localtime_r(&now, &tm);
    if (tm.tm_hour != ORPHANS_HOUR || now < *orphans_at)
        return;
    *orphans_at = now + ORPHANS_EVERY_SECONDS - s->every_seconds;
    if (store_sweep_orphans(s->store, GRACE_SECONDS, &err) < 0)
        log_warn("sweeping: %s", err.text);
}

static void *run(void *context) {
    struct sweeper *s = context;
    struct timespec at;
    time_t orphans_at = 0;
    for (;;) {
        clock_gettime(CLOCK_REALTIME, &at);
        at.tv_sec += s->every_seconds;
        if (!sleep_until(s, &at))
            return NULL;
        sweep(s, at.tv_sec, &orphans_at);
    }
}

struct sweeper *sweeper_start(struct store *store, int every_seconds) {
    struct sweeper *s = mem_zero(sizeof *s);
    s->store = store;
    s->every_seconds = every_seconds;
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
