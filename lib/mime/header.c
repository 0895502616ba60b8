/* The fields of a header block (RFC 5322 section 2.2): finding, unfolding. */
#include "mime/internal.h"

struct str mime_line(struct str s, size_t at, size_t *next) {
    const char *start = s.p + at, *lf = at < s.n ? memchr(start, '\n', s.n - at) : NULL;
    if (!lf) {
        *next = s.n;
        return (struct str){start, s.n - at};
    }
    *next = (size_t)(lf - s.p) + 1;
    size_t n = (size_t)(lf - start);
    if (n && start[n - 1] == '\r')
        n--;
    return (struct str){start, n};
}

/* Index of the colon that ends the field name at the start of a line, or 0. RFC 5322 section 4.5 allows blanks before
 * it. */
static size_t name_colon(struct str line) {
    size_t i = 0;
    while (i < line.n && line.p[i] > ' ' && line.p[i] < 0x7f && line.p[i] != ':')
        i++;
    size_t name = i;
    while (i < line.n && (line.p[i] == ' ' || line.p[i] == '\t'))
        i++;
    return name && i < line.n && line.p[i] == ':' ? i : 0;
}

static bool is_mbox_line(struct str line) { return str_starts(line, STR("From ")) || str_starts(line, STR(">From ")); }

enum mime_header_line mime_header_line(struct str line, bool first) {
    if (line.n == 0)
        return HEADER_EMPTY;
    if (!first && mime_blank(line.p[0]))
        return HEADER_FOLDED;
    return name_colon(line) || (first && is_mbox_line(line)) ? HEADER_FIELD : HEADER_FOREIGN;
}

/* Index behind the field whose first line is at `at`: its continuation lines begin with a blank. */
static size_t field_end(struct str s, size_t at) {
    for (;;) {
        const char *lf = memchr(s.p + at, '\n', s.n - at);
        if (!lf)
            return s.n;
        at = (size_t)(lf - s.p) + 1;
        if (at >= s.n || (s.p[at] != ' ' && s.p[at] != '\t'))
            return at;
    }
}

static bool at_empty_line(struct str s) {
    return s.n == 0 || s.p[0] == '\n' || (s.p[0] == '\r' && (s.n == 1 || s.p[1] == '\n'));
}

static struct str without_line_end(struct str s) {
    if (s.n && s.p[s.n - 1] == '\n')
        s.n--;
    if (s.n && s.p[s.n - 1] == '\r')
        s.n--;
    return s;
}

bool mime_next_field(struct str *header, struct mime_field *field) {
    while (!at_empty_line(*header)) {
        size_t end = field_end(*header, 0);
        struct str raw = str_sub(*header, 0, end);
        *header = str_sub(*header, end, header->n);
        size_t colon = name_colon(raw);
        if (!colon)
            continue;
        size_t name = colon;
        while (raw.p[name - 1] == ' ' || raw.p[name - 1] == '\t')
            name--;
        field->raw = raw;
        field->name = str_sub(raw, 0, name);
        field->body = without_line_end(str_sub(raw, colon + 1, raw.n));
        return true;
    }
    return false;
}

struct str mime_unfold(struct arena *a, struct str body) {
    body = str_trim(body);
    if (body.n == 0)
        return (struct str){body.p ? body.p : "", 0};
    if (!memchr(body.p, '\n', body.n) && !memchr(body.p, '\r', body.n))
        return body;
    char *to = arena_alloc(a, body.n);
    size_t n = 0;
    for (size_t i = 0; i < body.n; i++) {
        if (body.p[i] == '\n' || (body.p[i] == '\r' && body.p[i + 1] == '\n')) /* trimmed: no CR is last */
            continue;
        to[n++] = body.p[i] == '\r' ? ' ' : body.p[i];
    }
    return (struct str){to, n};
}

struct str mime_header_get(struct arena *a, struct str header, struct str name) {
    struct mime_field field;
    while (mime_next_field(&header, &field))
        if (str_ieq(field.name, name))
            return arena_str(a, mime_unfold(a, field.body));
    return MIME_NO_STR;
}

size_t mime_header_length(struct str message) {
    size_t foreign = SIZE_MAX; /* the first line behind the last field */
    for (size_t at = 0, next; at < message.n; at = next) {
        enum mime_header_line kind = mime_header_line(mime_line(message, at, &next), at == 0);
        if (kind == HEADER_EMPTY)
            return foreign < at ? foreign : next;
        if (kind == HEADER_FOREIGN && at == 0)
            return 0;
        if (kind == HEADER_FIELD)
            foreign = SIZE_MAX;
        else if (kind == HEADER_FOREIGN && foreign == SIZE_MAX)
            foreign = at;
    }
    return foreign < message.n ? foreign : message.n;
}
