#include "net/deflate.h"

#include "base/log.h"
#include "base/memory.h"

#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>

enum {
    LEVEL = 3,          /* half of the time of the usual 6, for a few per cent more bytes */
    WINDOW = 32 * 1024, /* of RFC 1951 */
    RAW = -15,          /* zlib's word for 32 KiB and no header */
};

struct deflate {
    struct z_stream_s *in; /* NULL: at rest, on a block's boundary */
    char *window;          /* at rest: what the peer may refer to */
    size_t window_bytes;
    struct buf raw; /* fed, and not inflated from `raw_start` on */
    size_t raw_start;
    struct buf wire; /* compressed, and not sent from `wire_start` on */
    size_t wire_start;
    bool unfinished; /* inflating stopped for want of room */
    bool ended;      /* the peer said that this was the last block */
};

struct deflate *deflate_new(struct str rest) {
    struct deflate *d = mem_zero(sizeof *d);
    buf_add_str(&d->raw, rest);
    return d;
}

static void end_in(struct z_stream_s *z) {
    if (z)
        inflateEnd(z);
    free(z);
}

void deflate_free(struct deflate *d) {
    if (!d)
        return;
    end_in(d->in);
    free(d->window);
    buf_free(&d->raw);
    buf_free(&d->wire);
    free(d);
}

void deflate_tools_free(struct deflate_tools *tools) {
    end_in(tools->in);
    if (tools->out)
        deflateEnd(tools->out);
    free(tools->out);
    *tools = (struct deflate_tools){0};
}

/* ---- lending ---- */

void deflate_borrow(struct deflate *d, struct deflate_tools *tools) {
    (void)d;
    tools->user = NULL;
}

/* Between two blocks, with no bits left over, and not behind the last one: the window is all that the next block needs.
 * (data_type: 128 between blocks, 64 in or behind the last one, below that the bits left over.) */
static bool on_boundary(const struct z_stream_s *z) { return (z->data_type & 255) == 128; }

static void put_in_aside(struct deflate *d, struct deflate_tools *tools) {
    unsigned char window[WINDOW];
    uInt n = 0;
    if (inflateGetDictionary(d->in, window, &n) != Z_OK)
        return;
    d->window = mem_alloc(n ? n : 1);
    memcpy(d->window, window, n);
    d->window_bytes = n;
    if (tools->in)
        end_in(d->in);
    else
        tools->in = d->in;
    d->in = NULL;
}

void deflate_give_back(struct deflate *d, struct deflate_tools *tools) {
    tools->user = NULL;
    if (d->in && on_boundary(d->in) && !d->unfinished)
        put_in_aside(d, tools);
    if (!deflate_pending(d))
        buf_free(&d->raw);
    if (deflate_wire(d).n == 0)
        buf_free(&d->wire);
}

/* ---- input ---- */

static struct z_stream_s *new_in(void) {
    struct z_stream_s *z = mem_zero(sizeof *z);
    if (inflateInit2(z, RAW) != Z_OK)
        mem_panic();
    return z;
}

static void take_in(struct deflate *d, struct deflate_tools *tools) {
    d->in = tools->in ? tools->in : new_in();
    tools->in = NULL;
    inflateReset(d->in);
    if (d->window_bytes)
        inflateSetDictionary(d->in, (const Bytef *)d->window, (uInt)d->window_bytes);
    free(d->window);
    d->window = NULL;
    d->window_bytes = 0;
}

void deflate_feed(struct deflate *d, struct str bytes) {
    buf_reset(&d->raw);
    d->raw_start = 0;
    buf_add_str(&d->raw, bytes);
}

struct str deflate_rest(const struct deflate *d) {
    return str_sub(buf_str(&d->raw), d->raw_start, d->raw.n);
}

bool deflate_pending(const struct deflate *d) { return d->unfinished || d->raw_start < d->raw.n; }

bool deflate_read(struct deflate *d, struct deflate_tools *tools, char *to, size_t room, size_t *n) {
    *n = 0;
    if (d->ended)
        return false;
    if (!d->in)
        take_in(d, tools);
    struct z_stream_s *z = d->in;
    size_t given = room < UINT32_MAX ? room : UINT32_MAX;
    struct str raw = deflate_rest(d);
    z->next_in = (const Bytef *)raw.p;
    z->avail_in = (uInt)raw.n;
    z->next_out = (Bytef *)to;
    z->avail_out = (uInt)given;
    int r;
    do
        r = inflate(z, Z_BLOCK);
    while (r == Z_OK && z->avail_out && z->avail_in && !(on_boundary(z) && z->avail_out < given));
    *n = given - z->avail_out;
    d->raw_start += raw.n - z->avail_in;
    d->unfinished = z->avail_out == 0;
    d->ended = r == Z_STREAM_END;
    z->next_in = NULL; /* it is the worker's, and outlives these */
    z->next_out = NULL;
    /* Z_BUF_ERROR: nothing to do with what there was. */
    return r == Z_OK || r == Z_STREAM_END || r == Z_BUF_ERROR;
}

/* ---- output ---- */

static struct z_stream_s *new_out(void) {
    struct z_stream_s *z = mem_zero(sizeof *z);
    if (deflateInit2(z, LEVEL, Z_DEFLATED, RAW, MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
        mem_panic();
    return z;
}

void deflate_write(struct deflate *d, struct deflate_tools *tools, struct str plain) {
    if (!tools->out)
        tools->out = new_out();
    else if (tools->user != d) /* what went before ended with a flush, so other blocks may follow it */
        deflateReset(tools->out);
    tools->user = d;
    struct z_stream_s *z = tools->out;
    buf_reset(&d->wire);
    d->wire_start = 0;
    z->next_in = (const Bytef *)plain.p;
    z->avail_in = (uInt)plain.n;
    do {
        buf_reserve(&d->wire, plain.n / 2 + 256);
        z->next_out = (Bytef *)d->wire.p + d->wire.n;
        z->avail_out = (uInt)(d->wire.cap - d->wire.n - 1);
        if (deflate(z, Z_SYNC_FLUSH) == Z_STREAM_ERROR)
            log_panic("zlib: the compressor's state is broken");
        d->wire.n = (size_t)((char *)z->next_out - d->wire.p);
    } while (z->avail_out == 0);
    z->next_in = NULL;
}

struct str deflate_wire(const struct deflate *d) {
    return str_sub(buf_str(&d->wire), d->wire_start, d->wire.n);
}

void deflate_sent(struct deflate *d, size_t n) { d->wire_start += n; }
