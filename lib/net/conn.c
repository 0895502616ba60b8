#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "net/proxy.h"
#include "net/server_internal.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* What a phase's function leaves to be done with its connection. */
enum outcome {
    AGAIN, /* the phase has changed, or may go on */
    PARK,  /* until one of the epoll events, or something else is due */
    LATER, /* others first, then on */
    GONE,
};

struct conn *conn_new(struct server *s, struct listener *l, int fd, const struct sockaddr_storage *peer) {
    struct conn *c = mem_zero(sizeof *c);
    c->id = slots_take(&s->slots, c);
    if (!c->id) {
        free(c);
        return NULL;
    }
    c->server = s;
    c->listener = l;
    c->fd = fd;
    c->armed = NOT_ARMED;
    c->peer = *peer;
    sockaddr_unmap(&c->peer);
    sockaddr_text(&c->peer, c->peer_text);
    c->phase = l->o.proxy ? PHASE_PROXY : l->o.implicit_tls ? PHASE_HANDSHAKE : PHASE_SERVE;
    c->deadline = clock_monotonic() + HANDSHAKE_MS * MILLISECOND;
    atomic_fetch_add(&s->connections, 1);
    atomic_fetch_add(&l->connections, 1);
    return c;
}

static void end_session(struct conn *c) {
    if (!c->opened)
        return;
    c->opened = false;
    c->listener->o.protocol->close(c, c->session);
    c->session = NULL;
}

void conn_destroy(struct conn *c) {
    struct server *s = c->server;
    end_session(c);
    if (c->tls)
        tls_session_free(c->tls);
    deflate_free(c->deflate);
    close(c->fd);
    free(c->in.p);
    buf_free(&c->out);
    timers_remove(&s->timers, slot_index(c->id));
    slots_give(&s->slots, slot_index(c->id));
    atomic_fetch_sub(&c->listener->connections, 1);
    free(c);
    if (atomic_fetch_sub(&s->connections, 1) == 1 && (atomic_load(&s->stopping) || atomic_load(&s->retire_wanted)))
        server_nudge(s);
}

/* ---- time ---- */

static void set_deadline(struct conn *c) {
    int64_t deadline = c->deadline;
    if (c->phase == PHASE_SERVE) {
        if (!c->restart_time)
            return;
        int ms = c->timeout_ms ? c->timeout_ms : conn_output_pending(c) ? STALL_MS : 0;
        deadline = ms ? clock_monotonic() + ms * MILLISECOND : INT64_MAX;
        c->restart_time = false;
    }
    struct server *s = c->server;
    if (timers_set(&s->timers, slot_index(c->id), deadline) && deadline < atomic_load(&s->sleeps_until))
        server_nudge(s);
}

/* The deadline has passed; looked at only when the timers said so. */
static bool time_is_up(struct conn *c) {
    if (!c->look_at_time)
        return false;
    c->look_at_time = false;
    struct slot *slot = &c->server->slots.slot[slot_index(c->id)];
    return !c->restart_time && atomic_load(&slot->deadline) <= clock_monotonic();
}

/* ---- PROXY header and TLS handshake ---- */

/* One scanner can fail thousands of times a minute: ten lines in ten seconds are written, the rest counted. */
static void log_handshake_failure(struct conn *c, const char *what, const char *why) {
    struct server *s = c->server;
    int64_t now = clock_monotonic(), window = atomic_load(&s->handshake_window);
    if (now - window > 10 * CLOCK_SECOND && atomic_compare_exchange_strong(&s->handshake_window, &window, now)) {
        uint32_t before = atomic_exchange(&s->handshake_failures, 0);
        if (before > 10)
            log_info("%s: %u more connections failed to begin", c->listener->o.protocol->name, (unsigned)before - 10);
    }
    if (atomic_fetch_add(&s->handshake_failures, 1) < 10)
        log_info("%s: no %s with %s: %s", c->listener->o.protocol->name, what, c->peer_text, why);
}

