/*
 * What server.c (listening, accepting, timers, stopping), pool.c (workers), conn.c (what a connection is doing) and
 * conn_io.c (its bytes) share. Their users see server.h only.
 */
#ifndef NET_SERVER_INTERNAL_H
#define NET_SERVER_INTERNAL_H

#include "net/deflate.h"
#include "net/server.h"
#include "net/slots.h"
#include "net/sockaddr.h"
#include "net/timers.h"
#include "net/tls_session.h"

#define MILLISECOND INT64_C(1000)

enum {
    HANDSHAKE_MS = 30000, /* for a TLS handshake, all of it; and for a PROXY header */
    CLOSING_MS = 10000,   /* for the last reply to go out, and for the peer to close then */
    STALL_MS = 300000,    /* without a timeout of the protocol's: for a peer that takes no output */
    RUN_BYTES = 1 << 20,  /* read for one connection before others have their turn */
    INPUT_DEFAULT = 65536,
};

struct listener {
    struct listener_options o;
    pthread_mutex_t lock; /* guards fd, resting_until: accepting and closing exclude each other */
    int fd;
    int64_t resting_until; /* the system has run out of something: no accepting until then; 0: none */
    uint32_t mark;         /* its place + 1: what the workers' epoll set knows it by; below any connection's id */
    uint16_t port;
    char path[SOCKADDR_PATH]; /* of a UNIX socket, or "" */
    char name[160];           /* its address, for logs */
    _Atomic uint32_t connections;
};

enum { MAX_LISTENERS = 32 };

/* Connections that have something due, apart from what epoll tells; chained through their slots. */
struct ready {
    pthread_mutex_t lock;
    uint32_t first, last; /* SLOT_NONE: empty */
    int signal;           /* eventfd in the epoll set, edge triggered: each write wakes one worker */
};

struct server {
    struct server_options o;
    struct slots slots;
    struct timers timers;
    struct listener *listener[MAX_LISTENERS];
    size_t listeners;
    int epoll;           /* of the workers */
    int control;         /* eventfd: has the main thread look around */
    _Atomic int reserve; /* a descriptor to give up when there are no more; -1: somebody has given it up just now */
    struct ready ready;
    _Atomic uint32_t connections;
    _Atomic int waiting;          /* workers in epoll_wait, or on their way into it */
    _Atomic int64_t sleeps_until; /* when the main thread will look at the timers */
    pthread_mutex_t lock;         /* guards workers */
    pthread_cond_t changed;       /* workers became fewer */
    int workers;
    _Atomic int64_t busy_logged;
    _Atomic int64_t descriptors_logged;
    _Atomic bool quit; /* workers shall end */
    _Atomic bool stop_wanted;
    _Atomic int stop_grace_ms;
    _Atomic bool retire_wanted; /* others accept now */
    _Atomic int retire_ms;
    _Atomic bool stopping;
    _Atomic int64_t handshake_window; /* failed handshakes are logged ten in ten seconds at most */
    _Atomic uint32_t handshake_failures;
};

/* Buffers that a worker lends to the connection it runs, so that a connection at rest needs none and a step in the
 * usual case allocates none. */
struct input {
    char *p;
    size_t start, end, cap; /* what is there: from start to end */
};
struct scratch {
    struct input in;
    struct buf out;
    struct deflate_tools deflate;
};

enum phase {
    PHASE_PROXY,     /* the balancer's header */
    PHASE_HANDSHAKE, /* TLS */
    PHASE_SERVE,     /* the protocol's steps */
    PHASE_CLOSING,   /* the last output goes out */
    PHASE_LINGER,    /* everything is said; waits until the peer has read it and closes */
};

enum { NOT_ARMED = -1 };

