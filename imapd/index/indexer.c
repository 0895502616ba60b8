#include "index/indexer.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "db/db.h"
#include "index/block.h"
#include "index/pass.h"
#include "metrics/metrics.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 4096, NICE = 10, CONNECTIONS = 2 };
static const int64_t SETTLE = 5 * CLOCK_SECOND; /* mail that comes in bursts is taken together */
static const int64_t BUSY = 10 * CLOCK_SECOND;  /* until an account that another node works on is looked at again */
static const int64_t AFTER_FAILURE = 30 * CLOCK_SECOND;
static const int64_t LOOK_EVERY = 600 * CLOCK_SECOND; /* at all accounts */

/* An account with something to do. */
struct due {
    struct due *next;
    int64_t account, missing;
    int64_t since, at; /* when it was first heard of, when to work on it; monotonic */
};

struct indexer {
    struct store *store;
    struct db *db;
    struct db_listener *listener;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stop;
    int64_t look_at;
    struct due *slot[SLOTS];
};

static struct {
    atomic_int_fast64_t accounts, since; /* how many are due, since when the first; 0: none */
    atomic_uint_fast64_t emails;
} measured;

static const struct db_statement BEHIND = {
    "index_behind",
    "SELECT a.id FROM account a LEFT JOIN search_account s ON s.account_id = a.id WHERE coalesce(s.enabled, true) AND"
    " coalesce((SELECT max(e.id) FROM email e WHERE e.account_id = a.id), 0) > coalesce(s.indexed_to, 0)"
    " UNION SELECT account_id FROM search_gone UNION SELECT account_id FROM search_account s WHERE version <> $1"
    " OR NOT EXISTS (SELECT FROM account a WHERE a.id = s.account_id)"};

/* ---- what is due; under the lock ---- */

static struct due **place(struct indexer *x, int64_t account) {
    struct due **at = &x->slot[(uint64_t)account * 0x9e3779b97f4a7c15u >> 52];
    while (*at && (*at)->account != account)
        at = &(*at)->next;
    return at;
}

/* The earlier time counts, and the earlier email. */
static void add_due(struct indexer *x, int64_t account, int64_t missing, int64_t at) {
    struct due **slot = place(x, account), *d = *slot;
    if (!d) {
        d = *slot = mem_zero(sizeof *d);
        d->account = account;
        d->since = clock_monotonic();
        d->at = at;
    }
    d->at = at < d->at ? at : d->at;
    if (missing && (!d->missing || missing < d->missing))
        d->missing = missing;
}

/* Takes out the one that has waited longest of those whose time has come; else says in *at when one's comes. */
static bool take_due(struct indexer *x, struct due *out, int64_t *at) {
    int64_t now = clock_monotonic(), count = 0, since = 0;
    struct due **best = NULL;
    *at = x->look_at;
    for (size_t i = 0; i < SLOTS; i++)
        for (struct due **d = &x->slot[i]; *d; d = &(*d)->next) {
            count++;
            since = since == 0 || (*d)->since < since ? (*d)->since : since;
            *at = (*d)->at < *at ? (*d)->at : *at;
            if ((*d)->at <= now && (!best || (*d)->at < (*best)->at))
                best = d;
        }
    atomic_store(&measured.accounts, count);
    atomic_store(&measured.since, since);
    if (!best)
        return false;
    struct due *d = *best;
    *out = *d;
    *best = d->next;
    free(d);
    return true;
}

static void hear_of(struct indexer *x, int64_t account, int64_t missing, int64_t after) {
    pthread_mutex_lock(&x->lock);
    add_due(x, account, missing, clock_monotonic() + after);
    pthread_cond_signal(&x->changed);
    pthread_mutex_unlock(&x->lock);
}

void indexer_missing(struct indexer *x, int64_t account, int64_t email) {
    if (x)
        hear_of(x, account, email, 0);
}

/* "account:mailbox:..." on channel mailbox, "account" on search_index. */
static void on_notify(void *context, const char *channel, struct str payload) {
    struct indexer *x = context;
    struct str account;
    uint64_t id;
    if (!*channel) { /* something may have been missed */
        pthread_mutex_lock(&x->lock);
        x->look_at = 0;
        pthread_cond_signal(&x->changed);
        pthread_mutex_unlock(&x->lock);
    } else if (str_split(&payload, ':', &account) && str_u64(account, &id)) {
        hear_of(x, (int64_t)id, 0, strcmp(channel, "mailbox") == 0 ? SETTLE : 0);
    }
}

/* ---- working ---- */

static void look_at_all(struct indexer *x) {
    struct err err;
    struct db_params p = {0};
    struct db_conn *c = db_acquire(x->db, &err);
    db_int4(&p, INDEX_VERSION);
    PGresult *r = c ? db_query(c, &BEHIND, &p, &err) : NULL;
    if (!r)
        log_warn("the search index: %s", err.text);
    pthread_mutex_lock(&x->lock);
    x->look_at = clock_monotonic() + (r ? LOOK_EVERY : AFTER_FAILURE);
    for (int i = 0; r && i < PQntuples(r); i++)
        add_due(x, db_get_int8(r, i, 0), 0, clock_monotonic());
    pthread_mutex_unlock(&x->lock);
    PQclear(r);
    if (c)
        db_release(x->db, c);
}

