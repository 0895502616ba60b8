#include "imap/parse.h"

#include "mime/utf7.h"

#include <stdlib.h>

bool parse_fail(struct parser *p, const char *error) {
    if (!p->error)
        p->error = error;
    return false;
}

bool parse_numbers_allowed(struct parser *p) {
    return !p->uid_only || parse_fail(p, "[UIDREQUIRED] UIDONLY is enabled: say UIDs, not message numbers");
}

bool parse_byte(struct parser *p, char c) {
    if (p->at >= p->in.n || p->in.p[p->at] != c)
        return parse_fail(p, c == '(' ? "Expected (" : c == ')' ? "Expected )" : "Syntax error");
    p->at++;
    return true;
}

bool parse_space(struct parser *p) {
    if (parse_peek(p) != ' ')
        return parse_fail(p, "Expected a space and another argument");
    p->at++;
    return true;
}

bool parse_end(struct parser *p) {
    struct str rest = str_sub(p->in, p->at, p->in.n);
    if (!str_eq(rest, STR("\r\n")) && !str_eq(rest, STR("\n")))
        return parse_fail(p, "Unexpected text behind the last argument");
    p->at = p->in.n;
    return true;
}

bool parse_skip_word(struct parser *p, struct str word) {
    if (!str_istarts(str_sub(p->in, p->at, p->in.n), word))
        return false;
    p->at += word.n;
    return true;
}

bool parse_parenthesized(struct parser *p, bool (*one)(struct parser *p, void *x), void *x) {
    if (!parse_byte(p, '(') || !one(p, x))
        return false;
    while (parse_peek(p) == ' ') {
        p->at++;
        if (!one(p, x))
            return false;
    }
    return parse_byte(p, ')');
}

/* ---- character classes, RFC 3501 section 9 ---- */

enum {
    IN_ATOM = 1,    /* ATOM-CHAR */
    IN_ASTRING = 2, /* ASTRING-CHAR: and "]" */
    IN_LIST = 4,    /* list-char: ATOM-CHAR, wildcards, "]" */
    IN_TAG = 8,     /* ASTRING-CHAR except "+" */
};

static unsigned classes(unsigned char c) {
    if (c <= ' ' || c >= 0x7f || c == '(' || c == ')' || c == '{' || c == '"' || c == '\\')
        return 0;
    if (c == '%' || c == '*')
        return IN_LIST;
    if (c == ']')
        return IN_ASTRING | IN_LIST | IN_TAG;
    return IN_ATOM | IN_ASTRING | IN_LIST | (c == '+' ? 0 : IN_TAG);
}

/* Bytes over 127 belong to no class but come unquoted from programs that use UTF-8 names: allowed where utf8 is. */
static bool take_class(struct parser *p, unsigned class, bool eight_bit, struct str *out) {
    size_t from = p->at;
    while (p->at < p->in.n) {
        unsigned char c = (unsigned char)p->in.p[p->at];
        if (!(classes(c) & class) && !(eight_bit && c >= 0x80))
            break;
        p->at++;
    }
    *out = str_sub(p->in, from, p->at - from);
    return p->at > from;
}

bool parse_tag(struct parser *p, struct str *tag) {
    return take_class(p, IN_TAG, false, tag) || parse_fail(p, "Expected a tag");
}

bool parse_atom(struct parser *p, struct str *atom) {
    return take_class(p, IN_ATOM, false, atom) || parse_fail(p, "Expected an atom");
}

/* ---- strings ---- */

/* Undoes the quoting of [from, to), which holds backslashes. */
static struct str unquote(struct parser *p, size_t from, size_t to) {
    char *copy = arena_alloc(p->arena, to - from + 1);
    size_t n = 0;
    for (size_t i = from; i < to; i++) {
        if (p->in.p[i] == '\\')
            i++;
        copy[n++] = p->in.p[i];
    }
    return str_n(copy, n);
}

static bool take_quoted(struct parser *p, struct str *s) {
    size_t from = ++p->at;
    bool escaped = false;
    for (; p->at < p->in.n; p->at++) {
        char c = p->in.p[p->at];
        if (c == '"') {
            *s = escaped ? unquote(p, from, p->at) : str_sub(p->in, from, p->at - from);
            p->at++;
            return true;
        }
        if (c == '\r' || c == '\n' || c == 0)
            break;
        if (c == '\\') {
            char next = p->at + 1 < p->in.n ? p->in.p[p->at + 1] : 0;
            if (next != '"' && next != '\\')
                return parse_fail(p, "In a quoted string \\ goes before \" and \\ only");
            escaped = true;
            p->at++;
        }
    }
    return parse_fail(p, "A quoted string does not end");
}

