/* edit: changes to a message before it is stored. */
#include "edit/edit.h"

#include "smtpd/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct arena arena = ARENA_EMPTY;
static struct edit edit_of(const char *message) { return (struct edit){.arena = &arena, .message = str_of(message)}; }

#define MESSAGE "From: a\r\nX: 1\r\nTo: b,\r\n c\r\nx: 2\r\n\r\nbody\r\n"

static void assert_header(struct edit *e, const char *expected) {
    struct str got = edit_header(e);
    assert_int_equal(got.n, strlen(expected));
    assert_memory_equal(got.p, expected, got.n);
}

static void untouched_header_and_body_are_as_they_came(void **state) {
    (void)state;
    struct edit e = edit_of(MESSAGE);
    size_t n;
    const struct edit_field *f = edit_fields(&e, &n);
    assert_int_equal(n, 4);
    assert_true(str_eq(f[2].name, STR("To")));
    assert_true(str_eq(edit_value(&f[2]), STR(" b,\r\n c")));
    assert_true(str_eq(e.body, STR("\r\nbody\r\n")));
    assert_false(e.changed);
}

static void what_is_no_field_does_not_end_the_header(void **state) {
    (void)state;
    struct edit e = edit_of("From: a\r\nno field at all\r\nX: 1\r\n\r\nX: body\r\n");
    assert_true(edit_remove(&e, STR("x"), 1));
    assert_false(edit_remove(&e, STR("x"), 1));
    assert_header(&e, "From: a\r\nno field at all\r\n");
    assert_true(str_eq(e.body, STR("\r\nX: body\r\n")));
    e = edit_of("just text\r\nX: 1\r\n");
    edit_insert(&e, 0, STR("A"), STR("1"));
    assert_header(&e, "A: 1\r\n");
    assert_true(str_eq(e.body, STR("just text\r\nX: 1\r\n")));
}

static void a_field_goes_behind_one_that_never_ended(void **state) {
    (void)state;
    struct edit e = edit_of("From: a\r\nTo: b");
    edit_insert(&e, SIZE_MAX, STR("X"), STR("1"));
    assert_header(&e, "From: a\r\nTo: b\r\nX: 1\r\n");
}

static void fields_are_inserted_at_their_place(void **state) {
    (void)state;
    struct edit e = edit_of(MESSAGE);
    edit_insert(&e, 0, STR("First"), STR("1"));
    edit_insert(&e, 2, STR("Third"), STR(" 3"));
    edit_insert(&e, 99, STR("Last"), STR("z\r\n"));
    assert_header(&e, "First: 1\r\nFrom: a\r\nThird: 3\r\nX: 1\r\nTo: b,\r\n c\r\nx: 2\r\nLast: z\r\n");
}

static void the_nth_of_a_name_is_replaced_or_removed(void **state) {
    (void)state;
    struct edit e = edit_of(MESSAGE);
    edit_replace(&e, STR("x"), 2, STR("two"));
    assert_true(edit_remove(&e, STR("X"), 1));
    assert_false(edit_remove(&e, STR("X"), 2));
    edit_replace(&e, STR("New"), 1, STR("n"));
    assert_header(&e, "From: a\r\nTo: b,\r\n c\r\nx: two\r\nNew: n\r\n");
}

static void exact_values_begin_right_behind_the_colon(void **state) {
    (void)state;
    struct edit e = edit_of("A: 1\r\nB: 2\r\n\r\n");
    edit_insert_exact(&e, 0, STR("X"), STR("x"));
    edit_insert_exact(&e, 1, STR("Y"), STR("  y\n\tz"));
    edit_replace_exact(&e, STR("a"), 1, STR("one"));
    edit_replace_exact(&e, STR("New"), 1, STR(""));
    assert_header(&e, "X:x\r\nY:  y\r\n\tz\r\na:one\r\nB: 2\r\nNew:\r\n");
}

static void no_value_begins_another_field_or_the_body(void **state) {
    (void)state;
    struct edit e = edit_of("A: 1\r\n\r\n");
    edit_replace(&e, STR("A"), 1, STR("x\nB: y\r\n\r\nbody\r"));
    edit_insert(&e, 1, STR("C:\r\n D"), STR("z"));
    assert_header(&e, "A: x\r\n B: y\r\n body\r\nCD: z\r\n");
}

static void a_changed_message_is_put_together_with_what_comes_before(void **state) {
    (void)state;
    for (size_t big = 0; big < 2; big++) {
        struct message m;
        struct str whole;
        struct err err;
        message_begin(&m);
        size_t before = m.bytes.n;
        buf_add_c(&m.bytes, MESSAGE);
        message_appended(&m, before, 1 << 20, "/nonexistent");
        struct str text;
        assert_true(message_text(&m, &text, &err));
        struct edit e = {.arena = &arena, .message = text};
        edit_remove(&e, STR("x"), 1);
        struct buf value = BUF_EMPTY;
        for (size_t i = 0; i < big * 20000; i++)
            buf_add_byte(&value, 'v');
        edit_insert(&e, 0, STR("Big"), buf_str(&value));
        assert_true(message_finish(&m, STR("Received: y\r\n"), &e, &whole, &err));
        message_prepend(&m, STR("Signature: z\r\n"), &whole);
        assert_true(str_starts(whole, STR("Signature: z\r\nReceived: y\r\nBig: ")));
        assert_true(str_ends(whole, STR("\r\nFrom: a\r\nTo: b,\r\n c\r\nx: 2\r\n\r\nbody\r\n")));
        assert_int_equal(whole.n, 14 + 13 + 7 + value.n + strlen(MESSAGE) - 6);
        buf_free(&value);
        message_end(&m);
    }
}

static void a_new_body_takes_the_place_of_the_old(void **state) {
    (void)state;
    struct message m;
    struct str whole;
    struct err err;
    message_begin(&m);
    size_t before = m.bytes.n;
    buf_add_c(&m.bytes, MESSAGE);
    message_appended(&m, before, 1 << 20, "/nonexistent");
    struct str text;
    assert_true(message_text(&m, &text, &err));
    struct edit e = {.arena = &arena, .message = text};
    edit_body(&e, STR("other\r\n"));
    assert_true(message_finish(&m, STR("R: y\r\n"), &e, &whole, &err));
    assert_true(str_eq(whole, STR("R: y\r\nFrom: a\r\nX: 1\r\nTo: b,\r\n c\r\nx: 2\r\n\r\nother\r\n")));
    message_end(&m);
}

static int free_arena(void **state) {
    (void)state;
    arena_free(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(untouched_header_and_body_are_as_they_came),
        cmocka_unit_test(what_is_no_field_does_not_end_the_header),
        cmocka_unit_test(a_field_goes_behind_one_that_never_ended),
        cmocka_unit_test(fields_are_inserted_at_their_place),
        cmocka_unit_test(the_nth_of_a_name_is_replaced_or_removed),
        cmocka_unit_test(exact_values_begin_right_behind_the_colon),
        cmocka_unit_test(no_value_begins_another_field_or_the_body),
        cmocka_unit_test(a_changed_message_is_put_together_with_what_comes_before),
        cmocka_unit_test(a_new_body_takes_the_place_of_the_old),
    };
    return cmocka_run_group_tests(tests, NULL, free_arena);
}
