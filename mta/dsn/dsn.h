/*
 * dsn: delivery status notifications: the mail that tells a sender what became of a message (RFC 3464, in a
 * multipart/report, RFC 6522). A notification has the null reverse-path, and one is never written about a message that
 * has it itself. Where addresses or the message's header go beyond ASCII, it is of the kind that RFC 6533 describes.
 */
#ifndef DSN_DSN_H
#define DSN_DSN_H

#include "mta.h"
#include "route/plan.h"

enum dsn_action {
    DSN_FAILED,
    DSN_DELAYED,
    DSN_DELIVERED, /* into a mailbox here */
    DSN_RELAYED,   /* to a server that tells nothing of what follows */
    DSN_EXPANDED,  /* an alias with several targets */
};

struct dsn_recipient {
    struct str address, original; /* original "": the same */
    struct str orcpt;             /* as the sender gave it, "rfc822;local@domain"; p NULL: not */
    enum dsn_action action;
    struct str status; /* "5.1.1" (RFC 3463) */
    struct str reply;  /* what was said: by `host`, or, where that is "", by us */
    struct str host;
    int64_t last_attempt_at;
    int64_t will_retry_until; /* DSN_DELAYED */
};

struct dsn {
    struct str sender; /* whom to tell; not "" */
    const char *id;    /* of the message in the queue, for people */
    struct str envid;  /* p NULL: none */
    int64_t arrived_at;
    const struct dsn_recipient *recipient;
    size_t count;
    struct str original; /* the message itself where it is small, else its header alone */
    bool complete;       /* original is all of it */
    bool private;        /* it must not travel without TLS (RFC 8689): nothing of it is shown but its Message-ID */
};

enum {
    DSN_WHOLE_BYTES = 20 << 10,  /* a message up to this size goes back whole */
    DSN_HEADER_BYTES = 64 << 10, /* and of the header of a larger one this much */
};

/* Appends the notification as a message. `id` is its own. */
void dsn_build(const struct mta *m, const struct dsn *d, const char *id, int64_t now, struct buf *out);

/* Whether NOTIFY (RFC 3461 section 4.1; p NULL: not given, then of failure and delay only) asks for this. */
bool dsn_wanted(struct str notify, enum dsn_action action);

/* The part of a message of `size` bytes that goes back; *complete: all of it. failed: the notification tells of a
 * failure; of others only the header goes back (RFC 3461 section 4.3). */
uint64_t dsn_original_bytes(uint64_t size, struct str ret, bool failed, bool *complete);
/* Cuts what was read of the message to what may be shown: all of it, or its header. */
struct str dsn_original(struct str read, bool complete);

/* A notification ready to be stored, in the arena. */
struct dsn_mail {
    struct str message, card;
    struct plan plan; /* with prefixes */
    struct store_queued *queued;
    char id[16];
};
/* Builds the notification and finds out where it goes. False: it goes nowhere (the sender's address is no good:
 * logged), or, with *temporary, that can't be found out just now. */
bool dsn_make(const struct mta *m, struct arena *a, const struct dsn *d, struct dsn_mail *out, bool *temporary);

#endif
