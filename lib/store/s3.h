/*
 * s3: requests to an object store that speaks Amazon's S3 API (Ceph's RGW and the like), signed with AWS Signature
 * Version 4 by libcurl. Path-style addresses. A request that fails for a reason that passes (no connection, 5xx, 429)
 * is tried again a few times, with growing pauses; how long all of it may take is bounded. Safe for all threads;
 * connections are kept and reused. Secrets are in no message.
 */
#ifndef STORE_S3_H
#define STORE_S3_H

#include "store/blob.h"

struct s3;

/* Reads the key file; asks nothing of the object store yet. NULL with err. */
struct s3 *s3_open(const struct blob_options *o, struct err *err);
void s3_close(struct s3 *s);

/* Stores bytes (or, with bytes.p NULL, bytes.n bytes of fd from offset 0) under the key. True: the object store has
 * them. */
bool s3_put(struct s3 *s, const char *key, struct str bytes, int fd, struct err *err);
/* Appends [offset, offset + n) of the object, clipped to its end. */
bool s3_get(struct s3 *s, const char *key, uint64_t offset, uint64_t n, struct buf *out, struct err *err);
bool s3_delete(struct s3 *s, const char *key, struct err *err); /* of one that is gone: true */
/* A page of the keys behind `after` that begin with prefix, in their order, as XML: see s3_next_object(). */
bool s3_list(struct s3 *s, const char *prefix, const char *after, struct buf *xml, struct err *err);
/* Takes the next object of a listing off *xml; false at the end. Keys with entities in them are passed over. */
bool s3_next_object(struct str *xml, struct str *key, uint64_t *size);

#endif
