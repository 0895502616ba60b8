/*
 * text: what is kept of one email in a block.
 */
#ifndef INDEX_TEXT_H
#define INDEX_TEXT_H

#include "index/block.h"

/* The email's sections, folded; they lie in *room, which is emptied first. e->known is false where a search has to read
 * the message itself: it is too long, it can't be read just now, or its header is odd. x->of has no prefix: that is the
 * message's, not the email's, and is looked at when searching. */
void index_text(struct searched *x, struct buf *room, struct block_email *e);

/* Prefixes that a search may look at apart from the rest of the header. */
bool index_plain_prefix(struct str prefix);
enum { INDEX_MAX_PREFIX = 64 << 10 };

#endif