/* "{" digits ["+"] "}" at the end of a line. */
bool parse_literal_announced(struct str line, uint64_t *size, bool *unasked) {
    if (line.n < 3 || line.p[line.n - 1] != '}')
        return false;
    size_t end = line.n - 1;
    *unasked = line.p[end - 1] == '+';
    if (*unasked)
        end--;
    size_t from = end;
    while (from > 0 && ascii_digit(line.p[from - 1]))
        from--;
    if (from == 0 || from == end || line.p[from - 1] != '{')
        return false;
    if (!str_u64(str_sub(line, from, end - from), size) || *size > INT64_MAX)
        *size = INT64_MAX; /* more than anybody allows */
    return true;
}

static bool take_bytes(struct parser *p, struct str *s) {
    struct str rest = str_sub(p->in, p->at, p->in.n);
    ptrdiff_t newline = str_chr(rest, '\n');
    if (newline < 0)
        return parse_fail(p, "A literal's size is followed by a line end");
    size_t line = (size_t)newline;
    if (line && rest.p[line - 1] == '\r')
        line--;
    uint64_t size;
    bool unasked;
    ptrdiff_t close = str_chr(rest, '}');
    if (close + 1 != (ptrdiff_t)line || !parse_literal_announced(str_sub(rest, 0, line), &size, &unasked) ||
        size > rest.n - (size_t)newline - 1)
        return parse_fail(p, "A literal is {size} and a line end");
    *s = str_sub(rest, (size_t)newline + 1, (size_t)size);
    p->at += (size_t)newline + 1 + (size_t)size;
    return true;
}

static bool take_literal(struct parser *p, struct str *s) {
    size_t at = p->at;
    if (!take_bytes(p, s))
        return false;
    if (str_chr(*s, 0) < 0)
        return true;
    p->at = at;
    return parse_fail(p, "A literal holds a NUL byte");
}

bool parse_literal8(struct parser *p, struct str *s) { return parse_byte(p, '~') && take_bytes(p, s); }

bool parse_string(struct parser *p, struct str *s) {
    switch (parse_peek(p)) {
    case '"':
        return take_quoted(p, s);
    case '{':
        return take_literal(p, s);
    default:
        return parse_fail(p, "Expected a string");
    }
}

bool parse_astring(struct parser *p, struct str *s) {
    char c = parse_peek(p);
    if (c == '"' || c == '{')
        return parse_string(p, s);
    return take_class(p, IN_ASTRING, p->utf8, s) || parse_fail(p, "Expected a string");
}

bool parse_list_mailbox(struct parser *p, struct str *s) {
    char c = parse_peek(p);
    if (c == '"' || c == '{')
        return parse_string(p, s);
    return take_class(p, IN_LIST, p->utf8, s) || parse_fail(p, "Expected a mailbox pattern");
}

bool parse_nstring(struct parser *p, struct str *s) {
    if (parse_skip_word(p, STR("NIL"))) {
        *s = (struct str){NULL, 0};
        return true;
    }
    return parse_string(p, s);
}

bool parse_number64(struct parser *p, uint64_t *n) {
    size_t from = p->at;
    while (ascii_digit(parse_peek(p)))
        p->at++;
    if (!str_u64(str_sub(p->in, from, p->at - from), n) || *n > INT64_MAX)
        return parse_fail(p, "Expected a number");
    return true;
}

bool parse_number(struct parser *p, uint32_t *n) {
    uint64_t wide;
    if (!parse_number64(p, &wide) || wide > UINT32_MAX)
        return parse_fail(p, "Expected a number below 4294967296");
    *n = (uint32_t)wide;
    return true;
}

/* ---- mailbox names ---- */

/* "inbox" and "Inbox/x" to "INBOX" and "INBOX/x" (RFC 3501 section 5.1). */
static struct str with_inbox(struct parser *p, struct str name) {
    struct str first = name;
    ptrdiff_t slash = str_chr(name, '/');
    if (slash >= 0)
        first = str_sub(name, 0, (size_t)slash);
    if (!str_ieq(first, STR("INBOX")) || str_eq(first, STR("INBOX")))
        return name;
    return arena_printf(p->arena, "INBOX%.*s", STR_ARG(str_sub(name, first.n, name.n)));
}

