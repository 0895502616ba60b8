/*
 * talk: sendmail(1)'s and mailq(1)'s conversation with mansio-mta over its pickup socket.
 */
#ifndef SENDMAIL_TALK_H
#define SENDMAIL_TALK_H

#include "base/err.h"
#include "client/reply.h"

struct talk {
    struct stream *stream;
    struct smtp_reply reply;
    struct buf out;
    char hostname[256]; /* of the server, from its greeting */
};

/* Connects and greets. False with err: the daemon is away, or does not want to. */
bool talk_open(struct talk *t, const char *path, struct err *err);
/* Sends a line and reads the reply into t->reply. False with err: the connection broke. */
bool talk_say(struct talk *t, struct err *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void talk_close(struct talk *t);

/* Prints the queue. Returns an exit status. */
int mailq_print(struct talk *t);
/* Copies between standard input and output and the socket, until either ends. Returns an exit status. */
int talk_through(const char *path);

#endif
