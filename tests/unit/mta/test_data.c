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

/* Mended, in whatever pieces: in the text, and what of `in` was not taken. */
static void expect_mended(struct str in, struct str text, bool end) {
    for (size_t step = 1; step <= in.n; step++) {
        struct result r = {.d = {.normalise = true}, .text = BUF_EMPTY};
        for (size_t i = 0; i < in.n && !r.end; i += step)
            r.taken += data_scan(&r.d, str_sub(in, i, step), &r.text, &r.end);
        assert_int_equal(r.end, end);
        if (!str_eq(buf_str(&r.text), text))
            fail_msg("step %zu: \"%.*s\"", step, STR_ARG(buf_str(&r.text)));
        buf_free(&r.text);
    }
}

static void line_ends_of_old_clients_are_mended(void **state) {
    (void)state;
    expect_mended(STR("a\nb\rc\r\nd\n\ne\r\n.\r\n"), STR("a\r\nb\r\nc\r\nd\r\n\r\ne\r\n"), true);
    expect_mended(STR("a\n..b\r..c\r\n..d\r\n.\r\n"), STR("a\r\n.b\r\n.c\r\n.d\r\n"), true);
    expect_mended(STR("a\r\r\n.\r\n"), STR("a\r\n\r\n"), true);
}

static void mended_line_ends_do_not_end_the_data(void **state) {
    (void)state;
    expect_mended(STR("a\n.\nb\r\n.\r\n"), STR("a\r\n.\r\nb\r\n"), true);
    expect_mended(STR("a\n.\r\nb\r\n.\r\n"), STR("a\r\n.\r\nb\r\n"), true);
    expect_mended(STR("a\r\n.\nb\r\n.\r\n"), STR("a\r\n.\r\nb\r\n"), true);
    expect_mended(STR("a\r\n.\rb\r\n.\r\n"), STR("a\r\n.\r\nb\r\n"), true);
    expect_mended(STR("a\r.\rb\r\n.\r\n"), STR("a\r\n.\r\nb\r\n"), true);
    expect_mended(STR("a\r.\r\nb\r\n.\r\n"), STR("a\r\n.\r\nb\r\n"), true);
    expect_mended(STR("a\r\n.\r\r\nb\r\n.\r\n"), STR("a\r\n.\r\n\r\nb\r\n"), true);
    expect_mended(STR("a\n\r.\n\rb\r\n.\r\n"), STR("a\r\n\r\n.\r\n\r\nb\r\n"), true);
    expect_mended(STR("a\n.\n"), STR("a\r\n.\r\n"), false);
}

/* Chunks of `step` bytes. */
static struct result scan_chunks(struct str in, size_t step, bool normalise) {
    struct result r = {.d = {.normalise = normalise}, .text = BUF_EMPTY};
    for (size_t i = 0; i < in.n; i += step)
        data_scan_chunk(&r.d, str_sub(in, i, step), &r.text);
    data_end_chunks(&r.d, &r.text);
    return r;
}

static void expect_chunks(struct str in, bool normalise, struct str text, bool bare) {
    for (size_t step = 1; step <= in.n; step++) {
        struct result r = scan_chunks(in, step, normalise);
        assert_int_equal(r.d.bare_cr || r.d.bare_lf, bare);
        if (!str_eq(buf_str(&r.text), text))
            fail_msg("step %zu: \"%.*s\"", step, STR_ARG(buf_str(&r.text)));
        buf_free(&r.text);
    }
}

static void chunks_have_no_dots_and_no_end(void **state) {
    (void)state;
    expect_chunks(STR("a\r\n..b\r\n.\r\nc\r\n"), false, STR("a\r\n..b\r\n.\r\nc\r\n"), false);
    expect_chunks(STR("a\r\nb"), false, STR("a\r\nb\r\n"), false);
}

static void line_ends_in_chunks_are_looked_at_too(void **state) {
    (void)state;
    expect_chunks(STR("a\nb\r\n"), false, STR("a\nb\r\n"), true);
    expect_chunks(STR("a\rb\r\n"), false, STR("a\rb\r\n"), true);
    expect_chunks(STR("a\r\n\r"), false, STR("a\r\n\r"), true);
    expect_chunks(STR("\na\r\n"), false, STR("\na\r\n"), true);
    expect_chunks(STR("a\n.\nb\r..c\r"), true, STR("a\r\n.\r\nb\r\n..c\r\n"), true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_ends_with_cr_lf_dot_cr_lf),   cmocka_unit_test(stuffed_dots_are_taken_off),
        cmocka_unit_test(what_follows_the_end_is_not_taken),     cmocka_unit_test(no_other_sequence_ends_the_data),
        cmocka_unit_test(a_nul_is_noted_and_ends_nothing),       cmocka_unit_test(line_ends_of_old_clients_are_mended),
        cmocka_unit_test(mended_line_ends_do_not_end_the_data),  cmocka_unit_test(chunks_have_no_dots_and_no_end),
        cmocka_unit_test(line_ends_in_chunks_are_looked_at_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
