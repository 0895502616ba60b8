#include "edit/edit.h"

/* The end of the field that begins at `from`: behind its last line end that no blank or tab follows. */
static size_t field_end(struct str m, size_t from) {
    size_t i = from;
    while (i < m.n) {
        const char *lf = memchr(m.p + i, '\n', m.n - i);
        if (!lf)
            return m.n;
        i = (size_t)(lf - m.p) + 1;
        if (i >= m.n || (m.p[i] != ' ' && m.p[i] != '\t'))
            return i;
    }
    return i;
}

/* The name before the colon; empty for a line that is no field. */
static struct str field_name(struct str raw) {
    ptrdiff_t colon = str_chr(raw, ':');
    size_t n = colon < 0 ? 0 : (size_t)colon;
    while (n && (raw.p[n - 1] == ' ' || raw.p[n - 1] == '\t'))
        n--;
    for (size_t i = 0; i < n; i++)
        if (raw.p[i] <= ' ' || raw.p[i] > '~')
            return STR("");
    return str_sub(raw, 0, n);
}

static void make_room(struct edit *e) {
    if (e->count < e->cap)
        return;
    e->cap = e->cap ? e->cap * 2 : 32;
    struct edit_field *grown = arena_array(e->arena, e->cap, sizeof *grown);
    if (e->count)
        memcpy(grown, e->field, e->count * sizeof *grown);
    e->field = grown;
}

/* A header ends with an empty line, or with the first line that can belong to no field. */
static bool begins_field(struct str m, size_t at) {
    struct str rest = str_sub(m, at, m.n);
    ptrdiff_t lf = str_chr(rest, '\n');
    struct str line = str_sub(rest, 0, lf < 0 ? rest.n : (size_t)lf);
    return field_name(line).n > 0;
}

static void parse(struct edit *e) {
    if (e->parsed)
        return;
    e->parsed = true;
    size_t at = 0;
    while (at < e->message.n && begins_field(e->message, at)) {
        size_t end = field_end(e->message, at);
        struct str raw = str_sub(e->message, at, end - at);
        make_room(e);
        e->field[e->count++] = (struct edit_field){field_name(raw), raw};
        at = end;
    }
    e->header_bytes = at;
    e->body = str_sub(e->message, at, e->message.n);
}

const struct edit_field *edit_fields(struct edit *e, size_t *count) {
    parse(e);
    *count = e->count;
    return e->field;
}

/* A value in one field whatever it holds: line ends become CR LF and a blank. */
static struct str field_text(struct edit *e, struct str name, struct str value, bool exact) {
    struct buf out = BUF_EMPTY;
    for (size_t i = 0; i < name.n && out.n < 200; i++)
        if (name.p[i] > ' ' && name.p[i] <= '~' && name.p[i] != ':')
            buf_add_byte(&out, name.p[i]);
    buf_add_c(&out, ":");
    if (!exact && (value.n == 0 || (value.p[0] != ' ' && value.p[0] != '\t')))
        buf_add_byte(&out, ' ');
    while (value.n && (value.p[value.n - 1] == '\n' || value.p[value.n - 1] == '\r'))
        value.n--;
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (c != '\r' && c != '\n') {
            buf_add_byte(&out, c ? c : ' ');
            continue;
        }
        while (i + 1 < value.n && (value.p[i + 1] == '\r' || value.p[i + 1] == '\n'))
            i++;
        buf_add_c(&out, "\r\n");
        if (i + 1 < value.n && value.p[i + 1] != ' ' && value.p[i + 1] != '\t')
            buf_add_byte(&out, ' ');
    }
    buf_add_c(&out, "\r\n");
    struct str text = arena_str(e->arena, buf_str(&out));
    buf_free(&out);
    return text;
}

/* The index of the n-th field of a name, or -1. */
static ptrdiff_t find(struct edit *e, struct str name, uint32_t nth) {
    parse(e);
    for (size_t i = 0; i < e->count; i++)
        if (str_ieq(e->field[i].name, name) && --nth == 0)
            return (ptrdiff_t)i;
    return -1;
}

static void insert(struct edit *e, size_t index, struct str name, struct str value, bool exact) {
    parse(e);
    make_room(e);
    if (index > e->count)
        index = e->count;
    memmove(e->field + index + 1, e->field + index, (e->count - index) * sizeof *e->field);
    struct str raw = field_text(e, name, value, exact);
    e->field[index] = (struct edit_field){field_name(raw), raw};
    e->count++;
    e->changed = true;
}

static void replace(struct edit *e, struct str name, uint32_t nth, struct str value, bool exact) {
    ptrdiff_t i = nth ? find(e, name, nth) : -1;
    if (i < 0) {
        insert(e, SIZE_MAX, name, value, exact);
        return;
    }
    struct str raw = field_text(e, name, value, exact);
    e->field[i] = (struct edit_field){field_name(raw), raw};
    e->changed = true;
}

void edit_insert(struct edit *e, size_t index, struct str name, struct str value) {
    insert(e, index, name, value, false);
}

void edit_insert_exact(struct edit *e, size_t index, struct str name, struct str value) {
    insert(e, index, name, value, true);
}

void edit_replace(struct edit *e, struct str name, uint32_t nth, struct str value) {
    replace(e, name, nth, value, false);
}

void edit_replace_exact(struct edit *e, struct str name, uint32_t nth, struct str value) {
    replace(e, name, nth, value, true);
}

bool edit_remove(struct edit *e, struct str name, uint32_t nth) {
    ptrdiff_t i = nth ? find(e, name, nth) : -1;
    if (i < 0)
        return false;
    memmove(e->field + i, e->field + i + 1, (e->count - (size_t)i - 1) * sizeof *e->field);
    e->count--;
    e->changed = true;
    return true;
}

void edit_body(struct edit *e, struct str body) {
    parse(e);
    struct buf whole = BUF_EMPTY;
    buf_add_c(&whole, "\r\n");
    buf_add_str(&whole, body);
    e->body = arena_str(e->arena, buf_str(&whole));
    buf_free(&whole);
    e->changed = e->body_changed = true;
}

struct str edit_header(struct edit *e) {
    parse(e);
    struct buf out = BUF_EMPTY;
    for (size_t i = 0; i < e->count; i++)
        buf_add_str(&out, e->field[i].raw);
    struct str header = arena_str(e->arena, buf_str(&out));
    buf_free(&out);
    return header;
}

struct str edit_value(const struct edit_field *f) {
    ptrdiff_t colon = str_chr(f->raw, ':');
    struct str value = str_sub(f->raw, colon < 0 ? 0 : (size_t)colon + 1, f->raw.n);
    while (value.n && (value.p[value.n - 1] == '\n' || value.p[value.n - 1] == '\r'))
        value.n--;
    return value;
}
