/*
 * server: connections without a thread each. One epoll set (one-shot), listeners, timers and an elastic pool of
 * workers serve any number of protocols; a connection at rest is a `struct conn` of some hundred bytes, its session,
 * and its TLS state.
 *
 * A protocol is a table of three functions. `step` runs on a worker, never on two at once for one connection, and is
 * plain blocking code: SQL, files, anything. It is called with an event, looks at conn_input(), consumes what is
 * complete, writes replies with conn_write() and returns what it waits for. The pool adds a worker when all are
 * blocked and something is ready (up to `max_workers`), and lets idle ones go.
 *
 *   EVENT_OPEN     the connection is there (for implicit TLS: the handshake is done); greet
 *   EVENT_INPUT    bytes came in since the last step, or that step left some over and had consumed others; what was
 *                  there before is offered again after EVENT_DRAINED, EVENT_WAKE and EVENT_TIMEOUT
 *   EVENT_DRAINED  after STEP_DRAIN: the output has gone out, go on producing
 *   EVENT_WAKE     another thread called server_wake()
 *   EVENT_TIMEOUT  nothing came in for the time set with conn_set_timeout(), or, where output is pending, none of it
 *                  went out; the time starts again after the step
 *   EVENT_EOF      the peer closed its sending side (what was buffered has been offered before); reply and STEP_CLOSE
 *
 * More than one can be due: they come one after another. While output is pending nothing is read and no event comes but
 * EVENT_TIMEOUT (without a timeout set, a peer that takes nothing for 5 minutes is cut off): who sends without reading
 * the answers has to wait. `open` runs on a worker too, right before EVENT_OPEN; where it returns NULL, what it wrote
 * is sent. After STEP_CLOSE, or when the connection breaks, `close` is called once, and frees the session.
 */
#ifndef NET_SERVER_H
#define NET_SERVER_H

#include "base/err.h"
#include "base/str.h"

#include <netinet/in.h>
#include <sys/socket.h>

struct server;
struct conn;
struct tls_context; /* net/tls.h */

enum event { EVENT_OPEN, EVENT_INPUT, EVENT_DRAINED, EVENT_WAKE, EVENT_TIMEOUT, EVENT_EOF };

enum step {
    STEP_WAIT,  /* flush the output and park until there is more input (or a wake, or the timeout) */
    STEP_DRAIN, /* flush the output, park until it is gone, then EVENT_DRAINED: for long answers to slow readers */
    STEP_TLS, /* flush the output, throw away input already buffered in plain text (injection, RFC 3207 section 4.2), */
              /* start TLS as a server; EVENT_INPUT follows with new input under TLS */
    STEP_DEFLATE, /* flush the output; from then on both directions are compressed (RFC 4978), input that is there
                     already */
                  /* included; under TLS where that is on */
    STEP_PLAIN,   /* flush the output, the last that is compressed; input behind what was consumed is not compressed */
    STEP_CLOSE,   /* flush the output (bounded in time), wait until the peer has read it, and close */
    STEP_QUIT,    /* the same where the peer itself has asked for the end and so sends nothing more: no waiting */
};

struct protocol {
    const char *name;                             /* "smtp", for logs */
    void *(*open)(struct conn *c, void *context); /* makes the session; NULL refuses the connection */
    enum step (*step)(struct conn *c, void *session, enum event event);
    void (*close)(struct conn *c, void *session);
};

struct listener_options {
    const struct protocol *protocol;
    void *context;           /* handed to protocol->open */
    struct tls_context *tls; /* for STARTTLS and implicit TLS; NULL: neither */
    bool implicit_tls;       /* handshake first */
    bool proxy;       /* a balancer's PROXY header (version 2) first of all, which says who the peer is; only for */
                      /* addresses that nobody but the balancer can reach */
    size_t max_input; /* bytes buffered before the protocol must consume (more is not read); 0: 64 KiB */
    uint32_t max_connections; /* over this a connection is refused: protocol->open is not called; 0: server's limit */
    const char *busy_reply;   /* sent to a refused connection, e.g. "421 4.7.0 Too many connections\r\n" */
};

