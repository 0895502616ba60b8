/*
 * What the files of lib/mime share among themselves; nothing outside this folder includes it.
 */
#ifndef MIME_INTERNAL_H
#define MIME_INTERNAL_H

#include "mime/mime.h"

#define MIME_NO_STR ((struct str){NULL, 0})

enum {
    MIME_MAX_PARAMETERS = 100,               /* of one field, continuations counted one by one */
    MIME_MAX_REFERENCES = 50,                /* Message-IDs kept for threads */
    MIME_MAX_CARD_ADDRESSES = 5000,          /* of all the messages inside one message */
    MIME_MAX_CARD_FIELD_BYTES = 1024 * 1024, /* of the fields that the card is made from, in all headers of a message */
    MIME_SUBJECT_BYTES = 4096,               /* of the card's decoded subject and names */
    MIME_BASE_SUBJECT_BYTES = 1000,          /* fits an index entry of the database */
    MIME_PREVIEW_CHARACTERS = 200
};

/* ---- text.c: characters ---- */
/* Length of the UTF-8 sequence at p (1 to 4), or 0 where there is none within n bytes (n > 0). */
size_t mime_utf8_sequence(const char *p, size_t n);
/* Index of the first byte that is not 7-bit, or n. */
size_t mime_ascii_run(const char *p, size_t n);
void mime_add_utf8(struct buf *out, uint32_t codepoint);
/* Appends text (valid UTF-8) as one line: folds undone, CR, LF and TAB a space, other control characters left out. */
void mime_add_line(struct buf *out, struct str text);
/* s as a quoted string: quotes and backslashes escaped; s holds no line end. */
void mime_add_quoted(struct str s, struct buf *out);
/* s cut to at most n bytes, at a character. */
struct str mime_utf8_cut(struct str s, size_t n);
static inline bool mime_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
int mime_hex(char c); /* value of a hexadecimal digit, or -1 */

/* ---- header.c ---- */
/* body trimmed and without its folds, a bare CR become a blank; a view of body where there was nothing to undo. */
struct str mime_unfold(struct arena *a, struct str body);
/* The line at `at` up to its line end; *next is behind that. */
struct str mime_line(struct str s, size_t at, size_t *next);
/*
 * Where a header ends: at its empty line. Lines that are no field are borne between fields, for they are mostly pieces
 * of fields that some program broke without indenting; behind the last field they begin the body, whose empty line was
 * lost.
 */
enum mime_header_line {
    HEADER_EMPTY,
    HEADER_FIELD,  /* or the "From " line of an mbox where it comes first */
    HEADER_FOLDED, /* the continuation of the line before */
    HEADER_FOREIGN
};
enum mime_header_line mime_header_line(struct str line, bool first);

/* ---- parameter.c ---- */
/* Index behind white space and comments from `at` on (RFC 5322 CFWS; comments nest). */
size_t mime_skip_cfws(struct str s, size_t at);
/* The token at the start of *s, in lower case, ended by white space, a comment or one of "/;=,"; *s is moved behind it.
 */
struct str mime_token(struct arena *a, struct str *s);
/* Reads ";name=value;..." (RFC 2045 section 5.1, RFC 2231). */
struct mime_parameter *mime_parse_parameters(struct arena *a, struct str s, size_t *count);
/* s with what RFC 2231 section 7 does not allow as %XX. */
void mime_add_percent(struct str s, struct buf *out);

/* ---- transfer.c ---- */
void mime_decode_base64(struct str body, struct buf *out);
void mime_decode_q(struct str text, struct buf *out); /* RFC 2047 section 4.2 */

/* ---- content.c: one header's fields into a part and an envelope ---- */
struct mime_header {
    struct mime_part *part;
    struct mime_envelope *envelope; /* NULL: the header is not a message's */
    struct str references;          /* References, unfolded */
    size_t addresses_left;          /* of MIME_MAX_CARD_ADDRESSES; counted down */
    size_t bytes_left;              /* of MIME_MAX_CARD_FIELD_BYTES; counted down; then fields are passed over */
    bool truncated;                 /* set where a bound was hit */
};
void mime_read_header(struct arena *a, struct str header, struct mime_header *h);

/* ---- address.c ---- */
/* Appends the addresses of a field's body until the list has `max`; false where there were more. */
bool mime_add_addresses(struct arena *a, struct mime_addresses *list, struct str body, size_t max);

/* ---- the card's derived strings ---- */
struct str mime_base_subject(struct arena *a, struct str subject);                          /* base_subject.c */
struct str mime_preview(struct arena *a, const struct mime_part *root, struct str message); /* preview.c */
/* references.c; *reply_ids: how many of the last ones are in_reply_to's alone */
struct str mime_message_ids(struct arena *a, struct str references, struct str in_reply_to, uint32_t *reply_ids);

static inline bool mime_is(const struct mime_part *p, struct str type) { return str_eq(p->type, type); }
/* A message/rfc822 or message/global (RFC 6532 section 3.7). */
bool mime_is_message(const struct mime_part *p);
/* The outermost part of the message or of a message inside: its header is that message's. */
static inline bool mime_is_message_root(const struct mime_part *p) { return !p->parent || mime_is_message(p->parent); }
/* The next part in the order of the message, or NULL. */
const struct mime_part *mime_following(const struct mime_part *part);
static inline bool mime_is_multipart(const struct mime_part *p) { return mime_is(p, STR("multipart")); }

#endif
