/* DMARC (RFC 7489): records, alignment, discovery, verdicts. The DNS is a table here. */
#include "dmarc/dmarc.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct arena arena;

static int reset(void **state) {
    (void)state;
    arena_free(&arena);
    return 0;
}

/* ---- the DNS ---- */

struct entry {
    const char *name, *text; /* text NULL: no answer */
};

static enum dns_status look_up(void *context, struct arena *a, struct str name, struct str **out, size_t *count) {
    *out = arena_array(a, 4, sizeof **out);
    *count = 0;
    for (const struct entry *e = context; e->name; e++) {
        if (!str_eq(name, str_of(e->name)))
            continue;
        if (!e->text)
            return DNS_TEMPORARY;
        (*out)[(*count)++] = str_of(e->text);
    }
    return *count ? DNS_OK : DNS_NXDOMAIN;
}

static struct dkim_signature signed_by(const char *domain, enum dkim_result result) {
    return (struct dkim_signature){.result = result, .domain = str_of(domain)};
}

static struct dmarc_answer check(const struct entry *dns, const char *from, struct dkim_signature signature,
                                 const char *spf_domain, enum spf_result spf_result, uint32_t sample) {
    struct spf_answer spf = {.result = spf_result, .domain = str_of(spf_domain)};
    struct dmarc_request r = {.message = arena_printf(&arena, "Subject: x\r\n%s\r\n\r\nbody\r\n", from),
                              .spf = &spf,
                              .signature = &signature,
                              .signatures = signature.domain.n ? 1 : 0,
                              .txt = look_up,
                              .txt_context = (void *)(uintptr_t)dns,
                              .sample = sample};
    struct dmarc_answer out;
    dmarc_check(NULL, &arena, &r, &out);
    return out;
}

static struct dmarc_answer unsigned_from(const struct entry *dns, const char *from) {
    return check(dns, from, signed_by("", DKIM_NONE), "", SPF_NONE, 1);
}

/* ---- records ---- */

static struct dmarc_record read_good(const char *text) {
    struct dmarc_record r;
    struct str reason;
    assert_int_equal(dmarc_record_read(str_of(text), &r, &reason), DMARC_RECORD);
    return r;
}

static enum dmarc_grammar grammar(const char *text) {
    struct dmarc_record r;
    struct str reason;
    return dmarc_record_read(str_of(text), &r, &reason);
}

static void every_tag_is_read(void **state) {
    (void)state;
    struct dmarc_record r =
        read_good("v = DMARC1 ; p=reject; sp=quarantine; np=none; adkim=s; aspf=S; pct=40; fo=1:d:s; "
                  "rf=afrf; ri=3600; rua=mailto:a@b.example,mailto:c@d.example!10m; "
                  "ruf=mailto:e@f.example; x_new=1;");
    assert_int_equal(r.policy, DMARC_POLICY_REJECT);
    assert_int_equal(r.subdomain_policy, DMARC_POLICY_QUARANTINE);
    assert_int_equal(r.missing_policy, DMARC_POLICY_NONE);
    assert_true(r.strict_dkim && r.strict_spf && r.has_missing_policy);
    assert_int_equal(r.percent, 40);
    assert_int_equal(r.report, DMARC_REPORT_ANY | DMARC_REPORT_DKIM | DMARC_REPORT_SPF);
    assert_int_equal(r.interval, 3600);
    assert_true(str_eq(r.rua, STR("mailto:a@b.example,mailto:c@d.example!10m")));
    assert_true(str_eq(r.ruf, STR("mailto:e@f.example")));
}

static void defaults_stand_for_what_is_missing_or_wrong(void **state) {
    (void)state;
    struct dmarc_record r = read_good("v=DMARC1;p=Quarantine;adkim=x;aspf=;pct=101;ri=x;fo=z;junk;=;ruf=nowhere");
    assert_int_equal(r.policy, DMARC_POLICY_QUARANTINE);
    assert_int_equal(r.subdomain_policy, DMARC_POLICY_QUARANTINE);
    assert_int_equal(r.missing_policy, DMARC_POLICY_QUARANTINE);
    assert_false(r.strict_dkim || r.strict_spf || r.has_missing_policy);
    assert_int_equal(r.percent, 100);
    assert_int_equal(r.report, DMARC_REPORT_ALL);
    assert_int_equal(r.interval, 86400);
    assert_null(r.ruf.p);
}

