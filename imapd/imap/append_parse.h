/*
 * append_parse: the arguments of APPEND and REPLACE, which come in pieces: each ends with the announcement of a literal
 * that holds bytes of a message, or with the end of the command. RFC 3501 section 6.3.11, RFC 3502 (several messages),
 * RFC 3516 (literal8), RFC 4469 (CATENATE), RFC 6855 section 4 (UTF8), RFC 8508 (REPLACE).
 */
#ifndef IMAP_APPEND_PARSE_H
#define IMAP_APPEND_PARSE_H

#include "imap/parse.h"

enum { APPEND_MAX_PARTS = 1000 }; /* of one CATENATE */

/* What has been read so far, from one piece to the next. Begins as zeros. */
struct append_syntax {
    bool single;      /* one message and no more */
    bool any;         /* there was a message */
    bool catenate;    /* within the parentheses of CATENATE */
    unsigned parts;   /* read of it */
    bool parenthesis; /* behind the literal the parenthesis of UTF8 is closed */
    bool open;        /* a message has begun and not ended */
};

enum append_step_kind {
    APPEND_MESSAGE, /* one begins */
    APPEND_URL,     /* and goes on with what this names */
    APPEND_CLOSE,   /* it is complete */
};

struct append_step {
    enum append_step_kind kind;
    struct flags flags; /* of APPEND_MESSAGE */
    int64_t date;       /* the same; 0: now */
    struct str url;
};

enum append_stop {
    APPEND_BAD,     /* the parser's error says why */
    APPEND_MORE,    /* a string's literal is announced and not there: again with it */
    APPEND_LITERAL, /* bytes of the message that is open are announced; *binary: NUL may be among them */
    APPEND_END,     /* the command is complete */
};

/* Reads a piece from where the parser stands: behind the mailbox's name, or at the start of what follows a literal. The
 * steps are in the parser's arena, their URLs views of the piece. With APPEND_BAD and APPEND_MORE nothing is changed.
 */
enum append_stop append_parse(struct parser *p, struct append_syntax *syntax, struct append_step **step, size_t *count,
                              bool *binary);

#endif
