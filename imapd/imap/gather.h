/*
 * gather: what SORT and THREAD read of the messages that were found, in batches.
 */
#ifndef IMAP_GATHER_H
#define IMAP_GATHER_H

#include "imap/search.h"
#include "mime/mime.h"

struct gather {
    bool cards; /* each() wants the card; else it gets NULL */
    /* One message, still there; index counts those. scratch lives for this call. */
    void (*each)(void *context, size_t index, const struct view_message *m, const struct mime_card *card,
                 struct arena *scratch);
    void *context;
};

/* Calls each() for the messages found, ascending. Those that went meanwhile go from *f. */
enum store_status gather_found(struct session *s, struct search_found *f, const struct gather *g, struct err *err);
/* The sent date for comparing (RFC 5256 section 2.2): where it can't be read, the internal date. */
int64_t gather_date(const struct view_message *m, const struct mime_card *card);

#endif
