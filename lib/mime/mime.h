/*
 * mime: a message parsed once, at delivery, in one pass over its bytes, into a *card*: envelope, body structure with
 * the offset of each part, sort keys and preview. Everything the IMAP server and the webmail later show without opening
 * the message comes from the card. RFC 5322, 2045, 2046, 2047, 2183, 2231, 6532; the IMAP shapes are RFC 9051
 * section 7.5.2.
 *
 * A message/rfc822 (or message/global) part has the message inside as its only child. A multipart in which no boundary
 * was found has none; it is rendered as the text it shows to a reader, and mime_find_part agrees.
 *
 * Hostile input: work is linear in the message, and depth, parts, header fields and field sizes are bounded
 * (enum mime_limit); what lies beyond a bound is kept as opaque body of the enclosing part, never refused, never lost.
 * Line ends may be CR LF or bare LF.
 */
#ifndef MIME_MIME_H
#define MIME_MIME_H

#include "base/memory.h"
#include "base/str.h"

enum mime_limit {
    MIME_MAX_DEPTH = 64,
    MIME_MAX_PARTS = 1000,
    MIME_MAX_FIELDS = 1000,          /* header fields looked at in one header */
    MIME_MAX_ADDRESSES = 1000,       /* addresses kept of one field */
    MIME_MAX_FIELD_BYTES = 64 * 1024 /* of one field; longer ones are looked at up to here */
};

/* One address of a header field. Group syntax as IMAP shows it: {mailbox = group name, host.p = NULL} opens a group,
 * {mailbox.p = NULL, host.p = NULL} closes it. name is raw (encoded words not decoded; quoting removed). */
struct mime_address {
    struct str name;    /* p NULL: none */
    struct str route;   /* source route, obsolete; p NULL: none */
    struct str mailbox; /* local part, unquoted */
    struct str host;    /* domain; p NULL: see above */
};

struct mime_addresses {
    struct mime_address *at;
    size_t count;
};

/* Raw field bodies, unfolded; p NULL: field absent. sender and reply_to are as in the header: IMAP's default to From is
 * the renderer's. */
struct mime_envelope {
    struct str date, subject, in_reply_to, message_id;
    struct mime_addresses from, sender, reply_to, to, cc, bcc;
};

struct mime_parameter {
    struct str name;  /* lower case */
    struct str value; /* UTF-8: RFC 2231 continuations joined, encoded words in old-style names decoded */
};

struct mime_part {
    struct mime_part *parent, *child, *next; /* first child, next sibling */
    uint32_t number;                         /* 1-based among its siblings; the root is 0 */
    uint64_t header_offset, body_offset;     /* in the message's bytes */
    uint64_t header_bytes, body_bytes;       /* header with its empty line; body without the boundary's line end */
    uint64_t body_lines;                     /* line ends in the body */
    struct str type, subtype;                /* lower case; default text/plain (message/rfc822 in multipart/digest) */
    struct mime_parameter *parameter;        /* of Content-Type */
    size_t parameter_count;
    struct str encoding;                                 /* lower case; default "7bit" */
    struct str id, description, md5, language, location; /* raw; p NULL: absent */
    struct str disposition;                              /* lower case; p NULL: absent */
    struct mime_parameter *disposition_parameter;
    size_t disposition_parameter_count;
    struct mime_envelope *envelope; /* of the root and of each message/rfc822's child: of its own header; of a
                                       message/rfc822 part of a multipart: of the message in it; else NULL */
};

struct mime_card {
    struct mime_part *root;
    struct mime_envelope *envelope; /* the root's */
    uint64_t size;                  /* bytes of the message */
    int64_t sent_at;         /* Date in microseconds since 1970, INT64_MIN where there is none or it can't be read */
    struct str subject;      /* decoded to UTF-8, unfolded, at most 4096 bytes */
    struct str base_subject; /* RFC 5256 section 2.1, decoded, for sorting and threads, at most 1000 bytes */
    struct str from_name;    /* display name or address of the first From, decoded */
    struct str preview;      /* first 200 characters of readable text, UTF-8, white space folded (RFC 8970) */
    struct str references;   /* Message-IDs of References and In-Reply-To, "<a> <b>", bounded; for threads */
    uint32_t reply_ids;      /* how many of these, the last ones, are In-Reply-To's alone */
    bool has_attachment;
    bool truncated; /* a bound was hit */
};

/* Parses. Everything in the card lives in the arena (or points into `message`, which must then live as long). Never
 * fails. */
struct mime_card *mime_parse(struct arena *a, struct str message);

/* The card as bytes for the database's email.card (versioned, compact), and back. NULL where the bytes are no card of
 * ours. */
void mime_card_encode(const struct mime_card *card, struct buf *out);
struct mime_card *mime_card_decode(struct arena *a, struct str bytes); /* strings point into `bytes` */

