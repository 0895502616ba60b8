#include "move/lines.h"

struct ends {
    size_t lf, crlf; /* bare LF; CR LF */
    bool doubled;    /* CR CR LF */
};

static struct ends look(struct str s) {
    struct ends e = {0, 0, false};
    if (!s.n)
        return e;
    for (const char *p = s.p, *end = s.p + s.n; (p = memchr(p, '\n', (size_t)(end - p))); p++) {
        size_t before = (size_t)(p - s.p);
        if (before == 0 || p[-1] != '\r') {
            e.lf++;
            continue;
        }
        e.crlf++;
        e.doubled = e.doubled || (before > 1 && p[-2] == '\r');
    }
    return e;
}

static struct str built(const struct buf *out, size_t from) { return str_n(out->p + from, out->n - from); }

struct str lines_to_store(struct str file, bool raw, struct buf *out, bool *crlf) {
    struct ends e = look(file);
    *crlf = !raw && e.crlf && !e.lf && !e.doubled;
    if (raw || e.crlf || !e.lf)
        return file;
    size_t start = out->n;
    buf_reserve(out, file.n + e.lf);
    for (struct str rest = file, line; str_split(&rest, '\n', &line);) {
        buf_add_str(out, line);
        if (rest.p)
            buf_add(out, "\r\n", 2);
    }
    return built(out, start);
}

struct str lines_to_file(struct str message, bool crlf, struct buf *out, bool *raw) {
    struct ends e = look(message);
    *raw = !crlf && e.lf && !e.crlf;
    if (crlf || !e.crlf || e.lf || e.doubled)
        return message;
    size_t start = out->n;
    buf_reserve(out, message.n);
    for (struct str rest = message, line; str_split(&rest, '\n', &line);) {
        if (rest.p)
            line.n--; /* the CR */
        buf_add_str(out, line);
        if (rest.p)
            buf_add_byte(out, '\n');
    }
    return built(out, start);
}
