/*
 * blob: where the bytes of messages are, behind five calls, so that a folder (`file`, the default) can be replaced by
 * an object store. A blob is immutable; its id is made by the driver.
 *
 * The `file` driver appends to segment files: a message costs one write, a group of messages one fdatasync, whatever
 * their number (a file a message costs a directory entry, an inode and a journal commit each). Deleting punches a hole.
 * Each record carries its length and CRC-32C, so that a damaged disk is seen and a segment can be listed without the
 * database.
 */
#ifndef STORE_BLOB_H
#define STORE_BLOB_H

#include "store/store.h"

struct blob_store;

struct blob_store *blob_open(const char *folder, struct err *err);
void blob_close(struct blob_store *b);
/* Writes the bytes (or, with bytes.p NULL, bytes.n bytes of fd from offset 0) and gives the new id. Durable only after
 * blob_sync. */
bool blob_put(struct blob_store *b, struct str bytes, int fd, blob_id id, struct err *err);
/* Makes everything put before by this thread's calls or others' durable. */
bool blob_sync(struct blob_store *b, struct err *err);
/* Appends [offset, offset + n) of the blob to out, clipped to its length. */
bool blob_get(struct blob_store *b, const blob_id id, uint64_t offset, uint64_t n, struct buf *out, struct err *err);
bool blob_delete(struct blob_store *b, const blob_id id, struct err *err); /* of one that is gone: true */
/* Calls found for each blob, oldest first, until it returns false. */
bool blob_list(struct blob_store *b, bool (*found)(void *context, const blob_id id, uint64_t size, int64_t written_at),
               void *context, struct err *err);

#endif
