#include "mail/html/allow.h"

#include "mail/html/css.h"
#include "mail/html/html.h"

enum { ATTRIBUTE_MAX = 16 * 1024 };

static const GumboTag KEPT[] = {
    GUMBO_TAG_A,          GUMBO_TAG_ABBR,    GUMBO_TAG_ACRONYM, GUMBO_TAG_ADDRESS,    GUMBO_TAG_ARTICLE,
    GUMBO_TAG_ASIDE,      GUMBO_TAG_B,       GUMBO_TAG_BDI,     GUMBO_TAG_BDO,        GUMBO_TAG_BIG,
    GUMBO_TAG_BLOCKQUOTE, GUMBO_TAG_CAPTION, GUMBO_TAG_CENTER,  GUMBO_TAG_CITE,       GUMBO_TAG_CODE,
    GUMBO_TAG_COLGROUP,   GUMBO_TAG_DD,      GUMBO_TAG_DEL,     GUMBO_TAG_DFN,        GUMBO_TAG_DIV,
    GUMBO_TAG_DL,         GUMBO_TAG_DT,      GUMBO_TAG_EM,      GUMBO_TAG_FIGCAPTION, GUMBO_TAG_FIGURE,
    GUMBO_TAG_FONT,       GUMBO_TAG_FOOTER,  GUMBO_TAG_H1,      GUMBO_TAG_H2,         GUMBO_TAG_H3,
    GUMBO_TAG_H4,         GUMBO_TAG_H5,      GUMBO_TAG_H6,      GUMBO_TAG_HEADER,     GUMBO_TAG_I,
    GUMBO_TAG_INS,        GUMBO_TAG_KBD,     GUMBO_TAG_LI,      GUMBO_TAG_MAIN,       GUMBO_TAG_MARK,
    GUMBO_TAG_NAV,        GUMBO_TAG_OL,      GUMBO_TAG_P,       GUMBO_TAG_PRE,        GUMBO_TAG_Q,
    GUMBO_TAG_S,          GUMBO_TAG_SAMP,    GUMBO_TAG_SECTION, GUMBO_TAG_SMALL,      GUMBO_TAG_SPAN,
    GUMBO_TAG_STRIKE,     GUMBO_TAG_STRONG,  GUMBO_TAG_SUB,     GUMBO_TAG_SUP,        GUMBO_TAG_TABLE,
    GUMBO_TAG_TBODY,      GUMBO_TAG_TD,      GUMBO_TAG_TFOOT,   GUMBO_TAG_TH,         GUMBO_TAG_THEAD,
    GUMBO_TAG_TIME,       GUMBO_TAG_TR,      GUMBO_TAG_TT,      GUMBO_TAG_U,          GUMBO_TAG_UL,
    GUMBO_TAG_VAR,
};
static const GumboTag VOID[] = {GUMBO_TAG_BR, GUMBO_TAG_COL, GUMBO_TAG_HR, GUMBO_TAG_IMG, GUMBO_TAG_WBR};
/* Their content is not prose, or is meant for a browser that can do what this page never will. */
static const GumboTag DROPPED[] = {
    GUMBO_TAG_APPLET, GUMBO_TAG_AUDIO,     GUMBO_TAG_BASE,     GUMBO_TAG_BASEFONT, GUMBO_TAG_BGSOUND,
    GUMBO_TAG_CANVAS, GUMBO_TAG_DATALIST,  GUMBO_TAG_EMBED,    GUMBO_TAG_FRAME,    GUMBO_TAG_FRAMESET,
    GUMBO_TAG_IFRAME, GUMBO_TAG_INPUT,     GUMBO_TAG_KEYGEN,   GUMBO_TAG_LINK,     GUMBO_TAG_MATH,
    GUMBO_TAG_META,   GUMBO_TAG_NOEMBED,   GUMBO_TAG_NOFRAMES, GUMBO_TAG_NOSCRIPT, GUMBO_TAG_OBJECT,
    GUMBO_TAG_PARAM,  GUMBO_TAG_PLAINTEXT, GUMBO_TAG_SCRIPT,   GUMBO_TAG_SELECT,   GUMBO_TAG_SOURCE,
    GUMBO_TAG_SVG,    GUMBO_TAG_TEMPLATE,  GUMBO_TAG_TEXTAREA, GUMBO_TAG_TITLE,    GUMBO_TAG_TRACK,
    GUMBO_TAG_VIDEO,  GUMBO_TAG_XMP,
};

static bool is_one_of(GumboTag tag, const GumboTag *list, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (list[i] == tag)
            return true;
    return false;
}
#define IS_ONE_OF(tag, list) is_one_of(tag, list, sizeof(list) / sizeof *(list))

enum element_rule allow_element(const GumboNode *node) {
    const GumboElement *e = &node->v.element;
    if (e->tag_namespace != GUMBO_NAMESPACE_HTML || node->type == GUMBO_NODE_TEMPLATE || IS_ONE_OF(e->tag, DROPPED))
        return ELEMENT_DROP;
    if (e->tag == GUMBO_TAG_STYLE)
        return ELEMENT_STYLE;
    if (IS_ONE_OF(e->tag, VOID))
        return ELEMENT_VOID;
    return IS_ONE_OF(e->tag, KEPT) ? ELEMENT_KEEP : ELEMENT_UNWRAP;
}

