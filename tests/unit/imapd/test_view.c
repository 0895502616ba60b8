/* The arrays of a view and what its clients are told, without a store. */
#include "view/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct view view;
static struct view_client one, two;
static struct arena arena;

static void join(struct view_client *c) {
    *c = (struct view_client){.view = &view, .list = uid_list_ref(view.list), .count = view.count};
    c->next = view.clients;
    view.clients = c;
}

static void leave(struct view_client *c) {
    uid_list_unref(c->list);
    free(c->recent);
    free(c->pending);
}

static struct store_message message(uint32_t uid, uint32_t flags, uint64_t modseq) {
    return (struct store_message){.uid = uid, .flags = flags, .modseq = modseq, .size = 10 * uid};
}

/* UIDs 10, 20 ... 10 * count */
static void fill(uint32_t count) {
    for (uint32_t i = 1; i <= count; i++) {
        struct store_message m = message(10 * i, 0, i);
        state_messages(&view, &m, 1, NULL);
    }
}

static int set_up(void **state) {
    (void)state;
    view = (struct view){0};
    pthread_mutex_init(&view.lock, NULL);
    state_init(&view);
    fill(9);
    atomic_store(&view.synced, 9);
    join(&one);
    join(&two);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    leave(&one);
    leave(&two);
    state_free(&view);
    arena_free(&arena);
    return 0;
}

static void expunge(uint32_t a, uint32_t b) {
    uint32_t uid[] = {a, b};
    state_expunge(&view, uid, b ? 2 : 1);
}

static void a_client_keeps_its_numbers_until_it_is_told(void **state) {
    (void)state;
    expunge(20, 50);
    fill(10);
    struct view_message m[9];
    view_read(&one, 1, 9, m);
    for (uint32_t i = 0; i < 9; i++) {
        assert_int_equal(m[i].uid, 10 * (i + 1));
        assert_int_equal(m[i].gone, i == 1 || i == 4);
        assert_int_equal(m[i].size, m[i].gone ? 0 : 100 * (i + 1));
    }
    struct view_changes ch;
    view_changes(&one, &arena, false, &ch);
    assert_true(ch.expunged_count == 0 && !ch.grown && one.count == 9);
    view_changes(&one, &arena, true, &ch);
    assert_int_equal(ch.expunged_count, 2);
    assert_true(ch.expunged[0] == 2 && ch.expunged[1] == 4 && ch.expunged_uid[1] == 50);
    assert_true(ch.grown && one.count == 8);
    assert_int_equal(view_uid(&one, 8), 100);
    assert_int_equal(two.count, 9);
    view_changes(&two, &arena, true, &ch);
    assert_true(ch.expunged_count == 2 && two.list == one.list);
}

static void removals_one_after_another_are_all_told(void **state) {
    (void)state;
    struct view_changes ch;
    expunge(10, 90);
    view_changes(&one, &arena, true, &ch);
    expunge(20, 0);
    expunge(30, 80);
    view_changes(&two, &arena, true, &ch);
    assert_int_equal(ch.expunged_count, 5);
    static const uint32_t numbers[] = {1, 1, 1, 5, 5};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(ch.expunged[i], numbers[i]);
    view_changes(&one, &arena, true, &ch);
    assert_int_equal(ch.expunged_count, 3);
    assert_int_equal(one.count, 4);
}

static void others_hear_of_flags_and_the_doer_does_not(void **state) {
    (void)state;
    struct store_message m[] = {message(30, STORE_SEEN, 10), message(70, STORE_SEEN, 10)};
    state_messages(&view, m, 2, &one);
    m[0] = message(30, STORE_FLAGGED, 11);
    state_messages(&view, m, 1, &one);
    struct view_changes ch;
    view_changes(&one, &arena, true, &ch);
    assert_int_equal(ch.changed_count, 0);
    view_changes(&two, &arena, true, &ch);
    assert_int_equal(ch.changed_count, 2);
    assert_true(ch.changed[0] == 3 && ch.changed[1] == 7);
    view_changes(&two, &arena, true, &ch);
    assert_int_equal(ch.changed_count, 0);
}

static void old_news_does_not_overwrite_newer(void **state) {
    (void)state;
    struct store_message now = message(30, STORE_SEEN, 12), before = message(30, STORE_FLAGGED, 11),
                         gone = message(15, 0, 3);
    state_messages(&view, &now, 1, NULL);
    state_messages(&view, &before, 1, NULL);
    state_messages(&view, &gone, 1, NULL); /* below the highest UID and not there: expunged */
    struct view_message m;
    view_read(&one, 3, 1, &m);
    assert_int_equal(m.flags, STORE_SEEN);
    assert_int_equal(view.count, 9);
}

