/* Reading ranges of compressed messages whose bytes may be anybody's: an error, or bytes, and never a crash. The first
 * bytes choose the range and whether the header's sum is made right. */
#include "base/codec.h"
#include "store/blob_frame.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
    const char *p;
    size_t n;
};

static bool from_bytes(void *context, uint64_t offset, uint64_t n, struct buf *out, struct err *err) {
    const struct bytes *b = context;
    (void)err;
    if (offset < b->n)
        buf_add_str(out, str_sub(str_n(b->p, b->n), (size_t)offset, n > b->n ? b->n : (size_t)n));
    return true;
}

/* Lets what is behind the check of the header's sum be reached. */
static void mend(char *p, size_t n) {
    uint64_t length;
    uint32_t block;
    if (n < 20)
        return;
    memcpy(p, "MZF1", 4);
    memcpy(&block, p + 4, 4);
    memcpy(&length, p + 8, 8);
    uint64_t blocks = block ? (length + block - 1) / block : 0;
    if (blocks > (n - 20) / 4)
        return;
    uint32_t sum = crc32c(crc32c(0, p, 16), p + 20, 4 * (size_t)blocks);
    memcpy(p + 16, &sum, 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 9)
        return 0;
    uint32_t range[2];
    memcpy(range, data + 1, sizeof range);
    struct bytes b = {malloc(size - 9 + 1), size - 9};
    if (!b.p)
        return 0;
    memcpy((char *)(uintptr_t)b.p, data + 9, b.n);
    if (data[0] & 1)
        mend((char *)(uintptr_t)b.p, b.n);
    struct frame_source source = {from_bytes, &b};
    struct buf out = BUF_EMPTY;
    struct err err;
    if (!frame_read(&source, range[0], data[0] & 2 ? UINT64_MAX : range[1], &out, &err) && out.n)
        abort();
    buf_free(&out);
    free((char *)(uintptr_t)b.p);
    return 0;
}
