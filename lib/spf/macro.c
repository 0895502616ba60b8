#include "spf/macro.h"

#include "base/clock.h"
#include "net/sockaddr.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>

enum {
    NAME_LENGTH = 253, /* RFC 1035 2.3.4 */
    NAME_KEEP = 1024,
    NAME_CUT = 16 << 10, /* of a name that is growing: its end is all that can be needed */
};

/* ---- grammar ---- */

/* One macro-expand: "%{d2r-}", or "%%", "%_", "%-" (letter is then '%', '_', '-'). */
struct macro {
    char letter;  /* lower case */
    bool escaped; /* it was a capital letter */
    size_t parts; /* 0: all */
    bool reversed;
    struct str delimiters;
};

static bool is_one_of(char c, const char *chars) { return c && strchr(chars, c); }

/* Reads the macro at the start of s. Its length, or 0 with err set where it is none. */
static size_t read_macro(struct str s, struct macro *m, struct err *err) {
    *m = (struct macro){.delimiters = STR(".")};
    if (s.n >= 2 && (s.p[1] == '%' || s.p[1] == '_' || s.p[1] == '-')) {
        m->letter = s.p[1];
        return 2;
    }
    ptrdiff_t end = str_chr(s, '}');
    if (s.n < 2 || s.p[1] != '{' || end < 3 || !is_one_of(s.p[2], "slodiphcrtvSLODIPHCRTV")) {
        err_set(err, "\"%.*s\" is no macro", STR_ARG(str_sub(s, 0, 16)));
        return 0;
    }
    m->letter = ascii_lower(s.p[2]);
    m->escaped = s.p[2] != m->letter;
    size_t i = 3, last = (size_t)end;
    bool counted = ascii_digit(s.p[i]);
    for (; ascii_digit(s.p[i]); i++)
        m->parts = m->parts > s.n + NAME_CUT ? m->parts : m->parts * 10 + (size_t)(s.p[i] - '0');
    m->reversed = ascii_lower(s.p[i]) == 'r';
    i += m->reversed;
    bool ok = !counted || m->parts > 0; /* RFC 7208 7.3: not zero */
    if (i < last)
        m->delimiters = str_sub(s, i, last - i);
    for (; i < last; i++)
        ok = ok && is_one_of(s.p[i], ".-+,/_=");
    if (ok)
        return last + 1;
    err_set(err, "\"%.*s\" is no macro", STR_ARG(str_sub(s, 0, last + 1)));
    return 0;
}

/* RFC 7208 7.2: c, r and t are for the text of an explanation. */
enum letters { LETTERS_OF_POLICY, LETTERS_ALL };

/* Macros and literals; *tail is what follows the last macro. */
static bool is_string(struct str text, enum letters letters, bool blanks, struct str *tail, struct err *err) {
    *tail = text;
    for (size_t i = 0; i < text.n;) {
        unsigned char c = (unsigned char)text.p[i];
        if (c < ' ' || c > '~' || (c == ' ' && !blanks))
            return err_set(err, "it has a byte that is no letter, digit or sign of ASCII");
        if (c != '%') {
            i++;
            continue;
        }
        struct macro m;
        size_t n = read_macro(str_sub(text, i, text.n), &m, err);
        if (n == 0)
            return false;
        if (letters == LETTERS_OF_POLICY && (m.letter == 'c' || m.letter == 'r' || m.letter == 't'))
            return err_set(err, "the macro \"%%{%c}\" is for explanations only", m.letter);
        i += n;
        *tail = str_sub(text, i, text.n);
    }
    return true;
}

/* "." toplabel ["."] at the end of text (RFC 7208 7.1). */
static bool ends_in_top_label(struct str text) {
    if (text.n && text.p[text.n - 1] == '.')
        text.n--;
    ptrdiff_t dot = str_rchr(text, '.');
    struct str label = str_sub(text, (size_t)(dot + 1), text.n);
    bool letter = false;
    if (dot < 0 || label.n == 0 || label.p[0] == '-' || label.p[label.n - 1] == '-')
        return false;
    for (size_t i = 0; i < label.n; i++) {
        bool digit = ascii_digit(label.p[i]);
        if (!digit && !ascii_alpha(label.p[i]) && label.p[i] != '-')
            return false;
        letter = letter || !digit;
    }
    return letter;
}

bool spf_macro_is_domain(struct str text, struct err *err) {
    struct str tail;
    if (!is_string(text, LETTERS_OF_POLICY, false, &tail, err))
        return false;
    bool ends_in_macro = text.n && tail.n == 0;
    return ends_in_macro || ends_in_top_label(tail) || err_set(err, "\"%.*s\" is no name of a domain", STR_ARG(text));
}

bool spf_macro_is_string(struct str text, struct err *err) {
    struct str tail;
    return is_string(text, LETTERS_OF_POLICY, false, &tail, err);
}

bool spf_macro_is_explanation(struct str text, struct err *err) {
    struct str tail;
    return is_string(text, LETTERS_ALL, true, &tail, err);
}

/* ---- values ---- */

/* RFC 7208 7.3: dotted, the nibbles of IPv6 in capitals. */
static void add_dotted_address(const struct sockaddr_storage *client, struct buf *out) {
    if (client->ss_family == AF_INET6) {
        const unsigned char *p = ((const struct sockaddr_in6 *)client)->sin6_addr.s6_addr;
        for (size_t i = 0; i < 16; i++)
            buf_printf(out, "%s%X.%X", i ? "." : "", p[i] >> 4, p[i] & 15U);
    } else {
        char text[SOCKADDR_TEXT];
        sockaddr_text(client, text);
        buf_add_c(out, text);
    }
}

