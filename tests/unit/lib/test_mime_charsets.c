/* Every charset: what the names of mail mean comes out right, and no bytes under any name, known or not, give anything
 * but valid UTF-8, in time that grows with the text alone. */
#include "base/clock.h"
#include "mime_fixture.h"
#include "sanitized.h"

#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>

static uint32_t seed = 1;

static uint32_t next_random(void) {
    seed = seed * 1664525 + 1013904223;
    return seed >> 8;
}

/* ---- the names of mail ---- */

static const struct {
    const char *text;
    const char *charsets; /* in which all of it can be written */
} samples[] = {
    {"Gr\xc3\xbc\xc3\x9f Gott, \xc3\xa9t\xc3\xa9", "utf-8 utf-7 utf-16 utf-16le utf-16be utf-32 iso-8859-1 iso-8859-15 "
                                                   "windows-1252 cp850 gb18030 iso-8859-9 windows-1254"},
    {"\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82, \xd0\xbc\xd0\xb8\xd1\x80",
     "utf-8 utf-16 koi8-r koi8-u windows-1251 iso-8859-5 cp866 gb18030"},
    {"\xce\x9a\xce\xb1\xce\xbb\xce\xb7\xce\xbc\xce\xad\xcf\x81\xce\xb1", "utf-8 iso-8859-7 windows-1253"},
    {"\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d", "utf-8 iso-8859-8 windows-1255"},
    {"\xd8\xb3\xd9\x84\xd8\xa7\xd9\x85", "utf-8 iso-8859-6 windows-1256"},
    {"\xc5\x81\xc3\xb3\x64\xc5\xba \xc4\x8d\xc5\x99", "utf-8 iso-8859-2 windows-1250 cp852"},
    {"\xc5\xa1\xc4\xab\xc4\xb7\xc5\xab", "utf-8 iso-8859-4"},
    {"\xe0\xb8\xaa\xe0\xb8\xa7\xe0\xb8\xb1\xe0\xb8\xaa\xe0\xb8\x94\xe0\xb8\xb5", "utf-8 tis-620 iso-8859-11 cp874"},
    {"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88",
     "utf-8 iso-2022-jp shift_jis euc-jp cp932 gb18030"},
    {"\xed\x95\x9c\xea\xb5\xad\xec\x96\xb4", "utf-8 euc-kr iso-2022-kr cp949"},
    {"\xe4\xb8\xad\xe6\x96\x87", "utf-8 gb2312 gbk gb18030 big5 euc-tw"},
    {"\xc3\xa0\xc4\x83\xc3\xa2\xc4\x91\xc3\xaa", "utf-8 windows-1258"},
};

static void check(const char *charset, struct str want) {
    char encoded[512], *in = (char *)(uintptr_t)want.p, *to = encoded;
    size_t left = want.n, room = sizeof encoded;
    struct buf out = BUF_EMPTY;
    iconv_t cd = iconv_open(charset, "UTF-8");
    assert_true(cd != (iconv_t)-1); // NOLINT(performance-no-int-to-ptr): iconv's own way to say so
    if (iconv(cd, &in, &left, &to, &room) == (size_t)-1 || iconv(cd, NULL, NULL, &to, &room) == (size_t)-1)
        fail_msg("the sample can't be written in %s", charset);
    iconv_close(cd);
    mime_decode_charset(str_of(charset), str_n(encoded, (size_t)(to - encoded)), &out);
    if (!str_eq(buf_str(&out), want))
        fail_msg("%s: got \"%.*s\", want \"%.*s\"", charset, STR_ARG(buf_str(&out)), STR_ARG(want));
    buf_free(&out);
}

static void the_charsets_of_mail_are_understood(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        struct str rest = str_of(samples[i].charsets), name;
        while (str_split(&rest, ' ', &name)) {
            char *c = str_dup(name);
            check(c, str_of(samples[i].text));
            free(c);
        }
    }
}

/* ---- any name, any bytes ---- */

static void decode_noise(const char *charset) {
    struct buf noise = BUF_EMPTY, out = BUF_EMPTY;
    size_t n = next_random() % 600;
    static const char shifts[] = "\x1b$()*+-ABIHJ@\x0e\x0f~{}";
    unsigned kind = next_random() % 3; /* anything, what has no ASCII, escape sequences */
    for (size_t i = 0; i < n; i++)
        buf_add_byte(&noise, kind == 1            ? (char)(next_random() | 0x80)
                             : kind == 2 && i % 5 ? shifts[next_random() % (sizeof shifts - 1)]
                                                  : (char)next_random());
    mime_decode_charset(str_of(charset), buf_str(&noise), &out);
    if (!str_is_utf8(buf_str(&out)) || out.n > noise.n * 12 + 16)
        fail_msg("%s made %zu bytes of %zu, valid or not", charset, out.n, noise.n);
    buf_free(&noise), buf_free(&out);
}

static void no_bytes_in_any_charset_give_anything_but_utf8(void **state) {
    (void)state;
    static const char *const odd[] = {"",    " ", "x", "utf-8//IGNORE", "../../etc", "UTF-16//TRANSLIT", "iso-8859-99",
                                      "\xff"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        for (int k = 0; k < 20; k++)
            decode_noise(odd[i]);
    FILE *names = popen("iconv -l", "r"); // NOLINT(cert-env33-c): the C library's own list
    char line[512];
    size_t count = 0;
    assert_non_null(names);
    while (fgets(line, sizeof line, names))
        for (char *save, *name = strtok_r(line, " /,\n", &save); name; name = strtok_r(NULL, " /,\n", &save), count++)
            for (int k = 0; k < 5; k++)
                decode_noise(name);
    assert_int_equal(pclose(names), 0);
    assert_true(count > 500);
}

/* ---- time ---- */

static int64_t time_of(const char *charset, size_t n) {
    struct buf text = BUF_EMPTY, out = BUF_EMPTY;
    for (size_t i = 0; i < n; i++)
        buf_add_byte(&text, (char)(next_random() | 0x80));
    int64_t began = clock_monotonic();
    mime_decode_charset(str_of(charset), buf_str(&text), &out);
    int64_t took = clock_monotonic() - began;
    buf_free(&text), buf_free(&out);
    return took;
}

static void bad_bytes_take_no_longer_than_there_are_of_them(void **state) {
    (void)state;
    if (SANITIZED) /* which looks at all of the rest for each call of iconv() */
        skip();
    static const char *const names[] = {"utf-8",   "utf-7",  "utf-16", "iso-2022-jp",
                                        "gb18030", "euc-tw", "big5",   "koi8-r"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        bool linear = false;
        for (int tries = 0; tries < 5 && !linear; tries++) { /* a busy machine may be slow for a moment */
            int64_t small = time_of(names[i], 100000), large = time_of(names[i], 800000);
            linear = large < 30 * small + 20000;
        }
        if (!linear)
            fail_msg("%s: eight times the bytes took more than thirty times as long", names[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_charsets_of_mail_are_understood),
        cmocka_unit_test(no_bytes_in_any_charset_give_anything_but_utf8),
        cmocka_unit_test(bad_bytes_take_no_longer_than_there_are_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
