#include "base/log.h"
#include "pop3/session.h"
#include "view/view.h"

#include <stdlib.h>

enum { BATCH = 256, CHUNK = 64 * 1024 };

/* Reads what is there now, then lets go of the view. */
enum store_status maildrop_open(struct pop3_session *s, struct err *err) {
    struct store_mailbox m;
    enum store_status status = store_mailbox_find(s->service->store, &s->arena, s->account, STR("INBOX"), &m, err);
    if (status != STORE_OK)
        return status;
    struct view_client *c = view_open(s->service->views, &m, conn_get_id(s->conn), true, &status, err);
    if (!c)
        return status;
    s->mailbox = m.id;
    s->uidvalidity = m.uidvalidity;
    status = store_uidls(s->service->store, &s->kept, s->account, m.id, &s->uidl, &s->uidl_count, err);
    if (status != STORE_OK) {
        view_close(c);
        return status;
    }
    s->message = mem_zero((size_t)c->count * sizeof *s->message);
    for (uint32_t seq = 1; seq <= c->count;) {
        struct view_message batch[BATCH];
        uint32_t n = c->count - seq + 1 < BATCH ? c->count - seq + 1 : BATCH;
        view_read(c, seq, n, batch);
        for (uint32_t i = 0; i < n; i++)
            if (!batch[i].gone)
                s->message[s->count++] = (struct pop3_message){batch[i].uid, batch[i].size, false};
        seq += n;
    }
    view_close(c);
    return STORE_OK;
}

enum store_status maildrop_remove_deleted(struct pop3_session *s, struct err *err) {
    struct uid_range *range = arena_array(&s->arena, s->count ? s->count : 1, sizeof *range);
    size_t n = 0, count;
    uint32_t *gone;
    uint64_t modseq;
    for (uint32_t i = 0; i < s->count; i++)
        if (s->message[i].deleted)
            range[n++] = (struct uid_range){s->message[i].uid, s->message[i].uid};
    if (n == 0)
        return STORE_OK;
    struct store *store = s->service->store;
    struct store_flag_change change = {.change = STORE_ADD, .flags = STORE_DELETED};
    enum store_status status = store_change_flags(store, &s->arena, s->account, s->mailbox, range, n, &change, err);
    if (status != STORE_OK)
        return status;
    return store_expunge(store, &s->arena, s->account, s->mailbox, range, n, &gone, &count, &modseq, err);
}

/* ---- sending: lines end with CR LF, a dot at a line's start is doubled (RFC 1939 section 3) ---- */

enum store_status maildrop_send(struct pop3_session *s, uint32_t i, int64_t lines, struct err *err) {
    struct card *card;
    enum store_status status = cards_get(s->service->cards, s->account, s->mailbox, &s->message[i].uid, 1, &card, err);
    if (status == STORE_OK && !card)
        status = STORE_NOT_FOUND;
    if (status != STORE_OK)
        return status;
    s->sending = (struct pop3_sending){
        .card = card, .top = lines >= 0, .lines = lines > 0 ? (uint64_t)lines : 0, .line_start = true};
    return STORE_OK;
}

/* One line of the message, or a piece of one; false when TOP has had enough. */
static bool send_line(struct pop3_sending *m, struct str line, bool ended, struct buf *out) {
    if (m->line_start && m->top && m->in_body && m->lines-- == 0)
        return false;
    if (m->line_start && line.n == 0 && ended)
        m->in_body = true;
    if (m->line_start && line.n && line.p[0] == '.')
        buf_add_byte(out, '.');
    buf_add_str(out, line);
    if (ended)
        buf_add_c(out, "\r\n");
    m->line_start = ended;
    return true;
}

/* A CR at the end of what was read is kept back until it is known whether a LF follows. */
static bool send_bytes(struct pop3_sending *m, struct str bytes, struct buf *out) {
    while (bytes.n) {
        ptrdiff_t newline = str_chr(bytes, '\n');
        bool ended = newline >= 0;
        struct str line = ended ? str_sub(bytes, 0, (size_t)newline) : bytes;
        bytes = str_sub(bytes, line.n + (ended ? 1 : 0), bytes.n);
        if (m->after_cr && !(ended && line.n == 0) && !send_line(m, STR("\r"), false, out))
            return false;
        m->after_cr = line.n && line.p[line.n - 1] == '\r';
        if (m->after_cr)
            line.n--;
        if (ended)
            m->after_cr = false;
        if ((line.n || ended) && !send_line(m, line, ended, out))
            return false;
    }
    return true;
}

static void end_sending(struct pop3_session *s) {
    card_release(s->sending.card);
    s->sending = (struct pop3_sending){0};
}

bool maildrop_send_more(struct pop3_session *s) {
    struct pop3_sending *m = &s->sending;
    struct buf *out = conn_output(s->conn), chunk = BUF_EMPTY;
    uint64_t size = m->card->of.prefix.n + m->card->of.blob_size;
    struct err err;
    bool going = true;
    while (going && m->at < size) {
        if (conn_output_pending(s->conn) > OUTPUT_HIGH) {
            buf_free(&chunk);
            return false;
        }
        buf_reset(&chunk);
        if (store_read(s->service->store, &m->card->of, m->at, CHUNK, &chunk, &err) != STORE_OK || chunk.n == 0) {
            log_error("pop3 user=<%s>: UID %u can't be read to its end", s->user, m->card->of.uid);
            s->closing = true; /* a part of it has been promised: only hanging up is honest */
            break;
        }
        m->at += chunk.n;
        going = send_bytes(m, buf_str(&chunk), out);
    }
    buf_free(&chunk);
    if (!s->closing) {
        if (!m->line_start)
            buf_add_c(out, "\r\n");
        buf_add_c(out, ".\r\n");
    }
    end_sending(s);
    return true;
}

void maildrop_close(struct pop3_session *s) {
    end_sending(s);
    free(s->message);
    arena_free(&s->kept);
    s->message = NULL;
    s->uidl = NULL;
    s->count = 0;
    s->uidl_count = 0;
}

struct str maildrop_uidl(const struct pop3_session *s, uint32_t i) {
    size_t low = 0, high = s->uidl_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->uidl[middle].uid == s->message[i].uid)
            return s->uidl[middle].uidl;
        if (s->uidl[middle].uid < s->message[i].uid)
            low = middle + 1;
        else
            high = middle;
    }
    return (struct str){NULL, 0};
}
