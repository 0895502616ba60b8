#include "authres/authres.h"

enum {
    LINE_COLUMNS = 78,
    FIELD_NAME_COLUMNS = sizeof "Authentication-Results: " - 1,
};

/* ---- building ---- */

/* The column at which the next byte goes. */
static size_t column(const struct buf *out) {
    ptrdiff_t lf = str_rchr(buf_str(out), '\n');
    return lf < 0 ? FIELD_NAME_COLUMNS + out->n : out->n - (size_t)lf + 7; /* a tab is eight wide */
}

/* The white space before a piece of n columns: a blank, or a fold where the line would be too long. */
static void gap(struct buf *out, size_t n) {
    if (column(out) + 1 + n <= LINE_COLUMNS)
        buf_add_byte(out, ' ');
    else
        buf_add_c(out, "\r\n\t");
}

/* Text as it may stand within quotes or a comment: printable ASCII, everything else a question mark. */
static char plain(char c) { return c >= ' ' && c <= '~' ? c : '?'; }

static void add_escaped(struct buf *out, struct str text, const char *special) {
    for (size_t i = 0; i < text.n; i++) {
        char c = plain(text.p[i]);
        if (strchr(special, c))
            buf_add_byte(out, '\\');
        buf_add_byte(out, c);
    }
}

static void add_quoted(struct buf *out, struct str text) {
    buf_add_byte(out, '"');
    add_escaped(out, text, "\"\\");
    buf_add_byte(out, '"');
}

static bool one_of(char c, const char *set) { return c && strchr(set, c); }

/* RFC 2045 section 5.1. */
static bool is_token_char(char c) { return c > ' ' && c < 0x7f && !strchr("()<>@,;:\\\"/[]?=", c); }

static bool is_token(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (!is_token_char(s.p[i]))
            return false;
    return s.n > 0;
}

static bool is_domain(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (!ascii_alpha(s.p[i]) && !ascii_digit(s.p[i]) && !one_of(s.p[i], "-._"))
            return false;
    return s.n > 0;
}

/* RFC 5322 dot-atom-text, loosely: what needs no quotes before an "@". */
static bool is_local_part(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (!ascii_alpha(s.p[i]) && !ascii_digit(s.p[i]) && !one_of(s.p[i], "!#$%&'*+-/=?^_`{|}~."))
            return false;
    return true;
}

/* pvalue: a value, or [local-part] "@" domain-name (section 2.2). */
static bool is_pvalue(struct str s) {
    ptrdiff_t at = str_rchr(s, '@');
    if (at < 0)
        return is_token(s);
    return is_local_part(str_sub(s, 0, (size_t)at)) && is_domain(str_sub(s, (size_t)at + 1, s.n));
}

void authres_begin(struct buf *out, const char *authserv_id) { buf_add_c(out, authserv_id); }

void authres_method(struct buf *out, const char *method, const char *result) {
    buf_printf(out, ";\r\n\t%s=%s", method, result);
}

void authres_methods(struct buf *out, struct str text) { buf_add_str(out, text); }

void authres_comment(struct buf *out, struct str text) {
    text = str_sub(text, 0, AUTHRES_MAX_VALUE);
    if (text.n == 0)
        return;
    gap(out, text.n + 2);
    buf_add_byte(out, '(');
    add_escaped(out, text, "()\\");
    buf_add_byte(out, ')');
}

void authres_reason(struct buf *out, struct str text) {
    text = str_sub(text, 0, AUTHRES_MAX_VALUE);
    if (text.n == 0)
        return;
    gap(out, text.n + sizeof "reason=\"\"" - 1);
    buf_add_c(out, "reason=");
    add_quoted(out, text);
}

void authres_property(struct buf *out, const char *type, const char *property, struct str value) {
    value = str_sub(value, 0, AUTHRES_MAX_VALUE);
    if (value.n == 0)
        return;
    gap(out, strlen(type) + strlen(property) + value.n + 2);
    buf_printf(out, "%s.%s=", type, property);
    if (is_pvalue(value))
        buf_add_str(out, value);
    else
        add_quoted(out, value);
}

void authres_end(struct buf *out) {
    if (str_chr(buf_str(out), ';') < 0)
        buf_add_c(out, "; none");
}

/* ---- recognising ---- */

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/* Index behind white space and comments from `at` on, or SIZE_MAX where a comment is never closed. */
static size_t skip_cfws(struct str s, size_t at) {
    size_t depth = 0;
    for (; at < s.n; at++) {
        char c = s.p[at];
        if (depth && c == '\\')
            at++;
        else if (c == '(')
            depth++;
        else if (depth && c == ')')
            depth--;
        else if (!depth && !is_blank(c))
            break;
    }
    return depth ? SIZE_MAX : at;
}