static void only_a_version_in_front_makes_a_record(void **state) {
    (void)state;
    static const char *const other[] = {"",           "v=DMARC2; p=none", "p=none; v=DMARC1",  "v=dmarc1; p=none",
                                        "v=DMARC1x;", "v=spf1 -all",      "DMARC1; p=none",    "v=DMARC1 p=none",
                                        "v",          ";v=DMARC1;p=none", "xv=DMARC1; p=none", "v==DMARC1;p=none"};
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        assert_int_equal(grammar(other[i]), DMARC_OTHER_RECORD);
    assert_int_equal(grammar("v=DMARC1; p=none; p=reject"), DMARC_BAD_RECORD);
}

static void an_unusable_policy_is_none_where_reports_are_wanted(void **state) {
    (void)state;
    assert_int_equal(grammar("v=DMARC1; p=refuse"), DMARC_BAD_RECORD);
    assert_int_equal(grammar("v=DMARC1"), DMARC_BAD_RECORD);
    assert_int_equal(grammar("v=DMARC1; p=reject; sp=refuse"), DMARC_BAD_RECORD);
    assert_int_equal(read_good("v=DMARC1; p=refuse; rua=mailto:a@b.example").policy, DMARC_POLICY_NONE);
    assert_int_equal(read_good("v=DMARC1; rua=mailto:a@b.example").policy, DMARC_POLICY_NONE);
    assert_int_equal(read_good("v=DMARC1; p=reject; sp=x; rua=mailto:a@b.example").policy, DMARC_POLICY_NONE);
    assert_int_equal(grammar("v=DMARC1; p=refuse; rua=nobody"), DMARC_BAD_RECORD);
}

/* ---- domains ---- */

static void organizations_end_at_the_public_suffix(void **state) {
    (void)state;
    assert_true(str_eq(dmarc_organization(STR("a.b.example.co.uk")), STR("example.co.uk")));
    assert_true(str_eq(dmarc_organization(STR("example.com")), STR("example.com")));
    assert_true(str_eq(dmarc_organization(STR("co.uk")), STR("co.uk")));
    assert_true(str_eq(dmarc_organization(STR("a.b.unlisted")), STR("b.unlisted")));
    assert_true(dmarc_aligned(STR("bounce.Example.com"), STR("news.example.com"), false));
    assert_false(dmarc_aligned(STR("bounce.example.com"), STR("example.com"), true));
    assert_true(dmarc_aligned(STR("EXAMPLE.com"), STR("example.com"), true));
    assert_false(dmarc_aligned(STR("a.co.uk"), STR("b.co.uk"), false));
    assert_false(dmarc_aligned(STR(""), STR(""), false));
}

/* ---- verdicts ---- */

static const struct entry mail_dns[] = {{"_dmarc.bank.example", "v=DMARC1; p=reject; sp=quarantine"},
                                        {"_dmarc.bank.example", "unrelated"},
                                        {"_dmarc.strict.example", "v=DMARC1; p=quarantine; adkim=s; aspf=s"},
                                        {"_dmarc.twice.example", "v=DMARC1; p=reject"},
                                        {"_dmarc.twice.example", "v=DMARC1; p=none"},
                                        {"_dmarc.own.bank.example", "v=DMARC1; p=none"},
                                        {"_dmarc.away.example", NULL},
                                        {"_dmarc.broken.example", "v=DMARC1; p=what"},
                                        {"_dmarc.half.example", "v=DMARC1; p=reject; pct=50"},
                                        {"_dmarc.halfq.example", "v=DMARC1; p=quarantine; pct=0"},
                                        {"_dmarc.np.example", "v=DMARC1; p=none; np=reject"},
                                        {"there.np.example", "text"},
                                        {NULL, NULL}};

