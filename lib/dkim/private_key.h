/*
 * private_key: what signing does with a key of dkim.h.
 */
#ifndef DKIM_PRIVATE_KEY_H
#define DKIM_PRIVATE_KEY_H

#include "dkim/canonical.h"

/* Appends the signature over the digest in base64 without line ends. Safe for threads. */
bool dkim_key_sign(const struct dkim_key *key, const unsigned char digest[DKIM_DIGEST], struct buf *b64,
                   struct err *err);

#endif
