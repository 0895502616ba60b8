/*
 * Addresses of a header field (RFC 5322 section 3.4 and the obsolete forms of 4.4), read leniently: one walk over the
 * bytes, no recursion, and whatever is not an address still gives something to show.
 */
#include "mime/internal.h"

#include <stdlib.h>

/*
 * The words of one address as they come. `phrase` has them all, for a display name; `chain` has the newest run of words
 * that dots hold together, which at an '@' turns out to be the local part, and after it is the domain.
 */
struct reader {
    struct arena *arena;
    struct str s;
    size_t at;
    struct mime_addresses *list;
    size_t max;
    bool full;
    bool in_group;
    bool no_quote_closes, no_comment_closes; /* from here on */

    struct buf phrase, chain, local, comment;
    size_t before_chain; /* length of the phrase before the chain began */
    size_t before_local; /* the same at the '@' */
    bool gap;            /* white space since the last word */
    bool at_sign;        /* an '@' was seen; the chain is the domain */
    bool domain_done;    /* words behind the domain: not part of it */
    bool angle;          /* inside or behind "<...>" */
    bool closed;         /* behind the '>' */
    bool quoted;         /* a quoted string was seen, even an empty one */
    struct str name, route;
};

static void start_address(struct reader *r) {
    buf_reset(&r->phrase), buf_reset(&r->chain), buf_reset(&r->local), buf_reset(&r->comment);
    r->before_chain = r->before_local = 0;
    r->gap = r->at_sign = r->domain_done = r->angle = r->closed = r->quoted = false;
    r->name = r->route = MIME_NO_STR;
}

static void add_word(struct reader *r, struct str word) {
    bool starts_with_dot = word.n && word.p[0] == '.';
    bool joins = r->chain.n == 0 || !r->gap || starts_with_dot || r->chain.p[r->chain.n - 1] == '.';
    if (!joins) {
        if (r->at_sign)
            r->domain_done = true;
        else
            buf_reset(&r->chain);
    }
    if (r->chain.n == 0 && !r->at_sign)
        r->before_chain = r->phrase.n;
    if (!r->domain_done)
        buf_add_str(&r->chain, word);
    if (r->gap && r->phrase.n)
        buf_add_byte(&r->phrase, ' ');
    buf_add_str(&r->phrase, word);
    r->gap = false;
}

static bool is_atom(char c) {
    switch (c) {
    case 0:
    case ' ':
    case '\t':
    case '\r':
    case '\n':
    case '(':
    case ')':
    case '<':
    case '>':
    case '@':
    case ',':
    case ';':
    case ':':
    case '"':
    case '[':
        return false;
    default:
        return true;
    }
}

static void read_atom(struct reader *r) {
    size_t start = r->at;
    while (r->at < r->s.n && is_atom(r->s.p[r->at]))
        r->at++;
    if (r->at == start) /* NUL, which no address holds */
        r->at++;
    else
        add_word(r, str_sub(r->s, start, r->at - start));
}

/* The content of a quoted string or comment, quoting removed; line ends and NUL left out. */
static void add_quoted_text(struct buf *out, struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\\' && i + 1 < s.n)
            i++;
        if (s.p[i] != '\r' && s.p[i] != '\n' && s.p[i] != 0)
            buf_add_byte(out, s.p[i]);
    }
}

/* Index of the closing quote or parenthesis for the opening one at `at`, or s.n. */
static size_t find_close(struct str s, size_t at) {
    bool comment = s.p[at] == '(';
    size_t depth = 1;
    for (size_t i = at + 1; i < s.n; i++) {
        if (s.p[i] == '\\')
            i++;
        else if (comment && s.p[i] == '(')
            depth++;
        else if (s.p[i] == (comment ? ')' : '"') && --depth == 0)
            return i;
    }
    return s.n;
}

/* One that is never closed is passed over alone; then none of its kind behind it is looked at, for the same would be
 * looked for to the end again and again. */
