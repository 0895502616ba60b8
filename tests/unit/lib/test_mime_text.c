/* Text in and out: encoded words, charsets, transfer encodings. */
#include "mime_fixture.h"

#include <pthread.h>

static struct arena arena = ARENA_EMPTY;

static int reset(void **state) {
    (void)state;
    arena_free(&arena);
    return 0;
}

static void encoded_words_are_decoded(void **state) {
    (void)state;
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"plain", "plain"},
        {"=?utf-8?q?caf=C3=A9?=", "caf\xc3\xa9"},
        {"=?UTF-8?Q?a_b=20c?= d", "a b c d"},
        {"=?iso-8859-1*en?Q?=E9?=", "\xc3\xa9"},
        {"=?utf-8?b?w6k=?=\r\n =?utf-8?b?w6g=?= x", "\xc3\xa9\xc3\xa8 x"},
        {"=?utf-8?q?=E2=82?= =?utf-8?q?=AC?=", "\xe2\x82\xac"},
        {"=?utf-8?b?4oI=?= =?UTF-8?q?=AC?=", "\xe2\x82\xac"},
        {"=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c"},
        {"=?utf-8?q?a?=b", "ab"},
        {"=?iso-8859-1?q?=E9?= =?utf-8?q?=C3=A9?=", "\xc3\xa9\xc3\xa9"},
        {"=?iso-2022-jp?B?GyRCJCIbKEI=?=", "\xe3\x81\x82"},
        {"=?gb2312?B?xOO6ww==?=", "\xe4\xbd\xa0\xe5\xa5\xbd"},
        {"=?utf-8?q?a b?= c", "a b c"},
        {"=?utf-8?q?why? not?= c", "why? not c"},
        {"=?utf-8?q?no end", "=?utf-8?q?no end"},
        {"=?utf-8?x?bad?=", "=?utf-8?x?bad?="},
        {"=?utf-8?b?!!!!?=", "=?utf-8?b?!!!!?="},
        {"=??q?x?= =?utf-8??x?=", "=??q?x?= =?utf-8??x?="},
        {"=?utf-8?q?broken =?utf-8?q?fine?=", "=?utf-8?q?broken fine"},
        {"=?utf-8?q?"
         "?=",
         ""},
        {"=?utf-8?q?=0d=0aBcc:_x=00=07?=", " Bcc: x"},
        {"=?no-such-charset?q?=E9?=", "\xc3\xa9"},
        {"=?utf-8?q?=ff=C3=A9?=", "\xef\xbf\xbd\xc3\xa9"},
        {"raw \xc3\xa9", "raw \xc3\xa9"},
        {"raw \xe9\x80", "raw \xc3\xa9\xe2\x82\xac"},
        {"fold\r\n ed\tx\ny", "fold ed x y"},
        {"c1 \xc2\x85 gone", "c1  gone"},
        {"=?=?=?=?", "=?=?=?=?"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str got = mime_decode_words(&arena, str_of(cases[i].in));
        if (!str_eq(got, str_of(cases[i].want)))
            fail_msg("%s: got \"%.*s\", want \"%s\"", cases[i].in, STR_ARG(got), cases[i].want);
    }
}

static void check_lines(struct str s) {
    struct str line;
    for (bool first = true; str_split(&s, '\n', &line); first = false) {
        assert_true(first || line.p[0] == ' ');
        assert_true(str_trim(line).n > 0);
        assert_true(line.n - str_ends(line, STR("\r")) <= 76 || str_find(line, STR("=?")) < 0);
    }
}

static void values_are_encoded_folded_and_read_back(void **state) {
    (void)state;
    static const char *const values[] = {
        "plain",
        "caf\xc3\xa9",
        "a caf\xc3\xa9 in town",
        "=?utf-8?q?x?=",
        "two  blanks   three",
        "",
        "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e \xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e "
        "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e",
        "long ASCII text that goes well beyond the seventy-six columns of a line, so that it must be folded somewhere",
        "long t\xc3\xa9xt that \xc3\xa9 goes well b\xc3\xa9yond the seventy-six columns of a line, so th\xc3\xa9t it "
        "must b\xc3\xa9 folded",
        "\xf0\x9f\x93\xa7\xf0\x9f\x93\xa7\xf0\x9f\x93\xa7\xf0\x9f\x93\xa7\xf0\x9f\x93\xa7\xf0\x9f\x93\xa7\xf0\x9f\x93"
        "\xa7\xf0\x9f\x93\xa7"
        "\xf0\x9f\x93\xa7\xf0\x9f\x93\xa7\xf0\x9f\x93\xa7\xf0\x9f\x93\xa7\xf0\x9f\x93\xa7\xf0\x9f\x93\xa7\xf0\x9f\x93"
        "\xa7\xf0\x9f\x93\xa7",
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct buf out = BUF_EMPTY;
        mime_encode_words(str_of(values[i]), &out);
        assert_true(str_is_ascii(buf_str(&out)));
        if (out.n)
            check_lines(buf_str(&out));
        assert_str(mime_decode_words(&arena, buf_str(&out)), values[i]);
        buf_free(&out);
    }
}

