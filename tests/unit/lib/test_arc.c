/* Sealing and validating by way of the interface; what hosts wrote down of what they found. */
#include "arc/arc.h"
#include "arc/chain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const char message[] = "From: a@example.org\r\nTo: b@example.net\r\nSubject: hi\r\n\r\nHello\r\n";
static const char findings[] =
    "mx.example.org; spf=pass smtp.mailfrom=a@example.org;\r\n\tdkim=pass header.d=example.org";

static struct arena arena;
static struct dkim_key *key;
static struct buf record;
static enum dns_status trouble;

static enum dns_status answer(void *context, struct arena *a, struct str name, struct str **out, size_t *count) {
    (void)context;
    *count = 0;
    if (trouble != DNS_OK || !str_eq(name, STR("s._domainkey.example.org")))
        return trouble != DNS_OK ? trouble : DNS_NXDOMAIN;
    *out = arena_array(a, 1, sizeof **out);
    **out = buf_str(&record);
    *count = 1;
    return DNS_OK;
}

static const struct dkim_options options = {.txt = answer};

static int make_key(void **state) {
    struct buf pem = BUF_EMPTY;
    (void)state;
    assert_true(dkim_key_generate(DKIM_ED25519_SHA256, 0, &pem, NULL));
    key = dkim_key_read(buf_str(&pem), NULL);
    dkim_key_record(key, &record);
    buf_free(&pem);
    return 0;
}

static int free_key(void **state) {
    (void)state;
    dkim_key_free(key);
    buf_free(&record);
    return 0;
}

static int set_up(void **state) {
    (void)state;
    arena = ARENA_EMPTY;
    trouble = DNS_OK;
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_free(&arena);
    return 0;
}

static struct arc_chain verify(struct str text) {
    struct arc_chain chain;
    arc_verify(NULL, &arena, text, &options, &chain);
    return chain;
}

static struct arc_sealer sealer(void) {
    return (struct arc_sealer){.key = key, .domain = STR("example.org"), .selector = STR("s"), .time = 1700000000};
}

static struct str before(const char *fields, struct str text) {
    return arena_printf(&arena, "%s%.*s", fields, STR_ARG(text));
}

/* The message with one more set. */
static struct str seal(struct str text, const struct arc_chain *chain) {
    struct buf out = BUF_EMPTY;
    struct arc_sealer s = sealer();
    assert_true(arc_seal(&arena, text, chain, &s, str_of(findings), &out, NULL));
    struct str sealed = before(out.p, text);
    buf_free(&out);
    return sealed;
}

static struct str seal_times(unsigned times) {
    struct str text = str_of(message);
    for (unsigned i = 0; i < times; i++) {
        struct arc_chain chain = verify(text);
        assert_int_equal(chain.instance, i);
        text = seal(text, &chain);
    }
    return text;
}

static void refused(struct str text, const struct arc_chain *chain, const struct arc_sealer *s, const char *results) {
    struct buf out = BUF_EMPTY;
    struct err err = {""};
    assert_false(arc_seal(&arena, text, chain, s, str_of(results), &out, &err));
    assert_int_equal(out.n, 0);
    assert_true(err.text[0]);
    buf_free(&out);
}

static void sealed_message_passes_and_tells_what_was_found(void **state) {
    (void)state;
    struct arc_chain chain = verify(seal_times(3));
    assert_int_equal(chain.status, ARC_PASS);
    assert_int_equal(chain.instance, 3);
    assert_int_equal(chain.count, 3);
    assert_int_equal(chain.oldest_pass, 0);
    for (unsigned i = 0; i < 3; i++) {
        const struct arc_set *s = &chain.set[i];
        assert_int_equal(s->instance, i + 1);
        assert_int_equal(s->cv, i ? ARC_PASS : ARC_NONE);
        assert_int_equal(s->seal.result, DKIM_PASS);
        assert_int_equal(s->message.result, DKIM_PASS);
        assert_true(str_eq(s->seal.domain, STR("example.org")));
        assert_true(str_eq(s->authserv_id, STR("mx.example.org")));
        assert_true(str_eq(s->authentication_results, str_of(findings)));
    }
}

