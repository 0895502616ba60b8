/* The small languages of header fields: addresses, dates, parameters. */
#include "mime_fixture.h"

static struct arena arena = ARENA_EMPTY;

static int reset(void **state) {
    (void)state;
    arena_free(&arena);
    return 0;
}

/* "name|route|mailbox|host" each, ~ for none, with a blank between. */
static struct str show(struct mime_addresses list) {
    struct buf out = BUF_EMPTY;
    for (size_t i = 0; i < list.count; i++) {
        struct str s[] = {list.at[i].name, list.at[i].route, list.at[i].mailbox, list.at[i].host};
        for (size_t k = 0; k < 4; k++)
            buf_printf(&out, "%s%.*s", k ? "|" : i ? " " : "", s[k].p ? (int)s[k].n : 1, s[k].p ? s[k].p : "~");
    }
    struct str shown = arena_str(&arena, buf_str(&out));
    buf_free(&out);
    return shown;
}

static void addresses_are_read_in_every_form(void **state) {
    (void)state;
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"a@b.c", "~|~|a|b.c"},
        {"<a@b.c>", "~|~|a|b.c"},
        {"Ann Lee <a@b.c>", "Ann Lee|~|a|b.c"},
        {"Ann  Q.\r\n Lee<a@b.c>", "Ann Q. Lee|~|a|b.c"},
        {"\"Lee, Ann\" <a@b.c>, d@e", "Lee, Ann|~|a|b.c ~|~|d|e"},
        {"\"a \\\"q\\\" \\\\ b\" <a@b>", "a \"q\" \\ b|~|a|b"},
        {"a@b (Ann (nested) Lee)", "Ann (nested) Lee|~|a|b"},
        {"a(comment)@(other)b", "other|~|a|b"},
        {"\"john doe\"@b", "~|~|john doe|b"},
        {"john . doe @ b . c", "~|~|john.doe|b.c"},
        {"<john doe@b>", "~|~|john doe|b"},
        {"John Doe@b", "John|~|Doe|b"},
        {"a@[IPv6:2001:db8::1]", "~|~|a|[IPv6:2001:db8::1]"},
        {"<@x,@y:a@b>", "~|@x,@y|a|b"},
        {"<@b>", "~|~||b"},
        {"<>", "~|~||"},
        {"Name <>", "Name|~||"},
        {"local", "~|~|local|"},
        {"two words", "two words|~||"},
        {"g: a@b, Ann <c@d>;", "~|~|g|~ ~|~|a|b Ann|~|c|d ~|~|~|~"},
        {"undisclosed recipients:;", "~|~|undisclosed recipients|~ ~|~|~|~"},
        {"g: a@b", "~|~|g|~ ~|~|a|b ~|~|~|~"},
        {"a@b; c@d", "~|~|a|b ~|~|c|d"},
        {", ,a@b,,", "~|~|a|b"},
        {"a@b <a@b>", "a@b|~|a|b"},
        {"<a@b> trailing, garbage\" <c@d>", "~|~|a|b garbage|~|c|d"},
        {"<a@b", "~|~|a|b"},
        {"<a@b, c@d", "~|~|a|b ~|~|c|d"},
        {"<<a@b>>", "~|~|a|b"},
        {"a@b@c", "~|~|a@b|c"},
        {"a@b (never closed", "~|~|a|b"},
        {"\"never closed <a@b>", "never closed|~|a|b"},
        {"=?utf-8?q?=C3=A9?= <a@b>", "=?utf-8?q?=C3=A9?=|~|a|b"},
        {"\xe9ric <\xe9@b>", "\xe9ric|~|\xe9|b"},
        {"", ""},
        {" \r\n\t", ""},
        {"(only a comment)", ""},
        {"\"\" <a@b>", "~|~|a|b"},
        {"a@", "~|~|a|"},
        {"@b", "~|~||b"},
        {">a@b", "~|~|a|b"},
        {"a@b c@d", "~|~|a@b|d"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str got = show(mime_parse_addresses(&arena, str_of(cases[i].in)));
        if (!str_eq(got, str_of(cases[i].want)))
            fail_msg("%s: got %.*s, want %s", cases[i].in, STR_ARG(got), cases[i].want);
    }
}

static void addresses_hold_no_line_ends_nor_nul(void **state) {
    (void)state;
    struct str got = show(mime_parse_addresses(&arena, STR("\"a\r\nb\0c\" <d\0e\r\n@f> (\r\n)")));
    assert_str(got, "abc|~|de|f");
}

