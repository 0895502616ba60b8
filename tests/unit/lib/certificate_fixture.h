/* Certificates for tests, in PEM files of a private folder: an authority, and what it signs. */
#ifndef CERTIFICATE_FIXTURE_H
#define CERTIFICATE_FIXTURE_H

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct authority {
    char folder[64];
    char path[96]; /* its certificate */
    EVP_PKEY *key;
    X509 *certificate;
    long serial;
};

static inline void add_extension(X509 *x, int nid, const char *value) {
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(e);
    X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
}

static inline X509 *sign_certificate(struct authority *a, EVP_PKEY *key, const char *name, const char *alternative) {
    X509 *x = X509_new();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++a->serial);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(a->certificate ? a->certificate : x));
    if (alternative)
        add_extension(x, NID_subject_alt_name, alternative);
    else
        add_extension(x, NID_basic_constraints, "critical,CA:TRUE");
    assert_true(X509_sign(x, a->key ? a->key : key, EVP_sha256()) > 0);
    return x;
}

static inline void write_pem(const char *path, X509 *x, EVP_PKEY *key) {
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    if (x)
        PEM_write_X509(f, x);
    if (key)
        PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
    fclose(f);
}

static inline void authority_make(struct authority *a) {
    *a = (struct authority){.folder = "/tmp/test_tls.XXXXXX"};
    assert_non_null(mkdtemp(a->folder));
    snprintf(a->path, sizeof a->path, "%s/ca.pem", a->folder);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    a->certificate = sign_certificate(a, key, "Test authority", NULL);
    a->key = key;
    write_pem(a->path, a->certificate, NULL);
}

/* FOLDER/NAME.crt and FOLDER/NAME.key for `host`, with an RSA or an elliptic curve key. */
static inline void authority_issue(struct authority *a, const char *name, const char *host, bool rsa) {
    char path[200], alternative[200];
    EVP_PKEY *key = rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    snprintf(alternative, sizeof alternative, "DNS:%s", host);
    X509 *x = sign_certificate(a, key, name, alternative);
    snprintf(path, sizeof path, "%s/%s.crt", a->folder, name);
    write_pem(path, x, NULL);
    snprintf(path, sizeof path, "%s/%s.key", a->folder, name);
    write_pem(path, NULL, key);
    X509_free(x);
    EVP_PKEY_free(key);
}

static inline void authority_remove(struct authority *a) {
    char command[128];
    EVP_PKEY_free(a->key);
    X509_free(a->certificate);
    snprintf(command, sizeof command, "rm -rf '%s'", a->folder);
    assert_int_equal(system(command), 0);
}

#endif
