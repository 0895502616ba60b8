#include "smtpd/message.h"

#include <stdlib.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void append(struct message *m, struct str bytes, uint64_t limit, const char *spool) {
    size_t before = m->bytes.n;
    buf_add_str(&m->bytes, bytes);
    message_appended(m, before, limit, spool);
}

static void a_small_message_stays_in_memory_with_our_lines_in_front(void **state) {
    (void)state;
    struct message m;
    struct str whole, text;
    struct err err;
    message_begin(&m);
    append(&m, STR("Subject: x\r\n"), 1000, "/nonexistent");
    append(&m, STR("\r\nbody\r\n"), 1000, "/nonexistent");
    assert_true(message_text(&m, &text, &err) && str_eq(text, STR("Subject: x\r\n\r\nbody\r\n")));
    assert_true(message_finish(&m, STR("Received: y\r\n"), &(struct edit){0}, &whole, &err));
    assert_true(str_eq(whole, STR("Received: y\r\nSubject: x\r\n\r\nbody\r\n")));
    message_end(&m);
}

static void a_large_message_goes_through_a_file_unharmed(void **state) {
    (void)state;
    char folder[] = "/tmp/mansio-message-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct message m;
    struct str whole;
    struct err err;
    char block[60000];
    message_begin(&m);
    for (int i = 0; i < 100; i++) {
        memset(block, 'a' + i % 26, sizeof block);
        append(&m, str_n(block, sizeof block), 100 << 20, folder);
    }
    assert_true(m.fd >= 0 && !m.failed && m.bytes.cap < 4 << 20);
    assert_int_equal(m.size, 100 * sizeof block);
    assert_true(message_finish(&m, STR("Received: y\r\n"), &(struct edit){0}, &whole, &err));
    assert_int_equal(whole.n, 13 + 100 * sizeof block);
    assert_memory_equal(whole.p, "Received: y\r\n", 13);
    for (int i = 0; i < 100; i++) {
        memset(block, 'a' + i % 26, sizeof block);
        assert_memory_equal(whole.p + 13 + (size_t)i * sizeof block, block, sizeof block);
    }
    message_end(&m);
    assert_int_equal(rmdir(folder), 0); /* nothing is left */
}

static void what_is_over_the_limit_is_thrown_away(void **state) {
    (void)state;
    struct message m;
    char block[10000] = {0};
    message_begin(&m);
    for (int i = 0; i < 1000; i++)
        append(&m, str_n(block, sizeof block), 50000, "/nonexistent");
    assert_true(m.over_limit && !m.failed);
    assert_int_equal(m.size, 10000000);
    assert_true(m.bytes.cap < 1 << 20);
    message_end(&m);
}

static void a_spool_that_can_not_be_written_is_a_failure_with_a_reason(void **state) {
    (void)state;
    struct message m;
    char block[60000] = {0};
    message_begin(&m);
    for (int i = 0; i < 30; i++)
        append(&m, str_n(block, sizeof block), 100 << 20, "/nonexistent");
    assert_true(m.failed);
    assert_non_null(strstr(m.err.text, "/nonexistent"));
    message_end(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_small_message_stays_in_memory_with_our_lines_in_front),
                                       cmocka_unit_test(a_large_message_goes_through_a_file_unharmed),
                                       cmocka_unit_test(what_is_over_the_limit_is_thrown_away),
                                       cmocka_unit_test(a_spool_that_can_not_be_written_is_a_failure_with_a_reason)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
