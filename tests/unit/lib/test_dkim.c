/* Signing and verifying by way of the interface, over a DNS that is a table; what comes with a result. */
#include "base/clock.h"
#include "dkim/dkim.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const char message[] = "From: a@example.org\r\nTo: b@example.net\r\nSubject: hi\r\n\r\nHello  there \r\n\r\n";

static struct arena arena;
static struct dkim_key *rsa, *ed;
static struct buf rsa_record, ed_record;
static unsigned questions;
static enum dns_status trouble; /* of every look-up where it is not DNS_OK */

static enum dns_status answer(void *context, struct arena *a, struct str name, struct str **out, size_t *count) {
    (void)context;
    __atomic_add_fetch(&questions, 1, __ATOMIC_RELAXED);
    *count = 0;
    if (trouble != DNS_OK)
        return trouble;
    *out = arena_array(a, 1, sizeof **out);
    if (str_eq(name, STR("rsa._domainkey.example.org")))
        **out = buf_str(&rsa_record);
    else if (str_eq(name, STR("ed._domainkey.example.org")))
        **out = buf_str(&ed_record);
    else
        return DNS_NXDOMAIN;
    *count = 1;
    return DNS_OK;
}

static const struct dkim_options options = {.txt = answer};

static struct dkim_key *new_key(enum dkim_algorithm algorithm, struct buf *record) {
    struct buf pem = BUF_EMPTY;
    struct err err;
    assert_true(dkim_key_generate(algorithm, 2048, &pem, &err));
    struct dkim_key *key = dkim_key_read(buf_str(&pem), &err);
    assert_non_null(key);
    dkim_key_record(key, record);
    buf_free(&pem);
    return key;
}

static int make_keys(void **state) {
    (void)state;
    rsa = new_key(DKIM_RSA_SHA256, &rsa_record);
    ed = new_key(DKIM_ED25519_SHA256, &ed_record);
    return 0;
}

static int free_keys(void **state) {
    (void)state;
    dkim_key_free(rsa);
    dkim_key_free(ed);
    buf_free(&rsa_record);
    buf_free(&ed_record);
    return 0;
}

static int set_up(void **state) {
    (void)state;
    arena = ARENA_EMPTY;
    questions = 0;
    trouble = DNS_OK;
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_free(&arena);
    return 0;
}

static struct dkim_signer signer(const struct dkim_key *key) {
    return (struct dkim_signer){
        .key = key, .domain = STR("Example.ORG"), .selector = key == rsa ? STR("rsa") : STR("ed"), .time = 1700000000};
}

/* The message with its signatures, in the arena. */
static struct str sign_with(const struct dkim_signer *s, size_t count) {
    struct buf out = BUF_EMPTY;
    struct err err;
    assert_true(dkim_sign(&arena, str_of(message), s, count, &out, &err));
    buf_add_c(&out, message);
    struct str signed_message = arena_str(&arena, buf_str(&out));
    buf_free(&out);
    return signed_message;
}

static struct str sign_with_both(void) {
    struct dkim_signer both[] = {signer(rsa), signer(ed)};
    return sign_with(both, 2);
}

static struct dkim_signature *verify(struct str text, size_t expected) {
    struct dkim_signature *s;
    size_t count;
    dkim_verify(NULL, &arena, text, &options, &s, &count);
    assert_int_equal(count, expected);
    return s;
}

static void message_with_two_signatures_passes_with_both(void **state) {
    (void)state;
    struct dkim_signature *s = verify(sign_with_both(), 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(s[i].result, DKIM_PASS);
        assert_true(str_eq(s[i].domain, STR("example.org")));
        assert_true(str_eq(s[i].identity, STR("@example.org")));
        assert_int_equal(s[i].signed_at, 1700000000);
        assert_int_equal(s[i].expires_at, -1);
        assert_int_equal(s[i].b.n, 8);
        assert_int_equal(s[i].field, i);
    }
    assert_int_equal(s[0].algorithm, DKIM_RSA_SHA256);
    assert_int_equal(s[0].key_bits, 2048);
    assert_int_equal(s[1].algorithm, DKIM_ED25519_SHA256);
    assert_int_equal(s[1].key_bits, 256);
    assert_int_equal(dkim_overall(s, 2), DKIM_PASS);
}

