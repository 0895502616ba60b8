/*
 * verify: what verifying the signatures of one message shares: the split message, body hashes, keys that were asked
 * for.
 */
#ifndef DKIM_VERIFY_H
#define DKIM_VERIFY_H

#include "dkim/canonical.h"
#include "dkim/signature.h"

struct dkim_records; /* what a look-up found */

struct dkim_verifier {
    struct dns *dns;
    struct arena *a;
    const struct dkim_options *options;
    int64_t now, deadline; /* wall clock; monotonic */
    struct dkim_message message;
    EVP_MD_CTX *hash;
    struct buf scratch;
    struct dkim_body_hash *body; /* those computed so far */
    size_t bodies;
    struct dkim_records *records; /* newest first */
};

/* options may be NULL. */
void dkim_verifier_begin(struct dkim_verifier *v, struct dns *dns, struct arena *a, struct str message,
                         const struct dkim_options *options);
void dkim_verifier_end(struct dkim_verifier *v);

/* Says that this signature's key will be needed: the keys wanted are asked for together, once one is. */
void dkim_verifier_want(struct dkim_verifier *v, const struct dkim_signature *s);
/* Judges a signature over header and body that dkim_signature_read() had nothing against. */
void dkim_verify_message(struct dkim_verifier *v, struct dkim_signature *s, const struct dkim_parsed *p);
/* Judges one over bytes with this digest. */
void dkim_verify_digest(struct dkim_verifier *v, struct dkim_signature *s, const struct dkim_parsed *p,
                        const unsigned char digest[DKIM_DIGEST]);

#endif
