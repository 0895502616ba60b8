/*
 * canonical: header fields and body in the form that is signed (RFC 6376 section 3.4), and their SHA-256.
 */
#ifndef DKIM_CANONICAL_H
#define DKIM_CANONICAL_H

#include "dkim/dkim.h"
#include "dkim/message.h"

#include <openssl/evp.h>

enum { DKIM_DIGEST = 32 };

/* Appends a header field with its line end. */
void dkim_canonical_field(enum dkim_canonicalization c, struct str raw, struct buf *out);
/* Appends the field of a signature as it is signed itself: without the value of its b=, which is at [from, to) of the
 * field's body, and without its last line end (section 3.7). */
void dkim_canonical_signature(enum dkim_canonicalization c, const struct dkim_field *f, size_t from, size_t to,
                              struct buf *out);

/* Appends in canonical form the fields of m that the list names (h=). The signature that is verified is not among them
 * (section 3.7): `except`, or NULL. */
void dkim_gather(struct arena *a, const struct dkim_message *m, struct str names, const struct dkim_field *except,
                 enum dkim_canonicalization c, struct buf *out);

/* SHA-256, ready to be started again and again. */
EVP_MD_CTX *dkim_hash_new(void);
void dkim_hash_free(EVP_MD_CTX *hash);
void dkim_hash(EVP_MD_CTX *hash, struct str bytes, unsigned char digest[DKIM_DIGEST]); /* all at once */
void dkim_hash_start(EVP_MD_CTX *hash);
void dkim_hash_add(EVP_MD_CTX *hash, struct str bytes);
/* The digest as if `last` came behind all that was added; more may be added to `hash` then. Uses `spare`. */
void dkim_hash_peek(const EVP_MD_CTX *hash, EVP_MD_CTX *spare, struct str last, unsigned char digest[DKIM_DIGEST]);

struct dkim_body_hash {
    enum dkim_canonicalization canonicalization;
    uint64_t limit;  /* bytes of the canonical form that are hashed (l=); UINT64_MAX: all */
    uint64_t length; /* out: bytes of the canonical form */
    unsigned char digest[DKIM_DIGEST];
};
/* Reads the body once and copies nothing of it. */
void dkim_hash_body(EVP_MD_CTX *hash, struct str body, struct dkim_body_hash *h);

#endif
