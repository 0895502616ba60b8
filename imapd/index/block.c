#include "index/block.h"

#include "base/memory.h"

#include <endian.h>
#include <stdlib.h>
#include <zstd.h>

enum { LEVEL = 3 };
enum { LENGTHS = SEARCHED_SECTIONS * 4 };

/* ---- filling ---- */

void block_add(struct block_builder *b, int64_t email, const struct block_email *e) {
    if (b->count == b->room) {
        b->room = b->room ? b->room * 2 : 64;
        b->email = mem_resize(b->email, b->room * sizeof *b->email);
        b->length = mem_resize(b->length, b->room * sizeof *b->length);
    }
    for (int i = 0; i < SEARCHED_SECTIONS; i++) {
        b->length[b->count][i] = e->known ? (uint32_t)e->section[i].n : UINT32_MAX;
        if (e->known && e->section[i].n)
            buf_add_str(&b->text, e->section[i]);
    }
    b->email[b->count++] = email;
}

bool block_whole(const struct block_builder *b) { return b->text.n >= BLOCK_BYTES || b->count >= BLOCK_EMAILS; }

static void add_u32(struct buf *out, uint32_t n) {
    n = htole32(n);
    buf_add(out, &n, sizeof n);
}

void block_pack(const struct block_builder *b, struct buf *out) {
    struct buf raw = BUF_EMPTY;
    add_u32(&raw, (uint32_t)b->count);
    for (size_t i = 0; i < b->count; i++)
        for (int k = 0; k < SEARCHED_SECTIONS; k++)
            add_u32(&raw, b->length[i][k]);
    buf_add_str(&raw, buf_str(&b->text));
    size_t room = ZSTD_compressBound(raw.n);
    buf_reserve(out, room);
    size_t n = ZSTD_compress(out->p + out->n, room, raw.p, raw.n, LEVEL);
    if (ZSTD_isError(n)) /* with that room nothing but memory can be lacking */
        mem_panic();
    out->n += n;
    out->p[out->n] = 0;
    buf_free(&raw);
}

void block_reset(struct block_builder *b) {
    b->count = 0;
    buf_reset(&b->text);
}

void block_free(struct block_builder *b) {
    free(b->email);
    free(b->length);
    buf_free(&b->text);
    *b = (struct block_builder){0};
}

/* ---- reading ---- */

static uint32_t get_u32(const char *p) {
    uint32_t n;
    memcpy(&n, p, sizeof n);
    return le32toh(n);
}

static bool take_email(struct block_email *e, const char *lengths, struct str *text) {
    e->known = get_u32(lengths) != UINT32_MAX;
    for (size_t i = 0; i < SEARCHED_SECTIONS; i++) {
        size_t n = e->known ? get_u32(lengths + 4 * i) : 0;
        if (n > text->n)
            return false;
        e->section[i] = str_n(text->p, n);
        *text = str_n(text->p + n, text->n - n);
    }
    return true;
}

static bool unpack(struct buf *raw, struct str packed) {
    unsigned long long n = ZSTD_getFrameContentSize(packed.p, packed.n);
    if (n == ZSTD_CONTENTSIZE_ERROR || n == ZSTD_CONTENTSIZE_UNKNOWN || n > (64 << 20))
        return false;
    buf_reset(raw);
    buf_reserve(raw, (size_t)n);
    size_t got = ZSTD_decompress(raw->p, (size_t)n, packed.p, packed.n);
    if (ZSTD_isError(got))
        return false;
    raw->n = got;
    return true;
}

bool block_unpack(struct block *b, struct str packed, size_t count) {
    size_t head = 4 + count * LENGTHS;
    if (!unpack(&b->raw, packed) || b->raw.n < head || get_u32(b->raw.p) != count)
        return false;
    if (count > b->room) {
        b->room = count;
        b->email = mem_resize(b->email, count * sizeof *b->email);
    }
    b->count = count;
    b->text = str_n(b->raw.p + head, b->raw.n - head);
    struct str rest = b->text;
    for (size_t i = 0; i < count; i++)
        if (!take_email(&b->email[i], b->raw.p + 4 + i * LENGTHS, &rest))
            return false;
    return rest.n == 0;
}

void block_close(struct block *b) {
    buf_free(&b->raw);
    free(b->email);
    *b = (struct block){0};
}
