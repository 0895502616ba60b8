#include "db/conn.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { RECONNECT_MS = 500, GATHER_MS = 50, BUCKETS = 256, MAX_CHANNELS = 8 };

/* ---- listening ---- */

struct db_listener {
    char *conninfo;
    char *channel[MAX_CHANNELS + 1];
    void (*notified)(void *context, const char *channel, struct str payload);
    void *context;
    int stop;
    pthread_t thread;
};

static bool wait_or_stop(int stop, int fd, int ms) {
    struct pollfd p[2] = {{stop, POLLIN, 0}, {fd, POLLIN, 0}};
    while (poll(p, fd >= 0 ? 2 : 1, ms) < 0 && errno == EINTR)
        ;
    return !(p[0].revents & POLLIN);
}

static bool listen_on(struct db_listener *l, PGconn *pg) {
    for (size_t i = 0; l->channel[i]; i++) {
        char *quoted = PQescapeIdentifier(pg, l->channel[i], strlen(l->channel[i]));
        struct buf sql = BUF_EMPTY;
        buf_printf(&sql, "LISTEN %s", quoted ? quoted : "");
        PQfreemem(quoted);
        PGresult *r = PQexec(pg, sql.p);
        buf_free(&sql);
        bool good = PQresultStatus(r) == PGRES_COMMAND_OK;
        PQclear(r);
        if (!good)
            return false;
    }
    return true;
}

/* Hands on notifications until the connection breaks (true) or the listener is stopped (false). */
static bool follow(struct db_listener *l, PGconn *pg) {
    l->notified(l->context, "", STR(""));
    while (wait_or_stop(l->stop, PQsocket(pg), -1)) {
        if (!PQconsumeInput(pg) || PQstatus(pg) != CONNECTION_OK)
            return true;
        PGnotify *n;
        while ((n = PQnotifies(pg))) {
            l->notified(l->context, n->relname, str_of(n->extra));
            PQfreemem(n);
        }
    }
    return false;
}

static void *listener_thread(void *arg) {
    struct db_listener *l = arg;
    bool complained = false;
    do {
        struct err err;
        PGconn *pg = db_connect(l->conninfo, &err);
        bool on = pg && listen_on(l, pg);
        if (on) {
            complained = false;
            if (!follow(l, pg)) {
                PQfinish(pg);
                return NULL;
            }
            log_warn("the connection for notifications was lost, connecting again");
        } else if (!complained) {
            log_warn("cannot listen for notifications, trying on: %s", pg ? PQerrorMessage(pg) : err.text);
            complained = true;
        }
        PQfinish(pg);
    } while (wait_or_stop(l->stop, -1, RECONNECT_MS));
    return NULL;
}

struct db_listener *db_listen(const char *conninfo, const char *const *channels,
                              void (*notified)(void *context, const char *channel, struct str payload), void *context,
                              struct err *err) {
    struct db_listener *l = mem_zero(sizeof *l);
    l->conninfo = str_dup(str_of(conninfo));
    for (size_t i = 0; channels[i]; i++) {
        if (i == MAX_CHANNELS)
            log_panic("more than %d channels", MAX_CHANNELS);
        l->channel[i] = str_dup(str_of(channels[i]));
    }
    l->notified = notified;
    l->context = context;
    l->stop = eventfd(0, EFD_CLOEXEC);
    if (l->stop >= 0 && pthread_create(&l->thread, NULL, listener_thread, l) == 0)
        return l;
    err_errno(err, "cannot start the thread for notifications");
    for (size_t i = 0; l->channel[i]; i++)
        free(l->channel[i]);
    if (l->stop >= 0)
        close(l->stop);
    free(l->conninfo);
    free(l);
    return NULL;
}

void db_listener_stop(struct db_listener *l) {
    if (!l)
        return;
    eventfd_write(l->stop, 1);
    pthread_join(l->thread, NULL);
    close(l->stop);
    for (size_t i = 0; l->channel[i]; i++)
        free(l->channel[i]);
    free(l->conninfo);
    free(l);
}

/* ---- notifying ---- */

struct pending {
    struct pending *next;
    struct buf key, payload;
};

struct db_notifier {
    char *conninfo, *channel;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct pending *bucket[BUCKETS];
    size_t count;
    bool stopping;
    pthread_t thread;
};

static const struct db_statement NOTIFY = {"notify", "SELECT pg_notify($1, p) FROM unnest($2::text[]) AS p"};

static size_t bucket_of(struct str key) {
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < key.n; i++)
        h = (h ^ (unsigned char)key.p[i]) * 16777619u;
    return h % BUCKETS;
}

