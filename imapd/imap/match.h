/*
 * match: substrings without regard to case, by Unicode's rules (RFC 3501 section 6.4.4 asks for it in the charset of
 * the search, which here is UTF-8).
 */
#ifndef IMAP_MATCH_H
#define IMAP_MATCH_H

#include "base/memory.h"
#include "base/str.h"

struct needle {
    struct str folded;
    bool ascii;
};

/* UTF-8, or any bytes: what is not UTF-8 matches itself. */
struct needle match_needle(struct arena *a, struct str text);
/* scratch is for the function's use, so that many calls share it. An empty needle is in every text. */
bool match_contains(const struct needle *n, struct str text, struct buf *scratch);

#endif