static bool read_quoted(struct arena *a, struct str s, struct str *out) {
    char *text = arena_alloc(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 1; i < s.n; i++) {
        char c = s.p[i];
        if (c == '"') {
            *out = str_n(text, n);
            return true;
        }
        if (c == '\\' && i + 1 < s.n)
            c = s.p[++i];
        if (c != '\r' && c != '\n')
            text[n++] = c;
    }
    return false;
}

bool authres_id(struct arena *a, struct str value, struct str *id) {
    size_t at = skip_cfws(value, 0);
    if (at >= value.n)
        return false;
    struct str rest = str_sub(value, at, value.n);
    if (rest.p[0] == '"')
        return read_quoted(a, rest, id);
    size_t n = 0;
    while (n < rest.n && (is_token_char(rest.p[n]) || (rest.p[n] & 0x80)))
        n++;
    *id = arena_str(a, str_sub(rest, 0, n));
    return n > 0;
}

static bool contains(struct str text, struct str name) {
    for (size_t i = 0; i + name.n <= text.n; i++)
        if (str_ieq(str_sub(text, i, name.n), name))
            return true;
    return false;
}

bool authres_claims(struct str value, const char *authserv_id) {
    struct arena a = ARENA_EMPTY;
    struct str id, wanted = str_of(authserv_id);
    bool read = authres_id(&a, value, &id), claims;
    id = read ? str_trim(id) : id;
    if (read && id.n && id.p[id.n - 1] == '.') /* the same name to whoever asks the DNS for it */
        id.n--;
    claims = read ? str_ieq(id, wanted) : contains(value, wanted);
    arena_free(&a);
    return claims;
}

/* ---- reading ---- */

/* Moves *at behind a token or quoted string, which is *word then. */
static bool take_word(struct arena *a, struct str s, size_t *at, struct str *word) {
    if (*at < s.n && s.p[*at] == '"') {
        size_t end = *at + 1;
        while (end < s.n && s.p[end] != '"')
            end += s.p[end] == '\\' ? 2 : 1;
        if (end >= s.n || !read_quoted(a, str_sub(s, *at, end - *at + 1), word))
            return false;
        *at = end + 1;
        return true;
    }
    size_t start = *at;
    while (*at < s.n && (is_token_char(s.p[*at]) || s.p[*at] == '@' || (s.p[*at] & 0x80)))
        ++*at;
    *word = str_sub(s, start, *at - start);
    return word->n > 0;
}

/* Takes "name = value" with the white space behind it; a version ("/1") behind the name is passed over. */
static bool take_pair(struct arena *a, struct str s, size_t *at, struct str *name, struct str *value) {
    struct str version;
    if (!take_word(a, s, at, name) || (*at = skip_cfws(s, *at)) >= s.n)
        return false;
    if (s.p[*at] == '/') {
        *at = skip_cfws(s, *at + 1);
        if (*at >= s.n || !take_word(a, s, at, &version) || (*at = skip_cfws(s, *at)) >= s.n)
            return false;
    }
    if (s.p[*at] != '=')
        return false;
    *at = skip_cfws(s, *at + 1);
    if (*at >= s.n || !take_word(a, s, at, value))
        return false;
    *at = skip_cfws(s, *at);
    return *at != SIZE_MAX;
}

/* Index of the next semicolon outside of quotes and comments, from `at` on; s.n where there is none. */
static size_t next_part(struct str s, size_t at) {
    bool quoted = false;
    while (at < s.n && (quoted || s.p[at] != ';')) {
        if (!quoted && s.p[at] == '(') {
            at = skip_cfws(s, at);
            continue;
        }
        if (quoted && s.p[at] == '\\')
            at++;
        else if (s.p[at] == '"')
            quoted = !quoted;
        at++;
    }
    return at < s.n ? at : s.n;
}

bool authres_find(struct arena *a, struct str value, const char *method, const char *property, struct str *result,
                  struct str *found) {
    struct str name, text;
    for (size_t at = next_part(value, 0); at < value.n; at = next_part(value, at)) {
        at = skip_cfws(value, at + 1);
        if (at >= value.n)
            return false;
        bool wanted = take_pair(a, value, &at, &name, &text) && str_ieq(name, str_of(method));
        if (at == SIZE_MAX)
            return false;
        if (!wanted)
            continue;
        *result = arena_lower(a, text);
        *found = (struct str){NULL, 0};
        while (at < value.n && take_pair(a, value, &at, &name, &text))
            if (str_ieq(name, str_of(property)) && !found->p)
                *found = arena_str(a, text);
        return true;
    }
    return false;
}
