/* fuzz: web */
#include "mail/html/html.h"
#include "mail/html/text.h"
#include "mail/html/tree.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool held) {
    if (!held)
        abort();
}

static bool address_is_fine(struct str a) {
    static const char *const GOOD[] = {"http://", "https://", "mailto:", "tel:", "cid:", "data:image/"};
    for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++)
        if (str_istarts(a, str_of(GOOD[i])))
            return true;
    return false;
}

static void check_element(const GumboElement *e) {
    static const GumboTag NEVER[] = {GUMBO_TAG_SCRIPT, GUMBO_TAG_IFRAME, GUMBO_TAG_OBJECT, GUMBO_TAG_EMBED,
                                     GUMBO_TAG_SVG,    GUMBO_TAG_MATH,   GUMBO_TAG_BASE,   GUMBO_TAG_META,
                                     GUMBO_TAG_LINK,   GUMBO_TAG_FORM,   GUMBO_TAG_INPUT,  GUMBO_TAG_TEMPLATE};
    demand(e->tag_namespace == GUMBO_NAMESPACE_HTML);
    for (size_t i = 0; i < sizeof NEVER / sizeof *NEVER; i++)
        demand(e->tag != NEVER[i]);
    for (unsigned i = 0; i < e->attributes.length; i++) {
        const GumboAttribute *a = e->attributes.data[i];
        demand(!str_istarts(str_of(a->name), STR("on")));
        if (str_eq(str_of(a->name), STR("href")) || str_eq(str_of(a->name), STR("src")))
            demand(address_is_fine(str_of(a->value)));
        if (str_eq(str_of(a->name), STR("style")))
            demand(str_find(str_of(a->value), STR("url(")) < 0 && str_find(str_of(a->value), STR("position:")) < 0);
    }
}

/* What comes out is read back as a browser would: nothing forbidden is in the tree, and sanitising it again changes
 * nothing. */
static void check_sanitised(struct str html) {
    struct html_options options = {.images = HTML_IMAGES_REMOTE};
    struct buf once = BUF_EMPTY, twice = BUF_EMPTY;
    if (html_sanitise(html, &options, &once, NULL)) {
        struct tree t;
        demand(str_is_utf8(buf_str(&once)));
        demand(html_sanitise(buf_str(&once), &options, &twice, NULL));
        demand(str_eq(buf_str(&once), buf_str(&twice)));
        demand(tree_parse(&t, buf_str(&once)));
        for (const GumboNode *n = t.output->document; n; n = tree_next(t.output->document, n, true, NULL, NULL))
            if (tree_is_element(n))
                check_element(&n->v.element);
        tree_free(&t);
    }
    buf_free(&once);
    buf_free(&twice);
}

struct nesting {
    int quotes, signatures;
};

/* What is opened is closed, in order; links are links. */
static void check_event(void *context, const struct text_event *e) {
    struct nesting *n = context;
    switch (e->kind) {
    case TEXT_PLAIN:
    case TEXT_MAIL:
        demand(e->text.n > 0);
        break;
    case TEXT_WEB:
        demand(str_istarts(e->address, STR("http")) && str_chr(e->address, '"') < 0);
        break;
    case TEXT_OPEN:
        demand(n->quotes++ == 0);
        break;
    case TEXT_CLOSE:
        demand(--n->quotes == 0);
        break;
    case TEXT_QUOTE:
        demand(n->quotes++ > 0);
        break;
    case TEXT_UNQUOTE:
        demand(--n->quotes > 0);
        break;
    case TEXT_SIGNATURE:
        demand(n->signatures++ == 0 && n->quotes == 0);
        break;
    case TEXT_END:
        demand(--n->signatures == 0 && n->quotes == 0);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = str_n(data, size);
    struct buf out = BUF_EMPTY;
    check_sanitised(in);
    html_to_text(in, &out);
    struct nesting nesting = {0};
    struct text_options options = {.flowed = size & 1, .delsp = size & 2, .sink = check_event, .context = &nesting};
    text_walk(in, &options);
    demand(nesting.quotes == 0 && nesting.signatures == 0);
    buf_free(&out);
    return 0;
}
