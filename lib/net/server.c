/*
 * Listening, accepting, timers and stopping: what the main thread does in server_run(). Everything after accept() is
 * the workers' (pool.c).
 */
#include "net/server.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "net/server_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BACKLOG = 1024,
    ACCEPT_BATCH = 64, /* from one listener before the others and the timers have their turn */
    LOOK_MS = 1000,    /* with connections there, timers are looked at this often at least: so that a connection's */
                       /* first deadline, which is farther away, needs no waking of the main thread */
    PAUSE_MS = 100,    /* no accepting for so long after the system has run out of something */
    KILL_MS = 1000,    /* for connections to be torn down after the grace */
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

static bool listen_tcp(struct listener *l, const struct sockaddr_storage *a, struct err *err) {
    int on = 1, idle = 600;
    l->fd = socket(a->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return err_errno(err, "can't make a socket for %s", l->name);
    setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (a->ss_family == AF_INET6)
        setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    /* Accepted sockets inherit these. Keep-alives find peers that vanished while a connection idles. */
    setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(l->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(l->fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    if (bind(l->fd, (const struct sockaddr *)a, sockaddr_length(a)) != 0 || listen(l->fd, BACKLOG) != 0)
        return err_errno(err, "can't listen on %s", l->name);
    struct sockaddr_storage bound;
    socklen_t n = sizeof bound;
    if (getsockname(l->fd, (struct sockaddr *)&bound, &n) == 0)
        l->port = sockaddr_port(&bound);
    return true;
}

/* Removes a socket that a dead process left behind; one that answers stays. */
static bool clear_path(const char *path, const struct sockaddr_storage *a, struct err *err) {
    struct stat st;
    if (lstat(path, &st) != 0)
        return true;
    if (!S_ISSOCK(st.st_mode))
        return err_set(err, "can't listen on %s: there is a file that is no socket", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool alive = fd >= 0 && (connect(fd, (const struct sockaddr *)a, sockaddr_length(a)) == 0 || errno == EAGAIN);
    if (fd >= 0)
        close(fd);
    if (alive)
        return err_set(err, "can't listen on %s: another process listens there", path);
    if (unlink(path) != 0)
        return err_errno(err, "can't remove the old socket %s", path);
    return true;
}

static bool listen_unix(struct listener *l, const char *path, struct err *err) {
    struct sockaddr_storage a;
    if (!sockaddr_unix(path, &a, err) || !clear_path(path, &a, err))
        return false;
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0 || bind(l->fd, (const struct sockaddr *)&a, sockaddr_length(&a)) != 0)
        return err_errno(err, "can't make the socket %s", path);
    snprintf(l->path, sizeof l->path, "%s", path);
    if (chmod(path, 0666) != 0 || listen(l->fd, BACKLOG) != 0)
        return err_errno(err, "can't listen on %s", l->name);
    return true;
}

static void listener_close(struct listener *l) {
    if (l->fd >= 0)
        close(l->fd);
    if (l->fd >= 0 && *l->path)
        unlink(l->path);
    l->fd = -1;
}

bool server_listen(struct server *s, const char *address, const struct listener_options *o, struct err *err) {
    struct sockaddr_storage a;
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
    bool ok = strncmp(address, "unix:", 5) == 0 ? listen_unix(l, address + 5, err)
                                                : sockaddr_parse(address, &a, err) && listen_tcp(l, &a, err);
    if (!ok) {
        listener_close(l);
        free(l);
        return false;
    }
    s->listener[s->listeners++] = l;
    return true;
}

uint16_t server_port(const struct server *s, size_t i) { return i < s->listeners ? s->listener[i]->port : 0; }

/* ---- accepting ---- */

static void refuse(struct listener *l, int fd) {
    const char *reply = l->o.busy_reply;
    if (reply && !l->o.implicit_tls && send(fd, reply, strlen(reply), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        log_debug("%s: a refused connection did not take the reply: %m", l->name);
    close(fd);
}

static void admit(struct server *s, struct listener *l, int fd, const struct sockaddr_storage *peer) {
    bool full = atomic_load(&s->connections) >= s->o.max_connections ||
                (l->o.max_connections && atomic_load(&l->connections) >= l->o.max_connections);
    struct conn *c = full ? NULL : conn_new(s, l, fd, peer);
    if (c)
        pool_submit(s, slot_index(conn_get_id(c)));
    else
        refuse(l, fd);
}

/* No descriptors left: gives up the reserve to tell the peers one after another, instead of leaving them hanging in
 * the backlog and ourselves spinning. */
static void accept_without_descriptors(struct server *s, struct listener *l) {
    int64_t now = clock_monotonic();
    if (now - s->descriptors_logged > 60 * CLOCK_SECOND) {
        log_warn("%s: no descriptors left, connections are refused: raise LimitNOFILE", l->name);
        s->descriptors_logged = now;
    }
    if (s->reserve >= 0)
        close(s->reserve);
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            break;
        refuse(l, fd);
    }
    s->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* False when the system has run out of something and accepting should pause. */
static bool accept_some(struct server *s, struct listener *l) {
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        struct sockaddr_storage peer = {0};
        socklen_t n = sizeof peer;
        int fd = accept4(l->fd, (struct sockaddr *)&peer, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            admit(s, l, fd, &peer);
        } else if (errno == EAGAIN) {
            return true;
        } else if (errno == EMFILE || errno == ENFILE) {
            accept_without_descriptors(s, l);
            return false;
        } else if (errno == ENOMEM || errno == ENOBUFS) {
            log_warn("%s: can't accept: %m", l->name);
            return false;
        } /* else: that one connection failed before we took it (accept(2), error handling) */
    }
    return true;
}

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

/* Sleeps until a timer, `until`, a nudge, or a connection at one of the first n listeners. Gives the number of ready
 * ones; pollfd 0 is the control descriptor. */
static int wait_for_something(struct server *s, struct pollfd *p, size_t n, int64_t until) {
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
    int ready = poll(p, n + 1, sleep_time(s, now, next, sleeps_until));
    if (ready < 0 && errno != EINTR)
        log_panic("poll: %m");
    uint64_t count;
    if (ready > 0 && (p[0].revents & POLLIN) && read(s->control, &count, sizeof count) < 0)
        log_debug("control: %m");
    return ready;
}

static size_t poll_set(struct server *s, struct pollfd *p, bool accepting) {
    p[0] = (struct pollfd){.fd = s->control, .events = POLLIN};
    for (size_t i = 0; i < s->listeners; i++)
        p[i + 1] = (struct pollfd){.fd = accepting ? s->listener[i]->fd : -1, .events = POLLIN};
    return s->listeners;
}

static void mark_all(struct server *s, uint32_t due) {
    uint32_t touched = atomic_load(&s->slots.touched);
    for (uint32_t i = 0; i < touched; i++)
        if (slots_claim_index(&s->slots, i, due))
            pool_submit(s, i);
}

/* Serves until somebody wants a stop. */
static void serve_listeners(struct server *s) {
    struct pollfd p[MAX_LISTENERS + 1];
    int64_t paused_until = 0;
    while (!atomic_load(&s->stop_wanted)) {
        bool accepting = clock_monotonic() >= paused_until;
        size_t n = poll_set(s, p, accepting);
        if (wait_for_something(s, p, n, accepting ? INT64_MAX : paused_until) <= 0)
            continue;
        for (size_t i = 0; i < n; i++)
            if (p[i + 1].revents && !accept_some(s, s->listener[i]))
                paused_until = clock_monotonic() + PAUSE_MS * MILLISECOND;
    }
}

static void wait_for_connections(struct server *s, int ms) {
    struct pollfd p[MAX_LISTENERS + 1];
    int64_t until = clock_monotonic() + ms * MILLISECOND;
    while (atomic_load(&s->connections) && clock_monotonic() < until)
        wait_for_something(s, p, (poll_set(s, p, false), 0), until);
}

static bool wind_down(struct server *s) {
    for (size_t i = 0; i < s->listeners; i++)
        listener_close(s->listener[i]);
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
    serve_listeners(s);
    return wind_down(s);
}

void server_stop(struct server *s, int grace_ms) {
    atomic_store(&s->stop_grace_ms, grace_ms);
    atomic_store(&s->stop_wanted, true);
    server_nudge(s);
}

void server_free(struct server *s) {
    if (!s)
        return;
    for (size_t i = 0; i < s->listeners; i++)
        listener_close(s->listener[i]);
    if (s->workers) {
        log_warn("%d workers are still in their steps: what they use is left to the end of the process", s->workers);
        return;
    }
    for (size_t i = 0; i < s->listeners; i++)
        free(s->listener[i]);
    int fds[] = {s->epoll, s->ready.signal, s->control, s->reserve};
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
