#include "move/imap_parse.h"
#include "move/source.h"
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define SAME(s, text) assert_true(str_eq(s, STR(text)))

static struct arena a;

static void fetch_answers_are_read_in_any_order(void **state) {
    (void)state;
    struct imap_fetch m;
    assert_true(imap_read_fetch(&a,
                                STR("(FLAGS (\\Seen $Label1 \\Recent Work) BODY[] {5}\r\na\r\n)( INTERNALDATE "
                                    "\" 3-Mar-2026 12:00:00 +0200\" X-OTHER (a (b \"c)\") {2}\r\n)) NIL) "
                                    "RFC822.SIZE 5 UID 4294967295)"),
                                &m));
    assert_int_equal(m.uid, UINT32_MAX);
    assert_int_equal(m.flags, STORE_SEEN);
    assert_int_equal(m.keyword_count, 2);
    SAME(m.keyword[1], "Work");
    assert_true(m.has_body);
    SAME(m.body, "a\r\n)(");
    assert_int_equal(m.size, 5);
    assert_int_equal(m.date, INT64_C(1772532000000000));
    assert_true(imap_read_fetch(&a, STR("(UID 1 BODY[] \"q\\\"uoted\" FLAGS ())"), &m));
    SAME(m.body, "q\"uoted");
    assert_true(imap_read_fetch(&a, STR("(BODY[] NIL UID 1)"), &m));
    assert_false(m.has_body);
}

static void broken_fetch_answers_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "(",
        "(UID)",
        "(UID x)",
        "(UID 1",
        "(BODY[] {10}\r\nshort)",
        "(BODY[] {99999999999999999999}\r\nx)",
        "(FLAGS (\\Seen)",
        "(FLAGS \\Seen)",
        "(BODY[] \"open)",
        "(X ((((((((((((((((((((((((((((((((((((((((1)))))))))))))))))))))))))))))))))))))))))"};
    struct imap_fetch m;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(imap_read_fetch(&a, str_of(bad[i]), &m));
}

static void list_answers_give_names_and_special_uses(void **state) {
    (void)state;
    struct imap_list l;
    assert_true(imap_read_list(&a, STR("(\\HasNoChildren \\Sent \\Subscribed) \".\" \"INBOX.Sent \\\"x\\\"\""), &l));
    SAME(l.name, "INBOX.Sent \"x\"");
    SAME(l.special_use, "\\Sent");
    assert_true(l.subscribed);
    assert_int_equal(l.delimiter, '.');
    assert_true(imap_read_list(&a, STR("(\\Noselect) NIL {3}\r\nabc (\"CHILDINFO\" (\"SUBSCRIBED\"))"), &l));
    assert_true(l.no_select);
    assert_int_equal(l.delimiter, 0);
    SAME(l.name, "abc");
    assert_true(imap_read_list(&a, STR("(\\All) \"/\" INBOX"), &l));
    assert_true(l.left_out);
    assert_false(imap_read_list(&a, STR("(\\All \"/\" INBOX"), &l));
    assert_false(imap_read_list(&a, STR("(\\All) \"/\""), &l));
}

static void namespaces_are_read(void **state) {
    (void)state;
    struct imap_namespaces n;
    assert_true(imap_read_namespaces(
        &a, STR("((\"INBOX.\" \".\")(\"mail/\" \"/\" \"X-P\" (\"a\"))) ((\"user.\" \".\")) ((\"shared.\" \".\"))"),
        &n));
    assert_int_equal(n.personals, 2);
    SAME(n.personal[0], "INBOX.");
    assert_int_equal(n.other_count, 2);
    SAME(n.others[1], "shared.");
    assert_true(imap_read_namespaces(&a, STR("((\"\" \"/\")) NIL NIL"), &n));
    assert_int_equal(n.other_count, 0);
    assert_false(imap_read_namespaces(&a, STR("((\"\" \"/\") NIL"), &n));
}

static void literals_at_the_end_of_a_line_are_seen(void **state) {
    (void)state;
    uint64_t n;
    assert_true(imap_literal_at_end(STR("* 1 FETCH (BODY[] {12}"), &n));
    assert_int_equal(n, 12);
    assert_true(imap_literal_at_end(STR("~{7+}"), &n));
    assert_int_equal(n, 7);
    assert_false(imap_literal_at_end(STR("{12} "), &n));
    assert_false(imap_literal_at_end(STR("{x}"), &n));
    assert_false(imap_literal_at_end(STR("}"), &n));
}

static void keywords_become_what_imap_can_carry(void **state) {
    (void)state;
    SAME(source_keyword(&a, STR("$Label1")), "$Label1");
    SAME(source_keyword(&a, STR("two words (x) \xc3\xbc")), "two_words__x____");
}

static void uidls_are_made_by_a_template(void **state) {
    (void)state;
    SAME(source_uidl(&a, STR("%08Xu%08Xv"), 10, 1275660208), "0000000a4c0907b0");
    SAME(source_uidl(&a, STR("UID%u-%v"), 3, 77), "UID3-77");
    SAME(source_uidl(&a, STR("100%%%"), 3, 77), "100%%");
}

static int forget(void **state) {
    (void)state;
    arena_free(&a);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fetch_answers_are_read_in_any_order),
        cmocka_unit_test(broken_fetch_answers_are_refused),
        cmocka_unit_test(list_answers_give_names_and_special_uses),
        cmocka_unit_test(namespaces_are_read),
        cmocka_unit_test(literals_at_the_end_of_a_line_are_seen),
        cmocka_unit_test(keywords_become_what_imap_can_carry),
        cmocka_unit_test(uidls_are_made_by_a_template),
    };
    return cmocka_run_group_tests(tests, NULL, forget);
}
