#include "net/dnsbl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool matches(const char *word, unsigned a, unsigned b, unsigned c, unsigned d) {
    struct arena arena = ARENA_EMPTY;
    struct dnsbl lists;
    struct err err;
    const unsigned char answer[4] = {(unsigned char)a, (unsigned char)b, (unsigned char)c, (unsigned char)d};
    assert_true(dnsbl_parse(&arena, str_of(word), &lists, &err));
    assert_int_equal(lists.count, 1);
    bool result = dnsbl_matches(&lists.list[0], answer);
    arena_free(&arena);
    return result;
}

static void domain_filter_and_weight_are_read(void **state) {
    (void)state;
    struct arena a = ARENA_EMPTY;
    struct dnsbl lists;
    struct err err;
    assert_true(
        dnsbl_parse(&a, STR("Zen.example.org=127.0.0.[2..11]*3, b.example.org\nwhite.example.net*-2"), &lists, &err));
    assert_int_equal(lists.count, 3);
    assert_true(str_eq(lists.list[0].domain, STR("zen.example.org")));
    assert_int_equal(lists.list[0].weight, 3);
    assert_true(lists.list[0].filtered);
    assert_int_equal(lists.list[1].weight, 1);
    assert_false(lists.list[1].filtered);
    assert_int_equal(lists.list[2].weight, -2);
    arena_free(&a);
}

static void filters_say_which_answers_count(void **state) {
    (void)state;
    assert_true(matches("l.example=127.0.0.[2..11]*3", 127, 0, 0, 2));
    assert_true(matches("l.example=127.0.0.[2..11]*3", 127, 0, 0, 11));
    assert_false(matches("l.example=127.0.0.[2..11]*3", 127, 0, 0, 12));
    assert_false(matches("l.example=127.0.0.[2..11]*3", 127, 0, 1, 2));
    assert_true(matches("l.example=127.0.[0;2].[1;3..4]", 127, 0, 2, 4));
    assert_false(matches("l.example=127.0.[0;2].[1;3..4]", 127, 0, 1, 4));
    assert_false(matches("l.example=127.0.[0;2].[1;3..4]", 127, 0, 2, 2));
    assert_true(matches("l.example=127.0.0.255", 127, 0, 0, 255));
}

static void without_a_filter_only_answers_of_lists_count(void **state) {
    (void)state;
    assert_true(matches("l.example", 127, 0, 0, 2));
    assert_true(matches("l.example", 127, 255, 255, 255));
    assert_false(matches("l.example", 203, 0, 113, 5));
}

static void what_can_not_be_understood_is_refused_by_name(void **state) {
    (void)state;
    static const char *const bad[] = {"l.example=",
                                      "l.example=127.0.0",
                                      "l.example=127.0.0.256",
                                      "l.example=127.0.0.",
                                      "l.example=127.0.0.[2",
                                      "l.example=127.0.0.[5..2]",
                                      "l.example*",
                                      "l.example*0",
                                      "l.example*x",
                                      "l.example*--1",
                                      "l.example=127.0.0.1.2",
                                      "l.example=127.0.0.[]",
                                      "example",
                                      ".example.org",
                                      "l..example",
                                      "l.exa$mple",
                                      "l.example=127.0.0.2*3*",
                                      "l.example*99999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct arena a = ARENA_EMPTY;
        struct dnsbl lists;
        struct err err;
        if (dnsbl_parse(&a, str_of(bad[i]), &lists, &err))
            fail_msg("%s was taken", bad[i]);
        assert_non_null(strstr(err.text, bad[i]));
        assert_int_equal(lists.count, 0);
        arena_free(&a);
    }
}

static void there_is_an_end_to_the_lists(void **state) {
    (void)state;
    struct arena a = ARENA_EMPTY;
    struct buf text = BUF_EMPTY;
    struct dnsbl lists;
    struct err err;
    for (int i = 0; i < DNSBL_MAX_LISTS; i++)
        buf_printf(&text, "l%d.example.org ", i);
    assert_true(dnsbl_parse(&a, buf_str(&text), &lists, &err));
    assert_int_equal(lists.count, DNSBL_MAX_LISTS);
    buf_add_c(&text, "more.example.org");
    assert_false(dnsbl_parse(&a, buf_str(&text), &lists, &err));
    assert_int_equal(lists.count, DNSBL_MAX_LISTS);
    buf_free(&text);
    arena_free(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(domain_filter_and_weight_are_read),
        cmocka_unit_test(filters_say_which_answers_count),
        cmocka_unit_test(without_a_filter_only_answers_of_lists_count),
        cmocka_unit_test(what_can_not_be_understood_is_refused_by_name),
        cmocka_unit_test(there_is_an_end_to_the_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
