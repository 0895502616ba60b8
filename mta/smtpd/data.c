#include "smtpd/data.h"

enum state {
    LINE_START, /* behind CR LF, or at the very beginning */
    TEXT,       /* in a line */
    CR,         /* behind a CR in a line */
    DOT,        /* behind a dot at a line's start; the dot is not in the text */
    DOT_CR,     /* behind a dot and a CR at a line's start; neither is in the text */
    /* where line ends are mended: */
    MENDED_START, /* behind a line end that was not CR LF */
    MENDED_DOT,   /* behind a dot there; the dot is not in the text */
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

/* ---- mending line ends ---- */

/* The line ends here, at a true line end or at another. */
static void mend_line(struct data_scanner *d, bool true_end, struct buf *out) {
    buf_add(out, "\r\n", 2);
    d->state = true_end ? LINE_START : MENDED_START;
}

/* One byte of text, at the start of a line or in it. */
static void mend_byte(struct data_scanner *d, char c, struct buf *out) {
    if (c == '\n') {
        d->bare_lf = true;
        mend_line(d, false, out);
    } else if (c == '\r') {
        d->state = CR;
    } else {
        buf_add_byte(out, c);
        d->state = TEXT;
        d->after_cr = false;
    }
}

/* One byte. A dot that stands alone on a line, and is not the end, stays; any other at a line's start was stuffed. */
static bool mend(struct data_scanner *d, char c, bool dots, struct buf *out) {
    unsigned char state = d->state;
    if (state == CR) {
        d->bare_cr |= c != '\n';
        d->after_cr |= c == '\r';
        mend_line(d, c == '\n', out);
        if (c == '\n')
            return false;
        state = d->state;
    }
    if (state == DOT_CR) {
        d->odd_end = d->after_cr;
        if (c == '\n')
            return true;
        d->bare_cr = true;
        buf_add_byte(out, '.');
        mend_line(d, false, out);
        state = d->state;
    }
    if (state == DOT && c == '\r') {
        d->state = DOT_CR;
        return false;
    }
    if (state == DOT || state == MENDED_DOT) {
        if (c == '\r' || c == '\n')
            buf_add_byte(out, '.');
        d->state = TEXT;
        mend_byte(d, c, out);
        return false;
    }
    if (dots && c == '.' && state != TEXT)
        d->state = state == LINE_START ? DOT : MENDED_DOT;
    else
        mend_byte(d, c, out);
    return false;
}

static size_t mend_all(struct data_scanner *d, struct str in, bool dots, struct buf *out, bool *end) {
    size_t i = 0;
    while (i < in.n && !*end) {
        d->nul |= in.p[i] == 0;
        *end = mend(d, in.p[i++], dots, out);
    }
    return i;
}

/* ---- chunks ---- */

void data_scan_chunk(struct data_scanner *d, struct str in, struct buf *out) {
    bool end = false;
    if (d->normalise) {
        mend_all(d, in, false, out, &end);
        return;
    }
    for (size_t i = 0; i < in.n;) {
        if (d->state == CR && in.p[i] != '\n')
            d->bare_cr = true;
        if (d->state == CR && in.p[i] == '\n') {
            d->state = LINE_START;
            i++;
        } else {
            i += scan_text(d, in.p + i, in.n - i);
        }
    }
    d->nul |= memchr(in.p, 0, in.n) != NULL;
    buf_add(out, in.p, in.n);
}

void data_end_chunks(struct data_scanner *d, struct buf *out) {
    if (d->state == CR && d->normalise)
        mend_line(d, false, out);
    else if (d->state == CR)
        d->bare_cr = true;
    else if (d->state == TEXT)
        buf_add(out, "\r\n", 2);
}

/* ---- data ---- */

size_t data_scan(struct data_scanner *d, struct str in, struct buf *out, bool *end) {
    size_t i = 0, from = 0; /* in.p[from .. i) is text that is not in out yet */
    *end = false;
    if (d->normalise)
        return mend_all(d, in, true, out, end);
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
