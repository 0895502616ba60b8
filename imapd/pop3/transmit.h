/*
 * transmit: a message as POP3 sends it (RFC 1939 section 3): lines end with CR LF, a dot at a line's start is doubled;
 * and with TOP only the header and so many lines of the body. The bytes come in pieces of any size; nothing here knows
 * of connections or of the store.
 */
#ifndef POP3_TRANSMIT_H
#define POP3_TRANSMIT_H

#include "base/str.h"

struct transmission {
    bool top, in_body;
    uint64_t lines; /* of the body still to be sent, with top */
    bool line_start, after_cr;
    bool enough; /* TOP has had its lines */
};

/* lines < 0: all of it. */
struct transmission transmission_begin(int64_t lines);
/* Appends what a piece of the message looks like. False: TOP has had enough, no more of the message is needed. A CR at
 * the end of a piece is kept back until it is known whether an LF follows. */
bool transmission_add(struct transmission *t, struct str bytes, struct buf *out);
/* The end: what was kept back, a line end where the last line has none, and the line with the dot. */
void transmission_end(struct transmission *t, struct buf *out);

#endif