static void every_encoded_word_is_whole_characters(void **state) {
    (void)state;
    struct buf value = BUF_EMPTY, out = BUF_EMPTY;
    for (int i = 0; i < 100; i++)
        buf_add_c(&value, i % 3 ? "\xe2\x82\xac" : "x \xc3\xa9");
    mime_encode_words(buf_str(&value), &out);
    struct str rest = buf_str(&out);
    for (ptrdiff_t at; (at = str_find(rest, STR("=?"))) >= 0;) {
        rest = str_sub(rest, (size_t)at, rest.n);
        size_t n = (size_t)str_find(rest, STR("?=")) + 2;
        if (n < 12) /* the "?=" of "=?utf-8?q?=..." */
            n = (size_t)str_find(str_sub(rest, 12, rest.n), STR("?=")) + 14;
        assert_true(n <= 75);
        struct str word = mime_decode_words(&arena, str_sub(rest, 0, n));
        assert_true(str_find(word, STR("\xef\xbf\xbd")) < 0);
        rest = str_sub(rest, n, rest.n);
    }
    buf_free(&value), buf_free(&out);
}

static void no_value_adds_a_header_field(void **state) {
    (void)state;
    static const char *const values[] = {"a\r\nBcc: x@y",        "a\nBcc: x@y", "a\rBcc: x",
                                         "\xc3\xa9\r\n\r\nbody", "a\r\n b",     "\xff\n"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct buf out = BUF_EMPTY;
        mime_encode_words(str_of(values[i]), &out);
        for (size_t k = 0; k < out.n; k++)
            assert_true(out.p[k] != '\n' || out.p[k + 1] == ' ');
        assert_true(str_is_ascii(buf_str(&out)));
        buf_reset(&out);
        mime_encode_phrase(str_of(values[i]), &out);
        for (size_t k = 0; k < out.n; k++)
            assert_true(out.p[k] != '\n' || out.p[k + 1] == ' ');
        buf_free(&out);
    }
}

static void phrases_are_atoms_quoted_or_encoded(void **state) {
    (void)state;
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"Ann Lee", "Ann Lee"},
        {"Lee, Ann", "\"Lee, Ann\""},
        {"Ann \"Q\" Lee", "\"Ann \\\"Q\\\" Lee\""},
        {"Ann  Lee", "\"Ann  Lee\""},
        {"J\xc3\xbcrgen M.", "=?utf-8?q?J=C3=BCrgen_M=2E?="},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = BUF_EMPTY;
        mime_encode_phrase(str_of(cases[i].in), &out);
        assert_str(buf_str(&out), cases[i].want);
        buf_free(&out);
    }
}

static void check_transfer(const char *encoding, struct str in, const char *want) {
    struct buf out = BUF_EMPTY;
    mime_decode_transfer(str_of(encoding), in, &out);
    assert_str(buf_str(&out), want);
    buf_free(&out);
}

static void transfer_encodings_are_decoded_leniently(void **state) {
    (void)state;
    check_transfer("base64", STR("aGVs\r\nbG8="), "hello");
    check_transfer("BASE64", STR(" a G*V-s\tbG8 "), "hello");
    check_transfer("base64", STR("aGVsbG8=\r\n-- \r\nfooter"), "hello");
    check_transfer("base64", STR("aGVsb"), "hel");
    check_transfer("base64", STR("=aGVsbG8"), "hello");
    check_transfer("base64", STR(""), "");
    check_transfer("quoted-printable", STR("a=\r\nb=3D=c3=A9  \r\nc \t\nd="), "ab=\xc3\xa9\r\nc\nd");
    check_transfer("quoted-printable", STR("=XY=4=\n=\r\n==41"), "=XY=4=A");
    check_transfer("quoted-printable", STR("soft= \r\nbreak"), "softbreak");
    check_transfer("x-uuencode", STR("begin 644 f\r\n%:&5L;&\\\r\n`\r\nend\r\nrest"), "hello");
    check_transfer("8bit", STR("as=3D it\r\nis"), "as=3D it\r\nis");
    check_transfer("unknown", STR("aGVs"), "aGVs");
}

static void encodings_round_trip_every_byte(void **state) {
    (void)state;
    struct buf body = BUF_EMPTY;
    for (int i = 0; i < 3000; i++)
        buf_add_byte(&body, (char)((i * 7919) >> (i % 5)));
    struct buf coded = BUF_EMPTY, back = BUF_EMPTY;
    mime_encode_base64(buf_str(&body), &coded);
    mime_decode_transfer(STR("base64"), buf_str(&coded), &back);
    assert_true(str_eq(buf_str(&back), buf_str(&body)));
    struct str rest = buf_str(&coded), line;
    while (str_split(&rest, '\n', &line))
        assert_true(line.n <= 77);
    buf_free(&body), buf_free(&coded), buf_free(&back);
}

