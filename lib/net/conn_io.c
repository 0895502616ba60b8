#include "base/memory.h"
#include "net/server_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum {
    SCRATCH_INPUT = 65536,
    READ_ROOM = 4096,        /* less room than this and the buffer is moved together or grown */
    KEEP_SMALL = 4096,       /* a rest up to this size is copied when the connection parks */
    KEEP_OUTPUT = 512 << 10, /* a worker does not keep a larger output buffer */
};

size_t input_limit(const struct conn *c) {
    size_t limit = c->listener->o.max_input;
    return limit ? limit : INPUT_DEFAULT;
}

/* ---- lending buffers ---- */

void conn_borrow(struct conn *c, struct scratch *scratch) {
    c->scratch = scratch;
    if (!c->out.p) {
        c->out = scratch->out;
        c->out_start = c->out.n = 0;
        scratch->out = BUF_EMPTY;
    }
}

static void input_drop(struct conn *c) {
    if (!c->scratch->in.p && c->in.cap == SCRATCH_INPUT)
        c->scratch->in = (struct input){c->in.p, 0, 0, c->in.cap};
    else
        free(c->in.p);
    c->in = (struct input){0};
}

static void output_drop(struct conn *c) {
    if (!c->scratch->out.p && c->out.cap <= KEEP_OUTPUT)
        c->scratch->out = (struct buf){c->out.p, 0, c->out.cap};
    else
        buf_free(&c->out);
    c->out = BUF_EMPTY;
    c->out_start = 0;
}

void conn_give_back(struct conn *c) {
    size_t rest = input_length(c);
    if (rest && rest <= KEEP_SMALL && c->in.cap > 2 * KEEP_SMALL) {
        char *small = mem_alloc(rest);
        memcpy(small, c->in.p + c->in.start, rest);
        input_drop(c);
        c->in = (struct input){small, 0, rest, rest};
    } else if (rest == 0 && c->in.p) {
        input_drop(c);
    }
    if (conn_output_pending(c) == 0)
        output_drop(c);
    c->scratch = NULL;
}

void conn_forget_input(struct conn *c) {
    c->in.start = c->in.end = 0;
    c->input_due = false;
}

void scratch_free(struct scratch *scratch) {
    free(scratch->in.p);
    buf_free(&scratch->out);
    *scratch = (struct scratch){0};
}

/* ---- input ---- */

/* Moves what is there into a buffer of `cap` bytes: the worker's where it fits, else one of its own. */
static void input_move(struct conn *c, size_t cap) {
    struct input to = {0};
    size_t n = input_length(c);
    if (cap <= SCRATCH_INPUT && c->scratch->in.p) {
        to = c->scratch->in;
        c->scratch->in = (struct input){0};
    } else {
        to.cap = cap < SCRATCH_INPUT ? SCRATCH_INPUT : cap;
        to.p = mem_alloc(to.cap);
    }
    if (n)
        memcpy(to.p, c->in.p + c->in.start, n);
    free(c->in.p);
    c->in = (struct input){to.p, 0, n, to.cap};
}

/* Makes room behind what is there; gives how many bytes may be read. */
static size_t input_room(struct conn *c) {
    size_t n = input_length(c), limit = input_limit(c);
    if (n >= limit)
        return 0;
    if (n == 0)
        c->in.start = c->in.end = 0;
    size_t want = limit - n < READ_ROOM ? limit - n : READ_ROOM;
    if (c->in.cap - c->in.end < want) {
        if (c->in.cap - n >= want && n <= c->in.cap / 2) {
            memmove(c->in.p, c->in.p + c->in.start, n);
            c->in.start = 0;
            c->in.end = n;
        } else {
            input_move(c, n + want > c->in.cap / 2 ? (n + want) * 2 : c->in.cap);
        }
    }
    size_t room = c->in.cap - c->in.end;
    return room < limit - n ? room : limit - n;
}

static enum io read_tls(struct conn *c, size_t room) {
    size_t n;
    c->tls_wants = 0;
    enum tls_result r = tls_session_read(c->tls, c->in.p + c->in.end, room, &n);
    c->in.end += n;
    c->run_bytes += n;
    c->more = r == TLS_OK && tls_session_buffered(c->tls);
    switch (r) {
    case TLS_OK:
        c->input_due = true;
        return IO_DONE;
    case TLS_WANT_READ:
        return IO_BLOCKED;
    case TLS_WANT_WRITE:
        c->tls_wants = EPOLLOUT;
        return IO_BLOCKED;
    case TLS_CLOSED:
        c->eof = true;
        return IO_DONE;
    default:
        return IO_BROKEN;
    }
}

static enum io read_plain(struct conn *c, size_t room) {
    ssize_t n;
    do
        n = recv(c->fd, c->in.p + c->in.end, room, 0);
    while (n < 0 && errno == EINTR);
    c->more = n == (ssize_t)room || (c->ended && n > 0);
    if (n < 0)
        return errno == EAGAIN ? IO_BLOCKED : IO_BROKEN;
    c->in.end += (size_t)n;
    c->run_bytes += (size_t)n;
    if (n == 0)
        c->eof = true;
    else
        c->input_due = true;
    return IO_DONE;
}

enum io conn_read(struct conn *c) {
    size_t room = input_room(c);
    c->try_read = false;
    if (room == 0)
        return IO_BLOCKED;
    return c->tls ? read_tls(c, room) : read_plain(c, room);
}

enum io conn_read_few(struct conn *c, size_t n) {
    size_t room = input_room(c);
    return room ? read_plain(c, n < room ? n : room) : IO_BROKEN;
}

enum io conn_discard(struct conn *c) {
    if (!c->in.p)
        input_move(c, SCRATCH_INPUT);
    for (size_t total = 0; total < RUN_BYTES;) {
        ssize_t n = recv(c->fd, c->in.p, c->in.cap, 0);
        if (n == 0)
            return IO_DONE;
        if (n < 0 && errno != EINTR)
            return errno == EAGAIN ? IO_BLOCKED : IO_BROKEN;
        if (n > 0)
            total += (size_t)n;
    }
    return IO_BLOCKED;
}

/* ---- output ---- */

static enum io send_plain(struct conn *c, size_t *sent) {
    ssize_t n;
    do
        n = send(c->fd, c->out.p + c->out_start, c->out.n - c->out_start, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    *sent = n > 0 ? (size_t)n : 0;
    if (n >= 0)
        return IO_DONE;
    return errno == EAGAIN ? IO_BLOCKED : IO_BROKEN;
}

static enum io send_tls(struct conn *c, size_t *sent) {
    c->tls_wants = 0;
    switch (tls_session_write(c->tls, c->out.p + c->out_start, c->out.n - c->out_start, sent)) {
    case TLS_OK:
        return IO_DONE;
    case TLS_WANT_WRITE:
        return IO_BLOCKED;
    case TLS_WANT_READ:
        c->tls_wants = EPOLLIN;
        return IO_BLOCKED;
    default:
        return IO_BROKEN;
    }
}

enum io conn_send(struct conn *c) {
    enum io r = IO_DONE;
    while (r == IO_DONE && conn_output_pending(c)) {
        size_t sent, wanted = conn_output_pending(c);
        r = c->tls ? send_tls(c, &sent) : send_plain(c, &sent);
        c->out_start += sent;
        if (!c->tls && r == IO_DONE && sent < wanted)
            r = IO_BLOCKED; /* the socket's buffer is full: the next call would only say so */
    }
    if (conn_output_pending(c) == 0) {
        c->out_start = 0;
        buf_reset(&c->out);
    }
    c->out_blocked = r == IO_BLOCKED;
    return r;
}
