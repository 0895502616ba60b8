#include "mail/html/html.h"

#include "mail/html/allow.h"
#include "mail/html/tree.h"

/* A tag of the page's structure: what it does to the lines around it. */
enum flow { FLOW_INLINE, FLOW_LINE, FLOW_PARAGRAPH };

enum { QUOTE_MAX = 20 };

struct lines {
    struct buf *out;
    size_t start; /* of our text in out */
    int quote;    /* depth of <blockquote> */
    int pre;      /* depth of <pre> */
    unsigned due; /* line ends to be written before the next word */
    bool space;   /* a space is due */
    bool begun;   /* the line has something on it */
};

static enum flow flow_of(GumboTag tag) {
    switch (tag) {
    case GUMBO_TAG_P:
    case GUMBO_TAG_UL:
    case GUMBO_TAG_OL:
    case GUMBO_TAG_DL:
    case GUMBO_TAG_H1:
    case GUMBO_TAG_H2:
    case GUMBO_TAG_H3:
    case GUMBO_TAG_H4:
    case GUMBO_TAG_H5:
    case GUMBO_TAG_H6:
    case GUMBO_TAG_PRE:
    case GUMBO_TAG_HR:
    case GUMBO_TAG_BLOCKQUOTE:
    case GUMBO_TAG_TABLE:
        return FLOW_PARAGRAPH;
    case GUMBO_TAG_DIV:
    case GUMBO_TAG_LI:
    case GUMBO_TAG_TR:
    case GUMBO_TAG_DT:
    case GUMBO_TAG_DD:
    case GUMBO_TAG_SECTION:
    case GUMBO_TAG_ARTICLE:
    case GUMBO_TAG_HEADER:
    case GUMBO_TAG_FOOTER:
    case GUMBO_TAG_CENTER:
    case GUMBO_TAG_CAPTION:
        return FLOW_LINE;
    default:
        return FLOW_INLINE;
    }
}

static void want_line_ends(struct lines *l, unsigned n) {
    l->due = n > l->due ? n : l->due;
    l->space = false;
}

static void begin_line(struct lines *l, bool empty) {
    int depth = l->quote < QUOTE_MAX ? l->quote : QUOTE_MAX;
    for (int i = 0; i < depth; i++)
        buf_add_byte(l->out, '>');
    if (depth && !empty)
        buf_add_byte(l->out, ' ');
    l->begun = true;
}

static void flush(struct lines *l) {
    bool first = l->out->n == l->start;
    for (; l->due && !first; l->due--) {
        if (!l->begun)
            begin_line(l, true);
        buf_add_byte(l->out, '\n');
        l->begun = false;
    }
    l->due = 0;
    if (!l->begun)
        begin_line(l, false);
    else if (l->space)
        buf_add_byte(l->out, ' ');
    l->space = false;
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

static void add_text(struct lines *l, struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (l->pre && c == '\n') {
            l->due = l->due < 8 ? l->due + 1 : l->due;
        } else if (!l->pre && is_blank(c)) {
            l->space = l->begun;
        } else if (str_starts(str_sub(text, i, 2), STR("\xc2\xa0"))) { /* no-break space */
            l->space = l->begun;
            i++;
        } else {
            if (l->due || l->space || !l->begun)
                flush(l);
            buf_add_byte(l->out, c);
        }
    }
}

static const char *attribute_of(const GumboElement *e, const char *name) {
    const GumboAttribute *a = gumbo_get_attribute(&e->attributes, name);
    return a ? a->value : "";
}

static bool enter(struct lines *l, const GumboNode *node) {
    if (!tree_is_element(node)) {
        if (node->type == GUMBO_NODE_TEXT || node->type == GUMBO_NODE_WHITESPACE)
            add_text(l, str_of(node->v.text.text));
        return true;
    }
    const GumboElement *e = &node->v.element;
    enum element_rule rule = allow_element(node);
    if (rule == ELEMENT_DROP || rule == ELEMENT_STYLE)
        return false;
    enum flow flow = flow_of(e->tag);
    if (flow != FLOW_INLINE)
        want_line_ends(l, flow == FLOW_PARAGRAPH ? 2 : 1);
    l->quote += e->tag == GUMBO_TAG_BLOCKQUOTE;
    l->pre += e->tag == GUMBO_TAG_PRE;
    if (e->tag == GUMBO_TAG_BR) {
        l->due = l->due < 8 ? l->due + 1 : l->due;
        l->space = false;
    }
    if (e->tag == GUMBO_TAG_LI)
        add_text(l, STR("* "));
    if (e->tag == GUMBO_TAG_HR)
        add_text(l, STR("----"));
    if (e->tag == GUMBO_TAG_IMG)
        add_text(l, str_of(attribute_of(e, "alt")));
    if (e->tag == GUMBO_TAG_TD || e->tag == GUMBO_TAG_TH)
        l->space = l->begun;
    return true;
}

/* The text of a link is followed by its address, where that says more. */
static void add_address(struct lines *l, const GumboElement *a) {
    struct buf link = BUF_EMPTY;
    struct str href = str_of(attribute_of(a, "href"));
    struct str shown = a->children.length == 1
                           ? str_of(((const GumboNode *)a->children.data[0])->type == GUMBO_NODE_TEXT
                                        ? ((const GumboNode *)a->children.data[0])->v.text.text
                                        : "")
                           : STR("");
    bool web = str_istarts(href, STR("http")) && html_link(href, &link) && link.n <= 300;
    if (web && str_find(buf_str(&link), str_trim(shown)) < 0) {
        add_text(l, STR(" <"));
        add_text(l, buf_str(&link));
        add_text(l, STR(">"));
    }
    buf_free(&link);
}

static void leave(void *context, const GumboNode *node) {
    struct lines *l = context;
    const GumboElement *e = &node->v.element;
    enum element_rule rule = allow_element(node);
    if (rule == ELEMENT_DROP || rule == ELEMENT_STYLE)
        return;
    if (e->tag == GUMBO_TAG_A)
        add_address(l, e);
    enum flow flow = flow_of(e->tag);
    if (flow != FLOW_INLINE)
        want_line_ends(l, flow == FLOW_PARAGRAPH ? 2 : 1);
    l->quote -= e->tag == GUMBO_TAG_BLOCKQUOTE;
    l->pre -= e->tag == GUMBO_TAG_PRE;
}

bool html_to_text(struct str html, struct buf *out) {
    struct tree t;
    struct lines l = {.out = out, .start = out->n};
    bool ok = tree_parse(&t, str_sub(html, 0, HTML_MAX_INPUT));
    const GumboNode *root = ok ? t.output->document : NULL;
    for (const GumboNode *node = root; node && ok;) {
        bool descend = enter(&l, node);
        ok = out->n - l.start <= HTML_MAX_OUTPUT;
        node = tree_next(root, node, descend, leave, &l);
    }
    if (ok && out->n > l.start)
        buf_add_byte(out, '\n');
    if (!ok)
        out->n = l.start;
    tree_free(&t);
    return ok;
}
