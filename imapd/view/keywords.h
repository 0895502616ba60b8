/*
 * keywords: sets of keywords (IMAP's user-defined flags), each different set kept once. A message then needs only the
 * number of its set; mailboxes of a million messages have a handful of sets.
 *
 * Not thread-safe. Sets stay where they are until keywords_free().
 */
#ifndef VIEW_KEYWORDS_H
#define VIEW_KEYWORDS_H

#include "base/memory.h"
#include "base/str.h"

struct keyword_set {
    uint32_t number;
    uint32_t count;
    struct str text; /* for a FLAGS response: "$Forwarded Junk", "" for the empty set */
    struct str name[];
};

struct keywords {
    struct keyword_set **set; /* by number; 0 is the empty set */
    uint32_t count, cap;
    uint32_t *slot; /* hash table of numbers + 1 */
    uint32_t slots;
};

enum { KEYWORDS_MAX_SETS = 1 << 24 };

void keywords_init(struct keywords *k);
void keywords_free(struct keywords *k);
/* The set of these keywords, in any order, case kept as first seen. */
const struct keyword_set *keywords_set(struct keywords *k, const struct str *name, size_t count);
bool keyword_set_has(const struct keyword_set *s, struct str name); /* without case */
/* Every keyword of any set, each once, sorted; strings live as long as k. */
size_t keywords_all(const struct keywords *k, struct arena *a, struct str **out);

#endif