static bool closes(struct reader *r, bool *none_closes, size_t *close) {
    *close = *none_closes ? r->s.n : find_close(r->s, r->at);
    *none_closes = *close == r->s.n;
    if (*none_closes)
        r->at++;
    return !*none_closes;
}

static void read_quoted(struct reader *r) {
    size_t close;
    if (!closes(r, &r->no_quote_closes, &close))
        return;
    struct buf text = BUF_EMPTY;
    add_quoted_text(&text, str_sub(r->s, r->at + 1, close - r->at - 1));
    r->at = close + 1;
    r->quoted = true;
    if (text.n)
        add_word(r, buf_str(&text));
    buf_free(&text);
}

static void read_comment(struct reader *r) {
    size_t close;
    r->gap = true;
    if (!closes(r, &r->no_comment_closes, &close))
        return;
    buf_reset(&r->comment);
    add_quoted_text(&r->comment, str_sub(r->s, r->at + 1, close - r->at - 1));
    r->at = close + 1;
}

/* "[192.0.2.1]": kept with its brackets, blanks left out. */
static void read_domain_literal(struct reader *r) {
    struct buf text = BUF_EMPTY;
    for (; r->at < r->s.n && r->s.p[r->at] != ']' && !strchr(">,;<", r->s.p[r->at]); r->at++)
        if ((unsigned char)r->s.p[r->at] > ' ')
            buf_add_byte(&text, r->s.p[r->at]);
    if (r->at < r->s.n && r->s.p[r->at] == ']') {
        buf_add_byte(&text, ']');
        r->at++;
    }
    if (text.n)
        add_word(r, buf_str(&text));
    else
        r->at++;
    buf_free(&text);
}

/* The text before the '@' is the local part; of "a@b@c" it is "a@b". */
static void read_at_sign(struct reader *r) {
    r->at++;
    if (r->at_sign) {
        buf_add_byte(&r->local, '@');
        buf_add_str(&r->local, buf_str(&r->chain));
    } else {
        if (r->angle && r->before_chain) { /* "<john doe@example.org>": blanks and all */
            buf_add(&r->local, r->phrase.p, r->before_chain);
            buf_add_byte(&r->local, ' ');
        }
        buf_add_str(&r->local, buf_str(&r->chain));
        r->before_local = r->before_chain;
        r->at_sign = true;
    }
    buf_reset(&r->chain);
    r->domain_done = false;
    buf_add_byte(&r->phrase, '@');
    r->gap = false;
}

/* "<@a,@b:user@c>": the obsolete route (RFC 5322 section 4.4); `at` is behind '<'. */
static void read_route(struct reader *r) {
    size_t start = mime_skip_cfws(r->s, r->at), end = start;
    if (start >= r->s.n || r->s.p[start] != '@')
        return;
    while (end < r->s.n && !strchr(":><;", r->s.p[end]))
        end++;
    if (end < r->s.n && r->s.p[end] == ':') {
        r->route = arena_str(r->arena, mime_unfold(r->arena, str_sub(r->s, start, end - start)));
        r->at = end + 1;
    }
}

static void open_angle(struct reader *r) {
    r->at++;
    if (r->angle) /* "<<a@b>>" */
        return;
    if (r->phrase.n)
        r->name = arena_str(r->arena, buf_str(&r->phrase));
    buf_reset(&r->phrase), buf_reset(&r->chain), buf_reset(&r->local);
    r->before_chain = r->before_local = 0;
    r->gap = r->at_sign = r->domain_done = false;
    r->angle = true;
    read_route(r);
}

/* Room is made in powers of two, so that a list's capacity follows from its count. */
static void append(struct reader *r, struct mime_address address) {
    struct mime_addresses *list = r->list;
    if ((list->count & (list->count - 1)) == 0) {
        struct mime_address *more = arena_array(r->arena, list->count ? list->count * 2 : 1, sizeof *more);
        if (list->count)
            memcpy(more, list->at, list->count * sizeof *more);
        list->at = more;
    }
    list->at[list->count++] = address;
}

