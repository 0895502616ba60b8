#include "mail/imap/name.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct arena arena;

static const struct {
    const char *utf8, *wire;
} NAMES[] = {
    {"INBOX", "INBOX"},
    {"Entw\xc3\xbcrfe", "Entw&APw-rfe"},
    {"A & B", "A &- B"},
    {"~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e",
     "~peter/mail/&U,BTFw-/&ZeVnLIqe-"}, /* RFC 3501 5.1.3 */
    {"\xf0\x9f\x93\xa7", "&2D3c5w-"},
};

static void names_go_over_the_wire_and_back(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        assert_true(str_eq(name_encode(&arena, str_of(NAMES[i].utf8)), str_of(NAMES[i].wire)));
        assert_true(str_eq(name_decode(&arena, str_of(NAMES[i].wire)), str_of(NAMES[i].utf8)));
    }
}

static void what_is_no_encoding_is_shown_as_it_is(void **state) {
    (void)state;
    static const char *const BROKEN[] = {"a&", "a&b", "&!!-", "&2D0-", "&AAA", "&-&"};
    for (size_t i = 0; i < sizeof BROKEN / sizeof *BROKEN; i++)
        assert_true(str_eq(name_decode(&arena, str_of(BROKEN[i])), str_of(BROKEN[i])));
    assert_true(str_eq(name_decode(&arena, STR("a\xff")), STR("a?")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_go_over_the_wire_and_back),
        cmocka_unit_test(what_is_no_encoding_is_shown_as_it_is),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&arena);
    return failed;
}
