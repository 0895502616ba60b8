#include "mail/html/css.h"

enum { CSS_MAX_SHEET = 256 * 1024, CSS_MAX_VALUE = 400, CSS_MAX_NESTING = 8 };

/* Sorted. A name ending in "-" stands for all that begin with it. */
static const char *const PROPERTIES[] = {
    "align-content",
    "align-items",
    "align-self",
    "aspect-ratio",
    "background",
    "background-clip",
    "background-color",
    "border",
    "border-",
    "box-shadow",
    "box-sizing",
    "caption-side",
    "clear",
    "color",
    "column-count",
    "column-gap",
    "direction",
    "display",
    "empty-cells",
    "flex",
    "flex-",
    "float",
    "font",
    "font-",
    "gap",
    "height",
    "hyphens",
    "justify-content",
    "justify-items",
    "letter-spacing",
    "line-height",
    "list-style",
    "list-style-position",
    "list-style-type",
    "margin",
    "margin-",
    "max-height",
    "max-width",
    "min-height",
    "min-width",
    "object-fit",
    "opacity",
    "order",
    "outline",
    "overflow",
    "overflow-wrap",
    "overflow-x",
    "overflow-y",
    "padding",
    "padding-",
    "row-gap",
    "tab-size",
    "table-layout",
    "text-",
    "unicode-bidi",
    "vertical-align",
    "visibility",
    "white-space",
    "width",
    "word-break",
    "word-spacing",
    "word-wrap",
};

static const char *const FUNCTIONS[] = {"rgb", "rgba", "hsl", "hsla", "calc", "min", "max", "clamp", "linear-gradient"};

static bool is_name_byte(char c) { return ascii_alpha(c) || ascii_digit(c) || c == '-' || c == '_'; }
static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

static struct str trim(struct str s) {
    while (s.n && is_blank(s.p[0]))
        s.p++, s.n--;
    while (s.n && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

static bool property_allowed(struct str name) {
    for (size_t i = 0; i < sizeof PROPERTIES / sizeof *PROPERTIES; i++) {
        struct str p = str_of(PROPERTIES[i]);
        bool prefix = p.p[p.n - 1] == '-';
        if (prefix ? str_istarts(name, p) && name.n > p.n : str_ieq(name, p))
            return true;
    }
    return false;
}

static bool function_allowed(struct str name) {
    for (size_t i = 0; i < sizeof FUNCTIONS / sizeof *FUNCTIONS; i++)
        if (str_ieq(name, str_of(FUNCTIONS[i])))
            return true;
    return false;
}

/* Length of the quoted string at the start of s, 0 where it is none that we let pass (font names). */
static size_t string_length(struct str s) {
    for (size_t i = 1; i < s.n; i++) {
        char c = s.p[i];
        if (c == s.p[0])
            return i + 1;
        if (!is_name_byte(c) && c != ' ' && c != '.' && c != ',' && (unsigned char)c < 0x80)
            return 0;
    }
    return 0;
}

/* A value is a flat run of names, numbers, colours, font names and calls of a few functions. */
static bool value_allowed(struct str v) {
    int depth = 0;
    for (size_t i = 0; i < v.n;) {
        char c = v.p[i];
        if (c == '"' || c == '\'') {
            size_t n = string_length(str_sub(v, i, v.n));
            if (n == 0)
                return false;
            i += n;
        } else if (is_name_byte(c)) {
            size_t start = i;
            while (i < v.n && is_name_byte(v.p[i]))
                i++;
            if (i < v.n && v.p[i] == '(') {
                if (!function_allowed(str_sub(v, start, i - start)) || ++depth > CSS_MAX_NESTING)
                    return false;
                i++;
            }
        } else if (c == '(') {
            if (depth == 0 || ++depth > CSS_MAX_NESTING) /* grouping, within calc() only */
                return false;
            i++;
        } else if (c == ')') {
            if (--depth < 0)
                return false;
            i++;
        } else if (is_blank(c) || (c && strchr("#%.,+*/!", c))) {
            if (c == '/' && i + 1 < v.n && v.p[i + 1] == '*') /* would begin a comment */
                return false;
            i++;
        } else {
            return false;
        }
    }
    return depth == 0;
}

static const char *const DISPLAYS[] = {
    "none",
    "block",
    "inline",
    "inline-block",
    "table",
    "inline-table",
    "table-row",
    "table-cell",
    "table-row-group",
    "table-header-group",
    "table-footer-group",
    "table-column",
    "table-column-group",
    "table-caption",
    "list-item",
    "flex",
    "inline-flex",
    "flow-root",
};

static struct str without_important(struct str v) {
    ptrdiff_t bang = str_rchr(v, '!');
    return bang >= 0 && str_ieq(trim(str_sub(v, (size_t)bang + 1, v.n)), STR("important"))
               ? trim(str_sub(v, 0, (size_t)bang))
               : v;
}

static bool declaration_allowed(struct str name, struct str value) {
    if (value.n == 0 || value.n > CSS_MAX_VALUE || !property_allowed(name) || !value_allowed(value))
        return false;
    if (!str_ieq(name, STR("display")))
        return true;
    for (size_t i = 0; i < sizeof DISPLAYS / sizeof *DISPLAYS; i++)
        if (str_ieq(without_important(value), str_of(DISPLAYS[i])))
            return true;
    return false;
}

/* Appends with runs of blanks as one space; property names in lower case. */
static void add_squeezed(struct str s, bool lower, struct buf *out) {
    for (size_t i = 0; i < s.n; i++) {
        char c = is_blank(s.p[i]) ? ' ' : s.p[i];
        if (c == ' ' && i && is_blank(s.p[i - 1]))
            continue;
        buf_add_byte(out, lower ? ascii_lower(c) : c);
    }
}

/* Length of s up to the first of `stops` outside of quotes and parentheses, or all of it. */
static size_t until(struct str s, const char *stops) {
    char quote = 0;
    int depth = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (quote) {
            if (c == quote || c == '\n')
                quote = 0;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (depth == 0 && c && strchr(stops, c)) {
            return i;
        } else if (c == '(') {
            depth++;
        } else if (c == ')' && depth) {
            depth--;
        }
    }
    return s.n;
}

/* Comments as one space. Works on a copy, so that the rest need not know them. */
static void without_comments(struct str css, struct buf *out) {
    for (size_t i = 0; i < css.n;) {
        struct str rest = str_sub(css, i, css.n);
        if (str_starts(rest, STR("/*"))) {
            ptrdiff_t end = str_find(str_sub(rest, 2, rest.n), STR("*/"));
            buf_add_byte(out, ' ');
            i = end < 0 ? css.n : i + 2 + (size_t)end + 2;
        } else if (str_starts(rest, STR("<!--"))) {
            i += 4;
        } else if (str_starts(rest, STR("-->"))) {
            i += 3;
        } else {
            buf_add_byte(out, css.p[i++]);
        }
    }
}

static void declarations(struct str css, struct buf *out) {
    bool first = true;
    while (css.n) {
        size_t n = until(css, ";");
        struct str one = trim(str_sub(css, 0, n));
        css = str_sub(css, n + 1, css.n);
        ptrdiff_t colon = str_chr(one, ':');
        if (colon < 0)
            continue;
        struct str name = trim(str_sub(one, 0, (size_t)colon)), value = trim(str_sub(one, (size_t)colon + 1, one.n));
        if (!declaration_allowed(name, value))
            continue;
        if (!first)
            buf_add_byte(out, ';');
        first = false;
        add_squeezed(name, true, out);
        buf_add_byte(out, ':');
        add_squeezed(value, false, out);
    }
}

void css_declarations(struct str css, struct buf *out) {
    struct buf plain = BUF_EMPTY;
    without_comments(str_sub(css, 0, CSS_MAX_SHEET), &plain);
    declarations(buf_str(&plain), out);
    buf_free(&plain);
}

static bool only(struct str s, const char *others) {
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!is_name_byte(c) && !is_blank(c) && (c == 0 || !strchr(others, c)))
            return false;
    }
    return s.n > 0;
}

