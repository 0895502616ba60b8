/* What clients send to log in, taken apart; and which network a failure counts for. */
#include "sasl/sasl.h"
#include "sasl/throttle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct arena arena;

static void bearer(const char *message, size_t n, bool good, const char *user, const char *token) {
    struct str u, t;
    assert_int_equal(sasl_oauthbearer_parse(&arena, str_n(message, n), &u, &t), good);
    if (good) {
        assert_true(str_eq(u, str_of(user)));
        assert_true(str_eq(t, str_of(token)));
    }
}
#define BEARER(literal, ...) bearer(literal, sizeof(literal) - 1, __VA_ARGS__)

static void oauthbearer_gives_user_and_token(void **state) {
    (void)state;
    /* RFC 7628 section 4.1 */
    BEARER("n,a=user@example.com,\001host=server.example.com\001port=143\001auth=Bearer vF9dft4qmT==\001\001", true,
           "user@example.com", "vF9dft4qmT==");
    BEARER("n,,\001auth=bearer x\001\001", true, "", "x");
    BEARER("y,a=a=2Cb=3Dc,\001auth=Bearer x\001\001", true, "a,b=c", "x");
}

static void oauthbearer_without_a_token_is_none(void **state) {
    (void)state;
    BEARER("", false, "", "");
    BEARER("n,a=u,", false, "", "");
    BEARER("n,a=u,\001\001", false, "", "");
    BEARER("n,a=u,\001auth=Bearer \001\001", false, "", "");
    BEARER("n,a=u,\001auth=Basic x\001\001", false, "", "");
    BEARER("n,a=u,\001auth=Bearer x", false, "", "");
    BEARER("n,u,\001auth=Bearer x\001\001", false, "", "");
    BEARER("n,a=u=2x,\001auth=Bearer x\001\001", false, "", "");
    BEARER("p=tls-unique,a=u,\001auth=Bearer x\001\001", false, "", "");
}

static void xoauth2_needs_both(void **state) {
    (void)state;
    struct str user, token;
    assert_true(sasl_xoauth2_parse(STR("user=a@b\001auth=Bearer tok\001\001"), &user, &token));
    assert_true(str_eq(user, STR("a@b")) && str_eq(token, STR("tok")));
    assert_false(sasl_xoauth2_parse(STR("user=a@b\001\001"), &user, &token));
    assert_false(sasl_xoauth2_parse(STR("auth=Bearer tok\001\001"), &user, &token));
    assert_false(sasl_xoauth2_parse(STR("user=a@b\001auth=Bearer tok"), &user, &token));
    assert_false(sasl_xoauth2_parse(STR(""), &user, &token));
}

static void a_network_is_an_address_or_a_64(void **state) {
    (void)state;
    static const char *const pair[][2] = {{"192.0.2.1", "192.0.2.1"},
                                          {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
                                          {"2001:db8::1", "2001:db8::/64"},
                                          {"::1", "::/64"},
                                          {"unix", "unix"}};
    char out[THROTTLE_NETWORK_BYTES];
    for (size_t i = 0; i < sizeof pair / sizeof *pair; i++) {
        throttle_network(pair[i][0], out);
        assert_string_equal(out, pair[i][1]);
    }
}

static int end(void **state) {
    (void)state;
    arena_free(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(oauthbearer_gives_user_and_token),
        cmocka_unit_test(oauthbearer_without_a_token_is_none),
        cmocka_unit_test(xoauth2_needs_both),
        cmocka_unit_test(a_network_is_an_address_or_a_64),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
