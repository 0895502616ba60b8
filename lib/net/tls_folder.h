/*
 * tls_folder: certificates by host name in a folder (net/tls.h: tls_server_folder). Thousands of them cost nothing
 * until somebody asks for one; then it is read, and kept while it is among the 256 used last. Whether its files have
 * changed is looked at once in a second at the most. Safe for all threads.
 */
#ifndef NET_TLS_FOLDER_H
#define NET_TLS_FOLDER_H

#include "net/tls_identity.h"

struct tls_folder;

/* With a reference for the caller. NULL with err where the folder can't be read. */
struct tls_folder *tls_folder_new(const char *path, struct err *err);
struct tls_folder *tls_folder_keep(struct tls_folder *f); /* one more reference; NULL is fine, as in the others */
void tls_folder_release(struct tls_folder *f);
/* The certificate for a name (lower case, no dot at the end), for the caller to free. False: there is none. */
bool tls_folder_find(struct tls_folder *f, const char *host, struct identity *out);
/* Everything is read again when it is asked for; what can't be read stays as it is. */
void tls_folder_forget(struct tls_folder *f);
size_t tls_folder_count(struct tls_folder *f); /* certificates in memory */

#endif
