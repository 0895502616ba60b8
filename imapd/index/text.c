#include "index/text.h"

#include "base/log.h"
#include "imap/match.h"

struct gathering {
    struct buf *room;
    bool odd;
};

static bool take_unit(void *context, struct str name, struct str text) {
    struct gathering *g = context;
    /* encoded words in the name of a field: then it can't be told from the body in what was decoded */
    g->odd = g->odd || (name.p && !str_starts(text, name));
    match_fold(text, g->room);
    buf_add_byte(g->room, 0);
    return g->odd || g->room->n > BLOCK_EMAIL_BYTES;
}

/* A header that goes on with the prefix's last line, or does not fit behind it into what a search reads. */
static bool odd_header(const struct searched *x) {
    struct buf first = BUF_EMPTY;
    struct err err;
    uint64_t n = x->card->root->header_bytes;
    bool good = n == 0 || store_read(x->store, x->of, 0, 1, &first, &err) == STORE_OK;
    bool odd =
        !good || n + INDEX_MAX_PREFIX > SEARCHED_MAX_HEADER || (first.n && (first.p[0] == ' ' || first.p[0] == '\t'));
    buf_free(&first);
    return odd;
}

void index_text(struct searched *x, struct buf *room, struct block_email *e) {
    struct gathering g = {room, odd_header(x)};
    size_t end[SEARCHED_SECTIONS], from = 0;
    buf_reset(room);
    for (int i = 0; i < SEARCHED_SECTIONS; i++) {
        if (!g.odd && room->n <= BLOCK_EMAIL_BYTES && x->status == STORE_OK)
            searched_each(x, (enum searched_section)i, take_unit, &g);
        end[i] = room->n;
    }
    if (x->status != STORE_OK)
        log_warn("an email is not indexed: %s", x->err.text);
    e->known = !g.odd && room->n <= BLOCK_EMAIL_BYTES && x->status == STORE_OK;
    for (int i = 0; i < SEARCHED_SECTIONS; i++) {
        e->section[i] = str_n(room->p + from, end[i] - from);
        from = end[i];
    }
}

bool index_plain_prefix(struct str prefix) {
    return prefix.n == 0 || (prefix.n <= INDEX_MAX_PREFIX && prefix.p[prefix.n - 1] == '\n' && prefix.p[0] > ' ');
}
