#include "move/imap_parse.h"

#include "base/clock.h"
#include "move/source.h"
#include "store/store.h"

#include <time.h>

enum { MAX_DEPTH = 32, MAX_KEYWORDS = 500 };

static void drop(struct str *in, size_t n) { *in = str_sub(*in, n, in->n); }

bool imap_skip(struct str *in, char c) {
    if (!in->n || *in->p != c)
        return false;
    drop(in, 1);
    return true;
}

bool imap_literal_at_end(struct str line, uint64_t *size) {
    if (!line.n || line.p[line.n - 1] != '}')
        return false;
    ptrdiff_t open = str_rchr(line, '{');
    if (open < 0)
        return false;
    struct str digits = str_sub(line, (size_t)open + 1, line.n - (size_t)open - 2);
    if (digits.n && digits.p[digits.n - 1] == '+')
        digits.n--;
    return str_u64(digits, size);
}

static bool ends_atom(char c) { return c == ' ' || c == '(' || c == ')' || c == '"' || c == '\r' || c == '\n'; }

bool imap_atom(struct str *in, struct str *out) {
    size_t n = 0;
    while (n < in->n && !ends_atom(in->p[n]) && in->p[n] != '{') {
        if (in->p[n] == '[') /* a section: anything up to its end */
            while (n < in->n && in->p[n] != ']' && in->p[n] != '\n')
                n++;
        n += n < in->n;
    }
    *out = str_sub(*in, 0, n);
    drop(in, n);
    return n > 0;
}

static bool take_quoted(struct arena *a, struct str *in, struct str *out) {
    size_t n = 1;
    bool escapes = false;
    for (; n < in->n && in->p[n] != '"'; n++)
        if (in->p[n] == '\\') {
            escapes = true;
            n++;
        }
    if (n >= in->n)
        return false;
    *out = str_sub(*in, 1, n - 1);
    drop(in, n + 1);
    if (!escapes)
        return true;
    struct buf b = BUF_EMPTY;
    for (size_t i = 0; i < out->n; i++) {
        i += out->p[i] == '\\' && i + 1 < out->n;
        buf_add_byte(&b, out->p[i]);
    }
    *out = arena_str(a, buf_str(&b));
    buf_free(&b);
    return true;
}

/* "{n}" CR LF and n bytes. */
static bool take_literal(struct str *in, struct str *out) {
    ptrdiff_t end = str_chr(*in, '\n');
    uint64_t size;
    if (end < 0)
        return false;
    struct str line = str_sub(*in, 0, (size_t)end);
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    if (str_chr(line, '}') != (ptrdiff_t)line.n - 1 || !imap_literal_at_end(line, &size) ||
        size > in->n - (size_t)end - 1)
        return false;
    *out = str_sub(*in, (size_t)end + 1, (size_t)size);
    if (!out->p)
        *out = STR("");
    drop(in, (size_t)end + 1 + (size_t)size);
    return true;
}

bool imap_nstring(struct arena *a, struct str *in, struct str *out) {
    if (in->n && *in->p == '"')
        return take_quoted(a, in, out);
    if (in->n > 1 && *in->p == '~' && in->p[1] == '{')
        drop(in, 1);
    if (in->n && *in->p == '{')
        return take_literal(in, out);
    if (!imap_atom(in, out))
        return false;
    if (str_ieq(*out, STR("NIL")))
        *out = (struct str){NULL, 0};
    return true;
}

static bool skip_value(struct arena *a, struct str *in) {
    int depth = 0;
    do {
        struct str s;
        while (imap_skip(in, ' '))
            continue;
        if (imap_skip(in, '('))
            depth++;
        else if (imap_skip(in, ')'))
            depth--;
        else if (!imap_nstring(a, in, &s))
            return false;
    } while (depth > 0 && depth < MAX_DEPTH);
    return depth == 0;
}

bool imap_skip_value(struct str *in) {
    struct arena a = ARENA_EMPTY;
    bool good = skip_value(&a, in);
    arena_free(&a);
    return good;
}

/* ---- LIST ---- */

static void take_attribute(struct str word, struct imap_list *out) {
    static const char *const uses[] = {"\\Archive", "\\Drafts", "\\Junk", "\\Sent", "\\Trash"};
    static const char *const virtual[] = {"\\All", "\\Flagged", "\\Important"};
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
        if (str_ieq(word, str_of(uses[i])))
            out->special_use = str_of(uses[i]);
    for (size_t i = 0; i < sizeof virtual / sizeof *virtual; i++)
        out->left_out = out->left_out || str_ieq(word, str_of(virtual[i]));
    out->no_select = out->no_select || str_ieq(word, STR("\\Noselect")) || str_ieq(word, STR("\\NonExistent"));
    out->subscribed = out->subscribed || str_ieq(word, STR("\\Subscribed"));
}

bool imap_read_list(struct arena *a, struct str in, struct imap_list *out) {
    struct str word;
    *out = (struct imap_list){.special_use = {NULL, 0}};
    if (!imap_skip(&in, '('))
        return false;
    while (!imap_skip(&in, ')')) {
        if (!imap_atom(&in, &word))
            return false;
        take_attribute(word, out);
        while (imap_skip(&in, ' '))
            continue;
    }
    if (!imap_skip(&in, ' ') || !imap_nstring(a, &in, &word) || !imap_skip(&in, ' '))
        return false;
    out->delimiter = word.n ? *word.p : 0;
    return imap_nstring(a, &in, &out->name) && out->name.n > 0;
}

/* ---- FETCH ---- */

