/* Compressed input (net/deflate.h): fed in pieces, with a worker's tools changing hands, it comes to the same end as
 * zlib itself. The first byte says how. */
#include "base/memory.h"
#include "net/deflate.h"

#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>

enum { MOST = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What zlib makes of it in one go. */
static size_t inflate_at_once(struct str raw, char *to) {
    z_stream z = {.next_in = (const Bytef *)raw.p, .avail_in = (uInt)raw.n, .next_out = (Bytef *)to, .avail_out = MOST};
    if (inflateInit2(&z, -15) != Z_OK)
        abort();
    inflate(&z, Z_SYNC_FLUSH);
    inflateEnd(&z);
    return MOST - z.avail_out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    static char want[MOST], got[MOST];
    struct str raw = str_n(data + 1, size - 1);
    size_t expected = inflate_at_once(raw, want), n = 0, piece = (size_t)(data[0] & 15) * 7 + 1, room = data[0] >> 4;
    struct deflate_tools tools[2] = {0};
    struct deflate *d = deflate_new(STR(""));
    bool good = true;
    for (int run = 0; good && raw.n && n < MOST; run++) {
        struct deflate_tools *t = &tools[run & 1];
        deflate_borrow(d, t);
        deflate_feed(d, str_sub(raw, 0, piece));
        raw = str_sub(raw, raw.n < piece ? raw.n : piece, raw.n);
        while (good && deflate_pending(d) && n < MOST) {
            size_t more = room * 100 + 1 < MOST - n ? room * 100 + 1 : MOST - n;
            good = deflate_read(d, t, got + n, more, &more);
            n += more;
        }
        if (!deflate_pending(d))
            deflate_give_back(d, t);
        else
            break;
    }
    if (n > expected || memcmp(want, got, n) != 0)
        abort();
    deflate_free(d);
    deflate_tools_free(&tools[0]), deflate_tools_free(&tools[1]);
    return 0;
}
