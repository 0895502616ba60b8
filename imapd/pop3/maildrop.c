#include "base/log.h"
#include "pop3/downgrade.h"
#include "pop3/session.h"
#include "view/view.h"

#include <stdlib.h>

enum { BATCH = 256, CHUNK = 64 * 1024, MAX_DOWNGRADED = 256 * 1024 };

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
    for (uint32_t i = 0; i < s->count; i++)
        if (s->message[i].deleted)
            range[n++] = (struct uid_range){s->message[i].uid, s->message[i].uid};
    if (n == 0)
        return STORE_OK;
    return store_remove(s->service->store, &s->arena, s->account, s->mailbox, range, n, s->hold, &count, err);
}

/* ---- sending ---- */

enum store_status maildrop_send(struct pop3_session *s, uint32_t i, int64_t lines, struct err *err) {
    struct card *card;
    enum store_status status = cards_get(s->service->cards, s->account, s->mailbox, &s->message[i].uid, 1, &card, err);
    if (status == STORE_OK && !card)
        status = STORE_NOT_FOUND;
    if (status == STORE_OK)
        s->sending = (struct pop3_sending){.card = card, .transmission = transmission_begin(lines)};
    return status;
}

static void end_sending(struct pop3_session *s) {
    card_release(s->sending.card);
    s->sending = (struct pop3_sending){0};
}

/* Bytes of the message, from where it stands, behind what the buffer has. */
static bool read_more(struct pop3_session *s, struct buf *chunk) {
    struct err err;
    size_t before = chunk->n;
    if (store_read(s->service->store, &s->sending.card->of, s->sending.at, CHUNK, chunk, &err) != STORE_OK ||
        chunk->n == before) {
        log_error("pop3 user=<%s>: UID %u can't be read to its end", s->user, s->sending.card->of.uid);
        return false;
    }
    s->sending.at += chunk->n - before;
    return true;
}

static size_t find_header_end(struct str bytes) {
    for (size_t i = 0; i + 1 < bytes.n; i++) {
        if (bytes.p[i] != '\n')
            continue;
        size_t next = i + 1 + (bytes.p[i + 1] == '\r');
        if (next < bytes.n && bytes.p[next] == '\n')
            return next + 1;
    }
    return 0;
}

/* The beginning of the message with its header as a client without UTF8 can read it. A header of more than
 * MAX_DOWNGRADED bytes stays as it is. */
static bool read_header(struct pop3_session *s, uint64_t size, struct buf *chunk) {
    size_t end;
    do {
        if (!read_more(s, chunk))
            return false;
        end = find_header_end(buf_str(chunk));
    } while (end == 0 && s->sending.at < size && chunk->n < MAX_DOWNGRADED);
    struct buf made = BUF_EMPTY;
    if (end == 0 && s->sending.at == size)
        end = chunk->n;
    if (end && downgrade_header(str_sub(buf_str(chunk), 0, end), &made)) {
        buf_add_str(&made, str_sub(buf_str(chunk), end, chunk->n));
        buf_free(chunk);
        *chunk = made;
    }
    return true;
}

bool maildrop_send_more(struct pop3_session *s) {
    struct pop3_sending *m = &s->sending;
    struct buf *out = conn_output(s->conn), chunk = BUF_EMPTY;
    uint64_t size = m->card->of.prefix.n + m->card->of.blob_size;
    bool going = true;
    while (going && !s->closing && m->at < size) {
        if (conn_output_pending(s->conn) > OUTPUT_HIGH) {
            buf_free(&chunk);
            return false;
        }
        buf_reset(&chunk);
        if (m->at == 0 && !s->utf8 ? read_header(s, size, &chunk) : read_more(s, &chunk))
            going = transmission_add(&m->transmission, buf_str(&chunk), out);
        else
            s->closing = true; /* a part of it has been promised: only hanging up is honest */
    }
    buf_free(&chunk);
    if (!s->closing)
        transmission_end(&m->transmission, out);
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
