/* What is hashed of headers and bodies, and how a message falls into fields. */
#include "base/codec.h"
#include "dkim/canonical.h"
#include "dkim/tags.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct arena arena;

static int set_up(void **state) {
    (void)state;
    arena = ARENA_EMPTY;
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_free(&arena);
    return 0;
}

/* ---- fields ---- */

static void assert_field(enum dkim_canonicalization c, const char *raw, const char *expected) {
    struct buf out = BUF_EMPTY;
    dkim_canonical_field(c, str_of(raw), &out);
    assert_string_equal(out.p, expected);
    buf_free(&out);
}

static void simple_header_stays_as_it_is(void **state) {
    (void)state;
    assert_field(DKIM_SIMPLE, "A: X\r\n", "A: X\r\n");
    assert_field(DKIM_SIMPLE, "B : Y\t\r\n\tZ  \r\n", "B : Y\t\r\n\tZ  \r\n");
    assert_field(DKIM_SIMPLE, "C: at the end", "C: at the end\r\n");
}

/* RFC 6376 section 3.4.5 */
static void relaxed_header_is_lower_case_unfolded_with_single_blanks(void **state) {
    (void)state;
    assert_field(DKIM_RELAXED, "A: X\r\n", "a:X\r\n");
    assert_field(DKIM_RELAXED, "B : Y\t\r\n\tZ  \r\n", "b:Y Z\r\n");
    assert_field(DKIM_RELAXED, "Subject:no blank\r\n", "subject:no blank\r\n");
    assert_field(DKIM_RELAXED, "Subject:\r\n", "subject:\r\n");
    assert_field(DKIM_RELAXED, "Subject: \t \r\n \r\n\t\r\n", "subject:\r\n");
    assert_field(DKIM_RELAXED, "X:a : b\r\n", "x:a : b\r\n");
    assert_field(DKIM_RELAXED, "X: \xc3\xa4  \xff\r\n", "x:\xc3\xa4 \xff\r\n");
    assert_field(DKIM_RELAXED, "X: at the end", "x:at the end\r\n");
}

static void assert_signature(enum dkim_canonicalization c, const char *text, const char *expected) {
    struct dkim_message m;
    struct dkim_tags tags;
    const char *problem;
    struct buf out = BUF_EMPTY;
    dkim_message_split(&arena, str_of(text), &m);
    assert_true(dkim_tags_parse(&arena, m.field[0].body, &tags, &problem));
    const struct dkim_tag *b = dkim_tag_find(&tags, "b");
    dkim_canonical_signature(c, &m.field[0], b->from, b->to, &out);
    assert_string_equal(out.p, expected);
    buf_free(&out);
}

/* RFC 6376 section 3.7: with the white space around it, and nothing else */
static void value_of_b_is_deleted_exactly(void **state) {
    (void)state;
    assert_signature(DKIM_SIMPLE, "S: bh=xb=; b=abc; d=b=;\r\n", "S: bh=xb=; b=; d=b=;");
    assert_signature(DKIM_SIMPLE, "S: b \r\n = \r\n abc\r\n def \t; s=1\r\n", "S: b \r\n =; s=1");
    assert_signature(DKIM_SIMPLE, "S: s=1; b=abc==  \r\n\r\n", "S: s=1; b=");
    assert_signature(DKIM_SIMPLE, "S: s=1; b=abc", "S: s=1; b=");
    assert_signature(DKIM_SIMPLE, "S: s=1; b=\r\n", "S: s=1; b=");
    assert_signature(DKIM_RELAXED, "S : b \r\n = \r\n abc\r\n def \t;\ts=1\r\n", "s:b =; s=1");
    assert_signature(DKIM_RELAXED, "S: s=1; b=a\r\n\tb\r\n c\r\n", "s:s=1; b=");
}

/* ---- bodies ---- */

static void assert_body(enum dkim_canonicalization c, const char *body, size_t n, const char *expected) {
    struct dkim_body_hash h = {.canonicalization = c, .limit = UINT64_MAX};
    unsigned char digest[DKIM_DIGEST];
    EVP_MD_CTX *hash = dkim_hash_new();
    dkim_hash_body(hash, str_n(body, n), &h);
    dkim_hash(hash, str_of(expected), digest);
    dkim_hash_free(hash);
    assert_int_equal(h.length, strlen(expected));
    assert_memory_equal(h.digest, digest, sizeof digest);
}

static void assert_bodies(const char *body, const char *simple, const char *relaxed) {
    assert_body(DKIM_SIMPLE, body, strlen(body), simple);
    assert_body(DKIM_RELAXED, body, strlen(body), relaxed);
}

