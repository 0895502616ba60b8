#include "mime/convert.h"
#include "mime/mime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct arena arena = ARENA_EMPTY;

static struct buf convert(struct str message, enum convert_to to) {
    struct buf out = BUF_EMPTY;
    convert_message(&arena, message, to, &out);
    return out;
}

/* The part's content as a reader has it. */
static struct buf content(struct str message, const struct mime_part *part) {
    struct buf out = BUF_EMPTY;
    mime_decode_transfer(part->encoding, str_sub(message, part->body_offset, part->body_bytes), &out);
    return out;
}

static void assert_content(struct str message, const struct mime_part *part, struct str want) {
    struct buf got = content(message, part);
    if (!str_eq(buf_str(&got), want))
        fail_msg("\"%.*s\"", STR_ARG(buf_str(&got)));
    buf_free(&got);
}

static void what_everybody_takes_stays_byte_for_byte(void **state) {
    (void)state;
    struct str plain = STR("From: a@b\r\nSubject:  folded\r\n\tline\r\n\r\nbody\r\n.\r\n");
    struct str multipart =
        STR("Content-Type: multipart/mixed; boundary=x\r\nContent-Transfer-Encoding: 7bit\r\n\r\npre\r\n"
            "--x\r\n\r\none\r\n--x\r\nContent-Type: text/html\r\n\r\ntwo\r\n--x--\r\nbehind\r\n");
    struct buf a = convert(plain, CONVERT_7BIT), b = convert(multipart, CONVERT_7BIT);
    assert_true(str_eq(buf_str(&a), plain));
    assert_true(str_eq(buf_str(&b), multipart));
    buf_free(&a);
    buf_free(&b);
}

