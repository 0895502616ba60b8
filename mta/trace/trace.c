#include "trace/batch.h"

#include "base/clock.h"
#include "base/log.h"
#include "settings.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

enum {
    MAX_BYTES = 8 << 20,   /* gathered at most; as much may be under way to the database */
    EARLY_BYTES = 1 << 20, /* written without waiting for the next round */
    ROUND_MS = 250,
    AWAY_MS = 1000,
    STOP_MS = 3000,
    MAINTAIN_SECONDS = 3600,
    COMPLAIN_SECONDS = 60,
};

struct trace {
    const struct mta *m;
    pthread_t writer;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct batch gathered;           /* under the lock */
    bool stopping;                   /* under the lock */
    uint64_t written, dropped, left; /* under the lock; left: of the batch under way */
    /* the writer's own */
    struct batch batch;
    int64_t lowest;        /* partition */
    int64_t maintained_at; /* 0: not yet */
    int64_t complained_at;
    uint64_t complained_drops;
};

const char *trace_outcome_name(enum trace_outcome o) {
    static const char *const name[] = {"delivered", "queued",  "relayed",   "deferred",
                                       "bounced",   "refused", "discarded", "lost"};
    return name[o];
}

/* ---- gathering ---- */

static bool is_on(const struct trace *t) {
    struct arena a = ARENA_EMPTY;
    bool on = t && settings_trace_days(t->m, &a) > 0;
    arena_free(&a);
    return on;
}

static bool may_gather(struct trace *t) {
    if (t->gathered.bytes < MAX_BYTES)
        return true;
    t->dropped++;
    return false;
}

static void gathered(struct trace *t, size_t before) {
    if (before < EARLY_BYTES && t->gathered.bytes >= EARLY_BYTES)
        pthread_cond_signal(&t->wake);
}

void trace_add(struct trace *t, const struct trace_message *m, const struct trace_recipient *r) {
    if (!is_on(t))
        return;
    pthread_mutex_lock(&t->lock);
    size_t before = t->gathered.bytes;
    if (may_gather(t))
        batch_add_row(&t->gathered, m, r);
    gathered(t, before);
    pthread_mutex_unlock(&t->lock);
}

void trace_add_event(struct trace *t, const struct trace_event *e) {
    if (!is_on(t))
        return;
    pthread_mutex_lock(&t->lock);
    size_t before = t->gathered.bytes;
    if (may_gather(t))
        batch_add_event(&t->gathered, e);
    gathered(t, before);
    pthread_mutex_unlock(&t->lock);
}

struct trace_counts trace_count(struct trace *t) {
    if (!t)
        return (struct trace_counts){0};
    pthread_mutex_lock(&t->lock);
    struct trace_counts c = {t->written, t->dropped, t->left + t->gathered.rows + t->gathered.events};
    pthread_mutex_unlock(&t->lock);
    return c;
}

/* ---- writing ---- */

static void wait_ms(struct trace *t, int ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += ms % 1000 * 1000000L;
    until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_cond_timedwait(&t->wake, &t->lock, &until);
}

/* Partitions for the days to come and against old ones; whatever the answer, not again at once. */
static bool maintain(struct trace *t, struct db_conn *c, int32_t days, struct err *err) {
    t->maintained_at = clock_monotonic();
    if (write_maintain(c, days, &t->lowest, err))
        return true;
    log_warn("trace: the days' tables can't be made or dropped now: %s", err->text);
    return false;
}

/* Writes t->batch. False: PostgreSQL is away, and the batch must wait. A batch that the database refuses is dropped,
 * when the tables are as they should be. */
