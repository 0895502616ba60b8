#include "mail/html/html.h"
#include "mail/html/text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Events as short marks: [text|address] a link, (address) a mail address, { } a quote, {{ a folded one, < > a nested
 * one, ~ ~ the signature. */
static void mark(void *context, const struct text_event *e) {
    struct buf *out = context;
    switch (e->kind) {
    case TEXT_PLAIN:
        buf_add_str(out, e->text);
        break;
    case TEXT_WEB:
        buf_printf(out, "[%.*s|%.*s]", STR_ARG(e->text), STR_ARG(e->address));
        break;
    case TEXT_MAIL:
        buf_printf(out, "(%.*s)", STR_ARG(e->address));
        break;
    case TEXT_OPEN:
        buf_add_c(out, e->folded ? "{{" : "{");
        break;
    case TEXT_CLOSE:
        buf_add_c(out, "}");
        break;
    case TEXT_QUOTE:
        buf_add_c(out, "<");
        break;
    case TEXT_UNQUOTE:
        buf_add_c(out, ">");
        break;
    case TEXT_SIGNATURE:
        buf_add_c(out, "~");
        break;
    case TEXT_END:
        buf_add_c(out, "~");
        break;
    }
}

static void shows(const char *text, struct text_options options, const char *wanted) {
    struct buf out = BUF_EMPTY;
    options.sink = mark;
    options.context = &out;
    text_walk(str_of(text), &options);
    if (!str_eq(buf_str(&out), str_of(wanted)))
        fail_msg("%s\n  became  %s\n  not     %s", text, out.p ? out.p : "", wanted);
    buf_free(&out);
}
#define SHOWS(text, wanted) shows(text, (struct text_options){0}, wanted)

static void text_stays_as_it_is(void **state) {
    (void)state;
    SHOWS("<b>a</b> & \"x\"\r\nnext", "<b>a</b> & \"x\"\nnext");
    SHOWS("", "");
    SHOWS("\n\na\n", "\n\na");
}

static void addresses_become_links_without_the_sentences_punctuation(void **state) {
    (void)state;
    SHOWS("See https://example.org/a?b=1&c=2.", "See [https://example.org/a?b=1&c=2|https://example.org/a?b=1&c=2].");
    SHOWS("(http://example.org/x_(y))", "([http://example.org/x_(y)|http://example.org/x_(y)])");
    SHOWS("www.example.org, ok", "[www.example.org|https://www.example.org], ok");
    SHOWS("mail joe+x@example.org!", "mail (joe+x@example.org)!");
    SHOWS("<https://example.org/>", "<[https://example.org/|https://example.org/]>");
    SHOWS("a@b c@ @d javascript:alert(1) https://", "a@b c@ @d javascript:alert(1) https://");
    SHOWS("https://x.example/\"onclick=1", "[https://x.example/|https://x.example/]\"onclick=1");
}

static void quotes_nest_by_their_depth(void **state) {
    (void)state;
    SHOWS("> one\n>> two\n> one\nmine\n", "{one<two>one}mine");
    SHOWS("> > two", "{<two>}");
}

static void a_long_quote_at_the_end_is_folded(void **state) {
    (void)state;
    struct buf text = BUF_EMPTY, wanted = BUF_EMPTY;
    buf_add_c(&text, "mine\n\n");
    buf_add_c(&wanted, "mine\n{{");
    for (int i = 0; i < 30; i++) {
        buf_add_c(&text, "> theirs\n");
        buf_add_c(&wanted, i ? "\ntheirs" : "theirs");
    }
    SHOWS(text.p, (buf_add_c(&wanted, "}"), wanted.p));
    buf_add_c(&text, "\n-- \nme\n");
    SHOWS(text.p, (buf_add_c(&wanted, "~-- \nme~"), wanted.p));
    buf_reset(&text);
    for (int i = 0; i < 30; i++)
        buf_add_c(&text, "> theirs\n");
    buf_add_c(&text, "my answer below\n");
    struct buf out = BUF_EMPTY;
    text_walk(buf_str(&text), &(struct text_options){.sink = mark, .context = &out});
    assert_true(str_starts(buf_str(&out), STR("{theirs")));
    buf_free(&text);
    buf_free(&wanted);
    buf_free(&out);
}

static void the_signature_is_set_apart(void **state) {
    (void)state;
    SHOWS("Hi\n-- \nMe\n", "Hi~-- \nMe~");
}

static void flowed_lines_are_joined(void **state) {
    (void)state;
    shows("one \ntwo\n three\n", (struct text_options){.flowed = true}, "one two\nthree");
    shows("ab \ncd\n", (struct text_options){.flowed = true, .delsp = true}, "abcd");
    shows("> q \n> r\nx\n", (struct text_options){.flowed = true}, "{q r}x");
}

static void reads(const char *html, const char *wanted) {
    struct buf out = BUF_EMPTY;
    assert_true(html_to_text(str_of(html), &out));
    if (!str_eq(buf_str(&out), str_of(wanted)))
        fail_msg("%s\n  reads  %s\n  not    %s", html, out.p ? out.p : "", wanted);
    buf_free(&out);
}

static void html_reads_as_lines_of_text(void **state) {
    (void)state;
    reads("<style>p{}</style><p>Hello   <b>you</b>\n there</p><p>Two<br>lines</p>", "Hello you there\n\nTwo\nlines\n");
    reads("<ul><li>a</li><li>b</li></ul>", "* a\n* b\n");
    reads("<blockquote>q<blockquote>r</blockquote></blockquote>x", "> q\n>>\n>> r\n\nx\n");
    reads("<a href=https://example.org/x>here</a> <a href=https://example.org>https://example.org</a>",
          "here <https://example.org/x> https://example.org\n");
    reads("<pre>a\n  b</pre>", "a\n  b\n");
    reads("<script>x</script><div>&lt;i&gt;</div>", "<i>\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_stays_as_it_is),
        cmocka_unit_test(addresses_become_links_without_the_sentences_punctuation),
        cmocka_unit_test(quotes_nest_by_their_depth),
        cmocka_unit_test(a_long_quote_at_the_end_is_folded),
        cmocka_unit_test(the_signature_is_set_apart),
        cmocka_unit_test(flowed_lines_are_joined),
        cmocka_unit_test(html_reads_as_lines_of_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