static void text_becomes_quoted_printable(void **state) {
    (void)state;
    struct buf m = convert(STR("Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                               "Content-Transfer-Encoding: 8bit\r\n\r\ngr\xc3\xbcn\r\n"),
                           CONVERT_7BIT);
    assert_true(str_eq(buf_str(&m), STR("Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                                        "Content-Transfer-Encoding: quoted-printable\r\n\r\ngr=C3=BCn\r\n")));
    buf_free(&m);
}

static void text_that_says_nothing_of_itself_gets_its_fields(void **state) {
    (void)state;
    struct buf m = convert(STR("Subject: x\r\n\r\ngr\xfcn\r\n"), CONVERT_7BIT);
    assert_true(str_eq(buf_str(&m), STR("Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; "
                                        "charset=unknown-8bit\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
                                        "gr=FCn\r\n")));
    buf_free(&m);
}

static const char nested[] =
    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    "--x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\ngr\xc3\xbcn\r\n"
    "--x\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n\0\1\n.\n\r.\r\xff\r\n"
    "--x\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\nSubject: "
    "inner\r\n\r\nsch\xc3\xb6n\r\n"
    "--x--\r\n";

static void assert_nested(enum convert_to to, const char *encoding, const char *text) {
    struct buf m = convert(str_n(nested, sizeof nested - 1), to);
    struct str message = buf_str(&m);
    const struct mime_part *root = mime_parse(&arena, message)->root, *part = root->child;
    assert_true(str_eq(root->encoding, str_of(encoding)));
    assert_true(str_eq(part->encoding, str_of(text)));
    assert_content(message, part, STR("gr\xc3\xbcn"));
    assert_true(str_eq(part->next->encoding, STR("base64")));
    assert_content(message, part->next, STR("\0\1\n.\n\r.\r\xff"));
    part = part->next->next;
    assert_true(str_eq(part->encoding, str_of(encoding)));
    assert_true(str_eq(part->child->encoding, str_of(to == CONVERT_7BIT ? text : "7bit")));
    assert_content(message, part->child, STR("sch\xc3\xb6n"));
    assert_true(!part->next);
    assert_null(memchr(message.p, 0, message.n));
    assert_int_equal(str_is_ascii(message), to == CONVERT_7BIT);
    buf_free(&m);
}

static void binary_parts_become_base64(void **state) {
    (void)state;
    assert_nested(CONVERT_8BIT, "8bit", "8bit");
    assert_nested(CONVERT_7BIT, "7bit", "quoted-printable");
}

static void lines_that_are_too_long_are_broken(void **state) {
    (void)state;
    struct buf m = BUF_EMPTY, body = BUF_EMPTY;
    for (int i = 0; i < 2000; i++)
        buf_add_byte(&body, 'x');
    buf_add_c(&m, "Content-Type: text/plain\r\n\r\n");
    buf_add_str(&m, buf_str(&body));
    struct buf out = convert(buf_str(&m), CONVERT_8BIT);
    struct str rest = buf_str(&out), line;
    while (str_split(&rest, '\n', &line))
        assert_true(line.n <= 80);
    assert_content(buf_str(&out), mime_parse(&arena, buf_str(&out))->root, buf_str(&body));
    buf_free(&m);
    buf_free(&body);
    buf_free(&out);
}

static void an_international_message_inside_is_encoded_as_a_whole(void **state) {
    (void)state;
    struct buf m =
        convert(STR("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: message/global\r\n\r\n"
                    "Subject: gr\xc3\xbcn\r\n\r\nbody\r\n--x--\r\n"),
                CONVERT_7BIT);
    const struct mime_part *part = mime_parse(&arena, buf_str(&m))->root->child;
    assert_true(str_is_ascii(buf_str(&m)));
    assert_true(str_eq(part->encoding, STR("base64")));
    assert_content(buf_str(&m), part, STR("Subject: gr\xc3\xbcn\r\n\r\nbody"));
    buf_free(&m);
}

static void for_no_nul_only_what_holds_nul_changes(void **state) {
    (void)state;
    static const char text[] =
        "Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nlone\nline \xff\r\n"
        "--b\r\nContent-Type: image/x\r\nContent-Transfer-Encoding: binary\r\n\r\n\0\1\r\2\r\n"
        "--b\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC\0AwQF\r\n--b--\r\n";
    struct buf out = convert(str_n(text, sizeof text - 1), CONVERT_NO_NUL);
    const struct mime_part *part = mime_parse(&arena, buf_str(&out))->root->child;
    assert_null(memchr(out.p, 0, out.n));
    assert_content(buf_str(&out), part, STR("lone\nline \xff"));
    assert_true(str_eq(part->encoding, STR("7bit")));
    assert_true(str_eq(part->next->encoding, STR("base64")));
    assert_content(buf_str(&out), part->next, STR("\0\1\r\2"));
    assert_content(buf_str(&out), part->next->next, STR("\0\1\2\3\4\5"));
    buf_free(&out);
}

/* Parts that stay are binary or 8-bit still, so what is around them goes on saying so. */
static void without_nul_a_multipart_says_what_the_parts_that_stay_are(void **state) {
    (void)state;
    static const char text[] = "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\n"
                               "--b\r\nContent-Transfer-Encoding: binary\r\n\r\na\nb\xff\r\n"
                               "--b\r\nContent-Transfer-Encoding: binary\r\n\r\n\0\1\r\n--b--\r\n";
    struct buf out = convert(str_n(text, sizeof text - 1), CONVERT_NO_NUL);
    const struct mime_part *root = mime_parse(&arena, buf_str(&out))->root;
    assert_null(memchr(out.p, 0, out.n));
    assert_true(str_eq(root->encoding, STR("binary")));
    assert_true(str_eq(root->child->encoding, STR("binary")));
    assert_true(str_eq(root->child->next->encoding, STR("base64")));
    buf_free(&out);
}

static bool add_to(void *context, struct str piece) {
    buf_add_str(context, piece);
    return piece.n < 200 * 1024;
}

static void in_pieces_it_comes_out_the_same(void **state) {
    (void)state;
    struct buf m = BUF_EMPTY, pieces = BUF_EMPTY;
    buf_add_c(&m, "Content-Type: application/x\r\n\r\n");
    for (int i = 0; i < 500000; i++)
        buf_add_byte(&m, (char)(i * 7 / 3));
    struct buf whole = convert(buf_str(&m), CONVERT_NO_NUL);
    assert_true(convert_pieces(&arena, buf_str(&m), CONVERT_NO_NUL, add_to, &pieces));
    assert_true(str_eq(buf_str(&whole), buf_str(&pieces)));
    buf_free(&m);
    buf_free(&pieces);
    buf_free(&whole);
}

/* Cut anywhere, decoding gives what it gives in one go. */
static void assert_decodes_in_pieces(const char *encoding, struct str body) {
    struct buf want = BUF_EMPTY;
    mime_decode_transfer(str_of(encoding), body, &want);
    for (size_t piece = 1; piece <= body.n; piece++) {
        struct buf got = BUF_EMPTY;
        struct mime_decoder d;
        assert_true(mime_decoder_init(&d, str_of(encoding)));
        for (size_t at = 0; at < body.n; at += piece)
            mime_decoder_add(&d, str_sub(body, at, piece), &got);
        mime_decoder_end(&d, &got);
        assert_true(str_eq(buf_str(&got), buf_str(&want)));
        buf_free(&got);
    }
    buf_free(&want);
}

static void bodies_are_decoded_in_pieces_of_any_size(void **state) {
    (void)state;
    assert_decodes_in_pieces("base64", STR("SGVs\r\nbG8g d29ybGQhISE\r\n=zzzz"));
    assert_decodes_in_pieces("BASE64", STR("SGVsbG8gd29ybGQ=\r\nSGVs"));
    assert_decodes_in_pieces("quoted-printable", STR("a=20b=\r\nc  \r\nd= \t\r\n=3D=3d=zz=\ne  "));
    assert_decodes_in_pieces("8bit", STR("a\xff\0b\r\n"));
    struct mime_decoder d;
    assert_false(mime_decoder_init(&d, STR("x-uuencode")));
}

/* Memory does not grow with a line that never ends. */
static void an_endless_quoted_line_is_decoded_as_it_comes(void **state) {
    (void)state;
    struct buf body = BUF_EMPTY, want = BUF_EMPTY, got = BUF_EMPTY;
    for (int i = 0; i < 100000; i++)
        buf_add_c(&body, i % 50 ? "=41b " : "=4");
    struct mime_decoder d;
    mime_decode_transfer(STR("quoted-printable"), buf_str(&body), &want);
    mime_decoder_init(&d, STR("quoted-printable"));
    for (size_t at = 0; at < body.n; at += 1000) {
        mime_decoder_add(&d, str_sub(buf_str(&body), at, 1000), &got);
        assert_true(d.line.n <= 66 * 1024);
    }
    mime_decoder_end(&d, &got);
    assert_true(str_eq(buf_str(&got), buf_str(&want)));
    buf_free(&body);
    buf_free(&want);
    buf_free(&got);
}

static void signatures_are_seen(void **state) {
    (void)state;
    assert_true(convert_breaks_signature(&arena, STR("DKIM-Signature: v=1; a=b\r\nSubject: x\r\n\r\nbody\r\n")));
    assert_true(convert_breaks_signature(
        &arena, STR("Content-Type: multipart/signed; boundary=x\r\n\r\n--x\r\n\r\na\r\n--x\r\n\r\nb\r\n--x--\r\n")));
    assert_false(convert_breaks_signature(&arena, STR("Subject: x\r\n\r\nDKIM-Signature: no\r\n")));
}

static int reset(void **state) {
    (void)state;
    arena_free(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_everybody_takes_stays_byte_for_byte, reset),
        cmocka_unit_test_teardown(text_becomes_quoted_printable, reset),
        cmocka_unit_test_teardown(text_that_says_nothing_of_itself_gets_its_fields, reset),
        cmocka_unit_test_teardown(binary_parts_become_base64, reset),
        cmocka_unit_test_teardown(lines_that_are_too_long_are_broken, reset),
        cmocka_unit_test_teardown(an_international_message_inside_is_encoded_as_a_whole, reset),
        cmocka_unit_test_teardown(for_no_nul_only_what_holds_nul_changes, reset),
        cmocka_unit_test_teardown(without_nul_a_multipart_says_what_the_parts_that_stay_are, reset),
        cmocka_unit_test_teardown(in_pieces_it_comes_out_the_same, reset),
        cmocka_unit_test_teardown(bodies_are_decoded_in_pieces_of_any_size, reset),
        cmocka_unit_test_teardown(an_endless_quoted_line_is_decoded_as_it_comes, reset),
        cmocka_unit_test_teardown(signatures_are_seen, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
