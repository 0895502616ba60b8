/* What a milter wants changed at the end of a message: gathered, and done once it is through and content. */
#include "filtering/state.h"

#include "base/log.h"
#include "directory/address.h"

enum { MAX_CHANGES = 10000, MAX_BYTES = 16 << 20, BODY_ROOM = 1 << 20 };

/* What it must have asked for in the negotiation. */
static uint32_t permission(enum milter_reply_kind kind) {
    switch (kind) {
    case MILTER_ADD_HEADER:
    case MILTER_INSERT_HEADER:
        return MILTER_MAY_ADD_HEADERS;
    case MILTER_CHANGE_HEADER:
        return MILTER_MAY_CHANGE_HEADERS;
    case MILTER_REPLACE_BODY:
        return MILTER_MAY_CHANGE_BODY;
    case MILTER_ADD_RCPT:
        return MILTER_MAY_ADD_RCPT;
    case MILTER_ADD_RCPT_PARAMETERS:
        return MILTER_MAY_ADD_RCPT_PARAMETERS;
    case MILTER_REMOVE_RCPT:
        return MILTER_MAY_REMOVE_RCPT;
    case MILTER_CHANGE_FROM:
        return MILTER_MAY_CHANGE_FROM;
    case MILTER_QUARANTINE:
        return MILTER_MAY_QUARANTINE;
    default:
        return 0;
    }
}

/* The new body, which comes in pieces. Lines of a message end with CR LF. */
static bool keep_body(struct question *q, struct changes *c, struct str piece, struct err *err) {
    c->has_body = true;
    if (c->body.n + piece.n > q->s->transaction.limit + BODY_ROOM)
        return err_set(err, "its new body is larger than a message may be");
    for (size_t i = 0; i < piece.n; i++) {
        char before = c->body.n ? c->body.p[c->body.n - 1] : 0;
        if (before == '\r' && piece.p[i] != '\n')
            buf_add_byte(&c->body, '\n');
        else if (before != '\r' && piece.p[i] == '\n')
            buf_add_byte(&c->body, '\r');
        buf_add_byte(&c->body, piece.p[i] ? piece.p[i] : ' ');
    }
    return true;
}

bool changes_keep(struct question *q, struct changes *c, const struct milter_reply *r, struct err *err) {
    uint32_t needed = permission(r->kind);
    if (!needed)
        return err_set(err, "it sent the reply '%c', which has no place at the end of a message", r->kind);
    if (!(q->talk->milter->terms.may & needed)) {
        decide_note(q, NOTE_WARN, "it wants a change ('%c') that it did not ask for, and does not get it", r->kind);
        return true;
    }
    if (r->kind == MILTER_REPLACE_BODY)
        return keep_body(q, c, r->text, err);
    c->bytes += r->name.n + r->text.n;
    if (c->count >= MAX_CHANGES || c->bytes > MAX_BYTES)
        return err_set(err, "it wants too many changes");
    if (c->count == c->cap) {
        c->cap = c->cap ? c->cap * 2 : 16;
        struct milter_reply *grown = arena_array(c->arena, c->cap, sizeof *grown);
        if (c->count)
            memcpy(grown, c->list, c->count * sizeof *grown);
        c->list = grown;
    }
    struct milter_reply *kept = &c->list[c->count++];
    *kept = *r;
    kept->name = arena_str(c->arena, r->name);
    kept->text = arena_str(c->arena, r->text);
    return true;
}

/* ---- doing it ---- */

static void insert(struct question *q, size_t index, const struct milter_reply *r) {
    struct edit *e = &q->s->transaction.edit;
    if (q->talk->milter->terms.options & MILTER_LEADING_SPACE)
        edit_insert_exact(e, index, r->name, r->text);
    else
        edit_insert_exact(e, index, r->name, arena_printf(q->arena, " %.*s", STR_ARG(r->text)));
    decide_note(q, NOTE_PASS, "adds %.*s", STR_ARG(r->name));
}

