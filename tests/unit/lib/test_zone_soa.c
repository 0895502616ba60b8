#include "zone/soa.h"

#include "base/codec.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static unsigned char question[512], message[1024];
static size_t question_bytes, n;
static enum soa_answer answer;
static uint32_t serial;

static void add(const void *p, size_t bytes) {
    memcpy(message + n, p, bytes);
    n += bytes;
}

#define ADD(literal) add(literal, sizeof(literal) - 1)

/* An answer to the question with these flags and numbers of records. */
static void begin(const char flags[2], unsigned char answers) {
    question_bytes = soa_question(STR("example.org"), 0x1234, question);
    memcpy(message, question, question_bytes);
    memcpy(message + 2, flags, 2);
    message[7] = answers;
    n = question_bytes;
    serial = 0;
}

static bool read(void) { return soa_read(question, question_bytes, message, n, &answer, &serial); }

#define SOA_DATA "\3ns1\xc0\x0c\1a\xc0\x0c\x78\xc3\x3f\x04\0\0\x1c\x20\0\0\7\x08\0\x12\x75\0\0\0\x0e\x10"

static void the_serial_is_read_from_the_answer(void **state) {
    (void)state;
    begin("\x84\0", 1);
    ADD("\xc0\x0c\0\6\0\1\0\0\x0e\x10\0\x1e" SOA_DATA);
    assert_true(read());
    assert_int_equal(answer, SOA_SERVES);
    assert_int_equal(serial, 0x78c33f04);
}

static void other_records_are_passed_over(void **state) {
    (void)state;
    begin("\x84\0", 2);
    ADD("\7example\3org\0\0\2\0\1\0\0\0\0\0\2\xc0\x0c");
    ADD("\xc0\x0c\0\6\0\1\0\0\x0e\x10\0\x1e" SOA_DATA);
    assert_true(read());
    assert_int_equal(answer, SOA_SERVES);
}

static void an_answer_without_authority_or_with_an_error_is_a_refusal(void **state) {
    (void)state;
    begin("\x80\0", 1); /* from a cache */
    ADD("\xc0\x0c\0\6\0\1\0\0\x0e\x10\0\x1e" SOA_DATA);
    assert_true(read());
    assert_int_equal(answer, SOA_REFUSES);
    begin("\x84\5", 0);
    assert_true(read());
    assert_int_equal(answer, SOA_REFUSES);
    begin("\x84\0", 0);
    assert_true(read());
    assert_int_equal(answer, SOA_REFUSES);
}

static void what_answers_another_question_is_none(void **state) {
    (void)state;
    begin("\x84\0", 0);
    message[1] ^= 1;
    assert_false(read());
    begin("\x84\0", 0);
    message[14] ^= 1;
    assert_false(read());
    begin("\x04\0", 0); /* a question */
    assert_false(read());
    begin("\x84\0", 0);
    n--;
    assert_false(read());
}

static void broken_answers_are_never_read_beyond(void **state) {
    (void)state;
    begin("\x84\0", 1);
    ADD("\xc0\x0c\0\6\0\1\0\0\x0e\x10\0\x1e" SOA_DATA);
    size_t whole = n;
    for (n = question_bytes; n < whole; n++) {
        read();
        assert_int_equal(answer, SOA_REFUSES);
    }
    unsigned char copy[sizeof message];
    memcpy(copy, message, whole);
    for (int i = 0; i < 200000; i++) {
        memcpy(message, copy, whole);
        unsigned char noise[3];
        random_bytes(noise, sizeof noise);
        message[2 + noise[0] % (whole - 2)] = noise[1];
        n = whole - noise[2] % 4;
        read();
    }
}

static void servers_are_an_address_and_a_port(void **state) {
    (void)state;
    struct soa_server s;
    assert_true(soa_server_parse("127.0.0.1@5353", &s, NULL) && s.address.ss_family == AF_INET);
    assert_true(soa_server_parse("::1", &s, NULL) && s.address.ss_family == AF_INET6);
    static const char *const bad[] = {"",    "localhost", "127.0.0.1@", "127.0.0.1@0", "127.0.0.1@65536",
                                      "@53", "1.2.3@53"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(soa_server_parse(bad[i], &s, NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_serial_is_read_from_the_answer),
        cmocka_unit_test(other_records_are_passed_over),
        cmocka_unit_test(an_answer_without_authority_or_with_an_error_is_a_refusal),
        cmocka_unit_test(what_answers_another_question_is_none),
        cmocka_unit_test(broken_answers_are_never_read_beyond),
        cmocka_unit_test(servers_are_an_address_and_a_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
