/*
 * chain: the sets of a message's ARC chain, found and put in order (RFC 8617 sections 4.1 and 4.2).
 */
#ifndef ARC_CHAIN_H
#define ARC_CHAIN_H

#include "arc/arc.h"
#include "dkim/message.h"

/* One set's fields. */
struct arc_fields {
    const struct dkim_field *results, *message, *seal; /* NULL: not there */
};

struct arc_structure {
    bool any;                                /* there are fields of ARC at all */
    unsigned highest;                        /* instance that was seen */
    bool closed;                             /* a seal of the highest instance says cv=fail */
    const char *broken;                      /* why these are no sets; NULL: they are */
    struct arc_fields set[ARC_MAX_SETS + 1]; /* by instance; 0 is not used */
};

void arc_structure_read(struct arena *a, const struct dkim_message *m, struct arc_structure *out);
/* What an ARC-Authentication-Results has behind "i=N;"; p NULL where it does not begin so. */
struct str arc_results_payload(struct str body, unsigned *instance);
/* What is left behind white space and comments (CFWS of RFC 5322 section 3.2.2). */
struct str arc_skip_cfws(struct str s);
/* A seal's cv=. False where it has none that is known. */
bool arc_status_parse(struct str text, enum arc_status *out);

#endif
