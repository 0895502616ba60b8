/* A whole message: parsed, rendered, made bytes and read back, which must render the same. */
#include "mime/mime.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition) {
    if (!condition)
        abort();
}

static void check_part(const struct mime_part *p, struct str message) {
    require(p->header_offset + p->header_bytes == p->body_offset && p->body_offset + p->body_bytes <= message.n);
    struct str body = str_sub(message, p->body_offset, p->body_bytes);
    uint64_t lines = 0;
    for (size_t i = 0; i < body.n; i++)
        lines += body.p[i] == '\n';
    require(lines == p->body_lines);
    uint64_t from = p->body_offset;
    for (const struct mime_part *child = p->child; child; child = child->next) {
        require(child->parent == p && child->header_offset >= from);
        from = child->body_offset + child->body_bytes;
        require(from <= p->body_offset + p->body_bytes || child->body_bytes == 0);
        check_part(child, message);
    }
}

/* Each part is found again by its own section path. */
static void check_section(const struct mime_card *card, const struct mime_part *p) {
    struct buf section = BUF_EMPTY;
    mime_part_section(p, &section);
    uint32_t path[128];
    size_t n = 0;
    struct str rest = buf_str(&section), number;
    while (rest.n && str_split(&rest, '.', &number))
        require(str_u32(number, &path[n++]));
    const struct mime_part *found = mime_find_part(card->root, path, n);
    require(found == p || (found && found->child == p) || n == 0);
    buf_free(&section);
    for (const struct mime_part *child = p->child; child; child = child->next)
        check_section(card, child);
}

/* Valid UTF-8 without control characters, those of U+0080 to U+009F among them. */
static bool one_line(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f ||
            (s.p[i] == '\xc2' && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xa0))
            return false;
    return str_is_utf8(s);
}

static void render(const struct mime_card *card, struct buf *out) {
    mime_render_envelope(card->envelope, false, out);
    mime_render_envelope(card->envelope, true, out);
    mime_render_body(card->root, true, out);
    mime_render_body(card->root, false, out);
    struct str strings[] = {card->subject, card->base_subject, card->from_name, card->preview};
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
        require(one_line(strings[i]));
        mime_render_nstring(strings[i], out);
    }
    mime_render_nstring(card->references, out);
    require(!out->n || !memchr(out->p, 0, out->n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = ARENA_EMPTY;
    struct buf first = BUF_EMPTY, second = BUF_EMPTY, bytes = BUF_EMPTY;
    struct str message = str_n(data, size);
    struct mime_card *card = mime_parse(&a, message);
    check_part(card->root, message);
    check_section(card, card->root);
    require(card->root->header_bytes == mime_header_length(message));
    render(card, &first);
    mime_card_encode(card, &bytes);
    struct mime_card *back = mime_card_decode(&a, buf_str(&bytes));
    require(back && back->sent_at == card->sent_at && back->size == size);
    require(back->has_attachment == card->has_attachment && back->truncated == card->truncated);
    check_part(back->root, message);
    render(back, &second);
    require(str_eq(buf_str(&first), buf_str(&second)));
    buf_free(&first), buf_free(&second), buf_free(&bytes);
    arena_free(&a);
    return 0;
}
