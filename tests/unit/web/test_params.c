#include "http/params.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct arena arena;

static int fresh(void **state) {
    (void)state;
    arena_reset(&arena);
    return 0;
}

static struct str get(const struct params *p, const char *name) { return params_get(p, str_of(name)); }

static void assert_text(struct str got, const char *want) {
    assert_non_null(got.p);
    assert_true(str_eq(got, str_of(want)));
}

static bool refuses(bool (*parse)(struct params *, struct arena *, struct str, struct err *), struct str text) {
    struct params p = {0};
    struct err err = {""};
    bool refused = !parse(&p, &arena, text, &err);
    return refused && err.text[0] != 0;
}

/* ---- urlencoded ---- */

static void urlencoded_pairs_are_decoded_in_their_order(void **state) {
    (void)state;
    struct params p = {0};
    assert_true(params_parse_urlencoded(&p, &arena, STR("a=1&b=two+words&a=2&c=%C3%BC%2B&d&=e&&f="), NULL));
    assert_int_equal(p.count, 7);
    assert_text(get(&p, "a"), "1");
    assert_text(get(&p, "b"), "two words");
    assert_text(get(&p, "c"), "ü+");
    assert_text(get(&p, "d"), "");
    assert_text(get(&p, ""), "e");
    assert_text(get(&p, "f"), "");
    assert_null(get(&p, "g").p);
}

static void a_percent_sign_that_begins_nothing_stays(void **state) {
    (void)state;
    struct params p = {0};
    assert_true(params_parse_urlencoded(&p, &arena, STR("a=100%&b=%4&c=%zz"), NULL));
    assert_text(get(&p, "a"), "100%");
    assert_text(get(&p, "b"), "%4");
    assert_text(get(&p, "c"), "%zz");
}

static void what_is_no_text_is_refused(void **state) {
    (void)state;
    assert_true(refuses(params_parse_urlencoded, STR("a=%00")));
    assert_true(refuses(params_parse_urlencoded, STR("%00=a")));
    assert_true(refuses(params_parse_urlencoded, STR("a=%ff")));
    assert_true(refuses(params_parse_urlencoded, STR("a=\xed\xa0\x80")));
}

static void too_many_and_too_long_are_refused(void **state) {
    (void)state;
    struct buf b = BUF_EMPTY;
    for (int i = 0; i < PARAMS_MAX + 1; i++)
        buf_add_c(&b, "a&");
    assert_true(refuses(params_parse_urlencoded, buf_str(&b)));
    buf_reset(&b);
    for (int i = 0; i < PARAMS_MAX_NAME + 1; i++)
        buf_add_byte(&b, 'n');
    assert_true(refuses(params_parse_urlencoded, buf_str(&b)));
    buf_reset(&b);
    buf_add_c(&b, "a=");
    for (int i = 0; i < PARAMS_MAX_TEXT + 1; i++)
        buf_add_byte(&b, 'v');
    assert_true(refuses(params_parse_urlencoded, buf_str(&b)));
    buf_free(&b);
}

/* ---- cookies ---- */

static void cookies_of_others_do_not_hide_ours(void **state) {
    (void)state;
    struct params p = {0};
    params_parse_cookies(&p, &arena, STR("bad; =x; __Host-mansio=abc ; other=\"quoted\";broken=\xff; last=1"));
    assert_text(get(&p, "__Host-mansio"), "abc");
    assert_text(get(&p, "other"), "quoted");
    assert_text(get(&p, "last"), "1");
    assert_null(get(&p, "broken").p);
}

/* ---- multipart ---- */

static const struct str TYPE = {"multipart/form-data; boundary=\"xyz\"", 35};

static bool parse(struct params *p, const char *body) {
    return params_parse_multipart(p, &arena, TYPE, str_of(body), NULL);
}

#define PART(head, value) "--xyz\r\nContent-Disposition: form-data; " head "\r\n\r\n" value "\r\n"

