#include "base/log.h"
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
    RAW_ROOM = 16 << 10,     /* compressed bytes read at a time */
    SLICE = 128 << 10,       /* of output compressed at a time */
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
    if (c->deflate)
        deflate_borrow(c->deflate, &scratch->deflate);
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
    if (c->deflate)
        deflate_give_back(c->deflate, &c->scratch->deflate);
    c->scratch = NULL;
}

void conn_forget_input(struct conn *c) {
    c->in.start = c->in.end = 0;
    c->input_due = false;
}

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

/* Behind what is there. */
void conn_add_input(struct conn *c, struct str bytes) {
    if (c->in.cap - c->in.end < bytes.n)
        input_move(c, input_length(c) + bytes.n + READ_ROOM);
    if (bytes.n)
        memcpy(c->in.p + c->in.end, bytes.p, bytes.n);
    c->in.end += bytes.n;
}

void scratch_free(struct scratch *scratch) {
    free(scratch->in.p);
    buf_free(&scratch->out);
    deflate_tools_free(&scratch->deflate);
    *scratch = (struct scratch){0};
}

/* ---- input ---- */

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

/* From TLS or the socket. *n is what came; *more: there may be more at once. Sets eof. */
static enum io read_tls(struct conn *c, char *p, size_t size, size_t *n, bool *more) {
    c->tls_wants = 0;
    enum tls_result r = tls_session_read(c->tls, p, size, n);
    *more = r == TLS_OK && tls_session_buffered(c->tls);
    switch (r) {
    case TLS_OK:
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

static enum io read_plain(struct conn *c, char *p, size_t size, size_t *n, bool *more) {
    ssize_t r;
    do
        r = recv(c->fd, p, size, 0);
    while (r < 0 && errno == EINTR);
    *more = r == (ssize_t)size || (c->ended && r > 0);
    *n = r > 0 ? (size_t)r : 0;
    if (r < 0)
        return errno == EAGAIN ? IO_BLOCKED : IO_BROKEN;
    c->eof = r == 0;
    return IO_DONE;
}

static enum io read_wire(struct conn *c, char *p, size_t size, size_t *n, bool *more) {
    return c->tls ? read_tls(c, p, size, n, more) : read_plain(c, p, size, n, more);
}

/* Compressed bytes come in only when those before have been inflated, and are inflated as far as there is room. */
static enum io read_deflated(struct conn *c, char *p, size_t room, size_t *n) {
    char raw[RAW_ROOM];
    size_t came = 0;
    bool more = c->raw_more;
    if (!deflate_pending(c->deflate)) {
        enum io r = read_wire(c, raw, sizeof raw, &came, &more);
        c->more = c->raw_more = more;
        if (r != IO_DONE || came == 0)
            return r;
        c->run_bytes += came;
        deflate_feed(c->deflate, str_n(raw, came));
    }
    if (!deflate_read(c->deflate, &c->scratch->deflate, p, room, n)) {
        log_info("%s: what %s sends is not compressed as it should be", c->listener->o.protocol->name, c->peer_text);
        return IO_BROKEN;
    }
    c->more = more || deflate_pending(c->deflate);
    return IO_DONE;
}

static enum io took(struct conn *c, enum io r, size_t n) {
    c->in.end += n;
    c->run_bytes += n;
    c->input_due |= n > 0;
    return r;
}

enum io conn_read(struct conn *c) {
    size_t room = input_room(c), n = 0;
    bool more = false;
    c->try_read = false;
    if (room == 0)
        return IO_BLOCKED;
    char *end = c->in.p + c->in.end;
    if (c->deflate) {
        enum io r = read_deflated(c, end, room, &n);
        return took(c, r, n);
    }
    enum io r = read_wire(c, end, room, &n, &more);
    c->more = more;
    return took(c, r, n);
}

enum io conn_read_few(struct conn *c, size_t n) {
    size_t room = input_room(c), came = 0;
    bool more = false;
    if (room == 0)
        return IO_BROKEN;
    enum io r = read_plain(c, c->in.p + c->in.end, n < room ? n : room, &came, &more);
    c->more = more;
    return took(c, r, came);
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

static enum io send_plain(struct conn *c, struct str bytes, size_t *sent) {
    ssize_t n;
    do
        n = send(c->fd, bytes.p, bytes.n, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    *sent = n > 0 ? (size_t)n : 0;
    if (n >= 0)
        return *sent < bytes.n ? IO_BLOCKED
                               : IO_DONE; /* the socket's buffer is full: the next call would only say so */
    return errno == EAGAIN ? IO_BLOCKED : IO_BROKEN;
}

static enum io send_tls(struct conn *c, struct str bytes, size_t *sent) {
    c->tls_wants = 0;
    switch (tls_session_write(c->tls, bytes.p, bytes.n, sent)) {
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

/* What goes out next: the output, or that slice of it that has been compressed. */
static struct str next_to_send(struct conn *c) {
    struct str plain = str_n(c->out.p + c->out_start, c->out.n - c->out_start);
    if (!c->deflate)
        return plain;
    if (deflate_wire(c->deflate).n == 0) {
        plain = str_sub(plain, 0, SLICE);
        deflate_write(c->deflate, &c->scratch->deflate, plain);
        c->out_start += plain.n;
    }
    return deflate_wire(c->deflate);
}

enum io conn_send(struct conn *c) {
    enum io r = IO_DONE;
    while (r == IO_DONE && conn_output_pending(c)) {
        size_t sent = 0;
        struct str bytes = next_to_send(c);
        r = c->tls ? send_tls(c, bytes, &sent) : send_plain(c, bytes, &sent);
        if (c->deflate)
            deflate_sent(c->deflate, sent);
        else
            c->out_start += sent;
    }
    if (conn_output_pending(c) == 0) {
        c->out_start = 0;
        buf_reset(&c->out);
    }
    c->out_blocked = r == IO_BLOCKED;
    return r;
}
