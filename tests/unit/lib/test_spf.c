/* The evaluation of policies, over a DNS that is a table. */
#include "base/clock.h"
#include "net/sockaddr.h"
#include "spf/evaluate.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- the DNS ---- */

enum { AWAY = -1 }; /* a type: no answer about the name, whatever is asked */

struct rr {
    const char *name;
    int type;
    const char *value;
};

static struct arena arena;
static const struct rr *zone;
static size_t questions;    /* that were asked */
static useconds_t slowness; /* of each answer */
static int64_t latest;      /* deadline that was asked with */

static void add_name(struct buf *out, const char *name) {
    struct str rest = str_of(name), label;
    while (*name && str_split(&rest, '.', &label)) {
        buf_add_byte(out, (char)label.n);
        buf_add_str(out, label);
    }
    buf_add_byte(out, 0);
}

static struct str rdata_of(const struct rr *r) {
    struct buf b = BUF_EMPTY;
    unsigned char address[16];
    if (r->type == ns_t_txt)
        for (struct str rest = str_of(r->value); rest.n || b.n == 0; rest = str_sub(rest, 200, rest.n)) {
            struct str part = str_sub(rest, 0, 200);
            buf_add_byte(&b, (char)part.n);
            buf_add_str(&b, part);
        }
    else if (r->type == ns_t_a || r->type == ns_t_aaaa) {
        assert_int_equal(inet_pton(r->type == ns_t_a ? AF_INET : AF_INET6, r->value, address), 1);
        buf_add(&b, address, r->type == ns_t_a ? 4 : 16);
    } else {
        if (r->type == ns_t_mx)
            buf_add(&b, "\0\12", 2);
        add_name(&b, r->value);
    }
    struct str out = arena_str(&arena, buf_str(&b));
    buf_free(&b);
    return out;
}

static enum dns_status table(void *context, struct arena *a, struct str name, int type, int64_t deadline,
                             struct str **rdata, size_t *count) {
    (void)context;
    bool known = false;
    *rdata = arena_array(a, 64, sizeof **rdata);
    *count = 0;
    questions++;
    latest = deadline > latest ? deadline : latest;
    usleep(slowness);
    if (name.n == 0 || name.n > 253 || str_find(name, STR("..")) >= 0)
        return DNS_BAD_NAME;
    for (const struct rr *r = zone; r->name; r++) {
        if (!str_ieq(str_of(r->name), name))
            continue;
        known = true;
        if (r->type == AWAY)
            return DNS_TEMPORARY;
        if (r->type == type && *count < 64)
            (*rdata)[(*count)++] = rdata_of(r);
    }
    return *count ? DNS_OK : known ? DNS_NODATA : DNS_NXDOMAIN;
}

static struct spf_answer answer;
static const char *receiver = "mx.receiver.test";
static int64_t time_limit = 20 * CLOCK_SECOND;

static enum spf_result check(const char *ip, const char *helo, const char *sender) {
    struct spf_resolver resolver = {table, NULL, time_limit};
    struct sockaddr_storage client;
    struct spf_request request = {&client, str_of(helo), str_of(sender), receiver};
    assert_true(sockaddr_from_text(str_of(ip), 25, &client));
    questions = 0;
    latest = 0;
    spf_check_by(&resolver, &arena, &request, &answer);
    assert_true(answer.reason.n > 0);
    for (size_t i = 0; i < answer.reason.n; i++)
        assert_true(answer.reason.p[i] >= ' ' && answer.reason.p[i] <= '~');
    assert_true(answer.result == SPF_FAIL || !answer.explanation.p);
    return answer.result;
}

/* A policy of one domain, asked by 192.0.2.1 about someone@example.test. */
static enum spf_result policy(const char *text) {
    const struct rr *all = zone;
    struct rr *with = arena_array(&arena, 256, sizeof *with);
    size_t n = 0;
    with[n++] = (struct rr){"example.test", ns_t_txt, text};
    for (; all && all->name && n < 250; all++)
        with[n++] = *all;
    const struct rr *before = zone;
    zone = with;
    enum spf_result r = check("192.0.2.1", "mail.example.test", "someone@example.test");
    zone = before;
    return r;
}

#define ASSERT_RESULT(call, expected)                                                                                  \
    do {                                                                                                               \
        enum spf_result got = (call);                                                                                  \
        if (got != (expected))                                                                                         \
            fail_msg("%s: %s, not %s (%.*s)", #call, spf_result_text(got), spf_result_text(expected),                  \
                     STR_ARG(answer.reason));                                                                          \
    } while (0)

static bool is(struct str s, const char *text) { return str_eq(s, str_of(text)); }

/* ---- whose policy ---- */

