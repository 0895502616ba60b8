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

static void a_chunk_is_a_number_of_octets(void **state) {
    (void)state;
    uint64_t octets;
    bool last;
    assert_true(parse_chunk(STR("100"), &octets, &last) && octets == 100 && !last);
    assert_true(parse_chunk(STR("0 LAST"), &octets, &last) && octets == 0 && last);
    assert_true(parse_chunk(STR("5  last"), &octets, &last) && octets == 5 && last);
    static const char *const bad[] = {
        "", "LAST", "x", "-1", "1 2", "1 LAST x", "18446744073709551616", "9223372036854775808"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(parse_chunk(str_of(bad[i]), &octets, &last));
}

static const char *notify(const char *value) {
    static struct buf out;
    buf_reset(&out);
    return parse_notify(str_of(value), &out) ? out.p : NULL;
}

static void notify_is_never_or_a_list(void **state) {
    (void)state;
    assert_string_equal(notify("never"), "NEVER");
    assert_string_equal(notify("Success,DELAY,failure"), "SUCCESS,DELAY,FAILURE");
    static const char *const bad[] = {"", "NEVER,DELAY", "DELAY,NEVER", "DELAY,DELAY", "SOMETIMES", "DELAY,", NULL};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_null(notify(bad[i]));
}

static const char *orcpt(const char *value) {
    static struct buf out;
    buf_reset(&out);
    return parse_orcpt(str_of(value), &out) ? out.p : NULL;
}

static void orcpt_is_an_encoded_address_with_its_type(void **state) {
    (void)state;
    assert_string_equal(orcpt("rfc822;a+2Bb@c.test"), "rfc822;a+b@c.test");
    assert_string_equal(orcpt("RFC822;a@c.test"), "rfc822;a@c.test");
    assert_string_equal(orcpt("utf-8;gr\\x{FC}n@c.test"), "utf-8;gr\xc3\xbcn@c.test");
    assert_string_equal(orcpt("utf-8;gr\xc3\xbcn@c.test"), "utf-8;gr\xc3\xbcn@c.test");
    assert_string_equal(orcpt("utf-8;a\\x{2B}b@c.test"), "utf-8;a+b@c.test");
    assert_string_equal(orcpt("rfc822;gr+C3+BCn@c.test"), "utf-8;gr\xc3\xbcn@c.test");
    assert_string_equal(orcpt("X400;/C+3DDE/"), "x400;/C=DE/");
    static const char *const bad[] = {"a@c.test",
                                      "rfc822;",
                                      ";a@b",
                                      "rfc822;a+0Ab@c",
                                      "x y;a",
                                      "utf-8;a\\x{D800}b@c",
                                      "utf-8;a\\x{110000}",
                                      "utf-8;a\\x{A}",
                                      "utf-8;a\\x{0A}",
                                      "utf-8;a\\x41",
                                      "utf-8;\xff@c.test",
                                      "rfc822;gr\xc3\xbcn@c.test"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (orcpt(bad[i]))
            fail_msg("taken: %s", bad[i]);
}

static void an_envelope_id_is_printable(void **state) {
    (void)state;
    struct buf out = BUF_EMPTY;
    assert_true(parse_envid(STR("QQ+20314159"), &out));
    assert_string_equal(out.p, "QQ 314159");
    assert_false(parse_envid(STR("a+0Ab"), &out));
    assert_false(parse_envid((struct str){NULL, 0}, &out));
    assert_true(str_eq(buf_str(&out), STR("QQ 314159")));
    buf_free(&out);
}

static void timestamps_are_those_of_rfc_3339(void **state) {
    (void)state;
    int64_t at;
    assert_true(parse_timestamp(STR("1970-01-02T00:00:01Z"), &at));
    assert_int_equal(at, INT64_C(86401000000));
    assert_true(parse_timestamp(STR("2026-03-01t12:00:00.25+01:30"), &at));
    assert_int_equal(at, INT64_C(1772361000000000));
    static const char *const bad[] = {"2026-03-01",
                                      "2026-03-01T12:00:00",
                                      "2026-02-30T12:00:00Z",
                                      "2026-13-01T12:00:00Z",
                                      "2026-03-01T25:00:00Z",
                                      "2026-03-01T12:00:00+1:30",
                                      "2026-03-01 12:00:00Z",
                                      "2026-03-01T12:00:00.Z",
                                      "tomorrow",
                                      ""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (parse_timestamp(str_of(bad[i]), &at))
            fail_msg("taken: %s", bad[i]);
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
        cmocka_unit_test(a_chunk_is_a_number_of_octets),
        cmocka_unit_test(notify_is_never_or_a_list),
        cmocka_unit_test(orcpt_is_an_encoded_address_with_its_type),
        cmocka_unit_test(an_envelope_id_is_printable),
        cmocka_unit_test(timestamps_are_those_of_rfc_3339),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
