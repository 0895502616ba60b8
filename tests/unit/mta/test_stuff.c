#include "client/stuff.h"
#include "smtpd/data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void expect(struct str in, struct str want) {
    for (size_t step = 1; step <= in.n; step++) {
        struct stuffer s = STUFFER_START;
        struct buf out = BUF_EMPTY;
        for (size_t i = 0; i < in.n; i += step)
            stuff(&s, str_sub(in, i, step), &out);
        stuff_end(&s, &out);
        assert_true(str_eq(buf_str(&out), want));
        buf_free(&out);
    }
}

static void dots_at_the_start_of_a_line_are_doubled(void **state) {
    (void)state;
    expect(STR(".\r\n.a\r\nb.\r\n"), STR("..\r\n..a\r\nb.\r\n.\r\n"));
}

static void a_last_line_without_an_end_gets_one(void **state) {
    (void)state;
    expect(STR("a"), STR("a\r\n.\r\n"));
    expect(STR("a\r"), STR("a\r\n.\r\n"));
    struct stuffer s = STUFFER_START;
    struct buf out = BUF_EMPTY;
    stuff_end(&s, &out);
    assert_true(str_eq(buf_str(&out), STR(".\r\n")));
    buf_free(&out);
}

static void lone_cr_and_lf_become_line_ends(void **state) {
    (void)state;
    expect(STR("a\n.\nb\r.\rc\n\r\n"), STR("a\r\n..\r\nb\r\n..\r\nc\r\n\r\n.\r\n"));
}

/* Whatever is sent, a strict server takes it for one message, and undoes the dots. */
static void nothing_that_is_sent_can_be_two_messages(void **state) {
    (void)state;
    static const char alphabet[] = {'a', '.', '\r', '\n'};
    for (unsigned n = 0; n < 4096; n++) {
        char in[6];
        for (unsigned i = 0, v = n; i < 6; i++, v /= 4)
            in[i] = alphabet[v % 4];
        struct stuffer s = STUFFER_START;
        struct buf out = BUF_EMPTY, text = BUF_EMPTY;
        stuff(&s, str_n(in, 6), &out);
        stuff_end(&s, &out);
        struct data_scanner d = DATA_SCANNER_START;
        bool end;
        assert_int_equal(data_scan(&d, buf_str(&out), &text, &end), out.n);
        assert_true(end && !d.bare_cr && !d.bare_lf);
        buf_free(&out);
        buf_free(&text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(dots_at_the_start_of_a_line_are_doubled),
                                       cmocka_unit_test(a_last_line_without_an_end_gets_one),
                                       cmocka_unit_test(lone_cr_and_lf_become_line_ends),
                                       cmocka_unit_test(nothing_that_is_sent_can_be_two_messages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
