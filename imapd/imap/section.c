#include "imap/section.h"

enum { MAX_FIELDS = 1000 };

/* ---- parsing ---- */

static bool take_fields(struct parser *p, struct section *s) {
    struct str name;
    size_t cap = 0;
    if (!parse_space(p) || !parse_byte(p, '('))
        return false;
    do {
        if (s->field_count && !parse_space(p))
            return false;
        if (!parse_astring(p, &name))
            return false;
        if (s->field_count == MAX_FIELDS)
            return parse_fail(p, "Too many header fields");
        if (s->field_count == cap) {
            cap = cap ? cap * 2 : 8;
            struct str *more = arena_array(p->arena, cap, sizeof *more);
            for (size_t i = 0; i < s->field_count; i++)
                more[i] = s->field[i];
            s->field = more;
        }
        s->field[s->field_count++] = arena_str(p->arena, name);
    } while (parse_peek(p) != ')');
    return parse_byte(p, ')');
}

static bool take_path(struct parser *p, struct section *s) {
    while (ascii_digit(parse_peek(p))) {
        uint32_t number;
        if (!parse_number(p, &number) || number == 0)
            return parse_fail(p, "Part numbers begin with 1");
        if (!s->path)
            s->path = arena_array(p->arena, MIME_MAX_DEPTH + 1, sizeof *s->path);
        if (s->path_count > MIME_MAX_DEPTH)
            return parse_fail(p, "Parts are not nested so deep");
        s->path[s->path_count++] = number;
        if (parse_peek(p) != '.')
            return true;
        p->at++;
    }
    return true;
}

static bool take_kind(struct parser *p, struct section *s) {
    bool part = s->path_count > 0;
    if (parse_skip_word(p, STR("HEADER.FIELDS.NOT")))
        s->kind = SECTION_FIELDS_NOT;
    else if (parse_skip_word(p, STR("HEADER.FIELDS")))
        s->kind = SECTION_FIELDS;
    else if (parse_skip_word(p, STR("HEADER")))
        s->kind = SECTION_HEADER;
    else if (parse_skip_word(p, STR("TEXT")))
        s->kind = SECTION_TEXT;
    else if (part && parse_skip_word(p, STR("MIME")))
        s->kind = SECTION_MIME;
    else
        return parse_fail(p, "Unknown section");
    return (s->kind != SECTION_FIELDS && s->kind != SECTION_FIELDS_NOT) || take_fields(p, s);
}

bool section_parse(struct parser *p, struct section *s) {
    *s = (struct section){0};
    if (!parse_byte(p, '[') || !take_path(p, s))
        return false;
    bool dot = s->path_count && p->in.p[p->at - 1] == '.';
    if ((s->path_count ? dot : parse_peek(p) != ']') && !take_kind(p, s))
        return false;
    return parse_byte(p, ']');
}

static bool is_atom(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (!ascii_alpha(s.p[i]) && !ascii_digit(s.p[i]) && s.p[i] != '-' && s.p[i] != '_')
            return false;
    return s.n > 0;
}

static void write_field(struct str name, struct buf *out) {
    if (is_atom(name))
        buf_add_str(out, name);
    else
        mime_render_nstring(name, out);
}

void section_write(const struct section *s, struct buf *out) {
    static const char *const words[] = {
        [SECTION_ALL] = "",
        [SECTION_HEADER] = "HEADER",
        [SECTION_FIELDS] = "HEADER.FIELDS",
        [SECTION_FIELDS_NOT] = "HEADER.FIELDS.NOT",
        [SECTION_TEXT] = "TEXT",
        [SECTION_MIME] = "MIME",
    };
    buf_add_byte(out, '[');
    for (size_t i = 0; i < s->path_count; i++) {
        if (i)
            buf_add_byte(out, '.');
        buf_add_u64(out, s->path[i]);
    }
    if (s->path_count && s->kind != SECTION_ALL)
        buf_add_byte(out, '.');
    buf_add_c(out, words[s->kind]);
    if (s->field_count) {
        for (size_t i = 0; i < s->field_count; i++) {
            buf_add_c(out, i ? " " : " (");
            write_field(s->field[i], out);
        }
        buf_add_byte(out, ')');
    }
    buf_add_byte(out, ']');
}

/* ---- finding the bytes ---- */

/* A header or text: of the message itself, or of the message inside a part. */
static void message_span(const struct section *s, const struct mime_part *message, uint64_t from, uint64_t prefix,
                         uint64_t end, struct span *span) {
    uint64_t header_end = prefix + message->header_offset + message->header_bytes;
    if (s->kind == SECTION_TEXT)
        *span = (struct span){header_end, end > header_end ? end - header_end : 0};
    else
        *span = (struct span){from, header_end - from};
}

bool section_span(const struct section *s, const struct mime_part *root, uint64_t prefix_bytes, uint64_t message_bytes,
                  struct span *span) {
    if (s->path_count == 0 && s->kind == SECTION_ALL) {
        *span = (struct span){0, message_bytes};
        return true;
    }
    if (s->path_count == 0) {
        message_span(s, root, 0, prefix_bytes, message_bytes, span);
        return true;
    }
    const struct mime_part *part = mime_find_part(root, s->path, s->path_count);
    if (!part)
        return false;
    if (s->kind == SECTION_ALL) {
        *span = (struct span){prefix_bytes + part->body_offset, part->body_bytes};
    } else if (s->kind == SECTION_MIME) {
        uint64_t from = part == root ? 0 : prefix_bytes + part->header_offset;
        *span = (struct span){from, prefix_bytes + part->header_offset + part->header_bytes - from};
    } else {
        bool message = str_eq(part->type, STR("message")) && part->child;
        if (!message)
            return false;
        message_span(s, part->child, prefix_bytes + part->child->header_offset, prefix_bytes,
                     prefix_bytes + part->body_offset + part->body_bytes, span);
    }
    return true;
}

static bool is_named(const struct section *s, struct str name) {
    for (size_t i = 0; i < s->field_count; i++)
        if (str_ieq(s->field[i], name))
            return true;
    return false;
}

void section_fields(const struct section *s, struct str header, struct buf *out) {
    struct mime_field field;
    while (mime_next_field(&header, &field)) {
        if (is_named(s, field.name) != (s->kind == SECTION_FIELDS))
            continue;
        buf_add_str(out, field.raw);
        if (!str_ends(field.raw, STR("\n")))
            buf_add_c(out, "\r\n");
    }
    buf_add_c(out, "\r\n");
}
