#include "smtpd/data.h"

enum state {
    LINE_START, /* behind CR LF, or at the very beginning */
    TEXT,       /* in a line */
    CR,         /* behind a CR in a line */
    DOT,        /* behind a dot at a line's start; the dot is not in the text */
    DOT_CR,     /* behind a dot and a CR at a line's start; neither is in the text */
};

/* In a line, from p on: to the end of the line, or of what there is. Returns the bytes passed. */
static size_t scan_text(struct data_scanner *d, const char *p, size_t n) {
    const char *lf = memchr(p, '\n', n);
    size_t line = lf ? (size_t)(lf - p) : n;
    const char *cr = memchr(p, '\r', line);
    if (cr && cr != p + line - 1)
        d->bare_cr = true;
    bool ends_with_cr = line > 0 && p[line - 1] == '\r';
    if (!lf) {
        d->state = ends_with_cr ? CR : TEXT;
        return n;
    }
    if (ends_with_cr) {
        d->state = LINE_START;
    } else {
        d->bare_lf = true;
        d->state = TEXT;
    }
    return line + 1;
}

size_t data_scan(struct data_scanner *d, struct str in, struct buf *out, bool *end) {
    size_t i = 0, from = 0; /* in.p[from .. i) is text that is not in out yet */
    *end = false;
    while (i < in.n && !*end) {
        char c = in.p[i];
        switch (d->state) {
        case LINE_START:
            d->state = TEXT;
            if (c == '.') {
                buf_add(out, in.p + from, i - from);
                from = ++i;
                d->state = DOT;
            }
            break;
        case CR:
            if (c == '\n') {
                i++;
                d->state = LINE_START;
            } else {
                d->bare_cr = true;
                d->state = TEXT;
            }
            break;
        case DOT:
            d->state = TEXT;
            if (c == '\r') {
                from = ++i;
                d->state = DOT_CR;
            }
            break;
        case DOT_CR:
            if (c == '\n') {
                from = ++i;
                *end = true;
            } else {
                d->bare_cr = true;
                d->state = TEXT;
            }
            break;
        default:
            i += scan_text(d, in.p + i, in.n - i);
        }
    }
    buf_add(out, in.p + from, i - from);
    if (!d->nul && memchr(in.p, 0, i))
        d->nul = true;
    return i;
}
