/*
 * utf7: modified UTF-7, in which IMAP4rev1 writes mailbox names (RFC 3501 section 5.1.3).
 */
#ifndef MIME_UTF7_H
#define MIME_UTF7_H

#include "base/str.h"

/* Appends the name in UTF-8. Strict, so that each name has one form: false (out as before) for bytes outside printable
 * ASCII, encoded characters that stand for themselves, control characters, and broken base64 or surrogates. */
bool utf7_decode(struct str wire, struct buf *out);
/* Appends valid UTF-8 in modified UTF-7. */
void utf7_encode(struct str utf8, struct buf *out);

#endif
