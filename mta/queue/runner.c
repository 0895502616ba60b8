#include "queue/runner.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "db/db.h"
#include "queue/job.h"
#include "queue/lease.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum {
    SENDERS = 40,         /* threads */
    PER_DESTINATION = 10, /* sessions at once */
    PER_SESSION = 100,    /* messages, then another destination may have the thread */
    HELD = 2000,          /* jobs claimed and not finished */
    CLAIM = 100,          /* at once */
    LEASE_SECONDS = 600,
    DESTINATIONS = 1024, /* buckets */
};
#define EXTEND_EVERY (LEASE_SECONDS / 4 * CLOCK_SECOND)
#define LOOK_EVERY (30 * CLOCK_SECOND) /* when nobody says anything: other nodes' leases expire silently */
#define AWAY_PAUSE (3 * CLOCK_SECOND)
#define DOWN_PAUSE (60 * CLOCK_SECOND)

/* Jobs claimed together live in one arena. */
struct batch {
    struct arena arena;
    size_t left;
};

struct held {
    struct held *next;           /* of its destination's waiting ones */
    struct held *after, *before; /* of all */
    const struct queue_job *job;
    struct batch *batch;
    int64_t leased_at;
    bool lost;      /* the lease: somebody else has it */
    bool extending; /* the keeper looks at it: may not be freed */
};

struct destination {
    struct destination *chain; /* of its bucket */
    struct destination *after; /* of those with jobs waiting */
    struct held *first, *last;
    bool listed;
    int sessions;
    int64_t down_until;
    struct client_reply why; /* its strings in `arena` */
    struct arena arena;
    size_t name_bytes;
    char name[]; /* next hop or domain, lower case */
};

struct runner {
    const struct mta *m;
    char *owner;
    pthread_mutex_t lock;
    pthread_cond_t to_claim, to_send, finished, to_extend;
    bool wake, stopping, leaving;
    int64_t look_at; /* when the claimer looks again, by the monotonic clock */
    size_t held_count;
    struct held *held;
    struct destination *bucket[DESTINATIONS];
    struct destination *first, *last; /* with jobs waiting */
    int threads;
    pthread_t claimer, keeper;
    struct db_listener *listener;
};

static void wait_until(pthread_cond_t *c, pthread_mutex_t *lock, int64_t at) {
    struct timespec t = {.tv_sec = at / CLOCK_SECOND, .tv_nsec = at % CLOCK_SECOND * 1000};
    pthread_cond_timedwait(c, lock, &t);
}

static void cond_init(pthread_cond_t *c) {
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(c, &attr);
    pthread_condattr_destroy(&attr);
}

/* ---- destinations; all under the lock ---- */

static struct destination *destination_of(struct runner *r, const struct queue_job *job) {
    struct str name = job->next_hop.n ? job->next_hop : job->domain;
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < name.n; i++)
        hash = (hash ^ (unsigned char)ascii_lower(name.p[i])) * 16777619u;
    struct destination **at = &r->bucket[hash % DESTINATIONS];
    for (struct destination *d = *at; d; d = d->chain)
        if (str_ieq(str_n(d->name, d->name_bytes), name))
            return d;
    struct destination *d = mem_zero(sizeof *d + name.n + 1);
    memcpy(d->name, name.p ? name.p : "", name.n);
    d->name_bytes = name.n;
    d->chain = *at;
    *at = d;
    return d;
}

static void list_destination(struct runner *r, struct destination *d) {
    if (d->listed || !d->first)
        return;
    d->listed = true;
    d->after = NULL;
    if (r->last)
        r->last->after = d;
    else
        r->first = d;
    r->last = d;
}

/* Takes the first destination in line that may have another session out of the line. */
static struct destination *next_destination(struct runner *r) {
    struct destination *before = NULL;
    for (struct destination *d = r->first; d; before = d, d = d->after) {
        if (d->sessions >= PER_DESTINATION)
            continue;
        if (before)
            before->after = d->after;
        else
            r->first = d->after;
        if (r->last == d)
            r->last = before;
        d->listed = false;
        return d;
    }
    return NULL;
}

