#include "imap/match.h"
#include "imap/tree.h"
#include "mime/utf7.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void utf7_goes_both_ways(void **state) {
    (void)state;
    static const struct {
        const char *wire, *utf8;
    } pairs[] = {
        {"INBOX", "INBOX"},
        {"Tom &- Jerry", "Tom & Jerry"},
        {"~peter/mail/&U,BTFw-/&ZeVnLIqe-",
         "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"},
        {"&2D3c5w-", "\xf0\x9f\x93\xa7"},
        {"Entw&APw-rfe&AOQA9g-", "Entw\xc3\xbcrfe\xc3\xa4\xc3\xb6"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct buf out = BUF_EMPTY;
        assert_true(utf7_decode(str_of(pairs[i].wire), &out));
        assert_true(str_eq(buf_str(&out), str_of(pairs[i].utf8)));
        buf_reset(&out);
        utf7_encode(str_of(pairs[i].utf8), &out);
        assert_true(str_eq(buf_str(&out), str_of(pairs[i].wire)));
        buf_free(&out);
    }
}

static void utf7_has_one_form_for_each_name(void **state) {
    (void)state;
    static const char *const bad[] = {"&",     "&a",        "&AGE-", "&APw-&APw-", "&2D0-", "&3OQ-",
                                      "&AAo-", "a\xc3\xbc", "a\tb",  "&APx-",      "&A-",   "&AP-"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buf out = BUF_EMPTY;
        assert_false(utf7_decode(str_of(bad[i]), &out));
        assert_int_equal(out.n, 0);
        buf_free(&out);
    }
}

static void patterns_match_as_list_says(void **state) {
    (void)state;
    static const struct {
        const char *pattern, *name;
        bool fits;
    } cases[] = {
        {"*", "a/b/c", true},
        {"%", "a/b", false},
        {"%", "a", true},
        {"a/%", "a/b", true},
        {"a/%", "a/b/c", false},
        {"%/%", "a/b", true},
        {"*b", "a/b", true},
        {"a*c", "a/b/c", true},
        {"inbox", "INBOX", true},
        {"inbox/x", "INBOX/x", true},
        {"inbox/X", "INBOX/x", false},
        {"sent", "Sent", false},
        {"", "a", false},
        {"**%%", "x/y", true},
        {"a%b", "a/b", false},
        {"*a*a*a*b", "aaaaaaaaaa", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(tree_match(str_of(cases[i].pattern), str_of(cases[i].name)), cases[i].fits);
}

static void missing_levels_become_nodes(void **state) {
    (void)state;
    struct arena a = ARENA_EMPTY;
    struct store_mailbox box[] = {
        {.name = STR("INBOX")},
        {.name = STR("a-b")},
        {.name = STR("a/b/c"), .subscribed = true},
        {.name = STR("a/d"), .special_use = STR("\\Sent")},
    };
    struct tree t = tree_build(&a, box, 4);
    assert_int_equal(t.count, 6);
    static const char *const names[] = {"INBOX", "a", "a-b", "a/b", "a/b/c", "a/d"};
    for (size_t i = 0; i < t.count; i++)
        assert_true(str_eq(t.node[i].name, str_of(names[i])));
    assert_true(!t.node[1].box && t.node[1].children && t.node[1].subscribed_below && t.node[1].special_below);
    assert_true(!t.node[3].box && t.node[3].subscribed_below && !t.node[3].special_below);
    assert_true(!t.node[2].children && !t.node[4].children);
    arena_free(&a);
}

static void case_and_accents_do_not_matter_in_any_script(void **state) {
    (void)state;
    struct arena a = ARENA_EMPTY;
    struct buf scratch = BUF_EMPTY;
    static const struct {
        const char *needle, *text;
        bool there;
    } cases[] = {
        {"HELLO", "oh hello there", true},
        {"k\xc3\xb6ln", "K\xc3\x96LN", true},
        {"STRASSE",
         "stra\xc3\x9f"
         "e",
         true},
        {"\xce\xa3", "\xcf\x83", true},
        {"\xc3\xbc", "u", true}, /* nor do accents */
        {"creme", "Cr\xc3\xa8me", true},
        {"l", "\xc5\x82", false}, /* a letter of its own */
        {"\xe3\x81\x8b", "\xe3\x81\x8c", false},
        {"\xcc\x81", "a\xcc\x81", false},
        {"", "x", true},
        {"u\xcc\x88", "\xc3\x9c", true},
        {"x", "", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct needle n = match_needle(&a, str_of(cases[i].needle));
        assert_int_equal(match_contains(&n, str_of(cases[i].text), &scratch), cases[i].there);
    }
    struct needle raw = match_needle(&a, STR("\xff\xfe"));
    assert_true(match_contains(&raw, STR("a\xff\xfe"), &scratch));
    buf_free(&scratch);
    arena_free(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf7_goes_both_ways),
        cmocka_unit_test(utf7_has_one_form_for_each_name),
        cmocka_unit_test(patterns_match_as_list_says),
        cmocka_unit_test(missing_levels_become_nodes),
        cmocka_unit_test(case_and_accents_do_not_matter_in_any_script),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
