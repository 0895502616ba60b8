/*
 * blob: where the bytes of messages are, behind five calls. A blob is immutable; its id is made by the driver.
 *
 * The `file` driver (blob_file.c, the default) appends to segment files: a message costs one write, a group of messages
 * one fdatasync, whatever their number (a file a message costs a directory entry, an inode and a journal commit each).
 * Deleting punches a hole. Each record carries its length and CRC-32C, so that a damaged disk is seen and a segment can
 * be listed without the database.
 *
 * The `s3` driver (blob_s3.c) keeps an object a message in a bucket of an object store (Ceph's RGW and the like), so
 * that any number of nodes work on the same mail. A blob is stored when blob_put returns.
 *
 * With compression a blob is kept as a frame of zstd blocks (blob_frame.h), of which only those are read that are asked
 * for; blobs of both kinds lie side by side, and offsets and sizes are always those of the message.
 */
#ifndef STORE_BLOB_H
#define STORE_BLOB_H

#include "store/store.h"

struct conf;
struct blob_store;

/* From mansio.conf: state, blob, blob_compress, s3_*. Strings live as long as the configuration. */
struct blob_options {
    char folder[512]; /* of the segments, and of what is under way */
    bool compress;
    struct {
        const char *endpoint; /* "https://host:port"; NULL: the file driver */
        const char *bucket, *region, *prefix;
        const char *key_file; /* the access key and the secret key, a line each; nobody else may read it */
        const char *ca;       /* PEM of trusted authorities; "": the system's */
    } s3;
};
/* False with a sentence where the settings make no sense. */
bool blob_options_read(const struct conf *conf, struct blob_options *out, struct err *err);

struct blob_store *blob_open(const struct blob_options *o, struct err *err);
void blob_close(struct blob_store *b);
/* Writes the bytes (or, with bytes.p NULL, bytes.n bytes of fd from offset 0) and gives the new id. Durable only after
 * blob_sync. */
bool blob_put(struct blob_store *b, struct str bytes, int fd, blob_id id, struct err *err);
/* Makes everything put before by this thread's calls or others' durable. */
bool blob_sync(struct blob_store *b, struct err *err);
/* Appends [offset, offset + n) of the blob to out, clipped to its length. */
bool blob_get(struct blob_store *b, const blob_id id, uint64_t offset, uint64_t n, struct buf *out, struct err *err);
bool blob_delete(struct blob_store *b, const blob_id id, struct err *err); /* of one that is gone: true */
/* Calls found for each blob, oldest first, until it returns false. size: as it is stored. */
typedef bool blob_found(void *context, const blob_id id, uint64_t size, int64_t written_at);
bool blob_list(struct blob_store *b, blob_found *found, void *context, struct err *err);

#endif