static void add_value(char letter, const struct spf_values *v, struct buf *out) {
    char text[SOCKADDR_TEXT];
    switch (letter) {
    case 's':
        buf_add_str(out, v->sender);
        break;
    case 'l':
        buf_add_str(out, v->local);
        break;
    case 'o':
        buf_add_str(out, v->sender_domain);
        break;
    case 'd':
        buf_add_str(out, v->domain);
        break;
    case 'i':
        add_dotted_address(v->client, out);
        break;
    case 'p':
        buf_add_str(out, v->validated(v->context, v->domain));
        break;
    case 'v':
        buf_add_c(out, v->client->ss_family == AF_INET6 ? "ip6" : "in-addr");
        break;
    case 'h':
        buf_add_str(out, v->helo);
        break;
    case 'c':
        sockaddr_text(v->client, text);
        buf_add_c(out, text);
        break;
    case 'r':
        buf_add_str(out, v->receiver.n ? v->receiver : STR("unknown"));
        break;
    default: /* t */
        buf_printf(out, "%" PRId64, clock_now() / CLOCK_SECOND);
    }
}

/* ---- transforming ---- */

static size_t part_end(struct str s, size_t from, struct str delimiters) {
    while (from < s.n && !memchr(delimiters.p, s.p[from], delimiters.n))
        from++;
    return from;
}

/* Where the part that ends at `end` begins. */
static size_t part_begin(struct str s, size_t end, struct str delimiters) {
    while (end > 0 && !memchr(delimiters.p, s.p[end - 1], delimiters.n))
        end--;
    return end;
}

static void add_part(struct str part, bool first, struct buf *out) {
    if (!first)
        buf_add_byte(out, '.');
    buf_add_str(out, part);
}

/* RFC 7208 7.3: taken apart at the delimiters, reversed, the rightmost parts of that, put together with dots. */
static void transform(const struct macro *m, struct str s, struct buf *out) {
    size_t count = 1, skip;
    for (size_t i = 0; i < s.n; i++)
        count += memchr(m->delimiters.p, s.p[i], m->delimiters.n) != NULL;
    skip = m->parts && m->parts < count ? count - m->parts : 0;
    if (m->reversed) {
        for (size_t k = 0, end = s.n; k < count; k++) {
            size_t begin = part_begin(s, end, m->delimiters);
            if (k >= skip)
                add_part(str_sub(s, begin, end - begin), k == skip, out);
            end = begin ? begin - 1 : 0;
        }
        return;
    }
    for (size_t k = 0, begin = 0; k < count; k++) {
        size_t end = part_end(s, begin, m->delimiters);
        if (k >= skip)
            add_part(str_sub(s, begin, end - begin), k == skip, out);
        begin = end + 1;
    }
}

/* RFC 3986 2.3: all but the unreserved. */
static void add_escaped(struct str s, struct buf *out) {
    for (size_t i = 0; i < s.n; i++)
        if (ascii_alpha(s.p[i]) || ascii_digit(s.p[i]) || is_one_of(s.p[i], "-._~"))
            buf_add_byte(out, s.p[i]);
        else
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)s.p[i]);
}

static void expand_macro(const struct macro *m, const struct spf_values *v, struct buf *out) {
    struct buf value = BUF_EMPTY, parts = BUF_EMPTY;
    add_value(m->letter, v, &value);
    transform(m, buf_str(&value), &parts);
    if (m->escaped)
        add_escaped(buf_str(&parts), out);
    else
        buf_add_str(out, buf_str(&parts));
    buf_free(&value);
    buf_free(&parts);
}

/* Expands the first token of *text, a macro or a literal byte, and takes it off. */
static bool expand_next(struct str *text, const struct spf_values *v, struct macro *m, struct buf *out) {
    size_t n = 1;
    *m = (struct macro){.letter = '%'};
    if (text->n == 0)
        return false;
    if (text->p[0] != '%')
        buf_add_byte(out, text->p[0]);
    else if ((n = read_macro(*text, m, NULL)) == 0)
        return false;
    else if (m->letter == '%')
        buf_add_byte(out, '%');
    else if (m->letter == '_')
        buf_add_byte(out, ' ');
    else if (m->letter == '-')
        buf_add_c(out, "%20");
    else
        expand_macro(m, v, out);
    *text = str_sub(*text, n, text->n);
    return true;
}

bool spf_macro_domain(struct arena *a, struct str spec, const struct spf_values *v, struct str *name) {
    struct buf out = BUF_EMPTY;
    struct macro m;
    bool ascii = str_is_ascii(v->local), matches = true;
    while (expand_next(&spec, v, &m, &out)) {
        matches = matches && (ascii || (m.letter != 's' && m.letter != 'l'));
        if (out.n > NAME_CUT)
            buf_consume(&out, out.n - NAME_KEEP);
    }
    struct str s = buf_str(&out);
    if (s.n && s.p[s.n - 1] == '.')
        s.n--;
    while (s.n > NAME_LENGTH) {
        ptrdiff_t dot = str_chr(s, '.');
        s = dot < 0 ? STR("") : str_sub(s, (size_t)dot + 1, s.n);
    }
    *name = arena_str(a, s);
    buf_free(&out);
    return matches;
}

bool spf_macro_explanation(struct arena *a, struct str text, const struct spf_values *v, struct str *out) {
    struct buf b = BUF_EMPTY;
    struct macro m;
    while (b.n <= SPF_MAX_EXPLANATION && expand_next(&text, v, &m, &b))
        ;
    bool ok = b.n > 0 && b.n <= SPF_MAX_EXPLANATION;
    for (size_t i = 0; ok && i < b.n; i++)
        ok = b.p[i] >= ' ' && b.p[i] <= '~';
    if (ok)
        *out = arena_str(a, buf_str(&b));
    buf_free(&b);
    return ok;
}
