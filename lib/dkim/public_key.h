/*
 * public_key: key records (RFC 6376 section 3.6.1, RFC 8463 section 4) and the keys in them. Parsing a key costs more
 * than finding it again, so the last ones are kept by the text of their record. An entry says nothing about a name, so
 * that it can't be outdated.
 */
#ifndef DKIM_PUBLIC_KEY_H
#define DKIM_PUBLIC_KEY_H

#include "dkim/dkim.h"

#include <openssl/evp.h>

struct dkim_public_key {
    enum dkim_result refusal; /* DKIM_PASS: usable; DKIM_NONE: the record is no key record at all */
    const char *reason;       /* of a refusal */
    enum dkim_algorithm algorithm;
    EVP_PKEY *pkey; /* NULL where the key can't be read or is revoked */
    unsigned bits;
    bool testing;         /* t=y */
    bool strict_identity; /* t=s */
    unsigned users;       /* the cache's own business */
};

/* Never NULL. Give it back with dkim_public_key_put(). */
struct dkim_public_key *dkim_public_key_get(struct str record);
void dkim_public_key_put(struct dkim_public_key *key);

/* Whether b is the key's signature over the digest. */
bool dkim_public_key_verifies(const struct dkim_public_key *key, const unsigned char *digest, struct str b);

#endif
