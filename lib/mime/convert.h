/*
 * convert: a message for those who take less than it holds: parts with binary content for servers without BINARYMIME
 * (RFC 3030 section 3), 8-bit ones for those without 8BITMIME (RFC 6152 section 3), NUL bytes for IMAP's clients, which
 * get them encoded wherever they did not ask for binary (RFC 9051 section 4.3.1). Bodies become base64 or
 * quoted-printable, and the fields Content-Transfer-Encoding are written anew; everything else stays byte for byte.
 * 8-bit bytes in header fields stay: they need SMTPUTF8, which is a matter of its own (RFC 6531).
 */
#ifndef MIME_CONVERT_H
#define MIME_CONVERT_H

#include "base/memory.h"
#include "base/str.h"

enum convert_to {
    CONVERT_7BIT,
    CONVERT_8BIT,   /* lines of text */
    CONVERT_NO_NUL, /* anything else may be in a body */
};

/* Appends the converted message. */
void convert_message(struct arena *a, struct str message, enum convert_to to, struct buf *out);
/* The same, handed on in pieces as it is made, for messages of any size; false where `take` said so. */
typedef bool convert_take(void *context, struct str piece);
bool convert_pieces(struct arena *a, struct str message, enum convert_to to, convert_take *take, void *context);
/* Whether a signature covers the body, which a conversion would break: a DKIM-Signature in the header, or a multipart/
 * signed (RFC 1847) in the message. */
bool convert_breaks_signature(struct arena *a, struct str message);

#endif