static const struct rr people[] = {{"sender.test", ns_t_txt, "v=spf1 -all exp=why.sender.test"},
                                   {"why.sender.test", ns_t_txt, "%{s} %{l} %{o} %{h}"},
                                   {"helo.test", ns_t_txt, "v=spf1 +all"},
                                   {"xn--grn-ioa.test", ns_t_txt, "v=spf1 ?all"},
                                   {"localhost", ns_t_txt, "v=spf1 -all"},
                                   {0}};

static void the_senders_domain_is_asked_about(void **state) {
    (void)state;
    zone = people;
    ASSERT_RESULT(check("192.0.2.1", "helo.test", "\"a@b\"@Sender.TEST"), SPF_FAIL);
    assert_true(is(answer.domain, "sender.test") && !answer.helo);
    assert_true(is(answer.explanation, "\"a@b\"@Sender.TEST \"a@b\" Sender.TEST helo.test"));
    ASSERT_RESULT(check("192.0.2.1", "helo.test", "a@sender.test."), SPF_FAIL);
    assert_true(is(answer.domain, "sender.test"));
}

static void without_a_sender_the_helo_name_is_asked_about(void **state) {
    (void)state;
    zone = people;
    ASSERT_RESULT(check("192.0.2.1", "Helo.test", ""), SPF_PASS);
    assert_true(is(answer.domain, "helo.test") && answer.helo);
    ASSERT_RESULT(check("192.0.2.1", "sender.test", ""), SPF_FAIL);
    assert_true(is(answer.explanation, "postmaster@sender.test postmaster sender.test sender.test"));
}

static void without_a_local_part_it_is_postmaster(void **state) {
    (void)state;
    zone = people;
    ASSERT_RESULT(check("192.0.2.1", "helo.test", "@sender.test"), SPF_FAIL);
    assert_true(is(answer.explanation, "postmaster@sender.test postmaster sender.test helo.test"));
    ASSERT_RESULT(check("192.0.2.1", "helo.test", "sender.test"), SPF_FAIL);
    assert_true(is(answer.explanation, "postmaster@sender.test postmaster sender.test helo.test"));
}

static void a_name_in_letters_is_asked_about_by_its_a_labels(void **state) {
    (void)state;
    zone = people;
    ASSERT_RESULT(check("192.0.2.1", "helo.test", "a@gr\xc3\xbcn.test"), SPF_NEUTRAL);
    assert_true(is(answer.domain, "xn--grn-ioa.test"));
    ASSERT_RESULT(check("192.0.2.1", "helo.test", "a@\xff\xfe.test"), SPF_NONE);
}

static void what_is_no_domain_has_no_policy(void **state) {
    (void)state;
    static const char *const none[] = {"a@localhost",
                                       "a@[192.0.2.1]",
                                       "a@b..test",
                                       "a@.b.test",
                                       "a@",
                                       "@",
                                       "a@b c.test",
                                       "a@b\tc.test",
                                       "a@..",
                                       "a@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.test",
                                       "a@nothing.test"};
    zone = people;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        ASSERT_RESULT(check("192.0.2.1", "helo.test", none[i]), SPF_NONE);
    ASSERT_RESULT(check("192.0.2.1", "[192.0.2.1]", ""), SPF_NONE);
    ASSERT_RESULT(check("192.0.2.1", "", ""), SPF_NONE);
    struct buf name = BUF_EMPTY;
    for (int i = 0; i < 120; i++)
        buf_add_c(&name, "ab.");
    buf_add_c(&name, "test");
    ASSERT_RESULT(check("192.0.2.1", "helo.test", name.p), SPF_NONE);
    assert_int_equal(questions, 0);
    buf_free(&name);
}

static void a_client_without_an_address_has_no_result(void **state) {
    (void)state;
    struct sockaddr_storage client = {.ss_family = AF_UNIX};
    struct spf_resolver resolver = {table, NULL, time_limit};
    struct spf_request request = {&client, STR("helo.test"), STR("a@sender.test"), NULL};
    zone = people;
    spf_check_by(&resolver, &arena, &request, &answer);
    assert_int_equal(answer.result, SPF_NONE);
}

/* ---- records ---- */

static void there_is_one_policy_or_none(void **state) {
    (void)state;
    static const struct rr records[] = {{"none.test", ns_t_txt, "some text"},
                                        {"none.test", ns_t_txt, "v=spf10 -all"},
                                        {"nodata.test", ns_t_a, "192.0.2.1"},
                                        {"two.test", ns_t_txt, "v=spf1 -all"},
                                        {"two.test", ns_t_txt, "V=SPF1"},
                                        {"one.test", ns_t_txt, "other"},
                                        {"one.test", ns_t_txt, "v=spf1 +all"},
                                        {"one.test", ns_t_txt, "\xff\xfe"},
                                        {"bad.test", ns_t_txt, "v=spf1 +all moo"},
                                        {"away.test", AWAY, NULL},
                                        {0}};
    zone = records;
    ASSERT_RESULT(check("192.0.2.1", "x.test", "a@none.test"), SPF_NONE);
    ASSERT_RESULT(check("192.0.2.1", "x.test", "a@nodata.test"), SPF_NONE);
    ASSERT_RESULT(check("192.0.2.1", "x.test", "a@two.test"), SPF_PERMERROR);
    ASSERT_RESULT(check("192.0.2.1", "x.test", "a@one.test"), SPF_PASS);
    ASSERT_RESULT(check("192.0.2.1", "x.test", "a@bad.test"), SPF_PERMERROR);
    ASSERT_RESULT(check("192.0.2.1", "x.test", "a@away.test"), SPF_TEMPERROR);
}

