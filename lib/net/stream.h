/*
 * stream: one outgoing connection with blocking calls and a deadline for each, for clients (the queue's sender, LMTP,
 * milters, tests). Reads are buffered. Safe against a peer that sends endlessly: lines and totals are bounded.
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include "base/err.h"
#include "base/str.h"

#include <sys/socket.h>

struct stream;
struct tls_context;

/* Connects to a numeric address (as in struct sockaddr_storage) or, with unix_path, a UNIX socket, from source address
 * `from` (NULL: the kernel's choice) within timeout_ms. NULL with err set. */
struct stream *stream_connect(const struct sockaddr_storage *to, const struct sockaddr_storage *from, int timeout_ms,
                              struct err *err);
struct stream *stream_connect_unix(const char *path, int timeout_ms, struct err *err);
/* Starts TLS as a client, with SNI `host`. verify: the certificate must be valid for host, else only encryption
 * (opportunistic). Buffered plain text is thrown away. */
bool stream_start_tls(struct stream *s, struct tls_context *t, const char *host, bool verify, int timeout_ms,
                      struct err *err);
const char *stream_tls_version(const struct stream *s); /* "" without TLS */
const char *stream_tls_cipher(const struct stream *s);
bool stream_tls_verified(const struct stream *s); /* the peer's certificate is valid for the host asked for */
/* Appends one line to out, without its line end. False on error, end of stream, or a line over `max` bytes. */
bool stream_read_line(struct stream *s, struct buf *out, size_t max, int timeout_ms, struct err *err);
/* Appends exactly n bytes to out. */
bool stream_read_exact(struct stream *s, struct buf *out, size_t n, int timeout_ms, struct err *err);
bool stream_write(struct stream *s, struct str bytes, int timeout_ms, struct err *err); /* all of it */
/* Nothing has come in, not even the end: a kept connection is good for another conversation. */
bool stream_is_quiet(const struct stream *s);
const char *stream_peer(const struct stream *s);  /* numeric address of the other side */
const char *stream_local(const struct stream *s); /* numeric address of this side */
void stream_close(struct stream *s);              /* TLS close notify, close, free; NULL is fine */

#endif