struct server_options {
    int max_workers;          /* threads at the most */
    uint32_t max_connections; /* all listeners together */
};

struct server *server_new(const struct server_options *o);
/* Listens on "127.0.0.1:2525", "[::1]:2525" or "unix:/path" (mode 0666); "proxy:" before any of them does what o->proxy
 * does. False with err when it can't. */
bool server_listen(struct server *s, const char *address, const struct listener_options *o, struct err *err);
/* Serves until server_stop(); true after a clean stop. Call once, from the main thread. */
bool server_run(struct server *s);
/* From any thread or a signal handler: stop accepting, wake each connection with EVENT_TIMEOUT and conn_closing() true
 * so that it can say goodbye, wait at most grace_ms for the rest, and let server_run return. */
void server_stop(struct server *s, int grace_ms);
/* From any thread: another process has the listening sockets, too (net/handover.h). Stop accepting, serve the
 * connections that there are until they end, for drain_ms at most, and then do as server_stop. */
void server_retire(struct server *s, int drain_ms, int grace_ms);
void server_free(struct server *s);
uint32_t server_connections(const struct server *s);
int server_workers(const struct server *s); /* threads there are now */
/* The port of the i-th listener (from 0; useful after listening on port 0); 0 for a UNIX socket. */
uint16_t server_port(const struct server *s, size_t i);

/* A connection's handle for other threads: stays valid (and harmless) after the connection is gone. */
typedef uint64_t conn_id;
conn_id conn_get_id(const struct conn *c);
/* Has EVENT_WAKE delivered to the connection, once for any number of calls before the step runs. Any thread. */
void server_wake(struct server *s, conn_id id);

/* ---- within step (and open): the connection ---- */

struct server *conn_server(const struct conn *c);
struct str conn_input(const struct conn *c); /* what has come in and was not consumed; valid until consume */
void conn_consume(struct conn *c, size_t n);
bool conn_input_full(const struct conn *c);        /* max_input is reached: consume or give up */
void conn_write(struct conn *c, struct str bytes); /* appends to the output; sent when the step returns */
void conn_printf(struct conn *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct buf *conn_output(struct conn *c);          /* the output buffer itself, for builders */
size_t conn_output_pending(const struct conn *c); /* over some 256 KiB: return STEP_DRAIN and go on later */
bool conn_flush(struct conn *c);                  /* tries to send now without waiting; false: connection broken */
void conn_set_timeout(struct conn *c, int ms);    /* until EVENT_TIMEOUT, restarted by input; 0: none */
bool conn_closing(const struct conn *c);          /* the server is stopping: say goodbye and STEP_CLOSE */
bool conn_is_tls(const struct conn *c);
bool conn_is_deflated(const struct conn *c);        /* behind STEP_DEFLATE */
bool conn_tls_available(const struct conn *c);      /* the listener has TLS and it is not on yet */
const char *conn_tls_version(const struct conn *c); /* "TLSv1.3", or "" */
const char *conn_tls_cipher(const struct conn *c);  /* "TLS_AES_256_GCM_SHA384", or "" */
/* Appends the channel binding "tls-exporter" or "tls-unique" (net/tls_session.h). False: there is none of that type. */
bool conn_channel_binding(const struct conn *c, const char *type, struct buf *out);
const char *conn_peer(const struct conn *c); /* "192.0.2.1", "2001:db8::1" or "unix" */
uint16_t conn_peer_port(const struct conn *c);
bool conn_local_address(const struct conn *c, struct sockaddr_storage *out); /* our end of the connection */
bool conn_is_local(const struct conn *c);                                    /* loopback address or UNIX socket */
const struct sockaddr_storage *conn_peer_address(const struct conn *c);
/* The user id of the process at the other end of a UNIX socket. False where that is not known. */
bool conn_peer_user(const struct conn *c, int64_t *uid);

#endif
