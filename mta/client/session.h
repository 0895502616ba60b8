/*
 * session: what client.c (the session's start and end) and send.c (a message) share.
 */
#ifndef CLIENT_SESSION_H
#define CLIENT_SESSION_H

#include "client/client.h"
#include "client/reply.h"
#include "net/stream.h"

#include <netinet/in.h>

enum client_extension {
    CLIENT_PIPELINING = 1,
    CLIENT_8BITMIME = 2,
    CLIENT_SIZE = 4,
    CLIENT_STARTTLS = 8,
    CLIENT_CHUNKING = 16,
    CLIENT_BINARYMIME = 32,
    CLIENT_SMTPUTF8 = 64,
    CLIENT_DSN = 128,
    CLIENT_REQUIRETLS = 256,
};

/* What a server says of its limits (RFC 9422); 0: nothing. */
struct client_limits {
    uint32_t mails;   /* MAILMAX: transactions of a session */
    uint32_t rcpts;   /* RCPTMAX: recipients of a transaction */
    uint32_t domains; /* RCPTDOMAINMAX: their domains */
};

struct client {
    const struct mta *mta;
    struct stream *stream;
    char *host, *description;
    unsigned extensions;
    uint64_t max_size; /* of SIZE; 0: not said */
    struct client_limits limits;
    uint32_t mails; /* transactions so far */
    bool usable;    /* in step with the server */
    bool dirty;     /* a transaction was left open: RSET first */
    struct smtp_reply reply;
    struct buf out;
};

/* Sends one command and reads its reply into c->reply. */
bool client_command(struct client *c, const char *command, int timeout_ms, struct err *err);
/* c->reply, for a result. */
struct client_reply client_said(struct client *c, struct arena *a);

#endif
