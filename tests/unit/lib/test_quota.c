/* When a warning is due, and its words. */
#include "quota/quota.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct quota_levels usual = {{80, 95, 100}, 3};

static int16_t next(int16_t warned, int64_t before, int64_t now, bool refused, bool *tell) {
    struct quota_state s = {.percent = now, .percent_before = before, .refused = refused, .warned = warned};
    return quota_next_level(&usual, &s, tell);
}

static void each_level_is_told_once_on_the_way_up(void **state) {
    (void)state;
    static const struct {
        int16_t warned, before, now;
        bool refused;
        int16_t level;
        bool tell;
    } step[] = {
        {0, 10, 79, false, 0, false},    {0, 79, 80, false, 80, true},     {80, 80, 94, false, 80, false},
        {80, 94, 96, false, 95, true},   {95, 96, 97, false, 95, false},   {95, 97, 97, true, 100, true},
        {100, 97, 97, true, 100, false}, {100, 97, 99, false, 100, false}, {100, 99, 100, false, 100, false},
        {0, 10, 100, false, 100, true},  {0, 50, 50, true, 0, false},      {80, 90, 90, true, 80, false},
    };
    for (size_t i = 0; i < sizeof step / sizeof *step; i++) {
        bool tell;
        assert_int_equal(next(step[i].warned, step[i].before, step[i].now, step[i].refused, &tell), step[i].level);
        assert_int_equal(tell, step[i].tell);
    }
}

static void below_a_level_it_is_forgotten_even_where_nobody_looked(void **state) {
    (void)state;
    bool tell;
    assert_int_equal(next(80, 40, 40, false, &tell), 0);
    assert_false(tell);
    assert_int_equal(next(95, 70, 85, false, &tell), 80);
    assert_true(tell);
    assert_int_equal(next(95, 85, 85, false, &tell), 80);
    assert_false(tell);
    assert_int_equal(next(100, 94, 96, false, &tell), 95);
    assert_true(tell);
}

static void without_levels_nothing_is_told(void **state) {
    (void)state;
    struct quota_levels none = {.count = 0};
    struct quota_state s = {.percent = 100, .percent_before = 100, .refused = true, .warned = 80};
    bool tell;
    assert_int_equal(quota_next_level(&none, &s, &tell), 0);
    assert_false(tell);
}

static void levels_grow_and_are_percentages(void **state) {
    (void)state;
    struct quota_levels l;
    struct err err;
    assert_true(quota_levels_parse(STR(" 80  95 100 "), &l, &err));
    assert_int_equal(l.count, 3);
    assert_int_equal(l.percent[2], 100);
    assert_true(quota_levels_parse(STR(""), &l, &err));
    assert_int_equal(l.count, 0);
    static const char *const wrong[] = {"0", "101", "80 80", "95 80", "8o", "80,95", "1 2 3 4 5 6 7 8 9 10 11"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(quota_levels_parse(str_of(wrong[i]), &l, &err));
}

static void words_are_filled_in_and_nothing_else_is_touched(void **state) {
    (void)state;
    struct quota_words w = {STR("a@b.example"), STR("{used} A"), 82, STR("82 MiB"), STR("100 MiB")};
    struct buf out = BUF_EMPTY;
    quota_fill_in(STR("{name}: {address} {used}/{limit}\\n{percent} % {other} { \\ %s"), &w, &out);
    assert_true(str_eq(buf_str(&out), STR("{used} A: a@b.example 82 MiB/100 MiB\r\n82 % {other} { \\ %s")));
    buf_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_level_is_told_once_on_the_way_up),
        cmocka_unit_test(below_a_level_it_is_forgotten_even_where_nobody_looked),
        cmocka_unit_test(without_levels_nothing_is_told),
        cmocka_unit_test(levels_grow_and_are_percentages),
        cmocka_unit_test(words_are_filled_in_and_nothing_else_is_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
