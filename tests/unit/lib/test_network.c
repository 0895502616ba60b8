#include "net/network.h"
#include "net/sockaddr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct sockaddr_storage address(const char *text) {
    struct sockaddr_storage a;
    assert_true(sockaddr_from_text(str_of(text), 25, &a));
    return a;
}

static void networks_are_read_and_written(void **state) {
    (void)state;
    static const char *const pair[][2] = {{"192.0.2.77/24", "192.0.2.0/24"},
                                          {"192.0.2.1", "192.0.2.1"},
                                          {"192.0.2.1/32", "192.0.2.1"},
                                          {"2001:db8:1::1/32", "2001:db8::/32"},
                                          {"::1", "::1"},
                                          {"0.0.0.0/0", "0.0.0.0/0"},
                                          {"[2001:db8::1]", "2001:db8::1"},
                                          {"::/0", "::/0"}};
    for (size_t i = 0; i < sizeof pair / sizeof *pair; i++) {
        struct network n;
        char text[NETWORK_TEXT];
        assert_true(network_parse(str_of(pair[i][0]), &n));
        network_text(&n, text);
        assert_string_equal(text, pair[i][1]);
    }
}

static void what_is_no_network_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"",           "192.0.2",        "192.0.2.0/33", "192.0.2.0/-1",
                                      "192.0.2.0/", "2001:db8::/129", "example.org",  "192.0.2.0/24/8",
                                      "1.2.3.4.5"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct network n;
        if (network_parse(str_of(bad[i]), &n))
            fail_msg("%s was taken for a network", bad[i]);
    }
}

static void the_smallest_network_is_found(void **state) {
    (void)state;
    struct arena a = ARENA_EMPTY;
    struct networks n;
    struct err err;
    assert_true(networks_parse(&a, STR("10.0.0.0/8, 10.1.0.0/16\n10.1.2.3 2001:db8::/32 10.2.0.0/16"), &n, &err));
    assert_int_equal(n.count, 5);
    static const char *const pair[][2] = {
        {"10.1.2.3", "10.1.2.3"},        {"10.1.2.4", "10.1.0.0/16"},          {"10.9.9.9", "10.0.0.0/8"},
        {"10.2.255.255", "10.2.0.0/16"}, {"2001:db8:ffff::", "2001:db8::/32"}, {"::ffff:10.1.2.3", "10.1.2.3"}};
    for (size_t i = 0; i < sizeof pair / sizeof *pair; i++) {
        struct sockaddr_storage x = address(pair[i][0]);
        char text[NETWORK_TEXT];
        ptrdiff_t at = networks_find(&n, &x);
        assert_true(at >= 0);
        network_text(&n.at[at], text);
        assert_string_equal(text, pair[i][1]);
    }
    static const char *const outside[] = {"11.0.0.1", "9.255.255.255", "2001:db9::1", "::", "255.255.255.255"};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        struct sockaddr_storage x = address(outside[i]);
        assert_int_equal(networks_find(&n, &x), -1);
    }
    arena_free(&a);
}

static void the_whole_of_ipv4_is_not_ipv6(void **state) {
    (void)state;
    struct arena a = ARENA_EMPTY;
    struct networks n;
    struct err err;
    assert_true(networks_parse(&a, STR("0.0.0.0/0"), &n, &err));
    struct sockaddr_storage four = address("192.0.2.1"), six = address("2001:db8::1"), socket = {.ss_family = AF_UNIX};
    assert_true(networks_find(&n, &four) >= 0);
    assert_int_equal(networks_find(&n, &six), -1);
    assert_int_equal(networks_find(&n, &socket), -1);
    arena_free(&a);
}

static void one_wrong_word_does_not_lose_the_others(void **state) {
    (void)state;
    struct arena a = ARENA_EMPTY;
    struct networks n;
    struct err err;
    assert_false(networks_parse(&a, STR("192.0.2.0/24 nonsense 198.51.100.1"), &n, &err));
    assert_non_null(strstr(err.text, "nonsense"));
    assert_int_equal(n.count, 2);
    arena_free(&a);
}

/* Against the plain way to do it. */
static void finding_agrees_with_looking_at_all(void **state) {
    (void)state;
    struct arena a = ARENA_EMPTY;
    struct networks n = {.at = arena_array(&a, 300, sizeof *n.at)};
    uint32_t x = 1;
    for (; n.count < 300; n.count++) {
        char text[40];
        x = x * 1664525u + 1013904223u;
        snprintf(text, sizeof text, "10.%u.%u.%u/%u", x >> 30, x >> 28 & 3, x >> 8 & 255, 8 + (x >> 16) % 25);
        assert_true(network_parse(str_of(text), &n.at[n.count]));
    }
    networks_sort(&n);
    for (int i = 0; i < 20000; i++) {
        char text[40];
        x = x * 1664525u + 1013904223u;
        snprintf(text, sizeof text, "10.%u.%u.%u", x >> 30, x >> 28 & 3, x >> 8 & 255);
        struct sockaddr_storage one = address(text);
        int best = -1;
        for (size_t k = 0; k < n.count; k++) {
            struct network around;
            assert_true(network_of(&one, n.at[k].bits - 96u, n.at[k].bits, &around));
            if (memcmp(around.byte, n.at[k].byte, 16) == 0 && n.at[k].bits > best)
                best = n.at[k].bits;
        }
        ptrdiff_t at = networks_find(&n, &one);
        assert_int_equal(at < 0 ? -1 : n.at[at].bits, best);
    }
    arena_free(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_are_read_and_written),           cmocka_unit_test(what_is_no_network_is_refused),
        cmocka_unit_test(the_smallest_network_is_found),           cmocka_unit_test(the_whole_of_ipv4_is_not_ipv6),
        cmocka_unit_test(one_wrong_word_does_not_lose_the_others), cmocka_unit_test(finding_agrees_with_looking_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