static bool only(struct str s, size_t max, bool (*good)(char c)) {
    for (size_t i = 0; i < s.n; i++)
        if (!good(s.p[i]))
            return false;
    return s.n > 0 && s.n <= max;
}

static bool word_byte(char c) { return ascii_alpha(c) || ascii_digit(c) || c == '-' || c == '_'; }
static bool class_byte(char c) { return word_byte(c) || c == ' ' || c == '.' || c == ':'; }
static bool color_byte(char c) { return ascii_alpha(c) || ascii_digit(c) || c == '#'; }
static bool length_byte(char c) {
    return ascii_digit(c) || c == '%' || c == '.' || c == 'p' || c == 'x' || c == '+' || c == '-';
}
static bool font_byte(char c) { return word_byte(c) || c == ' ' || c == ',' || c == '\'' || (unsigned char)c >= 0x80; }

static bool is_word(struct str s) { return only(s, 40, word_byte); }
static bool is_class(struct str s) { return only(s, 1000, class_byte); }
static bool is_color(struct str s) { return only(s, 40, color_byte); }
static bool is_length(struct str s) { return only(s, 10, length_byte); }
static bool is_font(struct str s) { return only(s, 200, font_byte); }
static bool is_text(struct str s) { return s.n <= 2000; }
static bool is_span(struct str s) {
    uint32_t n;
    return str_u32(s, &n) && n >= 1 && n <= 1000;
}

enum { ANY = 0, TABLE_PART = 1, LIST_PART = 2, IMAGE = 4 };

static const struct {
    const char *name;
    int where;
    bool (*good)(struct str value); /* NULL: a style */
} ATTRIBUTES[] = {
    {"align", ANY, is_word},
    {"alt", IMAGE, is_text},
    {"bgcolor", ANY, is_color},
    {"border", ANY, is_length},
    {"cellpadding", TABLE_PART, is_length},
    {"cellspacing", TABLE_PART, is_length},
    {"class", ANY, is_class},
    {"clear", ANY, is_word},
    {"color", ANY, is_color},
    {"colspan", TABLE_PART, is_span},
    {"dir", ANY, is_word},
    {"face", ANY, is_font},
    {"height", ANY, is_length},
    {"hspace", IMAGE, is_length},
    {"id", ANY, is_class},
    {"lang", ANY, is_word},
    {"nowrap", TABLE_PART, is_text},
    {"role", ANY, is_word},
    {"rowspan", TABLE_PART, is_span},
    {"scope", TABLE_PART, is_word},
    {"size", ANY, is_length},
    {"span", TABLE_PART, is_span},
    {"start", LIST_PART, is_length},
    {"style", ANY, NULL},
    {"title", ANY, is_text},
    {"type", LIST_PART, is_word},
    {"valign", ANY, is_word},
    {"value", LIST_PART, is_length},
    {"vspace", IMAGE, is_length},
    {"width", ANY, is_length},
};

static int place_of(GumboTag tag) {
    static const GumboTag TABLE_PARTS[] = {GUMBO_TAG_TABLE, GUMBO_TAG_TBODY, GUMBO_TAG_THEAD,
                                           GUMBO_TAG_TFOOT, GUMBO_TAG_TR,    GUMBO_TAG_TD,
                                           GUMBO_TAG_TH,    GUMBO_TAG_COL,   GUMBO_TAG_COLGROUP};
    if (tag == GUMBO_TAG_IMG)
        return IMAGE;
    if (tag == GUMBO_TAG_OL || tag == GUMBO_TAG_UL || tag == GUMBO_TAG_LI)
        return LIST_PART;
    return IS_ONE_OF(tag, TABLE_PARTS) ? TABLE_PART : ANY;
}

void allow_attribute(GumboTag tag, const GumboAttribute *attribute, struct buf *out) {
    struct str name = str_of(attribute->name), value = str_of(attribute->value);
    if (attribute->attr_namespace != GUMBO_ATTR_NAMESPACE_NONE || value.n > ATTRIBUTE_MAX)
        return;
    for (size_t i = 0; i < sizeof ATTRIBUTES / sizeof *ATTRIBUTES; i++) {
        if (!str_eq(name, str_of(ATTRIBUTES[i].name)))
            continue;
        if (ATTRIBUTES[i].where != ANY && ATTRIBUTES[i].where != place_of(tag))
            return;
        if (ATTRIBUTES[i].good && !ATTRIBUTES[i].good(value))
            return;
        struct buf style = BUF_EMPTY;
        if (!ATTRIBUTES[i].good) {
            css_declarations(value, &style);
            value = buf_str(&style);
        }
        if (ATTRIBUTES[i].good || value.n) {
            buf_printf(out, " %s=\"", ATTRIBUTES[i].name);
            html_escape(value, out);
            buf_add_byte(out, '"');
        }
        buf_free(&style);
        return;
    }
}