/* Forgets destinations that have nothing to say any more. */
static void forget_destinations(struct runner *r) {
    int64_t now = clock_monotonic();
    for (size_t i = 0; i < DESTINATIONS; i++)
        for (struct destination **at = &r->bucket[i]; *at;) {
            struct destination *d = *at;
            if (d->first || d->sessions || d->listed || d->down_until > now) {
                at = &d->chain;
                continue;
            }
            *at = d->chain;
            arena_free(&d->arena);
            free(d);
        }
}

/* ---- jobs; under the lock ---- */

static void hold(struct runner *r, const struct queue_job *job, struct batch *batch) {
    struct held *h = mem_zero(sizeof *h);
    h->job = job;
    h->batch = batch;
    h->leased_at = clock_monotonic();
    h->after = r->held;
    if (r->held)
        r->held->before = h;
    r->held = h;
    r->held_count++;
    struct destination *d = destination_of(r, job);
    if (d->last)
        d->last->next = h;
    else
        d->first = h;
    d->last = h;
    list_destination(r, d);
}

static struct held *take_job(struct destination *d) {
    struct held *h = d->first;
    if (h) {
        d->first = h->next;
        if (!d->first)
            d->last = NULL;
    }
    return h;
}

static void drop(struct runner *r, struct held *h) {
    while (h->extending) /* the keeper has it in hand: it says when it has not any more */
        pthread_cond_wait(&r->finished, &r->lock);
    if (h->before)
        h->before->after = h->after;
    else
        r->held = h->after;
    if (h->after)
        h->after->before = h->before;
    if (--h->batch->left == 0) {
        arena_free(&h->batch->arena);
        free(h->batch);
    }
    free(h);
    if (r->held_count-- == HELD)
        pthread_cond_signal(&r->to_claim);
    pthread_cond_broadcast(&r->finished);
}

/* ---- sending ---- */

static void note_down(struct destination *d, const struct client_reply *why) {
    arena_reset(&d->arena);
    d->why = *why;
    d->why.text = arena_str(&d->arena, why->text);
    d->why.status = arena_str(&d->arena, why->status);
    d->down_until = clock_monotonic() + DOWN_PAUSE;
}

/* Something is due then, by the wall clock (INT64_MAX: nothing). */
static void look_again(struct runner *r, int64_t due) {
    int64_t now = clock_now(), in = due > now ? due - now : 0;
    if (due == INT64_MAX || clock_monotonic() + in >= r->look_at)
        return;
    r->look_at = clock_monotonic() + in;
    pthread_cond_signal(&r->to_claim);
}

/* One job, without the lock. */
static void run_job(struct runner *r, struct destination *d, struct held *h, struct client **client, struct arena *a) {
    struct job_outcome outcome;
    struct client_reply down;
    bool is_down = d->down_until > clock_monotonic();
    if (is_down) {
        down = d->why;
        down.text = arena_str(a, down.text);
        down.status = arena_str(a, down.status);
    }
    bool lost = h->lost;
    pthread_mutex_unlock(&r->lock);
    if (!lost)
        job_run(r->m, a, h->job, r->owner, client, is_down ? &down : NULL, &r->stopping, &outcome);
    else
        outcome = (struct job_outcome){.next_attempt_at = INT64_MAX};
    pthread_mutex_lock(&r->lock);
    look_again(r, outcome.next_attempt_at);
    if (outcome.destination_down)
        note_down(d, &outcome.trouble);
    else if (!is_down && !lost)
        d->down_until = 0;
    drop(r, h);
    arena_reset(a);
}

