#include "imap/collate.h"

#include <stdlib.h>
#include <unicase.h>
#include <uninorm.h>
#include <unistr.h>

/* Each character in title case, then all decomposed. NULL where that is not possible. */
static uint8_t *casemap(struct arena *a, struct str text, size_t *n) {
    uint8_t *titled = arena_alloc(a, text.n * 6 + 1);
    size_t at = 0;
    for (size_t i = 0; i < text.n;) {
        ucs4_t c = (unsigned char)text.p[i];
        size_t bytes = c < 0x80 ? 1 : (size_t)u8_mbtoucr(&c, (const uint8_t *)text.p + i, text.n - i);
        at += (size_t)u8_uctomb(titled + at, uc_totitle(c), 6);
        i += bytes;
    }
    return at ? u8_normalize(UNINORM_NFKD, titled, at, NULL, n) : NULL;
}

static struct str cut(struct str text) {
    if (text.n <= COLLATE_MAX_BYTES)
        return text;
    size_t n = COLLATE_MAX_BYTES;
    while (n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
        n--;
    return str_sub(text, 0, n);
}

struct str collate_key(struct arena *a, struct str text) {
    text = cut(text);
    bool plain = true;
    for (size_t i = 0; i < text.n; i++)
        plain = plain && (unsigned char)text.p[i] < 0x80;
    if (!plain && str_is_utf8(text)) {
        struct arena scratch = ARENA_EMPTY;
        size_t n = 0;
        uint8_t *mapped = casemap(&scratch, text, &n);
        struct str key = mapped ? arena_str(a, str_n(mapped, n)) : (struct str){NULL, 0};
        free(mapped);
        arena_free(&scratch);
        if (key.p)
            return key;
    }
    struct str key = arena_str(a, text);
    char *p = (char *)(uintptr_t)key.p;
    for (size_t i = 0; i < key.n; i++)
        p[i] = ascii_upper(p[i]);
    return key;
}