static void what_matches_first_decides(void **state) {
    (void)state;
    zone = NULL;
    ASSERT_RESULT(policy("v=spf1 ip4:192.0.2.9 ~ip4:192.0.2.0/24 -all"), SPF_SOFTFAIL);
    assert_true(is(answer.mechanism, "~ip4:192.0.2.0/24"));
    ASSERT_RESULT(policy("v=spf1 all -ip4:192.0.2.1"), SPF_PASS);
    ASSERT_RESULT(policy("v=spf1 ?all"), SPF_NEUTRAL);
    assert_true(is(answer.mechanism, "?all"));
    ASSERT_RESULT(policy("v=spf1"), SPF_NEUTRAL);
    ASSERT_RESULT(policy("v=spf1 -ip4:192.0.2.2"), SPF_NEUTRAL);
    assert_int_equal(answer.mechanism.n, 0);
}

/* ---- mechanisms ---- */

static const struct rr net[] = {
    {"v4.test", ns_t_txt, "v=spf1 ip4:192.0.2.128/25 -all"},
    {"v6.test", ns_t_txt, "v=spf1 ip6:2001:db8:8000::/33 -all"},
    {"mapped.test", ns_t_txt, "v=spf1 ip6:::ffff:192.0.2.1 ip6:::/0 -all"},
    {"any.test", ns_t_txt, "v=spf1 ip4:10.0.0.0/0 -all"},
    {"same.test", ns_t_txt, "v=spf1 ip4:32.1.13.184 -all"}, /* the same bytes, but not the same addresses */
    {"alike.test", ns_t_txt, "v=spf1 ip6:2001:db8::/32 -all"},
    {"a.test", ns_t_txt, "v=spf1 a -all"},
    {"a.test", ns_t_a, "192.0.2.1"},
    {"a.test", ns_t_a, "192.0.2.2"},
    {"a.test", ns_t_aaaa, "2001:db8::1"},
    {"anet.test", ns_t_txt, "v=spf1 a:a.test/24//64 -all"},
    {"azero.test", ns_t_txt, "v=spf1 a:a.test//0 -all"},
    {"mx.test", ns_t_txt, "v=spf1 mx -all"},
    {"mx.test", ns_t_mx, "none.test"},
    {"mx.test", ns_t_mx, "a.test"},
    {"mx.test", ns_t_a, "192.0.2.77"},
    {"mxnet.test", ns_t_txt, "v=spf1 mx:mx.test/30 -all"},
    {"nullmx.test", ns_t_txt, "v=spf1 mx -all"},
    {"nullmx.test", ns_t_mx, ""},
    {"exists.test", ns_t_txt, "v=spf1 exists:%{ir}.list.test -all"},
    {"1.2.0.192.list.test", ns_t_a, "127.0.0.2"},
    {"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.list.test", ns_t_a, "127.0.0.2"},
    {"2.2.0.192.list.test", ns_t_aaaa, "2001:db8::1"},
    {"odd.test", ns_t_txt, "v=spf1 a:a..test a:%{l}.test -all"},
    {0}};

static void networks_match_by_their_prefix(void **state) {
    (void)state;
    zone = net;
    ASSERT_RESULT(check("192.0.2.128", "x.test", "a@v4.test"), SPF_PASS);
    ASSERT_RESULT(check("192.0.2.255", "x.test", "a@v4.test"), SPF_PASS);
    ASSERT_RESULT(check("192.0.2.127", "x.test", "a@v4.test"), SPF_FAIL);
    ASSERT_RESULT(check("2001:db8::1", "x.test", "a@v4.test"), SPF_FAIL);
    ASSERT_RESULT(check("2001:db8:ffff::1", "x.test", "a@v6.test"), SPF_PASS);
    ASSERT_RESULT(check("2001:db8:7fff::1", "x.test", "a@v6.test"), SPF_FAIL);
    ASSERT_RESULT(check("203.0.113.1", "x.test", "a@any.test"), SPF_PASS);
    ASSERT_RESULT(check("2001:db8::1", "x.test", "a@any.test"), SPF_FAIL);
    ASSERT_RESULT(check("2001:db8::1", "x.test", "a@same.test"), SPF_FAIL);
    ASSERT_RESULT(check("32.1.13.184", "x.test", "a@alike.test"), SPF_FAIL);
}