static enum outcome take_proxy_header(struct conn *c, uint32_t *events) {
    size_t length;
    for (;;) {
        enum proxy_result r = proxy_parse(conn_input(c), &length, &c->peer);
        if (r == PROXY_BAD) {
            log_handshake_failure(c, "PROXY protocol", "what it sent is no PROXY header of version 2");
            return GONE;
        }
        if (r == PROXY_DONE)
            break;
        enum io io = conn_read_few(c, length - input_length(c));
        if (io == IO_BROKEN || c->eof || c->stop || time_is_up(c))
            return GONE;
        if (io == IO_BLOCKED) {
            *events = EPOLLIN;
            return PARK;
        }
    }
    conn_forget_input(c);
    sockaddr_unmap(&c->peer);
    sockaddr_text(&c->peer, c->peer_text);
    c->phase = c->listener->o.implicit_tls ? PHASE_HANDSHAKE : PHASE_SERVE;
    c->more = true;
    return AGAIN;
}

static enum outcome handshake(struct conn *c, uint32_t *events) {
    struct err err;
    if (!c->tls)
        c->tls = tls_session_server(c->listener->o.tls, c->fd);
    switch (tls_session_handshake(c->tls, &err)) {
    case TLS_OK:
        c->phase = PHASE_SERVE;
        c->more = true; /* the first bytes may have come along with the handshake */
        c->restart_time = true;
        c->look_at_time = false;
        return AGAIN;
    case TLS_WANT_READ:
        *events = EPOLLIN;
        break;
    case TLS_WANT_WRITE:
        *events = EPOLLOUT;
        break;
    default:
        log_handshake_failure(c, "TLS", err.text);
        return GONE;
    }
    if (time_is_up(c)) {
        log_handshake_failure(c, "TLS", "the handshake took too long");
        return GONE;
    }
    return c->stop ? GONE : PARK;
}

/* The connection enters a phase that must be over within ms. */
static void begin_phase(struct conn *c, enum phase phase, int ms) {
    c->phase = phase;
    c->deadline = clock_monotonic() + ms * MILLISECOND;
    c->restart_time = c->look_at_time = false;
}

static enum outcome begin_tls(struct conn *c) {
    c->start_tls = false;
    if (c->tls || !c->listener->o.tls) {
        log_error("%s: TLS was to start on %s where it can't", c->listener->o.protocol->name, c->listener->name);
        return GONE;
    }
    conn_forget_input(c);
    c->more = false;
    begin_phase(c, PHASE_HANDSHAKE, HANDSHAKE_MS);
    return AGAIN;
}

/* ---- compression ---- */

/* What has come behind the request is compressed already. */
static enum outcome begin_deflate(struct conn *c) {
    c->start_deflate = false;
    if (c->deflate) {
        log_error("%s: compression was to start where it is on", c->listener->o.protocol->name);
        return GONE;
    }
    c->deflate = deflate_new(conn_input(c));
    conn_forget_input(c);
    c->more = true;
    return AGAIN;
}

static enum outcome end_deflate(struct conn *c) {
    c->end_deflate = false;
    if (c->deflate)
        conn_add_input(c, deflate_rest(c->deflate));
    deflate_free(c->deflate);
    c->deflate = NULL;
    c->input_due = input_length(c) > 0;
    c->more = true;
    return AGAIN;
}

/* ---- serving ---- */

static enum outcome begin_closing(struct conn *c) {
    begin_phase(c, PHASE_CLOSING, CLOSING_MS);
    return AGAIN;
}

