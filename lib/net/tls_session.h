/*
 * tls_session: what net/conn and net/stream share on top of tls.h: one connection's TLS, over a non-blocking socket.
 * All calls return at once; TLS_WANT_READ and TLS_WANT_WRITE say what to wait for before the same call is made again.
 */
#ifndef NET_TLS_SESSION_H
#define NET_TLS_SESSION_H

#include "base/err.h"
#include "base/str.h"
#include "net/tls.h"

#include <sys/types.h>

struct tls_session; /* an OpenSSL SSL */

enum tls_result {
    TLS_OK,
    TLS_WANT_READ,
    TLS_WANT_WRITE,
    TLS_CLOSED, /* the peer has closed: close notify, or the end of the connection */
    TLS_BROKEN,
};

/* The descriptor stays the caller's. */
struct tls_session *tls_session_server(struct tls_context *t, int fd);
/* verify: the handshake fails where the certificate is not valid for host. */
struct tls_session *tls_session_client(struct tls_context *t, int fd, const char *host, bool verify, struct err *err);
enum tls_result tls_session_handshake(struct tls_session *s, struct err *err);
/* At most `size` bytes, of one or more records; *n is 0 except with TLS_OK. */
enum tls_result tls_session_read(struct tls_session *s, void *p, size_t size, size_t *n);
/* Bytes are inside already, so that waiting for the descriptor could wait in vain. */
bool tls_session_buffered(const struct tls_session *s);
/* Writes at most n bytes; a call that has to be repeated is repeated with the same bytes in front (anywhere in memory).
 */
enum tls_result tls_session_write(struct tls_session *s, const void *p, size_t n, size_t *written);
/* Sends the close notify, as far as that goes without waiting. */
void tls_session_shutdown(struct tls_session *s);
void tls_session_free(struct tls_session *s);
const char *tls_session_version(const struct tls_session *s);
const char *tls_session_cipher(const struct tls_session *s);
bool tls_session_verified(const struct tls_session *s);
/* Appends what binds a login to this very TLS connection: "tls-exporter" (RFC 9266) or "tls-unique" (RFC 5929). False:
 * this connection has none of that type. */
bool tls_session_binding(const struct tls_session *s, const char *type, struct buf *out);
const char *tls_session_host(const struct tls_session *s); /* the name the client asked for (SNI), or "" */

#endif
