/*
 * search_index: what the search index (imapd/index) says of the messages that a search has to decide. It never changes
 * the answer: what it does not know is read.
 */
#ifndef IMAP_SEARCH_INDEX_H
#define IMAP_SEARCH_INDEX_H

#include "imap/search.h"
#include "index/lookup.h"

struct search_indexed {
    uint32_t *uid; /* ascending */
    struct lookup_answer *answer;
    size_t count, room, at;
};

/* FROM, SUBJECT, TEXT and the like. */
bool search_is_text(const struct search_key *k);
/* Where such a key looks, and for what. */
void search_looks_at(const struct search_key *k, struct lookup_key *out);

/* Notes a message that the view could not decide. */
void search_index_want(struct search_indexed *x, uint32_t uid);
/* Asks the index about all of them, where that is worth it. Bit n - 1 of an answer is the key whose slot is n. */
void search_index_ask(struct search_indexed *x, struct session *s, const struct search_key *key);
/* NULL: nothing is known. Cheap where UIDs ascend. */
const struct lookup_answer *search_index_answer(struct search_indexed *x, uint32_t uid);
void search_index_free(struct search_indexed *x);

#endif