static void ipv4_within_ipv6_is_ipv4(void **state) {
    (void)state;
    zone = net;
    ASSERT_RESULT(check("::ffff:192.0.2.129", "x.test", "a@v4.test"), SPF_PASS);
    ASSERT_RESULT(check("::ffff:192.0.2.1", "x.test", "a@mapped.test"), SPF_FAIL);
    ASSERT_RESULT(check("::ffff:192.0.2.1", "x.test", "a@exists.test"), SPF_PASS);
}

static void addresses_match_with_the_prefix_of_their_family(void **state) {
    (void)state;
    zone = net;
    ASSERT_RESULT(check("192.0.2.2", "x.test", "b@a.test"), SPF_PASS);
    ASSERT_RESULT(check("192.0.2.3", "x.test", "b@a.test"), SPF_FAIL);
    ASSERT_RESULT(check("2001:db8::1", "x.test", "b@a.test"), SPF_PASS);
    ASSERT_RESULT(check("2001:db8::2", "x.test", "b@a.test"), SPF_FAIL);
    ASSERT_RESULT(check("192.0.2.99", "x.test", "b@anet.test"), SPF_PASS);
    ASSERT_RESULT(check("192.0.3.1", "x.test", "b@anet.test"), SPF_FAIL);
    ASSERT_RESULT(check("2001:db8::ffff", "x.test", "b@anet.test"), SPF_PASS);
    ASSERT_RESULT(check("2001:db8:0:1::1", "x.test", "b@anet.test"), SPF_FAIL);
    ASSERT_RESULT(check("192.0.2.3", "x.test", "b@azero.test"), SPF_FAIL);
    ASSERT_RESULT(check("2a00::3", "x.test", "b@azero.test"), SPF_PASS);
}

static void mail_servers_match_and_the_domain_itself_does_not(void **state) {
    (void)state;
    zone = net;
    ASSERT_RESULT(check("192.0.2.1", "x.test", "b@mx.test"), SPF_PASS);
    ASSERT_RESULT(check("192.0.2.77", "x.test", "b@mx.test"), SPF_FAIL);
    ASSERT_RESULT(check("192.0.2.3", "x.test", "b@mxnet.test"), SPF_PASS);
    ASSERT_RESULT(check("192.0.2.4", "x.test", "b@mxnet.test"), SPF_FAIL);
    ASSERT_RESULT(check("192.0.2.77", "x.test", "b@nullmx.test"), SPF_FAIL);
}

static void exists_is_about_a_records_for_both_families(void **state) {
    (void)state;
    zone = net;
    ASSERT_RESULT(check("192.0.2.1", "x.test", "b@exists.test"), SPF_PASS);
    ASSERT_RESULT(check("2001:db8::1", "x.test", "b@exists.test"), SPF_PASS);
    ASSERT_RESULT(check("192.0.2.2", "x.test", "b@exists.test"), SPF_FAIL);
}

static void a_name_that_cannot_be_looked_up_matches_nothing(void **state) {
    (void)state;
    zone = net;
    ASSERT_RESULT(check("192.0.2.1", "x.test", "a@odd.test"), SPF_PASS);
    ASSERT_RESULT(check("192.0.2.1", "x.test", "\xc3\xa4@odd.test"), SPF_FAIL);
}

static const struct rr reverse[] = {
    {"1.2.0.192.in-addr.arpa", ns_t_ptr, "liar.example.test"}, /* leads elsewhere */
    {"1.2.0.192.in-addr.arpa", ns_t_ptr, "away.test"},
    {"1.2.0.192.in-addr.arpa", ns_t_ptr, "other.test"},
    {"1.2.0.192.in-addr.arpa", ns_t_ptr, "mx.below.test"},
    {"1.2.0.192.in-addr.arpa", ns_t_ptr, "own.test"},
    {"1.2.0.192.in-addr.arpa", ns_t_ptr, "gone.test"},
    {"liar.example.test", ns_t_a, "192.0.2.2"},
    {"away.test", AWAY, NULL},
    {"other.test", ns_t_a, "192.0.2.1"},
    {"mx.below.test", ns_t_a, "192.0.2.7"},
    {"mx.below.test", ns_t_a, "192.0.2.1"},
    {"own.test", ns_t_a, "192.0.2.1"},
    {"3.2.0.192.in-addr.arpa", AWAY, NULL},
    {"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", ns_t_ptr, "six.test"},
    {"six.test", ns_t_aaaa, "2001:db8::1"},
    {"six.test", ns_t_txt, "v=spf1 ptr -all"},
    {"own.test", ns_t_txt, "v=spf1 ptr -all exp=exp.test"},
    {"below.test", ns_t_txt, "v=spf1 ptr -all"},
    {"low.test", ns_t_txt, "v=spf1 ptr -all"},
    {"say.own.test", ns_t_txt, "v=spf1 -all exp=exp.own.test"},
    {"say.below.test", ns_t_txt, "v=spf1 include:nothing.below.test -all exp=exp.own.test"},
    {"nothing.below.test", ns_t_txt, "v=spf1"},
    {"exp.own.test", ns_t_txt, "%{p}"},
    {"say1.test", ns_t_txt, "v=spf1 redirect=own.test"},
    {"say2.test", ns_t_txt, "v=spf1 redirect=below.test"},
    {"exp.test", ns_t_txt, "%{p}"},
    {0}};

