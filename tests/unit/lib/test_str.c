#include "base/codec.h"
#include "base/memory.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdlib.h>

static void split_gives_each_piece_and_an_empty_last_one(void **state) {
    (void)state;
    struct str s = STR("a,,b,"), piece;
    const char *want[] = {"a", "", "b", ""};
    size_t i = 0;
    for (; str_split(&s, ',', &piece); i++)
        assert_true(i < 4 && str_eq(piece, str_of(want[i])));
    assert_int_equal(i, 4);
}

static void words_stand_between_blanks_commas_and_line_ends(void **state) {
    (void)state;
    struct str list = STR(" one,two\t,\r\nthree\n"), none = {NULL, 0}, word;
    const char *want[] = {"one", "two", "three"};
    size_t i = 0;
    for (; str_word(&list, &word); i++)
        assert_true(i < 3 && str_eq(word, str_of(want[i])));
    assert_int_equal(i, 3);
    assert_false(str_word(&list, &word));
    assert_false(str_word(&none, &word));
}

static void numbers_refuse_signs_blanks_and_overflow(void **state) {
    (void)state;
    uint32_t v;
    assert_true(str_u32(STR("4294967295"), &v) && v == UINT32_MAX);
    assert_false(str_u32(STR("4294967296"), &v));
    assert_false(str_u32(STR("-1"), &v));
    assert_false(str_u32(STR(" 1"), &v));
    assert_false(str_u32(STR(""), &v));
    uint64_t w;
    assert_false(str_u64(STR("18446744073709551616"), &w));
}

static void utf8_refuses_overlong_forms_surrogates_and_cut_sequences(void **state) {
    (void)state;
    assert_true(str_is_utf8(STR("gr\xc3\xbc\xc3\x9f \xf0\x9f\x93\xa7")));
    assert_false(str_is_utf8(STR("\xc0\xaf")));
    assert_false(str_is_utf8(STR("\xed\xa0\x80")));
    assert_false(str_is_utf8(STR("\xe2\x82")));
    assert_false(str_is_utf8(STR("\xf4\x90\x80\x80")));
}

static void base64_is_strict_and_round_trips(void **state) {
    (void)state;
    for (size_t n = 0; n < 40; n++) {
        char raw[40];
        random_bytes(raw, sizeof raw);
        struct buf text = BUF_EMPTY, back = BUF_EMPTY;
        base64_encode(str_n(raw, n), &text);
        assert_true(base64_decode(buf_str(&text), &back));
        assert_true(str_eq(buf_str(&back), str_n(raw, n)));
        buf_reset(&text), buf_reset(&back);
        base64url_encode(str_n(raw, n), &text);
        assert_true(base64url_decode(buf_str(&text), &back));
        assert_true(str_eq(buf_str(&back), str_n(raw, n)));
        buf_free(&text), buf_free(&back);
    }
    struct buf out = BUF_EMPTY;
    assert_false(base64_decode(STR("AB=C"), &out));
    assert_false(base64_decode(STR("AB"), &out));
    assert_false(base64_decode(STR("AB=="), &out) && out.n != 1);
    assert_false(base64_decode(STR("A B="), &out));
    buf_free(&out);
}

static void crc32c_has_the_published_value(void **state) {
    (void)state;
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283u); /* RFC 3720 appendix B.4's polynomial */
}

static void an_arena_holds_large_and_small_and_is_reusable(void **state) {
    (void)state;
    struct arena a = ARENA_EMPTY;
    for (int round = 0; round < 3; round++) {
        char *big = arena_alloc(&a, 100000);
        memset(big, 1, 100000);
        for (int i = 0; i < 5000; i++) {
            char *p = arena_alloc(&a, (size_t)i % 37);
            memset(p, 2, (size_t)i % 37);
        }
        assert_int_equal(big[99999], 1);
        assert_true(str_eq(arena_printf(&a, "%d-%s", 7, "x"), STR("7-x")));
        arena_reset(&a);
    }
    arena_free(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(split_gives_each_piece_and_an_empty_last_one),
        cmocka_unit_test(words_stand_between_blanks_commas_and_line_ends),
        cmocka_unit_test(numbers_refuse_signs_blanks_and_overflow),
        cmocka_unit_test(utf8_refuses_overlong_forms_surrogates_and_cut_sequences),
        cmocka_unit_test(base64_is_strict_and_round_trips),
        cmocka_unit_test(crc32c_has_the_published_value),
        cmocka_unit_test(an_arena_holds_large_and_small_and_is_reusable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