/* IMAP renderings (RFC 9051 section 9: envelope, body; utf8: UTF8=ACCEPT in force). Append to out. */
void mime_render_envelope(const struct mime_envelope *e, bool utf8, struct buf *out);
void mime_render_body(const struct mime_part *root, bool extensible, struct buf *out); /* BODY / BODYSTRUCTURE */
/* IMAP string: quoted, literal or (for p NULL) NIL, whichever is right for the bytes. */
void mime_render_nstring(struct str s, struct buf *out);
/* The part that a section path (1-based numbers) names as IMAP counts them, or NULL. A count of 0 is the root. */
const struct mime_part *mime_find_part(const struct mime_part *root, const uint32_t *path, size_t count);

/* Appends the section path ("1.2") that names a part so, with dots; nothing for a multipart that is the root. The
 * multipart of a message inside has the path of that message. */
void mime_part_section(const struct mime_part *part, struct buf *out);

/* ---- header fields of a header block (ends at the empty line or the end) ---- */
struct mime_field {
    struct str name; /* as written */
    struct str body; /* behind the colon, folded as written, without the last line end */
    struct str raw;  /* the whole field with its line end(s) */
};
/* Takes the next field from *header and moves on; false at the end of the header. Lines that are no field are passed
 * over. */
bool mime_next_field(struct str *header, struct mime_field *field);
/* The body of the first field of this name, unfolded, trimmed, in the arena; p NULL where there is none. */
struct str mime_header_get(struct arena *a, struct str header, struct str name);
/* Length of the header block with its empty line, in bytes: of the message's own header, as in its root part. 0 where
 * the message begins with a line that is no field. Lines that are no field but stand between fields are part of the
 * header; behind the last field they begin the body (the empty line was forgotten). */
size_t mime_header_length(struct str message);

/* Whether a decoded subject says that it answers or forwards ("Re:", "Fwd:", "(fwd)", ...; RFC 5256 section 2.1). */
bool mime_is_reply(struct arena *a, struct str subject);

/* ---- decoding ---- */
/* RFC 2047 encoded words, unfolded, to valid UTF-8 on one line; raw 8-bit is taken as UTF-8 or, failing that,
 * windows-1252. */
struct str mime_decode_words(struct arena *a, struct str raw);
/* Body bytes of a transfer encoding ("base64", "quoted-printable", else as they are). Lenient; appends. */
void mime_decode_transfer(struct str encoding, struct str body, struct buf *out);

/* The same in pieces, for bodies of any size. */
struct mime_decoder {
    enum { MIME_IDENTITY, MIME_BASE64, MIME_QUOTED_PRINTABLE } kind;
    uint32_t bits;
    unsigned have;
    bool ended;
    struct buf line;
};
/* False: the encoding is none of RFC 2045's, and the bytes stay as they are. */
bool mime_decoder_init(struct mime_decoder *d, struct str encoding);
void mime_decoder_add(struct mime_decoder *d, struct str piece, struct buf *out); /* appends what is certain by now */
void mime_decoder_end(struct mime_decoder *d, struct buf *out);                   /* the rest; frees */

/* Text in a charset to valid UTF-8 (unknown charset or bad bytes: U+FFFD or windows-1252; never fails). Appends. */
void mime_decode_charset(struct str charset, struct str text, struct buf *out);
/* Addresses of a header field's body. */
struct mime_addresses mime_parse_addresses(struct arena *a, struct str body);
/* Date (RFC 5322 section 3.3 and the obsolete forms) to microseconds since 1970; INT64_MIN where it can't be read. */
int64_t mime_parse_date(struct str body);
struct str mime_parameter_get(const struct mime_parameter *p, size_t count, struct str name); /* p NULL: absent */
/* Parameters as a BODYSTRUCTURE lists them (RFC 2231 pieces still apart) joined and decoded; *count goes in and out. */
struct mime_parameter *mime_join_parameters(struct arena *a, const struct mime_parameter *raw, size_t *count);
/* The file name for an attachment: Content-Disposition's filename, else Content-Type's name; p NULL: none. */
struct str mime_part_filename(const struct mime_part *part);

/* ---- building ---- */
/* A header field's value, as encoded words where it is not ASCII, folded to lines of 76 columns. Line ends and other
 * control characters in it do not get through. */
void mime_encode_words(struct str utf8, struct buf *out);
/* A display name before "<address>": as it is, quoted, or as encoded words. */
void mime_encode_phrase(struct str utf8, struct buf *out);
/* Appends ";<CR><LF> name=value" to a Content-Type or Content-Disposition, in RFC 2231's form where the value needs it.
 */
void mime_encode_parameter(struct str name, struct str utf8, struct buf *out);
void mime_encode_base64(struct str body, struct buf *out); /* 76-character lines, CR LF */
void mime_encode_quoted_printable(struct str text, struct buf *out);

#endif
