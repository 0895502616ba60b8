/*
 * blob_driver: what a place for blobs is to blob.c. A driver keeps bytes as they are given; `kind` (0 to 7) says what
 * they are, and is kept in the lowest three bits of the id, so that a reader knows it without a look.
 */
#ifndef STORE_BLOB_DRIVER_H
#define STORE_BLOB_DRIVER_H

#include "store/blob.h"

struct blob_driver {
    void *at; /* the driver's own */
    void (*close)(void *at);
    bool (*put)(void *at, struct str bytes, int fd, unsigned kind, blob_id id, struct err *err);
    bool (*sync)(void *at, struct err *err);
    bool (*get)(void *at, const blob_id id, uint64_t offset, uint64_t n, struct buf *out, struct err *err);
    bool (*remove)(void *at, const blob_id id, struct err *err);
    bool (*list)(void *at, blob_found *found, void *context, struct err *err);
};

enum { BLOB_KIND_MASK = 7 };
static inline unsigned blob_kind(const blob_id id) { return id[15] & BLOB_KIND_MASK; }

/* In blob_file.c and blob_s3.c. False with err. */
bool blob_file_open(const char *folder, struct blob_driver *out, struct err *err);
bool blob_s3_open(const struct blob_options *o, struct blob_driver *out, struct err *err);

#endif
