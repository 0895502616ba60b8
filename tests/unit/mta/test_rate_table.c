#include "base/clock.h"
#include "policy/rate_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const struct rate_limits limits = {.at_a_time = 3, .per_minute = {10, 5, 20}};

static struct network network(uint32_t n) {
    char text[64];
    struct network out;
    snprintf(text, sizeof text, "2001:db8:%x:%x::/64", n >> 16, n & 0xffff);
    assert_true(network_parse(str_of(text), &out));
    return out;
}

static void connections_are_counted_until_they_end(void **state) {
    (void)state;
    struct rate_table *t = rate_table_new(1024);
    struct network a = network(1), b = network(2);
    bool counted;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rate_table_enter(t, &a, &limits, CLOCK_SECOND, &counted), RATE_GOOD);
        assert_true(counted);
    }
    assert_int_equal(rate_table_enter(t, &a, &limits, CLOCK_SECOND, &counted), RATE_TOO_MANY_AT_A_TIME);
    assert_false(counted);
    assert_int_equal(rate_table_enter(t, &b, &limits, CLOCK_SECOND, &counted), RATE_GOOD);
    rate_table_leave(t, &a);
    assert_int_equal(rate_table_enter(t, &a, &limits, CLOCK_SECOND, &counted), RATE_GOOD);
    rate_table_free(t);
}

static void a_minutes_allowance_comes_back_with_time(void **state) {
    (void)state;
    struct rate_table *t = rate_table_new(1024);
    struct network a = network(1);
    int64_t now = 1000 * CLOCK_SECOND;
    for (int i = 0; i < 5; i++)
        assert_true(rate_table_take(t, &a, &limits, RATE_MESSAGES, now));
    assert_false(rate_table_take(t, &a, &limits, RATE_MESSAGES, now));
    assert_true(rate_table_take(t, &a, &limits, RATE_RECIPIENTS, now));
    assert_false(rate_table_take(t, &a, &limits, RATE_MESSAGES, now + 11 * CLOCK_SECOND));
    assert_true(rate_table_take(t, &a, &limits, RATE_MESSAGES, now + 13 * CLOCK_SECOND));
    assert_false(rate_table_take(t, &a, &limits, RATE_MESSAGES, now + 13 * CLOCK_SECOND));
    for (int i = 0; i < 5; i++)
        assert_true(rate_table_take(t, &a, &limits, RATE_MESSAGES, now + 100 * CLOCK_SECOND));
    assert_false(rate_table_take(t, &a, &limits, RATE_MESSAGES, now + 100 * CLOCK_SECOND));
    rate_table_free(t);
}

static void without_limits_nothing_is_refused(void **state) {
    (void)state;
    struct rate_table *t = rate_table_new(1024);
    struct rate_limits none = {0};
    struct network a = network(1);
    bool counted;
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(rate_table_enter(t, &a, &none, CLOCK_SECOND, &counted), RATE_GOOD);
        assert_true(rate_table_take(t, &a, &none, RATE_MESSAGES, CLOCK_SECOND));
    }
    rate_table_free(t);
}

static size_t resident_kib(void) {
    unsigned long total, resident;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%lu %lu", &total, &resident), 2);
    fclose(f);
    return resident * 4;
}

static void a_million_networks_take_no_more_memory_and_push_no_connection_out(void **state) {
    (void)state;
    struct rate_table *t = rate_table_new(65536);
    bool counted;
    assert_true(rate_table_bytes(t) <= 4 << 20);
    struct network held = network(0xffffffff);
    for (int i = 0; i < 3; i++)
        assert_int_equal(rate_table_enter(t, &held, &limits, CLOCK_SECOND, &counted), RATE_GOOD);
    size_t before = resident_kib();
    for (uint32_t i = 0; i < 1000000; i++) {
        struct network n = network(i);
        if (rate_table_enter(t, &n, &limits, (int64_t)i + 2, &counted) == RATE_GOOD && counted)
            rate_table_leave(t, &n);
    }
    assert_true(resident_kib() - before < 6 << 10);
    assert_int_equal(rate_table_enter(t, &held, &limits, 2 * CLOCK_SECOND, &counted), RATE_TOO_MANY_AT_A_TIME);
    rate_table_free(t);
}

static void where_all_places_are_in_use_one_more_is_let_in_uncounted(void **state) {
    (void)state;
    struct rate_table *t = rate_table_new(1);
    size_t uncounted = 0;
    for (uint32_t i = 0; i < 20000; i++) {
        struct network n = network(i);
        bool counted;
        assert_int_equal(rate_table_enter(t, &n, &limits, CLOCK_SECOND, &counted), RATE_GOOD);
        uncounted += !counted;
    }
    assert_true(uncounted > 0);
    rate_table_free(t);
}

static void who_has_waited_is_known_for_a_time(void **state) {
    (void)state;
    struct rate_table *t = rate_table_new(1024);
    struct network a = network(1), b = network(2);
    rate_table_know(t, &a, 10, 100);
    assert_true(rate_table_knows(t, &a, 99));
    assert_false(rate_table_knows(t, &a, 100));
    assert_false(rate_table_knows(t, &b, 50));
    rate_table_free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_are_counted_until_they_end),
        cmocka_unit_test(a_minutes_allowance_comes_back_with_time),
        cmocka_unit_test(without_limits_nothing_is_refused),
        cmocka_unit_test(a_million_networks_take_no_more_memory_and_push_no_connection_out),
        cmocka_unit_test(where_all_places_are_in_use_one_more_is_let_in_uncounted),
        cmocka_unit_test(who_has_waited_is_known_for_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
