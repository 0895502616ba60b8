/* What an account's log says of the difference between two lists of mailboxes. */
#include "watch/account.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct account *a;

static int begin(void **state) {
    (void)state;
    a = mem_zero(sizeof *a);
    pthread_mutex_init(&a->refresh, NULL);
    pthread_mutex_init(&a->lock, NULL);
    return 0;
}

static int end(void **state) {
    (void)state;
    account_free(a);
    return 0;
}

static struct store_mailbox box(int64_t id, const char *name) {
    return (struct store_mailbox){.id = id, .name = str_of(name), .uidnext = 1, .highestmodseq = 1, .subscribed = true};
}

static void is_logged(uint64_t n, enum watch_kind kind, const char *name, const char *other) {
    const struct logged *l = account_logged(a, n);
    assert_true(n < a->logged);
    assert_int_equal(l->kind, kind);
    assert_string_equal(l->name, name);
    if (other)
        assert_string_equal(l->other, other);
    else
        assert_null(l->other);
}

static void the_first_list_is_no_news(void **state) {
    (void)state;
    struct store_mailbox list[] = {box(1, "INBOX"), box(7, "b"), box(3, "a")};
    account_take_list(a, list, 3);
    assert_int_equal(a->logged, 0);
    assert_int_equal(a->count, 3);
    assert_non_null(account_find(a, 3));
    assert_null(account_find(a, 4));
}

static void made_and_removed_mailboxes_are_logged(void **state) {
    (void)state;
    struct store_mailbox first[] = {box(1, "INBOX"), box(2, "gone")}, second[] = {box(1, "INBOX"), box(3, "new")};
    account_take_list(a, first, 2);
    account_take_list(a, second, 2);
    assert_int_equal(a->logged, 2);
    is_logged(0, WATCH_DELETED, "gone", NULL);
    is_logged(1, WATCH_CREATED, "new", NULL);
    account_take_list(a, second, 2);
    assert_int_equal(a->logged, 2);
}

static void a_renamed_tree_is_one_event_whatever_the_order(void **state) {
    (void)state;
    struct store_mailbox first[] = {box(4, "x/y/z"), box(1, "x"), box(3, "x/y"), box(2, "xy")};
    struct store_mailbox second[] = {box(4, "new/y/z"), box(1, "new"), box(3, "new/y"), box(2, "newy")};
    account_take_list(a, first, 4);
    account_take_list(a, second, 4);
    assert_int_equal(a->logged, 2);
    is_logged(0, WATCH_RENAMED, "new", "x");
    is_logged(1, WATCH_RENAMED, "newy", "xy");
}

static void a_subscription_is_logged(void **state) {
    (void)state;
    struct store_mailbox b = box(1, "INBOX");
    account_take_list(a, &b, 1);
    b.subscribed = false;
    assert_true(account_take(a, &b));
    is_logged(0, WATCH_SUBSCRIBED, "INBOX", NULL);
    assert_false(account_logged(a, 0)->subscribed);
}

static void what_became_of_messages_is_told_apart(void **state) {
    (void)state;
    struct store_mailbox b = box(1, "INBOX");
    account_take_list(a, &b, 1);
    const struct watched *w = account_find(a, 1);
    b.uidnext = 4, b.messages = 3, b.highestmodseq = 2;
    assert_true(account_take(a, &b));
    assert_true(w->new_at == a->at && w->expunged_at == 0 && w->flags_at == 0);
    b.flags_modseq = b.highestmodseq = 3;
    assert_true(account_take(a, &b));
    assert_true(w->flags_at == a->at && w->new_at < a->at);
    b.uidnext = 5, b.messages = 2, b.highestmodseq = 6; /* one came, two went */
    assert_true(account_take(a, &b));
    assert_true(w->new_at == a->at && w->expunged_at == a->at && w->flags_at < a->at);
    uint64_t at = a->at;
    b.messages = 3, b.highestmodseq = 5; /* an older row comes late */
    assert_true(account_take(a, &b));
    assert_int_equal(a->at, at);
    assert_int_equal(account_find(a, 1)->box.messages, 2);
}

static void a_mailbox_that_is_not_known_asks_for_the_list(void **state) {
    (void)state;
    struct store_mailbox b = box(1, "INBOX"), other = box(2, "x"), renamed = box(1, "y");
    account_take_list(a, &b, 1);
    assert_false(account_take(a, &other));
    assert_false(account_take(a, &renamed));
}

static void many_marks_are_one_look_at_the_list(void **state) {
    (void)state;
    account_mark(a, 5);
    account_mark(a, 5);
    assert_int_equal(a->dirty_count, 1);
    assert_false(a->list_dirty);
    for (int64_t i = 0; i <= ACCOUNT_DIRTY; i++)
        account_mark(a, i + 1);
    assert_true(a->list_dirty);
}

static void the_log_forgets_its_oldest(void **state) {
    (void)state;
    struct store_annotated x = {.account = 1, .mailbox = 0, .entry = STR("/shared/x")};
    for (int i = 0; i < ACCOUNT_LOG; i++)
        account_log_annotated(a, &x);
    assert_non_null(account_logged(a, 0));
    account_log_annotated(a, &x);
    assert_null(account_logged(a, 0));
    is_logged(1, WATCH_ANNOTATED, "", "/shared/x");
    is_logged(ACCOUNT_LOG, WATCH_ANNOTATED, "", "/shared/x");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_list_is_no_news, begin, end),
        cmocka_unit_test_setup_teardown(made_and_removed_mailboxes_are_logged, begin, end),
        cmocka_unit_test_setup_teardown(a_renamed_tree_is_one_event_whatever_the_order, begin, end),
        cmocka_unit_test_setup_teardown(a_subscription_is_logged, begin, end),
        cmocka_unit_test_setup_teardown(what_became_of_messages_is_told_apart, begin, end),
        cmocka_unit_test_setup_teardown(a_mailbox_that_is_not_known_asks_for_the_list, begin, end),
        cmocka_unit_test_setup_teardown(many_marks_are_one_look_at_the_list, begin, end),
        cmocka_unit_test_setup_teardown(the_log_forgets_its_oldest, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
