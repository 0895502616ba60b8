/* The first readable words of a message, for lists (RFC 8970). HTML is stripped, not rendered: nothing here is shown as
 * HTML. */
#include "mime/internal.h"

#include <stdlib.h>

enum {
    FIRST_LOOK = 8 * 1024,    /* bytes of a body decoded at first, ... */
    SECOND_LOOK = 128 * 1024, /* ... and where they don't fill the preview: style sheets come before the text */
    MAX_PARTS_TRIED = 20,
    MAX_ENTITY = 10
};

/* ---- HTML to text ---- */

struct entity {
    const char *name;
    uint32_t codepoint;
};

/* Sorted; names that mail uses. Others are left out of the preview. */
static const struct entity entities[] = {
    {"AElig", 0xc6},   {"Aacute", 0xc1}, {"Agrave", 0xc0},   {"Aring", 0xc5},   {"Auml", 0xc4},    {"Ccedil", 0xc7},
    {"Eacute", 0xc9},  {"Egrave", 0xc8}, {"Ntilde", 0xd1},   {"Oacute", 0xd3},  {"Oslash", 0xd8},  {"Ouml", 0xd6},
    {"Uacute", 0xda},  {"Uuml", 0xdc},   {"aacute", 0xe1},   {"acirc", 0xe2},   {"aelig", 0xe6},   {"agrave", 0xe0},
    {"amp", '&'},      {"apos", '\''},   {"aring", 0xe5},    {"atilde", 0xe3},  {"auml", 0xe4},    {"bdquo", 0x201e},
    {"bull", 0x2022},  {"ccedil", 0xe7}, {"cent", 0xa2},     {"copy", 0xa9},    {"deg", 0xb0},     {"eacute", 0xe9},
    {"ecirc", 0xea},   {"egrave", 0xe8}, {"emsp", 0x2003},   {"ensp", 0x2002},  {"euml", 0xeb},    {"euro", 0x20ac},
    {"frac12", 0xbd},  {"gt", '>'},      {"hellip", 0x2026}, {"iacute", 0xed},  {"icirc", 0xee},   {"iexcl", 0xa1},
    {"igrave", 0xec},  {"iquest", 0xbf}, {"iuml", 0xef},     {"laquo", 0xab},   {"ldquo", 0x201c}, {"lsaquo", 0x2039},
    {"lsquo", 0x2018}, {"lt", '<'},      {"mdash", 0x2014},  {"middot", 0xb7},  {"nbsp", 0xa0},    {"ndash", 0x2013},
    {"ntilde", 0xf1},  {"oacute", 0xf3}, {"ocirc", 0xf4},    {"oelig", 0x153},  {"ograve", 0xf2},  {"oslash", 0xf8},
    {"otilde", 0xf5},  {"ouml", 0xf6},   {"pound", 0xa3},    {"quot", '"'},     {"raquo", 0xbb},   {"rarr", 0x2192},
    {"rdquo", 0x201d}, {"reg", 0xae},    {"rsaquo", 0x203a}, {"rsquo", 0x2019}, {"sbquo", 0x201a}, {"sect", 0xa7},
    {"shy", 0xad},     {"szlig", 0xdf},  {"thinsp", 0x2009}, {"times", 0xd7},   {"trade", 0x2122}, {"uacute", 0xfa},
    {"ucirc", 0xfb},   {"ugrave", 0xf9}, {"uuml", 0xfc},     {"yen", 0xa5},     {"zwj", 0x200d},   {"zwnj", 0x200c}};

static int by_entity(const void *name, const void *entry) { return strcmp(name, ((const struct entity *)entry)->name); }

static uint32_t numeric_entity(struct str digits) {
    bool hex = digits.n && ascii_lower(digits.p[0]) == 'x';
    uint32_t v = 0;
    for (size_t i = hex; i < digits.n; i++) {
        int d = mime_hex(digits.p[i]);
        if (d < 0 || (!hex && d > 9))
            return 0;
        v = v * (hex ? 16 : 10) + (uint32_t)d;
        if (v > 0x10ffff)
            return 0;
    }
    return v;
}

/* Appends what the entity at `at` stands for; index behind it. A '&' that begins none is itself. */
static size_t add_entity(struct str s, size_t at, struct buf *out) {
    size_t end = at + 1;
    while (end < s.n && end - at <= MAX_ENTITY && (ascii_alpha(s.p[end]) || ascii_digit(s.p[end]) || s.p[end] == '#'))
        end++;
    struct str name = str_sub(s, at + 1, end - at - 1);
    char c[MAX_ENTITY + 2];
    if (name.n < 2 || !str_to_c(name, c, sizeof c)) {
        buf_add_byte(out, '&');
        return at + 1;
    }
    const struct entity *known = NULL;
    uint32_t codepoint = 0;
    if (name.p[0] == '#')
        codepoint = numeric_entity(str_sub(name, 1, name.n));
    else if ((known = bsearch(c, entities, sizeof entities / sizeof *entities, sizeof *entities, by_entity)))
        codepoint = known->codepoint;
    if (codepoint == 0 && (end >= s.n || s.p[end] != ';')) {
        buf_add_byte(out, '&');
        return at + 1;
    }
    if (codepoint)
        mime_add_utf8(out, codepoint);
    return end < s.n && s.p[end] == ';' ? end + 1 : end;
}

