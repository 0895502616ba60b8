/* A server on a free port of 127.0.0.1, run by a thread of its own, and a client's blocking calls. For the tests of
 * lib/net. */
#ifndef SERVER_FIXTURE_H
#define SERVER_FIXTURE_H

#include "base/clock.h"
#include "base/memory.h"
#include "net/server.h"
#include "sanitized.h"

#include <setjmp.h>
#include <stdarg.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct fixture {
    struct server *server;
    pthread_t thread;
    uint16_t port;
    bool clean;
};

static inline void *fixture_main(void *p) {
    struct fixture *f = p;
    f->clean = server_run(f->server);
    return NULL;
}

static inline void fixture_start(struct fixture *f, const struct server_options *so,
                                 const struct listener_options *lo) {
    struct err err;
    f->server = server_new(so);
    if (!server_listen(f->server, "127.0.0.1:0", lo, &err))
        fail_msg("%s", err.text);
    f->port = server_port(f->server, 0);
    assert_int_equal(pthread_create(&f->thread, NULL, fixture_main, f), 0);
}

static inline void fixture_stop(struct fixture *f, int grace_ms) {
    server_stop(f->server, grace_ms);
    pthread_join(f->thread, NULL);
    assert_true(f->clean);
    server_free(f->server);
}

static inline int client_connect_to(uint16_t port, int receive_buffer) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (receive_buffer)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    if (connect(fd, (struct sockaddr *)&a, sizeof a) != 0)
        fail_msg("connect: %s", strerror(errno));
    return fd;
}

static inline int client_connect(const struct fixture *f) { return client_connect_to(f->port, 0); }

static inline void client_send(int fd, struct str s) {
    while (s.n) {
        ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);
        if (n <= 0)
            fail_msg("send: %s", strerror(errno));
        s = str_sub(s, (size_t)n, s.n);
    }
}

/* Reads until `n` bytes are there, the end, or 10 s have passed; gives how many came. */
static inline size_t client_read(int fd, char *p, size_t n) {
    size_t got = 0;
    while (got < n) {
        struct pollfd pf = {.fd = fd, .events = POLLIN};
        if (poll(&pf, 1, 10000) != 1)
            break;
        ssize_t r = recv(fd, p + got, n - got, 0);
        if (r <= 0)
            break;
        got += (size_t)r;
    }
    return got;
}

/* The next bytes are exactly these. */
static inline void client_expect(int fd, struct str want) {
    char *got = mem_alloc(want.n);
    size_t n = client_read(fd, got, want.n);
    if (!str_eq(str_n(got, n), want))
        fail_msg("expected '%.*s', got '%.*s'", STR_ARG(want), (int)n, got);
    free(got);
}

static inline void client_expect_end(int fd) {
    char c;
    struct pollfd pf = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&pf, 1, 20000), 1);
    ssize_t n = recv(fd, &c, 1, 0);
    if (n != 0)
        fail_msg("expected the end of the connection, got %zd (%s)", n, n < 0 ? strerror(errno) : "a byte");
}

/* Nothing comes for ms. */
static inline void client_expect_silence(int fd, int ms) {
    struct pollfd pf = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&pf, 1, ms), 0);
}

static inline void sleep_ms(int ms) { poll(NULL, 0, ms); }

/* Waits at most 10 s for a condition. */
#define wait_until(condition)                                                                                          \
    do {                                                                                                               \
        bool holds_ = false;                                                                                           \
        for (int waited_ = 0; !(holds_ = (condition)) && waited_ < 10000; waited_ += 5)                                \
            sleep_ms(5);                                                                                               \
        assert_true(holds_);                                                                                           \
    } while (0)

static inline long resident_kib(void) {
    long pages = 0, size = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%ld %ld", &size, &pages) != 2)
        pages = 0;
    if (f)
        fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

#endif