/* The jobs of one destination over one session, one after the other. */
static void serve_destination(struct runner *r, struct destination *d, struct arena *a) {
    struct client *client = NULL;
    d->sessions++;
    for (int i = 0; i < PER_SESSION && !r->stopping; i++) {
        struct held *h = take_job(d);
        if (!h)
            break;
        if (i == 0)
            list_destination(r, d); /* for the others to take the rest */
        run_job(r, d, h, &client, a);
    }
    pthread_mutex_unlock(&r->lock);
    client_close(client);
    pthread_mutex_lock(&r->lock);
    d->sessions--;
    list_destination(r, d);
}

static void *sender(void *context) {
    struct runner *r = context;
    struct arena a = ARENA_EMPTY;
    pthread_mutex_lock(&r->lock);
    while (!r->stopping) {
        struct destination *d = next_destination(r);
        if (d)
            serve_destination(r, d, &a);
        else
            pthread_cond_wait(&r->to_send, &r->lock);
    }
    r->threads--;
    pthread_cond_broadcast(&r->finished);
    pthread_mutex_unlock(&r->lock);
    arena_free(&a);
    return NULL;
}

/* ---- claiming ---- */

/* Claims what is due, up to max jobs. Returns how many, -1: PostgreSQL is away. Without the lock. */
static long claim(struct runner *r, size_t max) {
    struct batch *b = mem_zero(sizeof *b);
    struct queue_job *job = NULL;
    size_t n = 0;
    struct err err;
    if (queue_claim(r->m->store, &b->arena, r->owner, LEASE_SECONDS, max, &job, &n, &err) != STORE_OK) {
        log_warn("queue: nothing can be claimed: %s", err.text);
        arena_free(&b->arena);
        free(b);
        return -1;
    }
    if (n == 0) {
        arena_free(&b->arena);
        free(b);
        return 0;
    }
    b->left = n;
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < n; i++)
        hold(r, &job[i], b);
    pthread_cond_broadcast(&r->to_send);
    pthread_mutex_unlock(&r->lock);
    return (long)n;
}

/* When to look next, by the monotonic clock. */
static int64_t next_look(struct runner *r) {
    int64_t due, now = clock_monotonic();
    struct err err;
    if (queue_next_due(r->m->store, &due, &err) != STORE_OK)
        return now + AWAY_PAUSE;
    int64_t in = due == INT64_MAX ? LOOK_EVERY : due - clock_now();
    return now + (in > LOOK_EVERY ? LOOK_EVERY : in < 0 ? 0 : in);
}

