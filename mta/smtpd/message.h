/*
 * message: the bytes of a message while it comes in. Small ones stay in memory, in a buffer lent from a pool; what
 * grows over MESSAGE_IN_MEMORY goes on in an unlinked file in the spool folder, so that a message costs memory by its
 * header, not by its size. In front there is room for the header lines that we add, so that the whole is one run of
 * bytes at the end.
 */
#ifndef SMTPD_MESSAGE_H
#define SMTPD_MESSAGE_H

#include "base/err.h"
#include "base/str.h"
#include "edit/edit.h"

#include <stdint.h>

enum {
    MESSAGE_FRONT = 8192,        /* room for header lines before the text */
    MESSAGE_IN_MEMORY = 1 << 20, /* bytes after which the message goes to a file */
};

struct message {
    struct buf bytes; /* MESSAGE_FRONT bytes of room, then the text; with a file: what was not written yet */
    uint64_t size;    /* of the text */
    int fd;           /* of the spool file, or -1 */
    void *map;        /* of the whole spool file, or NULL */
    size_t map_bytes;
    char *start; /* of the finished message, with `room` bytes free before it */
    size_t room;
    size_t finished; /* its bytes */
    struct buf copy; /* where it did not fit: the finished message, moved */
    bool over_limit; /* the rest was thrown away */
    bool failed;     /* the disk: the rest was thrown away; err says why */
    struct err err;
};

/* Makes an empty message ready; message_end() gives everything back. */
void message_begin(struct message *m);
void message_end(struct message *m);
/* After text was appended to m->bytes: counts it, and moves it to the spool folder or throws it away where it has to
 * be. `before` is m->bytes.n before it was appended. */
void message_appended(struct message *m, size_t before, uint64_t limit, const char *spool);
/* The text complete, with the changes of `edit`, as one run of bytes with `front` before it. Until message_end, or
 * message_prepend. What edit has of the message is good no more. False with err where the disk does not do. */
bool message_finish(struct message *m, struct str front, struct edit *edit, struct str *whole, struct err *err);
/* After message_finish: puts more before it. */
void message_prepend(struct message *m, struct str more, struct str *whole);
/* The text without anything in front; call after everything has come in, before message_finish. */
bool message_text(struct message *m, struct str *text, struct err *err);

#endif
