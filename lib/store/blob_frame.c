#include "store/blob_frame.h"

#include "base/codec.h"
#include "base/log.h"
#include "base/memory.h"

#include <endian.h>
#include <pthread.h>
#include <stdlib.h>
#include <zstd.h>

enum {
    HEADER_BYTES = 20,
    LEVEL = 3,
    FIRST_READ = 16 * 1024, /* has the table of 500 MiB, and all of most messages */
    MIN_BLOCK = 1024,       /* others than our own block size are understood, within bounds */
    MAX_BLOCK = 4 * 1024 * 1024,
    READ_BYTES = 1024 * 1024, /* of compressed blocks at a time */
};
static const uint64_t MAX_BLOCKS = UINT64_C(1) << 22;
static const char MAGIC[4] = {'M', 'Z', 'F', '1'};

/* ---- contexts, one of each a thread ---- */

static pthread_key_t writer_key, reader_key;
static pthread_once_t keys_once = PTHREAD_ONCE_INIT;

static void free_writer(void *c) { ZSTD_freeCCtx(c); }
static void free_reader(void *c) { ZSTD_freeDCtx(c); }

static void make_keys(void) {
    if (pthread_key_create(&writer_key, free_writer) != 0 || pthread_key_create(&reader_key, free_reader) != 0)
        log_fatal("no memory for compression");
}

static ZSTD_CCtx *writer(void) {
    pthread_once(&keys_once, make_keys);
    ZSTD_CCtx *c = pthread_getspecific(writer_key);
    if (c)
        return c;
    c = ZSTD_createCCtx();
    if (!c || ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, LEVEL)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1)))
        log_fatal("no memory for compression");
    pthread_setspecific(writer_key, c);
    return c;
}

static ZSTD_DCtx *reader(void) {
    pthread_once(&keys_once, make_keys);
    ZSTD_DCtx *c = pthread_getspecific(reader_key);
    if (c)
        return c;
    c = ZSTD_createDCtx();
    if (!c)
        log_fatal("no memory for compression");
    pthread_setspecific(reader_key, c);
    return c;
}

/* ---- writing ---- */

static void put32(unsigned char *at, uint32_t v) {
    v = htole32(v);
    memcpy(at, &v, sizeof v);
}

static uint32_t take32(const char *at) {
    uint32_t v;
    memcpy(&v, at, sizeof v);
    return le32toh(v);
}

static uint32_t head_sum(const void *head, uint64_t blocks) {
    uint32_t sum = crc32c(0, head, HEADER_BYTES - 4);
    return crc32c(sum, (const char *)head + HEADER_BYTES, 4 * (size_t)blocks);
}

static bool write_blocks(struct str bytes, const struct frame_sink *sink, unsigned char *head, uint64_t blocks,
                         uint64_t *at, struct err *err) {
    size_t room = ZSTD_compressBound(FRAME_BLOCK);
    char *packed = mem_alloc(room);
    bool good = true;
    for (uint64_t i = 0; good && i < blocks; i++) {
        struct str raw = str_sub(bytes, (size_t)i * FRAME_BLOCK, FRAME_BLOCK);
        size_t n = ZSTD_compress2(writer(), packed, room, raw.p, raw.n);
        if (ZSTD_isError(n)) {
            good = err_set(err, "cannot compress the message: %s", ZSTD_getErrorName(n));
            break;
        }
        put32(head + HEADER_BYTES + 4 * i, (uint32_t)n);
        good = sink->write(sink->context, *at, str_n(packed, n), err);
        *at += n;
    }
    free(packed);
    return good;
}

bool frame_write(struct str bytes, const struct frame_sink *sink, uint64_t *size, struct err *err) {
    uint64_t blocks = (bytes.n + FRAME_BLOCK - 1) / FRAME_BLOCK, length = htole64(bytes.n);
    if (blocks > MAX_BLOCKS)
        return err_set(err, "the message is too large to be compressed");
    size_t head_bytes = HEADER_BYTES + 4 * (size_t)blocks;
    unsigned char *head = mem_zero(head_bytes);
    memcpy(head, MAGIC, sizeof MAGIC);
    put32(head + 4, FRAME_BLOCK);
    memcpy(head + 8, &length, sizeof length);
    *size = head_bytes;
    bool good = write_blocks(bytes, sink, head, blocks, size, err);
    put32(head + 16, head_sum(head, blocks));
    good = good && sink->write(sink->context, 0, str_n(head, head_bytes), err);
    free(head);
    return good;
}

/* ---- reading ---- */

struct frame {
    const struct frame_source *source;
    struct buf head;                /* the first bytes: header, table, and perhaps blocks */
    uint64_t blocks, length, first; /* first: where the blocks begin */
    uint32_t block;
};

