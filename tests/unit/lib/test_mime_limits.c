/* Hostile messages: bounds hold, nothing is lost, and the time taken grows with the message's size and no faster.
 * Each shape is parsed at two sizes, the second four times the first; sanitizers slow all down alike. */
#include "base/clock.h"
#include "mime_fixture.h"

#include <time.h>

typedef void (*make_message)(struct buf *out, size_t n);

static void repeat(struct buf *out, const char *text, size_t times) {
    for (size_t i = 0; i < times; i++)
        buf_add_c(out, text);
}

static void plain(struct buf *out, size_t n) {
    buf_add_c(out, "Subject: x\r\n\r\n");
    repeat(out, "A line of text, and nothing to it but that it is here.\r\n", n);
}

static void many_parts(struct buf *out, size_t n) {
    buf_add_c(out, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
    repeat(out, "--b\r\n\r\nx\r\n", n);
}

static void deep(struct buf *out, size_t n) {
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "Content-Type: multipart/mixed; boundary=b%zu\r\n\r\n--b%zu\r\n", i, i);
}

static void deep_messages(struct buf *out, size_t n) { repeat(out, "Content-Type: message/rfc822\r\n\r\n", n); }

static void deep_with_one_boundary(struct buf *out, size_t n) {
    repeat(out, "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", n);
}

static void like_boundaries(struct buf *out, size_t n) {
    for (int i = 0; i < 70; i++)
        buf_printf(out,
                   "Content-Type: multipart/mixed; boundary=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%d\r\n\r\n"
                   "--aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%d\r\n",
                   i + 100, i + 100);
    repeat(out, "--aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa99\r\n--\r\n", n);
}

static void endless_header(struct buf *out, size_t n) { repeat(out, "X-Field: value of it\r\n", n); }

static void endless_field(struct buf *out, size_t n) {
    buf_add_c(out, "To: ");
    repeat(out, "a@b,\r\n ", n);
}

static void foreign_lines(struct buf *out, size_t n) {
    buf_add_c(out, "Subject: x\r\n");
    repeat(out, "no field\r\nContent-Type: message/rfc822\r\n>From x\r\n", n);
}

static void many_recipient_fields(struct buf *out, size_t n) {
    buf_add_c(out, "Content-Type: multipart/digest; boundary=b\r\n\r\n");
    for (size_t i = 0; i < n; i++) {
        buf_add_c(out, "--b\r\n\r\n");
        repeat(out, "To: a@b, c@d, e@f\r\n", 20);
    }
}

static void large_fields(struct buf *out, size_t n) {
    buf_add_c(out, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
    for (size_t i = 0; i < n; i++) {
        buf_add_c(out, "--b\r\nContent-Description: ");
        repeat(out, "0123456789\r\n ", 1000);
        buf_add_c(out, "\r\n\r\n");
    }
}

static void many_parameters(struct buf *out, size_t n) {
    buf_add_c(out, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
    for (size_t i = 0; i < n; i++) {
        buf_add_c(out, "--b\r\nContent-Type: a/b");
        repeat(out, ";a*1=x;b*0*=y", 60);
        buf_add_c(out, "\r\n\r\n");
    }
}

static void encoded_word_starts(struct buf *out, size_t n) {
    buf_add_c(out, "Subject: ");
    repeat(out, "=?utf-8?q?x\r\n ", n);
}

static void comments(struct buf *out, size_t n) {
    buf_add_c(out, "From: ");
    repeat(out, "(((\"", n);
    buf_add_c(out, "\r\nContent-Type: text/plain");
    repeat(out, "(((", n);
    buf_add_c(out, "\r\nDate: ");
    repeat(out, "(((", n);
}

static void blobs(struct buf *out, size_t n) {
    buf_add_c(out, "Subject: ");
    repeat(out, "[a][fwd:", n);
}

static void html_ends(struct buf *out, size_t n) {
    buf_add_c(out, "Content-Type: text/html\r\n\r\n");
    repeat(out, "<style></<!--&amp<a href=\"", n);
}

static void references(struct buf *out, size_t n) {
    buf_add_c(out, "References: ");
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "<%zu@x> ", i);
}

static const struct {
    const char *name;
    make_message make;
    size_t n;
} shapes[] = {
    {"plain", plain, 20000},
    {"100,000 parts", many_parts, 100000},
    {"100,000 multiparts deep", deep, 100000},
    {"100,000 messages deep", deep_messages, 100000},
    {"one boundary for all levels", deep_with_one_boundary, 20000},
    {"lines like boundaries", like_boundaries, 20000},
    {"a header without end", endless_header, 50000},
    {"a field without end", endless_field, 100000},
    {"lines that are no fields", foreign_lines, 20000},
    {"many recipient fields", many_recipient_fields, 2000},
    {"large fields", large_fields, 400},
    {"many parameters", many_parameters, 900},
    {"unfinished encoded words", encoded_word_starts, 50000},
    {"comments that never close", comments, 50000},
    {"blobs in the subject", blobs, 50000},
    {"HTML that never closes", html_ends, 50000},
    {"references", references, 50000},
};

static void check_extents(const struct mime_part *p, struct str message) {
    assert_true(p->body_offset == p->header_offset + p->header_bytes);
    assert_true(p->body_offset + p->body_bytes <= message.n);
    for (const struct mime_part *child = p->child; child; child = child->next)
        check_extents(child, message);
}

/* Microseconds of this thread alone, whatever else the machine is doing. */
static int64_t processor_time(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

static int64_t time_of(struct str message) {
    int64_t best = INT64_MAX;
    for (int i = 0; i < 3; i++) {
        struct arena a = ARENA_EMPTY;
        int64_t start = processor_time();
        struct mime_card *card = mime_parse(&a, message);
        struct buf out = BUF_EMPTY;
        mime_card_encode(card, &out);
        struct mime_card *back = mime_card_decode(&a, buf_str(&out));
        assert_non_null(back);
        struct buf rendered = BUF_EMPTY;
        mime_render_envelope(back->envelope, false, &rendered);
        mime_render_body(back->root, true, &rendered);
        int64_t took = processor_time() - start;
        best = took < best ? took : best;
        check_extents(card->root, message);
        buf_free(&out), buf_free(&rendered);
        arena_free(&a);
    }
    return best;
}

static void time_is_linear_in_the_message(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct buf small = BUF_EMPTY, large = BUF_EMPTY;
        shapes[i].make(&small, shapes[i].n / 4);
        shapes[i].make(&large, shapes[i].n);
        int64_t one = time_of(buf_str(&small)), four = time_of(buf_str(&large));
        print_message("%-28s %9zu bytes %7lld us, %9zu bytes %7lld us\n", shapes[i].name, small.n, (long long)one,
                      large.n, (long long)four);
        if (four > 8 * one + 2000) /* quadratic would be sixteen times */
            fail_msg("%s: %lld us for a quarter, %lld us for all", shapes[i].name, (long long)one, (long long)four);
        buf_free(&small), buf_free(&large);
    }
}

static size_t count(const struct mime_part *p, size_t depth, size_t *deepest) {
    size_t n = 1;
    *deepest = depth > *deepest ? depth : *deepest;
    for (const struct mime_part *child = p->child; child; child = child->next)
        n += count(child, depth + 1, deepest);
    return n;
}

static void bounds_hold_and_are_told(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct arena a = ARENA_EMPTY;
        struct buf message = BUF_EMPTY;
        shapes[i].make(&message, shapes[i].n);
        struct mime_card *card = mime_parse(&a, buf_str(&message));
        size_t deepest = 0, parts = count(card->root, 0, &deepest);
        assert_true(parts <= MIME_MAX_PARTS && deepest <= MIME_MAX_DEPTH);
        assert_int_equal(card->root->header_bytes + card->root->body_bytes, message.n);
        bool bounded = shapes[i].make == many_parts || shapes[i].make == deep || shapes[i].make == deep_messages ||
                       shapes[i].make == endless_header || shapes[i].make == endless_field;
        assert_true(card->truncated || !bounded);
        buf_free(&message), arena_free(&a);
    }
}