bool parse_mailbox_as_given(struct parser *p, struct str *name, struct str *as_given) {
    struct str wire;
    if (!parse_astring(p, &wire))
        return false;
    if (wire.n > 4 * PARSE_MAX_NAME_BYTES)
        return parse_fail(p, "A mailbox name is too long");
    struct buf utf8 = BUF_EMPTY;
    if (p->utf8 ? !str_is_utf8(wire) : !utf7_decode(wire, &utf8)) {
        buf_free(&utf8);
        return parse_fail(p, "A mailbox name is not in modified UTF-7");
    }
    *as_given = p->utf8 ? wire : arena_str(p->arena, buf_str(&utf8));
    buf_free(&utf8);
    *name = with_inbox(p, *as_given);
    return name->n <= PARSE_MAX_NAME_BYTES || parse_fail(p, "A mailbox name is too long");
}

bool parse_mailbox(struct parser *p, struct str *name) {
    struct str as_given;
    return parse_mailbox_as_given(p, name, &as_given);
}

/* ---- flags ---- */

static bool add_keyword(struct parser *p, struct flags *flags, struct str keyword) {
    if (keyword.n > PARSE_MAX_KEYWORD_BYTES)
        return parse_fail(p, "A keyword is longer than 100 bytes");
    for (size_t i = 0; i < flags->count; i++)
        if (str_ieq(flags->keyword[i], keyword))
            return true;
    if (flags->count == PARSE_MAX_KEYWORDS)
        return parse_fail(p, "More than 100 keywords in one list");
    if (!flags->keyword)
        flags->keyword = arena_array(p->arena, PARSE_MAX_KEYWORDS, sizeof *flags->keyword);
    flags->keyword[flags->count++] = arena_str(p->arena, keyword);
    return true;
}

bool parse_flag(struct parser *p, struct flags *flags) {
    static const struct {
        struct str name;
        uint32_t flag;
    } system[] = {
        {{"Seen", 4}, STORE_SEEN},       {{"Answered", 8}, STORE_ANSWERED}, {{"Flagged", 7}, STORE_FLAGGED},
        {{"Deleted", 7}, STORE_DELETED}, {{"Draft", 5}, STORE_DRAFT},       {{"Recent", 6}, 0},
    };
    struct str name;
    if (parse_peek(p) != '\\')
        return parse_atom(p, &name) && add_keyword(p, flags, name);
    p->at++;
    if (!parse_atom(p, &name))
        return false;
    /* \Recent can't be changed by clients; in an APPEND that repeats another server's flags it does no harm. */
    for (size_t i = 0; i < sizeof system / sizeof *system; i++) {
        if (str_ieq(name, system[i].name)) {
            flags->system |= system[i].flag;
            return true;
        }
    }
    return parse_fail(p, "Unknown system flag");
}

static bool take_flag(struct parser *p, void *x) { return parse_flag(p, x); }

bool parse_flag_list(struct parser *p, struct flags *flags) {
    return parse_skip_word(p, STR("()")) || parse_parenthesized(p, take_flag, flags);
}

bool parse_store_flags(struct parser *p, struct flags *flags) {
    if (parse_peek(p) == '(')
        return parse_flag_list(p, flags);
    if (!parse_flag(p, flags))
        return false;
    while (parse_peek(p) == ' ') {
        p->at++;
        if (!parse_flag(p, flags))
            return false;
    }
    return true;
}

/* ---- sequence sets ---- */

static bool parse_sequence_number(struct parser *p, uint32_t *n) {
    if (parse_peek(p) == '*') {
        p->at++;
        *n = 0;
        return true;
    }
    return (parse_number(p, n) && *n > 0) || parse_fail(p, "Expected a message number");
}

bool parse_sequence(struct parser *p, struct sequence *s) {
    size_t cap = 0;
    *s = (struct sequence){NULL, 0, false};
    if (parse_peek(p) == '$') {
        p->at++;
        s->saved = true;
        return true;
    }
    do {
        struct uid_range r;
        if (s->count && !parse_byte(p, ','))
            return false;
        if (!parse_sequence_number(p, &r.first))
            return false;
        r.last = r.first;
        if (parse_peek(p) == ':') {
            p->at++;
            if (!parse_sequence_number(p, &r.last))
                return false;
        }
        if (s->count == cap) { /* doubled within the arena: what is left behind is at most as much again */
            cap = cap ? cap * 2 : 8;
            struct uid_range *more = arena_array(p->arena, cap, sizeof *more);
            if (s->count)
                memcpy(more, s->range, s->count * sizeof *more);
            s->range = more;
        }
        s->range[s->count++] = r;
    } while (parse_peek(p) == ',');
    return true;
}