int64_t imap_read_date(struct str s) {
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    uint32_t day, year, hour, minute, second, zone;
    s = str_trim(s);
    if (s.n && s.n < 26 && s.p[1] == '-') { /* a day of one digit without its blank */
        if (!str_u32(str_sub(s, 0, 1), &day))
            return 0;
        s = str_sub(s, 1, s.n);
    } else {
        if (s.n < 26 || !str_u32(str_sub(s, 0, 2), &day))
            return 0;
        s = str_sub(s, 2, s.n);
    }
    if (s.n != 24 || !str_u32(str_sub(s, 5, 4), &year) || !str_u32(str_sub(s, 10, 2), &hour) ||
        !str_u32(str_sub(s, 13, 2), &minute) || !str_u32(str_sub(s, 16, 2), &second) ||
        !str_u32(str_sub(s, 20, 4), &zone) || (s.p[19] != '+' && s.p[19] != '-'))
        return 0;
    struct tm tm = {.tm_mday = (int)day, .tm_mon = -1, .tm_year = (int)year - 1900};
    for (int i = 0; i < 12; i++)
        if (str_ieq(str_sub(s, 1, 3), str_n(months + 3 * i, 3)))
            tm.tm_mon = i;
    if (tm.tm_mon < 0 || hour > 23 || minute > 59 || second > 60)
        return 0;
    tm.tm_hour = (int)hour, tm.tm_min = (int)minute, tm.tm_sec = (int)second;
    int64_t east = (int64_t)(zone / 100 * 60 + zone % 100) * 60;
    return ((int64_t)timegm(&tm) - (s.p[19] == '+' ? east : -east)) * CLOCK_SECOND;
}

static bool take_flag(struct arena *a, struct str word, struct imap_fetch *out) {
    static const struct {
        const char *name;
        uint32_t flag;
    } flags[] = {{"\\Seen", STORE_SEEN},
                 {"\\Answered", STORE_ANSWERED},
                 {"\\Flagged", STORE_FLAGGED},
                 {"\\Deleted", STORE_DELETED},
                 {"\\Draft", STORE_DRAFT}};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (str_ieq(word, str_of(flags[i].name)))
            out->flags |= flags[i].flag;
    if (*word.p == '\\' || out->keyword_count == MAX_KEYWORDS)
        return true;
    size_t n = out->keyword_count;
    if ((n & (n - 1)) == 0) { /* none, or a power of two: it is full */
        struct str *more = arena_array(a, n ? n * 2 : 1, sizeof *more);
        if (n)
            memcpy(more, out->keyword, n * sizeof *more);
        out->keyword = more;
    }
    out->keyword[out->keyword_count++] = source_keyword(a, word);
    return true;
}

static bool read_flags(struct arena *a, struct str *in, struct imap_fetch *out) {
    struct str word;
    if (!imap_skip(in, '('))
        return false;
    out->has_flags = true;
    while (!imap_skip(in, ')')) {
        if (!imap_atom(in, &word) || !take_flag(a, word, out))
            return false;
        while (imap_skip(in, ' '))
            continue;
    }
    return true;
}

static bool read_item(struct arena *a, struct str name, struct str *in, struct imap_fetch *out) {
    struct str value;
    if (str_ieq(name, STR("FLAGS")))
        return read_flags(a, in, out);
    if (str_ieq(name, STR("UID")))
        return imap_atom(in, &value) && str_u32(value, &out->uid);
    if (str_ieq(name, STR("RFC822.SIZE")))
        return imap_atom(in, &value) && str_u64(value, &out->size);
    if (str_ieq(name, STR("INTERNALDATE"))) {
        if (!imap_nstring(a, in, &value))
            return false;
        out->date = imap_read_date(value);
        return true;
    }
    if (str_ieq(name, STR("BODY[]"))) {
        if (!imap_nstring(a, in, &out->body))
            return false;
        out->has_body = out->body.p != NULL;
        return true;
    }
    return imap_skip_value(in);
}

bool imap_read_fetch(struct arena *a, struct str in, struct imap_fetch *out) {
    struct str name;
    *out = (struct imap_fetch){0};
    if (!imap_skip(&in, '('))
        return false;
    while (!imap_skip(&in, ')'))
        if (!imap_atom(&in, &name) || !imap_skip(&in, ' ') || !read_item(a, name, &in, out) ||
            (in.n && *in.p != ')' && !imap_skip(&in, ' ')))
            return false;
    return true;
}

/* ---- NAMESPACE ---- */

static bool read_prefixes(struct arena *a, struct str *in, struct str *list, size_t max, size_t *count) {
    struct str word;
    if (!imap_skip(in, '('))
        return imap_atom(in, &word) && str_ieq(word, STR("NIL"));
    while (!imap_skip(in, ')')) {
        if (imap_skip(in, ' '))
            continue;
        if (!imap_skip(in, '(') || !imap_nstring(a, in, &word))
            return false;
        if (*count < max && word.p)
            list[(*count)++] = word;
        while (!imap_skip(in, ')'))
            if (!imap_skip(in, ' ') && !imap_skip_value(in))
                return false;
    }
    return true;
}

bool imap_read_namespaces(struct arena *a, struct str in, struct imap_namespaces *out) {
    *out = (struct imap_namespaces){.personals = 0};
    return read_prefixes(a, &in, out->personal, 8, &out->personals) && imap_skip(&in, ' ') &&
           read_prefixes(a, &in, out->others, 16, &out->other_count) && imap_skip(&in, ' ') &&
           read_prefixes(a, &in, out->others, 16, &out->other_count);
}
