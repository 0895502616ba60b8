/*
 * downgrade: a header in ASCII for clients that did not say UTF8 (RFC 6856 section 2.1, RFC 6858): names and texts
 * become encoded words, addresses that have no ASCII form are replaced by one that leads nowhere, parameters of MIME
 * fields become those of RFC 2231. The message itself stays as it is.
 */
#ifndef POP3_DOWNGRADE_H
#define POP3_DOWNGRADE_H

#include "base/str.h"

/* Appends the header (with its empty line, where it has one). False, and nothing is appended, where there is nothing to
 * do: the header is ASCII, or it is no UTF-8, which nobody could say the meaning of. */
bool downgrade_header(struct str header, struct buf *out);

#endif
