/*
 * notes: decisions as they are made, each with its reason, in the form in which the message trace keeps them: elements
 * of a JSON array, [microseconds since 1970, rule, "pass" | "warn" | "refuse", reason]. Bounded in number and length;
 * no memory where there are none.
 */
#ifndef TRACE_NOTES_H
#define TRACE_NOTES_H

#include "base/str.h"

struct notes {
    struct buf text;
    unsigned count;
};

void notes_add(struct notes *n, int64_t at, const char *rule, const char *verdict, struct str reason);
/* Appends to `out`, which begins empty: "[...]" of all that is in them; nothing where there is nothing. */
void notes_join(const struct notes *n, struct buf *out);
void notes_end(struct buf *out); /* closes what notes_join began */
void notes_free(struct notes *n);

#endif
