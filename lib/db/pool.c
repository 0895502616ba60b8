#include "db/conn.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { ACQUIRE_SECONDS = 5 };

struct db {
    char *conninfo;
    int max;
    pthread_mutex_t lock;
    pthread_cond_t freed;
    int count;            /* connections that exist or are being made */
    struct db_conn *idle; /* most recently used first: its prepared statements and caches are warm */
};

/* What is set beside the conninfo. A server that stops answering must not hold a thread for ever: nor one that is gone
 * while its answer is waited for (keepalives). Our statements' parameters do not change their best plan, and planning
 * each time was a quarter of PostgreSQL's work for a delivery. */
static const char *const options[][2] = {
    {"connect_timeout", "3"},
    {"tcp_user_timeout", "15000"},
    {"keepalives_idle", "15"},
    {"keepalives_interval", "5"},
    {"keepalives_count", "3"},
    {"client_encoding", "UTF8"},
    {"options", "-c statement_timeout=60s -c lock_timeout=20s -c jit=off -c plan_cache_mode=force_generic_plan"},
};
enum { OPTIONS = sizeof options / sizeof *options };

PGconn *db_connect(const char *conninfo, struct err *err) {
    /* Later keywords override what the conninfo says. */
    const char *keyword[OPTIONS + 2] = {"dbname"}, *value[OPTIONS + 2] = {conninfo};
    for (size_t i = 0; i < OPTIONS; i++) {
        keyword[i + 1] = options[i][0];
        value[i + 1] = options[i][1];
    }
    PGconn *pg = PQconnectdbParams(keyword, value, 1);
    if (pg && PQstatus(pg) == CONNECTION_OK)
        return pg;
    db_describe(err, "cannot reach PostgreSQL", pg ? PQerrorMessage(pg) : "out of memory");
    PQfinish(pg);
    return NULL;
}

/* libpq's messages end in a line feed and may have several lines: the first says what is wrong. */
void db_describe(struct err *err, const char *what, const char *message) {
    struct str line = str_of(message), first = line;
    str_split(&line, '\n', &first);
    err_set(err, "%s: %.*s", what, STR_ARG(str_trim(first)));
}

struct db *db_open(const char *conninfo, int max, struct err *err) {
    char *problem = NULL;
    PQconninfoOption *words = PQconninfoParse(conninfo, &problem);
    if (!words) {
        db_describe(err, "the database's connection string is wrong", problem ? problem : "out of memory");
        PQfreemem(problem);
        return NULL;
    }
    PQconninfoFree(words);
    struct db *db = mem_zero(sizeof *db);
    db->conninfo = str_dup(str_of(conninfo));
    db->max = max < 1 ? 1 : max;
    pthread_mutex_init(&db->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&db->freed, &attr);
    pthread_condattr_destroy(&attr);
    return db;
}

void db_close(struct db *db) {
    if (!db)
        return;
    while (db->idle) {
        struct db_conn *c = db->idle;
        db->idle = c->next;
        db_conn_free(c);
    }
    pthread_cond_destroy(&db->freed);
    pthread_mutex_destroy(&db->lock);
    free(db->conninfo);
    free(db);
}

/* Takes an idle connection, or the right to make one (*make). NULL without *make: none came free in time. */
static struct db_conn *take(struct db *db, bool *make) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ACQUIRE_SECONDS;
    struct db_conn *c = NULL;
    *make = false;
    pthread_mutex_lock(&db->lock);
    while (!db->idle && db->count >= db->max)
        if (pthread_cond_timedwait(&db->freed, &db->lock, &until) == ETIMEDOUT)
            break;
    if (db->idle) {
        c = db->idle;
        db->idle = c->next;
    } else if (db->count < db->max) {
        db->count++;
        *make = true;
    }
    pthread_mutex_unlock(&db->lock);
    return c;
}

static void forget(struct db *db) {
    pthread_mutex_lock(&db->lock);
    db->count--;
    pthread_cond_signal(&db->freed);
    pthread_mutex_unlock(&db->lock);
}

struct db_conn *db_acquire(struct db *db, struct err *err) {
    bool make;
    for (;;) {
        struct db_conn *c = take(db, &make);
        if (!c)
            break;
        if (db_conn_alive(c))
            return c;
        db_conn_free(c);
        forget(db);
    }
    if (!make) {
        err_set(err, "all %d database connections are busy", db->max);
        return NULL;
    }
    PGconn *pg = db_connect(db->conninfo, err);
    if (!pg) {
        forget(db);
        return NULL;
    }
    return db_conn_new(pg);
}

void db_release(struct db *db, struct db_conn *c) {
    if (!c)
        return;
    db_conn_settle(c);
    if (db_is_broken(c)) {
        db_conn_free(c);
        forget(db);
        return;
    }
    pthread_mutex_lock(&db->lock);
    c->next = db->idle;
    db->idle = c;
    pthread_cond_signal(&db->freed);
    pthread_mutex_unlock(&db->lock);
}

struct db_counts db_count(struct db *db) {
    pthread_mutex_lock(&db->lock);
    struct db_counts counts = {.max = db->max, .open = db->count};
    for (struct db_conn *c = db->idle; c; c = c->next)
        counts.idle++;
    pthread_mutex_unlock(&db->lock);
    return counts;
}
