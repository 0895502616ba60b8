#include "client/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_reply_of_several_lines_is_joined(void **state) {
    (void)state;
    struct smtp_reply r = {0};
    bool last;
    assert_true(reply_line(&r, STR("250-mx.example.org"), &last) && !last);
    assert_true(reply_line(&r, STR("250-SIZE 100"), &last) && !last);
    assert_true(reply_line(&r, STR("250 8BITMIME"), &last) && last);
    assert_int_equal(r.code, 250);
    assert_string_equal(r.status, "");
    assert_true(str_eq(buf_str(&r.text), STR("mx.example.org\nSIZE 100\n8BITMIME")));
    assert_true(str_eq(buf_str(&r.whole), STR("250-mx.example.org 250-SIZE 100 250 8BITMIME")));
    reply_free(&r);
}

static void the_enhanced_status_is_read(void **state) {
    (void)state;
    struct smtp_reply r = {0};
    bool last;
    assert_true(reply_line(&r, STR("550-5.1.1 No such user,"), &last));
    assert_true(reply_line(&r, STR("550 5.1.1 sorry"), &last) && last);
    assert_string_equal(r.status, "5.1.1");
    assert_true(str_eq(buf_str(&r.text), STR("No such user,\nsorry")));
    reply_free(&r);
}

/* "550 4.1.1" and the like are mistakes: the first digit of the code counts. */
static void a_status_of_another_class_is_text(void **state) {
    (void)state;
    static const char *const line[] = {"550 4.1.1 x", "550 5.1 x",  "550 5.1.1.1 x",
                                       "550 5.x.1 x", "550 5..1 x", "550 5.1234.1 x"};
    for (size_t i = 0; i < sizeof line / sizeof *line; i++) {
        struct smtp_reply r = {0};
        bool last;
        assert_true(reply_line(&r, str_of(line[i]), &last));
        assert_string_equal(r.status, "");
        reply_free(&r);
    }
}

static void what_is_no_reply_is_refused(void **state) {
    (void)state;
    static const char *const line[] = {"", "25", "abc", "150 x", "650 x", "250x", "HTTP/1.1 400 Bad"};
    for (size_t i = 0; i < sizeof line / sizeof *line; i++) {
        struct smtp_reply r = {0};
        bool last;
        assert_false(reply_line(&r, str_of(line[i]), &last));
        reply_free(&r);
    }
    struct smtp_reply r = {0};
    bool last;
    assert_true(reply_line(&r, STR("250-a"), &last));
    assert_false(reply_line(&r, STR("251 b"), &last));
    reply_free(&r);
}

static void a_bare_code_is_a_reply(void **state) {
    (void)state;
    struct smtp_reply r = {0};
    bool last;
    assert_true(reply_line(&r, STR("250"), &last) && last && r.code == 250);
    reply_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_of_several_lines_is_joined),
        cmocka_unit_test(the_enhanced_status_is_read),
        cmocka_unit_test(a_status_of_another_class_is_text),
        cmocka_unit_test(what_is_no_reply_is_refused),
        cmocka_unit_test(a_bare_code_is_a_reply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
