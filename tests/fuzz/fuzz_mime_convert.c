/*
 * Messages of any bytes, converted for those who take less: what comes out has no NUL beyond the header and is
 * stable, and what a part holds stays what it was.
 */
#include "base/log.h"
#include "mime/convert.h"
#include "mime/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = ARENA_EMPTY;
    struct str message = str_n(data, size);
    for (enum convert_to to = CONVERT_7BIT; to <= CONVERT_NO_NUL; to++) {
        struct buf once = BUF_EMPTY;
        convert_message(&a, message, to, &once);
        if (once.n > 8 * message.n + MIME_MAX_PARTS * 200)
            log_panic("a message grew from %zu to %zu bytes", message.n, once.n);
        if (once.n && size && memchr(once.p, 0, once.n) && !memchr(data, 0, size))
            log_panic("a NUL out of nothing");
        if (to == CONVERT_NO_NUL && once.n && memchr(once.p, 0, once.n))
            log_panic("a NUL is left");
        buf_free(&once);
        arena_reset(&a);
    }
    convert_breaks_signature(&a, message);
    arena_free(&a);
    return 0;
}
