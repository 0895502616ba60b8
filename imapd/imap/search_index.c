#include "imap/search_index.h"

#include "base/log.h"
#include "index/indexer.h"

#include <stdlib.h>

enum {
    LEAST_BYTES = 64,   /* so many messages are read as quickly without */
    LEAST_CARDS = 5000, /* the same where cards are enough */
};

bool search_is_text(const struct search_key *k) { return k->kind >= SEARCH_FROM && k->kind <= SEARCH_TEXT; }

void search_looks_at(const struct search_key *k, struct lookup_key *out) {
    static const unsigned sections[] = {
        [SEARCH_FROM] = 1u << SEARCHED_FROM,       [SEARCH_TO] = 1u << SEARCHED_TO,
        [SEARCH_CC] = 1u << SEARCHED_CC,           [SEARCH_BCC] = 1u << SEARCHED_BCC,
        [SEARCH_SUBJECT] = 1u << SEARCHED_SUBJECT, [SEARCH_HEADER] = 1u << SEARCHED_HEADER,
        [SEARCH_BODY] = 1u << SEARCHED_BODY,       [SEARCH_TEXT] = 1u << SEARCHED_HEADER | 1u << SEARCHED_BODY,
    };
    *out =
        (struct lookup_key){.sections = sections[k->kind], .needle = k->needle, .fuzzy = k->fuzzy, .scored = k->scored};
    if (k->kind != SEARCH_HEADER)
        return;
    out->field = k->text.p ? k->text : STR("");
    if (str_ieq(k->text, STR("Message-ID"))) /* asked for often, and on the card */
        out->sections |= 1u << SEARCHED_MESSAGE_ID;
}

/* ---- the tree, seen from a block of messages ---- */

enum answer { NO, YES, UNKNOWN };

static enum answer by_absence(const struct search_key *k, uint32_t known_no);

static enum answer list_by_absence(const struct search_key *k, uint32_t known_no, enum answer decides) {
    enum answer so_far = decides == NO ? YES : NO;
    for (const struct search_key *child = k->child; child; child = child->next) {
        enum answer a = by_absence(child, known_no);
        if (a == decides)
            return a;
        if (a == UNKNOWN)
            so_far = UNKNOWN;
    }
    return so_far;
}

/* What all messages have in common of which only this is known. */
static enum answer by_absence(const struct search_key *k, uint32_t known_no) {
    enum answer a;
    switch (k->kind) {
    case SEARCH_ALL:
        return YES;
    case SEARCH_AND:
        return list_by_absence(k, known_no, NO);
    case SEARCH_OR:
        return list_by_absence(k, known_no, YES);
    case SEARCH_NOT:
        a = by_absence(k->child, known_no);
        return a == UNKNOWN ? UNKNOWN : a == YES ? NO : YES;
    default:
        return k->slot && known_no >> (k->slot - 1) & 1 ? NO : UNKNOWN;
    }
}

static bool is_open(void *context, uint32_t known_no) { return by_absence(context, known_no) == UNKNOWN; }

/* ---- asking ---- */

struct keys {
    struct lookup_key key[LOOKUP_MAX_KEYS];
    size_t count;
    bool bytes;
};

static void gather_keys(struct keys *all, const struct search_key *k) {
    for (; k; k = k->next) {
        if (k->slot) {
            search_looks_at(k, &all->key[k->slot - 1]);
            all->count = k->slot > all->count ? k->slot : all->count;
            all->bytes = all->bytes || k->cost == COST_BYTES;
        }
        gather_keys(all, k->child);
    }
}

void search_index_want(struct search_indexed *x, uint32_t uid) {
    if (x->count == x->room) {
        x->room = x->room ? x->room * 2 : 256;
        x->uid = mem_resize(x->uid, x->room * sizeof *x->uid);
    }
    x->uid[x->count++] = uid;
}

void search_index_ask(struct search_indexed *x, struct session *s, const struct search_key *key) {
    struct keys *all = arena_alloc(&s->arena, sizeof *all);
    struct err err;
    gather_keys(all, key);
    if (!all->count || x->count < (all->bytes ? LEAST_BYTES : LEAST_CARDS))
        return;
    x->answer = mem_zero(x->count * sizeof *x->answer);
    struct lookup l = {
        .db = s->service->db,
        .account = s->owner,
        .mailbox = s->mailbox,
        .key = all->key,
        .keys = all->count,
        .uid = x->uid,
        .count = x->count,
        .open = is_open,
        .context = (void *)(uintptr_t)key,
        .answer = x->answer,
    };
    if (!lookup_run(&l, &err))
        log_warn("a search does without the index: %s", err.text);
    if (l.missing)
        indexer_missing(s->service->indexer, s->owner, l.missing);
}

const struct lookup_answer *search_index_answer(struct search_indexed *x, uint32_t uid) {
    if (!x->answer)
        return NULL;
    if (x->at >= x->count || x->uid[x->at] > uid)
        x->at = 0;
    while (x->at < x->count && x->uid[x->at] < uid)
        x->at++;
    return x->at < x->count && x->uid[x->at] == uid ? &x->answer[x->at] : NULL;
}

void search_index_free(struct search_indexed *x) {
    free(x->uid);
    free(x->answer);
}
