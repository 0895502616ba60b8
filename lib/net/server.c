/*
 * Timers and stopping: what the main thread does in server_run(). Everything else is the workers' (pool.c, accept.c).
 */
#include "net/server.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "net/server_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    LOOK_MS = 1000, /* with connections there, timers are looked at this often at least: so that a connection's */
                    /* first deadline, which is farther away, needs no waking of the main thread */
    KILL_MS = 1000, /* for connections to be torn down after the grace */
    MORE_DESCRIPTORS = 256, /* what a process needs beside its connections */
};

struct server *server_new(const struct server_options *o) {
    struct server *s = mem_zero(sizeof *s);
    s->o = *o;
    if (s->o.max_workers < 1)
        s->o.max_workers = 1;
    if (s->o.max_connections == 0)
        s->o.max_connections = 100000;
    slots_init(&s->slots, s->o.max_connections);
    timers_init(&s->timers, &s->slots);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    s->epoll = s->ready.signal = -1;
    s->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    s->control = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (s->control < 0)
        log_fatal("can't make an eventfd: %m");
    return s;
}

void server_nudge(struct server *s) {
    int saved = errno;
    uint64_t one = 1;
    /* Fails only where the counter is full: then the main thread will wake anyhow. */
    if (write(s->control, &one, sizeof one) < 0)
        errno = saved;
    errno = saved;
}

/* ---- listening ---- */

bool server_listen(struct server *s, const char *address, const struct listener_options *o, struct err *err) {
    if (s->listeners == MAX_LISTENERS)
        return err_set(err, "can't listen on %s: more than %d addresses", address, MAX_LISTENERS);
    if (o->implicit_tls && !o->tls)
        return err_set(err, "can't listen on %s with TLS: there is no certificate", address);
    struct listener *l = mem_zero(sizeof *l);
    l->o = *o;
    l->fd = -1;
    snprintf(l->name, sizeof l->name, "%s (%s)", address, o->protocol->name);
    if (strncmp(address, "proxy:", 6) == 0) {
        l->o.proxy = true;
        address += 6;
    }
    pthread_mutex_init(&l->lock, NULL);
    if (!listener_open(l, address, err)) {
        listener_close(s, l, false);
        free(l);
        return false;
    }
    s->listener[s->listeners++] = l;
    l->mark = (uint32_t)s->listeners;
    return true;
}

uint16_t server_port(const struct server *s, size_t i) { return i < s->listeners ? s->listener[i]->port : 0; }

/* ---- the main thread ---- */

static void run_timers(struct server *s, int64_t now, int64_t *next) {
    uint32_t index;
    while (timers_due(&s->timers, now, &index, next))
        if (slots_claim_index(&s->slots, index, SLOT_TIMER))
            pool_submit(s, index);
}

/* How long to sleep, in ms, until the next timer or `until`. */
static int sleep_time(struct server *s, int64_t now, int64_t next, int64_t until) {
    int64_t at = next < until ? next : until;
    if (at == INT64_MAX)
        return -1;
    int64_t ms = at <= now ? 0 : (at - now + MILLISECOND - 1) / MILLISECOND;
    if (ms > LOOK_MS && atomic_load(&s->connections))
        ms = LOOK_MS;
    return ms > 3600000 ? 3600000 : (int)ms;
}

/* Sleeps until a timer, `until`, or a nudge. */
static void wait_for_something(struct server *s, int64_t until) {
    struct pollfd control = {.fd = s->control, .events = POLLIN};
    int64_t now = clock_monotonic(), next;
    run_timers(s, now, &next);
    bool any = atomic_load(&s->connections) > 0;
    int64_t look = any ? now + LOOK_MS * MILLISECOND : INT64_MAX;
    int64_t sleeps_until = next < until ? next : until;
    if (look < sleeps_until)
        sleeps_until = look;
    atomic_store(&s->sleeps_until, sleeps_until);
    /* A deadline set before that store was known has no nudge behind it: look once more. */
    run_timers(s, now, &next);
    int ready = poll(&control, 1, sleep_time(s, now, next, sleeps_until));
    if (ready < 0 && errno != EINTR)
        log_panic("poll: %m");
    uint64_t count;
    if (ready > 0 && read(s->control, &count, sizeof count) < 0)
        log_debug("control: %m");
}

