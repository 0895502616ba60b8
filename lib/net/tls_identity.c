#include "net/tls_identity.h"

#include "base/memory.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>

bool tls_openssl_error(struct err *err, const char *what, const char *path) {
    unsigned long e = ERR_peek_last_error();
    const char *reason = e ? ERR_reason_error_string(e) : NULL;
    err_set(err, "%s '%s': %s", what, path, reason ? reason : "unknown error");
    ERR_clear_error();
    return false;
}

void identity_free(struct identity *i) {
    free(i->host);
    free(i->certificate_path);
    free(i->key_path);
    X509_free(i->leaf);
    sk_X509_pop_free(i->chain, X509_free);
    EVP_PKEY_free(i->key);
    *i = (struct identity){0};
}

struct identity identity_copy(const struct identity *from) {
    struct identity i = {.leaf = from->leaf, .key = from->key};
    i.host = from->host ? str_dup(str_of(from->host)) : NULL;
    i.certificate_path = str_dup(str_of(from->certificate_path));
    i.key_path = str_dup(str_of(from->key_path));
    i.chain = X509_chain_up_ref(from->chain);
    X509_up_ref(i.leaf);
    EVP_PKEY_up_ref(i.key);
    return i;
}

/* No key of ours has a pass phrase; without this OpenSSL would ask for one on the terminal. */
static int no_pass_phrase(char *p, int size, int writing, void *context) {
    (void)p, (void)size, (void)writing, (void)context;
    return -1;
}

static bool read_certificates(struct identity *i, struct err *err) {
    BIO *b = BIO_new_file(i->certificate_path, "r");
    if (!b)
        return tls_openssl_error(err, "can't read the certificate", i->certificate_path);
    i->chain = sk_X509_new_null();
    i->leaf = PEM_read_bio_X509(b, NULL, no_pass_phrase, NULL);
    X509 *next;
    while (i->leaf && i->chain && (next = PEM_read_bio_X509(b, NULL, no_pass_phrase, NULL)))
        sk_X509_push(i->chain, next);
    BIO_free(b);
    if (!i->leaf)
        return tls_openssl_error(err, "no certificate in PEM form in", i->certificate_path);
    ERR_clear_error(); /* the end of the file */
    return true;
}

static bool read_key(struct identity *i, struct err *err) {
    BIO *b = BIO_new_file(i->key_path, "r");
    if (!b)
        return tls_openssl_error(err, "can't read the private key", i->key_path);
    i->key = PEM_read_bio_PrivateKey(b, NULL, no_pass_phrase, NULL);
    BIO_free(b);
    if (!i->key)
        return tls_openssl_error(err, "no usable private key in PEM form in", i->key_path);
    if (X509_check_private_key(i->leaf, i->key) != 1) {
        ERR_clear_error();
        return err_set(err, "the private key '%s' does not belong to the certificate '%s'", i->key_path,
                       i->certificate_path);
    }
    return true;
}

bool identity_read(struct identity *i, const char *host, const char *certificate_path, const char *key_path,
                   struct err *err) {
    *i = (struct identity){0};
    i->certificate_path = str_dup(str_of(certificate_path));
    i->key_path = str_dup(str_of(key_path));
    if (host) {
        i->host = str_dup(str_of(host));
        for (char *c = i->host; *c; c++)
            *c = ascii_lower(*c);
    }
    ERR_clear_error();
    if (read_certificates(i, err) && read_key(i, err))
        return true;
    identity_free(i);
    return false;
}
