#include "net/handover.h"

#include "base/log.h"
#include "net/sockaddr.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    MOST = 64,         /* sockets */
    ANSWER_MS = 10000, /* for the old process to send its sockets */
    FIRST_PASSED = 3,  /* sd_listen_fds(3) */
    START_MS = 120000, /* for the new process to become ready */
};

static const char REQUEST[] = "take\n", READY[] = "ready\n";

struct passed {
    int fd;
    bool unlinks;
};

static struct {
    pthread_mutex_t lock;
    bool looked_at_environment;
    struct passed inherited[MOST]; /* not claimed yet */
    size_t inherited_count;
    struct passed listening[MOST]; /* what the next process gets */
    size_t listening_count;
    int old; /* the connection to the process that was taken over from, -1: none */
    /* offering */
    int control;
    int stop[2]; /* a pipe: writing ends the thread */
    pthread_t thread;
    bool offering, left;
    char path[SOCKADDR_PATH];
    void (*leave)(void *context);
    void *context;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER, .old = -1, .control = -1, .stop = {-1, -1}};

/* ---- what was passed to this process ---- */

static void inherit(int fd, bool unlinks) {
    if (state.inherited_count == MOST || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0) {
        close(fd);
        return;
    }
    state.inherited[state.inherited_count++] = (struct passed){fd, unlinks};
}

/* sd_listen_fds(3). Their files are systemd's. */
static void look_at_environment(void) {
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    uint32_t n;
    if (state.looked_at_environment)
        return;
    state.looked_at_environment = true;
    if (!pid || !count || strtol(pid, NULL, 10) != getpid() || !str_u32(str_of(count), &n))
        return;
    for (uint32_t i = 0; i < n && i < MOST; i++)
        inherit(FIRST_PASSED + (int)i, false);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
}

static bool same_address(const struct sockaddr_storage *a, const struct sockaddr_storage *b) {
    if (a->ss_family != b->ss_family)
        return false;
    if (a->ss_family == AF_UNIX)
        return strcmp(((const struct sockaddr_un *)a)->sun_path, ((const struct sockaddr_un *)b)->sun_path) == 0;
    char x[SOCKADDR_TEXT], y[SOCKADDR_TEXT];
    sockaddr_text(a, x);
    sockaddr_text(b, y);
    return strcmp(x, y) == 0 && sockaddr_port(a) == sockaddr_port(b);
}

int handover_claim(const struct sockaddr_storage *address, bool *unlinks) {
    int found = -1;
    pthread_mutex_lock(&state.lock);
    look_at_environment();
    for (size_t i = 0; i < state.inherited_count && found < 0; i++) {
        struct sockaddr_storage own = {0};
        socklen_t n = sizeof own;
        if (getsockname(state.inherited[i].fd, (struct sockaddr *)&own, &n) != 0 || !same_address(&own, address))
            continue;
        found = state.inherited[i].fd;
        *unlinks = state.inherited[i].unlinks;
        state.inherited[i] = state.inherited[--state.inherited_count];
    }
    pthread_mutex_unlock(&state.lock);
    return found;
}

void handover_pass(int fd, bool unlinks) {
    pthread_mutex_lock(&state.lock);
    if (state.listening_count < MOST)
        state.listening[state.listening_count++] = (struct passed){fd, unlinks};
    pthread_mutex_unlock(&state.lock);
}

void handover_withdraw(int fd) {
    pthread_mutex_lock(&state.lock);
    for (size_t i = 0; i < state.listening_count; i++)
        if (state.listening[i].fd == fd)
            state.listening[i] = state.listening[--state.listening_count];
    pthread_mutex_unlock(&state.lock);
}

/* ---- messages: a letter for each socket, and the sockets themselves ---- */

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(MOST * sizeof(int))];
};

static bool send_sockets(int to) {
    char letters[MOST + 1];
    int fds[MOST];
    pthread_mutex_lock(&state.lock);
    size_t n = state.listening_count;
    for (size_t i = 0; i < n; i++) {
        letters[i] = state.listening[i].unlinks ? 'u' : '-';
        fds[i] = state.listening[i].fd;
    }
    letters[n] = '\n';
    union control control = {0};
    struct iovec bytes = {letters, n + 1};
    struct msghdr m = {.msg_iov = &bytes, .msg_iovlen = 1};
    if (n) {
        m.msg_control = control.bytes;
        m.msg_controllen = CMSG_SPACE(n * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(n * sizeof(int));
        memcpy(CMSG_DATA(c), fds, n * sizeof(int));
    }
    bool sent = sendmsg(to, &m, MSG_NOSIGNAL) == (ssize_t)n + 1;
    pthread_mutex_unlock(&state.lock); /* no socket was closed meanwhile */
    return sent;
}

static bool receive_sockets(int from) {
    char letters[MOST + 1];
    union control control = {0};
    struct iovec bytes = {letters, sizeof letters};
    struct msghdr m = {
        .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    ssize_t got = recvmsg(from, &m, MSG_CMSG_CLOEXEC);
    size_t fds = 0;
    for (struct cmsghdr *c = got > 0 ? CMSG_FIRSTHDR(&m) : NULL; c; c = CMSG_NXTHDR(&m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++, fds++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            inherit(fd, fds < (size_t)got && letters[fds] == 'u');
        }
    }
    return got > 0 && fds == (size_t)got - 1 && letters[got - 1] == '\n';
}

/* False: nothing came in time, or this process shall end. */
static bool wait_readable(int fd, int ms) {
    struct pollfd p[2] = {{.fd = fd, .events = POLLIN}, {.fd = state.stop[0], .events = POLLIN}};
    int n;
    while ((n = poll(p, 2, ms)) < 0 && errno == EINTR)
        continue;
    return n > 0 && p[0].revents;
}

/* ---- the new process ---- */

static int connect_to(const char *path, struct err *err) {
    struct sockaddr_storage a;
    if (!sockaddr_unix(path, &a, err))
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&a, sockaddr_length(&a)) == 0)
        return fd;
    int why = errno;
    if (fd >= 0)
        close(fd);
    errno = why;
    return -1;
}