static bool write_once(struct trace *t, int32_t days) {
    struct err err;
    bool good = false;
    struct db_conn *c = db_acquire(t->m->db, &err);
    if (!c)
        return false;
    if (!t->maintained_at || clock_monotonic() - t->maintained_at > MAINTAIN_SECONDS * CLOCK_SECOND)
        maintain(t, c, days, &err);
    good = !db_is_broken(c) && write_batch(c, &t->batch, t->lowest, &err);
    if (!good && !db_is_broken(c) && strcmp(db_sqlstate(c), "23505") != 0) {
        db_rollback(c);
        good = maintain(t, c, days, &err) && write_batch(c, &t->batch, t->lowest, &err);
    }
    /* 23505: it is there already, the answer to its COMMIT was lost */
    bool refused = !good && !db_is_broken(c), twice = refused && strcmp(db_sqlstate(c), "23505") == 0;
    db_release(t->m->db, c);
    pthread_mutex_lock(&t->lock);
    t->written += good || twice ? t->batch.rows + t->batch.events : 0;
    t->dropped += refused && !twice ? t->batch.rows + t->batch.events : 0;
    pthread_mutex_unlock(&t->lock);
    if (refused && !twice)
        log_error("trace: the database does not take %zu rows, they are dropped: %s", t->batch.rows + t->batch.events,
                  err.text);
    return good || refused;
}

static void complain(struct trace *t, uint64_t dropped) {
    int64_t now = clock_monotonic();
    if (dropped == t->complained_drops ||
        (t->complained_at && now - t->complained_at < COMPLAIN_SECONDS * CLOCK_SECOND))
        return;
    log_warn("trace: %llu rows dropped so far: PostgreSQL is away or slow", (unsigned long long)dropped);
    t->complained_at = now;
    t->complained_drops = dropped;
}

/* Takes what has gathered; false: nothing. Under the lock. */
static bool take(struct trace *t) {
    if (t->batch.rows + t->batch.events == 0 && t->gathered.rows + t->gathered.events) {
        struct batch empty = t->batch;
        t->batch = t->gathered;
        t->gathered = empty;
    }
    t->left = t->batch.rows + t->batch.events;
    return t->left > 0;
}

/* One round, called under the lock. False: PostgreSQL is away. */
static bool round_of(struct trace *t) {
    struct arena a = ARENA_EMPTY;
    bool any = take(t), away = false;
    uint64_t dropped = t->dropped;
    pthread_mutex_unlock(&t->lock);
    int32_t days = settings_trace_days(t->m, &a);
    arena_free(&a);
    if (any && days > 0)
        away = !write_once(t, days);
    if (!away && t->batch.bytes >= EARLY_BYTES) /* what a busy moment took is not kept for good */
        batch_free(&t->batch);
    else if (!away)
        batch_reset(&t->batch);
    complain(t, dropped);
    pthread_mutex_lock(&t->lock);
    t->left = t->batch.rows + t->batch.events;
    return !away;
}

static void *write_all(void *context) {
    struct trace *t = context;
    bool away = false;
    pthread_mutex_lock(&t->lock);
    while (!t->stopping) {
        wait_ms(t, away ? AWAY_MS : ROUND_MS);
        away = !round_of(t);
    }
    for (int64_t until = clock_monotonic() + STOP_MS * INT64_C(1000); clock_monotonic() < until;) {
        if (t->gathered.rows + t->gathered.events + t->left == 0)
            break;
        if (!round_of(t))
            wait_ms(t, ROUND_MS);
    }
    if (t->gathered.rows + t->gathered.events + t->left)
        log_warn("trace: the last rows are not written: PostgreSQL is away");
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

/* ---- start and stop ---- */

struct trace *trace_new(const struct mta *m) {
    struct trace *t = mem_zero(sizeof *t);
    pthread_condattr_t attr;
    t->m = m;
    pthread_mutex_init(&t->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&t->wake, &attr);
    pthread_condattr_destroy(&attr);
    return t;
}

bool trace_start(struct trace *t, struct err *err) {
    errno = pthread_create(&t->writer, NULL, write_all, t);
    t->started = errno == 0;
    return t->started || err_errno(err, "cannot start the thread of the message trace");
}

void trace_stop(struct trace *t) {
    if (!t || !t->started)
        return;
    pthread_mutex_lock(&t->lock);
    t->stopping = true;
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->lock);
    pthread_join(t->writer, NULL);
}
