/* Inexact matching of words. */
#include "imap/fuzzy.h"
#include "imap/match.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static unsigned score(const char *wanted, const char *text) {
    struct arena a = ARENA_EMPTY;
    struct buf folded = BUF_EMPTY;
    struct fuzzy_found found = {0};
    match_fold(str_of(text), &folded);
    const struct fuzzy *f = fuzzy_make(&a, match_needle(&a, str_of(wanted)).folded);
    assert_non_null(f);
    fuzzy_look(f, buf_str(&folded), &found);
    unsigned s = fuzzy_score(f, &found);
    buf_free(&folded);
    arena_free(&a);
    return s;
}

static void a_word_is_as_good_as_it_is_whole(void **state) {
    (void)state;
    assert_int_equal(score("report", "The Report of May"), 100);
    assert_int_equal(score("report", "reports"), 90);
    assert_int_equal(score("port", "reports"), 75);
    assert_int_equal(score("reporting", "a report"), 80);
    assert_int_equal(score("brulee", "Cr\xc3\xa8me Br\xc3\xbbl\xc3\xa9\x65"), 100);
}

static void one_letter_may_be_wrong_and_two_in_long_words(void **state) {
    (void)state;
    static const struct {
        const char *wanted, *text;
        unsigned score;
    } cases[] = {
        {"repart", "report", 60},
        {"reprt", "report", 60},
        {"repoort", "report", 60},
        {"erport", "report", 60},
        {"reoprt", "report", 60},
        {"rport", "report", 60},
        {"rpeort", "report", 60},
        {"reprto", "report", 0},
        {"informatoin", "information", 60},
        {"infromatoin", "information", 45},
        {"infromatoni", "information", 0},
        {"cat", "car", 0},
        {"prufnug", "Pr\xc3\xbc\x66ung", 60},
        {"\xd0\xbf\xd1\x80\xd0\xb5\xd0\xb2\xd0\xb5\xd1\x82", "\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82", 60},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (score(cases[i].wanted, cases[i].text) != cases[i].score)
            fail_msg("%s in %s: %u", cases[i].wanted, cases[i].text, score(cases[i].wanted, cases[i].text));
}

/* Whichever letter of a word is wrong, missing or exchanged: the pieces that are looked for do not miss it. */
static void no_place_for_a_slip_is_missed(void **state) {
    (void)state;
    static const char *const words[] = {"abcde", "abcdef", "abcdefg", "abcdefgh", "abcdefghi", "abcdefghijklmno"};
    for (size_t w = 0; w < sizeof words / sizeof *words; w++)
        for (size_t i = 0; i < strlen(words[w]); i++) {
            char slip[32] = {0};
            size_t n = strlen(words[w]);
            memcpy(slip, words[w], n);
            slip[i] = 'x';
            assert_true(score(slip, words[w]) > 0 && score(words[w], slip) > 0);
            memmove(slip + i, slip + i + 1, n - i);
            assert_true((n - 1 < 5 || score(slip, words[w]) > 0) && score(words[w], slip) > 0);
            memcpy(slip, words[w], n);
            if (i + 1 < n) {
                slip[i] = words[w][i + 1];
                slip[i + 1] = words[w][i];
                assert_true(score(slip, words[w]) > 0 && score(words[w], slip) > 0);
            }
        }
}

static void all_words_are_wanted_in_any_order(void **state) {
    (void)state;
    assert_int_equal(score("imap broken", "broken IMAP"), 90);
    assert_int_equal(score("imap broken", "IMAP broken"), 100);
    assert_int_equal(score("imap broken", "IMAP"), 0);
}

static void without_a_word_there_is_nothing_to_match(void **state) {
    (void)state;
    struct arena a = ARENA_EMPTY;
    assert_null(fuzzy_make(&a, STR("")));
    assert_null(fuzzy_make(&a, STR(" -- ")));
    arena_free(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_is_as_good_as_it_is_whole),
        cmocka_unit_test(one_letter_may_be_wrong_and_two_in_long_words),
        cmocka_unit_test(no_place_for_a_slip_is_missed),
        cmocka_unit_test(all_words_are_wanted_in_any_order),
        cmocka_unit_test(without_a_word_there_is_nothing_to_match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
