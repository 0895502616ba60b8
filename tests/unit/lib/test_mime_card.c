#include "mime_fixture.h"

static struct arena arena = ARENA_EMPTY;

static int reset(void **state) {
    (void)state;
    arena_free(&arena);
    return 0;
}

static const char message[] =
    "Date: Sun, 1 Mar 2026 12:00:00 +0000\r\nFrom: Ann <ann@example.org>\r\nTo: g: b@example.org, c@example.net;\r\n"
    "Subject: Re: =?utf-8?q?caf=C3=A9?=\r\nMessage-ID: <2@example.org>\r\nIn-Reply-To: <1@example.org>\r\n"
    "Content-Type: multipart/mixed; boundary=\"x\"\r\n\r\n"
    "--x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Language: en\r\n\r\nhello there\r\n"
    "--x\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nx\r\n"
    "--x\r\nContent-Type: image/png; name=a.png\r\nContent-Disposition: attachment; filename=a.png\r\n"
    "Content-ID: <i>\r\nContent-Description: d\r\nContent-MD5: m\r\nContent-Location: l\r\n\r\n\x89PNG\r\n--x--\r\n";

static struct str show(const struct mime_card *card) {
    struct buf out = BUF_EMPTY;
    mime_render_envelope(card->envelope, false, &out);
    mime_render_body(card->root, true, &out);
    buf_printf(&out, " %llu %lld %d %d ", (unsigned long long)card->size, (long long)card->sent_at,
               card->has_attachment, card->truncated);
    struct str s[] = {card->subject, card->base_subject, card->from_name, card->preview, card->references};
    for (size_t i = 0; i < 5; i++) {
        buf_add_str(&out, s[i]);
        buf_add_byte(&out, '|');
    }
    struct str shown = arena_str(&arena, buf_str(&out));
    buf_free(&out);
    return shown;
}

static void a_card_comes_back_from_its_bytes(void **state) {
    (void)state;
    struct mime_card *card = mime_parse(&arena, str_of(message));
    struct buf bytes = BUF_EMPTY;
    mime_card_encode(card, &bytes);
    struct mime_card *back = mime_card_decode(&arena, buf_str(&bytes));
    assert_non_null(back);
    assert_str(show(back), show(card).p);
    uint32_t path[] = {2, 1};
    const struct mime_part *was = mime_find_part(card->root, path, 2), *is = mime_find_part(back->root, path, 2);
    assert_int_equal(is->body_offset, was->body_offset);
    assert_int_equal(is->header_offset, was->header_offset);
    assert_int_equal(is->number, was->number);
    assert_non_null(is->parent->envelope);
    buf_free(&bytes);
}

static void a_typical_card_is_a_few_hundred_bytes(void **state) {
    (void)state;
    struct buf bytes = BUF_EMPTY;
    mime_card_encode(mime_parse(&arena, str_of(message)), &bytes);
    assert_true(bytes.n < 350);
    buf_free(&bytes);
}

static void a_cut_card_is_no_card(void **state) {
    (void)state;
    struct buf bytes = BUF_EMPTY;
    mime_card_encode(mime_parse(&arena, str_of(message)), &bytes);
    for (size_t n = 0; n < bytes.n; n++)
        assert_null(mime_card_decode(&arena, str_n(bytes.p, n)));
    buf_add_byte(&bytes, 0);
    assert_null(mime_card_decode(&arena, buf_str(&bytes)));
    buf_free(&bytes);
}

static void a_card_of_another_version_is_no_card(void **state) {
    (void)state;
    struct buf bytes = BUF_EMPTY;
    mime_card_encode(mime_parse(&arena, str_of(message)), &bytes);
    bytes.p[1]++;
    assert_null(mime_card_decode(&arena, buf_str(&bytes)));
    buf_free(&bytes);
}

/* Whatever is changed, decoding stays within its bytes (sanitizers watch) and what it gives can be rendered. */
static void a_damaged_card_does_no_harm(void **state) {
    (void)state;
    struct buf bytes = BUF_EMPTY;
    mime_card_encode(mime_parse(&arena, str_of(message)), &bytes);
    for (size_t i = 2; i < bytes.n; i++) {
        for (int k = 0; k < 256; k += 5) {
            char was = bytes.p[i];
            bytes.p[i] = (char)k;
            struct arena a = ARENA_EMPTY;
            struct mime_card *card = mime_card_decode(&a, buf_str(&bytes));
            if (card)
                show(card);
            arena_free(&a);
            bytes.p[i] = was;
        }
    }
    buf_free(&bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_card_comes_back_from_its_bytes, reset),
        cmocka_unit_test_teardown(a_typical_card_is_a_few_hundred_bytes, reset),
        cmocka_unit_test_teardown(a_cut_card_is_no_card, reset),
        cmocka_unit_test_teardown(a_card_of_another_version_is_no_card, reset),
        cmocka_unit_test_teardown(a_damaged_card_does_no_harm, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
