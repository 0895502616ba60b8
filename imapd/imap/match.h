/*
 * match: substrings without regard to case and accents, by Unicode's rules (RFC 3501 section 6.4.4 asks for case in the
 * charset of the search, which here is UTF-8; RFC 5255 for at least i;unicode-casemap).
 *
 * Needle and text are folded alike: compatibility decomposition, full case folding ("ß" is "ss"), marks dropped,
 * composed again. The marks that go are those which sit above, below or through a letter, and the points of Hebrew and
 * Arabic; nuktas, viramas and the voicing marks of kana stay, for they make another letter.
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
/* Appends the text as needles see it. */
void match_fold(struct str text, struct buf *out);
/* scratch is for the function's use, so that many calls share it. An empty needle is in every text. */
bool match_contains(const struct needle *n, struct str text, struct buf *scratch);

#endif
