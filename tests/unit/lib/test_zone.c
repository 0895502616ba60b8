#include "base/clock.h"
#include "zone/zone.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct arena arena = ARENA_EMPTY;

enum { MAX = 32 };
static struct zone_record record[MAX];
static struct zone zone;

static void begin(void) {
    zone = (struct zone){.name = STR("example.org"),
                         .primary_ns = STR("ns1.example.net"),
                         .contact = STR("host.master@example.net"),
                         .refresh = 7200,
                         .retry = 1800,
                         .expire = 1209600,
                         .minimum = 3600,
                         .ttl = 3600,
                         .serial = 7,
                         .record = record};
}

static void add_ttl(const char *name, const char *type, const char *rdata, int64_t ttl) {
    struct err err;
    if (!zone_record_check(&arena, zone.name, str_of(name), str_of(type), str_of(rdata), record + zone.count, &err))
        fail_msg("%s", err.text);
    record[zone.count++].ttl = ttl;
}

static void add(const char *name, const char *type, const char *rdata) { add_ttl(name, type, rdata, -1); }

static void is_good(void) {
    struct err err;
    if (!zone_check(&arena, &zone, &err))
        fail_msg("%s", err.text);
}

static void has_problem(const char *part) {
    struct err err = {""};
    if (zone_check(&arena, &zone, &err))
        fail_msg("no problem: %s", part);
    if (!strstr(err.text, part))
        fail_msg("\"%s\" is not in: %s", part, err.text);
}

/* A zone that is good. */
static void base(void) {
    begin();
    add("@", "NS", "ns1.example.net.");
    add("mail", "A", "192.0.2.1");
    add("@", "MX", "10 mail");
    is_good();
}

static void an_alias_stands_alone(void **state) {
    (void)state;
    base();
    add("www", "CNAME", "mail");
    is_good();
    add("www", "TXT", "x");
    has_problem("CNAME");
    base();
    add("www", "CNAME", "mail");
    add("www", "CNAME", "@");
    has_problem("more than one CNAME");
}

static void an_rrset_has_one_ttl(void **state) {
    (void)state;
    base();
    add_ttl("www", "A", "192.0.2.1", 300);
    add_ttl("www", "A", "192.0.2.2", 600);
    has_problem("same TTL");
    base();
    add_ttl("www", "A", "192.0.2.1", 3600);
    add("www", "A", "192.0.2.2"); /* the zone's, which is the same */
    is_good();
}

static void targets_within_the_zone_must_exist_and_be_machines(void **state) {
    (void)state;
    base();
    add("@", "MX", "20 nowhere");
    has_problem("end it with a dot");
    base();
    add("www", "CNAME", "mail");
    add("@", "MX", "20 www");
    has_problem("alias");
    base();
    add("info", "TXT", "x");
    add("_x._tcp", "SRV", "0 0 80 info");
    has_problem("no address");
    base();
    add("*.dev", "A", "192.0.2.2");
    add("@", "MX", "20 any.dev");
    add("ftp", "CNAME", "x.y.dev");
    is_good();
    base();
    add("a.dev", "A", "192.0.2.3"); /* dev exists by this, and the wildcard above does not reach below it */
    add("*", "A", "192.0.2.2");
    add("x", "CNAME", "b.dev");
    has_problem("not in this zone");
    base();
    add("x", "CNAME", "nowhere");
    has_problem("not in this zone");
    base();
    add("x", "MX", "0 .");
    is_good();
}

static void a_delegation_hides_what_is_below(void **state) {
    (void)state;
    base();
    add("sub", "NS", "ns.elsewhere.net.");
    add("sub", "DS", "1 13 1 0123456789abcdef0123456789abcdef01234567");
    add("@", "MX", "20 mail.sub"); /* answered by the zone below */
    is_good();
    add("x.sub", "TXT", "x");
    has_problem("below a name that is delegated");
    base();
    add("sub", "NS", "ns.elsewhere.net.");
    add("sub", "TXT", "x");
    has_problem("is delegated");
    base();
    add("sub", "NS", "ns.sub");
    has_problem("not in this zone");
    add("ns.sub", "A", "192.0.2.5"); /* glue */
    is_good();
    base();
    add("sub2", "TXT", "x"); /* not below "sub" */
    add("sub", "NS", "ns.elsewhere.net.");
    is_good();
    base();
    add("old", "DNAME", "new.example.net.");
    is_good();
    add("x.old", "A", "192.0.2.1");
    has_problem("redirected");
}

static void the_apex_needs_nameservers_and_a_contact(void **state) {
    (void)state;
    begin();
    add("mail", "A", "192.0.2.1");
    has_problem("no NS record");
    base();
    zone.contact = STR("nobody");
    has_problem("mail address");
    base();
    zone.primary_ns = STR("a_b");
    has_problem("primary nameserver");
}

