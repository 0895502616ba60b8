/*
 * Listening and accepting. The listening sockets are in the workers' epoll set like the connections, each event for one
 * worker (one-shot): it takes one connection, arms the socket again, and runs what it has taken; where more wait, the
 * next worker is told at once. So a new connection goes through no other hands.
 */
#include "base/clock.h"
#include "base/log.h"
#include "net/handover.h"
#include "net/server_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BACKLOG = 1024,
    TURNED_AWAY = 64, /* at once, where there are no descriptors */
    REST_MS = 100,    /* no accepting for so long after the system has run out of something */
};

/* ---- listening ---- */

static bool listen_tcp(struct listener *l, const struct sockaddr_storage *a, struct err *err) {
    int on = 1, idle = 600;
    bool unlinks;
    l->fd = handover_claim(a, &unlinks);
    if (l->fd >= 0) {
        l->port = sockaddr_port(a);
        return true;
    }
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
    bool unlinks;
    if (!sockaddr_unix(path, &a, err))
        return false;
    l->fd = handover_claim(&a, &unlinks);
    if (l->fd >= 0) {
        if (unlinks)
            snprintf(l->path, sizeof l->path, "%s", path);
        return true;
    }
    if (!clear_path(path, &a, err))
        return false;
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0 || bind(l->fd, (const struct sockaddr *)&a, sockaddr_length(&a)) != 0)
        return err_errno(err, "can't make the socket %s", path);
    snprintf(l->path, sizeof l->path, "%s", path);
    if (chmod(path, 0666) != 0 || listen(l->fd, BACKLOG) != 0)
        return err_errno(err, "can't listen on %s", l->name);
    return true;
}

void listener_close(struct server *s, struct listener *l, bool handed_over) {
    pthread_mutex_lock(&l->lock);
    if (l->fd >= 0) {
        handover_withdraw(l->fd);
        /* Closing takes it out of the epoll set only where no other process has it, too. */
        if (s->epoll >= 0)
            epoll_ctl(s->epoll, EPOLL_CTL_DEL, l->fd, NULL);
        close(l->fd);
        if (*l->path && !handed_over)
            unlink(l->path);
    }
    l->fd = -1;
    pthread_mutex_unlock(&l->lock);
}

bool listener_open(struct listener *l, const char *address, struct err *err) {
    struct sockaddr_storage a;
    bool good = strncmp(address, "unix:", 5) == 0 ? listen_unix(l, address + 5, err)
                                                  : sockaddr_parse(address, &a, err) && listen_tcp(l, &a, err);
    if (good)
        handover_pass(l->fd, *l->path != 0);
    return good;
}

/* ---- accepting ---- */

static void refuse(struct listener *l, int fd) {
    const char *reply = l->o.busy_reply;
    if (reply && !l->o.implicit_tls && send(fd, reply, strlen(reply), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        log_debug("%s: a refused connection did not take the reply: %m", l->name);
    close(fd);
}

static uint32_t admit(struct server *s, struct listener *l, int fd, const struct sockaddr_storage *peer) {
    bool full = atomic_load(&s->connections) >= s->o.max_connections ||
                (l->o.max_connections && atomic_load(&l->connections) >= l->o.max_connections);
    struct conn *c = full ? NULL : conn_new(s, l, fd, peer);
    if (c)
        return slot_index(conn_get_id(c));
    refuse(l, fd);
    return SLOT_NONE;
}

/* No descriptors left: gives up the reserve to tell the peers one after another, instead of leaving them hanging in
 * the backlog. */
static void accept_without_descriptors(struct server *s, struct listener *l) {
    int64_t now = clock_monotonic(), logged = atomic_load(&s->descriptors_logged);
    if (now - logged > 60 * CLOCK_SECOND && atomic_compare_exchange_strong(&s->descriptors_logged, &logged, now))
        log_warn("%s: no descriptors left, connections are refused: raise LimitNOFILE", l->name);
    int reserve = atomic_exchange(&s->reserve, -1);
    if (reserve < 0)
        return;
    close(reserve);
    for (int i = 0; i < TURNED_AWAY; i++) {
        int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            break;
        refuse(l, fd);
    }
    atomic_store(&s->reserve, open("/dev/null", O_RDONLY | O_CLOEXEC));
}

static bool arm(struct server *s, struct listener *l, int operation) {
    struct epoll_event e = {.events = EPOLLIN | EPOLLONESHOT, .data.u64 = l->mark};
    return epoll_ctl(s->epoll, operation, l->fd, &e) == 0;
}

static void rest(struct server *s, struct listener *l) {
    l->resting_until = clock_monotonic() + REST_MS * MILLISECOND;
    server_nudge(s);
}

/* One connection, or -1. */
static int take_one(struct server *s, struct listener *l, struct sockaddr_storage *peer) {
    socklen_t n = sizeof *peer;
    int fd = accept4(l->fd, (struct sockaddr *)peer, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
    int failure = errno;
    if (fd < 0 && (failure == EMFILE || failure == ENFILE))
        accept_without_descriptors(s, l);
    else if (fd < 0 && (failure == ENOMEM || failure == ENOBUFS))
        log_warn("%s: can't accept: %s", l->name, strerror(failure));
    else /* taken; or gone already; or that one failed before we took it (accept(2), error handling) */
        return arm(s, l, EPOLL_CTL_MOD) ? fd : (log_panic("%s: can't be watched: %m", l->name), -1);
    rest(s, l);
    return -1;
}

uint32_t listener_accept(struct server *s, struct listener *l) {
    struct sockaddr_storage peer = {0};
    pthread_mutex_lock(&l->lock);
    int fd = l->fd >= 0 ? take_one(s, l, &peer) : -1;
    pthread_mutex_unlock(&l->lock);
    return fd >= 0 ? admit(s, l, fd, &peer) : SLOT_NONE;
}

bool listener_watch(struct server *s, struct listener *l, struct err *err) {
    return arm(s, l, EPOLL_CTL_ADD) || err_errno(err, "can't watch %s", l->name);
}

int64_t listeners_wake(struct server *s, int64_t now) {
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < s->listeners; i++) {
        struct listener *l = s->listener[i];
        pthread_mutex_lock(&l->lock);
        if (l->resting_until && l->resting_until <= now) {
            l->resting_until = 0;
            if (l->fd >= 0 && !arm(s, l, EPOLL_CTL_MOD))
                log_panic("%s: can't be watched: %m", l->name);
        }
        if (l->resting_until && l->resting_until < next)
            next = l->resting_until;
        pthread_mutex_unlock(&l->lock);
    }
    return next;
}