static void everything_is_asked_for_once(void **state) {
    (void)state;
    struct dkim_signer thrice[] = {signer(rsa), signer(rsa), signer(rsa)};
    thrice[1].simple_body = true;
    thrice[2].simple_header = true;
    struct dkim_signature *s = verify(sign_with(thrice, 3), 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(s[i].result, DKIM_PASS);
    assert_int_equal(questions, 1);
}

static void trouble_of_the_dns_is_temporary_and_nothing_there_is_not(void **state) {
    (void)state;
    static const struct {
        enum dns_status status;
        enum dkim_result result;
    } expected[] = {{DNS_TEMPORARY, DKIM_TEMPERROR},
                    {DNS_NXDOMAIN, DKIM_PERMERROR},
                    {DNS_NODATA, DKIM_PERMERROR},
                    {DNS_BAD_NAME, DKIM_PERMERROR}};
    struct str text = sign_with_both();
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        trouble = expected[i].status;
        assert_int_equal(verify(text, 2)->result, expected[i].result);
    }
    struct dkim_signature *s;
    size_t count;
    dkim_verify(NULL, &arena, text, NULL, &s, &count); /* nobody to ask */
    assert_int_equal(s->result, DKIM_TEMPERROR);
}

static enum dns_status answer_slowly(void *context, struct arena *a, struct str name, struct str **out, size_t *count) {
    int64_t until = clock_monotonic() + CLOCK_SECOND * 11 / 10;
    while (clock_monotonic() < until)
        ;
    return answer(context, a, name, out, count);
}

static void look_ups_end_when_their_time_is_over(void **state) {
    (void)state;
    struct dkim_options slow = {.txt = answer_slowly, .seconds = 1};
    struct dkim_signature *s;
    size_t count;
    dkim_verify(NULL, &arena, sign_with_both(), &slow, &s, &count);
    assert_int_equal(s[0].result, DKIM_PASS);
    assert_int_equal(s[1].result, DKIM_TEMPERROR);
    assert_int_equal(questions, 1);
}

static void expiry_is_counted_from_the_time_given(void **state) {
    (void)state;
    struct dkim_signer one = signer(rsa);
    struct dkim_options at = options;
    struct dkim_signature *s;
    size_t count;
    one.lifetime = 100;
    struct str text = sign_with(&one, 1);
    at.now = INT64_C(1700000100) * CLOCK_SECOND;
    dkim_verify(NULL, &arena, text, &at, &s, &count);
    assert_int_equal(s->result, DKIM_PASS);
    assert_int_equal(s->expires_at, 1700000100);
    at.now += CLOCK_SECOND;
    dkim_verify(NULL, &arena, text, &at, &s, &count);
    assert_int_equal(s->result, DKIM_PERMERROR);
}

static void results_become_methods_of_authentication_results(void **state) {
    (void)state;
    struct buf out = BUF_EMPTY;
    dkim_authentication_results(NULL, 0, &out);
    assert_string_equal(out.p, ";\r\n\tdkim=none");
    buf_reset(&out);
    struct dkim_signature *s = verify(sign_with_both(), 2);
    trouble = DNS_TEMPORARY;
    s[1] = *verify(sign_with_both(), 2);
    dkim_authentication_results(s, 2, &out);
    assert_non_null(strstr(out.p, ";\r\n\tdkim=pass header.d=example.org header.i=@example.org header.s=rsa"));
    assert_non_null(strstr(out.p, "header.a=rsa-sha256"));
    assert_non_null(strstr(out.p, ";\r\n\tdkim=temperror"));
    assert_non_null(strstr(out.p, "reason=\"no answer for the key at rsa._domainkey.example.org\""));
    buf_free(&out);
}

/* RFC 6008 section 3 */
static void part_of_b_that_is_shown_tells_signatures_apart(void **state) {
    (void)state;
    struct dkim_signature *s = verify(STR("DKIM-Signature: v=1; d=a.example; s=a; b=AAAA\r\n AAAABBBB\r\n"
                                          "DKIM-Signature: v=1; d=a.example; s=a; b=AAAAAAAABCCC\r\n"
                                          "DKIM-Signature: v=1; d=a.example; s=a; b=DDDDDDDDDDDD\r\n\r\n"),
                                      3);
    assert_true(str_eq(s[0].b, STR("AAAAAAAABB")));
    assert_true(str_eq(s[1].b, STR("AAAAAAAABC")));
    assert_true(str_eq(s[2].b, STR("DDDDDDDD")));
}

