#include "mail/outgoing/outgoing.h"

#include "mime/mime.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct arena arena;

static bool contains(const struct buf *b, const char *text) { return str_find(buf_str(b), str_of(text)) >= 0; }

/* The text that a reader gets of a message with this text. */
static struct str read_back(const struct outgoing *o, struct buf *message) {
    outgoing_build(o, false, message);
    struct mime_card *card = mime_parse(&arena, buf_str(message));
    struct buf text = BUF_EMPTY;
    mime_decode_transfer(card->root->encoding,
                         str_sub(buf_str(message), card->root->body_offset, card->root->body_bytes), &text);
    struct str s = arena_str(&arena, buf_str(&text));
    buf_free(&text);
    return s;
}

static struct outgoing letter(const char *text) {
    return (struct outgoing){.from = {STR("Livia"), STR("livia@example.org")},
                             .subject = STR("A subject"),
                             .text = str_of(text),
                             .message_id = STR("<1@example.org>")};
}

static void long_lines_are_sent_flowed_and_quotes_are_left_alone(void **state) {
    (void)state;
    struct buf message = BUF_EMPTY;
    struct outgoing o =
        letter("one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen\n"
               "> one two three four five six seven eight nine ten eleven twelve thirteen fourteen\n"
               " indented\nFrom here\nblank at the end \n-- \nLivia");
    assert_true(
        str_eq(read_back(&o, &message),
               STR("one two three four five six seven eight nine ten eleven twelve thirteen \r\nfourteen fifteen\r\n"
                   "> one two three four five six seven eight nine ten eleven twelve thirteen fourteen\r\n"
                   "  indented\r\n From here\r\nblank at the end\r\n-- \r\nLivia\r\n")));
    assert_true(contains(&message, "Content-Type: text/plain; charset=utf-8; format=flowed\r\n"));
    assert_true(contains(&message, "Content-Transfer-Encoding: 7bit\r\n"));
    buf_free(&message);
}

static void other_letters_and_endless_words_survive(void **state) {
    (void)state;
    struct buf message = BUF_EMPTY, word = BUF_EMPTY;
    for (int i = 0; i < 3000; i++)
        buf_add_c(&word, "\xc3\xa4");
    struct outgoing o = letter(word.p);
    buf_add_c(&word, "\r\n");
    assert_true(str_eq(read_back(&o, &message), buf_str(&word)));
    for (struct str rest = buf_str(&message), line; str_split(&rest, '\n', &line);)
        assert_true(line.n <= 79);
    buf_free(&message);
    buf_free(&word);
}

static void nothing_typed_can_add_a_header_field(void **state) {
    (void)state;
    struct buf message = BUF_EMPTY;
    struct outgoing o = letter("x");
    o.subject = STR("a\r\nX-Evil: 1");
    o.from.name = STR("b\r\nX-Evil: 2");
    o.in_reply_to = STR("<c@d>\r\nX-Evil: 3");
    o.references = STR("<e@f>\nX-Evil: <g h@i> 4 <j@k>");
    struct outgoing_file file = {
        .name = STR("l\r\nX-Evil: 5"), .type = STR("text/plain\r\nX-Evil: 6"), .bytes = STR("m")};
    o.file = &file;
    o.file_count = 1;
    outgoing_build(&o, true, &message);
    for (struct str rest = buf_str(&message), line; str_split(&rest, '\n', &line);)
        assert_false(str_istarts(line, STR("X-Evil")));
    assert_true(contains(&message, "In-Reply-To: <c@d>\r\n"));
    assert_true(contains(&message, "References: <e@f>\r\n <j@k>\r\n"));
    assert_true(contains(&message, "Content-Type: application/octet-stream"));
    buf_free(&message);
}

static void recipients_are_read_as_people_type_them(void **state) {
    (void)state;
    struct recipients *r = arena_alloc(&arena, sizeof *r);
    struct err err;
    assert_true(recipients_add(
        &arena, STR("Livia <livia@Example.ORG>, \"Balnea, Octavia\" <o@thermae.example>,marcus@example.net"), r, &err));
    assert_int_equal(r->count, 3);
    assert_true(str_eq(r->at[0].address, STR("livia@example.org")));
    assert_true(str_eq(r->at[1].name, STR("Balnea, Octavia")));
    assert_true(recipients_add(&arena, STR("Team: a@example.org, b@example.org;"), r, &err));
    assert_int_equal(r->count, 5);
    assert_true(recipients_add(&arena,
                               STR("x@b\xc3\xbc"
                                   "cher.example"),
                               r, &err));
    assert_true(str_eq(r->at[5].address, STR("x@xn--bcher-kva.example")));
    assert_true(recipients_add(&arena, STR(" "), r, &err));
    assert_int_equal(r->count, 6);
}

static void what_is_no_address_is_named(void **state) {
    (void)state;
    static const char *const WRONG[] = {"livia",  "a@example.org, not an address", "@example.org",           "a@",
                                        "a@b..c", "a@b.example c@d.example",       "j\xc3\xbcrg@example.org"};
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        struct recipients *r = arena_alloc(&arena, sizeof *r);
        struct err err = {""};
        if (recipients_add(&arena, str_of(WRONG[i]), r, &err))
            fail_msg("%s was taken", WRONG[i]);
        assert_true(strlen(err.text) > 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_lines_are_sent_flowed_and_quotes_are_left_alone),
        cmocka_unit_test(other_letters_and_endless_words_survive),
        cmocka_unit_test(nothing_typed_can_add_a_header_field),
        cmocka_unit_test(recipients_are_read_as_people_type_them),
        cmocka_unit_test(what_is_no_address_is_named),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&arena);
    return failed;
}
