#include "mail/html/html.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void shows(const char *text, struct text_options options, const char *wanted) {
    struct buf out = BUF_EMPTY;
    text_to_html(str_of(text), &options, &out);
    if (!str_eq(buf_str(&out), str_of(wanted)))
        fail_msg("%s\n  became  %s\n  not     %s", text, out.p ? out.p : "", wanted);
    buf_free(&out);
}
#define SHOWS(text, wanted) shows(text, (struct text_options){0}, wanted)
#define LINK(href, text) "<a href=\"" href "\" target=\"_blank\" rel=\"noopener noreferrer\">" text "</a>"
#define QUOTE "<details class=\"quote\" open><summary>Quoted text</summary><blockquote>"
#define UNQUOTE "</blockquote></details>"

static void markup_in_text_is_text(void **state) {
    (void)state;
    SHOWS("<b>a</b> & \"x\"\r\nnext", "&lt;b&gt;a&lt;/b&gt; &amp; &quot;x&quot;\nnext");
}

static void addresses_become_links_without_the_sentences_punctuation(void **state) {
    (void)state;
    SHOWS("See https://example.org/a?b=1&c=2.",
          "See " LINK("https://example.org/a?b=1&amp;c=2", "https://example.org/a?b=1&amp;c=2") ".");
    SHOWS("(http://example.org/x_(y))", "(" LINK("http://example.org/x_(y)", "http://example.org/x_(y)") ")");
    SHOWS("www.example.org, ok", LINK("https://www.example.org", "www.example.org") ", ok");
    SHOWS("mail joe+x@example.org!", "mail <a href=\"mailto:joe+x@example.org\">joe+x@example.org</a>!");
    SHOWS("<https://example.org/>", "&lt;" LINK("https://example.org/", "https://example.org/") "&gt;");
    SHOWS("a@b c@ @d javascript:alert(1) https://", "a@b c@ @d javascript:alert(1) https://");
    SHOWS("https://x.example/\"onclick=1", LINK("https://x.example/", "https://x.example/") "&quot;onclick=1");
}

static void quotes_nest_by_their_depth(void **state) {
    (void)state;
    SHOWS("> one\n>> two\n> one\nmine\n", QUOTE "one<blockquote>two</blockquote>one" UNQUOTE "mine");
    SHOWS("> > two", QUOTE "<blockquote>two</blockquote>" UNQUOTE);
}

static void a_long_quote_at_the_end_is_folded(void **state) {
    (void)state;
    struct buf text = BUF_EMPTY, out = BUF_EMPTY;
    buf_add_c(&text, "mine\n\n");
    for (int i = 0; i < 30; i++)
        buf_add_c(&text, "> theirs\n");
    buf_add_c(&text, "\n-- \nme\n");
    text_to_html(buf_str(&text), &(struct text_options){0}, &out);
    assert_true(str_find(buf_str(&out), STR("<details class=\"quote\"><summary>")) > 0);
    buf_reset(&text);
    buf_reset(&out);
    for (int i = 0; i < 30; i++)
        buf_add_c(&text, "> theirs\n");
    buf_add_c(&text, "my answer below\n");
    text_to_html(buf_str(&text), &(struct text_options){0}, &out);
    assert_true(str_find(buf_str(&out), STR("<details class=\"quote\" open>")) == 0);
    buf_free(&text);
    buf_free(&out);
}

static void the_signature_is_set_apart(void **state) {
    (void)state;
    SHOWS("Hi\n-- \nMe\n", "Hi<div class=\"signature\">-- \nMe</div>");
}

static void flowed_lines_are_joined(void **state) {
    (void)state;
    shows("one \ntwo\n three\n", (struct text_options){.flowed = true}, "one two\nthree");
    shows("ab \ncd\n", (struct text_options){.flowed = true, .delsp = true}, "abcd");
    shows("> q \n> r\nx\n", (struct text_options){.flowed = true}, QUOTE "q r" UNQUOTE "x");
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
        cmocka_unit_test(markup_in_text_is_text),
        cmocka_unit_test(addresses_become_links_without_the_sentences_punctuation),
        cmocka_unit_test(quotes_nest_by_their_depth),
        cmocka_unit_test(a_long_quote_at_the_end_is_folded),
        cmocka_unit_test(the_signature_is_set_apart),
        cmocka_unit_test(flowed_lines_are_joined),
        cmocka_unit_test(html_reads_as_lines_of_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
