/*
 * fuzzy: inexact matching (RFC 6203). A text matches where each word that was asked for is in it, in any order: as it
 * is, as part of a word, in another form (a few letters more or less at the end), or with a letter or two wrong. Texts
 * and words are folded (imap/match.h).
 */
#ifndef IMAP_FUZZY_H
#define IMAP_FUZZY_H

#include "base/memory.h"
#include "base/str.h"

enum { FUZZY_MAX_WORDS = 16, FUZZY_MAX_WORD = 64 };

struct fuzzy; /* what is asked for */

/* What was found so far. Zeroed at the beginning of each message. */
struct fuzzy_found {
    uint8_t word[FUZZY_MAX_WORDS]; /* how good the best so far is, in percent */
    bool phrase;                   /* all of it, as it was asked for */
};

/* In the arena. NULL where there is no word in the folded text: then it is no matter for inexact matching. */
const struct fuzzy *fuzzy_make(struct arena *a, struct str folded);
/* Looks at one more folded text of the message. True: it can't get better. */
bool fuzzy_look(const struct fuzzy *f, struct str text, struct fuzzy_found *found);
/* 1 to 100; 0: it does not match. */
unsigned fuzzy_score(const struct fuzzy *f, const struct fuzzy_found *found);

#endif
