#include "net/stream.h"

#include "base/clock.h"
#include "base/memory.h"
#include "net/sockaddr.h"
#include "net/tls_session.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

enum { INPUT_BYTES = 16384, BACKLOG_RETRY_MS = 10 };

struct stream {
    int fd;
    struct tls_session *tls;
    char peer[SOCKADDR_TEXT], local[SOCKADDR_TEXT];
    size_t start, end; /* what has been read and not taken */
    char input[INPUT_BYTES];
};

static int64_t deadline_in(int timeout_ms) { return clock_monotonic() + (int64_t)timeout_ms * 1000; }

/* Waits for poll events; false with err when the time is up. */
static bool wait_for(const struct stream *s, short events, int64_t deadline, const char *doing, struct err *err) {
    for (;;) {
        int64_t left = deadline - clock_monotonic();
        struct pollfd p = {.fd = s->fd, .events = events};
        int n = left > 0 ? poll(&p, 1, (int)((left + 999) / 1000)) : 0;
        if (n > 0)
            return true;
        if (n == 0)
            return err_set(err, "%s: time out while %s", s->peer, doing);
        if (errno != EINTR)
            return err_errno(err, "%s: poll", s->peer);
    }
}

static bool wait_for_tls(const struct stream *s, enum tls_result r, int64_t deadline, const char *doing,
                         struct err *err) {
    return wait_for(s, r == TLS_WANT_WRITE ? POLLOUT : POLLIN, deadline, doing, err);
}

/* ---- connecting ---- */

static struct stream *stream_new(const struct sockaddr_storage *to, struct err *err) {
    struct stream *s = mem_alloc(sizeof *s);
    s->tls = NULL;
    s->start = s->end = 0;
    s->local[0] = 0;
    sockaddr_text(to, s->peer);
    s->fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->fd >= 0)
        return s;
    err_errno(err, "can't make a socket for %s", s->peer);
    free(s);
    return NULL;
}

static bool bind_from(struct stream *s, const struct sockaddr_storage *from, struct err *err) {
    if (!from || bind(s->fd, (const struct sockaddr *)from, sockaddr_length(from)) == 0)
        return true;
    char text[SOCKADDR_TEXT];
    sockaddr_text(from, text);
    return err_errno(err, "can't use %s as the source address", text);
}

static bool connect_within(struct stream *s, const struct sockaddr_storage *to, const char *name, int timeout_ms,
                           struct err *err) {
    int64_t deadline = deadline_in(timeout_ms);
    while (connect(s->fd, (const struct sockaddr *)to, sockaddr_length(to)) != 0) {
        if (errno == EINPROGRESS || errno == EINTR) {
            int failure = 0;
            socklen_t n = sizeof failure;
            if (!wait_for(s, POLLOUT, deadline, "connecting", err))
                return false;
            getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &failure, &n);
            errno = failure;
            return failure == 0 || err_errno(err, "can't connect to %s", name);
        }
        /* A UNIX socket's full backlog is told by EAGAIN, and there is nothing to wait on. */
        if (errno != EAGAIN || clock_monotonic() >= deadline)
            return err_errno(err, "can't connect to %s", name);
        poll(NULL, 0, BACKLOG_RETRY_MS);
    }
    return true;
}

struct stream *stream_connect(const struct sockaddr_storage *to, const struct sockaddr_storage *from, int timeout_ms,
                              struct err *err) {
    struct stream *s = stream_new(to, err);
    if (!s)
        return NULL;
    int on = 1;
    setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (!bind_from(s, from, err) || !connect_within(s, to, s->peer, timeout_ms, err)) {
        stream_close(s);
        return NULL;
    }
    struct sockaddr_storage local = {0};
    socklen_t n = sizeof local;
    if (getsockname(s->fd, (struct sockaddr *)&local, &n) == 0)
        sockaddr_text(&local, s->local);
    return s;
}

struct stream *stream_connect_unix(const char *path, int timeout_ms, struct err *err) {
    struct sockaddr_storage to;
    if (!sockaddr_unix(path, &to, err))
        return NULL;
    struct stream *s = stream_new(&to, err);
    if (!s)
        return NULL;
    memcpy(s->local, s->peer, sizeof s->local);
    if (!connect_within(s, &to, path, timeout_ms, err)) {
        stream_close(s);
        return NULL;
    }
    return s;
}

void stream_close(struct stream *s) {
    if (!s)
        return;
    if (s->tls) {
        tls_session_shutdown(s->tls);
        tls_session_free(s->tls);
    }
    close(s->fd);
    free(s);
}

/* ---- TLS ---- */

bool stream_start_tls(struct stream *s, struct tls_context *t, const char *host, bool verify, int timeout_ms,
                      struct err *err) {
    int64_t deadline = deadline_in(timeout_ms);
    if (s->tls)
        return err_set(err, "%s: TLS has been started already", s->peer);
    s->start = s->end = 0; /* what was sent in plain text is no part of the conversation under TLS */
    s->tls = tls_session_client(t, s->fd, host, verify, err);
    if (!s->tls)
        return false;
    for (;;) {
        struct err why;
        enum tls_result r = tls_session_handshake(s->tls, &why);
        if (r == TLS_OK)
            return true;
        if (r == TLS_BROKEN)
            return err_set(err, "%s: %s", s->peer, why.text);
        if (!wait_for_tls(s, r, deadline, "starting TLS", err))
            return false;
    }
}

