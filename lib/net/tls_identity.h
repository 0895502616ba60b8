/* tls_identity: certificates with their chain and key, as net/tls and net/tls_folder share them. */
#ifndef NET_TLS_IDENTITY_H
#define NET_TLS_IDENTITY_H

#include "base/err.h"

#include <openssl/ssl.h>

/* A certificate with its chain and key. */
struct identity {
    char *host; /* lower case; NULL for the default one */
    char *certificate_path, *key_path;
    X509 *leaf;
    STACK_OF(X509) * chain;
    EVP_PKEY *key;
};

/* Reads the PEM files; host may be NULL. False with err set, and nothing to free. */
bool identity_read(struct identity *i, const char *host, const char *certificate_path, const char *key_path,
                   struct err *err);
/* Another reference to the same certificate and key. */
struct identity identity_copy(const struct identity *from);
void identity_free(struct identity *i);
/* Sets err from OpenSSL's last error, and returns false. */
bool tls_openssl_error(struct err *err, const char *what, const char *path);

#endif
