#include "move/csv.h"
#include "move/mbox.h"
#include "move/progress.h"
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define SAME(s, text) assert_true(str_eq(s, STR(text)))
#define FROM "From livia@example.org Tue Mar  3 10:00:00 2026\n"

static struct arena a;
static struct buf out;
static struct mbox_message m;

/* Reads the n-th message of the file; how many there are. */
static size_t read_nth(struct str file, enum mbox_format format, size_t n) {
    struct mbox_entry e;
    size_t count = 0;
    while (mbox_next(&file, format, &e))
        if (count++ == n)
            mbox_read(&a, &e, format, &out, &m);
    return count;
}

static void messages_end_at_from_lines_with_a_date(void **state) {
    (void)state;
    struct str file =
        STR(FROM "Subject: one\n\nbody\n\nFrom here on it is text\n\nFrom: no\n\n" FROM "Subject: two\n\nend\n");
    assert_int_equal(read_nth(file, MBOX_AUTO, 0), 2);
    SAME(m.bytes, "Subject: one\n\nbody\n\nFrom here on it is text\n\nFrom: no\n");
    read_nth(file, MBOX_AUTO, 1);
    SAME(m.bytes, "Subject: two\n\nend\n");
    assert_true(mbox_is(file));
    assert_true(mbox_is(STR("")));
    assert_false(mbox_is(STR("Subject: no\n")));
    assert_false(mbox_is(STR("From me to you\n")));
}

static void quoted_lines_lose_one_mark(void **state) {
    (void)state;
    struct str file = STR(FROM "a: b\n\n>From x\n>>From y\n> From z\n\n");
    read_nth(file, MBOX_RD, 0);
    SAME(m.bytes, "a: b\n\nFrom x\n>From y\n> From z\n");
    read_nth(file, MBOX_O, 0);
    SAME(m.bytes, "a: b\n\nFrom x\n>>From y\n> From z\n");
    read_nth(file, MBOX_CL2, 0);
    SAME(m.bytes, "a: b\n\n>From x\n>>From y\n> From z\n");
}

static void content_length_says_where_a_message_ends(void **state) {
    (void)state;
    struct str file =
        STR(FROM "Content-Length: 68\nSubject: one\n\n" FROM "\n>From quoted, line\n\n" FROM "a: b\n\nx\n");
    assert_int_equal(read_nth(file, MBOX_AUTO, 0), 2);
    SAME(m.bytes, "Subject: one\n\n" FROM "\n>From quoted, line\n");
    /* one that is wrong is not believed */
    file = STR(FROM "Content-Length: 9\n\nlonger than that\n\n" FROM "a: b\n\nx\n");
    assert_int_equal(read_nth(file, MBOX_AUTO, 0), 2);
    SAME(m.bytes, "\nlonger than that\n");
    file = STR(FROM "Content-Length: 99999999999999999999\n\nx\n");
    assert_int_equal(read_nth(file, MBOX_AUTO, 0), 1);
}

static void the_mailboxs_own_fields_are_read_and_left_out(void **state) {
    (void)state;
    struct str file = STR(FROM "X-IMAPbase: 1234567890 0000000042 $Label1 Work\nStatus: RO\nSubject: one\n"
                               "X-Status: AFT\nX-Keywords: $Label1 Work\n  More\nX-UID: 7\nTo: x\n\nStatus: body\n");
    read_nth(file, MBOX_AUTO, 0);
    SAME(m.bytes, "Subject: one\nTo: x\n\nStatus: body\n");
    assert_int_equal(m.flags, STORE_SEEN | STORE_ANSWERED | STORE_FLAGGED | STORE_DRAFT);
    assert_false(m.recent);
    assert_int_equal(m.uid, 7);
    assert_int_equal(m.uidvalidity, 1234567890);
    assert_int_equal(m.uidnext, 43);
    assert_int_equal(m.keyword_count, 2);
    SAME(m.keyword[1], "Work");
    assert_false(m.internal);
    read_nth(STR(FROM "Subject: DON'T DELETE\nX-IMAP: 5 6\n\nx\n"), MBOX_AUTO, 0);
    assert_true(m.internal);
}

