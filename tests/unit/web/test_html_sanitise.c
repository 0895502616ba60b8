#include "mail/html/html.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

static struct str image_of(void *context, struct str id) {
    (void)context;
    return str_eq(id, STR("logo@example.org")) ? STR("data:image/png;base64,AAAA") : str_n(NULL, 0);
}

static const struct html_options BLOCK = {.images = HTML_IMAGES_BLOCK, .cid = image_of};
static const struct html_options REMOTE = {.images = HTML_IMAGES_REMOTE, .cid = image_of};
static const struct html_options KEEP = {.images = HTML_IMAGES_KEEP};

static void becomes(const char *html, const struct html_options *o, const char *wanted) {
    struct buf out = BUF_EMPTY;
    assert_true(html_sanitise(str_of(html), o, &out, NULL));
    if (!str_eq(buf_str(&out), str_of(wanted)))
        fail_msg("%s\n  became  %s\n  not     %s", html, out.p ? out.p : "", wanted);
    buf_free(&out);
}

static void formatting_links_and_tables_stay(void **state) {
    (void)state;
    becomes("<p>Hello <b>there</b><br>you &amp; me &lt;3</p>", &BLOCK,
            "<p>Hello <b>there</b><br>you &amp; me &lt;3</p>");
    becomes(
        "<table border=1 width='100%'><tr><td colspan=2 bgcolor='#fff'>x", &BLOCK,
        "<table border=\"1\" width=\"100%\"><tbody><tr><td colspan=\"2\" bgcolor=\"#fff\">x</td></tr></tbody></table>");
    becomes("<a href='https://example.org/?a=1&b=2' onclick=x()>y</a>", &BLOCK,
            "<a href=\"https://example.org/?a=1&amp;b=2\" target=\"_blank\" rel=\"noopener noreferrer\">y</a>");
    becomes("<a href=mailto:a@example.org>y</a>", &BLOCK,
            "<a href=\"mailto:a@example.org\" target=\"_blank\" rel=\"noopener noreferrer\">y</a>");
    becomes("<body bgcolor=#eee style='color:red' onload=x()>t", &BLOCK,
            "<div bgcolor=\"#eee\" style=\"color:red\">t</div>");
    becomes("<pre>\n\n a\n  b</pre>", &BLOCK, "<pre>\n\n a\n  b</pre>");
}

static void unknown_elements_go_and_their_text_stays(void **state) {
    (void)state;
    becomes("<blink>a</blink><o:p>b</o:p><form action=x><input name=p>c<button>d</button></form>", &BLOCK, "abcd");
    becomes("<html><head><title>t</title><meta http-equiv=refresh content=0><base href=//x></head><body>x", &BLOCK,
            "x");
}

static void images_that_come_with_the_mail_are_shown_and_remote_ones_are_not(void **state) {
    (void)state;
    becomes("<img src=cid:logo@example.org alt=Logo>", &BLOCK, "<img src=\"data:image/png;base64,AAAA\" alt=\"Logo\">");
    becomes("<img src=cid:other alt=Logo>", &BLOCK, "<img alt=\"Logo\">");
    becomes("<img src=http://x.example/a.png alt=A width=20>", &BLOCK, "<span class=\"mansio-picture\">A</span>");
    becomes("<img src=http://x.example/a.png width=20>", &BLOCK, "<img width=\"20\">");
    becomes("<img src=http://x.example/a.png alt=A>", &REMOTE, "<img src=\"http://x.example/a.png\" alt=\"A\">");
    becomes("a<img src=http://x.example/t.gif width=1 height=1>b", &BLOCK, "ab");
    becomes("<img src=//x.example/a.png>", &REMOTE, "<img src=\"https://x.example/a.png\">");
    becomes("<img srcset='http://x/a 2x' lowsrc=http://x/b background=http://x/c>", &REMOTE, "<img>");
    struct html_report report;
    struct buf out = BUF_EMPTY;
    assert_true(html_sanitise(STR("<img src=http://a/><img src=https://b/ width=1 height=1><img src=cid:x>"), &BLOCK,
                              &out, &report));
    assert_int_equal(report.remote, 2);
    buf_free(&out);
}

