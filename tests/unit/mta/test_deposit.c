#include "deposit/deposit.h"
#include "mime/mime.h"

#include <stdlib.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct arena arena = ARENA_EMPTY;
static struct message out;

static int begin(void **state) {
    (void)state;
    message_begin(&out);
    return 0;
}

static int end(void **state) {
    (void)state;
    message_end(&out);
    arena_free(&arena);
    return 0;
}

static struct str without_nul(struct str message, const char *spool) {
    struct str without;
    struct err err = {""};
    assert_true(deposit_without_nul(&arena, message, spool, &out, &without, &err));
    assert_null(memchr(without.p, 0, without.n));
    return without;
}

static void a_part_with_nul_becomes_base64(void **state) {
    (void)state;
    static const char text[] =
        "Subject: x\r\nContent-Type: application/x\r\nContent-Transfer-Encoding: binary\r\n\r\n\0\1\r\2";
    assert_true(str_eq(without_nul(str_n(text, sizeof text - 1), "/nonexistent"),
                       STR("Subject: x\r\nContent-Type: application/x\r\nMIME-Version: 1.0\r\n"
                           "Content-Transfer-Encoding: base64\r\n\r\nAAENAg==\r\n")));
}

static void nul_where_no_encoding_reaches_becomes_a_blank(void **state) {
    (void)state;
    static const char text[] = "Content-Type: multipart/mixed; boundary=b\r\n\r\npre\0amble\r\n"
                               "--b\r\nSubject: in\0ner\r\n\r\ntext\r\n--b--\r\nbe\0hind\r\n",
                      lost[] = "Content-Type: multipart/mixed\r\n\r\nno\0parts\r\n";
    assert_true(str_eq(without_nul(str_n(text, sizeof text - 1), "/nonexistent"),
                       STR("Content-Type: multipart/mixed; boundary=b\r\n\r\npre amble\r\n"
                           "--b\r\nSubject: in ner\r\n\r\ntext\r\n--b--\r\nbe hind\r\n")));
    message_end(&out);
    message_begin(&out);
    assert_true(str_eq(without_nul(str_n(lost, sizeof lost - 1), "/nonexistent"),
                       STR("Content-Type: multipart/mixed\r\n\r\nno parts\r\n")));
}

static struct buf large(void) {
    struct buf m = BUF_EMPTY;
    buf_add_c(&m, "Content-Type: application/x\r\n\r\n");
    for (int i = 0; i < 3 << 20; i++)
        buf_add_byte(&m, (char)(i * 7 / 3));
    return m;
}

static void a_large_one_goes_through_a_file(void **state) {
    (void)state;
    char folder[] = "/tmp/mansio-deposit-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct buf m = large(), plain = BUF_EMPTY;
    struct str without = without_nul(buf_str(&m), folder);
    assert_true(out.fd >= 0 && out.bytes.cap < 4 << 20);
    mime_decode_transfer(STR("base64"), str_sub(without, mime_header_length(without), without.n), &plain);
    assert_true(str_eq(buf_str(&plain), str_sub(buf_str(&m), mime_header_length(buf_str(&m)), m.n)));
    buf_free(&plain);
    buf_free(&m);
    assert_int_equal(rmdir(folder), 0);
}

static void where_there_is_no_room_it_says_so(void **state) {
    (void)state;
    struct buf m = large();
    struct str without;
    struct err err = {""};
    assert_false(deposit_without_nul(&arena, buf_str(&m), "/nonexistent", &out, &without, &err));
    assert_non_null(strstr(err.text, "/nonexistent"));
    buf_free(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_part_with_nul_becomes_base64, begin, end),
        cmocka_unit_test_setup_teardown(nul_where_no_encoding_reaches_becomes_a_blank, begin, end),
        cmocka_unit_test_setup_teardown(a_large_one_goes_through_a_file, begin, end),
        cmocka_unit_test_setup_teardown(where_there_is_no_room_it_says_so, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