/* Runs one step and sends what it wrote. */
static enum outcome run_step(struct conn *c, enum event event) {
    size_t before = input_length(c);
    bool waited = conn_output_pending(c) > 0;
    enum step step = c->listener->o.protocol->step(c, c->session, event);
    /* Offered again is what a step left over while it went ahead, and what came in while it waited for something
     * else. */
    if (input_length(c) && (event == EVENT_INPUT ? input_length(c) < before : event != EVENT_EOF))
        c->input_due = true;
    if (event == EVENT_OPEN || event == EVENT_TIMEOUT)
        c->restart_time = true;
    switch (step) {
    case STEP_QUIT:
        c->quit = input_length(c) == 0 && !c->tls; /* TLS has its own goodbye, which is answered */
        return begin_closing(c);
    case STEP_CLOSE:
        return begin_closing(c);
    case STEP_TLS:
        c->start_tls = true;
        break;
    case STEP_DEFLATE:
        c->start_deflate = true;
        break;
    case STEP_PLAIN:
        c->end_deflate = true;
        break;
    case STEP_DRAIN:
        c->draining = true;
        break;
    case STEP_WAIT:
        break;
    }
    if (conn_send(c) == IO_BROKEN)
        return GONE;
    if (conn_output_pending(c) && !waited)
        c->restart_time = true;
    return AGAIN;
}

static enum outcome open_session(struct conn *c) {
    if (c->stop)
        return GONE;
    c->session = c->listener->o.protocol->open(c, c->listener->o.context);
    if (!c->session)
        return begin_closing(c);
    c->opened = true;
    return run_step(c, EVENT_OPEN);
}

/* Output is pending: the peer's next words have to wait until it has read the answer to those before. */
static enum outcome wait_for_output(struct conn *c, uint32_t *events) {
    size_t before = conn_output_pending(c);
    if (!c->out_blocked && conn_send(c) == IO_BROKEN)
        return GONE;
    if (conn_output_pending(c) < before)
        c->restart_time = true;
    if (conn_output_pending(c) == 0)
        return AGAIN;
    if (time_is_up(c))
        return c->timeout_ms ? run_step(c, EVENT_TIMEOUT) : GONE;
    *events = c->tls_wants ? c->tls_wants : EPOLLOUT;
    return PARK;
}

/* Reads, and offers what came. */
static enum outcome take_input(struct conn *c) {
    if (c->run_bytes > RUN_BYTES)
        return LATER;
    enum io r = conn_read(c);
    if (r == IO_BROKEN)
        return GONE;
    if (c->input_due)
        c->restart_time = true;
    return r == IO_BLOCKED ? PARK : AGAIN;
}

static enum outcome serve(struct conn *c, uint32_t *events) {
    if (!c->opened)
        return open_session(c);
    if (conn_output_pending(c))
        return wait_for_output(c, events);
    if (c->start_tls)
        return begin_tls(c);
    if (c->start_deflate)
        return begin_deflate(c);
    if (c->end_deflate)
        return end_deflate(c);
    if (c->draining) {
        c->draining = false;
        return run_step(c, EVENT_DRAINED);
    }
    if (c->stop && !c->stop_told) {
        c->stop_told = true;
        return run_step(c, EVENT_TIMEOUT);
    }
    if (c->input_due) {
        c->input_due = false;
        return run_step(c, EVENT_INPUT);
    }
    if (c->wake) {
        c->wake = false;
        return run_step(c, EVENT_WAKE);
    }
    if (!c->eof && (c->try_read || c->more)) {
        enum outcome o = take_input(c);
        if (o != PARK)
            return o;
    }
    if (c->eof && !c->eof_told) {
        c->eof_told = true;
        return run_step(c, EVENT_EOF);
    }
    if (c->timeout_ms && time_is_up(c))
        return run_step(c, EVENT_TIMEOUT);
    bool can_read = !c->eof && input_length(c) < input_limit(c);
    *events = c->tls_wants ? c->tls_wants : can_read ? EPOLLIN : 0;
    return PARK;
}

/* ---- closing ---- */

