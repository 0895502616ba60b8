/* Parameters of Content-Type and Content-Disposition: RFC 2045 section 5.1, and RFC 2231's continuations and charsets.
 */
#include "mime/internal.h"

/* Index behind the comment that opens at `at`; nesting is counted, not recursed into. */
static size_t comment_end(struct str s, size_t at) {
    size_t depth = 0;
    for (; at < s.n; at++) {
        if (s.p[at] == '\\')
            at++;
        else if (s.p[at] == '(')
            depth++;
        else if (s.p[at] == ')' && --depth == 0)
            return at + 1;
    }
    return s.n;
}

size_t mime_skip_cfws(struct str s, size_t at) {
    while (at < s.n && (mime_blank(s.p[at]) || s.p[at] == '('))
        at = s.p[at] == '(' ? comment_end(s, at) : at + 1;
    return at;
}

static bool token_byte(char c) { return (unsigned char)c > ' ' && c != 0x7f && !strchr("()/;=,\"", c); }

struct str mime_token(struct arena *a, struct str *s) {
    size_t start = mime_skip_cfws(*s, 0), end = start;
    while (end < s->n && token_byte(s->p[end]))
        end++;
    struct str token = str_sub(*s, start, end - start);
    *s = str_sub(*s, mime_skip_cfws(*s, end), s->n);
    return token.n ? arena_lower(a, token) : STR("");
}

/* One "name=value" as written: RFC 2231 section 3 numbers (`section`, -1: none) and section 4 marks encoded pieces. */
struct piece {
    struct str name;
    struct str value;
    int section;
    bool encoded;
};

/* A quoted string's content. Only \" and \\ are taken as quoted pairs: file names from Windows hold lone backslashes.
 */
static struct str read_quoted(struct arena *a, struct str s, size_t *at) {
    size_t i = *at + 1, start = i;
    bool escapes = false;
    for (; i < s.n && s.p[i] != '"'; i++)
        if (s.p[i] == '\\' && i + 1 < s.n && (s.p[i + 1] == '"' || s.p[i + 1] == '\\'))
            escapes = true, i++;
    struct str raw = str_sub(s, start, i - start);
    *at = i < s.n ? i + 1 : s.n;
    if (!escapes)
        return raw;
    char *to = arena_alloc(a, raw.n);
    size_t n = 0;
    for (size_t k = 0; k < raw.n; k++) {
        if (raw.p[k] == '\\' && k + 1 < raw.n && (raw.p[k + 1] == '"' || raw.p[k + 1] == '\\'))
            k++;
        to[n++] = raw.p[k];
    }
    return (struct str){to, n};
}

/* A value that is not quoted goes to the semicolon (file names with blanks are often sent so), less a comment behind
 * it. */
static struct str read_unquoted(struct str s, size_t *at) {
    size_t start = *at, comment = 0;
    while (*at < s.n && s.p[*at] != ';') {
        if (s.p[*at] == '(' && *at > start && mime_blank(s.p[*at - 1])) {
            size_t end = mime_skip_cfws(s, *at);
            if (end == s.n || s.p[end] == ';')
                comment = *at, *at = end;
            else
                (*at)++;
        } else {
            (*at)++;
        }
    }
    return str_trim(str_sub(s, start, (comment ? comment : *at) - start));
}

/* "name", "name*", "name*3", "name*3*" (RFC 2231 section 7). */
static void split_name(struct arena *a, struct str written, struct piece *piece) {
    struct str name = written;
    piece->section = -1;
    if (name.n && name.p[name.n - 1] == '*') {
        piece->encoded = true;
        name.n--;
    }
    ptrdiff_t star = str_rchr(name, '*');
    uint32_t section;
    if (star > 0 && str_u32(str_sub(name, (size_t)star + 1, name.n), &section) && section < 10000) {
        piece->section = (int)section;
        name.n = (size_t)star;
    }
    piece->name = arena_lower(a, name);
}

