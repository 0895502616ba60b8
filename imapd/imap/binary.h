/*
 * binary: BINARY[...] (RFC 3516, RFC 9051 section 6.4.5): a part's content with its transfer encoding undone.
 */
#ifndef IMAP_BINARY_H
#define IMAP_BINARY_H

#include "imap/section.h"
#include "imap/session.h"
#include "imap/spool.h"

struct binary {
    struct spool bytes; /* the content, where it had to be decoded */
    bool decoded;       /* else it is `raw` of the message, as it stands there */
    struct span raw;
    uint64_t n;   /* of the content */
    bool nul;     /* there is a NUL in it: the client gets a literal8 */
    bool unknown; /* the encoding is none that we know (UNKNOWN-CTE) */
};

enum binary_want { BINARY_SIZE, BINARY_CONTENT };

/* Decodes. part NULL: the whole message, as it is. b is to be freed by binary_free() in any case. */
enum store_status binary_decode(struct session *s, const struct store_card *card, const struct mime_part *part,
                                enum binary_want want, struct binary *b, struct err *err);
/* Appends [offset, offset + n) of the content. */
enum store_status binary_read(struct session *s, const struct store_card *card, struct binary *b, uint64_t offset,
                              uint64_t n, struct buf *out, struct err *err);
void binary_free(struct binary *b);

#endif