static void very_many_changes_are_found_by_looking_at_all(void **state) {
    (void)state;
    fill(6000);
    struct view_changes ch;
    view_changes(&one, &arena, true, &ch);
    view_changes(&two, &arena, true, &ch);
    atomic_store(&view.synced, 6000);
    view_changes(&two, &arena, true, &ch);
    for (uint32_t i = 1; i <= 6000; i++) {
        struct store_message m = message(10 * i, STORE_SEEN, 7000);
        state_messages(&view, &m, 1, &one);
    }
    assert_true(two.many_pending);
    expunge(20, 0);
    view_changes(&two, &arena, false, &ch);
    assert_int_equal(ch.changed_count, 5999);
    assert_true(ch.changed[0] == 1 && ch.changed[1] == 3);
}

static void recent_goes_to_the_first_who_may_change(void **state) {
    (void)state;
    struct view_changes ch;
    two.read_only = true;
    view.recent_next = 91;
    fill(11);
    view_changes(&two, &arena, true, &ch);
    assert_int_equal(view_recent_count(&two), 2);
    view_changes(&one, &arena, true, &ch);
    assert_int_equal(view_recent_count(&one), 2);
    assert_true(view_is_recent(&one, 110) && !view_is_recent(&one, 90));
    fill(12);
    two.read_only = false;
    view_changes(&two, &arena, true, &ch);
    assert_true(view_is_recent(&two, 120));
    view_changes(&one, &arena, true, &ch);
    assert_false(view_is_recent(&one, 120));
    expunge(100, 0);
    view_changes(&one, &arena, true, &ch);
    assert_int_equal(view_recent_count(&one), 1);
}

static void reading_anew_removes_adds_and_changes(void **state) {
    (void)state;
    struct store_message m[] = {message(10, STORE_SEEN, 20), message(40, 0, 4), message(200, 0, 21)};
    state_replace(&view, &arena, m, 3);
    struct view_changes ch;
    view_changes(&one, &arena, true, &ch);
    assert_int_equal(ch.expunged_count, 7);
    assert_true(ch.grown && one.count == 3);
    assert_true(ch.changed_count == 1 && ch.changed[0] == 1);
}

static void uids_are_found_near_and_far(void **state) {
    (void)state;
    fill(1000);
    for (uint32_t from = 0; from < 1000; from += 7)
        for (uint32_t uid = 10 * from + 1; uid < 10010; uid += 97)
            assert_int_equal(uid_list_at(view.list, from, 1000, uid),
                             (uid + 9) / 10 - 1 > from ? (uid + 9) / 10 - 1 : from);
    assert_int_equal(uid_list_at(view.list, 0, 1000, 10001), 1000);
    assert_int_equal(uid_list_at(view.list, 0, 0, 1), 0);
}

static void keyword_sets_are_kept_once(void **state) {
    (void)state;
    struct keywords k;
    keywords_init(&k);
    struct str ab[] = {STR("b"), STR("a"), STR("A")}, ba[] = {STR("a"), STR("b")};
    const struct keyword_set *first = keywords_set(&k, ab, 3), *again = keywords_set(&k, ba, 2);
    assert_ptr_equal(first, again);
    assert_true(str_eq(first->text, STR("a b")));
    assert_true(keyword_set_has(first, STR("B")) && !keyword_set_has(first, STR("c")));
    assert_int_equal(keywords_set(&k, NULL, 0)->number, 0);
    for (uint32_t i = 0; i < 500; i++) {
        struct str name = arena_printf(&arena, "k%u", i % 250);
        assert_int_equal(keywords_set(&k, &name, 1)->number, 2 + i % 250);
    }
    struct str *all;
    assert_int_equal(keywords_all(&k, &arena, &all), 252);
    keywords_free(&k);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_client_keeps_its_numbers_until_it_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(removals_one_after_another_are_all_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(others_hear_of_flags_and_the_doer_does_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(old_news_does_not_overwrite_newer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(very_many_changes_are_found_by_looking_at_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(recent_goes_to_the_first_who_may_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reading_anew_removes_adds_and_changes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(uids_are_found_near_and_far, set_up, tear_down),
        cmocka_unit_test(keyword_sets_are_kept_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
