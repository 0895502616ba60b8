#include "imap/match.h"

#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

static bool is_seven_bit(struct str s) {
    unsigned char all = 0;
    for (size_t i = 0; i < s.n; i++)
        all |= (unsigned char)s.p[i];
    return all < 0x80;
}

/* Marks that a search looks through, by their combining class: through a letter (1), the points of Hebrew, Arabic and
 * Syriac (10 to 36), around a letter (200 to 240). Nuktas, viramas, voicing marks and vowels of other scripts stay. */
static bool is_accent(ucs4_t c) {
    int class = c < 0x300 ? 0 : uc_combining_class(c);
    return class == 1 || (class >= 10 && class <= 36) || class >= 200;
}

/* Takes the accents out of decomposed text, in place. */
static size_t drop_accents(uint8_t *s, size_t n) {
    size_t kept = 0;
    for (size_t i = 0; i < n;) {
        ucs4_t c = s[i];
        size_t bytes = c < 0x80 ? 1 : (size_t)u8_mbtoucr(&c, s + i, n - i);
        if (!is_accent(c)) {
            memmove(s + kept, s + i, bytes);
            kept += bytes;
        }
        i += bytes;
    }
    return kept;
}

/* Appends valid UTF-8 folded; false when that is not possible (out as before). */
static bool fold_unicode(struct str text, struct buf *out) {
    size_t n, folded_n, composed_n = 0;
    uint8_t *plain = u8_normalize(UNINORM_NFKD, (const uint8_t *)text.p, text.n, NULL, &n);
    uint8_t *folded = plain ? u8_casefold(plain, n, NULL, UNINORM_NFKD, NULL, &folded_n) : NULL, *composed = NULL;
    if (folded) {
        folded_n = drop_accents(folded, folded_n);
        composed = folded_n ? u8_normalize(UNINORM_NFC, folded, folded_n, NULL, &composed_n) : NULL;
    }
    bool ok = composed || (folded && folded_n == 0);
    if (composed)
        buf_add(out, composed, composed_n);
    free(plain), free(folded), free(composed);
    return ok;
}

void match_fold(struct str text, struct buf *out) {
    if (!is_seven_bit(text) && str_is_utf8(text) && fold_unicode(text, out))
        return;
    buf_reserve(out, text.n);
    for (size_t i = 0; i < text.n; i++)
        out->p[out->n + i] = ascii_lower(text.p[i]);
    out->n += text.n;
    out->p[out->n] = 0;
}

struct needle match_needle(struct arena *a, struct str text) {
    struct buf folded = BUF_EMPTY;
    match_fold(text, &folded);
    if (folded.n == 0) /* nothing, or nothing but accents, which are in no folded text */
        buf_add_str(&folded, text);
    struct needle n = {arena_str(a, buf_str(&folded)), is_seven_bit(buf_str(&folded))};
    buf_free(&folded);
    return n;
}

bool match_contains(const struct needle *n, struct str text, struct buf *scratch) {
    if (n->folded.n == 0)
        return true;
    if (text.n == 0 || (!n->ascii && is_seven_bit(text)))
        return false;
    buf_reset(scratch);
    match_fold(text, scratch);
    return str_find(buf_str(scratch), n->folded) >= 0;
}
