#include "mail/html/text.h"

#include "mail/html/html.h"

/* Plain text: lines of a quote depth, made of words, some of which are addresses. */

enum { MAX_QUOTE = 20, FOLD_LINES = 12 };

static void tell(const struct text_options *o, enum text_kind kind, struct str text, struct str address) {
    const struct text_event event = {.kind = kind, .text = text, .address = address};
    if (text.n || kind > TEXT_MAIL)
        o->sink(o->context, &event);
}

static const struct str NONE = {NULL, 0};

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

static void tell_link(const struct text_options *o, const char *prefix, struct str shown) {
    struct buf raw = BUF_EMPTY, clean = BUF_EMPTY;
    buf_add_c(&raw, prefix);
    buf_add_str(&raw, shown);
    if (html_link(buf_str(&raw), &clean))
        tell(o, TEXT_WEB, shown, buf_str(&clean));
    else
        tell(o, TEXT_PLAIN, shown, NONE);
    buf_free(&raw);
    buf_free(&clean);
}

static bool may_begin_address(char c) { return c == 'h' || c == 'H' || c == 'w' || c == 'W'; }

static void linkify(const struct text_options *o, struct str s) {
    size_t done = 0;
    for (size_t i = 0; i < s.n; i++) {
        size_t n = 0, start = 0, end = 0;
        bool word_start = i == 0 || !is_local_byte(s.p[i - 1]);
        if (word_start && may_begin_address(s.p[i]) && (n = web_address(str_sub(s, i, s.n))) > 0) {
            tell(o, TEXT_PLAIN, str_sub(s, done, i - done), NONE);
            tell_link(o, ascii_lower(s.p[i]) == 'w' ? "https://" : "", str_sub(s, i, n));
            done = i + n;
            i = done - 1;
        } else if (s.p[i] == '@' && mail_address(s, i, done, &start, &end)) {
            tell(o, TEXT_PLAIN, str_sub(s, done, start - done), NONE);
            tell(o, TEXT_MAIL, str_sub(s, start, end - start), str_sub(s, start, end - start));
            done = end;
            i = done - 1;
        }
    }
    tell(o, TEXT_PLAIN, str_sub(s, done, s.n), NONE);
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

static void set_quote(const struct text_options *o, int *depth, int wanted, bool folded) {
    for (; *depth > wanted; --*depth)
        tell(o, *depth == 1 ? TEXT_CLOSE : TEXT_UNQUOTE, NONE, NONE);
    for (; *depth < wanted; ++*depth) {
        const struct text_event open = {.kind = *depth == 0 ? TEXT_OPEN : TEXT_QUOTE, .folded = folded};
        o->sink(o->context, &open);
    }
}

/* What goes between the line before and this one. */
static void begin_line(const struct text_options *o, struct str here, const struct line *l, const char *last_own,
                       bool first, int *depth, struct buf *joined) {
    bool same = l->quote == *depth && !(l->signature && !l->quote);
    if (same && !first) {
        buf_add_byte(joined, '\n');
        return;
    }
    linkify(o, buf_str(joined));
    buf_reset(joined);
    if (l->quote != *depth) {
        bool folded = *depth == 0 && here.p > last_own && quoted_lines(here, o) > FOLD_LINES;
        set_quote(o, depth, l->quote, folded);
    }
}

void text_walk(struct str text, const struct text_options *o) {
    struct buf joined = BUF_EMPTY; /* lines of one depth */
    const char *last_own = last_own_line(text, o);
    int depth = 0, flowing = -1; /* flowing: depth of the flowing line before this one, -1: none */
    bool signature = false, first = true;
    struct str here = text;
    struct line l;
    while (next_line(&text, o, &l)) {
        if (flowing != l.quote || l.signature)
            begin_line(o, here, &l, last_own, first, &depth, &joined);
        if (l.signature && l.quote == 0 && !signature) {
            tell(o, TEXT_SIGNATURE, NONE, NONE);
            signature = true;
        }
        buf_add_str(&joined, l.text);
        flowing = l.flows ? l.quote : -1;
        first = false;
        here = text;
    }
    linkify(o, buf_str(&joined));
    set_quote(o, &depth, 0, false);
    if (signature)
        tell(o, TEXT_END, NONE, NONE);
    buf_free(&joined);
}
