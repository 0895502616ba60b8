#include "client/stuff.h"

static void end_line(struct stuffer *s, struct buf *out) {
    buf_add(out, "\r\n", 2);
    *s = STUFFER_START;
}

void stuff(struct stuffer *s, struct str in, struct buf *out) {
    for (size_t i = 0; i < in.n;) {
        if (s->cr) {
            end_line(s, out);
            i += in.p[i] == '\n';
            continue;
        }
        if (!s->in_line && in.p[i] == '.')
            buf_add_byte(out, '.');
        const char *lf = memchr(in.p + i, '\n', in.n - i);
        size_t end = lf ? (size_t)(lf - in.p) : in.n;
        const char *cr = memchr(in.p + i, '\r', end - i);
        if (cr)
            end = (size_t)(cr - in.p);
        buf_add(out, in.p + i, end - i);
        s->in_line |= end > i;
        i = end;
        if (i < in.n && in.p[i++] == '\r')
            s->cr = true;
        else if (end < in.n)
            end_line(s, out);
    }
}

void stuff_end(struct stuffer *s, struct buf *out) {
    if (s->cr || s->in_line)
        end_line(s, out);
    buf_add(out, ".\r\n", 3);
}