/* Index behind the tag at `at`; quoted values may hold '>'. */
static size_t tag_end(struct str s, size_t at) {
    char quote = 0;
    for (size_t i = at + 1; i < s.n; i++) {
        if (quote)
            quote = s.p[i] == quote ? 0 : quote;
        else if ((s.p[i] == '"' || s.p[i] == '\'') && s.p[i - 1] == '=')
            quote = s.p[i];
        else if (s.p[i] == '>')
            return i + 1;
    }
    return s.n;
}

/* Index behind the end of the element whose content is no text ("</style"), searched from `at`. */
static size_t element_end(struct str s, size_t at, struct str name) {
    while (at < s.n) {
        ptrdiff_t close = str_find(str_sub(s, at, s.n), STR("</"));
        if (close < 0)
            return s.n;
        at += (size_t)close + 2;
        if (str_istarts(str_sub(s, at, s.n), name))
            return tag_end(s, at);
    }
    return s.n;
}

static struct str tag_name(struct str s, size_t at) {
    size_t end = at;
    while (end < s.n && (ascii_alpha(s.p[end]) || ascii_digit(s.p[end])))
        end++;
    return str_sub(s, at, end - at);
}

/* Elements that stand within a word; all others separate words. */
static bool is_inline(struct str name) {
    static const char *const names[] = {"a",    "b",     "i",   "u",   "em",  "strong", "span",
                                        "font", "small", "big", "sub", "sup", "wbr"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_ieq(name, str_of(names[i])))
            return true;
    return false;
}

static size_t pass_tag(struct str s, size_t at, struct buf *out) {
    static const char *const hidden[] = {"style", "script", "title", "template"};
    if (str_starts(str_sub(s, at, s.n), STR("<!--"))) {
        ptrdiff_t end = str_find(str_sub(s, at + 4, s.n), STR("-->"));
        return end < 0 ? s.n : at + 4 + (size_t)end + 3;
    }
    bool closing = at + 1 < s.n && s.p[at + 1] == '/';
    struct str name = tag_name(s, at + 1 + closing);
    size_t end = tag_end(s, at);
    for (size_t i = 0; !closing && i < sizeof hidden / sizeof *hidden; i++)
        if (str_ieq(name, str_of(hidden[i])))
            return element_end(s, end, name);
    if (!is_inline(name))
        buf_add_byte(out, ' ');
    return end;
}

static void strip_html(struct str s, struct buf *out) {
    for (size_t i = 0; i < s.n;) {
        char next = i + 1 < s.n ? s.p[i + 1] : 0;
        if (s.p[i] == '<' && (ascii_alpha(next) || next == '/' || next == '!' || next == '?')) {
            i = pass_tag(s, i, out);
        } else if (s.p[i] == '&') {
            i = add_entity(s, i, out);
        } else {
            size_t start = i++;
            while (i < s.n && s.p[i] != '<' && s.p[i] != '&')
                i++;
            buf_add(out, s.p + start, i - start);
        }
    }
}

/* ---- text to preview ---- */

enum look { L_PRINT, L_BLANK, L_NOTHING, L_JOINER };

/* Blanks, and the invisible characters that bulk mail fills its previews with. */
static enum look look_of(uint32_t c) {
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == 0xa0 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
        c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x2800 || c == 0x3000)
        return L_BLANK;
    if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x34f || c == 0x200b || c == 0x200e || c == 0x200f ||
        (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff)
        return L_NOTHING;
    return c == 0x200c || c == 0x200d ? L_JOINER : L_PRINT;
}

static uint32_t codepoint_at(const char *text, size_t n) {
    const unsigned char *p = (const unsigned char *)text;
    if (n == 1)
        return p[0];
    if (n == 2)
        return (p[0] & 31u) << 6 | (p[1] & 63u);
    if (n == 3)
        return (p[0] & 15u) << 12 | (p[1] & 63u) << 6 | (p[2] & 63u);
    return (p[0] & 7u) << 18 | (p[1] & 63u) << 12 | (p[2] & 63u) << 6 | (p[3] & 63u);
}

struct writer {
    struct buf out;
    size_t characters;
    bool blank;        /* white space is owed */
    struct str joiner; /* a character that joins the next one to the last is owed */
};

static size_t owed(const struct writer *w) { return w->blank || w->joiner.n; }

