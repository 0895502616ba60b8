#include "zone/zone.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>

static struct arena arena = ARENA_EMPTY;

static bool check(const char *name, const char *type, const char *rdata, struct zone_record *out, struct err *err) {
    return zone_record_check(&arena, STR("example.org"), str_of(name), str_of(type), str_of(rdata), out, err);
}

static void gives(const char *name, const char *type, const char *rdata, const char *want_name, const char *want) {
    struct zone_record r;
    struct err err = {""};
    if (!check(name, type, rdata, &r, &err))
        fail_msg("%s %s %s: %s", name, type, rdata, err.text);
    assert_string_equal(arena_c(&arena, r.name), want_name);
    assert_string_equal(arena_c(&arena, r.rdata), want);
    assert_int_equal(r.ttl, -1);
    /* What was normalised stays as it is. */
    struct zone_record again;
    assert_true(zone_record_check(&arena, STR("example.org"), r.name, r.type, r.rdata, &again, &err));
    assert_true(str_eq(again.name, r.name) && str_eq(again.rdata, r.rdata) && str_eq(again.type, r.type));
}

static void refused(const char *name, const char *type, const char *rdata) {
    struct zone_record r;
    struct err err = {""};
    if (check(name, type, rdata, &r, &err))
        fail_msg("accepted: %s %s %s", name, type, rdata);
    assert_true(err.text[0] != 0);
}

static void names_are_relative_lower_case_and_may_be_typed_whole(void **state) {
    (void)state;
    gives("WWW", "a", "192.0.2.1", "www", "192.0.2.1");
    gives("@", "A", "192.0.2.1", "@", "192.0.2.1");
    gives("", "A", "192.0.2.1", "@", "192.0.2.1");
    gives("example.org.", "A", "192.0.2.1", "@", "192.0.2.1");
    gives("a.b.example.org", "A", "192.0.2.1", "a.b", "192.0.2.1");
    gives("*.dev", "A", "192.0.2.1", "*.dev", "192.0.2.1");
    gives("b\xc3\xbc"
          "cher",
          "A", "192.0.2.1", "xn--bcher-kva", "192.0.2.1");
    gives("_x\\.y", "TXT", "a", "_x\\.y", "\"a\"");
    gives("\\097", "TXT", "a", "a", "\"a\"");
}

static void names_outside_of_the_zone_or_malformed_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "www.example.com.", "org.",  ".",  "a..b",    ".a", "a b", "a\"b", "a;b", "a(b", "a\nb", "a\\", "a\\25",
        "a\\256",           "a.*.b", "x*", "$ORIGIN", "a$"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refused(bad[i], "TXT", "x");
    char label[70];
    memset(label, 'a', 64);
    label[64] = 0;
    refused(label, "TXT", "x");
    label[63] = 0;
    gives(label, "TXT", "x", label, "\"x\"");
    char name[300];
    memset(name, 0, sizeof name);
    for (int i = 0; i < 124; i++) /* 248 bytes and the zone's 13: too much */
        strcat(name, "a.");
    strcat(name, "a");
    refused(name, "TXT", "x");
}

