/*
 * data: what comes between DATA and its end. Only CR LF ends a line and only CR LF . CR LF ends the data; dots that
 * were stuffed are taken off (RFC 5321 sections 2.3.8, 4.1.1.4, 4.5.2). A CR or LF that stands alone, and a NUL, are
 * noted: such a message is refused after its true end, so that no other server's idea of a line can make two messages
 * of it.
 *
 * Chunks (RFC 3030) have no dots and no end; of text the line ends are looked at in the same way.
 *
 * For clients that are known to be old, line ends can be mended instead: then a CR or LF that stands alone ends a line,
 * and what comes out has CR LF throughout. It never ends the data: that stays with CR LF . CR LF, as the client wrote
 * it.
 */
#ifndef SMTPD_DATA_H
#define SMTPD_DATA_H

#include "base/str.h"

struct data_scanner {
    unsigned char state;
    bool normalise; /* mend line ends; set at the start */
    bool bare_cr, bare_lf, nul;
    bool after_cr; /* mending: behind a CR that stood alone, directly before this line's end */
    bool odd_end;  /* mending: CR CR LF . CR LF ended the data, which other servers pass on as text */
};

#define DATA_SCANNER_START ((struct data_scanner){0})

/* Takes bytes of `in`, appends the text to out, and returns how many were taken: all, or up to the end of the data
 * (*end). */
size_t data_scan(struct data_scanner *d, struct str in, struct buf *out, bool *end);

/* Takes a chunk of text. */
void data_scan_chunk(struct data_scanner *d, struct str in, struct buf *out);
/* Behind the last chunk: a line that has no end gets one. */
void data_end_chunks(struct data_scanner *d, struct buf *out);

#endif