static size_t read_pieces(struct arena *a, struct str s, struct piece *pieces, size_t max) {
    size_t count = 0;
    for (size_t at = 0; at < s.n && count < max;) {
        at = mime_skip_cfws(s, at);
        if (at < s.n && s.p[at] == ';') {
            at++;
            continue;
        }
        size_t start = at;
        while (at < s.n && token_byte(s.p[at]))
            at++;
        struct str name = str_sub(s, start, at - start);
        at = mime_skip_cfws(s, at);
        if (name.n == 0 || at >= s.n || s.p[at] != '=') { /* no parameter: on behind the next semicolon */
            while (at < s.n && s.p[at] != ';')
                at++;
            continue;
        }
        struct piece *piece = &pieces[count++];
        *piece = (struct piece){0};
        split_name(a, name, piece);
        at = mime_skip_cfws(s, at + 1);
        if (at < s.n && s.p[at] == '"')
            piece->value = read_quoted(a, s, &at);
        else
            piece->value = read_unquoted(s, &at);
    }
    return count;
}

static void percent_decode(struct str s, struct buf *out) {
    for (size_t i = 0; i < s.n; i++) {
        int high, low;
        if (s.p[i] == '%' && i + 2 < s.n && (high = mime_hex(s.p[i + 1])) >= 0 && (low = mime_hex(s.p[i + 2])) >= 0) {
            buf_add_byte(out, (char)(high << 4 | low));
            i += 2;
        } else {
            buf_add_byte(out, s.p[i]);
        }
    }
}

/* Takes "charset'language'" off the start of *value (RFC 2231 section 4). */
static struct str take_charset(struct str *value) {
    ptrdiff_t first = str_chr(*value, '\'');
    if (first < 0)
        return MIME_NO_STR;
    ptrdiff_t second = str_chr(str_sub(*value, (size_t)first + 1, value->n), '\'');
    if (second < 0)
        return MIME_NO_STR;
    struct str charset = str_sub(*value, 0, (size_t)first);
    *value = str_sub(*value, (size_t)(first + 1 + second + 1), value->n);
    return charset;
}

/* Joins pieces[0..count), which are in order of their sections. */
static struct str join_extended(struct arena *a, struct piece *const *pieces, size_t count) {
    struct buf raw = BUF_EMPTY, text = BUF_EMPTY, line = BUF_EMPTY;
    struct str charset = MIME_NO_STR;
    for (size_t i = 0; i < count; i++) {
        struct str value = pieces[i]->value;
        if (i == 0 && pieces[0]->encoded)
            charset = take_charset(&value);
        if (pieces[i]->encoded)
            percent_decode(value, &raw);
        else
            buf_add_str(&raw, value);
    }
    mime_decode_charset(charset, buf_str(&raw), &text);
    mime_add_line(&line, buf_str(&text));
    struct str joined = arena_str(a, buf_str(&line));
    buf_free(&raw), buf_free(&text), buf_free(&line);
    return joined;
}

/* A boundary is compared with the message's bytes, so it stays as it is. */
static struct str plain_value(struct arena *a, const struct piece *piece) {
    return str_eq(piece->name, STR("boundary")) ? piece->value : mime_decode_words(a, piece->value);
}

/* The value of a name from all its pieces: the extended form wins over the plain one (RFC 6266 section 4.3 says so for
 * file names, which mailers send in both forms), a plain one is the first of its name. */
static struct str value_of(struct arena *a, struct piece *pieces, size_t count, const struct piece *plain,
                           struct str name) {
    struct piece *extended[MIME_MAX_PARAMETERS];
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if ((pieces[i].section < 0 && !pieces[i].encoded) || !str_eq(pieces[i].name, name))
            continue;
        size_t to = n++;
        for (; to > 0 && extended[to - 1]->section > pieces[i].section; to--)
            extended[to] = extended[to - 1];
        extended[to] = &pieces[i];
    }
    if (n == 0)
        return plain_value(a, plain);
    if (extended[0]->section < 0) /* "name*" is whole by itself */
        n = 1;
    return join_extended(a, extended, n);
}

