/*
 * url_data: the bytes that an IMAP URL names: a message, or a section or piece of one (imap/url.h). Reading them leaves
 * the message as it is: no \Seen.
 */
#ifndef IMAP_URL_DATA_H
#define IMAP_URL_DATA_H

#include "imap/section.h"
#include "imap/session.h"
#include "imap/url.h"

struct url_data {
    struct arena arena;
    struct store_card card;
    const struct mime_part *part; /* that it names as a whole, or the message's root; NULL: it names something else */
    bool whole;                   /* the message */
    bool chosen;                  /* header fields: the bytes are these, else `span` of the message */
    struct buf fields;
    struct span span;
};

/* Finds them in a mailbox of the account. STORE_NOT_FOUND: there is nothing that the URL would name. To be closed in
 * any case. */
enum store_status url_data_open(struct session *s, int64_t account, const struct imap_url *u, struct url_data *d,
                                struct err *err);
/* Appends [offset, offset + n) of them, which are there. */
enum store_status url_data_read(struct session *s, const struct url_data *d, uint64_t offset, uint64_t n,
                                struct buf *out, struct err *err);
/* Of n bytes the piece that the URL asks for (;PARTIAL=). */
struct span url_data_clip(const struct imap_url *u, struct span span);
void url_data_close(struct url_data *d);

#endif
