/* Stored passwords: our own form, and what crypt(3), Dovecot (its `doveadm pw` made these) and Courier store. */
#include "base/password.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PASSWORD STR("Tace et fac")

static const char *const stored[] = {
    "{MD5}$1$C/VP.m0I$H.YKzaKzCgZWT9NYlpZX20",
    "{MD5}JC8iPcrlhefEvfg15kyI7g==", /* Courier's */
    "{MD5RAW}242f223dcae585e7c4bdf835e64c88ee",
    "{SHA}2QuLFXzYdtC91pL93tl8YcE5VuM=",
    "{sha1}2QuLFXzYdtC91pL93tl8YcE5VuM",
    "{SHA256}5v4TH1Qku6cN8suLnSfGR1Zg8VjCjTlV3MypkLTXLs8=",
    "{SHA512}QT/t3DPYBIGA0USrqZxK8tz5xS2I4gKIrevxee0Yka6QyLEuENkPXDjMXHfwEVk8u0Vy1bngEFc9ZWe+RCeMTg==",
    "{SMD5}zBgYuaV+5BEiL7atrG00ZnWnRtc=",
    "{SSHA}29i5XtQTa6M6BkysiVv4vY7iCkpmW9c7",
    "{SSHA256}nG2YBNO8xtYCiTl9tClp4++7I+35BH2iglRHRZwgEcZZ6/5O",
    "{SSHA512}3GxQYt3CpIBRlrgNtAyjfUF4J5gNF8aLgEwww3aKLSDgjvgYCXUjMCYJogLWWVzgRDKHh26d1XPNqLba3ZoeqkuYgw4=",
    "{PLAIN-MD5}242f223dcae585e7c4bdf835e64c88ee",
    "{LDAP-MD5}JC8iPcrlhefEvfg15kyI7g==",
    "{CRYPT}$2y$05$UuMvQpMZ6wnN9i1aNudw8uhdgFMsMWUSu7KWwx5RywBYVxTgWNQRm",
    "{SHA512-CRYPT}$6$LZqqMpPUmqECbjJY$OqBvo5kEZzqP3V4BaE70/"
    "MExuWXuoOzWqWMR1E6bAIom4mDyzOECBU2gQliNwnZb5ArDMOrxG5bhwqxCNp40Q0",
    "{SHA256-CRYPT}$5$s4mOxzwLH07wQ6/e$/YnjLsATjAUHtXotzh/bspSM/9xEcEM.9qCJ6xcAUD8",
    "{BLF-CRYPT}$2y$05$i8wdbVry0pSWu72mR4IuQulft6ptkmB4J2GUndOtM5FnNAIG4ZwOe",
    "{MD5-CRYPT}$1$EyCVtUks$OCWSY3/p/ASVqbLnlqszM/",
    "{DES-CRYPT}3JkfKyFLOA1xs",
    "{PBKDF2}$1$dm2.SJhozdLqOw4y$5000$be9db34b8046383fe25bb638470ffed9eef100d4",
    "{SCRAM-SHA-1}4096,9fF7vm1x436NGxfps4ITXQ==,Cx4ZDe8N+4BFyuSc5PtJZTM1lyg=,RG2Ai9Q49AxbyLLWAFVheeEYxnc=",
    "{SCRAM-SHA-256}4096,WL9ul1C2eDesAgVSKsH0JA==,NdqzoM+Thp1fu652cMWioRdCgEWwpxiHlRnPxwajr6w=,"
    "44PmfsV2RMm6D9KUWYYwcMf/ef8cpJRWNLJ2Y/F5vvo=",
    "{CRAM-MD5}d2b5989c0521d2ad86051eeedafb62cb2d42c3181d4460ab17b7ac519d86a0f3",
    "{HMAC-MD5}d2b5989c0521d2ad86051eeedafb62cb2d42c3181d4460ab17b7ac519d86a0f3",
    "{PLAIN}Tace et fac",
    "{CLEARTEXT}Tace et fac",
    "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$ndzP6RQ1Yf8N9iv5aJwuiA$58zj34C/aAkwpaPpECiMRKrZq4dItTLsJGLnUus8+p8",
    "{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$dlpmdDUfpaQpfs75j3OMyA$cAxSZEwiDLqzU1oBng3S8ywgg8zpzJZVfmy3whyI84E",
    "{SHA.HEX}d90b8b157cd876d0bdd692fdded97c61c13956e3",
    "{SSHA.HEX}cc7d922992b48fe7d4a05d61e41fec631836143abc2cddbe",
    "{SHA512.hex}"
    "413feddc33d8048180d144aba99c4af2dcf9c52d88e20288adebf179ed1891ae90c8b12e10d90f5c38cc5c77f011593cbb4572d"
    "5b9e010573d6567be44278c4e",
    "{PLAIN-MD5.B64}JC8iPcrlhefEvfg15kyI7g==",
    "{SHA512-CRYPT.B64}"
    "JDYkazduZWd5RlN1ODNjREFQRCRZU2s3MHNSZDBWOEhtbng5Qi9WYVJYbWN0S3BubDY1c3RpTmh5dnlSQ0hRN3JoTkN2aUVad"
    "zB4RGFxWVJacm45by83RVU3Skx2NVdMRlRGZEJKeWFVMQ==",
    /* bare, as in /etc/shadow and Courier's userdb */
    "$1$EyCVtUks$OCWSY3/p/ASVqbLnlqszM/",
    "$5$s4mOxzwLH07wQ6/e$/YnjLsATjAUHtXotzh/bspSM/9xEcEM.9qCJ6xcAUD8",
    "$2y$05$i8wdbVry0pSWu72mR4IuQulft6ptkmB4J2GUndOtM5FnNAIG4ZwOe",
    "3JkfKyFLOA1xs",
};

