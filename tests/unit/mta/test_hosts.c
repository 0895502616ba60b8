#include "client/hosts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void expect(const char *next_hop, const char *host, uint16_t port) {
    struct str h;
    uint16_t p = 25;
    assert_true(hosts_parse_next_hop(str_of(next_hop), &h, &p));
    assert_true(str_eq(h, str_of(host)));
    assert_int_equal(p, port);
}

static void a_next_hop_is_a_host_with_or_without_a_port(void **state) {
    (void)state;
    expect("mx.example.org", "mx.example.org", 25);
    expect("mx.example.org:2525", "mx.example.org", 2525);
    expect("[192.0.2.1]", "[192.0.2.1]", 25);
    expect("[192.0.2.1]:26", "[192.0.2.1]", 26);
    expect("[2001:db8::1]:26", "[2001:db8::1]", 26);
}

static void anything_else_is_no_next_hop(void **state) {
    (void)state;
    static const char *const bad[] = {":25",           "a:",      "a:0", "a:65536", "a:b", "[192.0.2.1",
                                      "[192.0.2.1]25", "a:25:25", "a:-1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct str h;
        uint16_t p;
        assert_false(hosts_parse_next_hop(str_of(bad[i]), &h, &p));
    }
}

static void an_address_needs_no_look_up(void **state) {
    (void)state;
    struct mta m = {.hostname = "mail.example.org", .remote_port = 25};
    struct arena a = ARENA_EMPTY;
    struct hosts h;
    assert_true(hosts_find(&m, &a, STR("[192.0.2.1]:26"), STR("x.example"), &h) && h.count == 1);
    assert_int_equal(h.host[0].address.ss_family, AF_INET);
    assert_true(hosts_find(&m, &a, STR(""), STR("[IPv6:2001:db8::1]"), &h) && h.count == 1);
    assert_int_equal(h.host[0].address.ss_family, AF_INET6);
    arena_free(&a);
}

static void a_next_hop_that_is_this_host_is_a_loop(void **state) {
    (void)state;
    struct mta m = {.hostname = "mail.example.org", .remote_port = 25};
    struct arena a = ARENA_EMPTY;
    struct hosts h;
    assert_false(hosts_find(&m, &a, STR("MAIL.example.org"), STR("x.example"), &h));
    assert_true(h.permanent && str_eq(h.status, STR("5.4.6")));
    arena_free(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_next_hop_is_a_host_with_or_without_a_port), cmocka_unit_test(anything_else_is_no_next_hop),
        cmocka_unit_test(an_address_needs_no_look_up), cmocka_unit_test(a_next_hop_that_is_this_host_is_a_loop)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
