/*
 * tls: contexts for OpenSSL. TLS 1.2 and 1.3, modern ciphers, session tickets, buffers released while idle,
 * SNI: a certificate per name, reloadable while running (a reload swaps the whole context; connections keep theirs).
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/err.h"
#include "base/str.h"

struct tls_context;

/* A server's context with its default certificate chain and key (PEM files). NULL with err set on failure. */
struct tls_context *tls_server_new(const char *certificate_path, const char *key_path, struct err *err);
/* One more certificate, chosen when the client names `host` (SNI; exact, or "*.example.org" for one label). */
bool tls_server_add(struct tls_context *t, const char *host, const char *certificate_path, const char *key_path,
                    struct err *err);
/* More certificates, by host name, in a folder: NAME.pem (chain) and NAME.key, or NAME/fullchain.pem and
 * NAME/privkey.pem as certbot has them. For mail.example.org: NAME is that, else "*.example.org", else "example.org"
 * where that certificate holds for mail.example.org. They are read when somebody asks for them, again when the files
 * have changed, and the 256 used last are kept. Call once, before the first connection. */
bool tls_server_folder(struct tls_context *t, const char *path, struct err *err);
/* Reads all files again; the old ones stay in force where one can't be read. */
bool tls_server_reload(struct tls_context *t, struct err *err);
/* A client's context. ca_path: a PEM file of trusted authorities, NULL for the system's. */
struct tls_context *tls_client_new(const char *ca_path, struct err *err);
void tls_free(struct tls_context *t);

#endif
