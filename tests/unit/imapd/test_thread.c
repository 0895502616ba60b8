/* Threads made of messages that were written to be hard; the trees themselves are in tests/protocol/test_imap_sort.py.
 */
#include "imap/collate.h"
#include "imap/thread.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct arena arena;

static int reset(void **state) {
    (void)state;
    arena_free(&arena);
    return 0;
}

static void add(struct threads *t, struct str header, int64_t date) {
    struct arena scratch = ARENA_EMPTY;
    threads_add(t, mime_parse(&scratch, header), date, &scratch);
    arena_free(&scratch);
}

static struct buf trees(struct threads *t, uint32_t n) {
    uint32_t *number = arena_array(&arena, n, sizeof *number);
    struct buf out = BUF_EMPTY;
    for (uint32_t i = 0; i < n; i++)
        number[i] = i + 1;
    threads_by_references(t);
    threads_write(t, number, &out);
    return out;
}

enum { MANY = 50000 };

/* Whatever the order of the messages: the answer is one spine, and it comes at once. */
static void a_chain_of_many_messages_is_one_thread(void **state) {
    (void)state;
    static const uint32_t step[] = {1, MANY - 1, 7919}; /* forwards, backwards, mixed */
    for (size_t k = 0; k < 3; k++) {
        struct threads *t = threads_new(&arena, MANY);
        int64_t began = clock_monotonic();
        for (uint64_t i = 0; i < MANY; i++) {
            unsigned long long n = i * step[k] % MANY;
            add(t,
                arena_printf(&arena, "Subject: %llu\nMessage-ID: <m%llu@x>\nReferences: <m%llu@x>\n\n", n, n,
                             n ? n - 1 : MANY),
                (int64_t)n);
        }
        struct buf out = trees(t, MANY);
        assert_int_equal(str_chr(str_sub(buf_str(&out), 1, out.n), '('), -1);
        assert_true(clock_monotonic() - began < 20 * CLOCK_SECOND);
        buf_free(&out);
        arena_reset(&arena);
    }
}

/* Every message would close a loop through all the others. */
static void loops_through_everything_end(void **state) {
    (void)state;
    struct threads *t = threads_new(&arena, MANY);
    int64_t began = clock_monotonic();
    for (uint32_t i = 0; i < MANY; i++)
        add(t,
            arena_printf(&arena, "Message-ID: <m%u@x>\nReferences: <m0@x> <m%u@x> <m0@x> <m%u@x>\n\n", i,
                         (i + 1) % MANY, i / 2),
            i);
    struct buf out = trees(t, MANY);
    size_t numbers = 0;
    for (size_t i = 0; i < out.n; i++)
        numbers += ascii_digit(out.p[i]) && !ascii_digit(out.p[i + 1]);
    assert_int_equal(numbers, MANY);
    assert_true(clock_monotonic() - began < 20 * CLOCK_SECOND);
    buf_free(&out);
}

static void text_is_ordered_without_case_and_by_its_letters(void **state) {
    (void)state;
    static const char *const same[][2] = {{"apple", "APPLE"},
                                          {"stra\xc3\x9f"
                                           "e",
                                           "STRA\xc3\x9f"
                                           "E"},
                                          {"\xc3\xa4", "\xc3\x84"},
                                          {"", ""}};
    static const char *const less[][2] = {{"a", "B"},        {"A", "b"}, {"a", "\xc3\xa4"},
                                          {"\xc3\xa4", "b"}, {"", "a"},  {"z", "\xce\xb1"}};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        assert_int_equal(str_cmp(collate_key(&arena, str_of(same[i][0])), collate_key(&arena, str_of(same[i][1]))), 0);
    for (size_t i = 0; i < sizeof less / sizeof *less; i++)
        assert_true(str_cmp(collate_key(&arena, str_of(less[i][0])), collate_key(&arena, str_of(less[i][1]))) < 0);
    struct str broken = collate_key(&arena, STR("a\xff"));
    assert_true(str_eq(broken, STR("A\xff")));
    struct buf long_text = BUF_EMPTY;
    for (int i = 0; i < 3000; i++)
        buf_add_c(&long_text, "\xc3\xa4");
    assert_true(collate_key(&arena, buf_str(&long_text)).n <= COLLATE_MAX_BYTES * 2);
    buf_free(&long_text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_chain_of_many_messages_is_one_thread, reset),
        cmocka_unit_test_teardown(loops_through_everything_end, reset),
        cmocka_unit_test_teardown(text_is_ordered_without_case_and_by_its_letters, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