static void test_the_right_password_fits_each_scheme(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof stored / sizeof *stored; i++) {
        if (!password_verify(str_of(stored[i]), PASSWORD) || !password_is_known(str_of(stored[i])))
            fail_msg("%s", stored[i]);
    }
}

static void test_a_wrong_password_fits_none(void **state) {
    (void)state;
    static const char *const wrong[] = {"Tace eT fac", "", "Tace", "tace et fac ", "{PLAIN}Tace et fac"};
    for (size_t i = 0; i < sizeof stored / sizeof *stored; i++)
        for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++)
            if (password_verify(str_of(stored[i]), str_of(wrong[k])))
                fail_msg("%s fits %s", wrong[k], stored[i]);
}

static void test_what_is_no_hash_fits_nothing(void **state) {
    (void)state;
    static const char *const broken[] = {"",
                                         "Tace et fac",
                                         "{",
                                         "{}",
                                         "{}Tace et fac",
                                         "{NTLM}Tace et fac",
                                         "{PLAIN.ROT13}Tace et fac",
                                         "{SHA}",
                                         "{SHA}2QuLFXzYdtC91pL93tl8YcE5VuM=AAAA",
                                         "{SSHA}2QuLFXzYdtC91pL93tl8YcE5VuM=", /* no salt */
                                         "{SCRAM-SHA-256}0,AAAA,AAAA,AAAA",
                                         "{PBKDF2}$1$salt$99999999999$00",
                                         "{CRAM-MD5}00",
                                         "{CRYPT}*",
                                         "*",
                                         "!",
                                         "x"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        if (password_verify(str_of(broken[i]), PASSWORD) || password_is_known(str_of(broken[i])) ||
            password_verify(str_of(broken[i]), STR("")))
            fail_msg("%s", broken[i]);
}

static void test_a_new_hash_has_the_keys_for_scram(void **state) {
    (void)state;
    struct buf made = BUF_EMPTY;
    struct err err;
    struct password_keys keys;
    assert_true(password_hash_scram(PASSWORD, STR("0123456789abcdef"), &made, &err));
    assert_true(password_verify(buf_str(&made), PASSWORD));
    assert_false(password_verify(buf_str(&made), STR("Tace et faC")));
    assert_true(password_is_known(buf_str(&made)));
    assert_true(password_is_current(buf_str(&made)));
    assert_true(password_scram_keys(buf_str(&made), PASSWORD_SCRAM_SHA256, &keys));
    assert_int_equal(keys.key_bytes, 32);
    assert_true(str_eq(keys.salt, STR("MDEyMzQ1Njc4OWFiY2RlZg==")));
    assert_true(password_scram_keys(buf_str(&made), PASSWORD_SCRAM_SHA1, &keys));
    assert_int_equal(keys.key_bytes, 20);
    buf_free(&made);
}

static void test_the_keys_are_those_that_others_make(void **state) {
    (void)state;
    /* RFC 7677 section 3: the salt and the password of its example, whose keys follow from its messages */
    static const char *const foreign = "{SCRAM-SHA-256}4096,WL9ul1C2eDesAgVSKsH0JA==,"
                                       "NdqzoM+Thp1fu652cMWioRdCgEWwpxiHlRnPxwajr6w=,"
                                       "44PmfsV2RMm6D9KUWYYwcMf/ef8cpJRWNLJ2Y/F5vvo=";
    struct password_keys keys;
    assert_true(password_scram_keys(str_of(foreign), PASSWORD_SCRAM_SHA256, &keys));
    assert_int_equal(keys.iterations, 4096);
    assert_false(password_scram_keys(str_of(foreign), PASSWORD_SCRAM_SHA1, &keys));
}

static void test_old_hashes_are_not_current(void **state) {
    (void)state;
    struct buf made = BUF_EMPTY;
    struct err err;
    for (size_t i = 0; i < sizeof stored / sizeof *stored; i++)
        assert_false(password_is_current(str_of(stored[i])));
    assert_true(password_hash(PASSWORD, &made, &err));
    assert_false(password_is_current(buf_str(&made)));
    buf_free(&made);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_right_password_fits_each_scheme),
        cmocka_unit_test(test_a_wrong_password_fits_none),
        cmocka_unit_test(test_what_is_no_hash_fits_nothing),
        cmocka_unit_test(test_a_new_hash_has_the_keys_for_scram),
        cmocka_unit_test(test_the_keys_are_those_that_others_make),
        cmocka_unit_test(test_old_hashes_are_not_current),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
