/*
 * convert: a message for servers that take less than it holds: parts with binary content for those without BINARYMIME
 * (RFC 3030 section 3), 8-bit ones for those without 8BITMIME (RFC 6152 section 3). Bodies become base64 or
 * quoted-printable, and the fields Content-Transfer-Encoding are written anew; everything else stays byte for byte.
 * 8-bit bytes in header fields stay: they need SMTPUTF8, which is a matter of its own (RFC 6531).
 */
#ifndef CONVERT_CONVERT_H
#define CONVERT_CONVERT_H

#include "base/memory.h"
#include "base/str.h"

enum convert_to {
    CONVERT_7BIT,
    CONVERT_8BIT, /* lines of text */
};

/* Appends the converted message. */
void convert_message(struct arena *a, struct str message, enum convert_to to, struct buf *out);
/* Whether a signature covers the body, which a conversion would break: a DKIM-Signature in the header, or a multipart/
 * signed (RFC 1847) in the message. */
bool convert_breaks_signature(struct arena *a, struct str message);

#endif
