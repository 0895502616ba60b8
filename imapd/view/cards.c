#include "view/cards.h"

#include <pthread.h>
#include <stdlib.h>

enum { SHARDS = 16, SLOTS = 4096 };

struct shard {
    pthread_mutex_t lock;
    struct card *slot[SLOTS];
    struct card *newest, *oldest;
    size_t bytes;
};

struct cards {
    struct store *store;
    size_t max_bytes; /* of a shard */
    struct shard shard[SHARDS];
};

struct cards *cards_new(struct store *store, size_t max_bytes) {
    struct cards *c = mem_zero(sizeof *c);
    c->store = store;
    c->max_bytes = max_bytes / SHARDS;
    for (size_t i = 0; i < SHARDS; i++)
        pthread_mutex_init(&c->shard[i].lock, NULL);
    return c;
}

static uint64_t hash_of(int64_t account, int64_t mailbox, uint32_t uid) {
    uint64_t h =
        (uint64_t)account * 0x9e3779b97f4a7c15u ^ (uint64_t)mailbox * 0xc2b2ae3d27d4eb4fu ^ uid * 0x165667b19e3779f9u;
    h ^= h >> 32;
    h *= 0x9e3779b97f4a7c15u;
    return h >> 16;
}

static struct shard *shard_of(struct cards *c, uint64_t hash) { return &c->shard[hash % SHARDS]; }

static struct card **slot_of(struct shard *s, uint64_t hash) { return &s->slot[hash / SHARDS % SLOTS]; }

void card_release(struct card *card) {
    if (card && atomic_fetch_sub(&card->refs, 1) == 1)
        free(card);
}

/* ---- one shard, locked ---- */

static void unlink_used(struct shard *s, struct card *k) {
    *(k->newer ? &k->newer->older : &s->newest) = k->older;
    *(k->older ? &k->older->newer : &s->oldest) = k->newer;
}

static void link_newest(struct shard *s, struct card *k) {
    k->newer = NULL;
    k->older = s->newest;
    *(s->newest ? &s->newest->newer : &s->oldest) = k;
    s->newest = k;
}

static struct card *find(struct shard *s, uint64_t hash, int64_t account, int64_t mailbox, uint32_t uid) {
    struct card *k = *slot_of(s, hash);
    while (k && (k->of.uid != uid || k->mailbox != mailbox || k->account != account))
        k = k->next_in_slot;
    return k;
}

static void push_out(struct shard *s, struct card *k) {
    struct card **at = slot_of(s, hash_of(k->account, k->mailbox, k->of.uid));
    while (*at != k)
        at = &(*at)->next_in_slot;
    *at = k->next_in_slot;
    unlink_used(s, k);
    s->bytes -= k->bytes;
    card_release(k);
}

/* ---- all ---- */

void cards_free(struct cards *c) {
    if (!c)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        while (c->shard[i].oldest)
            push_out(&c->shard[i], c->shard[i].oldest);
        pthread_mutex_destroy(&c->shard[i].lock);
    }
    free(c);
}

static struct card *look_up(struct cards *c, int64_t account, int64_t mailbox, uint32_t uid) {
    uint64_t hash = hash_of(account, mailbox, uid);
    struct shard *s = shard_of(c, hash);
    pthread_mutex_lock(&s->lock);
    struct card *k = find(s, hash, account, mailbox, uid);
    if (k) {
        atomic_fetch_add(&k->refs, 1);
        if (k != s->newest) {
            unlink_used(s, k);
            link_newest(s, k);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return k;
}

static struct card *make(int64_t account, int64_t mailbox, const struct store_card *of) {
    size_t bytes = sizeof(struct card) + of->prefix.n + of->card.n;
    struct card *k = mem_alloc(bytes);
    char *text = (char *)(k + 1);
    memset(k, 0, sizeof *k);
    atomic_init(&k->refs, 1);
    k->account = account;
    k->mailbox = mailbox;
    k->bytes = bytes;
    k->of = *of;
    if (of->card.n)
        memcpy(text, of->card.p, of->card.n);
    k->of.card = str_n(text, of->card.n);
    if (of->prefix.n)
        memcpy(text + of->card.n, of->prefix.p, of->prefix.n);
    k->of.prefix = str_n(text + of->card.n, of->prefix.n);
    return k;
}

/* Keeps it, with a reference of the cache's own, unless another thread was quicker. */
static void keep(struct cards *c, struct card *k) {
    uint64_t hash = hash_of(k->account, k->mailbox, k->of.uid);
    struct shard *s = shard_of(c, hash);
    pthread_mutex_lock(&s->lock);
    if (!find(s, hash, k->account, k->mailbox, k->of.uid)) {
        atomic_fetch_add(&k->refs, 1);
        struct card **slot = slot_of(s, hash);
        k->next_in_slot = *slot;
        *slot = k;
        link_newest(s, k);
        s->bytes += k->bytes;
        while (s->bytes > c->max_bytes && s->oldest != k)
            push_out(s, s->oldest);
    }
    pthread_mutex_unlock(&s->lock);
}

static enum store_status ask_store(struct cards *c, struct arena *a, int64_t account, int64_t mailbox,
                                   const uint32_t *uid, size_t count, struct card **out, struct err *err) {
    struct uid_range *range = arena_array(a, count, sizeof *range);
    size_t ranges = 0, found, at = 0;
    struct store_card *card;
    for (size_t i = 0; i < count; i++) {
        if (out[i])
            continue;
        if (ranges && range[ranges - 1].last + 1 == uid[i])
            range[ranges - 1].last = uid[i];
        else
            range[ranges++] = (struct uid_range){uid[i], uid[i]};
    }
    if (ranges == 0)
        return STORE_OK;
    enum store_status status = store_cards(c->store, a, account, mailbox, range, ranges, &card, &found, err);
    for (size_t i = 0; status == STORE_OK && i < found; i++) {
        while (at < count && uid[at] < card[i].uid)
            at++;
        if (at < count && uid[at] == card[i].uid && !out[at]) {
            out[at] = make(account, mailbox, &card[i]);
            keep(c, out[at]);
        }
    }
    return status;
}

enum store_status cards_get(struct cards *c, int64_t account, int64_t mailbox, const uint32_t *uid, size_t count,
                            struct card **out, struct err *err) {
    struct arena a = ARENA_EMPTY;
    bool all = true;
    for (size_t i = 0; i < count; i++) {
        out[i] = look_up(c, account, mailbox, uid[i]);
        all = all && out[i];
    }
    enum store_status status = all ? STORE_OK : ask_store(c, &a, account, mailbox, uid, count, out, err);
    arena_free(&a);
    if (status == STORE_OK)
        return STORE_OK;
    for (size_t i = 0; i < count; i++) {
        card_release(out[i]);
        out[i] = NULL;
    }
    return status;
}