static void quoted_printable_keeps_its_lines_short_and_safe(void **state) {
    (void)state;
    struct str text =
        STR("gr\xc3\xbc\xc3\x9f \r\n.\r\nFrom here\r\n=\r\ntab\t\r\n"
            "a line that is much longer than seventy-six columns and so has to be broken softly somewhere\r\n"
            "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82"
            "\xac\xe2\x82\xac\r\n");
    struct buf coded = BUF_EMPTY, back = BUF_EMPTY;
    mime_encode_quoted_printable(text, &coded);
    mime_decode_transfer(STR("quoted-printable"), buf_str(&coded), &back);
    assert_true(str_eq(buf_str(&back), text));
    assert_true(str_is_ascii(buf_str(&coded)));
    struct str rest = buf_str(&coded), line;
    while (str_split(&rest, '\n', &line)) {
        assert_true(line.n <= 77);
        assert_false(str_starts(line, STR(".")) || str_starts(line, STR("From ")));
    }
    buf_free(&coded), buf_free(&back);
}

static void check_charset(const char *charset, struct str in, const char *want) {
    struct buf out = BUF_EMPTY;
    mime_decode_charset(str_of(charset), in, &out);
    if (!str_eq(buf_str(&out), str_of(want)))
        fail_msg("%s: got \"%.*s\", want \"%s\"", charset, STR_ARG(buf_str(&out)), want);
    buf_free(&out);
}

static void charsets_become_valid_utf8(void **state) {
    (void)state;
    check_charset("utf-8", STR("\xc3\xa9"), "\xc3\xa9");
    check_charset("UTF8", STR("a\xff\xc3\xa9"), "a\xef\xbf\xbd\xc3\xa9");
    check_charset("utf-8", STR("caf\xe9"), "caf\xc3\xa9");
    check_charset("us-ascii", STR("\x93quoted\x94"), "\xe2\x80\x9cquoted\xe2\x80\x9d");
    check_charset("", STR("\xc3\xa9"), "\xc3\xa9");
    check_charset("iso-8859-1", STR("\xc3\xa9\x80"), "\xc3\x83\xc2\xa9\xe2\x82\xac");
    check_charset("ISO_8859-15", STR("\xa4"), "\xe2\x82\xac");
    check_charset("x-iso-8859-2", STR("\xb1"), "\xc4\x85");
    check_charset(" koi8-r ", STR("\xf0"), "\xd0\x9f");
    check_charset("windows-1251", STR("\xcf"), "\xd0\x9f");
    check_charset("shift_jis", STR("\x82\xa0"), "\xe3\x81\x82");
    check_charset("euc-kr", STR("\xb0\xa1"), "\xea\xb0\x80");
    check_charset("big5", STR("\xa4\xa4\xa4"), "\xe4\xb8\xad\xef\xbf\xbd");
    check_charset("utf-16le", str_n("a\0", 2), "a");
    check_charset("utf-16be", str_n("\xd8\0\0a", 4),
                  "\xef\xbf\xbd"
                  "a");
    check_charset("utf-7", STR("+AOk-"), "\xc3\xa9");
    check_charset("utf-8//TRANSLIT", STR("\xc3\xa9"), "\xc3\xa9");
    check_charset("no-such", STR("\xe9"), "\xc3\xa9");
    check_charset("a name that is far too long to be the name of any charset", STR("\xe9"), "\xc3\xa9");
}

static void *decode_in_thread(void *arg) {
    (void)arg;
    static const char *const charsets[] = {"koi8-r",     "shift_jis",  "big5",         "euc-jp", "gbk",
                                           "iso-8859-2", "iso-8859-5", "windows-1250", "utf-7"};
    for (int i = 0; i < 500; i++) {
        struct buf out = BUF_EMPTY;
        mime_decode_charset(str_of(charsets[i % 9]), STR("abc \xa4\xa4"), &out);
        if (!str_is_utf8(buf_str(&out)) || !str_starts(buf_str(&out), STR("abc ")))
            abort();
        buf_free(&out);
    }
    return NULL;
}

static void threads_decode_beside_each_other(void **state) {
    (void)state;
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, decode_in_thread, NULL), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(encoded_words_are_decoded, reset),
        cmocka_unit_test_teardown(values_are_encoded_folded_and_read_back, reset),
        cmocka_unit_test_teardown(every_encoded_word_is_whole_characters, reset),
        cmocka_unit_test_teardown(no_value_adds_a_header_field, reset),
        cmocka_unit_test_teardown(phrases_are_atoms_quoted_or_encoded, reset),
        cmocka_unit_test_teardown(transfer_encodings_are_decoded_leniently, reset),
        cmocka_unit_test_teardown(encodings_round_trip_every_byte, reset),
        cmocka_unit_test_teardown(quoted_printable_keeps_its_lines_short_and_safe, reset),
        cmocka_unit_test_teardown(charsets_become_valid_utf8, reset),
        cmocka_unit_test_teardown(threads_decode_beside_each_other, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
