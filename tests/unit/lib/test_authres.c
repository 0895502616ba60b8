/* Building and recognising Authentication-Results (RFC 8601). */
#include "authres/authres.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void results_are_folded_and_end_with_none_where_there_are_none(void **state) {
    (void)state;
    struct buf out = BUF_EMPTY;
    authres_begin(&out, "mx.example.org");
    authres_end(&out);
    assert_string_equal(out.p, "mx.example.org; none");
    buf_reset(&out);
    authres_begin(&out, "mx.example.org");
    authres_method(&out, "spf", "fail");
    authres_reason(&out, STR("192.0.2.1 may not send for example.com: matched -all"));
    authres_property(&out, "smtp", "mailfrom", STR("livia@example.com"));
    authres_method(&out, "dmarc", "pass");
    authres_property(&out, "header", "from", STR("example.com"));
    authres_end(&out);
    assert_string_equal(out.p, "mx.example.org;\r\n"
                               "\tspf=fail\r\n"
                               "\treason=\"192.0.2.1 may not send for example.com: matched -all\"\r\n"
                               "\tsmtp.mailfrom=livia@example.com;\r\n"
                               "\tdmarc=pass header.from=example.com");
    buf_free(&out);
}

static void values_of_strangers_stay_within_their_quotes(void **state) {
    (void)state;
    struct buf out = BUF_EMPTY;
    authres_begin(&out, "mx.example.org");
    authres_method(&out, "spf", "none");
    authres_comment(&out, STR("a) dkim=pass (b\r\nFrom: x\\"));
    authres_property(&out, "smtp", "helo", STR("x; dkim=pass header.d=\"bank\""));
    authres_property(&out, "smtp", "mailfrom", STR("\"a b\"@example.com"));
    authres_end(&out);
    assert_string_equal(out.p, "mx.example.org;\r\n\tspf=none (a\\) dkim=pass \\(b??From: x\\\\)\r\n"
                               "\tsmtp.helo=\"x; dkim=pass header.d=\\\"bank\\\"\"\r\n"
                               "\tsmtp.mailfrom=\"\\\"a b\\\"@example.com\"");
    buf_free(&out);
}

static void a_field_of_ours_is_recognised_however_it_is_written(void **state) {
    (void)state;
    static const char *const ours[] = {
        "mx.example.org; none",
        " mx.example.org;spf=pass",
        "\r\n\tMX.Example.ORG 1; spf=pass",
        "(a (nested \\) comment) here) mx.example.org (another); none",
        "\"mx.example.org\"; none",
        "\"mx.ex\\ample.org\" 1; none",
        "mx.example.org.; none",
        "mx.example.org/1; none",
        "mx.example.org",
        "(mx.example.org; spf=pass", /* never closed */
        "; mx.example.org; spf=pass",
    };
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)

        assert_true(authres_claims(str_of(ours[i]), "mx.example.org"));
}

static void a_field_of_others_is_left_alone(void **state) {
    (void)state;
    static const char *const others[] = {
        "mx.example.com; spf=pass smtp.helo=mx.example.org",
        "mx.example.org.example.com; none",
        "(mx.example.org) mx.example.com; none",
        "sub.mx.example.org; none",
        "\"mx.example.org \\\"\"; none",
        "",
        "   ",
        "(",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(authres_claims(str_of(others[i]), "mx.example.org"));
}

static void a_methods_result_is_found_among_comments_and_quotes(void **state) {
    (void)state;
    struct arena a = ARENA_EMPTY;
    struct str result, from;
    struct str value = STR(" mx.example.org 1 (; dmarc=fail (x)); spf=pass reason=\"; dmarc=fail\";\r\n"
                           " DMARC / 1 = Pass (p=reject) policy.dmarc=none header.from = Example.com ; arc=none");
    assert_true(authres_find(&a, value, "dmarc", "header.from", &result, &from));
    assert_true(str_eq(result, STR("pass")));
    assert_true(str_eq(from, STR("Example.com")));
    assert_true(authres_find(&a, value, "arc", "header.from", &result, &from));
    assert_null(from.p);
    assert_false(authres_find(&a, value, "dkim", "header.d", &result, &from));
    static const char *const broken[] = {
        "",           "mx; dmarc",   "mx; dmarc=", "mx; dmarc/", "mx; (dmarc=pass", "mx; \"dmarc=pass",
        "dmarc=pass", "mx; =pass;;;"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        assert_false(authres_find(&a, str_of(broken[i]), "dmarc", "header.from", &result, &from));
    arena_free(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_are_folded_and_end_with_none_where_there_are_none),
        cmocka_unit_test(values_of_strangers_stay_within_their_quotes),
        cmocka_unit_test(a_field_of_ours_is_recognised_however_it_is_written),
        cmocka_unit_test(a_field_of_others_is_left_alone),
        cmocka_unit_test(a_methods_result_is_found_among_comments_and_quotes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