struct conn {
    struct server *server;
    struct listener *listener;
    struct scratch *scratch; /* of the worker that runs it */
    struct tls_session *tls;
    struct deflate *deflate; /* NULL: bytes go as they are */
    void *session;
    slot_id id;
    int64_t deadline; /* absolute; of the phases but PHASE_SERVE */
    int fd;
    int armed;      /* the epoll events it is armed for, or NOT_ARMED */
    int timeout_ms; /* 0: none */
    enum phase phase;
    uint32_t tls_wants; /* epoll events that TLS waits for, whichever way bytes go */
    bool known_to_epoll : 1;
    bool opened : 1;    /* the session is there, protocol->close is owed */
    bool greeted : 1;   /* EVENT_OPEN has been delivered */
    bool try_read : 1;  /* the descriptor may have input */
    bool more : 1;      /* the last read did not get everything */
    bool raw_more : 1;  /* with compression: the last read from the wire */
    bool ended : 1;     /* the peer has closed its sending side, though there may be input before that */
    bool input_due : 1; /* EVENT_INPUT */
    bool wake : 1;      /* EVENT_WAKE */
    bool look_at_time : 1;
    bool out_blocked : 1;                    /* the socket takes no more output for now */
    bool draining : 1;                       /* EVENT_DRAINED when the output is gone */
    bool start_tls : 1;                      /* when the output is gone */
    bool start_deflate : 1, end_deflate : 1; /* the same */
    bool stop : 1;                           /* the server is stopping */
    bool stop_told : 1;
    bool quit : 1; /* the peer has said that it sends nothing more */
    bool eof : 1;
    bool eof_told : 1;
    bool restart_time : 1; /* the timeout starts again when it parks */
    size_t run_bytes;      /* read since a worker took it */
    struct input in;
    struct buf out;
    size_t out_start; /* bytes of out that have been sent */
    struct sockaddr_storage peer;
    char peer_text[SOCKADDR_TEXT];
};

/* pool.c */
bool pool_start(struct server *s, struct err *err);
void pool_submit(struct server *s, uint32_t index); /* a connection that the caller owns is run by a worker soon */
bool pool_finish(struct server *s, int wait_ms);    /* ends the workers; false when some are still busy */

/* server.c: has the main thread look at control flags and timers. Async-signal-safe. */
void server_nudge(struct server *s);

/* accept.c */
bool listener_open(struct listener *l, const char *address, struct err *err);
/* handed_over: another process has the socket, too, and goes on with it. */
void listener_close(struct server *s, struct listener *l, bool handed_over);
/* Puts it into the workers' epoll set. */
bool listener_watch(struct server *s, struct listener *l, struct err *err);
/* A worker was told of it: takes one connection, has the next worker told of the next, and gives the index of the
 * connection, which the caller owns; SLOT_NONE: there is none to run. */
uint32_t listener_accept(struct server *s, struct listener *l);
/* The main thread: listeners that have rested enough begin again; gives when the next one has. */
int64_t listeners_wake(struct server *s, int64_t now);

/* conn.c */
struct conn *conn_new(struct server *s, struct listener *l, int fd, const struct sockaddr_storage *peer);
/* Runs a connection that the caller owns until it is parked, handed on or gone. */
void conn_run(struct conn *c, struct scratch *scratch);
/* Frees a connection that the caller owns. */
void conn_destroy(struct conn *c);

/* conn_io.c */
enum io { IO_DONE, IO_BLOCKED, IO_BROKEN };
void conn_borrow(struct conn *c, struct scratch *scratch);
void conn_give_back(struct conn *c);
void conn_forget_input(struct conn *c);
void conn_add_input(struct conn *c, struct str bytes);
/* Reads once what there is room for; sets input_due, more, eof. IO_BLOCKED when there was nothing. */
enum io conn_read(struct conn *c);
/* Reads at most n bytes more, and leaves what is behind them to TLS. */
enum io conn_read_few(struct conn *c, size_t n);
/* Sends what is pending. */
enum io conn_send(struct conn *c);
/* Reads and forgets; IO_DONE at the end of the connection. */
enum io conn_discard(struct conn *c);
void scratch_free(struct scratch *scratch);
static inline size_t input_length(const struct conn *c) { return c->in.end - c->in.start; }
size_t input_limit(const struct conn *c);

#endif