static void bodies_are_as_the_rules_have_them(void **state) {
    (void)state;
    assert_bodies(" C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n"); /* RFC 6376 section 3.4.5 */
    assert_bodies("", "\r\n", "");
    assert_bodies("\r\n", "\r\n", "");
    assert_bodies("\r\n\r\n\r\n", "\r\n", "");
    assert_bodies("a", "a\r\n", "a\r\n");
    assert_bodies("a\r\n", "a\r\n", "a\r\n");
    assert_bodies("\r\na\r\n", "\r\na\r\n", "\r\na\r\n");
    assert_bodies("a\r\n\r\nb\r\n\r\n", "a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n");
    assert_bodies(" \r\n\t\r\n", " \r\n\t\r\n", "");
    assert_bodies("a\r\n \t\r\n", "a\r\n \t\r\n", "a\r\n");
    assert_bodies("a\r\n \t\r\nb \t", "a\r\n \t\r\nb \t\r\n", "a\r\n\r\nb\r\n");
    assert_bodies("\ta\t\tb  c\td \r\n", "\ta\t\tb  c\td \r\n", " a b c d\r\n");
    assert_bodies("a \n b\r c\n\n\r\n", "a \n b\r c\n\n\r\n", "a \n b\r c\n\n\r\n");
    assert_bodies("a\r\n\n", "a\r\n\n\r\n", "a\r\n\n\r\n");
    assert_bodies(" ", " \r\n", "");
    assert_bodies("\r", "\r\r\n", "\r\r\n");
}

/* The same, byte by byte and slowly. */
static void relax_slowly(const char *p, size_t n, struct buf *out) {
    size_t lines_held = 0;
    for (size_t i = 0; i < n;) {
        struct buf line = BUF_EMPTY;
        bool ended = false;
        for (; i < n && !ended; i++) {
            ended = p[i] == '\r' && i + 1 < n && p[i + 1] == '\n';
            if (ended)
                i++;
            else if (p[i] != ' ' && p[i] != '\t')
                buf_add_byte(&line, p[i]);
            else if (line.n == 0 || line.p[line.n - 1] != ' ')
                buf_add_byte(&line, ' ');
        }
        if (line.n && line.p[line.n - 1] == ' ')
            line.n--;
        lines_held += line.n == 0;
        for (; line.n && lines_held; lines_held--)
            buf_add_c(out, "\r\n");
        if (line.n) {
            buf_add_str(out, buf_str(&line));
            buf_add_c(out, "\r\n");
        }
        buf_free(&line);
    }
}

/* Blocks of bytes are passed over at once: whatever their borders fall on. */
static void relaxed_bodies_are_the_same_as_when_made_slowly(void **state) {
    (void)state;
    static const char parts[][8] = {"a",     "bc", " ",  "  ",      "\t",       "\r\n",
                                    " \r\n", "\r", "\n", "defghij", "\r\n\r\n", "k l m n"};
    srand(1);
    for (int round = 0; round < 3000; round++) {
        struct buf body = BUF_EMPTY, expected = BUF_EMPTY;
        unsigned plain = (unsigned)rand() % 40;
        for (int k = rand() % 120; k > 0; k--)
            buf_add_c(&body,
                      (unsigned)rand() % 40 < plain ? "word " : parts[(size_t)rand() % (sizeof parts / sizeof *parts)]);
        relax_slowly(body.p, body.n, &expected);
        buf_add_byte(&expected, '\0');
        assert_body(DKIM_RELAXED, body.p ? body.p : "", body.n, expected.p);
        buf_free(&body);
        buf_free(&expected);
    }
}

static void limit_counts_canonical_bytes(void **state) {
    (void)state;
    struct dkim_body_hash h = {.canonicalization = DKIM_RELAXED, .limit = 5};
    unsigned char digest[DKIM_DIGEST];
    EVP_MD_CTX *hash = dkim_hash_new();
    dkim_hash_body(hash, STR("a  \t b \r\nc\r\n\r\n"), &h);
    dkim_hash(hash, STR("a b\r\n"), digest);
    assert_memory_equal(h.digest, digest, sizeof digest);
    assert_int_equal(h.length, 8);
    h.limit = 0;
    dkim_hash_body(hash, STR("abc\r\n"), &h);
    dkim_hash(hash, STR(""), digest);
    assert_memory_equal(h.digest, digest, sizeof digest);
    dkim_hash_free(hash);
}

/* ---- a message's fields ---- */

static void message_falls_into_fields_and_body(void **state) {
    (void)state;
    struct dkim_message m;
    dkim_message_split(
        &arena, STR("From box\r\nA: 1\r\n 2\r\nB\t :3\r\nrubbish\r\n more\r\n: none\r\nC: 4\r\n\r\n\r\nbody"), &m);
    static const char *const name[] = {"", "A", "B", "", "", "C"};
    assert_int_equal(m.count, sizeof name / sizeof *name);
    for (size_t i = 0; i < m.count; i++)
        assert_true(str_eq(m.field[i].name, str_of(name[i])));
    assert_true(str_eq(m.field[1].raw, STR("A: 1\r\n 2\r\n")));
    assert_true(str_eq(m.field[2].body, STR("3\r\n")));
    assert_true(str_eq(m.body, STR("\r\nbody")));
    dkim_message_split(&arena, STR("\r\nbody"), &m);
    assert_int_equal(m.count, 0);
    assert_true(str_eq(m.body, STR("body")));
    dkim_message_split(&arena, STR("A: 1\nB: 2"), &m); /* a line feed alone ends no line */
    assert_int_equal(m.count, 1);
    assert_int_equal(m.body.n, 0);
    dkim_message_split(&arena, STR(""), &m);
    assert_int_equal(m.count, 0);
}

