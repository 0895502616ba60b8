#include "smtpd/data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct result {
    struct data_scanner d;
    struct buf text;
    size_t taken;
    bool end;
};

/* Scans in pieces of `step` bytes. */
static struct result scan(struct str in, size_t step) {
    struct result r = {.d = DATA_SCANNER_START, .text = BUF_EMPTY};
    for (size_t i = 0; i < in.n && !r.end; i += step)
        r.taken += data_scan(&r.d, str_sub(in, i, step), &r.text, &r.end);
    return r;
}

/* The same text, cut in whatever pieces. */
static void expect(struct str in, struct str text, bool end, bool bare) {
    for (size_t step = 1; step <= in.n; step++) {
        struct result r = scan(in, step);
        assert_int_equal(r.end, end);
        assert_int_equal(r.d.bare_cr || r.d.bare_lf, bare);
        if (!bare)
            assert_true(str_eq(buf_str(&r.text), text));
        if (end && step >= in.n)
            assert_int_equal(r.taken, in.n);
        buf_free(&r.text);
    }
}

static void a_message_ends_with_cr_lf_dot_cr_lf(void **state) {
    (void)state;
    expect(STR("a\r\nb\r\n.\r\n"), STR("a\r\nb\r\n"), true, false);
    expect(STR(".\r\n"), STR(""), true, false);
    expect(STR("a\r\n\r\n.\r\n"), STR("a\r\n\r\n"), true, false);
    expect(STR("a\r\n"), STR("a\r\n"), false, false);
}

static void stuffed_dots_are_taken_off(void **state) {
    (void)state;
    expect(STR("..\r\n..a\r\n.b\r\na.\r\n.\r\n"), STR(".\r\n.a\r\nb\r\na.\r\n"), true, false);
    expect(STR("...\r\n.\r\n"), STR("..\r\n"), true, false);
}

static void what_follows_the_end_is_not_taken(void **state) {
    (void)state;
    struct str in = STR("a\r\n.\r\nMAIL FROM:<b@c>\r\n");
    struct result r = scan(in, in.n);
    assert_true(r.end);
    assert_int_equal(r.taken, 6);
    buf_free(&r.text);
}

/* Each of these ends the data for some server somewhere. */
static void no_other_sequence_ends_the_data(void **state) {
    (void)state;
    static const char *const sequence[] = {
        "\n.\n",     "\n.\r\n",   "\r\n.\n",     "\r.\r",         "\r.\r\n",     "\r\n.\r",   "\n.\r",       "\r.\n",
        "\n\n.\r\n", "\r\r.\r\n", "\r\n.\r\r\n", "\r\r\n.\r\r\n", "\r\n.\n\r\n", "\n\r.\r\n", "\r\n\r.\r\n", "\r\n..\n",
    };
    for (size_t i = 0; i < sizeof sequence / sizeof *sequence; i++) {
        struct buf in = BUF_EMPTY;
        buf_printf(&in, "body%sMAIL FROM:<evil@example>\r\n", sequence[i]);
        expect(buf_str(&in), STR(""), false, true);
        buf_add_c(&in, ".\r\n");
        expect(buf_str(&in), STR(""), true, true);
        buf_free(&in);
    }
}

static void a_nul_is_noted_and_ends_nothing(void **state) {
    (void)state;
    static const struct str in[] = {{"a\r\n.\0\r\nb\r\n.\r\n", 13},
                                    {"a\r\n\0.\r\nb\r\n.\r\n", 13},
                                    {"a\r\0\n.\r\nb\r\n.\r\n", 13},
                                    {"a\0b\r\n.\r\n", 8}};
    for (size_t i = 0; i < sizeof in / sizeof *in; i++)
        for (size_t step = 1; step <= in[i].n; step++) {
            struct result r = scan(in[i], step);
            assert_true(r.end && r.d.nul);
            assert_int_equal(r.taken, in[i].n);
            buf_free(&r.text);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_ends_with_cr_lf_dot_cr_lf), cmocka_unit_test(stuffed_dots_are_taken_off),
        cmocka_unit_test(what_follows_the_end_is_not_taken),   cmocka_unit_test(no_other_sequence_ends_the_data),
        cmocka_unit_test(a_nul_is_noted_and_ends_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
