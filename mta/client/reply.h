/*
 * reply: what an SMTP server answers (RFC 5321 section 4.2, RFC 2034).
 */
#ifndef CLIENT_REPLY_H
#define CLIENT_REPLY_H

#include "base/err.h"
#include "base/str.h"

struct stream;

enum { REPLY_MAX_LINE = 4096, REPLY_MAX_LINES = 200 };

struct smtp_reply {
    int code;         /* 220 ... 599 */
    char status[16];  /* "5.1.1", "" where there is none */
    struct buf text;  /* the lines, without code and status, with LF between them */
    struct buf whole; /* the lines as they came, with blanks between them, for people */
};

void reply_free(struct smtp_reply *r);
/* One line into the reply (the code must be the same on all). *last: it ends the reply. False: that is no reply. */
bool reply_line(struct smtp_reply *r, struct str line, bool *last);
/* Empties r and reads a reply. False with err: the connection is of no use any more. */
bool reply_read(struct stream *s, struct smtp_reply *r, int timeout_ms, struct err *err);

#endif