static bool damaged(struct err *err) {
    return err_set(err, "the compressed message is damaged: restore it from a backup");
}

static bool read_head(struct frame *f, struct err *err) {
    if (!f->source->read(f->source->context, 0, FIRST_READ, &f->head, err))
        return false;
    if (f->head.n < HEADER_BYTES || memcmp(f->head.p, MAGIC, sizeof MAGIC) != 0)
        return damaged(err);
    memcpy(&f->length, f->head.p + 8, sizeof f->length);
    f->length = le64toh(f->length);
    f->block = take32(f->head.p + 4);
    if (f->block < MIN_BLOCK || f->block > MAX_BLOCK || f->length > MAX_BLOCKS * f->block)
        return damaged(err);
    f->blocks = (f->length + f->block - 1) / f->block;
    f->first = HEADER_BYTES + 4 * f->blocks;
    if (f->head.n < f->first && !f->source->read(f->source->context, f->head.n, f->first - f->head.n, &f->head, err))
        return false;
    if (f->head.n < f->first || take32(f->head.p + 16) != head_sum(f->head.p, f->blocks))
        return damaged(err);
    return true;
}

static uint32_t packed_size(const struct frame *f, uint64_t i) { return take32(f->head.p + HEADER_BYTES + 4 * i); }

static size_t raw_size(const struct frame *f, uint64_t i) {
    uint64_t at = i * f->block;
    return f->length - at < f->block ? (size_t)(f->length - at) : f->block;
}

/* The compressed bytes [at, at + n): from what was read already, or anew into `fresh`. */
static bool packed_bytes(const struct frame *f, uint64_t at, uint64_t n, struct buf *fresh, struct str *out,
                         struct err *err) {
    if (at + n <= f->head.n) {
        *out = str_n(f->head.p + at, (size_t)n);
        return true;
    }
    buf_reset(fresh);
    if (!f->source->read(f->source->context, at, n, fresh, err))
        return false;
    *out = buf_str(fresh);
    return fresh->n == n || damaged(err);
}

/* Appends what of block i lies in [from, to). */
static bool unpack(const struct frame *f, uint64_t i, struct str packed, uint64_t from, uint64_t to,
                   struct buf *scratch, struct buf *out, struct err *err) {
    size_t raw = raw_size(f, i);
    uint64_t start = i * f->block;
    bool whole = from <= start && to >= start + raw;
    struct buf *into = whole ? out : scratch;
    if (!whole)
        buf_reset(scratch);
    buf_reserve(into, raw);
    size_t n = ZSTD_decompressDCtx(reader(), into->p + into->n, raw, packed.p, packed.n);
    if (ZSTD_isError(n) || n != raw)
        return damaged(err);
    into->n += raw;
    if (!whole) {
        size_t skip = from > start ? (size_t)(from - start) : 0;
        size_t end = to < start + raw ? (size_t)(to - start) : raw;
        buf_add(out, scratch->p + skip, end - skip);
    }
    return true;
}

/* Reads the blocks that hold [from, to), several at a time where they are small. */
static bool read_blocks(const struct frame *f, uint64_t from, uint64_t to, struct buf *out, struct err *err) {
    struct buf fresh = BUF_EMPTY, scratch = BUF_EMPTY;
    uint64_t i = from / f->block, last = (to - 1) / f->block, at = f->first;
    size_t most = ZSTD_compressBound(f->block);
    bool good = true;
    for (uint64_t k = 0; k < i; k++)
        at += packed_size(f, k);
    while (good && i <= last) {
        uint64_t n = 0, end = i;
        while (end <= last && (end == i || n + packed_size(f, end) <= READ_BYTES) && packed_size(f, end) <= most)
            n += packed_size(f, end++);
        struct str packed;
        good = end > i ? packed_bytes(f, at, n, &fresh, &packed, err) : damaged(err);
        at += n;
        for (size_t used = 0; good && i < end; i++) {
            size_t size = packed_size(f, i);
            good = unpack(f, i, str_sub(packed, used, size), from, to, &scratch, out, err);
            used += size;
        }
    }
    buf_free(&fresh);
    buf_free(&scratch);
    return good;
}

bool frame_read(const struct frame_source *source, uint64_t offset, uint64_t n, struct buf *out, struct err *err) {
    struct frame f = {.source = source, .head = BUF_EMPTY};
    size_t before = out->n;
    bool good = read_head(&f, err);
    if (good && n > 0 && offset < f.length)
        good = read_blocks(&f, offset, n < f.length - offset ? offset + n : f.length, out, err);
    if (!good)
        out->n = before;
    if (out->p)
        out->p[out->n] = 0;
    buf_free(&f.head);
    return good;
}