static void reverse_names_count_where_they_lead_back(void **state) {
    (void)state;
    zone = reverse;
    ASSERT_RESULT(check("192.0.2.1", "x.test", "b@own.test"), SPF_PASS);
    ASSERT_RESULT(check("192.0.2.1", "x.test", "b@below.test"), SPF_PASS);
    ASSERT_RESULT(check("192.0.2.1", "x.test", "b@low.test"), SPF_FAIL); /* mx.below.test is not below low.test */
    ASSERT_RESULT(check("192.0.2.2", "x.test", "b@own.test"), SPF_FAIL);
    ASSERT_RESULT(check("2001:db8::1", "x.test", "b@six.test"), SPF_PASS);
    ASSERT_RESULT(policy("v=spf1 ptr:example.test -all"), SPF_FAIL);
    ASSERT_RESULT(policy("v=spf1 ptr:other.test -all"), SPF_PASS);
}

static void a_reverse_name_without_an_answer_is_passed_over(void **state) {
    (void)state;
    zone = reverse;
    ASSERT_RESULT(check("192.0.2.3", "x.test", "b@own.test"), SPF_FAIL);
    assert_true(is(answer.explanation, "unknown"));
    ASSERT_RESULT(policy("v=spf1 ptr:away.test -all"), SPF_FAIL);
}

static void the_clients_name_is_the_nearest_to_the_domain(void **state) {
    (void)state;
    static const struct rr more[] = {{"1.2.0.192.in-addr.arpa", ns_t_ptr, "far.test"},
                                     {"1.2.0.192.in-addr.arpa", ns_t_ptr, "mx.example.test"},
                                     {"1.2.0.192.in-addr.arpa", ns_t_ptr, "example.test"},
                                     {"far.test", ns_t_a, "192.0.2.1"},
                                     {"mx.example.test", ns_t_a, "192.0.2.1"},
                                     {"example.test", ns_t_a, "192.0.2.1"},
                                     {"e.test", ns_t_txt, "%{p}"},
                                     {0}};
    struct rr fewer[7], least[7];
    memcpy(fewer, more, sizeof fewer);
    fewer[5].value = "192.0.2.9"; /* the domain itself leads elsewhere */
    memcpy(least, fewer, sizeof least);
    least[4].value = "192.0.2.9";
    struct rr ended[8] = {{0}};
    zone = more;
    ASSERT_RESULT(policy("v=spf1 -all exp=e.test"), SPF_FAIL);
    assert_true(is(answer.explanation, "example.test"));
    memcpy(ended, fewer, sizeof fewer);
    zone = ended;
    ASSERT_RESULT(policy("v=spf1 -all exp=e.test"), SPF_FAIL);
    assert_true(is(answer.explanation, "mx.example.test"));
    memcpy(ended, least, sizeof least);
    ASSERT_RESULT(policy("v=spf1 -all exp=e.test"), SPF_FAIL);
    assert_true(is(answer.explanation, "far.test"));
}

/* ---- include and redirect ---- */

static const struct rr others[] = {{"pass.test", ns_t_txt, "v=spf1 +all"},
                                   {"fail.test", ns_t_txt, "v=spf1 -all exp=e.test"},
                                   {"soft.test", ns_t_txt, "v=spf1 ~all"},
                                   {"neutral.test", ns_t_txt, "v=spf1"},
                                   {"perm.test", ns_t_txt, "v=spf1 moo"},
                                   {"temp.test", AWAY, NULL},
                                   {"none.test", ns_t_a, "192.0.2.1"},
                                   {"name.test", ns_t_txt, "v=spf1 exists:%{d}.list.test -all exp=%{d}.e.test"},
                                   {"name.test.list.test", ns_t_a, "127.0.0.2"},
                                   {"refer.test", ns_t_txt, "v=spf1 exp=e.test redirect=said.test"},
                                   {"said.test", ns_t_txt, "v=spf1 -all exp=said.e.test"},
                                   {"mute.test", ns_t_txt, "v=spf1 -all"},
                                   {"e.test", ns_t_txt, "the outer one"},
                                   {"said.e.test", ns_t_txt, "of %{d} for %{o}"},
                                   {0}};