static void what_is_aligned_passes(void **state) {
    (void)state;
    struct dmarc_answer x =
        check(mail_dns, "From: a@bank.example", signed_by("bank.example", DKIM_PASS), "", SPF_FAIL, 1);
    assert_int_equal(x.result, DMARC_PASS);
    assert_true(x.dkim_aligned && !x.spf_aligned);
    assert_int_equal(x.policy, DMARC_POLICY_NONE);
    x = check(mail_dns, "From: a@bank.example", signed_by("", DKIM_NONE), "bounce.bank.example", SPF_PASS, 1);
    assert_int_equal(x.result, DMARC_PASS);
    assert_true(x.spf_aligned);
    x = check(mail_dns, "From: a@strict.example", signed_by("m.strict.example", DKIM_PASS), "m.strict.example",
              SPF_PASS, 1);
    assert_int_equal(x.result, DMARC_FAIL);
    x = check(mail_dns, "From: a@strict.example", signed_by("strict.example", DKIM_PASS), "", SPF_NONE, 1);
    assert_int_equal(x.result, DMARC_PASS);
}

static void what_is_not_aligned_fails_with_the_domains_policy(void **state) {
    (void)state;
    struct dmarc_answer x = check(mail_dns, "From: \"The Bank\" <a@Bank.Example>", signed_by("evil.example", DKIM_PASS),
                                  "evil.example", SPF_PASS, 1);
    assert_int_equal(x.result, DMARC_FAIL);
    assert_int_equal(x.policy, DMARC_POLICY_REJECT);
    assert_true(str_eq(x.domain, STR("bank.example")));
    x = unsigned_from(mail_dns, "From: a@x.y.bank.example");
    assert_int_equal(x.policy, DMARC_POLICY_QUARANTINE);
    assert_true(str_eq(x.record_domain, STR("bank.example")));
    x = unsigned_from(mail_dns, "From: a@own.bank.example");
    assert_int_equal(x.result, DMARC_FAIL);
    assert_int_equal(x.policy, DMARC_POLICY_NONE);
    x = unsigned_from(mail_dns, "From: a@_odd.bank.example");
    assert_int_equal(x.policy, DMARC_POLICY_QUARANTINE);
    x = check(mail_dns, "From: a@bank.example", signed_by("bank.example", DKIM_FAIL), "bank.example", SPF_SOFTFAIL, 1);
    assert_int_equal(x.result, DMARC_FAIL);
}

static void several_policies_or_none_are_none(void **state) {
    (void)state;
    assert_int_equal(unsigned_from(mail_dns, "From: a@twice.example").result, DMARC_NONE);
    assert_int_equal(unsigned_from(mail_dns, "From: a@nothing.example").result, DMARC_NONE);
    assert_int_equal(unsigned_from(mail_dns, "From: a@broken.example").result, DMARC_PERMERROR);
}

static void a_dns_without_answers_is_a_temporary_error(void **state) {
    (void)state;
    assert_int_equal(unsigned_from(mail_dns, "From: a@away.example").result, DMARC_TEMPERROR);
    struct dmarc_answer x =
        check(mail_dns, "From: a@bank.example", signed_by("bank.example", DKIM_TEMPERROR), "", SPF_FAIL, 1);
    assert_int_equal(x.result, DMARC_TEMPERROR);
    x = check(mail_dns, "From: a@bank.example", signed_by("evil.example", DKIM_TEMPERROR), "bank.example",
              SPF_TEMPERROR, 1);
    assert_int_equal(x.result, DMARC_TEMPERROR);
    x = check(mail_dns, "From: a@bank.example", signed_by("evil.example", DKIM_TEMPERROR), "evil.example",
              SPF_TEMPERROR, 1);
    assert_int_equal(x.result, DMARC_FAIL);
}

static void a_percentage_leaves_some_with_a_milder_policy(void **state) {
    (void)state;
    struct dkim_signature none = signed_by("", DKIM_NONE);
    assert_int_equal(check(mail_dns, "From: a@half.example", none, "", SPF_NONE, 50).policy, DMARC_POLICY_REJECT);
    struct dmarc_answer x = check(mail_dns, "From: a@half.example", none, "", SPF_NONE, 51);
    assert_int_equal(x.policy, DMARC_POLICY_QUARANTINE);
    assert_true(x.sampled_out && x.published == DMARC_POLICY_REJECT);
    assert_int_equal(check(mail_dns, "From: a@halfq.example", none, "", SPF_NONE, 1).policy, DMARC_POLICY_NONE);
    size_t rejected = 0;
    for (int i = 0; i < 2000; i++)
        rejected += check(mail_dns, "From: a@half.example", none, "", SPF_NONE, 0).policy == DMARC_POLICY_REJECT;
    assert_in_range(rejected, 800, 1200);
}