static void thunderbirds_flags_are_read(void **state) {
    (void)state;
    read_nth(STR("From - Tue Mar  3 10:00:00 2026\nX-Mozilla-Status: 0005\nX-Mozilla-Status2: 00000000\n"
                 "X-Mozilla-Keys: $label2                  \nSubject: one\n\nx\n"),
             MBOX_AUTO, 0);
    SAME(m.bytes, "Subject: one\n\nx\n");
    assert_int_equal(m.flags, STORE_SEEN | STORE_FLAGGED);
    assert_int_equal(m.keyword_count, 1);
    SAME(m.keyword[0], "$label2");
}

static void files_with_crlf_are_read(void **state) {
    (void)state;
    struct str file = STR("From x@y Tue Mar  3 10:00:00 2026\r\nStatus: R\r\nSubject: one\r\n\r\nbody\r\n\r\n"
                          "From x@y Tue Mar  3 10:00:00 2026\r\nSubject: two\r\n\r\n");
    assert_int_equal(read_nth(file, MBOX_AUTO, 0), 2);
    SAME(m.bytes, "Subject: one\r\n\r\nbody\r\n");
    assert_int_equal(m.flags, STORE_SEEN);
}

static void from_lines_have_dates_in_many_forms(void **state) {
    (void)state;
    static const char *const good[] = {
        "a@b Tue Mar  3 10:00:00 2026",       "a@b  Tue Mar 3 10:00 2026",
        "a@b Tue Mar  3 10:00:00 UTC 2026",   "a@b Tue Mar  3 12:00:00 2026 +0200",
        "a@b Tue Mar  3 12:00:00 +0200 2026", "Tue name Tue Mar  3 10:00:00 2026",
        "- Tue Mar 03 10:00:00 2026",         "\"a b\"@c Tue Mar  3 10:00:00 GMT 2026 remote from x",
    };
    setenv("TZ", "UTC", 1);
    tzset();
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(mbox_from_date(str_of(good[i])), INT64_C(1772532000000000));
    static const char *const bad[] = {"a@b",
                                      "a@b Tue Mar 2026",
                                      "",
                                      "a Xxx Mar 3 10:00:00 2026",
                                      "a Tue Mar 32 10:00:00 2026",
                                      "a Tue Mar 3 25:00:00 2026",
                                      "a Tue Mar 3 10:00:00"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(mbox_from_date(str_of(bad[i])), 0);
}

static void what_we_write_comes_back_to_the_byte(void **state) {
    (void)state;
    static const char *const bodies[] = {
        "",
        "\n",
        "no end",
        "a: b\n\nFrom x\n>From y\n>>From z\nFrom livia@example.org Tue Mar  3 10:00:00 2026\n",
        "From livia@example.org Tue Mar  3 10:00:00 2026\n",
        "Status: RO\nX-UID: 9\nContent-Length: 3\n\nabc\n\n\n",
        "X-Mansio-Mbox: 1; date=5; end=none\nStatus: R\n\nx\n",
        "crlf\r\n\r\nlines\r\n",
        "mixed\r\n\nends\n\r\n",
    };
    struct str words[] = {STR("$Label1"), STR("Work")};
    struct buf file = BUF_EMPTY;
    size_t n = sizeof bodies / sizeof *bodies;
    for (size_t i = 0; i < n; i++) {
        struct mbox_message one = {.bytes = str_of(bodies[i]),
                                   .raw = i % 2,
                                   .flags = (uint32_t)i & 31,
                                   .keyword = words,
                                   .keyword_count = i % 3,
                                   .uid = (uint32_t)i + 1,
                                   .uidvalidity = i ? 0 : 77,
                                   .uidnext = i ? 0 : 100,
                                   .date = INT64_C(1772532000123456),
                                   .recent = i % 4 == 0};
        mbox_write(&one, STR("livia@example.org"), &file);
    }
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(read_nth(buf_str(&file), MBOX_AUTO, i), n);
        assert_true(str_eq(m.bytes, str_of(bodies[i])));
        assert_int_equal(m.raw, i % 2);
        assert_int_equal(m.flags, i & 31);
        assert_int_equal(m.keyword_count, i % 3);
        assert_int_equal(m.uid, i + 1);
        assert_int_equal(m.uidvalidity, i ? 0 : 77);
        assert_int_equal(m.uidnext, i ? 0 : 100);
        assert_int_equal(m.date, INT64_C(1772532000123456));
    }
    buf_free(&file);
}

