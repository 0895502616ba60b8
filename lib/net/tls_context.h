/* tls_context: what net/tls_session needs of net/tls beyond its manual in tls.h. */
#ifndef NET_TLS_CONTEXT_H
#define NET_TLS_CONTEXT_H

#include "net/tls.h"

#include <openssl/ssl.h>

/* The context in force now, with a reference for the caller. */
SSL_CTX *tls_context_get(struct tls_context *t);

#endif