static void chain_ends_at_fifty_sets(void **state) {
    (void)state;
    struct arc_sealer s = sealer();
    struct str text = seal_times(ARC_MAX_SETS);
    struct arc_chain chain = verify(text);
    assert_int_equal(chain.status, ARC_PASS);
    refused(text, &chain, &s, findings);
}

static void failed_chain_is_sealed_once_over_its_own_set(void **state) {
    (void)state;
    struct arc_sealer s = sealer();
    struct arc_chain chain = verify(before("X-Note: more\r\n", seal_times(2)));
    assert_int_equal(chain.status, ARC_PASS);
    chain = verify(before("Subject: more\r\n", seal_times(2)));
    assert_int_equal(chain.status, ARC_FAIL);
    assert_int_equal(chain.count, 2);
    struct str changed = before("ARC-Seal: i=9; garbage\r\n", seal_times(2));
    chain = verify(changed);
    assert_int_equal(chain.status, ARC_FAIL);
    assert_false(chain.closed);
    assert_null(chain.set);
    struct str sealed = seal(changed, &chain);
    chain = verify(sealed);
    assert_int_equal(chain.status, ARC_FAIL);
    assert_true(chain.closed);
    refused(sealed, &chain, &s, findings);
}

/* RFC 8617 section 5.1.2: as if there were no other sets. */
static void seal_of_a_failed_chain_is_over_its_own_set_alone(void **state) {
    (void)state;
    struct arc_sealer s = sealer();
    struct arc_chain failed = {.status = ARC_FAIL, .instance = 1};
    struct buf beside = BUF_EMPTY, alone = BUF_EMPTY;
    assert_true(arc_seal(&arena, seal_times(1), &failed, &s, str_of(findings), &beside, NULL));
    assert_true(arc_seal(&arena, str_of(message), &failed, &s, str_of(findings), &alone, NULL));
    assert_string_equal(beside.p, alone.p);
    assert_non_null(strstr(alone.p, "i=2; a=ed25519-sha256; cv=fail;"));
    buf_free(&beside);
    buf_free(&alone);
}

static void trouble_of_the_dns_is_no_reason_to_seal_a_failure(void **state) {
    (void)state;
    struct arc_sealer s = sealer();
    struct str text = seal_times(1);
    trouble = DNS_TEMPORARY;
    struct arc_chain chain = verify(text);
    assert_int_equal(chain.status, ARC_FAIL);
    assert_true(chain.temporary);
    refused(text, &chain, &s, findings);
    trouble = DNS_NXDOMAIN;
    assert_false(verify(text).temporary);
}

static void sealers_that_can_not_seal_leave_nothing(void **state) {
    (void)state;
    struct str text = str_of(message);
    struct arc_chain none = verify(text);
    struct arc_sealer s = sealer();
    refused(text, &none, &s, "");
    refused(text, &none, &s, "a; b\r\nX-Injected: c");
    refused(text, &none, &s, "a; b\n c");
    refused(STR("\tfolded\r\n\r\n"), &none, &s, findings);
    s.headers = STR("from:arc-seal");
    refused(text, &none, &s, findings);
    s.headers = STR("from to");
    refused(text, &none, &s, findings);
    s = sealer();
    s.domain = STR("no domain");
    refused(text, &none, &s, findings);
    s = sealer();
    s.selector = STR("");
    refused(text, &none, &s, findings);
}

static void chain_becomes_a_method_of_authentication_results(void **state) {
    (void)state;
    static const struct {
        struct arc_chain chain;
        const char *text;
    } expected[] = {
        {{.status = ARC_NONE}, ";\r\n\tarc=none"},
        {{.status = ARC_PASS, .instance = 3, .oldest_pass = 2}, ";\r\n\tarc=pass (i=3) header.oldest-pass=2"},
        {{.status = ARC_FAIL, .instance = 1, .reason = STR("no \"key\"")},
         ";\r\n\tarc=fail (i=1) reason=\"no \\\"key\\\"\""},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        struct buf out = BUF_EMPTY;
        arc_authentication_results(&expected[i].chain, &out);
        assert_string_equal(out.p, expected[i].text);
        buf_free(&out);
    }
}

