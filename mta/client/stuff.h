/*
 * stuff: a message's bytes as DATA sends them (RFC 5321 section 4.5.2): a dot before each line that begins with one,
 * and the end. Whatever the bytes, each line ends with CR LF: a CR or LF that stands alone becomes a line end of its
 * own, so that nothing in a message of ours can be taken for an end of data by anybody.
 */
#ifndef CLIENT_STUFF_H
#define CLIENT_STUFF_H

#include "base/str.h"

struct stuffer {
    bool in_line; /* behind something on its line */
    bool cr;      /* behind a CR that is not in the output yet */
};

#define STUFFER_START ((struct stuffer){0})

void stuff(struct stuffer *s, struct str in, struct buf *out);
/* Ends the last line where that is not done, and the data: "." CR LF. */
void stuff_end(struct stuffer *s, struct buf *out);

#endif
