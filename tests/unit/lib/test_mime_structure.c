#include "mime_fixture.h"

static struct arena arena = ARENA_EMPTY;

static int reset(void **state) {
    (void)state;
    arena_free(&arena);
    return 0;
}

static struct mime_card *parse(const char *message) { return mime_parse(&arena, str_of(message)); }

static const struct mime_part *find(const struct mime_card *card, size_t count, uint32_t a, uint32_t b, uint32_t c) {
    uint32_t path[] = {a, b, c};
    return mime_find_part(card->root, path, count);
}

static struct str body_of(const char *message, const struct mime_part *p) {
    return str_sub(str_of(message), p->body_offset, p->body_bytes);
}

static struct str structure(const struct mime_card *card, bool extensible) {
    struct buf out = BUF_EMPTY;
    mime_render_body(card->root, extensible, &out);
    struct str s = arena_str(&arena, buf_str(&out));
    buf_free(&out);
    return s;
}

static void a_single_part_message_has_its_body_as_part_1(void **state) {
    (void)state;
    struct mime_card *card = parse("Subject: x\r\n\r\nhello\r\n");
    assert_ptr_equal(find(card, 0, 0, 0, 0), card->root);
    assert_ptr_equal(find(card, 1, 1, 0, 0), card->root);
    assert_null(find(card, 1, 2, 0, 0));
    assert_null(find(card, 2, 1, 1, 0));
    assert_str(structure(card, false), "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 7 1)");
    assert_str(structure(card, true), "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 7 1 NIL NIL NIL NIL)");
}

static void parts_of_a_message_inside_are_numbered_below_it(void **state) {
    (void)state;
    const char *message =
        "Content-Type: multipart/mixed; boundary=a\r\n\r\n"
        "--a\r\n\r\none\r\n"
        "--a\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\ntwo\r\n"
        "--a\r\nContent-Type: message/rfc822\r\n\r\n"
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nthree\r\n--b\r\n\r\nfour\r\n--b--\r\n"
        "--a--\r\n";
    struct mime_card *card = parse(message);
    assert_str(body_of(message, find(card, 1, 1, 0, 0)), "one");
    assert_str(body_of(message, find(card, 1, 2, 0, 0)), "Subject: in\r\n\r\ntwo");
    assert_str(body_of(message, find(card, 2, 2, 1, 0)), "two");
    assert_null(find(card, 2, 2, 2, 0));
    assert_null(find(card, 3, 2, 1, 1));
    assert_str(body_of(message, find(card, 2, 3, 1, 0)), "three");
    assert_str(body_of(message, find(card, 2, 3, 2, 0)), "four");
    assert_null(find(card, 1, 4, 0, 0));
    assert_null(find(card, 1, 0, 0, 0));
    struct buf section = BUF_EMPTY;
    mime_part_section(find(card, 2, 3, 2, 0), &section);
    assert_str(buf_str(&section), "3.2");
    buf_free(&section);
}

static void a_multipart_without_parts_is_shown_as_text_and_is_part_1(void **state) {
    (void)state;
    struct mime_card *card = parse("Content-Type: multipart/mixed; boundary=nowhere\r\n\r\ntext\r\n");
    assert_str(structure(card, false), "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 6 1)");
    assert_ptr_equal(find(card, 1, 1, 0, 0), card->root);
    assert_str(card->preview, "text");
    card = parse("Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n--a--\r\n");
    assert_str(structure(card, false), "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 12 2)");
}

static void a_boundary_ends_everything_open_inside(void **state) {
    (void)state;
    const char *message = "Content-Type: multipart/mixed; boundary=a\n\n"
                          "--a\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nnever closed\n"
                          "--a\n\nlast\n--a--\nepilogue\n--a\n\nnot a part\n";
    struct mime_card *card = parse(message);
    assert_str(body_of(message, find(card, 2, 1, 1, 0)), "never closed");
    assert_str(body_of(message, find(card, 1, 2, 0, 0)), "last");
    assert_null(find(card, 1, 3, 0, 0));
}