static void too_many_fields_are_not_taken_apart(void **state) {
    (void)state;
    struct buf text = BUF_EMPTY;
    struct dkim_message m;
    for (int i = 0; i < DKIM_MAX_FIELDS; i++)
        buf_add_c(&text, "A: b\r\n");
    dkim_message_split(&arena, buf_str(&text), &m);
    assert_false(m.too_many);
    buf_add_c(&text, "A: b\r\n");
    dkim_message_split(&arena, buf_str(&text), &m);
    assert_true(m.too_many);
    assert_int_equal(m.count, 0);
    buf_free(&text);
}

static void fields_are_picked_from_the_bottom_up_each_once(void **state) {
    (void)state;
    struct dkim_message m;
    struct dkim_picker p;
    dkim_message_split(&arena, STR("To: 1\r\nA: 2\r\nTO: 3\r\n\r\n"), &m);
    dkim_picker_begin(&arena, &m, &p);
    assert_ptr_equal(dkim_pick(&p, STR("to")), &m.field[2]);
    assert_null(dkim_pick(&p, STR("none")));
    assert_null(dkim_pick(&p, STR("")));
    assert_ptr_equal(dkim_pick(&p, STR("To")), &m.field[0]);
    assert_null(dkim_pick(&p, STR("To")));
    assert_int_equal(dkim_message_count(&m, STR("tO")), 2);
}

/* ---- tag lists ---- */

static bool parses(const char *text, struct dkim_tags *tags) {
    const char *problem;
    return dkim_tags_parse(&arena, str_of(text), tags, &problem);
}

static void tag_lists_are_read(void **state) {
    (void)state;
    struct dkim_tags t;
    assert_true(parses(" a=1 ;\r\n\tb_2 = x = y\r\n z ;c=;", &t));
    assert_int_equal(t.count, 3);
    assert_true(str_eq(dkim_tag_value(&t, "a"), STR("1")));
    assert_true(str_eq(dkim_tag_value(&t, "b_2"), STR("x = y\r\n z")));
    assert_true(dkim_tag_find(&t, "c")->value.n == 0 && dkim_tag_value(&t, "c").p);
    assert_null(dkim_tag_value(&t, "A").p);
    assert_true(parses("a=1; \r\n ", &t));
    assert_true(parses("a=\xc3\xa4", &t));
}

static void tag_lists_that_are_not_valid_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"",       " ",     ";",     "a",      "a=1;;b=2", "=1",
                                      "1a=2",   "a-b=1", "a b=1", "a=1;b",  "a=1;a=1",  "a=\x01",
                                      "a=\x7f", ";a=1",  "a=1;=", "\xc3=1", "a=1; ;b=2"};
    struct dkim_tags t;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(parses(bad[i], &t));
}

static void tag_list_has_at_most_a_hundred_tags(void **state) {
    (void)state;
    struct buf text = BUF_EMPTY;
    struct dkim_tags t;
    for (int i = 0; i < DKIM_MAX_TAGS; i++)
        buf_printf(&text, "t%d=x;", i);
    assert_true(parses(text.p, &t));
    buf_add_c(&text, "more=x");
    assert_false(parses(text.p, &t));
    buf_free(&text);
}

static void base64_may_have_white_space_anywhere(void **state) {
    (void)state;
    struct str out;
    assert_true(dkim_tag_base64(&arena, STR(" QU\r\n JD\tRE\r\n VG "), &out));
    assert_true(str_eq(out, STR("ABCDEF")));
    assert_false(dkim_tag_base64(&arena, STR(""), &out));
    assert_false(dkim_tag_base64(&arena, STR("QUJ"), &out));
    assert_false(dkim_tag_base64(&arena, STR("QU-D"), &out));
    assert_true(dkim_tag_has_word(STR("a : EMAIL:c"), "email"));
    assert_false(dkim_tag_has_word(STR("emails:e mail"), "email"));
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(simple_header_stays_as_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(relaxed_header_is_lower_case_unfolded_with_single_blanks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(value_of_b_is_deleted_exactly, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bodies_are_as_the_rules_have_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(relaxed_bodies_are_the_same_as_when_made_slowly, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limit_counts_canonical_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(message_falls_into_fields_and_body, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_many_fields_are_not_taken_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fields_are_picked_from_the_bottom_up_each_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tag_lists_are_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tag_lists_that_are_not_valid_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tag_list_has_at_most_a_hundred_tags, set_up, tear_down),
        cmocka_unit_test_setup_teardown(base64_may_have_white_space_anywhere, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