static bool is_full(const struct writer *w) { return w->characters + owed(w) >= MIME_PREVIEW_CHARACTERS; }

static void add_owed(struct writer *w) {
    w->characters += owed(w);
    if (w->blank)
        buf_add_byte(&w->out, ' ');
    else
        buf_add_str(&w->out, w->joiner);
    w->blank = false;
    w->joiner = MIME_NO_STR;
}

/* Adds the printable ASCII that s begins with, as far as there is room; its length. */
static size_t add_word(struct writer *w, struct str s) {
    size_t n = 0, room = MIME_PREVIEW_CHARACTERS - w->characters - owed(w);
    while (n < s.n && n < room && s.p[n] > ' ' && s.p[n] < 0x7f)
        n++;
    if (n == 0)
        return 0;
    add_owed(w);
    buf_add(&w->out, s.p, n);
    w->characters += n;
    return n;
}

/* Adds one character; its length, 0 where it is none. */
static size_t add_character(struct writer *w, struct str s) {
    size_t n = mime_utf8_sequence(s.p, s.n);
    if (n == 0)
        return 0;
    enum look look = look_of(codepoint_at(s.p, n));
    if (look == L_BLANK) {
        w->blank = w->out.n > 0;
        w->joiner = MIME_NO_STR;
    }
    if (look == L_JOINER && w->out.n && !w->blank)
        w->joiner = str_sub(s, 0, n);
    if (look == L_PRINT) {
        add_owed(w);
        buf_add(&w->out, s.p, n);
        w->characters++;
    }
    return n;
}

/* False when the preview is full. */
static bool add_characters(struct writer *w, struct str s) {
    while (s.n) {
        if (is_full(w))
            return false;
        size_t n = add_word(w, s);
        if (n == 0)
            n = add_character(w, s);
        if (n == 0)
            return true;
        s = str_sub(s, n, s.n);
    }
    return true;
}

/* Plain text without what it quotes and without its signature. */
static bool add_plain(struct writer *w, struct str s) {
    for (size_t at = 0; at < s.n;) {
        struct str line = mime_line(s, at, &at);
        if (str_eq(line, STR("-- ")))
            return true;
        if (line.n && line.p[0] == '>')
            continue;
        if (!add_characters(w, line))
            return false;
        w->blank = w->out.n > 0;
    }
    return true;
}

/* ---- from the message ---- */

/* The preview from the first `limit` bytes of the body; true when it is full. */
static bool look_at(const struct mime_part *part, struct str body, bool html, struct writer *w) {
    struct buf raw = BUF_EMPTY, text = BUF_EMPTY, stripped = BUF_EMPTY;
    mime_decode_transfer(part->encoding, body, &raw);
    struct str charset = mime_parameter_get(part->parameter, part->parameter_count, STR("charset"));
    mime_decode_charset(charset, buf_str(&raw), &text);
    bool full;
    if (html) {
        strip_html(buf_str(&text), &stripped);
        full = !add_characters(w, buf_str(&stripped));
    } else {
        full = !add_plain(w, buf_str(&text));
        if (!full && w->out.n == 0) /* nothing but a quotation */
            full = !add_characters(w, buf_str(&text));
    }
    buf_free(&raw), buf_free(&text), buf_free(&stripped);
    return full;
}

static struct str preview_of(struct arena *a, const struct mime_part *part, struct str message) {
    struct str body = str_sub(message, part->body_offset, part->body_bytes);
    bool html = mime_is(part, STR("text")) && str_eq(part->subtype, STR("html"));
    struct writer w = {.out = BUF_EMPTY};
    if (!look_at(part, str_sub(body, 0, FIRST_LOOK), html, &w) && body.n > FIRST_LOOK) {
        buf_reset(&w.out);
        w.characters = 0, w.blank = false, w.joiner = MIME_NO_STR;
        look_at(part, str_sub(body, 0, SECOND_LOOK), html, &w);
    }
    struct str preview = w.out.n ? arena_str(a, buf_str(&w.out)) : STR("");
    buf_free(&w.out);
    return preview;
}

/* Text to read: text/plain, text/html, and a multipart without parts, which is shown as text. */
static bool is_readable(const struct mime_part *p) {
    if (p->child || str_eq(p->disposition, STR("attachment")))
        return false;
    bool text = mime_is(p, STR("text")) && (str_eq(p->subtype, STR("plain")) || str_eq(p->subtype, STR("html")));
    return text || mime_is_multipart(p);
}

struct str mime_preview(struct arena *a, const struct mime_part *root, struct str message) {
    size_t tried = 0;
    for (const struct mime_part *part = root; part && tried < MAX_PARTS_TRIED; part = mime_following(part)) {
        if (!is_readable(part))
            continue;
        tried++;
        struct str preview = preview_of(a, part, message);
        if (preview.n)
            return preview;
    }
    return STR("");
}
