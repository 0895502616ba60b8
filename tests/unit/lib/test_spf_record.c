/* The grammar of policies, and macros. */
#include "net/sockaddr.h"
#include "spf/macro.h"
#include "spf/record.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct arena arena;

static bool well_formed(const char *text) {
    struct spf_record record;
    struct err err = {""};
    bool ok = spf_record_parse(&arena, str_of(text), &record, &err);
    assert_true(ok || err.text[0]);
    return ok;
}

/* ---- policies ---- */

static void a_policy_is_known_by_its_version_alone(void **state) {
    (void)state;
    static const char *const yes[] = {"v=spf1", "v=spf1 ", "V=SPF1 -all", "v=spf1 nonsense!", "v=Spf1  a"};
    static const char *const no[] = {"", "v=spf", "v=spf10", "v=spf1-all", " v=spf1 -all", "v=spf1\t-all", "spf1 a"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        assert_true(spf_is_record(str_of(yes[i])));
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_false(spf_is_record(str_of(no[i])));
}

static void what_the_grammar_has_is_taken(void **state) {
    (void)state;
    static const char *const good[] = {
        "v=spf1",
        "v=spf1   ",
        "v=spf1 all",
        "v=spf1  +A  ?Mx ~PTR   -ALL ",
        "v=spf1 a/0 mx/32 a//0 mx//128 a/24//64 a:b.test/8 mx:b.test//9 a:b.test/1//2",
        "v=spf1 a:b:c.test a:b/c.test/24 a:b.test. a:b.t-1 a:1.b.x9",
        "v=spf1 ip4:192.0.2.1 ip4:192.0.2.0/24 ip4:0.0.0.0/0 IP4:255.255.255.255/32",
        "v=spf1 ip6:::1 ip6:2001:db8::/32 ip6:::ffff:192.0.2.1/96 ip6:::/0 ip6:2001:DB8:0:0:0:0:0:1/128",
        "v=spf1 include:%{d} exists:%{ir}.%{v}.list.test ptr:%{o}",
        "v=spf1 exists:%{l1r+-.,/_=}.b.test exists:%{s99}.b.test exists:%{H}.b.test exists:a%{d}",
        "v=spf1 a:%%.b.test a:%_%- a:b%%",
        "v=spf1 redirect=b.test exp=%{i}.b.test",
        "v=spf1 exp=e.test -all redirect=r.test",
        "v=spf1 x=y x=z x-1_2.3=%{s}:%{h}/%{p}=%% op= -all",
        "v=spf1 all all all=1",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!well_formed(good[i]))
            fail_msg("refused: %s", good[i]);
}

static void what_the_grammar_has_not_is_an_error(void **state) {
    (void)state;
    static const char *const bad[] = {
        "v=spf1 moo",
        "v=spf1 -",
        "v=spf1 --all",
        "v=spf1 !all",
        "v=spf1 - all",
        "v=spf1 -all.",
        "v=spf1 all,",
        /* arguments */
        "v=spf1 all:b.test",
        "v=spf1 all/8",
        "v=spf1 include",
        "v=spf1 include:",
        "v=spf1 include/24",
        "v=spf1 include:b.test/24",
        "v=spf1 exists",
        "v=spf1 exists:",
        "v=spf1 exists:%{i}/24",
        "v=spf1 ptr:",
        "v=spf1 ptr/24",
        "v=spf1 a:",
        "v=spf1 a:/24",
        "v=spf1 mx:",
        "v=spf1 a.b.test",
        "v=spf1 a b.test",
        "v=spf1 a;b.test",
        /* prefix lengths */
        "v=spf1 a/",
        "v=spf1 a//",
        "v=spf1 a/33",
        "v=spf1 a/01",
        "v=spf1 a/00",
        "v=spf1 a//129",
        "v=spf1 a/8/8",
        "v=spf1 a//8//8",
        "v=spf1 a//8/8",
        "v=spf1 a/8//",
        "v=spf1 a///8",
        "v=spf1 a/-1",
        "v=spf1 a/99999999999999",
        "v=spf1 mx//064",
        "v=spf1 a:b.test/",
        "v=spf1 a:b.test/8/8",
        "v=spf1 a/x",
        /* networks */
        "v=spf1 ip4",
        "v=spf1 ip4:",
        "v=spf1 ip4/24",
        "v=spf1 ip4:192.0.2",
        "v=spf1 ip4:192.0.2.256",
        "v=spf1 ip4:192.0.2.01",
        "v=spf1 ip4:192.0.2.1.",
        "v=spf1 ip4:192.0.2.0/33",
        "v=spf1 ip4:192.0.2.0/",
        "v=spf1 ip4:192.0.2.0//24",
        "v=spf1 ip4:192.0.2.0/024",
        "v=spf1 ip4:192.0.2.1:25",
        "v=spf1 ip4:b.test",
        "v=spf1 ip4:::1",
        "v=spf1 ip6",
        "v=spf1 ip6:",
        "v=spf1 ip6:192.0.2.1",
        "v=spf1 ip6:1::2::3",
        "v=spf1 ip6:::g",
        "v=spf1 ip6:::/129",
        "v=spf1 ip6:::1//64",
        "v=spf1 ip6:[::1]",
        "v=spf1 ip6:fe80::1%eth0",
        /* names of domains: they end in a macro, or in a dot and a label that is no number */
        "v=spf1 a:b",
        "v=spf1 a:b.1",
        "v=spf1 a:192.0.2.1",
        "v=spf1 a:b.test..",
        "v=spf1 a:b.-t",
        "v=spf1 a:b.t-",
        "v=spf1 a:b.t_t",
        "v=spf1 a:%{d}b",
        "v=spf1 a:%{d}.",
        "v=spf1 a:b.test%",
        "v=spf1 a:(b).(test)",
        /* macros */
        "v=spf1 a:%",
        "v=spf1 a:%b.test",
        "v=spf1 a:%{}.b.test",
        "v=spf1 a:%{d",
        "v=spf1 a:%{x}.b.test",
        "v=spf1 a:%{d0}",
        "v=spf1 a:%{d00r}",
        "v=spf1 a:%{dr2}",
        "v=spf1 a:%{drr}",
        "v=spf1 a:%{d*}",
        "v=spf1 a:%{d }",
        "v=spf1 a:%(d).b.test",
        "v=spf1 a:%{ir}.%{c}.b.test",
        "v=spf1 exists:%{r}",
        "v=spf1 exists:%{t}.b.test",
        "v=spf1 exists:%{C}.b.test",
        /* modifiers */
        "v=spf1 redirect=",
        "v=spf1 redirect=b",
        "v=spf1 redirect:b.test",
        "v=spf1 exp=",
        "v=spf1 exp:b.test",
        "v=spf1 exp=%{r}.b.test",
        "v=spf1 redirect=b.test/8",
        "v=spf1 redirect=a.test redirect=a.test",
        "v=spf1 exp=a.test -all EXP=b.test",
        "v=spf1 =b.test",
        "v=spf1 1x=y",
        "v=spf1 -exp=b.test",
        "v=spf1 x/y=z",
        "v=spf1 x:y=z",
        "v=spf1 x=%",
        "v=spf1 x=%{d",
        "v=spf1 x=%{y}",
        "v=spf1 x=%{c}",
        /* bytes */
        "v=spf1 a\tmx",
        "v=spf1 a\nmx",
        "v=spf1 \xc3\xa4:b.test",
        "v=spf1 a:\x80.test",
        "v=spf1 x=\x7f",
        "v=spf1 x=\r",
        /* an error behind what would match counts too */
        "v=spf1 +all moo",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (well_formed(bad[i]))
            fail_msg("taken: %s", bad[i]);
    struct spf_record record;
    assert_false(spf_record_parse(&arena, STR("v=spf1 a:b.test\0 -all"), &record, NULL));
    assert_false(spf_record_parse(&arena, STR("v=spf1 x\0=y -all"), &record, NULL));
}

static void a_term_is_taken_apart(void **state) {
    (void)state;
    struct spf_record r;
    struct err err;
    assert_true(
        spf_record_parse(&arena, STR("v=spf1 ~mx:%{d/}/24//64 -ip6:2001:db8::/32 Redirect=r.test ?a ptr"), &r, &err));
    assert_int_equal(r.count, 4);
    assert_int_equal(r.directive[0].mechanism, SPF_MX);
    assert_int_equal(r.directive[0].result, SPF_SOFTFAIL);
    assert_true(str_eq(r.directive[0].text, STR("~mx:%{d/}/24//64")));
    assert_true(str_eq(r.directive[0].domain, STR("%{d/}")));
    assert_int_equal(r.directive[0].cidr4, 24);
    assert_int_equal(r.directive[0].cidr6, 64);
    assert_int_equal(r.directive[1].mechanism, SPF_IP6);
    assert_int_equal(r.directive[1].result, SPF_FAIL);
    assert_int_equal(r.directive[1].cidr6, 32);
    assert_memory_equal(r.directive[1].network, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    assert_int_equal(r.directive[2].result, SPF_NEUTRAL);
    assert_null(r.directive[2].domain.p);
    assert_int_equal(r.directive[2].cidr4, 32);
    assert_int_equal(r.directive[2].cidr6, 128);
    assert_int_equal(r.directive[3].result, SPF_PASS);
    assert_true(str_eq(r.redirect, STR("r.test")));
    assert_null(r.explanation.p);
}

/* ---- macros ---- */

static struct str validated(void *context, struct str domain) {
    (void)context;
    return arena_printf(&arena, "mx.%.*s", STR_ARG(domain));
}

static struct sockaddr_storage client;
static struct spf_values values;

static void set_values(const char *address) {
    assert_true(sockaddr_from_text(str_of(address), 0, &client));
    values = (struct spf_values){.sender = STR("strong-bad@email.example.com"),
                                 .local = STR("strong-bad"),
                                 .sender_domain = STR("email.example.com"),
                                 .domain = STR("policy.example.com"),
                                 .helo = STR("mail.example.net"),
                                 .client = &client,
                                 .validated = validated};
}

static const char *expand(const char *spec) {
    struct str name;
    struct err err;
    if (!spf_macro_is_domain(str_of(spec), &err))
        fail_msg("%s: %s", spec, err.text);
    assert_true(spf_macro_domain(&arena, str_of(spec), &values, &name));
    return arena_c(&arena, name);
}

static void letters_stand_for_their_values(void **state) {
    (void)state;
    set_values("192.0.2.3");
    assert_string_equal(expand("%{s}"), "strong-bad@email.example.com");
    assert_string_equal(expand("%{l}.%{o}"), "strong-bad.email.example.com");
    assert_string_equal(expand("%{d}"), "policy.example.com");
    assert_string_equal(expand("%{i}.%{v}.x.test"), "192.0.2.3.in-addr.x.test");
    assert_string_equal(expand("%{h}"), "mail.example.net");
    assert_string_equal(expand("%{p}"), "mx.policy.example.com");
    assert_string_equal(expand("a%%b%_c%-d.test."), "a%b c%20d.test");
    set_values("2001:db8::cb01");
    assert_string_equal(expand("%{v}.%{i}.x.test"),
                        "ip6.2.0.0.1.0.D.B.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.C.B.0.1.x.test");
}

static void values_are_split_reversed_and_cut_from_the_right(void **state) {
    (void)state;
    set_values("192.0.2.3");
    assert_string_equal(expand("%{d1}"), "com");
    assert_string_equal(expand("%{d2}"), "example.com");
    assert_string_equal(expand("%{d3}"), "policy.example.com");
    assert_string_equal(expand("%{d99999999999999999999999}"), "policy.example.com");
    assert_string_equal(expand("%{dr}"), "com.example.policy");
    assert_string_equal(expand("%{dR}"), "com.example.policy");
    assert_string_equal(expand("%{d2r}"), "example.policy");
    assert_string_equal(expand("%{l-}"), "strong.bad");
    assert_string_equal(expand("%{lr-}"), "bad.strong");
    assert_string_equal(expand("%{l1r-}"), "strong");
    assert_string_equal(expand("%{l.}"), "strong-bad");
    assert_string_equal(expand("%{s2-.}"), "example.com");
    assert_string_equal(expand("%{ir}.%{v}.arpa"), "3.2.0.192.in-addr.arpa");
    values.local = STR("a+b/c=d_e,f-g.h");
    assert_string_equal(expand("%{lr+/=_,-.}"), "h.g.f.e.d.c.b.a");
    assert_string_equal(expand("%{l2,}"), "a+b/c=d_e.f-g.h");
    values.local = STR("-a--b-");
    assert_string_equal(expand("%{l-}.test"), ".a..b..test");
    assert_string_equal(expand("%{lr-}.test"), ".b..a..test");
    assert_string_equal(expand("%{l2-}.test"), "b..test");
    values.local = STR("");
    assert_string_equal(expand("%{lr}.test"), ".test");
}

static void a_capital_letter_escapes_what_is_not_unreserved(void **state) {
    (void)state;
    set_values("192.0.2.3");
    values.local = STR("~a&b=c-d_e.f g\"\\");
    assert_string_equal(expand("%{L}.%{D2}"), "~a%26b%3Dc-d_e.f%20g%22%5C.example.com");
}

static void a_name_that_is_too_long_loses_labels_on_the_left(void **state) {
    (void)state;
    char local[300];
    set_values("192.0.2.3");
    memset(local, 'x', sizeof local);
    for (size_t i = 50; i < sizeof local; i += 51)
        local[i] = '.';
    values.local = str_n(local, sizeof local);
    struct str name;
    assert_true(spf_macro_domain(&arena, STR("%{l}.example.test."), &values, &name));
    /* 300 + 13 bytes: two labels of 50 and their dots have to go */
    assert_int_equal(name.n, 313 - 102);
    assert_true(str_ends(name, STR("x.example.test")));
    values.local = str_n("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 50);
    assert_true(spf_macro_domain(&arena, STR("%{l}%{l}%{l}%{l}%{l}%{l}"), &values, &name));
    assert_int_equal(name.n, 0);
    /* A name of exactly 253 bytes stays whole. */
    values.local = str_n(local, 253 - 5);
    assert_true(spf_macro_domain(&arena, STR("%{l}.test."), &values, &name));
    assert_int_equal(name.n, 253);
}

static void a_name_that_grows_for_long_keeps_its_end(void **state) {
    (void)state;
    struct buf spec = BUF_EMPTY;
    struct str name;
    set_values("2001:db8::1");
    for (int i = 0; i < 2000; i++)
        buf_add_c(&spec, "%{i}.");
    buf_add_c(&spec, "end.test");
    assert_true(spf_macro_domain(&arena, buf_str(&spec), &values, &name));
    assert_true(name.n > 240 && name.n <= 253 && str_ends(name, STR("0.0.0.1.end.test")));
    buf_free(&spec);
}

static void a_local_part_beyond_ascii_makes_no_name(void **state) {
    (void)state;
    struct str name;
    set_values("192.0.2.3");
    values.local = STR("gr\xc3\xbc\xc3\x9f");
    assert_false(spf_macro_domain(&arena, STR("%{l}.test"), &values, &name));
    assert_false(spf_macro_domain(&arena, STR("%{S}.test"), &values, &name));
    assert_true(spf_macro_domain(&arena, STR("%{o}.test"), &values, &name));
}

static void explanations_have_blanks_and_all_letters(void **state) {
    (void)state;
    struct str out;
    set_values("2001:db8::1");
    values.receiver = STR("mx.example.org");
    assert_true(spf_macro_is_explanation(STR("%{c} asked %{r}: 100%% no"), NULL));
    assert_true(spf_macro_explanation(&arena, STR("%{c} asked %{r}: 100%% no"), &values, &out));
    assert_true(str_eq(out, STR("2001:db8::1 asked mx.example.org: 100% no")));
    values.receiver = STR("");
    assert_true(spf_macro_explanation(&arena, STR("%{r}"), &values, &out));
    assert_true(str_eq(out, STR("unknown")));
    uint64_t t;
    assert_true(spf_macro_explanation(&arena, STR("%{t}"), &values, &out) && str_u64(out, &t) && t > 1700000000);
}

static void an_explanation_that_people_cannot_be_shown_is_none(void **state) {
    (void)state;
    struct str out;
    struct buf text = BUF_EMPTY;
    set_values("192.0.2.3");
    assert_false(spf_macro_is_explanation(STR("caf\xc3\xa9"), NULL));
    assert_false(spf_macro_is_explanation(STR("a\nb"), NULL));
    assert_false(spf_macro_is_explanation(STR("50% off"), NULL));
    assert_false(spf_macro_explanation(&arena, STR(""), &values, &out));
    values.local = STR("a\r\nb");
    assert_false(spf_macro_explanation(&arena, STR("%{l}"), &values, &out));
    for (int i = 0; i < SPF_MAX_EXPLANATION; i++)
        buf_add_byte(&text, 'x');
    assert_true(spf_macro_explanation(&arena, buf_str(&text), &values, &out));
    assert_int_equal(out.n, SPF_MAX_EXPLANATION);
    buf_add_byte(&text, 'x');
    assert_false(spf_macro_explanation(&arena, buf_str(&text), &values, &out));
    buf_free(&text);
}

static int end(void **state) {
    (void)state;
    arena_free(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_policy_is_known_by_its_version_alone),
        cmocka_unit_test(what_the_grammar_has_is_taken),
        cmocka_unit_test(what_the_grammar_has_not_is_an_error),
        cmocka_unit_test(a_term_is_taken_apart),
        cmocka_unit_test(letters_stand_for_their_values),
        cmocka_unit_test(values_are_split_reversed_and_cut_from_the_right),
        cmocka_unit_test(a_capital_letter_escapes_what_is_not_unreserved),
        cmocka_unit_test(a_name_that_is_too_long_loses_labels_on_the_left),
        cmocka_unit_test(a_name_that_grows_for_long_keeps_its_end),
        cmocka_unit_test(a_local_part_beyond_ascii_makes_no_name),
        cmocka_unit_test(explanations_have_blanks_and_all_letters),
        cmocka_unit_test(an_explanation_that_people_cannot_be_shown_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
