#include "dkim/private_key.h"

#include "base/codec.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>

struct dkim_key {
    EVP_PKEY *pkey;
    enum dkim_algorithm algorithm;
};

/* An encrypted key is not asked a passphrase for. */
static int no_passphrase(char *text, int size, int writing, void *context) {
    (void)text, (void)size, (void)writing, (void)context;
    return -1;
}

static EVP_PKEY *read_pem(struct str pem) {
    BIO *bio = pem.n <= 64 * 1024 ? BIO_new_mem_buf(pem.p ? pem.p : "", (int)pem.n) : NULL;
    EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    return pkey;
}

static bool is_usable(EVP_PKEY *pkey, struct err *err) {
    int bits = EVP_PKEY_get_bits(pkey);
    switch (EVP_PKEY_get_base_id(pkey)) {
    case EVP_PKEY_ED25519:
        return true;
    case EVP_PKEY_RSA:
        return (bits >= DKIM_MIN_RSA_BITS && bits <= DKIM_MAX_RSA_BITS) ||
               err_set(err, "the RSA key has %d bits: DKIM takes %d to %d (RFC 8301)", bits, DKIM_MIN_RSA_BITS,
                       DKIM_MAX_RSA_BITS);
    default:
        return err_set(err, "the private key is neither RSA nor Ed25519");
    }
}

struct dkim_key *dkim_key_read(struct str pem, struct err *err) {
    EVP_PKEY *pkey = read_pem(pem);
    if (!pkey) {
        err_set(err, "this is no private key in PEM, or it is encrypted");
        return NULL;
    }
    if (!is_usable(pkey, err)) {
        EVP_PKEY_free(pkey);
        return NULL;
    }
    struct dkim_key *key = mem_zero(sizeof *key);
    key->pkey = pkey;
    key->algorithm = EVP_PKEY_get_base_id(pkey) == EVP_PKEY_RSA ? DKIM_RSA_SHA256 : DKIM_ED25519_SHA256;
    return key;
}

void dkim_key_free(struct dkim_key *key) {
    if (key)
        EVP_PKEY_free(key->pkey);
    free(key);
}

enum dkim_algorithm dkim_key_algorithm(const struct dkim_key *key) { return key->algorithm; }

unsigned dkim_key_bits(const struct dkim_key *key) {
    return key->algorithm == DKIM_RSA_SHA256 ? (unsigned)EVP_PKEY_get_bits(key->pkey) : 256;
}

void dkim_key_record(const struct dkim_key *key, struct buf *out) {
    unsigned char raw[32], *der = NULL;
    size_t raw_n = sizeof raw;
    if (key->algorithm == DKIM_ED25519_SHA256) {
        if (EVP_PKEY_get_raw_public_key(key->pkey, raw, &raw_n) != 1)
            mem_panic();
        buf_add_c(out, "v=DKIM1; k=ed25519; p=");
        base64_encode(str_n(raw, raw_n), out);
        return;
    }
    int n = i2d_PUBKEY(key->pkey, &der);
    if (n <= 0)
        mem_panic();
    buf_add_c(out, "v=DKIM1; k=rsa; p=");
    base64_encode(str_n(der, (size_t)n), out);
    OPENSSL_free(der);
}

static EVP_PKEY *generate(enum dkim_algorithm algorithm, unsigned bits) {
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(algorithm == DKIM_ED25519_SHA256 ? EVP_PKEY_ED25519 : EVP_PKEY_RSA, NULL);
    EVP_PKEY *pkey = NULL;
    bool ready = ctx && EVP_PKEY_keygen_init(ctx) == 1 &&
                 (algorithm == DKIM_ED25519_SHA256 || EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)bits) == 1);
    if (!ready || EVP_PKEY_generate(ctx, &pkey) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

bool dkim_key_generate(enum dkim_algorithm algorithm, unsigned bits, struct buf *pem, struct err *err) {
    if (algorithm != DKIM_ED25519_SHA256 && algorithm != DKIM_RSA_SHA256)
        return err_set(err, "a new key is for rsa-sha256 or ed25519-sha256");
    if (algorithm == DKIM_RSA_SHA256 && (bits < DKIM_MIN_RSA_BITS || bits > DKIM_MAX_RSA_BITS))
        return err_set(err, "an RSA key of %u bits: DKIM takes %d to %d (RFC 8301)", bits, DKIM_MIN_RSA_BITS,
                       DKIM_MAX_RSA_BITS);
    EVP_PKEY *pkey = generate(algorithm, bits);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    bool ok = pkey && bio && PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) == 1;
    if (ok) {
        long n = BIO_get_mem_data(bio, &text);
        buf_add(pem, text, (size_t)n);
    }
    BIO_free(bio);
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    return ok || err_set(err, "OpenSSL makes no such key");
}

static bool rsa_sign(EVP_PKEY *pkey, const unsigned char *digest, unsigned char *out, size_t *n) {
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
    bool ok = ctx && EVP_PKEY_sign_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
              EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
              EVP_PKEY_sign(ctx, out, n, digest, DKIM_DIGEST) == 1;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

static bool ed25519_sign(EVP_PKEY *pkey, const unsigned char *digest, unsigned char *out, size_t *n) {
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
              EVP_DigestSign(ctx, out, n, digest, DKIM_DIGEST) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

bool dkim_key_sign(const struct dkim_key *key, const unsigned char digest[DKIM_DIGEST], struct buf *b64,
                   struct err *err) {
    unsigned char signature[DKIM_MAX_RSA_BITS / 8];
    size_t n = sizeof signature;
    bool ok = key->algorithm == DKIM_RSA_SHA256 ? rsa_sign(key->pkey, digest, signature, &n)
                                                : ed25519_sign(key->pkey, digest, signature, &n);
    ERR_clear_error();
    if (!ok)
        return err_set(err, "OpenSSL can't sign with this key");
    base64_encode(str_n(signature, n), b64);
    return true;
}
