#include "mail/html/html.h"

#include "mail/html/allow.h"
#include "mail/html/css.h"
#include "mail/html/tree.h"
#include "mail/html/url.h"

#include <stdlib.h>

struct writer {
    const struct html_options *options;
    struct buf *out;
    const GumboNode *open[HTML_MAX_DEPTH]; /* elements whose end tag is still to be written */
    size_t depth;
    size_t remote;
    bool overflow;
};

void html_escape(struct str text, struct buf *out) {
    size_t done = 0;
    for (size_t i = 0; i < text.n; i++) {
        const char *entity = NULL;
        switch (text.p[i]) {
        case '&':
            entity = "&amp;";
            break;
        case '<':
            entity = "&lt;";
            break;
        case '>':
            entity = "&gt;";
            break;
        case '"':
            entity = "&quot;";
            break;
        default:
            continue;
        }
        buf_add(out, text.p + done, i - done);
        buf_add_c(out, entity);
        done = i + 1;
    }
    buf_add(out, text.p ? text.p + done : NULL, text.n - done);
}

static const char *attribute_of(const GumboElement *e, const char *name) {
    const GumboAttribute *a = gumbo_get_attribute(&e->attributes, name);
    return a ? a->value : NULL;
}

/* A picture of at most two pixels is there to tell the sender that the mail was read. */
static bool is_tracker(const GumboElement *img) {
    const char *width = attribute_of(img, "width"), *height = attribute_of(img, "height");
    uint32_t w = 100, h = 100;
    if (width)
        str_u32(str_of(width), &w);
    if (height)
        str_u32(str_of(height), &h);
    return w <= 2 && h <= 2;
}

static void write_address(const char *name, struct str value, struct buf *out) {
    buf_printf(out, " %s=\"", name);
    html_escape(value, out);
    buf_add_byte(out, '"');
}

/* What a remote picture leaves that is not shown: its description as text, in no more room than its words need; without
 * one, an empty place of its size. */
static bool write_description(struct writer *w, const GumboElement *img) {
    const char *alt = attribute_of(img, "alt");
    if (!alt || str_trim(str_of(alt)).n == 0)
        return false;
    buf_add_c(w->out, "<span class=\"" HTML_DESCRIPTION_CLASS "\">");
    html_escape(str_of(alt), w->out);
    buf_add_c(w->out, "</span>");
    return true;
}

static void write_attributes(struct writer *w, const GumboElement *e);

static void write_image(struct writer *w, const GumboElement *img) {
    const char *src = attribute_of(img, "src");
    struct buf clean = BUF_EMPTY;
    enum url_kind kind = src ? url_clean(str_of(src), &clean) : URL_NONE;
    struct str address = buf_str(&clean);
    enum html_images images = w->options->images;
    bool blocked = kind == URL_WEB && images == HTML_IMAGES_BLOCK;
    w->remote += kind == URL_WEB;
    if (blocked || kind == URL_MAILTO || kind == URL_TEL || kind == URL_NONE)
        address = str_n(NULL, 0);
    if (kind == URL_CID && images != HTML_IMAGES_KEEP)
        address =
            w->options->cid ? w->options->cid(w->options->context, str_sub(address, 4, address.n)) : str_n(NULL, 0);
    if (!blocked || (!is_tracker(img) && !write_description(w, img))) {
        buf_add_c(w->out, "<img");
        if (address.p)
            write_address("src", address, w->out);
        write_attributes(w, img);
        buf_add_byte(w->out, '>');
    }
    buf_free(&clean);
}

static void write_attributes(struct writer *w, const GumboElement *e) {
    for (unsigned i = 0; i < e->attributes.length; i++)
        allow_attribute(e->tag, e->attributes.data[i], w->out);
    const char *href = e->tag == GUMBO_TAG_A ? attribute_of(e, "href") : NULL;
    struct buf link = BUF_EMPTY;
    if (href && html_link(str_of(href), &link)) {
        write_address("href", buf_str(&link), w->out);
        buf_add_c(w->out, " target=\"_blank\" rel=\"noopener noreferrer\"");
    }
    buf_free(&link);
}

static void write_style(struct writer *w, const GumboElement *style) {
    struct buf css = BUF_EMPTY;
    for (unsigned i = 0; i < style->children.length; i++) {
        const GumboNode *child = style->children.data[i];
        if (child->type == GUMBO_NODE_TEXT || child->type == GUMBO_NODE_WHITESPACE)
            css_sheet(str_of(child->v.text.text), &css);
    }
    if (css.n) {
        buf_add_c(w->out, "<style>\n");
        buf_add_str(w->out, buf_str(&css));
        buf_add_c(w->out, "</style>");
    }
    buf_free(&css);
}

static void write_start(struct writer *w, const GumboElement *e, const char *name) {
    buf_printf(w->out, "<%s", name);
    write_attributes(w, e);
    buf_add_byte(w->out, '>');
}

