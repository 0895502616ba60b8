#include "pop3/transmit.h"

struct transmission transmission_begin(int64_t lines) {
    return (struct transmission){.top = lines >= 0, .lines = lines > 0 ? (uint64_t)lines : 0, .line_start = true};
}

/* One line of the message, or a piece of one; false when TOP has had enough. */
static bool add_line(struct transmission *t, struct str line, bool ended, struct buf *out) {
    if (t->line_start && t->top && t->in_body && t->lines-- == 0)
        t->enough = true;
    if (t->enough)
        return false;
    if (t->line_start && line.n == 0 && ended)
        t->in_body = true;
    if (t->line_start && line.n && line.p[0] == '.')
        buf_add_byte(out, '.');
    buf_add_str(out, line);
    if (ended)
        buf_add_c(out, "\r\n");
    t->line_start = ended;
    return true;
}

bool transmission_add(struct transmission *t, struct str bytes, struct buf *out) {
    while (bytes.n) {
        ptrdiff_t newline = str_chr(bytes, '\n');
        bool ended = newline >= 0;
        struct str line = ended ? str_sub(bytes, 0, (size_t)newline) : bytes;
        bytes = str_sub(bytes, line.n + (ended ? 1 : 0), bytes.n);
        if (t->after_cr && !(ended && line.n == 0) && !add_line(t, STR("\r"), false, out))
            return false;
        t->after_cr = line.n && line.p[line.n - 1] == '\r';
        if (t->after_cr)
            line.n--;
        if (ended)
            t->after_cr = false;
        if ((line.n || ended) && !add_line(t, line, ended, out))
            return false;
    }
    return true;
}

void transmission_end(struct transmission *t, struct buf *out) {
    if (t->after_cr)
        add_line(t, STR("\r"), false, out);
    t->after_cr = false;
    if (!t->line_start)
        buf_add_c(out, "\r\n");
    buf_add_c(out, ".\r\n");
}