static void *claim_all(void *context) {
    struct runner *r = context;
    pthread_mutex_lock(&r->lock);
    while (!r->stopping) {
        if (r->held_count >= HELD || r->leaving) {
            pthread_cond_wait(&r->to_claim, &r->lock);
            continue;
        }
        size_t room = HELD - r->held_count, max = room < CLAIM ? room : CLAIM;
        r->wake = false;
        r->look_at = INT64_MAX;
        forget_destinations(r);
        pthread_mutex_unlock(&r->lock);
        long n = claim(r, max);
        int64_t at = n < 0 ? clock_monotonic() + AWAY_PAUSE : n == (long)max ? 0 : next_look(r);
        pthread_mutex_lock(&r->lock);
        if (at < r->look_at)
            r->look_at = at;
        while (!r->wake && !r->stopping && clock_monotonic() < r->look_at)
            wait_until(&r->to_claim, &r->lock, r->look_at);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* ---- leases ---- */

/* A job whose lease has become old; NULL: none. Under the lock. */
static struct held *oldest_due(struct runner *r, int64_t now) {
    for (struct held *h = r->held; h; h = h->after)
        if (!h->lost && h->leased_at + EXTEND_EVERY <= now)
            return h;
    return NULL;
}

static void extend(struct runner *r, struct held *h) {
    struct err err;
    h->extending = true;
    pthread_mutex_unlock(&r->lock);
    enum store_status status = queue_extend(r->m->store, h->job, r->owner, LEASE_SECONDS, &err);
    pthread_mutex_lock(&r->lock);
    h->extending = false;
    h->leased_at = clock_monotonic();
    if (status == STORE_TEMPORARY) /* soon again, and not at once */
        h->leased_at -= EXTEND_EVERY - AWAY_PAUSE;
    h->lost = status == STORE_NOT_FOUND;
    pthread_cond_broadcast(&r->finished);
}

static void *keep_leases(void *context) {
    struct runner *r = context;
    pthread_mutex_lock(&r->lock);
    while (!r->stopping) {
        struct held *h = oldest_due(r, clock_monotonic());
        if (h)
            extend(r, h);
        else
            wait_until(&r->to_extend, &r->lock, clock_monotonic() + AWAY_PAUSE);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* ---- start and stop ---- */

static void on_notify(void *context, const char *channel, struct str payload) {
    (void)channel;
    (void)payload;
    runner_retry(context);
}

static bool start_threads(struct runner *r, struct err *err) {
    pthread_t t;
    int rc = pthread_create(&r->claimer, NULL, claim_all, r);
    if (rc == 0)
        rc = pthread_create(&r->keeper, NULL, keep_leases, r);
    for (int i = 0; rc == 0 && i < SENDERS; i++) {
        rc = pthread_create(&t, NULL, sender, r);
        if (rc == 0) {
            pthread_detach(t); /* one may hang with a slow host when the process ends */
            pthread_mutex_lock(&r->lock);
            r->threads++;
            pthread_mutex_unlock(&r->lock);
        }
    }
    errno = rc;
    return rc == 0 || err_errno(err, "cannot start the queue's threads");
}

struct runner *runner_new(const struct mta *m, const char *owner) {
    struct runner *r = mem_zero(sizeof *r);
    r->m = m;
    r->owner = str_dup(str_of(owner));
    pthread_mutex_init(&r->lock, NULL);
    cond_init(&r->to_claim);
    cond_init(&r->to_send);
    cond_init(&r->finished);
    cond_init(&r->to_extend);
    return r;
}

bool runner_start(struct runner *r, struct err *err) {
    static const char *const channels[] = {"queue", NULL};
    struct err why;
    if (!lease_release(r->m->db, r->owner, &why)) /* they expire by themselves, too */
        log_warn("queue: leases of the last run are not given up yet: %s", why.text);
    if (!start_threads(r, err))
        return false;
    r->listener = db_listen(r->m->db_conninfo, channels, on_notify, r, err);
    return r->listener != NULL;
}

void runner_wake(struct runner *r) {
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    r->wake = true;
    pthread_cond_signal(&r->to_claim);
    pthread_mutex_unlock(&r->lock);
}

void runner_retry(struct runner *r) {
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < DESTINATIONS; i++)
        for (struct destination *d = r->bucket[i]; d; d = d->chain)
            d->down_until = 0;
    pthread_mutex_unlock(&r->lock);
    runner_wake(r);
}

void runner_leave(struct runner *r) {
    pthread_mutex_lock(&r->lock);
    r->leaving = true;
    pthread_mutex_unlock(&r->lock);
}

bool runner_stop(struct runner *r, int grace_ms) {
    if (!r)
        return true;
    struct err err;
    db_listener_stop(r->listener);
    pthread_mutex_lock(&r->lock);
    __atomic_store_n(&r->stopping, true, __ATOMIC_RELAXED);
    pthread_cond_broadcast(&r->to_claim);
    pthread_cond_broadcast(&r->to_send);
    pthread_cond_broadcast(&r->to_extend);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->claimer, NULL);
    pthread_join(r->keeper, NULL);
    pthread_mutex_lock(&r->lock);
    for (int64_t until = clock_monotonic() + grace_ms * INT64_C(1000); r->threads && clock_monotonic() < until;)
        wait_until(&r->finished, &r->lock, until);
    int sending = r->threads;
    pthread_mutex_unlock(&r->lock);
    if (sending)
        log_warn("queue: %d sessions did not end in time; their messages are tried again later", sending);
    else if (!lease_release(r->m->db, r->owner, &err))
        log_warn("queue: leases are left to expire: %s", err.text);
    return sending == 0;
}
