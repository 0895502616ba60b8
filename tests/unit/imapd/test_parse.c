#include "imap/fetch.h"
#include "imap/parse.h"
#include "imap/search.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct arena arena;

static struct parser parser(const char *text) { return (struct parser){.in = str_of(text), .arena = &arena}; }

static int clean(void **state) {
    (void)state;
    arena_free(&arena);
    return 0;
}

static void strings_are_atoms_quoted_or_literals(void **state) {
    (void)state;
    struct parser p = parser("INBOX \"a \\\"b\\\" \\\\\" {5}\r\na\r\nbc {3+}\r\nxyz NIL end]\r\n");
    struct str s;
    assert_true(parse_astring(&p, &s) && str_eq(s, STR("INBOX")));
    assert_true(parse_space(&p) && parse_astring(&p, &s) && str_eq(s, STR("a \"b\" \\")));
    assert_true(parse_space(&p) && parse_astring(&p, &s) && str_eq(s, STR("a\r\nbc")));
    assert_true(parse_space(&p) && parse_string(&p, &s) && str_eq(s, STR("xyz")));
    assert_true(parse_space(&p) && parse_nstring(&p, &s) && s.p == NULL);
    assert_true(parse_space(&p) && parse_astring(&p, &s) && str_eq(s, STR("end]")));
    assert_true(parse_end(&p));
}

static void broken_strings_are_refused(void **state) {
    (void)state;
    static const char *const broken[] = {"\"open",  "\"a\nb\"", "\"\\x\"", "{5}\r\nabc", "{5}abc",
                                         "{x}\r\n", "{}\r\n",   "{3+}",    "(",          ""};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        struct parser p = parser(broken[i]);
        struct str s;
        assert_false(parse_astring(&p, &s));
        assert_non_null(p.error);
    }
    struct parser p = {.in = STR("{3}\r\na\0b"), .arena = &arena};
    struct str s;
    assert_false(parse_astring(&p, &s));
}

static void literals_are_announced_at_the_end_of_a_line_only(void **state) {
    (void)state;
    uint64_t n;
    bool unasked;
    assert_true(parse_literal_announced(STR("a LOGIN {12}"), &n, &unasked) && n == 12 && !unasked);
    assert_true(parse_literal_announced(STR("{0+}"), &n, &unasked) && n == 0 && unasked);
    assert_true(parse_literal_announced(STR("a {99999999999999999999999}"), &n, &unasked) && n == INT64_MAX);
    assert_false(parse_literal_announced(STR("a {12} "), &n, &unasked));
    assert_false(parse_literal_announced(STR("a {+}"), &n, &unasked));
    assert_false(parse_literal_announced(STR("12}"), &n, &unasked));
    assert_false(parse_literal_announced(STR("{1 2}"), &n, &unasked));
}

static struct sequence resolved(const char *text, uint32_t last) {
    struct parser p = parser(text);
    struct sequence s;
    assert_true(parse_sequence(&p, &s));
    assert_int_equal(p.at, p.in.n);
    sequence_resolve(&s, last);
    return s;
}

static void check(struct sequence s, size_t count, const uint32_t *bounds) {
    assert_int_equal(s.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(s.range[i].first, bounds[2 * i]);
        assert_int_equal(s.range[i].last, bounds[2 * i + 1]);
    }
}

static void sequences_become_ascending_ranges_that_do_not_touch(void **state) {
    (void)state;
    check(resolved("9,1:3,5:2,4,7:8", 100), 2, (uint32_t[]){1, 5, 7, 9});
    check(resolved("*", 7), 1, (uint32_t[]){7, 7});
    check(resolved("*:3", 7), 1, (uint32_t[]){3, 7});
    check(resolved("10:*", 7), 1, (uint32_t[]){7, 7});
    check(resolved("10:20", 7), 0, NULL);
    check(resolved("5:20,1", 7), 2, (uint32_t[]){1, 1, 5, 7});
    check(resolved("1:*", 0), 0, NULL);
    check(resolved("4294967295,4294967294:*", UINT32_MAX), 1, (uint32_t[]){UINT32_MAX - 1, UINT32_MAX});
    static const char *const broken[] = {"", "0", "1,", ",1", "1:", ":1", "1:0", "4294967296", "1:2:3x", "-1"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        struct parser p = parser(broken[i]);
        struct sequence s;
        assert_false(parse_sequence(&p, &s) && p.at == p.in.n);
    }
}

