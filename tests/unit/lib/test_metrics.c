#include "metrics/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct buf text_of(const struct metrics_set *set) {
    struct buf out = BUF_EMPTY;
    metrics_write(set, &out);
    return out;
}

static void contains(const struct buf *out, const char *line) {
    if (str_find(buf_str(out), str_of(line)) < 0)
        fail_msg("no \"%s\" in\n%s", line, out->p);
}

static void a_tally_keeps_a_bounded_number_of_values(void **state) {
    (void)state;
    static struct metrics_tally t = {
        .name = "t_total", .help = "h", .label = "rule", .lock = PTHREAD_MUTEX_INITIALIZER};
    static struct metrics_tally *const all[] = {&t, NULL};
    struct metrics_set set = {.program = "test", .tally = all};
    char value[16];
    for (int i = 0; i < 1000; i++) {
        snprintf(value, sizeof value, "v%d", i);
        metrics_tally(&t, str_of(value));
    }
    metrics_tally(&t, STR("v3"));
    struct buf out = text_of(&set);
    contains(&out, "t_total{rule=\"v3\"} 2\n");
    contains(&out, "t_total{rule=\"other\"} 936\n");
    buf_free(&out);
}

static void a_histogram_is_cumulative_with_sum_and_count(void **state) {
    (void)state;
    static const double bounds[] = {0.5, 1};
    static struct metrics_histogram h = {.name = "h_seconds", .help = "h", .bound = bounds, .bounds = 2};
    static struct metrics_histogram *const all[] = {&h, NULL};
    struct metrics_set set = {.program = "test", .histogram = all};
    metrics_observe(&h, 500000);
    metrics_observe(&h, 700000);
    metrics_observe(&h, 9000000);
    metrics_observe(&h, -5);
    struct buf out = text_of(&set);
    contains(&out, "h_seconds_bucket{le=\"0.5\"} 2\nh_seconds_bucket{le=\"1\"} 3\nh_seconds_bucket{le=\"+Inf\"} 4\n"
                   "h_seconds_sum 10.2\nh_seconds_count 4\n");
    buf_free(&out);
}

static void label_values_are_escaped(void **state) {
    (void)state;
    struct buf out = BUF_EMPTY;
    metrics_sample(&out, "m", "l", STR("a\"b\\c\nd\xff"), 0.25);
    assert_string_equal(out.p, "m{l=\"a\\\"b\\\\c?d?\"} 0.25\n");
    buf_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tally_keeps_a_bounded_number_of_values),
        cmocka_unit_test(a_histogram_is_cumulative_with_sum_and_count),
        cmocka_unit_test(label_values_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