static void too_many_addresses_are_cut_and_an_open_group_is_closed(void **state) {
    (void)state;
    struct buf body = BUF_EMPTY;
    buf_add_c(&body, "group:");
    for (int i = 0; i < 3000; i++)
        buf_add_c(&body, "a@b,");
    struct mime_addresses list = mime_parse_addresses(&arena, buf_str(&body));
    assert_int_equal(list.count, MIME_MAX_ADDRESSES);
    assert_null(list.at[list.count - 1].host.p);
    assert_null(list.at[list.count - 1].mailbox.p);
    buf_free(&body);
}

static void dates_are_read_in_every_form(void **state) {
    (void)state;
    static const struct {
        const char *in;
        int64_t want; /* seconds; -1: can't be read */
    } cases[] = {
        {"Fri, 21 Nov 1997 09:55:06 -0600", 880127706},
        {"21 Nov 97 09:55:06 GMT", 880106106},
        {"Thu, 13 Feb 1969 23:32:54 -0330", -27723426},
        {"Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n               -0330 (Newfoundland Time)",
         -27723480},
        {"Sun, 1 Mar 2026 12:00:00 +0000", 1772366400},
        {"Sun, 1 Mar 2026 12:00", 1772366400},
        {"1 Mar 2026", 1772323200},
        {"Sun Mar  1 12:00:00 2026", 1772366400},
        {"Sun Mar 1 12:00:00 +0100 2026", 1772362800},
        {"Sun Mar 1 12:00:00 CET 2026", 1772362800},
        {"2026-03-01T12:00:00Z", 1772366400},
        {"2026-03-01 12:00:00.123 +01:00", 1772362800},
        {"March 1, 2026 12:00 EST", 1772384400},
        {"Sun, 01 Mar 26 12:00:00 EDT", 1772380800},
        {"01 Mar 126 12:00:00", 1772366400},
        {"Sat, 31 Dec 2016 23:59:60 +0000", 1483228800},
        {"1 Mar 2026 12.30.15 +0000", 1772368215},
        {"1 Mar 2026 12:00:00 K", 1772366400},
        {"Sun, 1 (day) Mar (month (of) spring) 2026 12:00:00 -0000", 1772366400},
        {"29 Feb 2024 00:00 +0000", 1709164800},
        {"29 Feb 2023 00:00 +0000", -1},
        {"yesterday", -1},
        {"", -1},
        {"31 Apr 2024 10:00", -1},
        {"1 Mar 2026 25:00:00", -1},
        {"1 Mar 99999999999999999999", -1},
        {"1 Mar 2026 12:00:00 +9999", 1772366400},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t got = mime_parse_date(str_of(cases[i].in)),
                want = cases[i].want == -1 ? INT64_MIN : cases[i].want * 1000000;
        if (got != want)
            fail_msg("%s: got %lld", cases[i].in, (long long)got);
    }
}

static struct str parameter(const char *field, const char *name) {
    struct mime_card *card = mime_parse(&arena, arena_printf(&arena, "Content-Type: application/x; %s\n\n", field));
    return mime_parameter_get(card->root->parameter, card->root->parameter_count, str_of(name));
}

