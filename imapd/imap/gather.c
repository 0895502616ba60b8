#include "imap/gather.h"

#include "imap/progress.h"
#include "view/cards.h"

#include <stdlib.h>

enum { BATCH = 256 };

struct batch {
    struct view_message m[BATCH];
    uint32_t seq[BATCH], uid[BATCH], count;
    uint8_t score[BATCH];
    struct card *card[BATCH];
};

/* The next messages from f->seq[*at] on that are there; neighbours are read together. */
static void read_messages(struct session *s, const struct search_found *f, size_t *at, struct batch *b) {
    b->count = 0;
    while (*at < f->count && b->count < BATCH) {
        uint32_t first = f->seq[*at], n = 1, kept = b->count;
        while (*at + n < f->count && n < BATCH - b->count && f->seq[*at + n] == first + n)
            n++;
        view_read(s->client, first, n, b->m + b->count);
        for (uint32_t i = 0; i < n; i++) {
            if (b->m[b->count + i].gone)
                continue;
            b->m[kept] = b->m[b->count + i];
            b->seq[kept] = first + i;
            b->score[kept] = f->score ? f->score[*at + i] : 0;
            b->uid[kept++] = b->m[b->count + i].uid;
        }
        b->count = kept;
        *at += n;
    }
}

static enum store_status read_cards(struct session *s, const struct gather *g, struct batch *b, struct err *err) {
    memset(b->card, 0, sizeof b->card);
    if (!g->cards || b->count == 0)
        return STORE_OK;
    return cards_get(s->service->cards, s->owner, s->mailbox, b->uid, b->count, b->card, err);
}

int64_t gather_date(const struct view_message *m, const struct mime_card *card) {
    return card && card->sent_at != INT64_MIN ? card->sent_at : m->internal_date;
}

enum store_status gather_found(struct session *s, struct search_found *f, const struct gather *g, struct err *err) {
    struct arena scratch = ARENA_EMPTY;
    struct batch *b = mem_alloc(sizeof *b);
    enum store_status status = STORE_OK;
    size_t kept = 0;
    for (size_t at = 0; at < f->count && status == STORE_OK;) {
        read_messages(s, f, &at, b);
        status = read_cards(s, g, b, err);
        for (uint32_t i = 0; i < b->count && status == STORE_OK; i++) {
            const struct mime_card *card = b->card[i] ? mime_card_decode(&scratch, b->card[i]->of.card) : NULL;
            if (card || !g->cards) {
                if (f->score)
                    f->score[kept] = b->score[i];
                g->each(g->context, kept, &b->m[i], card, &scratch);
                f->seq[kept++] = b->seq[i];
            }
            arena_reset(&scratch);
        }
        if (status == STORE_OK && !progress_tick(s, at))
            status = STORE_TEMPORARY;
        for (uint32_t i = 0; g->cards && i < b->count; i++)
            card_release(b->card[i]);
    }
    f->count = kept;
    free(b);
    arena_free(&scratch);
    return status;
}
