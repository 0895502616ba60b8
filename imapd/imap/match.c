#include "imap/match.h"

#include <stdlib.h>
#include <unicase.h>
#include <uninorm.h>

static bool is_seven_bit(struct str s) {
    unsigned char all = 0;
    for (size_t i = 0; i < s.n; i++)
        all |= (unsigned char)s.p[i];
    return all < 0x80;
}

/* Appends the text folded. */
static void fold(struct str text, struct buf *out) {
    if (!is_seven_bit(text) && str_is_utf8(text)) {
        size_t n;
        uint8_t *folded = u8_casefold((const uint8_t *)text.p, text.n, NULL, UNINORM_NFC, NULL, &n);
        if (folded) {
            buf_add(out, folded, n);
            free(folded);
            return;
        }
    }
    buf_reserve(out, text.n);
    for (size_t i = 0; i < text.n; i++)
        out->p[out->n + i] = ascii_lower(text.p[i]);
    out->n += text.n;
    out->p[out->n] = 0;
}

struct needle match_needle(struct arena *a, struct str text) {
    struct buf folded = BUF_EMPTY;
    fold(text, &folded);
    struct needle n = {arena_str(a, buf_str(&folded)), is_seven_bit(text)};
    buf_free(&folded);
    return n;
}

bool match_contains(const struct needle *n, struct str text, struct buf *scratch) {
    if (n->folded.n == 0)
        return true;
    if (text.n == 0 || (!n->ascii && is_seven_bit(text)))
        return false;
    buf_reset(scratch);
    fold(text, scratch);
    return str_find(buf_str(scratch), n->folded) >= 0;
}
