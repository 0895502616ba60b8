/*
 * queue: mail for elsewhere. Put there by store_deliver in the commit that also delivers; claimed by a runner under a
 * lease that expires by itself. Tables queue_message and queue_recipient (sql/0004_queue.sql).
 */
#ifndef STORE_QUEUE_H
#define STORE_QUEUE_H

#include "store/store.h"

/* The next hop of an address here, of a message that is kept for a while: it is delivered from the queue. */
#define QUEUE_LOCAL "local:"

struct store_queued_recipient {
    struct str address;  /* forward-path to send to */
    struct str original; /* as the sender gave it, "" where the same */
    struct str next_hop; /* "" : the domain's MX; else "host", "[addr]" or "host:port"; or QUEUE_LOCAL */
    struct str notify;   /* DSN NOTIFY as given (RFC 3461), p NULL: none */
    struct str orcpt;    /* DSN ORCPT, decoded: "rfc822;local@domain", p NULL: none */
};

struct store_queued {
    int64_t id;                    /* queue_new_id() */
    struct str sender;             /* reverse-path; "" for notifications */
    struct str prefix;             /* header lines before the message's bytes (Received), p NULL: none */
    struct str message;            /* what goes on; p NULL: the one that mailboxes get */
    int64_t tenant_id, account_id; /* 0: none */
    struct str source;             /* client, for the operator */
    bool smtputf8;                 /* the header needs it */
    bool body_8bit, body_binary;
    bool require_tls;      /* RFC 8689 */
    bool held;             /* waits until an operator releases it */
    struct str envid, ret; /* DSN, p NULL: none; envid decoded */
    int64_t release_at;    /* not sent before (RFC 4865); 0: at once */
    int64_t expires_at;    /* give up then; 0: five days from now */
    const struct store_queued_recipient *recipient;
    size_t count;
};

/* Ids grow with time and do not collide between nodes. The text form (base 32) is what replies and logs show. */
int64_t queue_new_id(void);
void queue_id_text(int64_t id, char out[16]);
bool queue_id_parse(struct str text, int64_t *id);

struct queue_recipient {
    int64_t id;
    struct str address, original, notify, orcpt, last_reply;
    int32_t attempts;
    bool delay_notified;
};

struct queue_job { /* one message with its due recipients for one next hop */
    int64_t message_id;
    blob_id blob;
    uint64_t size;
    struct str prefix, sender, next_hop, domain; /* domain: of the addresses, where next_hop is "" */
    int64_t tenant_id, account_id;
    bool smtputf8, body_8bit, body_binary, require_tls;
    struct str envid, ret;
    int64_t received_at, expires_at;
    int64_t release_at; /* 0: it was free to go when it came */
    struct queue_recipient *recipient;
    size_t count;
};

/* Claims up to max_jobs due jobs for `owner` until now + lease_seconds. In the arena. */
enum store_status queue_claim(struct store *s, struct arena *a, const char *owner, int lease_seconds, size_t max_jobs,
                              struct queue_job **out, size_t *count, struct err *err);
/* When the next recipient is due (microseconds; INT64_MAX: the queue is empty). */
enum store_status queue_next_due(struct store *s, int64_t *at, struct err *err);
/* Lengthens the lease of a job that takes long. STORE_NOT_FOUND: it was lost to another runner, stop. */
enum store_status queue_extend(struct store *s, const struct queue_job *job, const char *owner, int lease_seconds,
                               struct err *err);
/* Reads the message (prefix, then blob), like store_read. */
enum store_status queue_read(struct store *s, const struct queue_job *job, uint64_t offset, uint64_t n, struct buf *out,
                             struct err *err);

enum queue_outcome { QUEUE_DELIVERED, QUEUE_DEFERRED, QUEUE_FAILED };
struct queue_result {
    const struct queue_recipient *recipient;
    enum queue_outcome outcome;
    int64_t next_attempt_at; /* QUEUE_DEFERRED */
    bool delay_notified;     /* a warning went out */
    struct str reply;        /* what the other side said, or why it could not be asked */
};
/* Records what happened, in one commit, together with the bounce or warning that follows from it (deliveries and queue
 * entry of a notification, as for store_deliver; message.p NULL: none). A message without recipients left is gone. */
enum store_status queue_finish(struct store *s, const struct queue_job *job, const char *owner,
                               const struct queue_result *result, size_t count, struct str notification,
                               struct str card, struct store_delivery *delivery, size_t delivery_count,
                               const struct store_queued *queued, struct err *err);

#endif