struct sequence sequence_copy(const struct sequence *s, struct arena *a) {
    struct sequence copy = {arena_array(a, s->count ? s->count : 1, sizeof *copy.range), s->count, s->saved};
    if (s->count)
        memcpy(copy.range, s->range, s->count * sizeof *copy.range);
    return copy;
}

static int by_first(const void *a, const void *b) {
    const struct uid_range *x = a, *y = b;
    return (x->first > y->first) - (x->first < y->first);
}

void sequence_resolve(struct sequence *s, uint32_t last) {
    size_t n = 0;
    for (size_t i = 0; i < s->count && last; i++) {
        struct uid_range r = s->range[i];
        r.first = r.first ? r.first : last;
        r.last = r.last ? r.last : last;
        if (r.first > r.last)
            r = (struct uid_range){r.last, r.first};
        if (r.first > last)
            continue;
        if (r.last > last)
            r.last = last;
        s->range[n++] = r;
    }
    if (n > 1)
        qsort(s->range, n, sizeof *s->range, by_first);
    s->count = 0;
    for (size_t i = 0; i < n; i++) {
        struct uid_range r = s->range[i], *before = s->count ? &s->range[s->count - 1] : NULL;
        if (before && (uint64_t)before->last + 1 >= r.first)
            before->last = before->last > r.last ? before->last : r.last;
        else
            s->range[s->count++] = r;
    }
}

/* ---- dates ---- */

/* Days since 1970-01-01 of a day in the proleptic Gregorian calendar; false where there is no such day. */
static bool civil_day(uint32_t year, uint32_t month, uint32_t day, int64_t *out) {
    static const uint8_t length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (month < 1 || month > 12 || day < 1 || day > length[month - 1] + (month == 2 && leap ? 1u : 0u))
        return false;
    int64_t y = (int64_t)year - (month <= 2 ? 1 : 0);
    int64_t era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (int64_t)(month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    *out = era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
    return true;
}

/* Between min and max digits. */
static bool take_digits(struct parser *p, size_t min, size_t max, uint32_t *n) {
    size_t from = p->at;
    while (ascii_digit(parse_peek(p)) && p->at - from < max)
        p->at++;
    return p->at - from >= min && str_u32(str_sub(p->in, from, p->at - from), n);
}

static bool take_month(struct parser *p, uint32_t *month) {
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (*month = 1; *month <= 12; ++*month)
        if (parse_skip_word(p, str_n(names + (*month - 1) * 3, 3)))
            return true;
    return false;
}

/* day "-" month "-" year */
static bool take_day(struct parser *p, int64_t *out) {
    uint32_t day, month, year;
    return take_digits(p, 1, 2, &day) && parse_byte(p, '-') && take_month(p, &month) && parse_byte(p, '-') &&
           take_digits(p, 4, 4, &year) && civil_day(year, month, day, out);
}

bool parse_date(struct parser *p, int64_t *day) {
    bool quoted = parse_peek(p) == '"';
    if (quoted)
        p->at++;
    if (!take_day(p, day) || (quoted && !parse_byte(p, '"'))) {
        p->error = NULL;
        return parse_fail(p, "Expected a date such as 1-Feb-2026");
    }
    return true;
}

static bool take_time_and_zone(struct parser *p, int64_t *seconds) {
    uint32_t hour, minute, second, zone;
    if (!take_digits(p, 2, 2, &hour) || !parse_byte(p, ':') || !take_digits(p, 2, 2, &minute) || !parse_byte(p, ':') ||
        !take_digits(p, 2, 2, &second) || !parse_byte(p, ' '))
        return false;
    char sign = parse_peek(p);
    if (sign != '+' && sign != '-')
        return false;
    p->at++;
    if (!take_digits(p, 4, 4, &zone) || hour > 23 || minute > 59 || second > 60 || zone % 100 > 59)
        return false;
    int64_t offset = (int64_t)(zone / 100 * 60 + zone % 100) * 60;
    *seconds = (int64_t)hour * 3600 + minute * 60 + second - (sign == '+' ? offset : -offset);
    return true;
}

bool parse_date_time(struct parser *p, int64_t *t) {
    int64_t day, seconds;
    bool ok = parse_byte(p, '"');
    if (ok && parse_peek(p) == ' ') /* date-day-fixed: " 1" */
        p->at++;
    if (!ok || !take_day(p, &day) || !parse_byte(p, ' ') || !take_time_and_zone(p, &seconds) || !parse_byte(p, '"')) {
        p->error = NULL;
        return parse_fail(p, "Expected a date and time such as \"01-Feb-2026 12:00:00 +0100\"");
    }
    *t = (day * 86400 + seconds) * 1000000;
    return true;
}