static void styles_keep_what_is_on_the_list(void **state) {
    (void)state;
    becomes("<p style=\"COLOR: Red;  margin: 0 auto ; position:fixed; top:0\">x", &BLOCK,
            "<p style=\"color:Red;margin:0 auto\">x</p>");
    becomes("<p style='background:url(http://x/)'>x", &REMOTE, "<p>x</p>");
    becomes("<p style='width:expression(alert(1));height:calc(1px + (2px))'>x", &BLOCK,
            "<p style=\"height:calc(1px + (2px))\">x</p>");
    becomes("<p style='c\\6flor:red;color:\\72 ed;font-family:\"Fira Sans\",serif'>x", &BLOCK,
            "<p style=\"font-family:&quot;Fira Sans&quot;,serif\">x</p>");
    becomes("<p style='color:/*x*/red;display:contents;font-size:12px !important'>x", &BLOCK,
            "<p style=\"color:red;font-size:12px !important\">x</p>");
    becomes(
        "<style>@import url(x); @font-face{src:url(x)} .a > b:hover, #c {color:red;behavior:url(x)} p{position:fixed}"
        "@media (max-width:600px){.a{width:100%!important}} @media (prefers-color-scheme:dark){p{color:#fff}}</style>x",
        &BLOCK,
        "<style>\n.a > b:hover, #c{color:red}\n@media (max-width:600px){.a{width:100%!important}\n}\n</style>x");
    becomes("<style><!-- p{color:red} --></style>x", &BLOCK, "<style>\np{color:red}\n</style>x");
    becomes("<style>a[b=\"{color:red} p{color:red}</style>x", &BLOCK, "x");
}

/* Each with what must not be in the result, whatever else is. */
static const struct {
    const char *html, *forbidden;
} HOSTILE[] = {
    {"<script>alert(1)</script>", "alert"},
    {"<scr<script>ipt>alert(1)</script>", "<script"},
    {"<img src=x onerror=alert(1)>", "onerror"},
    {"<img src=\"javascript:alert(1)\">", "javascript"},
    {"<a href=\"javascript:alert(1)\">x</a>", "javascript"},
    {"<a href=\" java\tscr\nipt:alert(1)\">x</a>", "href"},
    {"<a href=\"&#106;avascript:alert(1)\">x</a>", "href"},
    {"<a href=\"\x01javascript:alert(1)\">x</a>", "href"},
    {"<a href=\"JaVaScRiPt:alert(1)\">x</a>", "href"},
    {"<a href=vbscript:x>x</a>", "href"},
    {"<a href=\"data:text/html,<script>alert(1)</script>\">x</a>", "href"},
    {"<a href=//evil.example target=_top>x</a>", "_top"},
    {"<iframe src=javascript:alert(1)></iframe>", "iframe"},
    {"<iframe srcdoc='<script>alert(1)</script>'></iframe>", "iframe"},
    {"<object data=x><embed src=y></object>", "<embed"},
    {"<svg><script>alert(1)</script></svg>", "script"},
    {"<svg onload=alert(1)>", "onload"},
    {"<svg><a xlink:href=javascript:alert(1)><text>x</text></a></svg>", "javascript"},
    {"<svg><style><img src=x onerror=alert(1)></style></svg>", "onerror"},
    {"<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>", "<img"},
    {"<math><annotation-xml encoding='text/html'><img src=x onerror=alert(1)></annotation-xml></math>", "onerror"},
    {"<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>", "onerror"},
    {"<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\"></noscript>", "<img src=\"x"},
    {"<style><a title=\"</style><img src=x onerror=alert(1)>\"></style>", "onerror=alert(1)>\""},
    {"<textarea><img title=\"</textarea><img src=x onerror=alert(1)>\"></textarea>", "<img src=\"x"},
    {"<xmp><p title=\"</xmp><img src=x onerror=alert(1)>\">", "<img src=\"x"},
    {"<noembed><img title=\"</noembed><img src onerror=alert(1)>\"></noembed>", "<img src"},
    {"<template><img src=x onerror=alert(1)></template>", "img"},
    {"<meta http-equiv=refresh content='0;url=javascript:alert(1)'>", "meta"},
    {"<base href=javascript:alert(1)//>", "base"},
    {"<link rel=stylesheet href=http://evil.example/x.css>", "link"},
    {"<body onload=alert(1) background=javascript:x>x", "onload"},
    {"<div style=\"background-image:url(javascript:alert(1))\">x", "url"},
    {"<div style=\"width:expre/**/ssion(alert(1))\">x", "ssion("},
    {"<div style=\"-moz-binding:url(http://x)\">x", "binding"},
    {"<div style=\"behavior:url(x)\">x", "behavior"},
    {"<div style='color:red;}</style><script>alert(1)</script>'>x", "<script"},
    {"<style>@import 'http://evil.example/x.css';</style>", "import"},
    {"<style>p{background:\\75rl(http://evil.example)}</style>", "evil"},
    {"<style>p{color:red}</sty/**/le><script>alert(1)</script>", "<script"},
    {"<input onfocus=alert(1) autofocus>", "autofocus"},
    {"<video><source onerror=alert(1)></video>", "onerror"},
    {"<details open ontoggle=alert(1)>x</details>", "ontoggle"},
    {"<marquee onstart=alert(1)>x</marquee>", "onstart"},
    {"<p/onmouseover=alert(1)>x", "onmouseover"},
    {"<<img src=x onerror=alert(1)//", "<img src"},
    {"<img \"\"\"><script>alert(1)</script>\">", "<script"},
    {"<!--><img src=x onerror=alert(1)>-->", "onerror"},
    {"<![CDATA[<img src=x onerror=alert(1)>]]>", "onerror"},
    {"<?xml:namespace prefix=t><img src=x onerror=alert(1)>", "onerror"},
    {"<a href=\"https://x\" id=\"a\\\" onclick=alert(1)\">x</a>", "onclick"},
    {"<p title='\"><img src=x onerror=alert(1)>'>x</p>", "<img"},
    {"<p class='\"><script>'>x</p>", "<script"},
    {"<font face='\"><script>alert(1)</script>'>x</font>", "<script"},
    {"<img src='data:image/svg+xml;base64,PHN2Zz4='>", "svg"},
    {"<img src='data:text/html;base64,PHN2Zz4='>", "data:"},
    {"<img src=cid:x\" onerror=alert(1)>", "onerror"},
    {"<frameset onload=alert(1)><frame src=x></frameset>", "frame"},
    {"<select><style></select><img src=x onerror=alert(1)></style></select>", "<style"},
    {"<applet code=x></applet><bgsound src=x><keygen autofocus onfocus=x>", "="},
};

