#include "directory/address.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct arena arena = ARENA_EMPTY;

static bool parse(const char *text, struct str *local, struct str *domain) {
    struct err err = {""};
    bool good = address_parse(&arena, str_of(text), local, domain, &err);
    assert_true(good == (err.text[0] == 0));
    return good;
}

static void assert_parses(const char *text, const char *want_local, const char *want_domain) {
    struct str local, domain;
    assert_true(parse(text, &local, &domain));
    assert_string_equal(local.p, want_local);
    assert_string_equal(arena_c(&arena, domain), want_domain);
}

static void assert_refused(const char *text) {
    struct str local, domain;
    if (parse(text, &local, &domain))
        fail_msg("accepted: %s", text);
}

static void plain_addresses_keep_the_case_of_the_local_part_only(void **state) {
    (void)state;
    assert_parses("John.Doe+tag@Example.ORG", "John.Doe+tag", "example.org");
    assert_parses("!#$%&'*/=?^_`{|}~-@a-b.example", "!#$%&'*/=?^_`{|}~-", "a-b.example");
    assert_parses("root@localhost", "root", "localhost");
}

static void local_parts_beyond_ascii_have_one_spelling(void **state) {
    (void)state;
    assert_parses("gru\xcc\x88n@example.org", "gr\xc3\xbcn", "example.org"); /* u and a combining diaeresis */
    assert_parses("GR\xc3\x9cN@example.org", "GR\xc3\x9cN", "example.org");
    assert_parses("\"gru\xcc\x88n x\"@b\xc3\xbc"
                  "cher.example",
                  "gr\xc3\xbcn x", "xn--bcher-kva.example");
}

static void folding_knows_all_alphabets(void **state) {
    (void)state;
    assert_true(str_eq(address_fold(&arena, STR("John.DOE")), STR("john.doe")));
    assert_true(str_eq(address_fold(&arena, STR("GRU\xcc\x88N")), STR("gr\xc3\xbcn")));
    assert_true(
        str_eq(address_fold(&arena, STR("\xd0\x98\xd0\x92\xd0\x90\xd0\x9d")), STR("\xd0\xb8\xd0\xb2\xd0\xb0\xd0\xbd")));
    assert_true(str_eq(address_fold(&arena, STR("stra\xc3\x9f"
                                                "e")),
                       STR("stra\xc3\x9f"
                           "e")));
    assert_true(str_eq(address_fold(&arena, STR("A\xff")), STR("a\xff")));
}

static void quoted_local_parts_are_unquoted(void **state) {
    (void)state;
    assert_parses("\"john doe\"@example.org", "john doe", "example.org");
    assert_parses("\"a@b\\\"c\\\\\"@example.org", "a@b\"c\\", "example.org");
    assert_parses("\"plain\"@example.org", "plain", "example.org");
    assert_refused("\"\"@example.org");
    assert_refused("\"open@example.org");
    assert_refused("\"a\"b@example.org");
    assert_refused("\"a\\");
    assert_refused("\"a\tb\"@example.org");
}

static void malformed_addresses_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",           "a",          "@example.org",    "a@",          "a@b@example.org", "a b@example.org",
        ".a@e.org",   "a.@e.org",   "a..b@e.org",      "a@e..org",    "a@-e.org",        "a@e-.org",
        "a@e.org.",   "a@e_f.org",  "a@e.org ",        "<a@e.org>",   "a@[1.2.3]",       "a@[1.2.3.4",
        "a@[]",       "a@[",        "a@[IPv6:1::2::]", "a@[foo:bar]", "a\r\n@e.org",     "a@e.org\n",
        "\xff@e.org", "a@\xff.org", "a\xc2\x85@e.org", "a,b@e.org",   "a;b@e.org",       "a(b)@e.org"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_refused(bad[i]);
    struct str local, domain;
    assert_false(address_parse(&arena, STR("a\0b@example.org"), &local, &domain, NULL));
    assert_false(address_parse(&arena, STR("ab@exam\0ple.org"), &local, &domain, NULL));
}

