#include "imap/searched.h"

static bool addresses(struct searched *x, const struct mime_addresses *list, searched_unit *unit, void *context) {
    for (size_t i = 0; i < list->count; i++) {
        const struct mime_address *at = &list->at[i];
        buf_reset(&x->text);
        if (at->name.p)
            buf_add_str(&x->text, mime_decode_words(x->arena, at->name));
        buf_add_c(&x->text, " <");
        buf_add_str(&x->text, at->mailbox);
        buf_add_c(&x->text, at->host.p ? "@" : "");
        buf_add_str(&x->text, at->host);
        buf_add_byte(&x->text, '>');
        if (unit(context, (struct str){NULL, 0}, buf_str(&x->text)))
            return true;
    }
    return false;
}

/* Reads into x->bytes. */
static bool read_bytes(struct searched *x, uint64_t offset, uint64_t n, uint64_t most) {
    buf_reset(&x->bytes);
    if (x->status == STORE_OK)
        x->status = store_read(x->store, x->of, offset, n < most ? n : most, &x->bytes, &x->err);
    return x->status == STORE_OK;
}

static struct str with_name(struct arena *a, const struct mime_field *field) {
    size_t n = field->name.n + 2 + field->body.n;
    char *text = arena_alloc(a, n + 1);
    memcpy(text, field->name.p, field->name.n);
    text[field->name.n] = ':';
    text[field->name.n + 1] = ' ';
    if (field->body.n)
        memcpy(text + field->name.n + 2, field->body.p, field->body.n);
    return str_n(text, n);
}

bool searched_fields_of(struct arena *a, struct str header, struct str name, searched_unit *unit, void *context) {
    struct mime_field field;
    while (mime_next_field(&header, &field)) {
        if (name.p && !str_ieq(field.name, name))
            continue;
        struct str text = mime_decode_words(a, with_name(a, &field));
        if (name.p)
            text = str_sub(text, field.name.n + 2, text.n);
        if (unit(context, field.name, text))
            return true;
    }
    return false;
}

static bool own_header(struct searched *x, struct str name, searched_unit *unit, void *context) {
    uint64_t prefix = x->of->prefix.n, from = x->without_prefix ? prefix : 0;
    return read_bytes(x, from, prefix - from + x->card->root->header_bytes, SEARCHED_MAX_HEADER) &&
           searched_fields_of(x->arena, buf_str(&x->bytes), name, unit, context);
}

bool searched_field(struct searched *x, struct str name, searched_unit *unit, void *context) {
    return own_header(x, name.p ? name : STR(""), unit, context);
}

/* What a reader sees of a part without opening it. */
static bool label(struct searched *x, const struct mime_part *part, searched_unit *unit, void *context) {
    struct str name = mime_part_filename(part);
    const struct str none = {NULL, 0};
    return (name.p && unit(context, none, name)) ||
           (part->description.p && unit(context, none, mime_decode_words(x->arena, part->description)));
}

static bool part_texts(struct searched *x, const struct mime_part *part, searched_unit *unit, void *context) {
    const struct str none = {NULL, 0};
    if (label(x, part, unit, context))
        return true;
    uint64_t prefix = x->of->prefix.n;
    if (part->parent && part->envelope && part->header_bytes && str_eq(part->parent->type, STR("message"))) {
        if (!read_bytes(x, prefix + part->header_offset, part->header_bytes, SEARCHED_MAX_HEADER))
            return false;
        if (searched_fields_of(x->arena, buf_str(&x->bytes), none, unit, context))
            return true;
    }
    if (part->child || !str_eq(part->type, STR("text")))
        return false;
    if (!read_bytes(x, prefix + part->body_offset, part->body_bytes, SEARCHED_MAX_PART))
        return false;
    buf_reset(&x->decoded);
    buf_reset(&x->text);
    mime_decode_transfer(part->encoding, buf_str(&x->bytes), &x->decoded);
    struct str charset = mime_parameter_get(part->parameter, part->parameter_count, STR("charset"));
    mime_decode_charset(charset, buf_str(&x->decoded), &x->text);
    return unit(context, none, buf_str(&x->text));
}

/* Walks the tree without recursion. */
static bool body(struct searched *x, searched_unit *unit, void *context) {
    const struct mime_part *part = x->card->root;
    while (part) {
        if (part_texts(x, part, unit, context))
            return true;
        if (part->child) {
            part = part->child;
            continue;
        }
        while (part && !part->next)
            part = part->parent;
        part = part ? part->next : NULL;
    }
    return false;
}

bool searched_each(struct searched *x, enum searched_section section, searched_unit *unit, void *context) {
    const struct mime_envelope *e = x->card->envelope;
    const struct str none = {NULL, 0};
    switch (section) {
    case SEARCHED_FROM:
        return addresses(x, &e->from, unit, context);
    case SEARCHED_TO:
        return addresses(x, &e->to, unit, context);
    case SEARCHED_CC:
        return addresses(x, &e->cc, unit, context);
    case SEARCHED_BCC:
        return addresses(x, &e->bcc, unit, context);
    case SEARCHED_SUBJECT:
        return e->subject.p && unit(context, none, x->card->subject);
    case SEARCHED_MESSAGE_ID:
        return e->message_id.p && unit(context, none, e->message_id);
    case SEARCHED_HEADER:
        return own_header(x, none, unit, context);
    default:
        return body(x, unit, context);
    }
}

void searched_free(struct searched *x) { buf_free(&x->bytes), buf_free(&x->decoded), buf_free(&x->text); }
