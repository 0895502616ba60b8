/*
 * section: which bytes of a message BODY[...] means (RFC 3501 section 6.4.5), seen as the client sees the message: the
 * recipient's own header lines (the prefix), then the blob.
 */
#ifndef IMAP_SECTION_H
#define IMAP_SECTION_H

#include "imap/parse.h"
#include "mime/mime.h"

enum section_kind {
    SECTION_ALL,
    SECTION_HEADER,
    SECTION_FIELDS,     /* HEADER.FIELDS */
    SECTION_FIELDS_NOT, /* HEADER.FIELDS.NOT */
    SECTION_TEXT,
    SECTION_MIME,
};

struct section {
    enum section_kind kind;
    uint32_t *path; /* part numbers */
    size_t path_count;
    struct str *field;
    size_t field_count;
};

/* "[...]" */
bool section_parse(struct parser *p, struct section *s);
/* The same as text, for the response: "[1.HEADER.FIELDS (\"From\")]". */
void section_write(const struct section *s, struct buf *out);

struct span {
    uint64_t offset, n;
};
/* Where the section's bytes are; for SECTION_FIELDS: the header to choose from. False where there is no such part.
 * root may be NULL for BODY[], which needs no card. */
bool section_span(const struct section *s, const struct mime_part *root, uint64_t prefix_bytes, uint64_t message_bytes,
                  struct span *span);
/* The fields of a header that the section names, and the empty line. Appends. */
void section_fields(const struct section *s, struct str header, struct buf *out);

#endif
