#include "pop3/hold.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/memory.h"
#include "db/db.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { LOOK_SECONDS = 2 };

static const struct db_statement TAKE = {"pop3_take", "SELECT pop3_take($1, $2, $3)"};
static const struct db_statement GIVE = {"pop3_give", "SELECT pop3_give($1, $2)"};
/* The server shall notice soon where our machine has vanished. */
static const struct db_statement KEEP_ALIVE = {
    "pop3_keep_alive",
    "SELECT set_config('tcp_keepalives_idle', '10', false),"
    " set_config('tcp_keepalives_interval', '5', false), set_config('tcp_keepalives_count', '3', false)"};
static const struct db_statement LIVE = {"pop3_live", "SELECT pg_try_advisory_lock($1)"};
static const struct db_statement LOOK = {"pop3_look", "SELECT true"};

struct given {
    struct given *next;
    int64_t account, token;
};

struct holds {
    struct db *db, *own;  /* own: of the one connection that keeps the lock */
    struct db_conn *conn; /* that one */
    int64_t holder;
    atomic_bool alive; /* the lock is kept, as far as is known */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    bool started, stopping;
    struct given *given; /* what could not be given back yet */
};

/* ---- taking and giving ---- */

enum hold_status hold_take(struct holds *h, int64_t account, int32_t delay_seconds, int64_t *token, struct err *err) {
    if (!atomic_load(&h->alive)) {
        err_set(err, "PostgreSQL can't be asked who has a mailbox");
        return HOLD_TEMPORARY;
    }
    struct db_conn *c = db_acquire(h->db, err);
    if (!c)
        return HOLD_TEMPORARY;
    struct db_params p = {0};
    db_int8(&p, account), db_int8(&p, h->holder), db_int4(&p, delay_seconds);
    PGresult *r = db_query(c, &TAKE, &p, err);
    int64_t answer = r ? db_get_int8(r, 0, 0) : 0;
    bool good = r != NULL;
    PQclear(r);
    db_release(h->db, c);
    *token = answer < 0 ? -answer : answer;
    return !good ? HOLD_TEMPORARY : answer > 0 ? HOLD_TAKEN : answer < 0 ? HOLD_TOO_EARLY : HOLD_IN_USE;
}

static bool give(struct holds *h, int64_t account, int64_t token, struct err *err) {
    struct db_conn *c = db_acquire(h->db, err);
    if (!c)
        return false;
    struct db_params p = {0};
    db_int8(&p, account), db_int8(&p, token);
    bool good = db_exec(c, &GIVE, &p, err) >= 0;
    db_release(h->db, c);
    return good;
}

void hold_give(struct holds *h, int64_t account, int64_t token) {
    struct err err;
    if (give(h, account, token, &err))
        return;
    log_warn("pop3: a mailbox stays taken for the time being: %s", err.text);
    struct given *g = mem_zero(sizeof *g);
    g->account = account;
    g->token = token;
    pthread_mutex_lock(&h->lock);
    g->next = h->given;
    h->given = g;
    pthread_mutex_unlock(&h->lock);
}

/* ---- the thread that keeps the lock ---- */

static void give_what_waits(struct holds *h) {
    struct err err;
    pthread_mutex_lock(&h->lock);
    struct given *list = h->given;
    h->given = NULL;
    pthread_mutex_unlock(&h->lock);
    while (list) {
        struct given *g = list;
        list = g->next;
        if (!give(h, g->account, g->token, &err)) {
            pthread_mutex_lock(&h->lock);
            g->next = h->given;
            h->given = g;
            pthread_mutex_unlock(&h->lock);
            continue;
        }
        free(g);
    }
}

/* One more look at the connection; a lost one gets the lock anew. */
static bool try_look(struct holds *h, struct err *err) {
    if (h->conn && db_exec(h->conn, &LOOK, NULL, err) >= 0)
        return true;
    db_release(h->own, h->conn);
    h->conn = db_acquire(h->own, err);
    if (!h->conn || db_exec(h->conn, &KEEP_ALIVE, NULL, err) < 0)
        return false;
    struct db_params p = {0};
    db_int8(&p, h->holder);
    PGresult *r = db_query(h->conn, &LIVE, &p, err);
    bool got = r && db_get_bool(r, 0, 0);
    if (r && !got)
        err_set(err, "PostgreSQL has not noticed yet that the old connection is gone");
    PQclear(r);
    return got;
}

static void look(struct holds *h) {
    struct err err;
    bool alive = try_look(h, &err), was = atomic_exchange(&h->alive, alive);
    if (!alive && (was || !h->started))
        log_warn("pop3: no mailbox can be taken: %s", err.text);
    if (alive && !was && h->started)
        log_info("pop3: mailboxes can be taken again");
    if (alive) {
        give_what_waits(h);
    } else { /* without the lock it is of no use */
        db_release(h->own, h->conn);
        h->conn = NULL;
    }
}

static bool wait_a_while(struct holds *h) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += LOOK_SECONDS;
    pthread_mutex_lock(&h->lock);
    while (!h->stopping && pthread_cond_clockwait(&h->changed, &h->lock, CLOCK_MONOTONIC, &at) == 0)
        continue;
    bool go_on = !h->stopping;
    pthread_mutex_unlock(&h->lock);
    return go_on;
}

static void *keep(void *context) {
    struct holds *h = context;
    while (wait_a_while(h))
        look(h);
    return NULL;
}

struct holds *holds_open(struct db *db, const char *conninfo, struct err *err) {
    struct holds *h = mem_zero(sizeof *h);
    h->db = db;
    random_bytes(&h->holder, sizeof h->holder);
    h->holder &= INT64_MAX;
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->changed, NULL);
    h->own = db_open(conninfo, 1, err);
    if (h->own)
        look(h);
    h->started = h->own != NULL; /* before the thread is there, which looks at it */
    if (h->started && pthread_create(&h->thread, NULL, keep, h) != 0) {
        h->started = false;
        err_set(err, "cannot start a thread");
    }
    if (h->started)
        return h;
    holds_close(h);
    return NULL;
}

void holds_close(struct holds *h) {
    if (!h)
        return;
    pthread_mutex_lock(&h->lock);
    h->stopping = true;
    pthread_cond_signal(&h->changed);
    pthread_mutex_unlock(&h->lock);
    if (h->started)
        pthread_join(h->thread, NULL);
    if (h->own) {
        db_release(h->own, h->conn);
        db_close(h->own);
    }
    while (h->given) {
        struct given *g = h->given;
        h->given = g->next;
        free(g);
    }
    pthread_mutex_destroy(&h->lock);
    pthread_cond_destroy(&h->changed);
    free(h);
}