static void a_card_stays_small_whatever_the_message(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct arena a = ARENA_EMPTY;
        struct buf message = BUF_EMPTY, bytes = BUF_EMPTY;
        shapes[i].make(&message, shapes[i].n);
        mime_card_encode(mime_parse(&a, buf_str(&message)), &bytes);
        assert_true(bytes.n < 2 * 1024 * 1024);
        buf_free(&message), buf_free(&bytes), arena_free(&a);
    }
}

/* The parts behind the last one that is kept are still in the enclosing body, and outer parts end where they should. */
static void too_many_parts_stay_in_the_body_around_them(void **state) {
    (void)state;
    struct arena a = ARENA_EMPTY;
    struct buf m = BUF_EMPTY;
    buf_add_c(&m, "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/mixed; boundary=i\n\n");
    repeat(&m, "--i\n\nx\n", 2000);
    buf_add_c(&m, "--i--\n--o\n\nlast\n--o--\n");
    struct mime_card *card = mime_parse(&a, buf_str(&m));
    const struct mime_part *inner = card->root->child;
    assert_true(card->truncated);
    assert_null(inner->next);
    assert_true(str_ends(str_sub(buf_str(&m), inner->body_offset, inner->body_bytes), STR("x\n--i--")));
    buf_free(&m), arena_free(&a);
}

static void an_ordinary_message_is_parsed_in_microseconds(void **state) {
    (void)state;
    struct buf m = BUF_EMPTY;
    struct arena a = ARENA_EMPTY;
    repeat(&m,
           "Received: from a.example.org (a.example.org [192.0.2.1])\r\n\tby b.example.org; Sun, 1 Mar 2026 12:00:00 "
           "+0000\r\n",
           3);
    buf_add_c(&m, "Date: Sun, 1 Mar 2026 12:00:00 +0000\r\nFrom: Ann <ann@example.org>\r\nTo: Bob <bob@example.net>\r\n"
                  "Subject: an ordinary message\r\nMessage-ID: <1@example.org>\r\nContent-Type: text/plain; "
                  "charset=utf-8\r\n\r\n");
    while (m.n < 4096)
        buf_add_c(&m, "A line of text, and nothing to it but that it is here.\r\n");
    enum { ROUNDS = 2000 };
    int64_t best = INT64_MAX;
    for (int k = 0; k < 5; k++) {
        int64_t start = clock_monotonic();
        for (int i = 0; i < ROUNDS; i++) {
            mime_parse(&a, buf_str(&m));
            arena_reset(&a);
        }
        int64_t took = clock_monotonic() - start;
        best = took < best ? took : best;
    }
    print_message("4 KiB parsed in %.2f us\n", (double)best / ROUNDS);
    assert_true(best < 200 * ROUNDS); /* a machine ten times slower, with sanitizers, still passes */
    buf_free(&m), arena_free(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_is_linear_in_the_message),
        cmocka_unit_test(bounds_hold_and_are_told),
        cmocka_unit_test(a_card_stays_small_whatever_the_message),
        cmocka_unit_test(too_many_parts_stay_in_the_body_around_them),
        cmocka_unit_test(an_ordinary_message_is_parsed_in_microseconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
