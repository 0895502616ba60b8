#include "gateway.h"

#include "app.h"
#include "base/log.h"

#include <errno.h>
#include <fcgiapp.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { BACKLOG = 511 };

struct gateway {
    struct web *web;
    int fd;
    int count;
    atomic_bool stopping;
    pthread_t *thread;
};

/* ---- listening ---- */

/* A socket's file that nobody listens on any more is from a process that was killed. */
static bool remove_stale(const struct sockaddr_un *address, struct err *err) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_errno(err, "cannot make a socket");
    int rc = connect(fd, (const struct sockaddr *)address, sizeof *address);
    int why = errno;
    close(fd);
    if (rc == 0)
        return err_set(err, "another process listens on %s already", address->sun_path);
    return why != ECONNREFUSED || unlink(address->sun_path) == 0 ||
           err_errno(err, "cannot remove %s", address->sun_path);
}

static int listen_unix(const char *path, struct err *err) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!str_to_c(str_of(path), address.sun_path, sizeof address.sun_path)) {
        err_set(err, "the socket's path %s is too long", path);
        return -1;
    }
    if (!remove_stale(&address, err))
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || chmod(path, 0666) != 0 ||
        listen(fd, BACKLOG) != 0) {
        err_errno(err, "cannot listen on unix:%s", path);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

/* Splits "host:port" or "[host]:port". */
static bool split_host(struct str text, char host[256], char port[16]) {
    ptrdiff_t colon = str_rchr(text, ':');
    if (colon < 1)
        return false;
    struct str name = str_sub(text, 0, (size_t)colon);
    if (name.p[0] == '[' && name.p[name.n - 1] == ']')
        name = str_sub(name, 1, name.n - 2);
    return str_to_c(name, host, 256) && str_to_c(str_sub(text, (size_t)colon + 1, text.n), port, 16);
}

static int listen_inet(const char *address, struct err *err) {
    char host[256], port[16];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE},
                    *found;
    if (!split_host(str_of(address), host, port) || getaddrinfo(host, port, &hints, &found) != 0) {
        err_set(err, "web_fastcgi = %s: expected unix:/path or a numeric address and port, such as 127.0.0.1:9000",
                address);
        return -1;
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    bool good = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0;
    if (!good) {
        err_errno(err, "cannot listen on %s", address);
        if (fd >= 0)
            close(fd);
    }
    freeaddrinfo(found);
    return good ? fd : -1;
}

int gateway_listen(const char *address, struct err *err) {
    struct str text = str_of(address);
    return str_starts(text, STR("unix:")) ? listen_unix(address + 5, err) : listen_inet(address, err);
}

/* ---- serving ---- */

static const char *variable(void *context, const char *name) {
    return FCGX_GetParam(name, ((FCGX_Request *)context)->envp);
}

static ptrdiff_t read_body(void *context, void *p, size_t n) {
    return FCGX_GetStr(p, n > 1 << 20 ? 1 << 20 : (int)n, ((FCGX_Request *)context)->in);
}

static void serve(struct gateway *g, FCGX_Request *fcgi, struct exchange *x, struct buf *out) {
    const struct request_source source = {.variable = variable, .read = read_body, .context = fcgi};
    buf_reset(out);
    app_serve(g->web, x, &source, out);
    for (struct str rest = buf_str(out); rest.n > 0;) {
        int n = FCGX_PutStr(rest.p, rest.n > 1 << 24 ? 1 << 24 : (int)rest.n, fcgi->out);
        if (n <= 0)
            break; /* the browser has gone */
        rest = str_sub(rest, (size_t)n, rest.n);
    }
    if (out->cap > 1 << 20) /* a thread does not keep the memory of its largest reply */
        buf_free(out);
}

static void *run(void *context) {
    struct gateway *g = context;
    struct exchange x = {0};
    struct buf out = BUF_EMPTY;
    FCGX_Request fcgi;
    FCGX_InitRequest(&fcgi, g->fd, FCGI_FAIL_ACCEPT_ON_INTR);
    while (!atomic_load(&g->stopping)) {
        if (FCGX_Accept_r(&fcgi) < 0) {
            /* Out of descriptors or memory: let go of the processor until there are some again. */
            if (!atomic_load(&g->stopping)) {
                log_warn("cannot accept a connection from the web server: %s", strerror(errno));
                nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
            }
            continue;
        }
        serve(g, &fcgi, &x, &out);
        FCGX_Finish_r(&fcgi);
    }
    FCGX_Free(&fcgi, 1);
    app_exchange_free(&x);
    buf_free(&out);
    return NULL;
}

struct gateway *gateway_start(struct web *web, int fd, int threads) {
    if (FCGX_Init() != 0)
        log_fatal("FastCGI can't be initialised");
    struct gateway *g = mem_zero(sizeof *g);
    g->web = web;
    g->fd = fd;
    g->count = threads;
    g->thread = mem_zero((size_t)threads * sizeof *g->thread);
    for (int i = 0; i < threads; i++) {
        if (pthread_create(&g->thread[i], NULL, run, g) != 0)
            log_fatal("cannot start a thread");
    }
    return g;
}

void gateway_stop(struct gateway *g) {
    atomic_store(&g->stopping, true);
    FCGX_ShutdownPending();
    shutdown(g->fd, SHUT_RDWR); /* wakes the threads that wait in accept() */
    for (int i = 0; i < g->count; i++)
        pthread_join(g->thread[i], NULL);
    close(g->fd);
    free(g->thread);
    free(g);
}