void db_notifier_send(struct db_notifier *n, struct str key, struct str payload) {
    pthread_mutex_lock(&n->lock);
    struct pending **at = &n->bucket[bucket_of(key)];
    while (*at && !str_eq(buf_str(&(*at)->key), key))
        at = &(*at)->next;
    if (!*at) {
        *at = mem_zero(sizeof **at);
        buf_add_str(&(*at)->key, key);
        if (n->count++ == 0)
            pthread_cond_signal(&n->changed);
    }
    buf_reset(&(*at)->payload);
    buf_add_str(&(*at)->payload, payload);
    pthread_mutex_unlock(&n->lock);
}

static void free_pending(struct pending *p) {
    while (p) {
        struct pending *next = p->next;
        buf_free(&p->key);
        buf_free(&p->payload);
        free(p);
        p = next;
    }
}

/* Takes everything that is pending as one list, waiting for something. NULL: stopping. */
static struct pending *take_pending(struct db_notifier *n) {
    struct pending *all = NULL;
    pthread_mutex_lock(&n->lock);
    while (n->count == 0 && !n->stopping)
        pthread_cond_wait(&n->changed, &n->lock);
    for (size_t i = 0; i < BUCKETS; i++)
        while (n->bucket[i]) {
            struct pending *p = n->bucket[i];
            n->bucket[i] = p->next;
            p->next = all;
            all = p;
        }
    n->count = 0;
    pthread_mutex_unlock(&n->lock);
    return all;
}

static bool send_all(struct db_notifier *n, struct db_conn *c, const struct pending *list, struct err *err) {
    size_t count = 0;
    for (const struct pending *p = list; p; p = p->next)
        count++;
    struct str *payload = mem_alloc(count * sizeof *payload);
    count = 0;
    for (const struct pending *p = list; p; p = p->next)
        payload[count++] = buf_str(&p->payload);
    struct db_params params = {0};
    db_text(&params, str_of(n->channel));
    db_text_array(&params, payload, count);
    PGresult *r = db_query(c, &NOTIFY, &params, err);
    free(payload);
    PQclear(r);
    return r != NULL;
}

/* True when the notifier is being stopped; else after ms. */
static bool pause_or_stop(struct db_notifier *n, int ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += ms * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&n->lock);
    while (!n->stopping && pthread_cond_timedwait(&n->changed, &n->lock, &until) != ETIMEDOUT)
        ;
    bool stopping = n->stopping;
    pthread_mutex_unlock(&n->lock);
    return stopping;
}

static void *notifier_thread(void *arg) {
    struct db_notifier *n = arg;
    struct db_conn *c = NULL;
    struct pending *list;
    bool stopping = false, complained = false;
    while (!stopping && (list = take_pending(n))) {
        struct err err;
        for (bool sent = false; !sent && !stopping;) {
            if (!c) {
                PGconn *pg = db_connect(n->conninfo, &err);
                c = pg ? db_conn_new(pg) : NULL;
            }
            sent = c && send_all(n, c, list, &err);
            if (!sent) {
                if (!complained)
                    log_warn("cannot notify %s, trying on: %s", n->channel, err.text);
                if (c)
                    db_conn_free(c);
                c = NULL;
            }
            complained = !sent;
            stopping = pause_or_stop(n, sent ? GATHER_MS : RECONNECT_MS);
        }
        free_pending(list);
    }
    if (c)
        db_conn_free(c);
    return NULL;
}

struct db_notifier *db_notifier_new(const char *conninfo, const char *channel, struct err *err) {
    struct db_notifier *n = mem_zero(sizeof *n);
    n->conninfo = str_dup(str_of(conninfo));
    n->channel = str_dup(str_of(channel));
    pthread_mutex_init(&n->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&n->changed, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&n->thread, NULL, notifier_thread, n) == 0)
        return n;
    err_errno(err, "cannot start the thread that notifies %s", channel);
    free(n->conninfo);
    free(n->channel);
    free(n);
    return NULL;
}

void db_notifier_stop(struct db_notifier *n) {
    if (!n)
        return;
    pthread_mutex_lock(&n->lock);
    n->stopping = true;
    pthread_cond_broadcast(&n->changed);
    pthread_mutex_unlock(&n->lock);
    pthread_join(n->thread, NULL);
    for (size_t i = 0; i < BUCKETS; i++)
        free_pending(n->bucket[i]);
    pthread_cond_destroy(&n->changed);
    pthread_mutex_destroy(&n->lock);
    free(n->conninfo);
    free(n->channel);
    free(n);
}