bool handover_take(const char *path, bool *taken, struct err *err) {
    *taken = false;
    err_set(err, "%s", "");
    int fd = connect_to(path, err);
    if (fd < 0)
        return errno == ENOENT || errno == ECONNREFUSED || err_errno(err, "can't ask at %s for the sockets", path);
    bool good = send(fd, REQUEST, sizeof REQUEST - 1, MSG_NOSIGNAL) == (ssize_t)sizeof REQUEST - 1 &&
                wait_readable(fd, ANSWER_MS) && receive_sockets(fd);
    if (!good) {
        close(fd);
        return err_set(err, "the process at %s does not give its sockets away", path);
    }
    state.old = fd;
    *taken = true;
    return true;
}

/* ---- the old process ---- */

static bool is_trusted(int fd) {
    struct ucred who;
    socklen_t n = sizeof who;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0 && (who.uid == geteuid() || who.uid == 0);
}

static bool expect(int fd, const char *word, int ms) {
    char bytes[16];
    size_t n = strlen(word);
    return wait_readable(fd, ms) && recv(fd, bytes, n, 0) == (ssize_t)n && memcmp(bytes, word, n) == 0;
}

/* One who asks. True: it serves now. */
static bool answer(int fd) {
    if (!is_trusted(fd) || !expect(fd, REQUEST, ANSWER_MS) || !send_sockets(fd))
        return false;
    log_info("another process takes over");
    if (expect(fd, READY, START_MS))
        return true;
    log_warn("the process that was to take over did not become ready: this one goes on");
    return false;
}

static void *serve(void *context) {
    (void)context;
    struct pollfd p[2] = {{.fd = state.control, .events = POLLIN}, {.fd = state.stop[0], .events = POLLIN}};
    for (;;) {
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            log_panic("poll: %m");
        if (p[1].revents)
            return NULL;
        int fd = p[0].revents ? accept4(state.control, NULL, NULL, SOCK_CLOEXEC) : -1;
        bool gone = fd >= 0 && answer(fd);
        if (fd >= 0)
            close(fd);
        if (gone)
            break;
    }
    state.left = true;
    state.leave(state.context);
    return NULL;
}

/* The socket is made beside its place and put there, so that there is no moment without one. */
static bool bind_control(const char *path, struct err *err) {
    char beside[SOCKADDR_PATH];
    struct sockaddr_storage a;
    if (snprintf(beside, sizeof beside, "%s.%ld", path, (long)getpid()) >= (int)sizeof beside)
        return err_set(err, "the path %s is too long", path);
    if (!sockaddr_unix(beside, &a, err))
        return false;
    unlink(beside);
    state.control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = state.control >= 0 && bind(state.control, (const struct sockaddr *)&a, sockaddr_length(&a)) == 0 &&
                chmod(beside, 0600) == 0 && listen(state.control, 4) == 0 && rename(beside, path) == 0;
    return good || err_errno(err, "can't listen on %s", path);
}

static void let_go_of_old(void) {
    if (state.old >= 0 && send(state.old, READY, sizeof READY - 1, MSG_NOSIGNAL) < 0)
        log_warn("the process that was taken over from is gone already");
    if (state.old >= 0)
        close(state.old);
    state.old = -1;
    pthread_mutex_lock(&state.lock);
    for (size_t i = 0; i < state.inherited_count; i++)
        close(state.inherited[i].fd);
    state.inherited_count = 0;
    pthread_mutex_unlock(&state.lock);
}

bool handover_offer(const char *path, void (*leave)(void *context), void *context, struct err *err) {
    struct err ignored;
    int other = state.old < 0 ? connect_to(path, &ignored) : -1;
    if (other >= 0) {
        close(other);
        log_info("another process can be taken over from at %s, this one can't", path);
        return true;
    }
    if (!bind_control(path, err))
        return false;
    snprintf(state.path, sizeof state.path, "%s", path);
    state.leave = leave;
    state.context = context;
    let_go_of_old();
    if (pipe2(state.stop, O_CLOEXEC) != 0 || pthread_create(&state.thread, NULL, serve, NULL) != 0)
        return err_set(err, "can't start the thread that hands over");
    state.offering = true;
    return true;
}

void handover_end(void) {
    if (!state.offering)
        return;
    if (write(state.stop[1], "", 1) < 0)
        log_warn("handover: %m");
    pthread_join(state.thread, NULL);
    state.offering = false;
    if (!state.left)
        unlink(state.path);
    int fds[] = {state.control, state.stop[0], state.stop[1]};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        close(fds[i]);
}

/* ---- systemd ---- */

void handover_tell_systemd(const char *text) {
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    if (!path || !*path || strlen(path) >= sizeof a.sun_path)
        return;
    memcpy(a.sun_path, path, strlen(path));
    if (*path == '@')
        a.sun_path[0] = 0;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (fd < 0 || sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&a, n) < 0)
        log_warn("systemd can't be told: %m");
    if (fd >= 0)
        close(fd);
}