static void work_on(struct indexer *x, const struct due *d) {
    struct err err;
    uint64_t indexed;
    enum pass_result result = index_pass(x->store, x->db, d->account, d->missing, &indexed, &err);
    atomic_fetch_add(&measured.emails, indexed);
    if (result == PASS_DONE)
        return;
    if (result == PASS_FAILED)
        log_warn("the search index of account %" PRId64 ": %s", d->account, err.text);
    pthread_mutex_lock(&x->lock);
    int64_t now = clock_monotonic();
    add_due(x, d->account, result == PASS_FAILED ? d->missing : 0,
            now + (result == PASS_MORE     ? 0
                   : result == PASS_FAILED ? AFTER_FAILURE
                   : indexed               ? SETTLE
                                           : BUSY));
    (*place(x, d->account))->since = d->since;
    pthread_mutex_unlock(&x->lock);
}

/* Waits until that time (monotonic), or until something changes; under the lock. False: the time has come. */
static bool wait_until(struct indexer *x, int64_t until) {
    int64_t left = until - clock_monotonic();
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_sec += left / CLOCK_SECOND;
    at.tv_nsec += left % CLOCK_SECOND * 1000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return left > 0 && pthread_cond_timedwait(&x->changed, &x->lock, &at) == 0;
}

enum next { STOP, LOOK, WORK };

static enum next next_work(struct indexer *x, int64_t not_before, struct due *d) {
    enum next next = STOP;
    int64_t at;
    pthread_mutex_lock(&x->lock);
    while (!x->stop && wait_until(x, not_before))
        continue;
    while (!x->stop && next == STOP) {
        if (x->look_at <= clock_monotonic())
            next = LOOK;
        else if (take_due(x, d, &at))
            next = WORK;
        else
            wait_until(x, at);
    }
    pthread_mutex_unlock(&x->lock);
    return next;
}

static void *run(void *context) {
    struct indexer *x = context;
    struct due d;
    int64_t rest_until = 0;
    if (setpriority(PRIO_PROCESS, (id_t)gettid(), NICE) != 0) /* of this thread alone, on Linux */
        log_debug("the thread of the search index keeps its priority");
    for (enum next next; (next = next_work(x, rest_until, &d)) != STOP;) {
        int64_t began = clock_monotonic();
        if (next == LOOK)
            look_at_all(x);
        else
            work_on(x, &d);
        rest_until = 2 * clock_monotonic() - began; /* as long as it worked */
    }
    return NULL;
}

struct indexer *indexer_start(struct store *store, const char *conninfo, struct err *err) {
    static const char *const channels[] = {"mailbox", "search_index", NULL};
    struct indexer *x = mem_zero(sizeof *x);
    x->store = store;
    pthread_mutex_init(&x->lock, NULL);
    pthread_cond_init(&x->changed, NULL);
    if (!(x->db = db_open(conninfo, CONNECTIONS, err)) ||
        !(x->listener = db_listen(conninfo, channels, on_notify, x, err))) {
        db_close(x->db);
        free(x);
        return NULL;
    }
    if (pthread_create(&x->thread, NULL, run, x) != 0)
        log_fatal("cannot start a thread");
    return x;
}

void indexer_stop(struct indexer *x) {
    if (!x)
        return;
    pthread_mutex_lock(&x->lock);
    x->stop = true;
    pthread_cond_signal(&x->changed);
    pthread_mutex_unlock(&x->lock);
    pthread_join(x->thread, NULL);
    db_listener_stop(x->listener);
    for (size_t i = 0; i < SLOTS; i++)
        for (struct due *d = x->slot[i], *next; d; d = next) {
            next = d->next;
            free(d);
        }
    db_close(x->db);
    pthread_mutex_destroy(&x->lock);
    pthread_cond_destroy(&x->changed);
    free(x);
}

void indexer_gauges(struct buf *out) {
    const struct str none = {NULL, 0};
    int64_t since = atomic_load(&measured.since);
    double lag = since ? (double)(clock_monotonic() - since) / (double)CLOCK_SECOND : 0;
    metrics_head(out, "mansio_search_index_emails_total", "counter", "Emails put into the search index.");
    metrics_sample(out, "mansio_search_index_emails_total", NULL, none, (double)atomic_load(&measured.emails));
    metrics_head(out, "mansio_search_index_accounts_waiting", "gauge",
                 "Accounts whose search index has something to do.");
    metrics_sample(out, "mansio_search_index_accounts_waiting", NULL, none, (double)atomic_load(&measured.accounts));
    metrics_head(out, "mansio_search_index_lag_seconds", "gauge", "How long the first of them has waited.");
    metrics_sample(out, "mansio_search_index_lag_seconds", NULL, none, lag);
}