static void multipart_fields_and_files_are_told_apart(void **state) {
    (void)state;
    struct params p = {0};
    assert_true(parse(&p, PART("name=\"a\"", "1\r\n2")
                              PART("name=\"f\"; filename=\"x \xc3\xbc.txt\"\r\nContent-Type: text/plain", "bytes") PART(
                                  "name=\"f\"; filename=\"\"", "") PART("name=f; filename=\"two\"", "") "--xyz--\r\n"));
    assert_text(get(&p, "a"), "1\r\n2");
    assert_null(get(&p, "f").p); /* files are not text */
    const struct param *file = params_file(&p, STR("f"), 0);
    assert_non_null(file);
    assert_text(file->value, "bytes");
    assert_text(file->filename, "x ü.txt");
    assert_text(file->type, "text/plain");
    assert_text(params_file(&p, STR("f"), 1)->filename, "two"); /* the empty field between is none */
    assert_null(params_file(&p, STR("f"), 2));
}

static void multipart_names_are_unescaped_as_browsers_escape_them(void **state) {
    (void)state;
    struct params p = {0};
    assert_true(parse(&p, PART("name=\"a%22b\\c%0D%0A\"", "") "--xyz--"));
    assert_text(p.at[0].name, "a\"b\\c\r\n");
}

static void a_file_may_hold_any_bytes_even_the_boundary_s_beginning(void **state) {
    (void)state;
    static const char body[] = "--xyz\r\nContent-Disposition: form-data; name=\"f\"; filename=\"b\"\r\n\r\n"
                               "\0\xff\r\n--xy\r\n--\r\nxyz\r\n--xyz--";
    struct params p = {0};
    assert_true(params_parse_multipart(&p, &arena, TYPE, str_n(body, sizeof body - 1), NULL));
    assert_int_equal(params_file(&p, STR("f"), 0)->value.n, sizeof "\0\xff\r\n--xy\r\n--\r\nxyz" - 1);
}

static void text_before_the_first_part_is_skipped(void **state) {
    (void)state;
    struct params p = {0};
    assert_true(parse(&p, "preamble\r\n" PART("name=\"a\"", "1") "--xyz--\r\nepilogue"));
    assert_int_equal(p.count, 1);
}

static void multipart_that_is_cut_off_or_malformed_is_refused(void **state) {
    (void)state;
    static const char *const BAD[] = {"",
                                      "--xyz",
                                      "--xyz\r\n",
                                      PART("name=\"a\"", "1"),
                                      PART("name=\"a\"", "1") "--xyz",
                                      "--xyz\r\nno header end",
                                      "--xyz garbage\r\n\r\n\r\n--xyz--",
                                      PART("name=\"a\"", "\xff") "--xyz--"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        struct params p = {0};
        assert_false(parse(&p, BAD[i]));
    }
    struct params p = {0};
    static const char *const TYPES[] = {"multipart/form-data",
                                        "multipart/form-data; boundary=", "multipart/form-data; boundary=\"x"};
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++)
        assert_false(params_parse_multipart(&p, &arena, str_of(TYPES[i]), STR("--xyz--"), NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(urlencoded_pairs_are_decoded_in_their_order, fresh),
        cmocka_unit_test_setup(a_percent_sign_that_begins_nothing_stays, fresh),
        cmocka_unit_test_setup(what_is_no_text_is_refused, fresh),
        cmocka_unit_test_setup(too_many_and_too_long_are_refused, fresh),
        cmocka_unit_test_setup(cookies_of_others_do_not_hide_ours, fresh),
        cmocka_unit_test_setup(multipart_fields_and_files_are_told_apart, fresh),
        cmocka_unit_test_setup(multipart_names_are_unescaped_as_browsers_escape_them, fresh),
        cmocka_unit_test_setup(a_file_may_hold_any_bytes_even_the_boundary_s_beginning, fresh),
        cmocka_unit_test_setup(text_before_the_first_part_is_skipped, fresh),
        cmocka_unit_test_setup(multipart_that_is_cut_off_or_malformed_is_refused, fresh),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&arena);
    return failed;
}
