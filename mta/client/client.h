/*
 * client: one SMTP session with one host, for one message after the other (RFC 5321, 1870, 2920, 3030, 3207, 3461,
 * 6152, 6531, 8689, 9422). Blocking, with the time-outs of RFC 5321 section 4.5.3.2.
 */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include "base/err.h"
#include "base/memory.h"
#include "client/hosts.h"
#include "mta.h"

struct client;

/* Why there is no session, or what a recipient's outcome is. Strings in the arena. */
struct client_reply {
    int code;          /* 0: the other side did not say; 4yz, 5yz: it refuses; 2yz */
    struct str status; /* RFC 3463, always set */
    struct str text;   /* what it said, or what happened */
    bool said;         /* text is what it said */
};

/* Connects, greets, and encrypts where the server offers it: opportunistic, any certificate will do, and without
 * encryption where the handshake fails. NULL with why. */
struct client *client_open(const struct mta *m, struct arena *a, const struct host *host, struct client_reply *why);
/* Says goodbye where the connection is good, and frees. NULL is fine. */
void client_close(struct client *c);
const char *client_describe(const struct client *c); /* "mx.example.org[192.0.2.1]:25" */
const char *client_host(const struct client *c);     /* "mx.example.org" */
const char *client_tls(const struct client *c);      /* "TLSv1.3", or "" */
bool client_usable(const struct client *c);          /* for another message */
bool client_exhausted(const struct client *c);       /* it was good, and the server takes no more messages in it */

struct client_recipient {
    struct str address;
    struct str notify; /* DSN (RFC 3461), p NULL: none */
    struct str orcpt;  /* decoded, p NULL: none */
    bool settled;      /* reply is final for this attempt; else the connection broke before */
    bool unsuitable;   /* not settled: this host can't be given the message for this recipient; reply says why */
    bool passed_on;    /* delivered to a server that tells the sender itself what NOTIFY asks for */
    struct client_reply reply;
};

struct client_mail {
    struct str sender;
    uint64_t size;
    bool body_8bit, body_binary;
    bool smtputf8;         /* the header needs it; addresses speak for themselves */
    bool require_tls;      /* RFC 8689 */
    bool trusted_host;     /* the host's name is known to be the right one: DNSSEC, or set by hand */
    struct str envid, ret; /* DSN, p NULL: none */
    /* Appends bytes from offset on, n at most, to out. */
    bool (*read)(void *context, uint64_t offset, uint64_t n, struct buf *out, struct err *err);
    void *context;
};

/* Sends the message to those recipients that are not settled, and settles them, where the connection lasts. A
 * connection that breaks behind the final dot leaves them settled, to be tried again: the other side may have the
 * message.
 *
 * What the server does not offer: where the message, or a recipient, needs SMTPUTF8 or REQUIRETLS, it is unsuitable,
 * and nothing is said. Binary content is converted for a server without BINARYMIME and CHUNKING; 8-bit content for one
 * without 8BITMIME, unless that would break a signature: then it goes as it is. */
void client_send(struct client *c, struct arena *a, const struct client_mail *mail, struct client_recipient *recipient,
                 size_t count);

#endif
