/*
 * deflate: a connection's compression (RFC 1951 without any header, as IMAP's COMPRESS=DEFLATE wants it, RFC 4978),
 * between the protocol and TLS or the socket. Internal to lib/net.
 *
 * Memory: the machinery of zlib (some 300 KiB for both ways) belongs to the worker and is lent to the connection that
 * it runs. What we send starts anew with each run, without a look at what was sent before, so it needs no memory at
 * rest. What the peer sends may refer to the last 32 KiB it sent; at rest a connection keeps just those bytes, where
 * there are that many. Only a peer that stops in the middle of a block keeps the machinery for itself.
 *
 * Bombs: inflating goes as far as there is room in the connection's input buffer, and on when that has been used.
 */
#ifndef NET_DEFLATE_H
#define NET_DEFLATE_H

#include "base/str.h"

struct deflate;
struct z_stream_s;

/* A worker's. Zeroed at first. */
struct deflate_tools {
    struct z_stream_s *in, *out;
    const struct deflate *user; /* whose output `out` has just compressed: it goes on with the same history */
};

/* rest: what has come in already and is compressed. */
struct deflate *deflate_new(struct str rest);
void deflate_free(struct deflate *d); /* NULL is fine */
/* The connection is run by a worker; it parks. Between the two the worker's tools are used. */
void deflate_borrow(struct deflate *d, struct deflate_tools *tools);
void deflate_give_back(struct deflate *d, struct deflate_tools *tools);
void deflate_tools_free(struct deflate_tools *tools);

/* ---- input ---- */

/* Bytes from the wire; only where nothing is pending. */
void deflate_feed(struct deflate *d, struct str bytes);
bool deflate_pending(const struct deflate *d); /* deflate_read() may have more without being fed */
/* Inflates into `to`, at most `room` (not 0) bytes, to the end of a block at the most: so the protocol sees a command
 * before anything behind its flush is looked at. False: that is no compressed data, or it came to its end. */
bool deflate_read(struct deflate *d, struct deflate_tools *tools, char *to, size_t room, size_t *n);
/* What has come and was not looked at, when compression ends. */
struct str deflate_rest(const struct deflate *d);

/* ---- output ---- */

/* Compresses all of it, so that the peer can read it without more; only where deflate_wire() is empty. */
void deflate_write(struct deflate *d, struct deflate_tools *tools, struct str plain);
struct str deflate_wire(const struct deflate *d); /* to be sent */
void deflate_sent(struct deflate *d, size_t n);

#endif