static void an_included_policy_matches_where_it_passes(void **state) {
    (void)state;
    zone = others;
    ASSERT_RESULT(policy("v=spf1 -include:pass.test +all"), SPF_FAIL);
    assert_true(is(answer.mechanism, "-include:pass.test"));
    ASSERT_RESULT(policy("v=spf1 include:fail.test ~all"), SPF_SOFTFAIL);
    ASSERT_RESULT(policy("v=spf1 include:soft.test -all"), SPF_FAIL);
    ASSERT_RESULT(policy("v=spf1 include:neutral.test -all"), SPF_FAIL);
    ASSERT_RESULT(policy("v=spf1 include:neutral.test"), SPF_NEUTRAL);
    ASSERT_RESULT(policy("v=spf1 include:none.test -all"), SPF_PERMERROR);
    ASSERT_RESULT(policy("v=spf1 include:gone.test -all"), SPF_PERMERROR);
    ASSERT_RESULT(policy("v=spf1 include:perm.test -all"), SPF_PERMERROR);
    ASSERT_RESULT(policy("v=spf1 include:temp.test -all"), SPF_TEMPERROR);
    assert_int_equal(answer.mechanism.n, 0);
    ASSERT_RESULT(policy("v=spf1 include:%{l}..test -all"), SPF_PERMERROR);
}

static void a_redirect_is_used_where_nothing_matches(void **state) {
    (void)state;
    zone = others;
    ASSERT_RESULT(policy("v=spf1 redirect=soft.test"), SPF_SOFTFAIL);
    ASSERT_RESULT(policy("v=spf1 redirect=soft.test -all"), SPF_FAIL);
    ASSERT_RESULT(policy("v=spf1 redirect=none.test"), SPF_PERMERROR);
    ASSERT_RESULT(policy("v=spf1 redirect=perm.test"), SPF_PERMERROR);
    ASSERT_RESULT(policy("v=spf1 redirect=temp.test"), SPF_TEMPERROR);
    ASSERT_RESULT(policy("v=spf1 redirect=%{l}..test"), SPF_PERMERROR);
    assert_true(is(answer.domain, "example.test"));
}

static void the_domain_of_macros_is_that_of_the_policy_they_stand_in(void **state) {
    (void)state;
    static const struct rr more[] = {
        {"inner.test", ns_t_txt, "v=spf1 ?exists:%{d}.no.test"}, {"example.test.list.test", ns_t_a, "127.0.0.2"}, {0}};
    zone = others;
    ASSERT_RESULT(policy("v=spf1 include:name.test -all"), SPF_PASS);
    ASSERT_RESULT(policy("v=spf1 redirect=name.test"), SPF_PASS);
    zone = more;
    ASSERT_RESULT(policy("v=spf1 include:inner.test exists:%{d}.list.test -all"), SPF_PASS);
}

/* ---- explanations ---- */

static void an_explanation_comes_from_the_policy_that_failed(void **state) {
    (void)state;
    zone = others;
    ASSERT_RESULT(policy("v=spf1 include:fail.test -all"), SPF_FAIL);
    assert_null(answer.explanation.p);
    ASSERT_RESULT(policy("v=spf1 -include:pass.test exp=e.test"), SPF_FAIL);
    assert_true(is(answer.explanation, "the outer one"));
    ASSERT_RESULT(policy("v=spf1 exp=e.test redirect=said.test"), SPF_FAIL);
    assert_true(is(answer.explanation, "of said.test for example.test"));
    ASSERT_RESULT(policy("v=spf1 exp=e.test redirect=mute.test"), SPF_FAIL);
    assert_null(answer.explanation.p);
    ASSERT_RESULT(policy("v=spf1 ~all exp=e.test"), SPF_SOFTFAIL);
}

static void an_explanation_with_an_error_is_none(void **state) {
    (void)state;
    static const struct rr texts[] = {{"two.test", ns_t_txt, "one"},       {"two.test", ns_t_txt, "two"},
                                      {"away.test", AWAY, NULL},           {"a.test", ns_t_a, "192.0.2.1"},
                                      {"bad.test", ns_t_txt, "%{y}"},      {"high.test", ns_t_txt, "caf\xc3\xa9"},
                                      {"empty.test", ns_t_txt, ""},        {"ok.test", ns_t_txt, "fine 100%%"},
                                      {"line.test", ns_t_txt, "one\ntwo"}, {0}};
    static const char *const none[] = {"two.test",   "away.test", "a.test",    "bad.test",  "high.test",
                                       "empty.test", "gone.test", "line.test", "%{l}..test"};
    zone = texts;
    ASSERT_RESULT(policy("v=spf1 -all exp=ok.test"), SPF_FAIL);
    assert_true(is(answer.explanation, "fine 100%"));
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        ASSERT_RESULT(policy(arena_printf(&arena, "v=spf1 -all exp=%s", none[i]).p), SPF_FAIL);
        if (answer.explanation.p)
            fail_msg("%s: %.*s", none[i], STR_ARG(answer.explanation));
    }
}

