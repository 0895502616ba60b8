#include "move/csv.h"

static bool at_end(struct str s) { return s.n == 0 || *s.p == '\n' || (s.n > 1 && s.p[0] == '\r' && s.p[1] == '\n'); }

static void skip(struct str *s, size_t n) { *s = str_sub(*s, n, s->n); }

static void skip_line(struct str *rest, size_t *line) {
    ptrdiff_t end = str_chr(*rest, '\n');
    skip(rest, end < 0 ? rest->n : (size_t)end + 1);
    ++*line;
}

/* Behind the opening quote. False: no closing one. */
static bool take_quoted(struct str *rest, struct buf *out, size_t *line) {
    for (; rest->n; skip(rest, 1)) {
        if (*rest->p == '"') {
            skip(rest, 1);
            if (!rest->n || *rest->p != '"')
                return true;
        }
        *line += *rest->p == '\n';
        buf_add_byte(out, *rest->p);
    }
    return false;
}

static bool take_field(struct arena *a, struct str *rest, struct str *field, size_t *line, struct err *err) {
    struct buf b = BUF_EMPTY;
    bool quoted = rest->n && *rest->p == '"', good = true;
    size_t began = *line;
    if (quoted) {
        skip(rest, 1);
        good = take_quoted(rest, &b, line) && (at_end(*rest) || *rest->p == ',');
    }
    for (; good && !quoted && !at_end(*rest) && *rest->p != ','; skip(rest, 1))
        buf_add_byte(&b, *rest->p);
    *field = b.n ? arena_str(a, quoted ? buf_str(&b) : str_trim(buf_str(&b))) : STR("");
    buf_free(&b);
    return good || err_set(err, "line %zu: a quote is not closed, or something stands behind it", began + 1);
}

bool csv_next(struct arena *a, struct str *rest, struct str *field, size_t max, size_t *count, size_t *line,
              struct err *err) {
    *count = 0;
    while (rest->n && (at_end(*rest) || *rest->p == '#'))
        skip_line(rest, line);
    if (!rest->n)
        return false;
    for (;;) {
        if (*count == max)
            return err_set(err, "line %zu: more than %zu fields", *line + 1, max);
        if (!take_field(a, rest, &field[(*count)++], line, err))
            return false;
        if (at_end(*rest))
            break;
        skip(rest, 1); /* the comma */
    }
    if (rest->n)
        skip_line(rest, line);
    return true;
}
