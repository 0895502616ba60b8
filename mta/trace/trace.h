/*
 * trace: tells the message trace (sql/0009_message_trace.sql) what becomes of messages: a row for each recipient, or
 * for an attempt that was refused before there was one, and an event for whatever the queue does later.
 *
 * Telling copies into memory and never waits for the database. A thread writes what has gathered some times a second,
 * in a transaction that does not wait for the disk: a crash of the machine or kill -9 loses the last moment of the
 * trace, and never mail. While PostgreSQL is away rows wait, up to a bound; beyond it they are dropped, counted, and
 * the log says how many.
 *
 * Bytes from the wire may be in any string: what is no UTF-8 text is replaced, and each has a length at most.
 */
#ifndef TRACE_TRACE_H
#define TRACE_TRACE_H

#include "base/err.h"
#include "base/str.h"
#include "mta.h"

struct trace;

enum trace_outcome {
    TRACE_DELIVERED, /* into a mailbox here */
    TRACE_QUEUED,    /* waits to be sent elsewhere */
    TRACE_RELAYED,   /* another server took it */
    TRACE_DEFERRED,  /* not yet: it is tried again */
    TRACE_BOUNCED,   /* not delivered, and the sender is told by mail */
    TRACE_REFUSED,   /* not taken, and the reply said so */
    TRACE_DISCARDED, /* taken and thrown away */
    TRACE_LOST,      /* the connection ended before the message was complete */
};
const char *trace_outcome_name(enum trace_outcome o); /* as in the database: "delivered" */

/* Who hands in and what: the same for all recipients of a message. Strings are copied. */
struct trace_message {
    int64_t id;          /* of the queue, or a new one where nothing came of it (queue_new_id) */
    const char *service; /* "smtp", "submission", "lmtp", "local", "notification" */
    struct str client;   /* address; "": none */
    struct str client_name, helo, tls, login, sender, message_id;
    int64_t sender_tenant_id, sender_domain_id; /* of the account that is logged in; 0: none */
    uint64_t size;
    const char *stage; /* how far it came: "connect", "helo", "mail", "rcpt", "data", "message" */
};

/* One recipient of it. */
struct trace_recipient {
    int32_t n;            /* counts the rows of a message */
    struct str recipient; /* as it was given; "": none yet */
    struct str target;    /* where it leads; "": to itself */
    enum trace_outcome outcome;
    const char *rule; /* that decided; NULL: none of those with a name */
    struct str reply, mailbox;
    struct str notes; /* notes_json() */
};
void trace_add(struct trace *t, const struct trace_message *m, const struct trace_recipient *r);

/* What happened to a message of the queue. */
struct trace_event {
    int64_t id;
    int64_t at;         /* clock_now() */
    struct str address; /* that it was sent to */
    enum trace_outcome outcome;
    int32_t attempt;
    struct str host, tls, reply;
};
void trace_add_event(struct trace *t, const struct trace_event *e);

struct trace *trace_new(const struct mta *m);
bool trace_start(struct trace *t, struct err *err); /* false: no thread can be made */
/* Writes what has gathered, if that goes within some seconds, and ends the thread. NULL is fine. */
void trace_stop(struct trace *t);

/* Since the start. */
struct trace_counts {
    uint64_t written, dropped, waiting; /* rows and events */
};
struct trace_counts trace_count(struct trace *t);

#endif