static void parameters_are_read_in_every_form(void **state) {
    (void)state;
    static const struct {
        const char *field, *want;
    } cases[] = {
        {"name=a.txt", "a.txt"},
        {" NAME = \"a b.txt\" ; x=y", "a b.txt"},
        {"name=\"a;b\\\"c\"", "a;b\"c"},
        {"name=\"C:\\temp\\a.txt\"", "C:\\temp\\a.txt"},
        {"name=a b.txt; x=y", "a b.txt"},
        {"name=a (1).txt", "a (1).txt"},
        {"x=us-ascii (comment; with=parts); name=b", "b"},
        {"name*=iso-8859-1'fr'%e9t%E9", "\xc3\xa9t\xc3\xa9"},
        {"name*0=one; name*1=\" two\"; name*2*=%20three", "one two three"},
        {"name*1*=%C3; name*2*=%A9; name*0*=utf-8''", "\xc3\xa9"},
        {"name=plain; name*=utf-8''%C3%A9", "\xc3\xa9"},
        {"name=\"=?utf-8?B?w6k=?= x\"", "\xc3\xa9 x"},
        {"name=\"\xe9\"", "\xc3\xa9"},
        {"name=\"a\r\n b\"", "a b"},
        {"name=first; name=second", "first"},
        {"; ;; =x; name=a", "a"},
        {"junk; name=a", "a"},
        {"name=\"cut", "cut"},
        {"name*=bad%zz%2", "bad%zz%2"},
        {"name=", ""},
        {"name*0*=utf-8''%0d%0aa%00", " a"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str got = parameter(cases[i].field, "name");
        if (!str_eq(got, str_of(cases[i].want)))
            fail_msg("%s: got \"%.*s\", want \"%s\"", cases[i].field, STR_ARG(got), cases[i].want);
    }
    assert_null(parameter("other=1", "name").p);
}

static void a_boundary_is_taken_as_it_is(void **state) {
    (void)state;
    assert_str(parameter("boundary=\"=?utf-8?q?=41?=\"", "boundary"), "=?utf-8?q?=41?=");
}

static void parameters_of_a_bodystructure_can_be_joined(void **state) {
    (void)state;
    struct mime_parameter raw[] = {
        {STR("FILENAME*0*"), STR("utf-8''%E2%82")}, {STR("size"), STR("3")}, {STR("filename*1*"), STR("%AC")}};
    size_t count = 3;
    struct mime_parameter *joined = mime_join_parameters(&arena, raw, &count);
    assert_int_equal(count, 2);
    assert_str(mime_parameter_get(joined, count, STR("filename")), "\xe2\x82\xac");
}

static void built_parameters_are_read_back(void **state) {
    (void)state;
    static const char *const values[] = {
        "a.txt",
        "two words \"quoted\" \\ back.txt",
        "\xc3\xbcml\xc3\xa4ut.pdf",
        "",
        "100% 'sure'; \xe2\x82\xac",
        "a very long name \xe2\x82\xac that goes on and on, and on and on, until it takes more than one piece.txt",
        "a very long name that goes on and on, and on and on, until it takes more than one of the pieces, in ASCII.txt",
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct buf field = BUF_EMPTY;
        mime_encode_parameter(STR("name"), str_of(values[i]), &field);
        assert_true(str_is_ascii(buf_str(&field)));
        assert_str(parameter(field.p, "name"), values[i]);
        buf_free(&field);
    }
    struct buf field = BUF_EMPTY;
    mime_encode_parameter(STR("name"), STR("a\r\nBcc: evil@example.com"), &field);
    assert_str(buf_str(&field), ";\r\n name=\"a Bcc: evil@example.com\"");
    buf_free(&field);
}

static void content_fields_with_faults_have_defaults(void **state) {
    (void)state;
    static const struct {
        const char *header, *type, *encoding, *disposition;
    } cases[] = {
        {"Content-Type: TEXT/HTML", "text/html", "7bit", NULL},
        {"Content-Type: text", "text/plain", "7bit", NULL},
        {"Content-Type: /plain", "text/plain", "7bit", NULL},
        {"Content-Type:", "text/plain", "7bit", NULL},
        {"Content-Type: (c) image (d) / (e) png (f)", "image/png", "7bit", NULL},
        {"Content-Transfer-Encoding: Base64;", "text/plain", "base64", NULL},
        {"Content-Transfer-Encoding:", "text/plain", "7bit", NULL},
        {"Content-Disposition: Inline", "text/plain", "7bit", "inline"},
        {"Content-Disposition: filename=x", "text/plain", "7bit", "attachment"},
        {"Content-Disposition: ;", "text/plain", "7bit", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mime_part *p = mime_parse(&arena, arena_printf(&arena, "%s\n\n", cases[i].header))->root;
        assert_str(arena_printf(&arena, "%.*s/%.*s", STR_ARG(p->type), STR_ARG(p->subtype)), cases[i].type);
        assert_str(p->encoding, cases[i].encoding);
        if (cases[i].disposition)
            assert_str(p->disposition, cases[i].disposition);
        else
            assert_null(p->disposition.p);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(addresses_are_read_in_every_form, reset),
        cmocka_unit_test_teardown(addresses_hold_no_line_ends_nor_nul, reset),
        cmocka_unit_test_teardown(too_many_addresses_are_cut_and_an_open_group_is_closed, reset),
        cmocka_unit_test_teardown(dates_are_read_in_every_form, reset),
        cmocka_unit_test_teardown(parameters_are_read_in_every_form, reset),
        cmocka_unit_test_teardown(a_boundary_is_taken_as_it_is, reset),
        cmocka_unit_test_teardown(parameters_of_a_bodystructure_can_be_joined, reset),
        cmocka_unit_test_teardown(built_parameters_are_read_back, reset),
        cmocka_unit_test_teardown(content_fields_with_faults_have_defaults, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
