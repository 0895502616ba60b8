/*
 * blob_frame: bytes compressed so that any piece of them can be read alone. Independent zstd frames, with a checksum
 * each, of FRAME_BLOCK bytes (the last one: what is left), behind a table of their lengths:
 *
 *     "MZF1" | block size 4 | length of the bytes 8 | CRC-32C of what is before and of the table 4 |
 *     compressed length of each block 4 ... | the blocks
 *
 * Numbers are little endian. What is read is checked: bytes that are damaged, or that somebody made up, give an error.
 */
#ifndef STORE_BLOB_FRAME_H
#define STORE_BLOB_FRAME_H

#include "base/err.h"
#include "base/str.h"

enum { FRAME_BLOCK = 128 * 1024 };

/* Where a frame goes; pieces may come in any order, none twice. */
struct frame_sink {
    bool (*write)(void *context, uint64_t offset, struct str bytes, struct err *err);
    void *context;
};
/* *size: of the frame. */
bool frame_write(struct str bytes, const struct frame_sink *sink, uint64_t *size, struct err *err);

/* Where a frame comes from: appends [offset, offset + n), clipped to its end. */
struct frame_source {
    bool (*read)(void *context, uint64_t offset, uint64_t n, struct buf *out, struct err *err);
    void *context;
};
/* Appends [offset, offset + n) of the bytes, clipped to their end. On failure out is as it was. */
bool frame_read(const struct frame_source *source, uint64_t offset, uint64_t n, struct buf *out, struct err *err);

#endif