static void ours_that_another_program_rewrote_loses_nothing_of_the_message(void **state) {
    (void)state;
    read_nth(STR(FROM "X-Mansio-Mbox: 2; date=1772532000123456\nX-UID: 5\nFrom: a@b\nSubject: x\nStatus: RO\n"
                      "Content-Length: 5\n\nbody\n\n"),
             MBOX_AUTO, 0);
    SAME(m.bytes, "From: a@b\nSubject: x\n\nbody\n");
    assert_int_equal(m.flags, STORE_SEEN);
    assert_int_equal(m.uid, 5);
}

/* ---- CSV ---- */

static void csv_has_quotes_comments_and_empty_lines(void **state) {
    (void)state;
    struct str rest = STR("# comment\r\n\nhost, user ,\"a,\"\"b\"\"\nc\",x@y\r\nlast,,,"), field[5];
    size_t n, line = 0;
    struct err err = {""};
    assert_true(csv_next(&a, &rest, field, 5, &n, &line, &err));
    assert_int_equal(n, 4);
    SAME(field[0], "host");
    SAME(field[1], "user");
    SAME(field[2], "a,\"b\"\nc");
    SAME(field[3], "x@y");
    assert_true(csv_next(&a, &rest, field, 5, &n, &line, &err));
    assert_int_equal(n, 4);
    SAME(field[3], "");
    assert_false(csv_next(&a, &rest, field, 5, &n, &line, &err));
    assert_string_equal(err.text, "");
}

static void csv_that_is_broken_says_in_which_line(void **state) {
    (void)state;
    struct str rest = STR("a,b\n\"open,c\n"), field[2];
    size_t n, line = 0;
    struct err err = {""};
    assert_true(csv_next(&a, &rest, field, 2, &n, &line, &err));
    assert_false(csv_next(&a, &rest, field, 2, &n, &line, &err));
    assert_non_null(strstr(err.text, "line 2"));
    rest = STR("a,b,c\n");
    line = 0;
    assert_false(csv_next(&a, &rest, field, 2, &n, &line, &err));
    assert_non_null(strstr(err.text, "more than 2 fields"));
}

/* ---- progress ---- */

static void progress_says_rate_and_time_left(void **state) {
    (void)state;
    buf_reset(&out);
    progress_line("Importing", 500, 1000, 25000000, 100000000, 10, 0, &out);
    assert_string_equal(out.p, "Importing  25 % 500 of 1000, 25.0 MB, 50/s, 0:30 left");
    buf_reset(&out);
    progress_line("Importing", 1000, 1000, 1, 100, 3700, 90, &out);
    assert_string_equal(out.p, "Importing 100 % [####################] 1000 of 1000, 1 B, 0/s");
}

static int forget(void **state) {
    (void)state;
    arena_free(&a);
    buf_free(&out);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_end_at_from_lines_with_a_date),
        cmocka_unit_test(quoted_lines_lose_one_mark),
        cmocka_unit_test(content_length_says_where_a_message_ends),
        cmocka_unit_test(the_mailboxs_own_fields_are_read_and_left_out),
        cmocka_unit_test(thunderbirds_flags_are_read),
        cmocka_unit_test(files_with_crlf_are_read),
        cmocka_unit_test(from_lines_have_dates_in_many_forms),
        cmocka_unit_test(what_we_write_comes_back_to_the_byte),
        cmocka_unit_test(ours_that_another_program_rewrote_loses_nothing_of_the_message),
        cmocka_unit_test(csv_has_quotes_comments_and_empty_lines),
        cmocka_unit_test(csv_that_is_broken_says_in_which_line),
        cmocka_unit_test(progress_says_rate_and_time_left),
    };
    return cmocka_run_group_tests(tests, NULL, forget);
}