/* Quotes and brackets are closed, so that a selector can't swallow what stands behind it. */
static bool balanced(struct str s) {
    char expected[CSS_MAX_NESTING], quote = 0;
    size_t depth = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (quote) {
            quote = c == quote ? 0 : quote;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '(' || c == '[') {
            if (depth == CSS_MAX_NESTING)
                return false;
            expected[depth++] = c == '(' ? ')' : ']';
        } else if ((c == ')' || c == ']') && (depth == 0 || expected[--depth] != c)) {
            return false;
        }
    }
    return depth == 0 && !quote;
}

static bool selector_allowed(struct str s) { return s.n <= 1024 && only(s, ".#,>+~*:()[]=\"'^$|%") && balanced(s); }

/* How a mail looks in the dark is ours to decide: it lies on white paper. */
static bool media_allowed(struct str s) {
    struct buf lower = BUF_EMPTY;
    add_squeezed(s, true, &lower);
    bool ok = s.n <= 256 && only(s, "(),:.") && balanced(s) && str_find(buf_str(&lower), STR("prefers-")) < 0;
    buf_free(&lower);
    return ok;
}

/* The inside of the block whose "{" css starts with, and what follows its "}". */
static struct str block(struct str *css) {
    int depth = 0;
    char quote = 0;
    for (size_t i = 0; i < css->n; i++) {
        char c = css->p[i];
        if (quote)
            quote = c == quote || c == '\n' ? 0 : quote;
        else if (c == '"' || c == '\'')
            quote = c;
        else if (c == '{')
            depth++;
        else if (c == '}' && --depth == 0) {
            struct str inside = str_sub(*css, 1, i - 1);
            *css = str_sub(*css, i + 1, css->n);
            return inside;
        }
    }
    struct str inside = str_sub(*css, 1, css->n);
    *css = str_sub(*css, css->n, 0);
    return inside;
}

static void rules(struct str css, bool media, struct buf *out) {
    while ((css = trim(css)).n) {
        size_t n = until(css, "{};");
        struct str head = trim(str_sub(css, 0, n));
        css = str_sub(css, n, css.n);
        if (css.n == 0)
            return;
        if (css.p[0] != '{') { /* @import, @charset, a stray brace */
            css = str_sub(css, 1, css.n);
            continue;
        }
        struct str inside = block(&css);
        size_t before = out->n;
        bool at_media = media && str_istarts(head, STR("@media")) && head.n > 6 && !is_name_byte(head.p[6]);
        if (at_media ? !media_allowed(trim(str_sub(head, 6, head.n))) : !selector_allowed(head))
            continue;
        if (at_media) {
            buf_add_c(out, "@media ");
            add_squeezed(trim(str_sub(head, 6, head.n)), false, out);
        } else {
            add_squeezed(head, false, out);
        }
        buf_add_byte(out, '{');
        size_t start = out->n;
        if (at_media)
            rules(inside, false, out);
        else
            declarations(inside, out);
        if (out->n == start)
            out->n = before;
        else
            buf_add_c(out, "}\n");
    }
}

void css_sheet(struct str css, struct buf *out) {
    struct buf plain = BUF_EMPTY;
    without_comments(str_sub(css, 0, CSS_MAX_SHEET), &plain);
    rules(buf_str(&plain), true, out);
    buf_free(&plain);
}