/* <body>'s colours go to a <div>: the document's own body is ours. */
static bool write_body(struct writer *w, const GumboElement *body) {
    struct buf attributes = BUF_EMPTY;
    for (unsigned i = 0; i < body->attributes.length; i++)
        allow_attribute(GUMBO_TAG_DIV, body->attributes.data[i], &attributes);
    if (attributes.n)
        buf_printf(w->out, "<div%s>", attributes.p);
    bool written = attributes.n > 0;
    buf_free(&attributes);
    return written;
}

static bool starts_with_newline(const GumboElement *e) {
    const GumboNode *first = e->children.length ? e->children.data[0] : NULL;
    return first && (first->type == GUMBO_NODE_TEXT || first->type == GUMBO_NODE_WHITESPACE) &&
           first->v.text.text[0] == '\n';
}

/* Writes what comes at the start of a node. True: its children follow. */
static bool enter(struct writer *w, const GumboNode *node) {
    if (!tree_is_element(node)) {
        if (node->type == GUMBO_NODE_TEXT || node->type == GUMBO_NODE_WHITESPACE || node->type == GUMBO_NODE_CDATA)
            html_escape(str_of(node->v.text.text), w->out);
        return true;
    }
    const GumboElement *e = &node->v.element;
    enum element_rule rule = allow_element(node);
    bool body = e->tag == GUMBO_TAG_BODY && rule == ELEMENT_UNWRAP;
    if (rule == ELEMENT_STYLE)
        write_style(w, e);
    if (rule == ELEMENT_VOID && e->tag == GUMBO_TAG_IMG)
        write_image(w, e);
    else if (rule == ELEMENT_VOID)
        write_start(w, e, gumbo_normalized_tagname(e->tag));
    if (body && w->depth < HTML_MAX_DEPTH && write_body(w, e))
        w->open[w->depth++] = node;
    if (rule == ELEMENT_KEEP && w->depth < HTML_MAX_DEPTH) {
        w->open[w->depth++] = node;
        write_start(w, e, gumbo_normalized_tagname(e->tag));
        if (e->tag == GUMBO_TAG_PRE && starts_with_newline(e)) /* the parser takes one away */
            buf_add_byte(w->out, '\n');
    }
    return rule == ELEMENT_KEEP || rule == ELEMENT_UNWRAP;
}

static void leave(void *context, const GumboNode *node) {
    struct writer *w = context;
    if (w->depth == 0 || w->open[w->depth - 1] != node)
        return;
    w->depth--;
    GumboTag tag = node->v.element.tag;
    buf_printf(w->out, "</%s>", tag == GUMBO_TAG_BODY ? "div" : gumbo_normalized_tagname(tag));
}

static bool in_head(const GumboNode *node) {
    return tree_is_element(node) && node->v.element.tag == GUMBO_TAG_HEAD &&
           node->v.element.tag_namespace == GUMBO_NAMESPACE_HTML;
}

/* One pass: parse, write what is allowed. */
static bool pass(struct str html, const struct html_options *options, struct buf *out, size_t *remote) {
    struct tree t;
    struct writer *w = mem_zero(sizeof *w);
    w->options = options;
    w->out = out;
    bool ok = tree_parse(&t, html);
    const GumboNode *root = ok ? t.output->document : NULL, *head = NULL;
    for (const GumboNode *node = root; node && !w->overflow;) {
        if (in_head(node))
            head = node;
        bool head_text = head && node->parent == head && !tree_is_element(node); /* white space between <style>s */
        bool descend = !head_text && enter(w, node);
        w->overflow = out->n > HTML_MAX_OUTPUT;
        node = tree_next(root, node, descend, leave, w);
    }
    ok = ok && !w->overflow;
    *remote = w->remote;
    free(w);
    tree_free(&t);
    return ok;
}

static const struct html_options CANONICAL = {.images = HTML_IMAGES_KEEP};

/* The canonical form: what, sanitised again, stays as it is. Leaving elements out can make a tree that HTML's own rules
 * read differently (a block in a paragraph, a link in a link); reading it again as the browser will settles that,
 * almost always at once. */
static bool canonical(struct str html, struct buf *out) {
    struct buf one = BUF_EMPTY, two = BUF_EMPTY;
    size_t remote;
    bool ok = pass(html, &CANONICAL, &one, &remote), settled = false;
    for (int i = 0; ok && !settled && i < 8; i++) {
        buf_reset(&two);
        ok = pass(buf_str(&one), &CANONICAL, &two, &remote);
        settled = ok && str_eq(buf_str(&one), buf_str(&two));
        struct buf swap = one;
        one = two;
        two = swap;
    }
    if (ok && settled)
        buf_add_str(out, buf_str(&one));
    buf_free(&one);
    buf_free(&two);
    return ok && settled;
}

bool html_sanitise(struct str html, const struct html_options *options, struct buf *out, struct html_report *report) {
    struct html_report r = {.cut = html.n > HTML_MAX_INPUT};
    struct buf text = BUF_EMPTY;
    size_t before = out->n;
    bool ok = canonical(str_sub(html, 0, HTML_MAX_INPUT), &text) && pass(buf_str(&text), options, out, &r.remote);
    if (!ok)
        out->n = before;
    buf_free(&text);
    if (report)
        *report = r;
    return ok;
}