static void hostile_html_is_inert(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof HOSTILE / sizeof *HOSTILE; i++) {
        struct buf out = BUF_EMPTY;
        assert_true(html_sanitise(str_of(HOSTILE[i].html), &KEEP, &out, NULL));
        if (str_find(buf_str(&out), str_of(HOSTILE[i].forbidden)) >= 0)
            fail_msg("%s\n  became %s", HOSTILE[i].html, out.p);
        buf_free(&out);
    }
}

static void sanitising_again_changes_nothing(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof HOSTILE / sizeof *HOSTILE; i++) {
        struct buf once = BUF_EMPTY, twice = BUF_EMPTY;
        assert_true(html_sanitise(str_of(HOSTILE[i].html), &REMOTE, &once, NULL));
        assert_true(html_sanitise(buf_str(&once), &REMOTE, &twice, NULL));
        assert_true(str_eq(buf_str(&once), buf_str(&twice)));
        buf_free(&once);
        buf_free(&twice);
    }
    becomes("<p><a href=http://a/>x<form><a href=http://b/>y</form></a><table><p>z", &KEEP,
            "<p><a href=\"http://a/\" target=\"_blank\" rel=\"noopener noreferrer\">x</a></p>"
            "<a href=\"http://b/\" target=\"_blank\" rel=\"noopener noreferrer\">y</a><p>z</p><table></table>");
}

static void depth_is_bounded_and_deep_trees_do_not_exhaust_the_stack(void **state) {
    (void)state;
    struct buf in = BUF_EMPTY, out = BUF_EMPTY;
    for (int i = 0; i < 4000; i++)
        buf_add_c(&in, "<div>");
    buf_add_c(&in, "deep");
    assert_true(html_sanitise(buf_str(&in), &BLOCK, &out, NULL));
    assert_true(str_find(buf_str(&out), STR("deep")) > 0);
    assert_int_equal(out.n, HTML_MAX_DEPTH * strlen("<div></div>") + 4);
    buf_free(&in);
    buf_free(&out);
}

static void html_made_to_exhaust_the_parser_is_refused(void **state) {
    (void)state;
    struct buf in = BUF_EMPTY, out = BUF_EMPTY;
    for (int i = 0; i < 20000; i++)
        buf_printf(&in, "<b a=%d>", i);
    for (int i = 0; i < 20000; i++)
        buf_add_c(&in, "<p>x");
    assert_false(html_sanitise(buf_str(&in), &BLOCK, &out, NULL));
    assert_int_equal(out.n, 0);
    buf_free(&in);
    buf_free(&out);
}

static void bytes_that_are_no_utf8_become_replacement_characters(void **state) {
    (void)state;
    struct buf out = BUF_EMPTY;
    assert_true(html_sanitise(str_n("<p>a\xff\0b\xc3\xa4", 9), &BLOCK, &out, NULL));
    assert_true(str_eq(buf_str(&out), STR("<p>a\xef\xbf\xbd\xef\xbf\xbd"
                                          "b\xc3\xa4</p>")));
    buf_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formatting_links_and_tables_stay),
        cmocka_unit_test(unknown_elements_go_and_their_text_stays),
        cmocka_unit_test(images_that_come_with_the_mail_are_shown_and_remote_ones_are_not),
        cmocka_unit_test(styles_keep_what_is_on_the_list),
        cmocka_unit_test(hostile_html_is_inert),
        cmocka_unit_test(sanitising_again_changes_nothing),
        cmocka_unit_test(depth_is_bounded_and_deep_trees_do_not_exhaust_the_stack),
        cmocka_unit_test(html_made_to_exhaust_the_parser_is_refused),
        cmocka_unit_test(bytes_that_are_no_utf8_become_replacement_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
