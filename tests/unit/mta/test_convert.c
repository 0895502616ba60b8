#include "convert/convert.h"
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
        cmocka_unit_test_teardown(signatures_are_seen, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