static void a_boundary_that_begins_another_is_told_apart(void **state) {
    (void)state;
    const char *message = "Content-Type: multipart/mixed; boundary=\"a\"\n\n"
                          "--a\nContent-Type: multipart/mixed; boundary=\"a b\"\n\n--a b\n\nin\n--ab\n--a b--\n"
                          "--a  \t\n\nout\n--a-- \n";
    struct mime_card *card = parse(message);
    assert_str(body_of(message, find(card, 2, 1, 1, 0)), "in\n--ab");
    assert_str(body_of(message, find(card, 1, 2, 0, 0)), "out");
}

static void boundary_lines_need_a_line_of_their_own(void **state) {
    (void)state;
    const char *message = "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\nx--a\r\n --a\r\ny\r\n--a--";
    assert_str(body_of(message, find(parse(message), 1, 1, 0, 0)), "x--a\r\n --a\r\ny");
}

static void a_part_cut_off_by_the_end_keeps_its_bytes(void **state) {
    (void)state;
    const char *message = "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\nno end\r\n";
    const struct mime_part *p = find(parse(message), 1, 1, 0, 0);
    assert_str(body_of(message, p), "no end\r\n");
    assert_int_equal(p->body_lines, 1);
}

static void a_part_may_be_empty_or_cut_off_in_its_header(void **state) {
    (void)state;
    const char *message =
        "Content-Type: multipart/mixed; boundary=a\r\n\r\n"
        "--a\r\n\r\n--a\r\nContent-Type: image/png\r\n--a\r\nContent-Type: text/html\r\n\r\n\r\n--a--\r\n";
    struct mime_card *card = parse(message);
    assert_int_equal(find(card, 1, 1, 0, 0)->body_bytes, 0);
    assert_str(find(card, 1, 2, 0, 0)->type, "image");
    assert_int_equal(find(card, 1, 2, 0, 0)->body_bytes, 0);
    assert_str(find(card, 1, 3, 0, 0)->subtype, "html");
    assert_int_equal(find(card, 1, 3, 0, 0)->body_bytes, 0);
    assert_int_equal(find(card, 1, 3, 0, 0)->body_lines, 0);
}

static void a_forgotten_empty_line_loses_no_text(void **state) {
    (void)state;
    const char *message = "Subject: x\nHello there.\nAnd more.\n\nEnd.\n";
    struct mime_card *card = parse(message);
    assert_str(body_of(message, card->root), "Hello there.\nAnd more.\n\nEnd.\n");
    assert_int_equal(mime_header_length(str_of(message)), card->root->header_bytes);
    message = "just text\n";
    assert_int_equal(mime_header_length(str_of(message)), 0);
    assert_str(body_of(message, parse(message)->root), "just text\n");
}

static void a_broken_field_does_not_end_the_header(void **state) {
    (void)state;
    const char *message = "From x@y Mon Jan  1 00:00:00 2024\nSubject: long\nbroken rest\nFrom: a@b\n\nbody\n";
    struct mime_card *card = parse(message);
    assert_str(body_of(message, card->root), "body\n");
    assert_str(card->from_name, "a@b");
    assert_int_equal(mime_header_length(str_of(message)), card->root->header_bytes);
}

static void the_first_of_two_fields_counts_but_recipients_add_up(void **state) {
    (void)state;
    struct mime_card *card = parse("From: a@b\nFrom: c@d\nSubject: one\nSubject: two\nTo: e@f\nTo: g@h, i@j\n"
                                   "Content-Type: text/html\nContent-Type: text/plain\n\n");
    assert_int_equal(card->envelope->from.count, 1);
    assert_str(card->subject, "one");
    assert_int_equal(card->envelope->to.count, 3);
    assert_str(card->root->subtype, "html");
}

static void envelope_strings_are_nil_when_absent_and_empty_when_empty(void **state) {
    (void)state;
    struct buf out = BUF_EMPTY;
    mime_render_envelope(parse("Subject:\nFrom: a@b\n\n")->envelope, false, &out);
    assert_str(
        buf_str(&out),
        "(NIL \"\" ((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\")) NIL NIL NIL NIL NIL)");
    buf_free(&out);
}

