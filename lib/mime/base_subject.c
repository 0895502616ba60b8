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

/* subj-leader = (*subj-blob subj-refwd) / WSP; true where one was taken off. */
static bool take_leader(struct str *s) {
    size_t at = skip_blanks(*s, 0);
    if (at == 0) {
        for (size_t next = skip_blob(*s, 0); next > at; next = skip_blob(*s, at))
            at = next;
        size_t end = skip_refwd(*s, at);
        if (end == at)
            return false;
        at = end;
    }
    *s = str_sub(*s, at, s->n);
    return true;
}

/* A blob goes where something is left behind it. */
static bool take_blob(struct str *s) {
    size_t end = skip_blob(*s, 0);
    if (end == 0 || end == s->n)
        return false;
    *s = str_sub(*s, end, s->n);
    return true;
}

static bool take_trailer(struct str *s) {
    struct str before = *s;
    *s = str_trim(*s);
    if (str_iends(*s, STR("(fwd)")))
        s->n -= 5;
    return s->n != before.n;
}

static bool take_forward_frame(struct str *s) {
    if (!str_istarts(*s, STR("[fwd:")) || !str_ends(*s, STR("]")))
        return false;
    *s = str_sub(*s, 5, s->n - 6);
    return true;
}

struct str mime_base_subject(struct arena *a, struct str subject) {
    struct str s = fold_blanks(a, mime_utf8_cut(subject, MIME_BASE_SUBJECT_BYTES));
    do {
        while (take_trailer(&s))
            ;
        while (take_leader(&s) || take_blob(&s))
            ;
    } while (take_forward_frame(&s));
    return s;
}