const char *stream_tls_version(const struct stream *s) { return s->tls ? tls_session_version(s->tls) : ""; }

const char *stream_tls_cipher(const struct stream *s) { return s->tls ? tls_session_cipher(s->tls) : ""; }

bool stream_tls_verified(const struct stream *s) { return s->tls && tls_session_verified(s->tls); }

/* ---- reading ---- */

static bool closed(const struct stream *s, struct err *err) {
    return err_set(err, "%s closed the connection", s->peer);
}

static bool read_tls(struct stream *s, char *p, size_t size, size_t *n, int64_t deadline, struct err *err) {
    for (;;) {
        enum tls_result r = tls_session_read(s->tls, p, size, n);
        if (r == TLS_OK)
            return true;
        if (r == TLS_CLOSED)
            return closed(s, err);
        if (r == TLS_BROKEN)
            return err_set(err, "%s: the TLS connection broke", s->peer);
        if (!wait_for_tls(s, r, deadline, "waiting for data", err))
            return false;
    }
}

/* Reads at least one and at most `size` bytes. */
static bool read_some(struct stream *s, char *p, size_t size, size_t *n, int64_t deadline, struct err *err) {
    if (s->tls)
        return read_tls(s, p, size, n, deadline, err);
    for (;;) {
        ssize_t got = recv(s->fd, p, size, 0);
        if (got > 0) {
            *n = (size_t)got;
            return true;
        }
        if (got == 0)
            return closed(s, err);
        if (errno == EAGAIN) {
            if (!wait_for(s, POLLIN, deadline, "waiting for data", err))
                return false;
        } else if (errno != EINTR) {
            return err_errno(err, "%s: reading", s->peer);
        }
    }
}

static bool fill(struct stream *s, int64_t deadline, struct err *err) {
    size_t n;
    s->start = s->end = 0;
    if (!read_some(s, s->input, sizeof s->input, &n, deadline, err))
        return false;
    s->end = n;
    return true;
}

bool stream_read_line(struct stream *s, struct buf *out, size_t max, int timeout_ms, struct err *err) {
    int64_t deadline = deadline_in(timeout_ms);
    size_t begin = out->n;
    for (bool complete = false; !complete;) {
        if (s->start == s->end && !fill(s, deadline, err))
            goto failed;
        struct str in = str_n(s->input + s->start, s->end - s->start);
        ptrdiff_t lf = str_chr(in, '\n');
        complete = lf >= 0;
        size_t n = complete ? (size_t)lf : in.n;
        s->start += complete ? n + 1 : n;
        buf_add(out, in.p, n);
        if (complete && out->n > begin && out->p[out->n - 1] == '\r')
            out->p[--out->n] = 0;
        /* One more while the line goes on: that byte may turn out to be its CR. */
        if (out->n - begin > max + !complete) {
            err_set(err, "%s sent a line of more than %zu bytes", s->peer, max);
            goto failed;
        }
    }
    return true;
failed:
    out->n = begin;
    return false;
}

bool stream_read_exact(struct stream *s, struct buf *out, size_t n, int timeout_ms, struct err *err) {
    int64_t deadline = deadline_in(timeout_ms);
    size_t begin = out->n, left = n;
    buf_reserve(out, n);
    size_t buffered = s->end - s->start < left ? s->end - s->start : left;
    buf_add(out, s->input + s->start, buffered);
    s->start += buffered;
    for (left -= buffered; left;) {
        size_t got;
        if (!read_some(s, out->p + out->n, left, &got, deadline, err)) {
            out->n = begin;
            return false;
        }
        out->n += got;
        left -= got;
    }
    if (out->p)
        out->p[out->n] = 0;
    return true;
}

bool stream_is_quiet(const struct stream *s) {
    struct pollfd p = {.fd = s->fd, .events = POLLIN};
    return s->start == s->end && poll(&p, 1, 0) == 0;
}

/* ---- writing ---- */

static bool write_tls(struct stream *s, struct str *bytes, int64_t deadline, struct err *err) {
    size_t n;
    enum tls_result r = tls_session_write(s->tls, bytes->p, bytes->n, &n);
    *bytes = str_sub(*bytes, n, bytes->n);
    if (r == TLS_OK)
        return true;
    if (r == TLS_BROKEN || r == TLS_CLOSED)
        return err_set(err, "%s: the TLS connection broke", s->peer);
    return wait_for_tls(s, r, deadline, "sending", err);
}

static bool write_plain(struct stream *s, struct str *bytes, int64_t deadline, struct err *err) {
    ssize_t n = send(s->fd, bytes->p, bytes->n, MSG_NOSIGNAL);
    if (n >= 0) {
        *bytes = str_sub(*bytes, (size_t)n, bytes->n);
        return true;
    }
    if (errno == EAGAIN)
        return wait_for(s, POLLOUT, deadline, "sending", err);
    return errno == EINTR || err_errno(err, "%s: writing", s->peer);
}

bool stream_write(struct stream *s, struct str bytes, int timeout_ms, struct err *err) {
    int64_t deadline = deadline_in(timeout_ms);
    while (bytes.n)
        if (!(s->tls ? write_tls(s, &bytes, deadline, err) : write_plain(s, &bytes, deadline, err)))
            return false;
    return true;
}

const char *stream_peer(const struct stream *s) { return s->peer; }

const char *stream_local(const struct stream *s) { return s->local; }
