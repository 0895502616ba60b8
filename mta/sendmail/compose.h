/*
 * compose: what sendmail(1) makes of the header of a message that a program hands it: the recipients that are in it
 * (-t), no Bcc, a From, and addresses without a host completed.
 */
#ifndef SENDMAIL_COMPOSE_H
#define SENDMAIL_COMPOSE_H

#include "base/memory.h"
#include "base/str.h"

struct compose {
    struct str sender;    /* reverse-path, for a From that is missing; "" : none is made */
    struct str full_name; /* "": none */
    struct str hostname;  /* that completes addresses */
    bool want_recipients; /* -t */
    /* results */
    struct str header; /* lines with LF or CR LF, without the empty line; in the arena */
    struct str *recipient;
    size_t count;
};

enum { COMPOSE_MAX_RECIPIENTS = 10000 };

/* header: the header as it came, without the empty line. Results live in the arena. */
void compose(struct compose *c, struct arena *a, struct str header);

/* Whether the line (without its end) can stand in a header, given that the lines before it did. */
bool compose_is_header_line(struct str line, bool first);

#endif
