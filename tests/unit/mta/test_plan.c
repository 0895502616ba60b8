#include "route/plan.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct directory_route one(struct directory_target *t) { return (struct directory_route){t, 1, t->tenant_id}; }

static void a_mailbox_gets_one_copy_however_many_ways_lead_there(void **state) {
    (void)state;
    struct arena a = ARENA_EMPTY;
    struct plan p;
    plan_begin(&p, &a);
    struct directory_target t[] = {{7, 1, -1, STR("a@x"), STR(""), 0}, {8, 1, 100, STR("b@x"), STR(""), 0}};
    struct directory_route both = {t, 2, 1};
    plan_add(&p, &both, (struct plan_origin){.address = STR("all@x")});
    struct directory_route first = one(&t[0]);
    plan_add(&p, &first, (struct plan_origin){.address = STR("a@x")});
    assert_int_equal(p.delivery_count, 2);
    assert_int_equal(plan_delivery(&p, 8)->quota_bytes, 100);
    assert_true(str_eq(p.address[0], STR("a@x")));
    assert_int_equal(p.remote_count, 0);
    arena_free(&a);
}

static void an_address_elsewhere_is_queued_once_in_its_quoted_form(void **state) {
    (void)state;
    struct arena a = ARENA_EMPTY;
    struct plan p;
    plan_begin(&p, &a);
    struct directory_target t[] = {{0, 3, -1, STR("Bob@Elsewhere.Test"), STR(""), 0},
                                   {0, 3, -1, STR("bob@elsewhere.test"), STR(""), 0},
                                   {0, 3, -1, STR("two words@y"), STR(""), 0}};
    struct directory_route r = {t, 3, 3};
    plan_add(&p, &r, (struct plan_origin){.address = STR("fwd@x")});
    assert_int_equal(p.remote_count, 2);
    assert_true(str_eq(p.remote[0].address, STR("Bob@elsewhere.test")));
    assert_true(str_eq(p.remote[0].original, STR("fwd@x")));
    assert_true(str_eq(p.remote[1].address, STR("\"two words\"@y")));
    assert_int_equal(p.tenant_id, 3);
    arena_free(&a);
}

static void mail_of_several_tenants_belongs_to_none(void **state) {
    (void)state;
    struct arena a = ARENA_EMPTY;
    struct plan p;
    plan_begin(&p, &a);
    struct directory_target x = {0, 3, -1, STR("a@y.test"), STR(""), 0}, y = {0, 4, -1, STR("b@y.test"), STR(""), 0};
    struct directory_route rx = one(&x), ry = one(&y);
    plan_add(&p, &rx, (struct plan_origin){.address = STR("a@y.test")});
    assert_int_equal(p.remote[0].original.n, 0);
    plan_add(&p, &ry, (struct plan_origin){.address = STR("b@y.test")});
    assert_int_equal(p.tenant_id, 0);
    arena_free(&a);
}

static void thousands_of_mailboxes_are_found_again(void **state) {
    (void)state;
    enum { N = 5000 };
    struct arena a = ARENA_EMPTY;
    struct plan p;
    plan_begin(&p, &a);
    for (int round = 0; round < 2; round++)
        for (int64_t i = 1; i <= N; i++) {
            struct directory_target t = {i, 1, -1, arena_printf(&a, "u%lld@x", (long long)i), STR(""), 0};
            struct directory_route r = one(&t);
            plan_add(&p, &r, (struct plan_origin){.address = t.address});
        }
    assert_int_equal(p.delivery_count, N);
    for (int64_t i = 1; i <= N; i++)
        assert_int_equal(plan_delivery(&p, i)->account_id, i);
    arena_free(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_mailbox_gets_one_copy_however_many_ways_lead_there),
                                       cmocka_unit_test(an_address_elsewhere_is_queued_once_in_its_quoted_form),
                                       cmocka_unit_test(mail_of_several_tenants_belongs_to_none),
                                       cmocka_unit_test(thousands_of_mailboxes_are_found_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
