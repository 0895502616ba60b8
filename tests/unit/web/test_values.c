/* What people type and read in the administration; how long guessing has to wait. */
#include "admin/common.h"
#include "session/throttle.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct arena arena;

static void assert_size(const char *typed, int64_t want) {
    int64_t bytes = -2;
    struct err err = {""};
    if (!size_parse(str_of(typed), &bytes, &err))
        fail_msg("%s: %s", typed, err.text);
    assert_int_equal(bytes, want);
}

static void sizes_are_read_as_people_write_them(void **state) {
    (void)state;
    assert_size("", -1);
    assert_size("  ", -1);
    assert_size("0", 0);
    assert_size("500", 500 * INT64_C(1048576));
    assert_size("500 mb", 500 * INT64_C(1048576));
    assert_size("1.5GB", INT64_C(1610612736));
    assert_size("1,5 g", INT64_C(1610612736));
    assert_size("2 TB", INT64_C(2) << 40);
    static const char *const BAD[] = {"lots",           "-1", "1.2.3", ".", "5 PB", "1e9", "5 GB x", "9999999999999",
                                      "999999999999 TB"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        int64_t bytes;
        struct err err = {""};
        assert_false(size_parse(str_of(BAD[i]), &bytes, &err));
        assert_true(err.text[0]);
    }
}

static void sizes_are_shown_as_they_can_be_typed_again(void **state) {
    (void)state;
    static const int64_t SIZES[] = {INT64_C(500) << 20, INT64_C(3) << 29, INT64_C(2) << 40, INT64_C(1) << 30,
                                    INT64_C(999) << 20};
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        int64_t back;
        assert_true(size_parse(size_text(&arena, SIZES[i]), &back, NULL));
        assert_int_equal(back, SIZES[i]);
    }
    assert_true(str_eq(size_text(&arena, 0), STR("0 B")));
    assert_true(str_eq(size_text(&arena, 1023), STR("1023 B")));
    assert_true(str_eq(size_text(&arena, 1536), STR("1.5 KB")));
}

static void counts_have_groups_and_a_bound(void **state) {
    (void)state;
    assert_true(str_eq(count_text(&arena, 0), STR("0")));
    assert_true(str_eq(count_text(&arena, 999), STR("999")));
    assert_true(str_eq(count_text(&arena, 1000), STR("1,000")));
    assert_true(str_eq(count_text(&arena, 1234567), STR("1,234,567")));
    assert_true(str_eq(bounded_text(&arena, 1000, 1000), STR("1,000")));
    assert_true(str_eq(bounded_text(&arena, 1001, 1000), STR("1,000+")));
}

static void limits_are_numbers_or_none(void **state) {
    (void)state;
    int32_t limit;
    assert_true(limit_parse(STR(""), &limit, NULL) && limit == -1);
    assert_true(limit_parse(STR("0"), &limit, NULL) && limit == 0);
    assert_true(limit_parse(STR("1000000"), &limit, NULL) && limit == 1000000);
    assert_false(limit_parse(STR("1000001"), &limit, NULL));
    assert_false(limit_parse(STR("-1"), &limit, NULL));
    assert_false(limit_parse(STR("ten"), &limit, NULL));
}

static void sentences_begin_large_and_end_with_a_stop_but_names_stay(void **state) {
    (void)state;
    assert_true(str_eq(sentence(&arena, "the name is missing"), STR("The name is missing.")));
    assert_true(str_eq(sentence(&arena, "which one?"), STR("Which one?")));
    assert_true(
        str_eq(sentence(&arena, "example.org is already hosted here"), STR("example.org is already hosted here.")));
    assert_true(str_eq(sentence(&arena, "a@b.c is taken"), STR("a@b.c is taken.")));
    assert_true(str_eq(sentence(&arena, ""), STR(".")));
}

static void made_up_passwords_differ_and_can_be_dictated(void **state) {
    (void)state;
    struct str one = made_up_password(&arena), two = made_up_password(&arena);
    assert_int_equal(one.n, 23);
    assert_false(str_eq(one, two));
    for (size_t i = 0; i < one.n; i++) {
        assert_int_equal(one.p[i] == '-', i % 6 == 5);
        assert_null(strchr("ilo01", one.p[i]));
    }
}

static void waiting_doubles_up_to_a_quarter_of_an_hour(void **state) {
    (void)state;
    assert_int_equal(throttle_delay(0, 5), 0);
    assert_int_equal(throttle_delay(4, 5), 0);
    assert_int_equal(throttle_delay(5, 5), 2);
    assert_int_equal(throttle_delay(6, 5), 4);
    assert_int_equal(throttle_delay(13, 5), 512);
    assert_int_equal(throttle_delay(14, 5), 900);
    assert_int_equal(throttle_delay(1000000, 5), 900);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_read_as_people_write_them),
        cmocka_unit_test(sizes_are_shown_as_they_can_be_typed_again),
        cmocka_unit_test(counts_have_groups_and_a_bound),
        cmocka_unit_test(limits_are_numbers_or_none),
        cmocka_unit_test(sentences_begin_large_and_end_with_a_stop_but_names_stay),
        cmocka_unit_test(made_up_passwords_differ_and_can_be_dictated),
        cmocka_unit_test(waiting_doubles_up_to_a_quarter_of_an_hour),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&arena);
    return failed;
}