static void one_policy_a_name(void **state) {
    (void)state;
    base();
    add("@", "TXT", "v=spf1 mx -all");
    add("@", "TXT", "google-site-verification=x");
    is_good();
    add("@", "TXT", "v=spf1 -all");
    has_problem("2 SPF records");
    base();
    add("_dmarc", "TXT", "v=DMARC1; p=none");
    add("_dmarc", "TXT", "v=DMARC1; p=reject");
    has_problem("2 DMARC records");
}

static void all_problems_are_listed(void **state) {
    (void)state;
    base();
    add("www", "CNAME", "nowhere");
    add("www", "TXT", "x");
    add("@", "MX", "20 nothing");
    struct str *problem;
    assert_int_equal(zone_problems(&arena, &zone, &problem), 3);
}

static void equal_zones_give_equal_files_in_canonical_order(void **state) {
    (void)state;
    base();
    add("b", "A", "192.0.2.2");
    add("a.b", "TXT", "x");
    add_ttl("aa", "TXT", "y", 60);
    add("*", "A", "192.0.2.9");
    struct buf one = BUF_EMPTY, two = BUF_EMPTY;
    zone_write(&zone, &one);
    assert_string_equal(one.p, "$ORIGIN example.org.\n$TTL 3600\n"
                               "@ IN SOA ns1.example.net. host\\.master.example.net. 7 7200 1800 1209600 3600\n"
                               "@ IN NS ns1.example.net.\n"
                               "@ IN MX 10 mail.example.org.\n"
                               "* IN A 192.0.2.9\n"
                               "aa 60 IN TXT \"y\"\n"
                               "b IN A 192.0.2.2\n"
                               "a.b IN TXT \"x\"\n"
                               "mail IN A 192.0.2.1\n");
    for (size_t i = 0; i < zone.count / 2; i++) {
        struct zone_record r = record[i];
        record[i] = record[zone.count - 1 - i];
        record[zone.count - 1 - i] = r;
    }
    zone_write(&zone, &two);
    assert_string_equal(one.p, two.p);
    buf_free(&one);
    buf_free(&two);
}

static void what_others_wrote_to_the_database_is_normalised_or_refused(void **state) {
    (void)state;
    base();
    record[zone.count++] = (struct zone_record){STR("WWW"), STR("a"), 60, STR(" 192.0.2.7 ")};
    assert_true(zone_normalise(&arena, &zone, NULL));
    assert_true(str_eq(record[3].name, STR("www")) && str_eq(record[3].type, STR("A")) && record[3].ttl == 60);
    assert_true(str_eq(record[3].rdata, STR("192.0.2.7")));
    record[zone.count++] = (struct zone_record){STR("x"), STR("A"), -1, STR("192.0.2.1\n$INCLUDE /etc/passwd")};
    struct err err;
    assert_false(zone_normalise(&arena, &zone, &err));
}

static void serials_go_forward_by_date_and_around(void **state) {
    (void)state;
    int64_t now = INT64_C(1772323200) * CLOCK_SECOND; /* 2026-03-01 */
    assert_int_equal(zone_next_serial(0, now), 2026030100);
    assert_int_equal(zone_next_serial(2026030100, now), 2026030101);
    assert_int_equal(zone_next_serial(2026030199, now), 2026030200);
    assert_int_equal(zone_next_serial(2026040100, now), 2026040101);
    assert_int_equal(zone_next_serial(4294967295u, now), 2026030100);  /* later in serial arithmetic */
    assert_int_equal(zone_next_serial(4173513747u, now), 4173513748u); /* 2026030100 + 2^31 - 1 */
    assert_int_equal(zone_next_serial(4294967295u, INT64_C(253402300799) * CLOCK_SECOND) != 0, 1);
    assert_true(zone_serial_later(1, 4294967295u));
    assert_false(zone_serial_later(4294967295u, 1));
    assert_false(zone_serial_later(5, 5));
}

static int reset(void **state) {
    (void)state;
    arena_free(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(an_alias_stands_alone, reset),
        cmocka_unit_test_teardown(an_rrset_has_one_ttl, reset),
        cmocka_unit_test_teardown(targets_within_the_zone_must_exist_and_be_machines, reset),
        cmocka_unit_test_teardown(a_delegation_hides_what_is_below, reset),
        cmocka_unit_test_teardown(the_apex_needs_nameservers_and_a_contact, reset),
        cmocka_unit_test_teardown(one_policy_a_name, reset),
        cmocka_unit_test_teardown(all_problems_are_listed, reset),
        cmocka_unit_test_teardown(equal_zones_give_equal_files_in_canonical_order, reset),
        cmocka_unit_test_teardown(what_others_wrote_to_the_database_is_normalised_or_refused, reset),
        cmocka_unit_test_teardown(serials_go_forward_by_date_and_around, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
