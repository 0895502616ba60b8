#include "base/clock.h"
#include "base/quantity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void sizes_have_units(void **state) {
    (void)state;
    uint64_t v;
    assert_true(quantity_bytes(STR("1000"), &v) && v == 1000);
    assert_true(quantity_bytes(STR(" 50M "), &v) && v == 50u << 20);
    assert_true(quantity_bytes(STR("2k"), &v) && v == 2048);
    assert_true(quantity_bytes(STR("10G"), &v) && v == UINT64_C(10) << 30);
    assert_false(quantity_bytes(STR(""), &v));
    assert_false(quantity_bytes(STR("M"), &v));
    assert_false(quantity_bytes(STR("5x"), &v));
    assert_false(quantity_bytes(STR("-5"), &v));
    assert_false(quantity_bytes(STR("99999999999999999999G"), &v));
    assert_false(quantity_bytes(STR("9999999999999G"), &v));
}

static void durations_have_units(void **state) {
    (void)state;
    int64_t v;
    assert_true(quantity_duration(STR("90s"), &v) && v == 90 * CLOCK_SECOND);
    assert_true(quantity_duration(STR("5m"), &v) && v == 300 * CLOCK_SECOND);
    assert_true(quantity_duration(STR("4h"), &v) && v == 4 * 3600 * CLOCK_SECOND);
    assert_true(quantity_duration(STR("5D"), &v) && v == 5 * 86400 * CLOCK_SECOND);
    assert_true(quantity_duration(STR("0"), &v) && v == 0);
    assert_false(quantity_duration(STR("5"), &v));
    assert_false(quantity_duration(STR("h"), &v));
    assert_false(quantity_duration(STR("1w"), &v));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(sizes_have_units), cmocka_unit_test(durations_have_units)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