static void subdomains_that_do_not_exist_have_a_policy_of_their_own(void **state) {
    (void)state;
    assert_int_equal(unsigned_from(mail_dns, "From: a@made-up.np.example").policy, DMARC_POLICY_REJECT);
    assert_int_equal(unsigned_from(mail_dns, "From: a@there.np.example").policy, DMARC_POLICY_NONE);
}

static void an_odd_from_can_not_hide_a_domain(void **state) {
    (void)state;
    struct dkim_signature own = signed_by("nothing.example", DKIM_PASS);
    /* two authors, two fields, a group: whoever of them fails decides */
    assert_int_equal(check(mail_dns, "From: x@nothing.example, a@bank.example", own, "", SPF_NONE, 1).policy,
                     DMARC_POLICY_REJECT);
    assert_int_equal(check(mail_dns, "From: a@strict.example, a@bank.example", own, "", SPF_NONE, 1).policy,
                     DMARC_POLICY_REJECT);
    assert_int_equal(check(mail_dns, "From: x@nothing.example\r\nFrom: a@bank.example", own, "", SPF_NONE, 1).policy,
                     DMARC_POLICY_REJECT);
    assert_int_equal(check(mail_dns, "From: all: a@bank.example;", own, "", SPF_NONE, 1).policy, DMARC_POLICY_REJECT);
    assert_int_equal(unsigned_from(mail_dns, "From: a@bank.example.").policy, DMARC_POLICY_REJECT);
    /* and what names nobody is an error, not a pass */
    assert_int_equal(unsigned_from(mail_dns, "To: x@nothing.example").result, DMARC_PERMERROR);
    assert_int_equal(unsigned_from(mail_dns, "From: nobody").result, DMARC_PERMERROR);
    assert_int_equal(unsigned_from(mail_dns, "From: a@[192.0.2.1]").result, DMARC_PERMERROR);
    struct dkim_signature bank = signed_by("bank.example", DKIM_PASS);
    assert_int_equal(check(mail_dns, "From: a@bank.example\r\nFrom: b@bank.example", bank, "", SPF_NONE, 1).result,
                     DMARC_PERMERROR);
    assert_int_equal(check(mail_dns, "From: a@bank.example, b@bank.example", bank, "", SPF_NONE, 1).result, DMARC_PASS);
    assert_int_equal(check(mail_dns, "From: a@bank.example, b@nothing.example", bank, "", SPF_NONE, 1).result,
                     DMARC_NONE);
}

static void international_names_are_asked_for_as_a_labels(void **state) {
    (void)state;
    static const struct entry dns[] = {{"_dmarc.xn--mnchen-3ya.example", "v=DMARC1; p=reject"}, {NULL, NULL}};
    assert_int_equal(unsigned_from(dns, "From: <a@m\xc3\xbcnchen.example>").policy, DMARC_POLICY_REJECT);
}

#define TEST(f) cmocka_unit_test_teardown(f, reset)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(every_tag_is_read),
        TEST(defaults_stand_for_what_is_missing_or_wrong),
        TEST(only_a_version_in_front_makes_a_record),
        TEST(an_unusable_policy_is_none_where_reports_are_wanted),
        TEST(organizations_end_at_the_public_suffix),
        TEST(what_is_aligned_passes),
        TEST(what_is_not_aligned_fails_with_the_domains_policy),
        TEST(several_policies_or_none_are_none),
        TEST(a_dns_without_answers_is_a_temporary_error),
        TEST(a_percentage_leaves_some_with_a_milder_policy),
        TEST(subdomains_that_do_not_exist_have_a_policy_of_their_own),
        TEST(an_odd_from_can_not_hide_a_domain),
        TEST(international_names_are_asked_for_as_a_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