static void findings_of_this_host_are_gathered_into_one(void **state) {
    (void)state;
    struct buf out = BUF_EMPTY;
    arc_collect_results(&arena,
                        STR("Authentication-Results: mx.example.org; spf=pass smtp.mailfrom=a@b\r\n"
                            "Authentication-Results: other.example.org; spf=fail\r\n"
                            "authentication-results:\r\n MX.example.org 1 ;\r\n dkim=pass;\r\n dmarc=pass ; \r\n"
                            "Authentication-Results: mx.example.org; none\r\n"
                            "Authentication-Results: mx.example.org.evil.example; spf=pass\r\n\r\n"
                            "Authentication-Results: mx.example.org; arc=pass\r\n"),
                        STR("mx.example.org"), &out);
    assert_string_equal(out.p, "mx.example.org;\r\n\tspf=pass smtp.mailfrom=a@b;\r\n\tdkim=pass;\r\n dmarc=pass");
    buf_reset(&out);
    arc_collect_results(&arena, STR("Authentication-Results: mx.example.org; none\r\n\r\n"), STR("mx.example.org"),
                        &out);
    assert_string_equal(out.p, "mx.example.org; none");
    buf_reset(&out);
    arc_collect_results(&arena, str_of(message), STR("mx.example.org"), &out);
    assert_int_equal(out.n, 0);
    buf_free(&out);
}

static void status_is_found_among_the_findings(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool found;
        enum arc_status status;
    } expected[] = {
        {"mx; spf=pass; arc=pass (i=2) header.oldest-pass=0; dkim=none", true, ARC_PASS},
        {"mx; ARC / 1 = Fail", true, ARC_FAIL},
        {"mx;arc=none", true, ARC_NONE},
        {"mx; arc=pass; arc=pass", true, ARC_PASS},
        {"mx; arc=pass; arc=fail", true, ARC_FAIL},
        {"mx; arc=none; arc=pass", true, ARC_FAIL},
        {"mx; spf=pass (; arc=pass ;) reason=\"; arc=pass \\\" ;\"", false, ARC_NONE},
        {"mx; x-arc=pass; arcs=pass; arc=perhaps; arc", false, ARC_NONE},
        {"", false, ARC_NONE},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        enum arc_status status = ARC_NONE;
        assert_int_equal(arc_collected_status(&arena, str_of(expected[i].text), &status), expected[i].found);
        assert_int_equal(status, expected[i].status);
    }
}

static void results_field_begins_with_its_instance(void **state) {
    (void)state;
    static const struct {
        const char *body;
        unsigned instance; /* 0: not valid */
    } expected[] = {
        {" i=1; mx; none\r\n", 1},
        {"i=50;mx", 50},
        {" (c (d) \\) ;) i = (e) 7 ; mx", 7},
        {"\r\n\ti=1\r\n ; mx", 1},
        {" i=51; mx", 0},
        {" i=0; mx", 0},
        {" i=; mx", 0},
        {" i=1 mx; none", 0},
        {" mx; i=1; none", 0},
        {" I=1; mx", 0},
        {" i=100; mx", 0},
        {" i=1", 0},
        {" (never closed i=1; mx", 0},
        {"", 0},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        unsigned instance = 0;
        struct str payload = arc_results_payload(str_of(expected[i].body), &instance);
        assert_int_equal(payload.p != NULL, expected[i].instance != 0);
        if (expected[i].instance)
            assert_int_equal(instance, expected[i].instance);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sealed_message_passes_and_tells_what_was_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(chain_ends_at_fifty_sets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failed_chain_is_sealed_once_over_its_own_set, set_up, tear_down),
        cmocka_unit_test_setup_teardown(seal_of_a_failed_chain_is_over_its_own_set_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(trouble_of_the_dns_is_no_reason_to_seal_a_failure, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sealers_that_can_not_seal_leave_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(chain_becomes_a_method_of_authentication_results, set_up, tear_down),
        cmocka_unit_test_setup_teardown(findings_of_this_host_are_gathered_into_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(status_is_found_among_the_findings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(results_field_begins_with_its_instance, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, make_key, free_key);
}
