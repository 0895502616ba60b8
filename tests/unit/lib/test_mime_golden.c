/* Messages of tests/unit/lib/data/mime beside what is to be made of them (NAME.eml, NAME.expect).
 * UPDATE_GOLDEN=1 writes the expectations anew: read the difference before it is committed. */
#include "mime_fixture.h"

#include <glob.h>

static void show_text(struct buf *out, const char *label, struct str text) {
    buf_printf(out, "%s ", label);
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == '\r' || c == '\n' || c < ' ')
            buf_printf(out, "\\x%02x", c);
        else
            buf_add_byte(out, (char)c);
    }
    buf_add_byte(out, '\n');
}

/* Each part by its section, with its decoded body where it is text. */
static void show_parts(struct buf *out, const struct mime_part *p, struct str message) {
    struct buf body = BUF_EMPTY, text = BUF_EMPTY, section = BUF_EMPTY;
    struct arena a = ARENA_EMPTY;
    mime_part_section(p, &section);
    buf_printf(out, "part [%.*s] %.*s/%.*s header %llu+%llu body %llu+%llu lines %llu", STR_ARG(buf_str(&section)),
               STR_ARG(p->type), STR_ARG(p->subtype), (unsigned long long)p->header_offset,
               (unsigned long long)p->header_bytes, (unsigned long long)p->body_offset,
               (unsigned long long)p->body_bytes, (unsigned long long)p->body_lines);
    if (mime_part_filename(p).n)
        buf_printf(out, " name %.*s", STR_ARG(mime_part_filename(p)));
    buf_add_byte(out, '\n');
    if (!p->child) {
        mime_decode_transfer(p->encoding, str_sub(message, p->body_offset, p->body_bytes), &body);
        mime_decode_charset(mime_parameter_get(p->parameter, p->parameter_count, STR("charset")), buf_str(&body),
                            &text);
        show_text(out, "  text", buf_str(&text));
    }
    for (const struct mime_part *child = p->child; child; child = child->next)
        show_parts(out, child, message);
    buf_free(&body), buf_free(&text), buf_free(&section), arena_free(&a);
}

static void show_card(struct buf *out, const struct mime_card *card, struct str message) {
    struct buf envelope = BUF_EMPTY, body = BUF_EMPTY, structure = BUF_EMPTY;
    mime_render_envelope(card->envelope, false, &envelope);
    mime_render_body(card->root, false, &body);
    mime_render_body(card->root, true, &structure);
    show_text(out, "ENVELOPE", buf_str(&envelope));
    show_text(out, "BODY", buf_str(&body));
    show_text(out, "BODYSTRUCTURE", buf_str(&structure));
    show_text(out, "subject", card->subject);
    show_text(out, "base", card->base_subject);
    show_text(out, "from", card->from_name);
    show_text(out, "references", card->references);
    show_text(out, "preview", card->preview);
    buf_printf(out, "sent %lld attachment %d truncated %d\n", (long long)card->sent_at, card->has_attachment,
               card->truncated);
    show_parts(out, card->root, message);
    buf_free(&envelope), buf_free(&body), buf_free(&structure);
}

static void check_file(const char *path) {
    struct buf file = BUF_EMPTY, message = BUF_EMPTY, got = BUF_EMPTY, want = BUF_EMPTY, bytes = BUF_EMPTY,
               again = BUF_EMPTY;
    struct arena a = ARENA_EMPTY;
    assert_true(read_file(path, &file));
    add_with_crlf(&message, buf_str(&file));
    struct mime_card *card = mime_parse(&a, buf_str(&message));
    show_card(&got, card, buf_str(&message));
    mime_card_encode(card, &bytes);
    struct mime_card *decoded = mime_card_decode(&a, buf_str(&bytes));
    assert_non_null(decoded);
    show_card(&again, decoded, buf_str(&message));
    assert_str(buf_str(&again), got.p);

    char expect[512];
    snprintf(expect, sizeof expect, "%.*s.expect", (int)(strlen(path) - 4), path);
    if (getenv("UPDATE_GOLDEN")) {
        FILE *f = fopen(expect, "wb");
        assert_non_null(f);
        fwrite(got.p, 1, got.n, f);
        fclose(f);
    }
    assert_true(read_file(expect, &want));
    if (!str_eq(buf_str(&got), buf_str(&want)))
        fail_msg("%s: got\n%s\nwant\n%s", path, got.p, want.p);
    buf_free(&file), buf_free(&message), buf_free(&got), buf_free(&want), buf_free(&bytes), buf_free(&again);
    arena_free(&a);
}

static void messages_give_the_expected_cards(void **state) {
    (void)state;
    glob_t files;
    assert_int_equal(glob("tests/unit/lib/data/mime/*.eml", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++)
        check_file(files.gl_pathv[i]);
    assert_true(files.gl_pathc >= 8);
    globfree(&files);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(messages_give_the_expected_cards)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
