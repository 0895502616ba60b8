/* Bytes that claim to be a card: refused, or good enough to render, to find parts in and to be made bytes again. */
#include "mime/mime.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void render(const struct mime_card *card, struct buf *out) {
    mime_render_envelope(card->envelope, false, out);
    mime_render_body(card->root, true, out);
    mime_render_nstring(card->subject, out);
    mime_render_nstring(card->preview, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = ARENA_EMPTY;
    struct mime_card *card = mime_card_decode(&a, str_n(data, size));
    if (card) {
        struct buf first = BUF_EMPTY, second = BUF_EMPTY, bytes = BUF_EMPTY;
        render(card, &first);
        mime_find_part(card->root, (uint32_t[]){1, 2, 1}, 3);
        mime_card_encode(card, &bytes);
        struct mime_card *again = mime_card_decode(&a, buf_str(&bytes));
        if (!again)
            abort();
        render(again, &second);
        if (!str_eq(buf_str(&first), buf_str(&second)))
            abort();
        buf_free(&first), buf_free(&second), buf_free(&bytes);
    }
    arena_free(&a);
    return 0;
}
