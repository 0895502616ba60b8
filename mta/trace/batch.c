#include "trace/batch.h"

#include <stdlib.h>

enum { ADDRESS_BYTES = 320, NAME_BYTES = 255, REPLY_BYTES = 1000, ID_BYTES = 500, NOTES_BYTES = 32 << 10 };

/* A copy of at most `most` bytes that PostgreSQL takes as text and no page or terminal stumbles over. */
static struct str clean(struct batch *b, struct str s, size_t most, bool lower) {
    if (s.n == 0)
        return STR("");
    if (s.n > most)
        for (s.n = most; s.n > 0 && ((unsigned char)s.p[s.n] & 0xc0) == 0x80;)
            s.n--;
    bool utf8 = str_is_utf8(s);
    char *p = arena_c(&b->arena, s);
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c < 0x20 || c == 0x7f || (c >= 0x80 && !utf8))
            p[i] = '?';
        else if (lower)
            p[i] = ascii_lower(p[i]);
    }
    b->bytes += s.n + 1;
    return str_n(p, s.n);
}

/* Room for one more element at the end. */
static void *room(void *array, size_t count, size_t *cap, size_t size) {
    if (count < *cap)
        return array;
    *cap = *cap ? *cap * 2 : 64;
    return mem_resize(array, *cap * size);
}

void batch_add_row(struct batch *b, const struct trace_message *m, const struct trace_recipient *r) {
    b->row = room(b->row, b->rows, &b->row_cap, sizeof *b->row);
    struct batch_row *row = &b->row[b->rows++];
    *row = (struct batch_row){*m, *r};
    row->m.client = clean(b, m->client, NAME_BYTES, true);
    row->m.client_name = clean(b, m->client_name, NAME_BYTES, true);
    row->m.helo = clean(b, m->helo, NAME_BYTES, false);
    row->m.tls = clean(b, m->tls, NAME_BYTES, false);
    row->m.login = clean(b, m->login, ADDRESS_BYTES, true);
    row->m.sender = clean(b, m->sender, ADDRESS_BYTES, true);
    row->m.message_id = clean(b, m->message_id, ID_BYTES, false);
    row->r.recipient = clean(b, r->recipient, ADDRESS_BYTES, true);
    row->r.target = clean(b, r->target, ADDRESS_BYTES, true);
    if (str_eq(row->r.target, row->r.recipient))
        row->r.target = STR("");
    row->r.rule = r->rule ? clean(b, str_of(r->rule), NAME_BYTES, false).p : "";
    row->r.reply = clean(b, r->reply, REPLY_BYTES, false);
    row->r.mailbox = clean(b, r->mailbox, NAME_BYTES, false);
    /* notes.c has cleaned and bounded them; half a JSON text would be none */
    row->r.notes = r->notes.n && r->notes.n <= NOTES_BYTES ? arena_str(&b->arena, r->notes) : STR("");
    b->bytes += row->r.notes.n + sizeof *row;
}

void batch_add_event(struct batch *b, const struct trace_event *e) {
    b->event = room(b->event, b->events, &b->event_cap, sizeof *b->event);
    struct trace_event *event = &b->event[b->events++];
    *event = *e;
    event->address = clean(b, e->address, ADDRESS_BYTES, true);
    event->host = clean(b, e->host, NAME_BYTES, false);
    event->tls = clean(b, e->tls, NAME_BYTES, false);
    event->reply = clean(b, e->reply, REPLY_BYTES, false);
    b->bytes += sizeof *event;
}

void batch_reset(struct batch *b) {
    arena_reset(&b->arena);
    b->rows = b->events = b->bytes = 0;
}

void batch_free(struct batch *b) {
    arena_free(&b->arena);
    free(b->row);
    free(b->event);
    *b = (struct batch){0};
}