static enum outcome closing(struct conn *c, uint32_t *events) {
    enum io r = c->out_blocked ? IO_BLOCKED : conn_send(c);
    end_session(c);
    if (r == IO_BROKEN)
        return GONE;
    if (conn_output_pending(c)) {
        *events = c->tls_wants ? c->tls_wants : EPOLLOUT;
        return time_is_up(c) ? GONE : PARK;
    }
    if (c->tls) {
        tls_session_shutdown(c->tls);
        tls_session_free(c->tls);
        c->tls = NULL;
    }
    conn_forget_input(c);
    /* Closing a socket with input unread, or that more arrives for, makes TCP reset the connection, and the last
     * reply may be lost on its way (RFC 1122 4.2.2.13): so the peer is given time to close first. */
    if (c->eof || (c->quit && !c->more) || shutdown(c->fd, SHUT_WR) != 0)
        return GONE;
    c->phase = PHASE_LINGER;
    c->try_read |= c->more || c->ended; /* else there is an event to come */
    return AGAIN;
}

static enum outcome linger(struct conn *c, uint32_t *events) {
    if (c->try_read) {
        c->try_read = false;
        enum io r = conn_discard(c);
        c->armed = NOT_ARMED; /* there may be more than it takes at once */
        conn_forget_input(c);
        if (r != IO_BLOCKED)
            return GONE;
    }
    *events = EPOLLIN;
    return time_is_up(c) ? GONE : PARK;
}

/* ---- running and parking ---- */

/* Plain connections stay armed for input, edge triggered, for their whole life: reads go on until a read gets less than
 * there was room for (c->more), or, where the event said that the peer has closed, until that has been read (c->ended),
 * so that what comes later makes an event of its own, and no command costs an epoll_ctl.
 * Behind TLS a read ends with a record, whatever the socket still has: those are armed again each time, which looks. */
static bool one_shot(const struct conn *c) { return c->tls != NULL; }

/* Takes what is due; false when the connection has to go. */
static bool take_due(struct conn *c) {
    uint32_t due = slots_due(&c->server->slots, slot_index(c->id));
    if (due & SLOT_IO) {
        bool broken = c->armed == 0 && (due & SLOT_ERROR); /* nobody would read or write and find out */
        c->ended |= (due & SLOT_EOF) != 0;
        if (one_shot(c))
            c->armed = NOT_ARMED;
        c->try_read = true;
        c->out_blocked = false;
        if (broken)
            return false;
    }
    c->wake |= (due & SLOT_WAKE) != 0;
    c->stop |= (due & SLOT_STOP) != 0;
    c->look_at_time |= (due & SLOT_TIMER) != 0;
    return !(due & SLOT_KILL);
}

/* Has epoll tell when one of the events is there, or comes. */
static bool arm(struct conn *c, uint32_t events) {
    if (c->armed == (int)events)
        return true;
    struct epoll_event e = {.events = events | (uint32_t)(events & EPOLLIN ? EPOLLRDHUP : 0) |
                                      (uint32_t)(one_shot(c) ? EPOLLONESHOT : EPOLLET),
                            .data.u64 = c->id};
    if (epoll_ctl(c->server->epoll, c->known_to_epoll ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, c->fd, &e) != 0) {
        log_error("%s: can't watch the connection of %s: %m", c->listener->o.protocol->name, c->peer_text);
        return false;
    }
    c->known_to_epoll = true;
    c->armed = (int)events;
    return true;
}

/* PARK when it has been parked (it is no longer the caller's then), AGAIN when something has become due. */
static enum outcome park(struct conn *c, uint32_t events) {
    struct scratch *scratch = c->scratch;
    set_deadline(c);
    if (!arm(c, events))
        return GONE;
    conn_give_back(c);
    if (slots_park(&c->server->slots, slot_index(c->id)))
        return PARK;
    conn_borrow(c, scratch);
    return AGAIN;
}

