#include "sendmail/compose.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct compose run(struct arena *a, const char *header, bool want_recipients) {
    struct compose c = {.sender = STR("root@mail.example.org"),
                        .full_name = STR("Charlie Root"),
                        .hostname = STR("mail.example.org"),
                        .want_recipients = want_recipients};
    compose(&c, a, str_of(header));
    return c;
}

static void recipients_are_taken_from_the_header_and_bcc_goes(void **state) {
    (void)state;
    struct arena a = ARENA_EMPTY;
    struct compose c =
        run(&a, "To: A <a@x.test>, root\nCc: g: b@x.test, c@x.test;\nBcc: secret@x.test\nFrom: me@x.test\n", true);
    assert_int_equal(c.count, 5);
    static const char *const want[] = {"a@x.test", "root@mail.example.org", "b@x.test", "c@x.test", "secret@x.test"};
    for (size_t i = 0; i < 5; i++)
        assert_true(str_eq(c.recipient[i], str_of(want[i])));
    assert_true(str_find(c.header, STR("secret")) < 0);
    arena_free(&a);
}

static void bcc_goes_even_when_recipients_are_named(void **state) {
    (void)state;
    struct arena a = ARENA_EMPTY;
    struct compose c = run(&a, "Bcc: secret@x.test\n folded@x.test\nSubject: y\nFrom: me@x.test\n", false);
    assert_int_equal(c.count, 0);
    assert_true(str_eq(c.header, STR("Subject: y\nFrom: me@x.test\n")));
    arena_free(&a);
}

static void a_message_that_is_sent_again_has_its_own_recipients(void **state) {
    (void)state;
    struct arena a = ARENA_EMPTY;
    struct compose c = run(&a, "To: old@x.test\nFrom: o@x.test\nResent-To: new@x.test\nResent-From: me@x.test\n", true);
    assert_int_equal(c.count, 1);
    assert_true(str_eq(c.recipient[0], STR("new@x.test")));
    arena_free(&a);
}

static void a_missing_from_is_made(void **state) {
    (void)state;
    struct arena a = ARENA_EMPTY;
    struct compose c = run(&a, "Subject: y\n", false);
    assert_true(str_eq(c.header, STR("Subject: y\nFrom: \"Charlie Root\" <root@mail.example.org>\n")));
    arena_free(&a);
}

static void addresses_without_a_host_are_completed(void **state) {
    (void)state;
    struct arena a = ARENA_EMPTY;
    struct compose c = run(&a, "From: root (Cron Daemon)\nTo: root, a@x.test\n", false);
    assert_true(str_find(c.header, STR("<root@mail.example.org>")) > 0);
    assert_true(str_find(c.header, STR("To: <root@mail.example.org>,\n\t<a@x.test>\n")) > 0);
    arena_free(&a);
}

static void international_domains_of_recipients_become_a_labels(void **state) {
    (void)state;
    struct arena a = ARENA_EMPTY;
    struct compose c = run(&a,
                           "To: a@b\xc3\xbc"
                           "cher.test\nFrom: me@x.test\n",
                           true);
    assert_int_equal(c.count, 1);
    assert_true(str_eq(c.recipient[0], STR("a@xn--bcher-kva.test")));
    arena_free(&a);
}

static void header_lines_are_told_from_text(void **state) {
    (void)state;
    assert_true(compose_is_header_line(STR("Subject: x"), true));
    assert_true(compose_is_header_line(STR("X-A:"), true));
    assert_true(compose_is_header_line(STR("\tfolded"), false));
    assert_false(compose_is_header_line(STR("\tfolded"), true));
    assert_false(compose_is_header_line(STR("Hello there: you"), true));
    assert_false(compose_is_header_line(STR("Hello"), true));
    assert_false(compose_is_header_line(STR(": x"), true));
    assert_false(compose_is_header_line(STR(""), false));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recipients_are_taken_from_the_header_and_bcc_goes),
        cmocka_unit_test(bcc_goes_even_when_recipients_are_named),
        cmocka_unit_test(a_message_that_is_sent_again_has_its_own_recipients),
        cmocka_unit_test(a_missing_from_is_made),
        cmocka_unit_test(addresses_without_a_host_are_completed),
        cmocka_unit_test(international_domains_of_recipients_become_a_labels),
        cmocka_unit_test(header_lines_are_told_from_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
