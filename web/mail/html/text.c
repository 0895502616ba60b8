#include "mail/html/html.h"

/* Plain text: lines of a quote depth, made of words, some of which are addresses. */

enum { MAX_QUOTE = 20, FOLD_LINES = 12 };

struct line {
    struct str text;
    int quote;
    bool flows; /* goes on in the next line (RFC 3676) */
    bool signature;
};

static bool is_url_byte(char c) {
    return (unsigned char)c > ' ' && c != '<' && c != '>' && c != '"' && c != '`' && c != '\\' && c != '^' &&
           c != '{' && c != '}' && c != '|';
}

static size_t count(struct str s, char c) {
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == c;
    return n;
}

/* Punctuation behind an address belongs to the sentence; a closing bracket does when it was not opened within. */
static size_t without_punctuation(struct str s) {
    for (int removed = 0; s.n && removed < 20; removed++) {
        char c = s.p[s.n - 1];
        char opening = c == ')' ? '(' : c == ']' ? '[' : 0;
        bool unopened = opening && count(s, c) > count(s, opening);
        if (!unopened && !(c && strchr(".,:;!?'*_~", c)))
            break;
        s.n--;
    }
    return s.n;
}

static bool is_host_byte(char c) {
    return ascii_alpha(c) || ascii_digit(c) || c == '-' || c == '.' || (unsigned char)c >= 0x80;
}
static bool is_local_byte(char c) { return is_host_byte(c) || c == '_' || c == '+' || c == '=' || c == '~'; }

/* Length of the web address at the start of s, 0 where there is none. */
static size_t web_address(struct str s) {
    static const char *const STARTS[] = {"https://", "http://", "www."};
    for (size_t i = 0; i < 3; i++) {
        size_t start = strlen(STARTS[i]), n = start;
        if (!str_istarts(s, str_of(STARTS[i])))
            continue;
        while (n < s.n && n < 2000 && is_url_byte(s.p[n]))
            n++;
        n = without_punctuation(str_sub(s, 0, n));
        bool host = n > start && is_host_byte(s.p[start]) && (i < 2 || str_chr(str_sub(s, start, n - start), '.') >= 0);
        return host ? n : 0;
    }
    return 0;
}

/* Where s has a mail address around the @ at `at`: its start; *end is behind it. */
static bool mail_address(struct str s, size_t at, size_t from, size_t *start, size_t *end) {
    size_t a = at, b = at + 1;
    while (a > from && at - a < 64 && is_local_byte(s.p[a - 1]))
        a--;
    while (b < s.n && b - at < 255 && is_host_byte(s.p[b]))
        b++;
    b = at + 1 + without_punctuation(str_sub(s, at + 1, b - at - 1));
    if (a == at || b <= at + 3 || str_chr(str_sub(s, at + 1, b - at - 1), '.') <= 0)
        return false;
    *start = a;
    *end = b;
    return true;
}

static void add_link(const char *prefix, struct str address, bool outside, struct buf *out) {
    struct buf raw = BUF_EMPTY, clean = BUF_EMPTY;
    buf_add_c(&raw, prefix);
    buf_add_str(&raw, address);
    if (html_link(buf_str(&raw), &clean)) {
        buf_add_c(out, "<a href=\"");
        html_escape(buf_str(&clean), out);
        buf_add_c(out, outside ? "\" target=\"_blank\" rel=\"noopener noreferrer\">" : "\">");
        html_escape(address, out);
        buf_add_c(out, "</a>");
    } else {
        html_escape(address, out);
    }
    buf_free(&raw);
    buf_free(&clean);
}

static void linkify(struct str s, struct buf *out) {
    size_t done = 0;
    for (size_t i = 0; i < s.n; i++) {
        size_t n = 0, start = 0, end = 0;
        bool word_start = i == 0 || !is_local_byte(s.p[i - 1]);
        if (word_start && (s.p[i] == 'h' || s.p[i] == 'H' || s.p[i] == 'w' || s.p[i] == 'W') &&
            (n = web_address(str_sub(s, i, s.n))) > 0) {
            html_escape(str_sub(s, done, i - done), out);
            add_link(ascii_lower(s.p[i]) == 'w' ? "https://" : "", str_sub(s, i, n), true, out);
            done = i + n;
            i = done - 1;
        } else if (s.p[i] == '@' && mail_address(s, i, done, &start, &end)) {
            html_escape(str_sub(s, done, start - done), out);
            add_link("mailto:", str_sub(s, start, end - start), false, out);
            done = end;
            i = done - 1;
        }
    }
    html_escape(str_sub(s, done, s.n), out);
}