static void flags_and_keywords_are_told_apart_and_bounded(void **state) {
    (void)state;
    struct parser p = parser("(\\seen \\Deleted $Junk work $junk \\Recent)");
    struct flags f = {0};
    assert_true(parse_flag_list(&p, &f));
    assert_int_equal(f.system, STORE_SEEN | STORE_DELETED);
    assert_int_equal(f.count, 2);
    p = parser("\\Flagged other");
    f = (struct flags){0};
    assert_true(parse_store_flags(&p, &f) && f.system == STORE_FLAGGED && f.count == 1);
    p = parser("(\\Nonsense)");
    assert_false(parse_flag_list(&p, &f));
    p = parser("(a  b)");
    assert_false(parse_flag_list(&p, &f));
}

static void dates_are_checked_against_the_calendar(void **state) {
    (void)state;
    int64_t day, t;
    struct parser p = parser("1-Jan-1970");
    assert_true(parse_date(&p, &day) && day == 0);
    p = parser("\"29-feb-2024\"");
    assert_true(parse_date(&p, &day) && day == 19782);
    p = parser("31-Dec-1969");
    assert_true(parse_date(&p, &day) && day == -1);
    p = parser("29-Feb-2023");
    assert_false(parse_date(&p, &day));
    p = parser("\" 1-Feb-2026 12:00:00 +0130\"");
    assert_true(parse_date_time(&p, &t) && t == INT64_C(1769941800) * 1000000);
    p = parser("\"01-Feb-2026 12:60:00 +0100\"");
    assert_false(parse_date_time(&p, &t));
}

static void mailbox_names_are_decoded_and_inbox_is_one(void **state) {
    (void)state;
    struct str name;
    struct parser p = parser("iNBoX/Entw&APw-rfe");
    assert_true(parse_mailbox(&p, &name) && str_eq(name, STR("INBOX/Entw\xc3\xbcrfe")));
    p = parser("inboxes");
    assert_true(parse_mailbox(&p, &name) && str_eq(name, STR("inboxes")));
    p = parser("\"a&b\"");
    assert_false(parse_mailbox(&p, &name));
    p = parser("\"gr\xc3\xbcn & blau\"");
    p.utf8 = true;
    assert_true(parse_mailbox(&p, &name) && str_eq(name, STR("gr\xc3\xbcn & blau")));
}

static void fetch_items_say_what_they_need(void **state) {
    (void)state;
    struct fetch_request r;
    struct parser p = parser("(UID FLAGS UID RFC822.SIZE)");
    assert_true(fetch_parse(&p, true, &r) && r.count == 3 && !r.cards && !r.sets_seen);
    p = parser("BODY.PEEK[]");
    assert_true(fetch_parse(&p, false, &r) && r.cards && !r.structure && !r.sets_seen);
    p = parser("(BODY[1.2.HEADER.FIELDS (\"X y\" To)]<0.100> ENVELOPE)");
    assert_true(fetch_parse(&p, false, &r) && r.count == 2 && r.structure && r.sets_seen);
    assert_true(str_eq(r.item[0].label, STR("BODY[1.2.HEADER.FIELDS (\"X y\" To)]<0>")));
    p = parser("FULL");
    assert_true(fetch_parse(&p, false, &r) && r.count == 5);
}

static void cheap_search_keys_come_first(void **state) {
    (void)state;
    struct search_request r;
    struct parser p = parser(" TEXT x (OR SUBJECT y SEEN) 1:5 FROM z UNSEEN\r\n");
    assert_true(search_parse(&p, &r));
    enum search_cost before = COST_VIEW;
    size_t n = 0;
    for (const struct search_key *k = r.key->child; k; k = k->next, n++) {
        assert_true(k->cost >= before);
        before = k->cost;
    }
    assert_int_equal(n, 5);
    assert_int_equal(r.key->cost, COST_BYTES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(strings_are_atoms_quoted_or_literals, clean),
        cmocka_unit_test_teardown(broken_strings_are_refused, clean),
        cmocka_unit_test_teardown(literals_are_announced_at_the_end_of_a_line_only, clean),
        cmocka_unit_test_teardown(sequences_become_ascending_ranges_that_do_not_touch, clean),
        cmocka_unit_test_teardown(flags_and_keywords_are_told_apart_and_bounded, clean),
        cmocka_unit_test_teardown(dates_are_checked_against_the_calendar, clean),
        cmocka_unit_test_teardown(mailbox_names_are_decoded_and_inbox_is_one, clean),
        cmocka_unit_test_teardown(fetch_items_say_what_they_need, clean),
        cmocka_unit_test_teardown(cheap_search_keys_come_first, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