/* ---- limits ---- */

static void ten_terms_may_ask_and_no_more(void **state) {
    (void)state;
    static const struct rr more[] = {{"a.test", ns_t_a, "192.0.2.9"},
                                     {"nine.test", ns_t_txt,
                                      "v=spf1 a:a.test a:a.test a:a.test a:a.test a:a.test "
                                      "a:a.test a:a.test a:a.test a:a.test"},
                                     {"loop1.test", ns_t_txt, "v=spf1 include:loop2.test"},
                                     {"loop2.test", ns_t_txt, "v=spf1 include:loop1.test"},
                                     {"self.test", ns_t_txt, "v=spf1 redirect=self.test"},
                                     {0}};
    zone = more;
    ASSERT_RESULT(policy("v=spf1 include:nine.test -all"), SPF_FAIL);
    ASSERT_RESULT(policy("v=spf1 include:nine.test a:a.test -all"), SPF_PERMERROR);
    ASSERT_RESULT(policy("v=spf1 include:nine.test redirect=nine.test"), SPF_PERMERROR);
    ASSERT_RESULT(policy("v=spf1 include:nine.test +all a:a.test"), SPF_PASS);
    ASSERT_RESULT(policy("v=spf1 include:nine.test ip4:192.0.2.1 a:a.test"), SPF_PASS);
    ASSERT_RESULT(policy("v=spf1 include:loop1.test"), SPF_PERMERROR);
    ASSERT_RESULT(policy("v=spf1 redirect=self.test"), SPF_PERMERROR);
    assert_true(questions <= 12);
    ASSERT_RESULT(policy("v=spf1 include:nine.test exists:%{l} -all"), SPF_PERMERROR);
}

static void three_terms_that_find_nothing_are_too_many(void **state) {
    (void)state;
    static const struct rr more[] = {{"six.test", ns_t_aaaa, "2001:db8::1"},
                                     {"away.test", AWAY, NULL},
                                     {"hosts.test", ns_t_mx, "six.test"},
                                     {"hosts.test", ns_t_mx, "six.test"},
                                     {"hosts.test", ns_t_mx, "gone.test"},
                                     {"hosts.test", ns_t_mx, "gone.test"},
                                     {"void.test", ns_t_txt, "v=spf1 a:g1.test"},
                                     {"1.2.0.192.in-addr.arpa", ns_t_ptr, "gone.test"},
                                     {0}};
    zone = more;
    ASSERT_RESULT(policy("v=spf1 a:g1.test mx:g2.test -all"), SPF_FAIL);
    ASSERT_RESULT(policy("v=spf1 a:g1.test a:six.test exists:g3.test -all"), SPF_PERMERROR);
    ASSERT_RESULT(policy("v=spf1 a:g1.test include:void.test a:g1.test -all"), SPF_PERMERROR);
    /* However many hosts an mx has, it is one term; and reverse names are not the domain's. */
    ASSERT_RESULT(policy("v=spf1 mx:hosts.test a:g1.test ptr -all"), SPF_FAIL);
    ASSERT_RESULT(policy("v=spf1 mx:hosts.test a:g1.test a:g2.test -all"), SPF_PERMERROR);
}

static const struct rr *many_hosts(int count, int type, const char *name, int mine) {
    struct rr *r = arena_array(&arena, 64, sizeof *r);
    for (int i = 0; i < count; i++) {
        struct str host = arena_printf(&arena, "h%d.example.test", i);
        r[2 * i] = (struct rr){name, type, host.p};
        r[2 * i + 1] = (struct rr){host.p, ns_t_a, i == mine ? "192.0.2.1" : "192.0.2.2"};
    }
    return r;
}

static void an_mx_has_ten_hosts_at_most(void **state) {
    (void)state;
    zone = many_hosts(10, ns_t_mx, "many.test", 9);
    ASSERT_RESULT(policy("v=spf1 mx:many.test -all"), SPF_PASS);
    zone = many_hosts(11, ns_t_mx, "many.test", 0);
    ASSERT_RESULT(policy("v=spf1 mx:many.test -all"), SPF_PERMERROR);
}

static void of_reverse_names_ten_are_tried(void **state) {
    (void)state;
    zone = many_hosts(20, ns_t_ptr, "1.2.0.192.in-addr.arpa", 9);
    ASSERT_RESULT(policy("v=spf1 ptr -all"), SPF_PASS);
    zone = many_hosts(20, ns_t_ptr, "1.2.0.192.in-addr.arpa", 10);
    ASSERT_RESULT(policy("v=spf1 ptr ptr:%{p} -all"), SPF_FAIL);
    assert_true(questions == 1 + 1 + SPF_MAX_HOSTS); /* nor are they asked for again */
}

