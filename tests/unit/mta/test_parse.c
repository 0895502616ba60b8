#include "smtpd/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_line_is_a_verb_and_the_rest(void **state) {
    (void)state;
    struct str verb, argument;
    parse_command(STR("MAIL FROM:<a@b> SIZE=1"), &verb, &argument);
    assert_true(str_eq(verb, STR("MAIL")) && str_eq(argument, STR("FROM:<a@b> SIZE=1")));
    parse_command(STR("QUIT  "), &verb, &argument);
    assert_true(str_eq(verb, STR("QUIT")) && argument.n == 0);
    parse_command(STR(""), &verb, &argument);
    assert_true(verb.n == 0 && argument.n == 0);
    parse_command(STR(" QUIT"), &verb, &argument);
    assert_int_equal(verb.n, 0);
}

static void expect_path(const char *argument, const char *path, const char *rest) {
    struct str p, r;
    assert_true(parse_path(str_of(argument), STR("TO:"), &p, &r));
    assert_true(str_eq(p, str_of(path)));
    assert_true(str_eq(r, str_of(rest)));
}

static void a_path_stands_in_angle_brackets(void **state) {
    (void)state;
    expect_path("TO:<a@b>", "a@b", "");
    expect_path("to: <a@b> X=1", "a@b", " X=1");
    expect_path("TO:<>", "", "");
    expect_path("TO:<\"a>b\"@c>", "\"a>b\"@c", "");
    expect_path("TO:<\"a\\\"> b\"@c> Y", "\"a\\\"> b\"@c", " Y");
}

static void a_source_route_is_ignored(void **state) {
    (void)state;
    expect_path("TO:<@one.example,@two.example:a@b>", "a@b", "");
}

static void other_forms_of_a_path_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "TO:a@b", "TO:<a@b", "FROM:<a@b>", "TO <a@b>", "TO:", "TO:<", "TO:<a@b>X", "TO:<@a>", ""};
    struct str path, rest;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(parse_path(str_of(bad[i]), STR("TO:"), &path, &rest));
}

static void parameters_come_one_by_one(void **state) {
    (void)state;
    struct str rest = STR("  SIZE=10 SMTPUTF8  BODY=8BITMIME"), keyword, value;
    assert_int_equal(parse_parameter(&rest, &keyword, &value), PARAMETER_FOUND);
    assert_true(str_eq(keyword, STR("SIZE")) && str_eq(value, STR("10")));
    assert_int_equal(parse_parameter(&rest, &keyword, &value), PARAMETER_FOUND);
    assert_true(str_eq(keyword, STR("SMTPUTF8")) && value.p == NULL);
    assert_int_equal(parse_parameter(&rest, &keyword, &value), PARAMETER_FOUND);
    assert_true(str_eq(value, STR("8BITMIME")));
    assert_int_equal(parse_parameter(&rest, &keyword, &value), PARAMETER_END);
}

static void malformed_parameters_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"=1", "SIZE=", "-A", "A_B", "A=b\tc", "\xc3\xa4=1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct str rest = str_of(bad[i]), keyword, value;
        assert_int_equal(parse_parameter(&rest, &keyword, &value), PARAMETER_BAD);
    }
}

static void what_a_client_calls_itself_can_stand_in_a_header(void **state) {
    (void)state;
    assert_true(parse_helo(STR("mail.example.org")));
    assert_true(parse_helo(STR("[192.0.2.1]")));
    assert_true(parse_helo(STR("[IPv6:2001:db8::1]")));
    assert_true(parse_helo(STR("my_laptop")));
    assert_false(parse_helo(STR("")));
    assert_false(parse_helo(STR("a b")));
    assert_false(parse_helo(STR("a(b)")));
    assert_false(parse_helo(STR("a;b")));
    assert_false(parse_helo(STR("b\xc3\xbc"
                                "cher.example")));
    assert_false(parse_helo((struct str){"a\0b", 3}));
}

static void xtext_is_decoded(void **state) {
    (void)state;
    struct buf out = BUF_EMPTY;
    assert_true(parse_xtext(STR("a+2Bb+3D"), &out));
    assert_true(str_eq(buf_str(&out), STR("a+b=")));
    assert_false(parse_xtext(STR("a+2"), &out));
    assert_false(parse_xtext(STR("a=b"), &out));
    assert_false(parse_xtext(STR("+zz"), &out));
    buf_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_a_verb_and_the_rest),
        cmocka_unit_test(a_path_stands_in_angle_brackets),
        cmocka_unit_test(a_source_route_is_ignored),
        cmocka_unit_test(other_forms_of_a_path_are_refused),
        cmocka_unit_test(parameters_come_one_by_one),
        cmocka_unit_test(malformed_parameters_are_refused),
        cmocka_unit_test(what_a_client_calls_itself_can_stand_in_a_header),
        cmocka_unit_test(xtext_is_decoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
