/* fuzz: imapd */
/* Modified UTF-7: what is accepted is valid UTF-8 and has this one form; every UTF-8 name comes back as it was. */
#include "imap/tree.h"
#include "mime/utf7.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool has_control(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = str_n(data, size);
    struct buf utf8 = BUF_EMPTY, wire = BUF_EMPTY;
    if (utf7_decode(in, &utf8)) {
        utf7_encode(buf_str(&utf8), &wire);
        if (!str_is_utf8(buf_str(&utf8)) || !str_eq(buf_str(&wire), in))
            abort();
    }
    buf_reset(&utf8), buf_reset(&wire);
    if (str_is_utf8(in) && !has_control(in)) {
        utf7_encode(in, &wire);
        if (!utf7_decode(buf_str(&wire), &utf8) || !str_eq(buf_str(&utf8), in))
            abort();
    }
    if (size < 2000)
        tree_match(str_sub(in, 0, size / 2), str_sub(in, size / 2, size));
    buf_free(&utf8), buf_free(&wire);
    return 0;
}