static void overall_result_is_the_best_that_is_of_use(void **state) {
    (void)state;
    static const enum dkim_result falling[] = {DKIM_PASS,   DKIM_TEMPERROR, DKIM_FAIL,
                                               DKIM_POLICY, DKIM_PERMERROR, DKIM_NEUTRAL};
    for (size_t i = 0; i + 1 < sizeof falling / sizeof *falling; i++) {
        struct dkim_signature s[2] = {{.result = falling[i + 1]}, {.result = falling[i]}};
        assert_int_equal(dkim_overall(s, 2), falling[i]);
    }
    assert_int_equal(dkim_overall(NULL, 0), DKIM_NONE);
    assert_string_equal(dkim_result_name(DKIM_PERMERROR), "permerror");
}

static void keys_that_are_none_are_refused(void **state) {
    (void)state;
    struct err err;
    struct buf pem = BUF_EMPTY;
    assert_null(dkim_key_read(STR(""), &err));
    assert_null(dkim_key_read(STR("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), &err));
    assert_false(dkim_key_generate(DKIM_RSA_SHA256, 1023, &pem, &err));
    assert_false(dkim_key_generate(DKIM_RSA_SHA256, 100000, &pem, &err));
    assert_false(dkim_key_generate(DKIM_RSA_SHA1, 2048, &pem, &err));
    assert_int_equal(pem.n, 0);
    assert_int_equal(dkim_key_bits(ed), 256);
    assert_int_equal(dkim_key_bits(rsa), 2048);
    buf_free(&pem);
}

static void signers_that_can_not_sign_leave_nothing(void **state) {
    (void)state;
    struct buf out = BUF_EMPTY;
    struct err err;
    struct dkim_signer two[] = {signer(rsa), signer(ed)};
    two[1].domain = STR("not a domain");
    assert_false(dkim_sign(&arena, str_of(message), two, 2, &out, &err));
    assert_int_equal(out.n, 0);
    two[1] = signer(ed);
    two[1].identity = STR("a@example.org; x=1");
    assert_false(dkim_sign(&arena, str_of(message), two, 2, &out, &err));
    two[1] = signer(ed);
    two[1].headers = STR("from:to;x");
    assert_false(dkim_sign(&arena, str_of(message), two, 2, &out, &err));
    assert_false(dkim_sign(&arena, STR("To: a@b\r\n\r\n"), two, 1, &out, &err));
    assert_false(dkim_sign(&arena, STR(" folded\r\nFrom: a@b\r\n\r\n"), two, 1, &out, &err));
    assert_int_equal(out.n, 0);
    buf_free(&out);
}

/* ---- threads ---- */

static struct str shared;

static void *verify_often(void *unused) {
    (void)unused;
    struct arena a = ARENA_EMPTY;
    size_t passed = 0;
    for (int i = 0; i < 200; i++) {
        struct dkim_signature *s;
        struct buf field = BUF_EMPTY;
        struct dkim_signer one = signer(ed);
        size_t count;
        dkim_verify(NULL, &a, shared, &options, &s, &count);
        passed += count == 2 && s[0].result == DKIM_PASS && s[1].result == DKIM_PASS;
        passed += dkim_sign(&a, str_of(message), &one, 1, &field, NULL);
        buf_free(&field);
        arena_reset(&a);
    }
    arena_free(&a);
    return (void *)passed;
}

static void threads_share_keys(void **state) {
    (void)state;
    pthread_t t[4];
    shared = sign_with_both();
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, verify_often, NULL), 0);
    for (size_t i = 0; i < 4; i++) {
        void *passed;
        pthread_join(t[i], &passed);
        assert_int_equal((size_t)passed, 400);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(message_with_two_signatures_passes_with_both, set_up, tear_down),
        cmocka_unit_test_setup_teardown(everything_is_asked_for_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(trouble_of_the_dns_is_temporary_and_nothing_there_is_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(look_ups_end_when_their_time_is_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(expiry_is_counted_from_the_time_given, set_up, tear_down),
        cmocka_unit_test_setup_teardown(results_become_methods_of_authentication_results, set_up, tear_down),
        cmocka_unit_test_setup_teardown(part_of_b_that_is_shown_tells_signatures_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(overall_result_is_the_best_that_is_of_use, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_that_are_none_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(signers_that_can_not_sign_leave_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(threads_share_keys, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