static struct mime_parameter *join_pieces(struct arena *a, struct piece *pieces, size_t found, size_t *count) {
    *count = 0;
    if (found == 0)
        return NULL;
    size_t n = 0;
    struct mime_parameter *parameters = arena_array(a, found, sizeof *parameters);
    for (size_t i = 0; i < found; i++) {
        if (mime_parameter_get(parameters, n, pieces[i].name).p)
            continue;
        parameters[n].name = pieces[i].name;
        parameters[n++].value = value_of(a, pieces, found, &pieces[i], pieces[i].name);
    }
    *count = n;
    return parameters;
}

struct mime_parameter *mime_parse_parameters(struct arena *a, struct str s, size_t *count) {
    struct piece pieces[MIME_MAX_PARAMETERS];
    return join_pieces(a, pieces, read_pieces(a, s, pieces, MIME_MAX_PARAMETERS), count);
}

struct mime_parameter *mime_join_parameters(struct arena *a, const struct mime_parameter *raw, size_t *count) {
    struct piece pieces[MIME_MAX_PARAMETERS];
    size_t n = *count < MIME_MAX_PARAMETERS ? *count : MIME_MAX_PARAMETERS;
    for (size_t i = 0; i < n; i++) {
        pieces[i] = (struct piece){.value = raw[i].value};
        split_name(a, raw[i].name, &pieces[i]);
    }
    return join_pieces(a, pieces, n, count);
}

struct str mime_parameter_get(const struct mime_parameter *p, size_t count, struct str name) {
    for (size_t i = 0; i < count; i++)
        if (str_ieq(p[i].name, name))
            return p[i].value;
    return MIME_NO_STR;
}

struct str mime_part_filename(const struct mime_part *part) {
    struct str name =
        mime_parameter_get(part->disposition_parameter, part->disposition_parameter_count, STR("filename"));
    if (name.n == 0)
        name = mime_parameter_get(part->parameter, part->parameter_count, STR("name"));
    return name.n ? name : MIME_NO_STR;
}

/* ---- building ---- */

static bool attribute_byte(char c) { /* RFC 2231 section 7 */
    return ascii_alpha(c) || ascii_digit(c) || (c && strchr("!#$&+-.^_`{|}~", c));
}

void mime_add_percent(struct str s, struct buf *out) {
    static const char digit[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        char escape[3] = {'%', digit[c >> 4], digit[c & 15]};
        if (attribute_byte((char)c))
            buf_add_byte(out, (char)c);
        else
            buf_add(out, escape, 3);
    }
}

/* Whole characters of s, as many as fit in `room` columns when escaped. */
static struct str fitting(struct str s, size_t room) {
    size_t used = 0, at = 0;
    while (at < s.n) {
        size_t n = mime_utf8_sequence(s.p + at, s.n - at), cost = n == 1 && attribute_byte(s.p[at]) ? 1 : 3 * n;
        if (used + cost > room)
            break;
        used += cost, at += n;
    }
    return str_sub(s, 0, at);
}

enum { SECTION_COLUMNS = 48, SHORT_VALUE = 60 };

static void add_extended(struct str name, struct str value, struct buf *out) {
    bool whole = fitting(value, SECTION_COLUMNS).n == value.n;
    for (unsigned section = 0; section == 0 || value.n; section++) {
        struct str piece = fitting(value, SECTION_COLUMNS);
        buf_printf(out, ";\r\n %.*s*", STR_ARG(name));
        if (!whole)
            buf_printf(out, "%u*", section);
        buf_add_c(out, section ? "=" : "=utf-8''");
        mime_add_percent(piece, out);
        value = str_sub(value, piece.n, value.n);
    }
}

void mime_encode_parameter(struct str name, struct str utf8, struct buf *out) {
    struct buf text = BUF_EMPTY, line = BUF_EMPTY;
    mime_decode_charset(STR("utf-8"), utf8, &text);
    mime_add_line(&line, buf_str(&text));
    struct str value = buf_str(&line);
    if (mime_ascii_run(value.p, value.n) < value.n || value.n > SHORT_VALUE) {
        add_extended(name, value, out);
    } else {
        buf_printf(out, ";\r\n %.*s=", STR_ARG(name));
        mime_add_quoted(value, out);
    }
    buf_free(&text), buf_free(&line);
}