/* One place is kept for closing an open group. */
static bool has_room(struct reader *r) {
    if (r->list->count + 1 + (r->in_group ? 1 : 0) <= r->max)
        return true;
    r->full = true;
    return false;
}

static struct str keep(struct reader *r, const struct buf *b, size_t n) {
    struct str s = str_trim(str_n(b->p, n));
    return s.n ? arena_str(r->arena, s) : STR("");
}

static void finish_address(struct reader *r) {
    struct mime_address address = {0};
    bool empty = !r->angle && r->phrase.n == 0;
    if (empty || !has_room(r)) {
        start_address(r);
        return;
    }
    address.name = r->name;
    address.route = r->route;
    address.host = STR("");
    if (r->at_sign) {
        address.mailbox = keep(r, &r->local, r->local.n);
        address.host = keep(r, &r->chain, r->chain.n);
        if (!r->angle && r->before_local)
            address.name = keep(r, &r->phrase, r->before_local);
    } else if (r->angle || (r->before_chain == 0 && !r->quoted)) { /* a single word: a local user */
        address.mailbox = keep(r, &r->phrase, r->phrase.n);
    } else {
        address.mailbox = STR("");
        address.name = keep(r, &r->phrase, r->phrase.n);
    }
    if (address.name.n == 0)
        address.name = r->comment.n ? keep(r, &r->comment, r->comment.n) : MIME_NO_STR;
    if (address.name.n == 0)
        address.name = MIME_NO_STR;
    append(r, address);
    start_address(r);
}

static void end_group(struct reader *r) {
    finish_address(r);
    if (r->in_group)
        append(r, (struct mime_address){0});
    r->in_group = false;
}

/* A colon opens a group, but for one inside an address, where it is garbage. */
static void read_colon(struct reader *r) {
    r->at++;
    if (r->in_group || r->angle || r->at_sign)
        return;
    if (r->list->count + 2 > r->max) {
        r->full = true;
        return;
    }
    append(r, (struct mime_address){.mailbox = keep(r, &r->phrase, r->phrase.n)});
    r->in_group = true;
    start_address(r);
}

/* What stands between '>' and the comma is no part of the address; a quoted string there may hold commas. */
static void pass_garbage(struct reader *r) {
    size_t close;
    if (r->s.p[r->at] != '"')
        r->at++;
    else if (closes(r, &r->no_quote_closes, &close))
        r->at = close + 1;
}

static void read_token(struct reader *r) {
    char c = r->s.p[r->at];
    switch (c) {
    case ' ':
    case '\t':
    case '\r':
    case '\n':
        r->at++, r->gap = true;
        return;
    case '(':
        read_comment(r);
        return;
    case ',':
        r->at++, finish_address(r);
        return;
    case ';':
        r->at++, end_group(r);
        return;
    case '<':
        if (r->closed)
            r->at++;
        else
            open_angle(r);
        return;
    case '>':
        r->at++, r->closed = r->angle;
        return;
    default:
        break;
    }
    if (r->closed) {
        pass_garbage(r);
        return;
    }
    switch (c) {
    case '"':
        read_quoted(r);
        return;
    case ')':
    case '\\':
        r->at++;
        return;
    case ':':
        read_colon(r);
        return;
    case '@':
        read_at_sign(r);
        return;
    case '[':
        read_domain_literal(r);
        return;
    default:
        read_atom(r);
        return;
    }
}

bool mime_add_addresses(struct arena *a, struct mime_addresses *list, struct str body, size_t max) {
    struct reader r = {.arena = a, .s = body, .list = list, .max = max};
    start_address(&r);
    while (r.at < r.s.n && !r.full)
        read_token(&r);
    if (r.full)
        start_address(&r);
    end_group(&r);
    buf_free(&r.phrase), buf_free(&r.chain), buf_free(&r.local), buf_free(&r.comment);
    return !r.full;
}

struct mime_addresses mime_parse_addresses(struct arena *a, struct str body) {
    struct mime_addresses list = {0};
    mime_add_addresses(a, &list, body, MIME_MAX_ADDRESSES);
    return list;
}