void conn_run(struct conn *c, struct scratch *scratch) {
    static enum outcome (*const run_phase[])(struct conn *, uint32_t *) = {[PHASE_PROXY] = take_proxy_header,
                                                                           [PHASE_HANDSHAKE] = handshake,
                                                                           [PHASE_SERVE] = serve,
                                                                           [PHASE_CLOSING] = closing,
                                                                           [PHASE_LINGER] = linger};
    enum outcome outcome = take_due(c) ? AGAIN : GONE;
    conn_borrow(c, scratch);
    c->run_bytes = 0;
    while (outcome == AGAIN) {
        uint32_t events = 0;
        outcome = run_phase[c->phase](c, &events);
        if (outcome == PARK) {
            outcome = park(c, events);
            if (outcome == PARK)
                return;
            if (outcome == AGAIN && !take_due(c))
                outcome = GONE;
        }
    }
    if (outcome == LATER) {
        conn_give_back(c);
        pool_submit(c->server, slot_index(c->id));
    } else {
        conn_destroy(c);
    }
}

/* ---- for protocols ---- */

struct server *conn_server(const struct conn *c) {
    return c->server;
}

conn_id conn_get_id(const struct conn *c) { return c->id; }

struct str conn_input(const struct conn *c) {
    return input_length(c) ? str_n(c->in.p + c->in.start, input_length(c)) : STR("");
}

void conn_consume(struct conn *c, size_t n) {
    if (n > input_length(c))
        log_panic("%s consumes more input than there is", c->listener->o.protocol->name);
    c->in.start += n;
}

bool conn_input_full(const struct conn *c) { return input_length(c) >= input_limit(c); }

struct buf *conn_output(struct conn *c) {
    if (c->out_start) {
        buf_consume(&c->out, c->out_start);
        c->out_start = 0;
    }
    return &c->out;
}

void conn_write(struct conn *c, struct str bytes) { buf_add_str(conn_output(c), bytes); }

void conn_printf(struct conn *c, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(conn_output(c), fmt, ap);
    va_end(ap);
}

size_t conn_output_pending(const struct conn *c) {
    return c->out.n - c->out_start + (c->deflate ? deflate_wire(c->deflate).n : 0);
}

bool conn_flush(struct conn *c) { return conn_send(c) != IO_BROKEN; }

void conn_set_timeout(struct conn *c, int ms) {
    c->timeout_ms = ms > 0 ? ms : 0;
    c->restart_time = true;
}

bool conn_closing(const struct conn *c) { return c->stop; }

bool conn_is_tls(const struct conn *c) { return c->tls != NULL; }

bool conn_is_deflated(const struct conn *c) { return c->deflate != NULL; }

bool conn_tls_available(const struct conn *c) { return c->listener->o.tls && !c->tls; }

const char *conn_tls_version(const struct conn *c) { return c->tls ? tls_session_version(c->tls) : ""; }

const char *conn_tls_cipher(const struct conn *c) { return c->tls ? tls_session_cipher(c->tls) : ""; }
bool conn_channel_binding(const struct conn *c, const char *type, struct buf *out) {
    return c->tls && tls_session_binding(c->tls, type, out);
}

const char *conn_peer(const struct conn *c) { return c->peer_text; }

uint16_t conn_peer_port(const struct conn *c) { return sockaddr_port(&c->peer); }

bool conn_local_address(const struct conn *c, struct sockaddr_storage *out) {
    socklen_t n = sizeof *out;
    memset(out, 0, sizeof *out);
    if (getsockname(c->fd, (struct sockaddr *)out, &n) != 0)
        return false;
    sockaddr_unmap(out);
    return true;
}

bool conn_is_local(const struct conn *c) { return sockaddr_is_local(&c->peer); }

const struct sockaddr_storage *conn_peer_address(const struct conn *c) { return &c->peer; }

bool conn_peer_user(const struct conn *c, int64_t *uid) {
    struct ucred peer;
    socklen_t n = sizeof peer;
    if (c->peer.ss_family != AF_UNIX || getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0)
        return false;
    *uid = peer.uid;
    return true;
}