static bool next_line(struct str *rest, const struct text_options *options, struct line *line) {
    struct str raw;
    if (rest->n == 0 || !str_split(rest, '\n', &raw))
        return false;
    if (raw.n && raw.p[raw.n - 1] == '\r')
        raw.n--;
    *line = (struct line){.text = raw};
    for (size_t i = 0; i < raw.n && line->quote < MAX_QUOTE; i++) {
        if (raw.p[i] == '>')
            line->quote++;
        else if (raw.p[i] != ' ' || line->quote == 0 || options->flowed || i + 1 >= raw.n || raw.p[i + 1] != '>')
            break;
        line->text = str_sub(raw, i + 1, raw.n);
    }
    bool stuffed = line->text.n && line->text.p[0] == ' ' && (options->flowed || line->quote);
    if (stuffed)
        line->text = str_sub(line->text, 1, line->text.n);
    line->signature = str_eq(line->text, STR("-- "));
    line->flows = options->flowed && !line->signature && line->text.n && line->text.p[line->text.n - 1] == ' ';
    if (line->flows && options->delsp)
        line->text.n--;
    return true;
}

/* Number of lines from here on that are quoted. */
static size_t quoted_lines(struct str rest, const struct text_options *options) {
    struct line l;
    size_t n = 0;
    while (n <= FOLD_LINES && next_line(&rest, options, &l) && l.quote)
        n++;
    return n;
}

/* Where the last line of the writer's own stands: neither quoted, nor blank, nor part of the signature. */
static const char *last_own_line(struct str text, const struct text_options *options) {
    struct line l;
    const char *last = text.p, *at = text.p;
    for (; next_line(&text, options, &l) && !(l.signature && !l.quote); at = text.p)
        if (!l.quote && str_trim(l.text).n)
            last = at;
    return last;
}

static void set_quote(int *depth, int wanted, bool fold, struct buf *out) {
    for (; *depth > wanted; --*depth)
        buf_add_c(out, *depth == 1 ? "</blockquote></details>" : "</blockquote>");
    for (; *depth < wanted; ++*depth) {
        if (*depth == 0)
            buf_add_c(out, fold ? "<details class=\"quote\"><summary>Quoted text</summary><blockquote>"
                                : "<details class=\"quote\" open><summary>Quoted text</summary><blockquote>");
        else
            buf_add_c(out, "<blockquote>");
    }
}

/* What goes between the line before and this one. */
static void begin_line(struct str here, const struct line *l, const char *last_own, bool first, int *depth,
                       const struct text_options *options, struct buf *out) {
    bool same = l->quote == *depth && !(l->signature && !l->quote);
    if (same && !first)
        buf_add_byte(out, '\n');
    if (l->quote != *depth) {
        bool fold = *depth == 0 && here.p > last_own && quoted_lines(here, options) > FOLD_LINES;
        set_quote(depth, l->quote, fold, out);
    }
}

void text_to_html(struct str text, const struct text_options *options, struct buf *out) {
    struct buf joined = BUF_EMPTY;
    const char *last_own = last_own_line(text, options);
    int depth = 0, flowing = -1; /* flowing: depth of the flowing line before this one, -1: none */
    bool signature = false, first = true;
    struct str here = text;
    struct line l;
    while (next_line(&text, options, &l)) {
        if (flowing != l.quote || l.signature) {
            linkify(buf_str(&joined), out);
            buf_reset(&joined);
            begin_line(here, &l, last_own, first, &depth, options, out);
        }
        if (l.signature && l.quote == 0 && !signature) {
            buf_add_c(out, "<div class=\"signature\">");
            signature = true;
        }
        buf_add_str(&joined, l.text);
        flowing = l.flows ? l.quote : -1;
        first = false;
        here = text;
    }
    linkify(buf_str(&joined), out);
    set_quote(&depth, 0, false, out);
    if (signature)
        buf_add_c(out, "</div>");
    buf_free(&joined);
}
