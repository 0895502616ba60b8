#include "dkim/public_key.h"

#include "base/codec.h"
#include "dkim/canonical.h"
#include "dkim/tags.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdlib.h>

/* ---- the record ---- */

static void refuse(struct dkim_public_key *k, enum dkim_result result, const char *reason) {
    k->refusal = result;
    k->reason = reason;
}

/* SubjectPublicKeyInfo, as everybody publishes it, or the bare RSAPublicKey that section 3.6.1 speaks of. */
static EVP_PKEY *read_rsa(struct str der) {
    const unsigned char *p = (const unsigned char *)der.p;
    EVP_PKEY *pkey = d2i_PUBKEY(NULL, &p, (long)der.n);
    if (!pkey) {
        p = (const unsigned char *)der.p;
        pkey = d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, (long)der.n);
    }
    bool whole = pkey && p == (const unsigned char *)der.p + der.n && EVP_PKEY_get_base_id(pkey) == EVP_PKEY_RSA;
    if (!whole) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
    ERR_clear_error();
    return pkey;
}

static EVP_PKEY *read_ed25519(struct str raw) {
    EVP_PKEY *pkey =
        raw.n == 32 ? EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)raw.p, raw.n) : NULL;
    ERR_clear_error();
    return pkey;
}

static void read_key(struct arena *a, struct dkim_public_key *k, struct str p) {
    struct str bytes;
    if (p.n == 0)
        return refuse(k, DKIM_PERMERROR, "the key is revoked");
    if (!dkim_tag_base64(a, p, &bytes))
        return refuse(k, DKIM_PERMERROR, "the key record's p= is not base64");
    k->pkey = k->algorithm == DKIM_RSA_SHA256 ? read_rsa(bytes) : read_ed25519(bytes);
    if (!k->pkey)
        return refuse(k, DKIM_PERMERROR, "the key record's p= is not a key of its type");
    k->bits = k->algorithm == DKIM_RSA_SHA256 ? (unsigned)EVP_PKEY_get_bits(k->pkey) : 256;
    if (k->bits < DKIM_MIN_RSA_BITS && k->algorithm == DKIM_RSA_SHA256)
        refuse(k, DKIM_POLICY, "the RSA key has fewer than 1024 bits");
    else if (k->bits > DKIM_MAX_RSA_BITS)
        refuse(k, DKIM_NEUTRAL, "the RSA key has more than 8192 bits");
}

static bool has_default(struct str value, const char *word) {
    return value.p == NULL || dkim_tag_has_word(value, word);
}

/* v= comes first where it is there at all, and then must be this version. */
static bool is_key_record(const struct dkim_tags *tags) {
    const struct dkim_tag *v = dkim_tag_find(tags, "v");
    return dkim_tag_find(tags, "p") && (!v || (v == tags->tag && str_eq(v->value, STR("DKIM1"))));
}

static void read_record(struct arena *a, struct str record, struct dkim_public_key *k) {
    struct dkim_tags tags;
    const char *problem;
    if (!dkim_tags_parse(a, record, &tags, &problem) || !is_key_record(&tags))
        return refuse(k, DKIM_NONE, "the record is not a key record");
    struct str type = dkim_tag_value(&tags, "k"), service = dkim_tag_value(&tags, "s"),
               flags = dkim_tag_value(&tags, "t");
    k->testing = dkim_tag_has_word(flags, "y");
    k->strict_identity = dkim_tag_has_word(flags, "s");
    k->refusal = DKIM_PASS;
    if (type.p == NULL || str_ieq(type, STR("rsa")))
        k->algorithm = DKIM_RSA_SHA256;
    else if (str_ieq(type, STR("ed25519")))
        k->algorithm = DKIM_ED25519_SHA256;
    else
        return refuse(k, DKIM_NEUTRAL, "the key is of a type that is not known");
    if (!has_default(dkim_tag_value(&tags, "h"), "sha256"))
        return refuse(k, DKIM_PERMERROR, "the key is not for SHA-256");
    if (!has_default(service, "email") && !dkim_tag_has_word(service, "*"))
        return refuse(k, DKIM_PERMERROR, "the key is not for mail");
    read_key(a, k, dkim_tag_value(&tags, "p"));
}

static struct dkim_public_key *parse(struct str record) {
    struct arena a = ARENA_EMPTY;
    struct dkim_public_key *k = mem_zero(sizeof *k);
    read_record(&a, record, k);
    k->users = 1;
    arena_free(&a);
    return k;
}

/* ---- the cache ---- */

enum { SLOTS = 1024, MAX_KEPT_RECORD = 2048 };

static struct slot {
    struct str record; /* p NULL: free */
    struct dkim_public_key *key;
} slot[SLOTS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct slot *slot_of(struct str record) { return &slot[crc32c(0, record.p, record.n) % SLOTS]; }

static struct dkim_public_key *find(struct str record) {
    struct slot *s = slot_of(record);
    struct dkim_public_key *k = NULL;
    pthread_mutex_lock(&lock);
    if (s->record.p && str_eq(s->record, record)) {
        k = s->key;
        k->users++;
    }
    pthread_mutex_unlock(&lock);
    return k;
}

void dkim_public_key_put(struct dkim_public_key *key) {
    pthread_mutex_lock(&lock);
    bool last = --key->users == 0;
    pthread_mutex_unlock(&lock);
    if (last) {
        EVP_PKEY_free(key->pkey);
        free(key);
    }
}

/* Whatever was in the slot goes. */
static void keep(struct str record, struct dkim_public_key *key) {
    struct slot *s = slot_of(record);
    struct slot fresh = {str_n(str_dup(record), record.n), key}, old;
    pthread_mutex_lock(&lock);
    old = *s;
    *s = fresh;
    key->users++;
    pthread_mutex_unlock(&lock);
    free((char *)old.record.p);
    if (old.key)
        dkim_public_key_put(old.key);
}

struct dkim_public_key *dkim_public_key_get(struct str record) {
    struct dkim_public_key *k = record.n <= MAX_KEPT_RECORD ? find(record) : NULL;
    if (k)
        return k;
    k = parse(record);
    if (record.n <= MAX_KEPT_RECORD)
        keep(record, k);
    return k;
}

/* ---- verifying ---- */

static bool rsa_verifies(EVP_PKEY *pkey, const unsigned char *digest, struct str b) {
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
    bool ok = ctx && EVP_PKEY_verify_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
              EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
              EVP_PKEY_verify(ctx, (const unsigned char *)b.p, b.n, digest, DKIM_DIGEST) == 1;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

/* PureEdDSA over the digest (RFC 8463 section 3). */
static bool ed25519_verifies(EVP_PKEY *pkey, const unsigned char *digest, struct str b) {
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
              EVP_DigestVerify(ctx, (const unsigned char *)b.p, b.n, digest, DKIM_DIGEST) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

bool dkim_public_key_verifies(const struct dkim_public_key *key, const unsigned char *digest, struct str b) {
    bool ok =
        key->algorithm == DKIM_RSA_SHA256 ? rsa_verifies(key->pkey, digest, b) : ed25519_verifies(key->pkey, digest, b);
    ERR_clear_error();
    return ok;
}
