/* The base subject of RFC 5256 section 2.1: what is left of a subject without "Re:", "Fwd:", "[list]" and "(fwd)". */
#include "mime/internal.h"

/* Blanks to one space, none at the ends. */
static struct str fold_blanks(struct arena *a, struct str s) {
    char *to = arena_alloc(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        bool blank = mime_blank(s.p[i]);
        if (!blank || (n && to[n - 1] != ' '))
            to[n++] = blank ? ' ' : s.p[i];
    }
    while (n && to[n - 1] == ' ')
        n--;
    return (struct str){to, n};
}

static size_t skip_blanks(struct str s, size_t at) {
    while (at < s.n && s.p[at] == ' ')
        at++;
    return at;
}

/* subj-blob = "[" *BLOBCHAR "]" *WSP; index behind it, or `at` where there is none. */
static size_t skip_blob(struct str s, size_t at) {
    size_t i = at;
    if (i >= s.n || s.p[i] != '[')
        return at;
    for (i++; i < s.n && s.p[i] != ']'; i++)
        if (s.p[i] == '[')
            return at;
    return i < s.n ? skip_blanks(s, i + 1) : at;
}

/* subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":"; index behind it, or `at`. */
static size_t skip_refwd(struct str s, size_t at) {
    struct str rest = str_sub(s, at, s.n);
    size_t i = at;
    if (str_istarts(rest, STR("re")))
        i += 2;
    else if (str_istarts(rest, STR("fwd")))
        i += 3;
    else if (str_istarts(rest, STR("fw")))
        i += 2;
    else
        return at;
    i = skip_blob(s, skip_blanks(s, i));
    return i < s.n && s.p[i] == ':' ? i + 1 : at;
}

struct stripping {
    struct str s;
    bool reply; /* something was taken off that an answer or a forwarded message has */
};

/* subj-leader = (*subj-blob subj-refwd) / WSP; true where one was taken off. */
static bool take_leader(struct stripping *x) {
    size_t at = skip_blanks(x->s, 0);
    if (at == 0) {
        for (size_t next = skip_blob(x->s, 0); next > at; next = skip_blob(x->s, at))
            at = next;
        size_t end = skip_refwd(x->s, at);
        if (end == at)
            return false;
        at = end;
        x->reply = true;
    }
    x->s = str_sub(x->s, at, x->s.n);
    return true;
}

/* A blob goes where something is left behind it. */
static bool take_blob(struct stripping *x) {
    size_t end = skip_blob(x->s, 0);
    if (end == 0 || end == x->s.n)
        return false;
    x->s = str_sub(x->s, end, x->s.n);
    return true;
}

static bool take_trailer(struct stripping *x) {
    size_t before = x->s.n;
    x->s = str_trim(x->s);
    if (str_iends(x->s, STR("(fwd)"))) {
        x->s.n -= 5;
        x->reply = true;
    }
    return x->s.n != before;
}

static bool take_forward_frame(struct stripping *x) {
    if (!str_istarts(x->s, STR("[fwd:")) || !str_ends(x->s, STR("]")))
        return false;
    x->s = str_sub(x->s, 5, x->s.n - 6);
    x->reply = true;
    return true;
}

static struct stripping strip(struct arena *a, struct str subject) {
    struct stripping x = {fold_blanks(a, mime_utf8_cut(subject, MIME_BASE_SUBJECT_BYTES)), false};
    do {
        while (take_trailer(&x))
            ;
        while (take_leader(&x) || take_blob(&x))
            ;
    } while (take_forward_frame(&x));
    return x;
}

struct str mime_base_subject(struct arena *a, struct str subject) {
    return strip(a, subject).s;
}

bool mime_is_reply(struct arena *a, struct str subject) { return strip(a, subject).reply; }