/* Fields are counted from 1; an empty value takes the field out. */
static void change(struct question *q, const struct milter_reply *r) {
    struct edit *e = &q->s->transaction.edit;
    uint32_t nth = r->index ? r->index : 1;
    if (r->text.n == 0) {
        if (edit_remove(e, r->name, nth))
            decide_note(q, NOTE_PASS, "takes out %.*s", STR_ARG(r->name));
        return;
    }
    if (q->talk->milter->terms.options & MILTER_LEADING_SPACE)
        edit_replace_exact(e, r->name, nth, r->text);
    else
        edit_replace_exact(e, r->name, nth, arena_printf(q->arena, " %.*s", STR_ARG(r->text)));
    decide_note(q, NOTE_PASS, "changes %.*s", STR_ARG(r->name));
}

static bool change_sender(struct question *q, const struct milter_reply *r) {
    struct str path = str_trim(r->name), local, domain;
    struct err err;
    if (path.n >= 2 && path.p[0] == '<' && path.p[path.n - 1] == '>')
        path = str_sub(path, 1, path.n - 2);
    if (path.n && !address_parse(q->arena, path, &local, &domain, &err)) {
        decide_note(q, NOTE_WARN, "it wants the sender <%.*s>, which is none: %s", STR_ARG(path), err.text);
        return true;
    }
    q->s->transaction.sender = path.n ? address_format(q->arena, local, domain) : STR("");
    decide_note(q, NOTE_PASS, "changes the sender to <%.*s>", STR_ARG(q->s->transaction.sender));
    return true;
}

static bool add_recipient(struct question *q, const struct milter_reply *r, struct err *err) {
    enum directory_status status = decide_add_recipient(q, r->name, err);
    if (status == DIRECTORY_OK)
        decide_note(q, NOTE_PASS, "adds the recipient %.*s", STR_ARG(r->name));
    else if (status != DIRECTORY_TEMPORARY)
        decide_note(q, NOTE_WARN, "the recipient %.*s is not added: %s", STR_ARG(r->name), err->text);
    return status != DIRECTORY_TEMPORARY;
}

static bool apply(struct question *q, const struct milter_reply *r, struct err *err) {
    switch (r->kind) {
    case MILTER_ADD_HEADER:
        insert(q, SIZE_MAX, r);
        return true;
    case MILTER_INSERT_HEADER: /* 0 and 1: below our own Received, which stands on top and which it did not see */
        insert(q, r->index ? r->index - 1 : 0, r);
        return true;
    case MILTER_CHANGE_HEADER:
        change(q, r);
        return true;
    case MILTER_ADD_RCPT:
    case MILTER_ADD_RCPT_PARAMETERS:
        return add_recipient(q, r, err);
    case MILTER_REMOVE_RCPT:
        if (decide_remove_recipient(q, r->name))
            decide_note(q, NOTE_PASS, "takes out the recipient %.*s", STR_ARG(r->name));
        return true;
    case MILTER_CHANGE_FROM:
        return change_sender(q, r);
    case MILTER_QUARANTINE:
        decide_quarantine(q, "%.*s", STR_ARG(r->text));
        return true;
    default:
        log_panic("a change of a milter that is none");
    }
}

bool changes_apply(struct question *q, struct changes *c, struct err *err) {
    if (q->filter->warn_only) {
        decide_note(q, c->count || c->has_body ? NOTE_WARN : NOTE_PASS, "it is content; %zu changes%s are not made",
                    c->count, c->has_body ? " and a new body" : "");
        return true;
    }
    for (size_t i = 0; i < c->count; i++)
        if (!apply(q, &c->list[i], err))
            return false;
    if (c->has_body) {
        edit_body(&q->s->transaction.edit, arena_str(q->arena, buf_str(&c->body)));
        decide_note(q, NOTE_PASS, "replaces the body");
    }
    if (c->count == 0 && !c->has_body)
        decide_note(q, NOTE_PASS, "it is content");
    return true;
}
