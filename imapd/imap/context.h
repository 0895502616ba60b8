/*
 * context: searches whose result the client is kept informed of (SEARCH RETURN (UPDATE), RFC 5267 section 4.3). A
 * context has the keys as they came and the UIDs that the client knows as found; what was changed or added since the
 * last look is asked again whenever changes are announced, whoever made them.
 */
#ifndef IMAP_CONTEXT_H
#define IMAP_CONTEXT_H

#include "imap/search.h"

struct context;

/* Whether the command's tag is that of a context already. */
bool context_exists(const struct session *s);
/* From now on the client hears of changes of this result; modseq: the view's before the search. Says "* NO [NOUPDATE"
 * where that is not possible: too many, or numbers among the keys that mean other messages later. */
void context_begin(struct session *s, const struct search_request *r, const struct search_found *f, uint64_t modseq);
/* Before the expunges are told, and when everything else has been. */
void context_expunged(struct session *s, const struct view_changes *ch);
void context_changed(struct session *s);
void context_forget_all(struct session *s);

#endif
