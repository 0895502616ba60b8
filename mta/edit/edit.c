#include "edit/edit.h"

#include "mime/mime.h"

static void make_room(struct edit *e) {
    if (e->count < e->cap)
        return;
    e->cap = e->cap ? e->cap * 2 : 32;
    struct edit_field *grown = arena_array(e->arena, e->cap, sizeof *grown);
    if (e->count)
        memcpy(grown, e->field, e->count * sizeof *grown);
    e->field = grown;
}

static void append(struct edit *e, struct str name, struct str raw) {
    make_room(e);
    e->field[e->count++] = (struct edit_field){name, raw};
}

/* The header as lib/mime has it for everybody else: what stands between fields and is none stays where it is, with no
 * name, and does not end the header. Else a field behind it would be one for readers and none for us. */
static void parse(struct edit *e) {
    if (e->parsed)
        return;
    e->parsed = true;
    struct str header = str_sub(e->message, 0, mime_header_length(e->message));
    struct mime_field f;
    size_t at = 0;
    while (mime_next_field(&header, &f)) {
        size_t begin = (size_t)(f.raw.p - e->message.p);
        if (begin > at)
            append(e, STR(""), str_sub(e->message, at, begin - at));
        append(e, f.name, f.raw);
        at = begin + f.raw.n;
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

static struct edit_field made(struct edit *e, struct str name, struct str value, bool exact) {
    struct str raw = field_text(e, name, value, exact);
    return (struct edit_field){str_sub(raw, 0, (size_t)str_chr(raw, ':')), raw};
}

/* The index of the n-th field of a name, or -1. */
static ptrdiff_t find(struct edit *e, struct str name, uint32_t nth) {
    parse(e);
    for (size_t i = 0; name.n && i < e->count; i++)
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
    e->field[index] = made(e, name, value, exact);
    e->count++;
    e->changed = true;
}

static void replace(struct edit *e, struct str name, uint32_t nth, struct str value, bool exact) {
    ptrdiff_t i = nth ? find(e, name, nth) : -1;
    if (i < 0) {
        insert(e, SIZE_MAX, name, value, exact);
        return;
    }
    e->field[i] = made(e, name, value, exact);
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
    for (size_t i = 0; i < e->count; i++) {
        struct str raw = e->field[i].raw;
        buf_add_str(&out, raw);
        if (i + 1 < e->count && raw.n && raw.p[raw.n - 1] != '\n') /* the message ended within it */
            buf_add_c(&out, "\r\n");
    }
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