static void lengths_are_bounded(void **state) {
    (void)state;
    char text[700];
    struct str local, domain;
    memset(text, 'a', sizeof text);
    memcpy(text + 255, "@e.org", 7);
    assert_true(parse(text, &local, &domain));
    memset(text, 'a', sizeof text);
    memcpy(text + 256, "@e.org", 7);
    assert_false(parse(text, &local, &domain));
    assert_false(address_parse(&arena, str_n(text, sizeof text), &local, &domain, NULL));
    assert_refused("a@"
                   "1234567890123456789012345678901234567890123456789012345678901234.org"); /* 64 in a label */
}

static void address_literals_are_kept(void **state) {
    (void)state;
    assert_parses("a@[192.0.2.1]", "a", "[192.0.2.1]");
    assert_parses("a@[IPv6:2001:DB8::1]", "a", "[IPv6:2001:DB8::1]");
}

static void international_names_become_a_labels_and_back(void **state) {
    (void)state;
    assert_parses("j\xc3\xb6rg@B\xc3\xbc"
                  "cher.example",
                  "j\xc3\xb6rg", "xn--bcher-kva.example");
    assert_parses("a@fa\xc3\x9f.de", "a", "xn--fa-hia.de"); /* sharp s stays (UTS 46 non-transitional) */
    struct str ascii;
    assert_true(
        domain_to_ascii(&arena, STR("\xe4\xbe\x8b\xe3\x80\x82\xe4\xbe\x8b."), &ascii, NULL)); /* U+3002 is a dot */
    assert_true(str_eq(ascii, STR("xn--fsq.xn--fsq")));
    assert_true(str_eq(domain_to_display(&arena, STR("xn--bcher-kva.example")), STR("b\xc3\xbc"
                                                                                    "cher.example")));
    assert_true(str_eq(domain_to_display(&arena, STR("example.org")), STR("example.org")));
}

static void a_labels_that_do_not_lead_back_are_shown_as_they_are(void **state) {
    (void)state;
    static const char *const odd[] = {"xn--ls8h.example", "xn--a.example", "xn--bcher-KVA0.example", "xn--.example",
                                      "xn--\xff.example"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        assert_true(str_eq(domain_to_display(&arena, str_of(odd[i])), str_of(odd[i])));
}

static void domain_names_take_any_case_and_one_trailing_dot(void **state) {
    (void)state;
    struct str ascii;
    assert_true(domain_to_ascii(&arena, STR("Example.ORG."), &ascii, NULL));
    assert_true(str_eq(ascii, STR("example.org")));
    static const char *const bad[] = {".",
                                      "example.org..",
                                      ".example.org",
                                      "exa mple.org",
                                      "example.org/",
                                      "ex\xc3\xa4.-a.org",
                                      "\xe2\x98\x83.example"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (domain_to_ascii(&arena, str_of(bad[i]), &ascii, NULL))
            fail_msg("accepted: %s", bad[i]);
}

static void formatting_quotes_only_where_it_must(void **state) {
    (void)state;
    assert_true(str_eq(address_format(&arena, STR("a.b"), STR("e.org")), STR("a.b@e.org")));
    assert_true(str_eq(address_format(&arena, STR("a b\"\\"), STR("e.org")), STR("\"a b\\\"\\\\\"@e.org")));
    assert_true(str_eq(address_format(&arena, STR("a."), STR("e.org")), STR("\"a.\"@e.org")));
    assert_true(str_eq(address_format(&arena, STR("j\xc3\xb6rg"), STR("e.org")), STR("j\xc3\xb6rg@e.org")));
}

static int reset(void **state) {
    (void)state;
    arena_free(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(plain_addresses_keep_the_case_of_the_local_part_only, reset),
        cmocka_unit_test_teardown(local_parts_beyond_ascii_have_one_spelling, reset),
        cmocka_unit_test_teardown(folding_knows_all_alphabets, reset),
        cmocka_unit_test_teardown(quoted_local_parts_are_unquoted, reset),
        cmocka_unit_test_teardown(malformed_addresses_are_refused, reset),
        cmocka_unit_test_teardown(lengths_are_bounded, reset),
        cmocka_unit_test_teardown(address_literals_are_kept, reset),
        cmocka_unit_test_teardown(international_names_become_a_labels_and_back, reset),
        cmocka_unit_test_teardown(a_labels_that_do_not_lead_back_are_shown_as_they_are, reset),
        cmocka_unit_test_teardown(domain_names_take_any_case_and_one_trailing_dot, reset),
        cmocka_unit_test_teardown(formatting_quotes_only_where_it_must, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