static void nstrings_are_quoted_or_literal_by_their_bytes(void **state) {
    (void)state;
    static const struct {
        struct str in;
        const char *want;
    } cases[] = {
        {{NULL, 0}, "NIL"},
        {{"", 0}, "\"\""},
        {{"a\"b\\c", 5}, "\"a\\\"b\\\\c\""},
        {{"a\r\nb", 4}, "{4}\r\na\r\nb"},
        {{"a\0b", 3}, "{2}\r\nab"},
        {{"\xe9", 1}, "{1}\r\n\xe9"},
        {{"tab\there", 8}, "\"tab\there\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = BUF_EMPTY;
        mime_render_nstring(cases[i].in, &out);
        assert_str(buf_str(&out), cases[i].want);
        buf_free(&out);
    }
}

static void utf8_is_quoted_for_clients_that_took_it(void **state) {
    (void)state;
    struct mime_envelope *e = parse("Subject: gr\xc3\xbc\xc3\x9f\n\n")->envelope;
    struct buf out = BUF_EMPTY;
    mime_render_envelope(e, true, &out);
    assert_true(str_starts(buf_str(&out), STR("(NIL \"gr\xc3\xbc\xc3\x9f\" NIL")));
    buf_reset(&out);
    mime_render_envelope(e, false, &out);
    assert_true(str_starts(buf_str(&out), STR("(NIL {6}\r\ngr\xc3\xbc\xc3\x9f NIL")));
    buf_free(&out);
}

static void the_base_subject_is_that_of_rfc_5256(void **state) {
    (void)state;
    static const struct {
        const char *subject, *base;
        bool reply;
    } cases[] = {
        {"Re: hello", "hello", true},
        {"RE : [list] Fwd: hello (fwd)", "hello", true},
        {"re[2]: hello", "hello", true},
        {"[list] [other] Re: hello", "hello", true},
        {"[only]", "[only]", false},
        {"[a] b", "b", false},
        {"[fwd: Re: hello]", "hello", true},
        {"Fw: [Fwd: hello (fwd)] (fwd)", "hello", true},
        {"Re:", "", true},
        {"Reply to you", "Reply to you", false},
        {"  many \t blanks  ", "many blanks", false},
        {"Fwdx: no", "Fwdx: no", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str message = arena_printf(&arena, "Subject: %s\n\n", cases[i].subject);
        assert_str(mime_parse(&arena, message)->base_subject, cases[i].base);
        assert_int_equal(mime_is_reply(&arena, str_of(cases[i].subject)), cases[i].reply);
    }
}

static void references_are_gathered_once_each_with_garbage_left_out(void **state) {
    (void)state;
    struct mime_card *card =
        parse("References: <a@b> word <c@d\n e> <f@g><a@b> (comment)\nIn-Reply-To: <h@i> <f@g>\n\n");
    assert_str(card->references, "<a@b> <f@g> <h@i>");
    assert_int_equal(card->reply_ids, 1);
    struct buf bytes = BUF_EMPTY;
    mime_card_encode(card, &bytes);
    assert_int_equal(mime_card_decode(&arena, buf_str(&bytes))->reply_ids, 1);
    buf_free(&bytes);
}

static void attachments_are_told_from_pictures_and_signatures(void **state) {
    (void)state;
    assert_false(parse("Content-Type: multipart/related; boundary=a\n\n--a\nContent-Type: text/html\n\nx\n"
                       "--a\nContent-Type: image/png\nContent-ID: <i>\n\nx\n--a--\n")
                     ->has_attachment);
    assert_false(parse("Content-Type: multipart/signed; boundary=a\n\n--a\n\nx\n"
                       "--a\nContent-Type: application/pgp-signature\n\nx\n--a--\n")
                     ->has_attachment);
    assert_true(
        parse("Content-Type: multipart/mixed; boundary=a\n\n--a\n\nx\n--a\nContent-Type: image/png\n\nx\n--a--\n")
            ->has_attachment);
    assert_true(parse("Content-Type: text/plain\nContent-Disposition: attachment\n\nx\n")->has_attachment);
    assert_false(parse("\n\nx\n")->has_attachment);
}

static void the_preview_is_words_of_the_first_readable_part(void **state) {
    (void)state;
    struct mime_card *card =
        parse("Content-Type: text/html; charset=utf-8\n\n<style>p{}</style><p>Hello&nbsp;&amp;&zwnj;&nbsp;\n"
              "w<b>or</b>ld<br>&#x263a;&unknown; a < b");
    assert_str(card->preview, "Hello & world \xe2\x98\xba a < b");
    card = parse("Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Disposition: attachment\n\nno\n--a\n\n "
                 "\n--a\n\nyes\n");
    assert_str(card->preview, "yes");
    struct buf out = BUF_EMPTY;
    buf_add_c(&out, "\n");
    for (int i = 0; i < 300; i++)
        buf_add_c(&out, "\xc3\xa9");
    assert_int_equal(mime_parse(&arena, buf_str(&out))->preview.n, 400);
    buf_free(&out);
}

static void fields_are_found_and_unfolded(void **state) {
    (void)state;
    struct str header = STR("not a field\r\nOne: 1\r\nTwo : a\r\n\tb\r\n  c\r\n: none\r\nthree:\r\n\r\nFour: 4\r\n");
    assert_str(mime_header_get(&arena, header, STR("two")), "a\tb  c");
    struct str empty = mime_header_get(&arena, header, STR("Three"));
    assert_true(empty.p && empty.n == 0);
    assert_null(mime_header_get(&arena, header, STR("four")).p);
    struct mime_field field;
    assert_true(mime_next_field(&header, &field));
    assert_str(field.name, "One");
    assert_str(field.raw, "One: 1\r\n");
    assert_true(mime_next_field(&header, &field));
    assert_str(field.body, " a\r\n\tb\r\n  c");
    assert_true(mime_next_field(&header, &field));
    assert_false(mime_next_field(&header, &field));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_single_part_message_has_its_body_as_part_1, reset),
        cmocka_unit_test_teardown(parts_of_a_message_inside_are_numbered_below_it, reset),
        cmocka_unit_test_teardown(a_multipart_without_parts_is_shown_as_text_and_is_part_1, reset),
        cmocka_unit_test_teardown(a_boundary_ends_everything_open_inside, reset),
        cmocka_unit_test_teardown(a_boundary_that_begins_another_is_told_apart, reset),
        cmocka_unit_test_teardown(boundary_lines_need_a_line_of_their_own, reset),
        cmocka_unit_test_teardown(a_part_cut_off_by_the_end_keeps_its_bytes, reset),
        cmocka_unit_test_teardown(a_part_may_be_empty_or_cut_off_in_its_header, reset),
        cmocka_unit_test_teardown(a_forgotten_empty_line_loses_no_text, reset),
        cmocka_unit_test_teardown(a_broken_field_does_not_end_the_header, reset),
        cmocka_unit_test_teardown(the_first_of_two_fields_counts_but_recipients_add_up, reset),
        cmocka_unit_test_teardown(envelope_strings_are_nil_when_absent_and_empty_when_empty, reset),
        cmocka_unit_test_teardown(nstrings_are_quoted_or_literal_by_their_bytes, reset),
        cmocka_unit_test_teardown(utf8_is_quoted_for_clients_that_took_it, reset),
        cmocka_unit_test_teardown(the_base_subject_is_that_of_rfc_5256, reset),
        cmocka_unit_test_teardown(references_are_gathered_once_each_with_garbage_left_out, reset),
        cmocka_unit_test_teardown(attachments_are_told_from_pictures_and_signatures, reset),
        cmocka_unit_test_teardown(the_preview_is_words_of_the_first_readable_part, reset),
        cmocka_unit_test_teardown(fields_are_found_and_unfolded, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