static void mark_all(struct server *s, uint32_t due) {
    uint32_t touched = atomic_load(&s->slots.touched);
    for (uint32_t i = 0; i < touched; i++)
        if (slots_claim_index(&s->slots, i, due))
            pool_submit(s, i);
}

static void wait_for_connections(struct server *s, int ms) {
    int64_t until = clock_monotonic() + ms * MILLISECOND;
    while (atomic_load(&s->connections) && clock_monotonic() < until)
        wait_for_something(s, until);
}

static void close_listeners(struct server *s, bool handed_over) {
    for (size_t i = 0; i < s->listeners; i++)
        listener_close(s, s->listener[i], handed_over);
}

/* Until the last connection has gone, the time is over, or the server shall stop. */
static void retire(struct server *s) {
    int64_t until = clock_monotonic() + atomic_load(&s->retire_ms) * MILLISECOND;
    close_listeners(s, true);
    while (atomic_load(&s->connections) && clock_monotonic() < until && !atomic_load(&s->stop_wanted))
        wait_for_something(s, until);
}

static bool wind_down(struct server *s) {
    close_listeners(s, false);
    atomic_store(&s->stopping, true);
    mark_all(s, SLOT_STOP);
    wait_for_connections(s, atomic_load(&s->stop_grace_ms));
    if (atomic_load(&s->connections)) {
        log_info("stopping: %u connections are cut off", atomic_load(&s->connections));
        mark_all(s, SLOT_KILL);
        wait_for_connections(s, KILL_MS);
    }
    return pool_finish(s, KILL_MS);
}

/* The descriptors that max_connections needs; fewer are possible, and then refused one by one. */
static void check_descriptors(const struct server *s) {
    struct rlimit r;
    rlim_t need = (rlim_t)s->o.max_connections + MORE_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur >= need)
        return;
    r.rlim_cur = need < r.rlim_max ? need : r.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur < need)
        log_info("%llu descriptors are fewer than %u connections need (LimitNOFILE)", (unsigned long long)r.rlim_cur,
                 s->o.max_connections);
}

bool server_run(struct server *s) {
    struct err err;
    check_descriptors(s);
    if (!pool_start(s, &err)) {
        log_error("%s", err.text);
        return false;
    }
    for (size_t i = 0; i < s->listeners; i++)
        if (!listener_watch(s, s->listener[i], &err)) {
            log_error("%s", err.text);
            atomic_store(&s->stop_wanted, true);
        }
    while (!atomic_load(&s->stop_wanted) && !atomic_load(&s->retire_wanted))
        wait_for_something(s, listeners_wake(s, clock_monotonic()));
    if (!atomic_load(&s->stop_wanted))
        retire(s);
    return wind_down(s);
}

void server_stop(struct server *s, int grace_ms) {
    atomic_store(&s->stop_grace_ms, grace_ms);
    atomic_store(&s->stop_wanted, true);
    server_nudge(s);
}

void server_retire(struct server *s, int drain_ms, int grace_ms) {
    atomic_store(&s->stop_grace_ms, grace_ms);
    atomic_store(&s->retire_ms, drain_ms);
    atomic_store(&s->retire_wanted, true);
    server_nudge(s);
}

void server_free(struct server *s) {
    if (!s)
        return;
    close_listeners(s, false);
    if (s->workers) {
        log_warn("%d workers are still in their steps: what they use is left to the end of the process", s->workers);
        return;
    }
    for (size_t i = 0; i < s->listeners; i++)
        pthread_mutex_destroy(&s->listener[i]->lock), free(s->listener[i]);
    int fds[] = {s->epoll, s->ready.signal, s->control, atomic_load(&s->reserve)};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    timers_destroy(&s->timers);
    slots_destroy(&s->slots);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->changed);
    free(s);
}

uint32_t server_connections(const struct server *s) { return atomic_load(&s->connections); }

int server_workers(const struct server *s) {
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&s->lock;
    pthread_mutex_lock(lock);
    int n = s->workers;
    pthread_mutex_unlock(lock);
    return n;
}

void server_wake(struct server *s, conn_id id) {
    if (slots_claim(&s->slots, id, SLOT_WAKE))
        pool_submit(s, slot_index(id));
}