static void each_type_is_normalised(void **state) {
    (void)state;
    static const char *const good[][3] = {
        {"AAAA", "2001:DB8:0:0::1", "2001:db8::1"},
        {"NS", "Ns1", "ns1.example.org."},
        {"MX", "  10   Mail.Example.ORG  ", "10 mail.example.org."},
        {"MX", "10 mx.elsewhere.net.", "10 mx.elsewhere.net."},
        {"MX", "0 .", "0 ."},
        {"CNAME", "www", "www.example.org."},
        {"CNAME", "_x.elsewhere.net.", "_x.elsewhere.net."},
        {"SRV", "0 1 443 .", "0 1 443 ."},
        {"SRV", "0 1 443 srv", "0 1 443 srv.example.org."},
        {"CAA", "0 ISSUE letsencrypt.org", "0 issue \"letsencrypt.org\""},
        {"CAA", "128 iodef \"mailto:a@example.org\"", "128 iodef \"mailto:a@example.org\""},
        {"PTR", "host.example.net.", "host.example.net."},
        {"TLSA", "3 1 1 0123456789ABCDEF0123456789abcdef 0123456789abcdef0123456789abcdef",
         "3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
        {"SSHFP", "4 1 0123456789abcdef0123456789abcdef01234567", "4 1 0123456789abcdef0123456789abcdef01234567"},
        {"DS", "12345 13 1 0123456789abcdef0123456789abcdef01234567",
         "12345 13 1 0123456789abcdef0123456789abcdef01234567"},
        {"HTTPS", "1 . ipv4hint=192.0.2.1,192.0.2.2 alpn=\"h2,h3\" no-default-alpn",
         "1 . alpn=\"h2,h3\" no-default-alpn ipv4hint=\"192.0.2.1,192.0.2.2\""},
        {"SVCB", "0 other.example.net.", "0 other.example.net."},
        {"SVCB", "1 . key65000=a\\010b mandatory=port port=53",
         "1 . mandatory=\"port\" port=\"53\" key65000=\"a\\010b\""},
        {"NAPTR", "100 10 \"U\" \"E2U+sip\" \"!^.*$!sip:info@example.org!\" .",
         "100 10 \"U\" \"E2U+sip\" \"!^.*$!sip:info@example.org!\" ."},
        {"LOC", "42 21 54 N 71 06 18 W -24m 30m", "42 21 54.000 N 71 6 18.000 W -24.00m 30.00m"},
        {"LOC", "52 N 4 53.5 E 0", NULL},
        {"LOC", "52 14 05.5 N 0 8 50 e 10.5m 1m 2m 3.25m", "52 14 5.500 N 0 8 50.000 E 10.50m 1.00m 2.00m 3.25m"},
        {"DNAME", "other.example.net.", "other.example.net."},
        {"URI", "10 1 \"https://www.example.org/\"", "10 1 \"https://www.example.org/\""},
        {"OPENPGPKEY", "aGFs bG8=", "aGFsbG8="},
        {"HINFO", "x86-64 \"Debian Linux\"", "\"x86-64\" \"Debian Linux\""},
        {"RP", "jane .", "jane.example.org. ."},
        {"TYPE65280", "\\# 4 C0 000201", "\\# 4 c0000201"},
        {"TYPE65280", "\\# 0", "\\# 0"},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (good[i][2])
            gives("x", good[i][0], good[i][1], "x", good[i][2]);
        else
            refused("x", good[i][0], good[i][1]);
}

static void wrong_data_is_refused(void **state) {
    (void)state;
    static const char *const bad[][2] = {{"A", ""},
                                         {"A", "192.0.2"},
                                         {"A", "192.0.2.256"},
                                         {"A", "2001:db8::1"},
                                         {"A", "192.0.2.1 192.0.2.2"},
                                         {"A", "192.0.2.1;"},
                                         {"AAAA", "192.0.2.1"},
                                         {"AAAA", "2001:db8::g"},
                                         {"NS", "."},
                                         {"NS", "192.0.2.1"},
                                         {"NS", "a_b"},
                                         {"MX", "mail"},
                                         {"MX", "10"},
                                         {"MX", "-1 mail"},
                                         {"MX", "65536 mail"},
                                         {"MX", "10 192.0.2.1"},
                                         {"MX", "10 ."},
                                         {"MX", "10 mail extra"},
                                         {"MX", "10 \"mail\""},
                                         {"CNAME", ""},
                                         {"CNAME", "a b"},
                                         {"SRV", "0 1 65536 srv"},
                                         {"SRV", "0 1 srv"},
                                         {"CAA", "1 issue x"},
                                         {"CAA", "0 is-sue x"},
                                         {"CAA", "0 iodef x"},
                                         {"CAA", "0 issue"},
                                         {"TLSA", "4 1 1 00"},
                                         {"TLSA", "3 1 1 00"},
                                         {"TLSA", "3 1 1 0g"},
                                         {"TLSA", "3 2 0 00"},
                                         {"SSHFP", "5 1 0123456789abcdef0123456789abcdef01234567"},
                                         {"SSHFP", "4 2 0123456789abcdef0123456789abcdef01234567"},
                                         {"DS", "1 13 3 00"},
                                         {"HTTPS", "0 . alpn=h2"},
                                         {"HTTPS", "1 . alpn=h2 alpn=h3"},
                                         {"HTTPS", "1 . foo=bar"},
                                         {"HTTPS", "1 . port=65536"},
                                         {"HTTPS", "1 . ipv6hint=192.0.2.1"},
                                         {"HTTPS", "1 . mandatory=port"},
                                         {"HTTPS", "1 . mandatory=mandatory"},
                                         {"HTTPS", "1 . no-default-alpn"},
                                         {"HTTPS", "1 . alpn="},
                                         {"HTTPS", "1 . key07=x"},
                                         {"NAPTR", "1 1 \"S\" \"x\" \"!a!b\" ."},
                                         {"NAPTR", "1 1 \"S\" \"x\" \"!a!b!\" other"},
                                         {"LOC", "91 N 0 E 0m"},
                                         {"LOC", "90 0 0.001 N 0 E 0m"},
                                         {"LOC", "1 2 3 4 N 5 E 0m"},
                                         {"LOC", "52 N 4 E"},
                                         {"OPENPGPKEY", "a"},
                                         {"HINFO", "a"},
                                         {"TYPE65280", "00"},
                                         {"TYPE65280", "\\# 2 00"},
                                         {"TYPE1", "\\# 4 c0000201"},
                                         {"SOA", "a b 1 2 3 4 5"},
                                         {"RRSIG", "x"},
                                         {"SPF", "x"},
                                         {"NOPE", "x"},
                                         {"", "x"},
                                         {"TXT", "\"open"},
                                         {"TXT", "\"a\" (b"},
                                         {"TXT", "\"a\\"},
                                         {"TXT", "\"\\256\""},
                                         {"TXT", "a\nb"},
                                         {"TXT", "\"a\nb\""}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refused("x", bad[i][0], bad[i][1]);
    refused("@", "CNAME", "www");
    refused("@", "DS", "1 13 1 0123456789abcdef0123456789abcdef01234567");
    refused("a_b", "A", "192.0.2.1");
}

static void text_is_quoted_and_split(void **state) {
    (void)state;
    gives("x", "TXT", "v=spf1 mx; -all", "x", "\"v=spf1 mx; -all\"");
    gives("x", "TXT", "say \"hi\" \\ there", "x", "\"say \\\"hi\\\" \\\\ there\"");
    gives("x", "TXT", "\"a\" \"b\\\"c\" d", "x", "\"a\" \"b\\\"c\" \"d\"");
    gives("x", "TXT", "gr\xc3\xbc\xc3\x9f", "x", "\"gr\\195\\188\\195\\159\"");
    gives("x", "TXT", "\"\"", "x", "\"\"");
    gives("x", "TXT", "", "x", "\"\"");
    char long_text[600], want[620];
    memset(long_text, 'k', 510);
    long_text[510] = 'l';
    long_text[511] = 0;
    snprintf(want, sizeof want, "\"%.255s\" \"%.255s\" \"l\"", long_text, long_text);
    gives("x", "TXT", long_text, "x", want);
}

static void zone_names_and_contacts_are_checked(void **state) {
    (void)state;
    struct str name;
    assert_true(zone_name_check(&arena, STR(" Example.ORG. "), &name, NULL) && str_eq(name, STR("example.org")));
    assert_true(zone_name_check(&arena, STR("0/25.2.0.192.in-addr.arpa"), &name, NULL));
    assert_true(zone_name_check(&arena,
                                STR("b\xc3\xbc"
                                    "cher.example"),
                                &name, NULL) &&
                str_eq(name, STR("xn--bcher-kva.example")));
    static const char *const bad[] = {"", ".", "a..b", "*.example.org", "a b", "a\\.b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(zone_name_check(&arena, str_of(bad[i]), &name, NULL));
    assert_true(zone_contact_name(&arena, STR("host.master@example.org"), &name, NULL));
    assert_true(str_eq(name, STR("host\\.master.example.org.")));
    assert_false(zone_contact_name(&arena, STR("hostmaster"), &name, NULL));
    assert_false(zone_contact_name(&arena, STR("@example.org"), &name, NULL));
    assert_false(zone_contact_name(&arena, STR("a@"), &name, NULL));
}

static void all_types_for_forms_are_known(void **state) {
    (void)state;
    struct err err;
    struct zone_record r;
    for (const char *const *type = zone_types(); *type; type++) {
        err.text[0] = 0;
        check("x", *type, "", &r, &err);
        if (strstr(err.text, "not a type"))
            fail_msg("%s", *type);
    }
}

static int reset(void **state) {
    (void)state;
    arena_free(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(names_are_relative_lower_case_and_may_be_typed_whole, reset),
        cmocka_unit_test_teardown(names_outside_of_the_zone_or_malformed_are_refused, reset),
        cmocka_unit_test_teardown(each_type_is_normalised, reset),
        cmocka_unit_test_teardown(wrong_data_is_refused, reset),
        cmocka_unit_test_teardown(text_is_quoted_and_split, reset),
        cmocka_unit_test_teardown(zone_names_and_contacts_are_checked, reset),
        cmocka_unit_test_teardown(all_types_for_forms_are_known, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
