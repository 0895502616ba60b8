/* Answers kept in front of the resolver. */
#include "net/dns_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

static void an_answer_is_found_by_name_and_type_without_case(void **state) {
    (void)state;
    struct dns_cache *c = dns_cache_new();
    struct arena a = ARENA_EMPTY;
    struct str rdata[] = {STR("one\0two"), STR("")};
    struct dns_answer kept = {DNS_OK, true, rdata, 2}, found;
    dns_cache_keep(c, "mail.example.org", 16, &kept, 100);
    assert_true(dns_cache_find(c, &a, "MAIL.example.ORG", 16, &found));
    assert_int_equal(found.status, DNS_OK);
    assert_true(found.secure && found.count == 2 && str_eq(found.rdata[0], rdata[0]) && found.rdata[1].n == 0);
    assert_false(dns_cache_find(c, &a, "mail.example.org", 1, &found));
    assert_false(dns_cache_find(c, &a, "mail.example.or", 16, &found));
    struct dns_answer none = {DNS_NXDOMAIN, false, NULL, 0};
    dns_cache_keep(c, "mail.example.org", 16, &none, 100);
    assert_true(dns_cache_find(c, &a, "mail.example.org", 16, &found));
    assert_int_equal(found.status, DNS_NXDOMAIN);
    assert_int_equal(found.count, 0);
    arena_free(&a);
    dns_cache_free(c);
}

static void an_answer_is_gone_after_its_life(void **state) {
    (void)state;
    struct dns_cache *c = dns_cache_new();
    struct arena a = ARENA_EMPTY;
    struct dns_answer none = {DNS_NODATA, false, NULL, 0}, found;
    dns_cache_keep(c, "short.example", 1, &none, 0);
    dns_cache_keep(c, "long.example", 1, &none, 1000);
    usleep(1100 * 1000);
    assert_false(dns_cache_find(c, &a, "short.example", 1, &found)); /* the first one asks again */
    assert_true(dns_cache_find(c, &a, "short.example", 1, &found));  /* and others need not wait for it */
    usleep(2000 * 1000);
    assert_false(dns_cache_find(c, &a, "short.example", 1, &found)); /* but for a moment */
    assert_true(dns_cache_find(c, &a, "long.example", 1, &found));
    arena_free(&a);
    dns_cache_free(c);
}

static void what_is_too_large_is_not_kept(void **state) {
    (void)state;
    struct dns_cache *c = dns_cache_new();
    struct arena a = ARENA_EMPTY;
    struct str large = str_n(arena_alloc(&a, DNS_CACHE_BYTES), DNS_CACHE_BYTES);
    struct dns_answer kept = {DNS_OK, false, &large, 1}, found;
    dns_cache_keep(c, "large.example", 16, &kept, 100);
    assert_false(dns_cache_find(c, &a, "large.example", 16, &found));
    arena_free(&a);
    dns_cache_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_found_by_name_and_type_without_case),
        cmocka_unit_test(an_answer_is_gone_after_its_life),
        cmocka_unit_test(what_is_too_large_is_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