static void no_answer_is_a_temporary_error(void **state) {
    (void)state;
    static const struct rr more[] = {{"away.test", AWAY, NULL}, {"mx.test", ns_t_mx, "away.test"}, {0}};
    zone = more;
    ASSERT_RESULT(policy("v=spf1 a:away.test +all"), SPF_TEMPERROR);
    ASSERT_RESULT(policy("v=spf1 mx:away.test +all"), SPF_TEMPERROR);
    ASSERT_RESULT(policy("v=spf1 mx:mx.test +all"), SPF_TEMPERROR);
    ASSERT_RESULT(policy("v=spf1 exists:away.test +all"), SPF_TEMPERROR);
    ASSERT_RESULT(policy("v=spf1 ip4:192.0.2.1 a:away.test"), SPF_PASS);
}

static void an_evaluation_ends_in_time(void **state) {
    (void)state;
    zone = many_hosts(10, ns_t_ptr, "1.2.0.192.in-addr.arpa", 99);
    int64_t before = clock_monotonic();
    ASSERT_RESULT(policy("v=spf1 -all"), SPF_FAIL);
    assert_true(latest >= before + SPF_TIME_LIMIT_S * CLOCK_SECOND);
    assert_true(latest <= clock_monotonic() + SPF_TIME_LIMIT_S * CLOCK_SECOND);
    slowness = 20000;
    time_limit = 50000;
    before = clock_monotonic();
    ASSERT_RESULT(policy("v=spf1 ptr +all"), SPF_TEMPERROR);
    assert_true(questions <= 4);
    assert_true(clock_monotonic() - before < CLOCK_SECOND);
    ASSERT_RESULT(policy("v=spf1 a:h0.example.test a:h0.example.test a:h0.example.test +all"), SPF_TEMPERROR);
    slowness = 0;
    time_limit = 20 * CLOCK_SECOND;
}

/* ---- what is said ---- */

static void the_reason_names_what_matched_and_what_is_wrong(void **state) {
    (void)state;
    zone = others;
    policy("v=spf1 ip4:192.0.2.0/24");
    assert_true(is(answer.reason, "192.0.2.1 matches \"ip4:192.0.2.0/24\" of example.test"));
    policy("v=spf1 include:perm.test");
    assert_true(is(answer.reason,
                   "\"include:perm.test\" of example.test: the SPF record of perm.test has an error: \"moo\" is no "
                   "mechanism"));
    policy("v=spf1 a:caf\xc3\xa9.test");
    assert_true(str_find(answer.reason, STR("no letter, digit or sign")) > 0);
}

static void results_have_the_words_of_the_rfc(void **state) {
    (void)state;
    static const char *const text[] = {"none", "neutral", "pass", "fail", "softfail", "temperror", "permerror"};
    for (int r = SPF_NONE; r <= SPF_PERMERROR; r++)
        assert_string_equal(spf_result_text((enum spf_result)r), text[r]);
}

static int forget(void **state) {
    (void)state;
    arena_free(&arena);
    return 0;
}

#define TEST(name) cmocka_unit_test_teardown(name, forget)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_senders_domain_is_asked_about),
        TEST(without_a_sender_the_helo_name_is_asked_about),
        TEST(without_a_local_part_it_is_postmaster),
        TEST(a_name_in_letters_is_asked_about_by_its_a_labels),
        TEST(what_is_no_domain_has_no_policy),
        TEST(a_client_without_an_address_has_no_result),
        TEST(there_is_one_policy_or_none),
        TEST(what_matches_first_decides),
        TEST(networks_match_by_their_prefix),
        TEST(ipv4_within_ipv6_is_ipv4),
        TEST(addresses_match_with_the_prefix_of_their_family),
        TEST(mail_servers_match_and_the_domain_itself_does_not),
        TEST(exists_is_about_a_records_for_both_families),
        TEST(a_name_that_cannot_be_looked_up_matches_nothing),
        TEST(reverse_names_count_where_they_lead_back),
        TEST(a_reverse_name_without_an_answer_is_passed_over),
        TEST(the_clients_name_is_the_nearest_to_the_domain),
        TEST(an_included_policy_matches_where_it_passes),
        TEST(a_redirect_is_used_where_nothing_matches),
        TEST(the_domain_of_macros_is_that_of_the_policy_they_stand_in),
        TEST(an_explanation_comes_from_the_policy_that_failed),
        TEST(an_explanation_with_an_error_is_none),
        TEST(ten_terms_may_ask_and_no_more),
        TEST(three_terms_that_find_nothing_are_too_many),
        TEST(an_mx_has_ten_hosts_at_most),
        TEST(of_reverse_names_ten_are_tried),
        TEST(no_answer_is_a_temporary_error),
        TEST(an_evaluation_ends_in_time),
        TEST(the_reason_names_what_matched_and_what_is_wrong),
        TEST(results_have_the_words_of_the_rfc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
