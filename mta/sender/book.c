#include "sender/book.h"

#include "base/clock.h"
#include "base/log.h"
#include "db/db.h"
#include "directory/directory.h"

#include <pthread.h>
#include <stdlib.h>

enum { BUCKETS = 4096, MAX_PAGES = 50000, LIFE_SECONDS = 60 };

static const struct db_statement FIND_POLICY = {
    "sender_policy", "SELECT p.dmarc_reject, p.dmarc_quarantine, p.spf_fail, p.trusted_sealers FROM sender_policy p "
                     "LEFT JOIN domain d ON d.name = $1 "
                     "WHERE p.domain_id IN (d.id, d.target_id) OR p.domain_id IS NULL "
                     "ORDER BY p.domain_id = d.id DESC NULLS LAST, p.domain_id IS NULL LIMIT 1"};
static const struct db_statement FIND_KEYS = {
    "sender_keys", "SELECT k.selector, k.private_key FROM dkim_key k JOIN domain d ON d.id = k.domain_id "
                   "WHERE d.name = $1 AND d.active AND k.active ORDER BY k.algorithm = 'rsa' DESC, k.id DESC LIMIT 8"};

struct entry {
    struct page page; /* first: a page is its entry */
    struct entry *next;
    uint64_t hash, generation;
    int64_t until;
    unsigned users; /* the table counts as one */
    struct arena arena;
};

struct book {
    const struct mta *mta;
    pthread_mutex_t lock;
    struct entry *bucket[BUCKETS];
    size_t count;
};

static uint64_t hash_of(struct str s) {
    uint64_t h = UINT64_C(1469598103934665603);
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * UINT64_C(1099511628211);
    return h ^ h >> 29;
}

static void destroy(struct entry *e) {
    for (size_t i = 0; i < e->page.keys; i++)
        dkim_key_free(e->page.key[i].key);
    arena_free(&e->arena);
    free(e);
}

/* ---- reading ---- */

static enum sender_action action_of(struct str word) {
    static const char *const name[] = {
        [SENDER_IGNORE] = "ignore", [SENDER_TAG] = "tag", [SENDER_JUNK] = "junk", [SENDER_REJECT] = "reject"};
    for (enum sender_action a = SENDER_IGNORE; a <= SENDER_REJECT; a++)
        if (str_eq(word, str_of(name[a])))
            return a;
    return SENDER_TAG;
}

static void read_policy(const PGresult *r, struct arena *a, struct sender_policy *out) {
    struct str *domain, *copy;
    *out = (struct sender_policy){SENDER_REJECT, SENDER_JUNK, SENDER_TAG, NULL, 0};
    if (PQntuples(r) == 0)
        return;
    out->dmarc_reject = action_of(db_get_str(r, 0, 0));
    out->dmarc_quarantine = action_of(db_get_str(r, 0, 1));
    out->spf_fail = action_of(db_get_str(r, 0, 2));
    out->trusted_count = db_get_texts(r, 0, 3, a, &domain);
    copy = arena_array(a, out->trusted_count, sizeof *copy);
    for (size_t i = 0; i < out->trusted_count; i++)
        copy[i] = arena_str(a, domain[i]);
    out->trusted = copy;
}

static void read_keys(const PGresult *r, struct entry *e) {
    struct book_key *key = arena_array(&e->arena, (size_t)PQntuples(r), sizeof *key);
    for (int i = 0; i < PQntuples(r); i++) {
        struct err err;
        struct str selector = db_get_str(r, i, 0);
        struct dkim_key *k = dkim_key_read(db_get_str(r, i, 1), &err);
        if (k)
            key[e->page.keys++] = (struct book_key){arena_str(&e->arena, selector), k};
        else
            log_error("the DKIM key %.*s of %.*s can't be used: %s", STR_ARG(selector), STR_ARG(e->page.domain),
                      err.text);
    }
    e->page.key = key;
}

static bool ask(struct db_conn *c, struct entry *e, struct err *err) {
    struct db_params p = {0}, q = {0};
    db_text(&p, e->page.domain);
    db_text(&q, e->page.domain);
    PGresult *policy = db_query(c, &FIND_POLICY, &p, err);
    PGresult *keys = policy ? db_query(c, &FIND_KEYS, &q, err) : NULL;
    if (keys) {
        read_policy(policy, &e->arena, &e->page.policy);
        read_keys(keys, e);
    }
    PQclear(policy);
    PQclear(keys);
    return keys != NULL;
}

static struct entry *load(struct book *b, struct str domain, uint64_t hash, uint64_t generation) {
    struct err err;
    struct entry *e = mem_zero(sizeof *e);
    e->page.domain = arena_str(&e->arena, domain);
    e->hash = hash;
    e->generation = generation;
    e->until = clock_monotonic() + LIFE_SECONDS * CLOCK_SECOND;
    e->users = 1;
    struct db_conn *c = db_acquire(b->mta->db, &err);
    bool good = c && ask(c, e, &err);
    if (c)
        db_release(b->mta->db, c);
    if (good)
        return e;
    log_warn("sender policies: %s", err.text);
    destroy(e);
    return NULL;
}

/* ---- the table ---- */

/* Called with the lock held. */
static void drop(struct book *b, struct entry **at) {
    struct entry *e = *at;
    *at = e->next;
    b->count--;
    if (--e->users == 0)
        destroy(e);
}

static void clear(struct book *b) {
    for (size_t i = 0; i < BUCKETS; i++)
        while (b->bucket[i])
            drop(b, &b->bucket[i]);
}

/* The entry that is kept, with one more user; stale ones of that name go. */
static struct entry *find(struct book *b, struct str domain, uint64_t hash, uint64_t generation) {
    struct entry **at = &b->bucket[hash % BUCKETS];
    while (*at && !((*at)->hash == hash && str_eq((*at)->page.domain, domain)))
        at = &(*at)->next;
    if (!*at)
        return NULL;
    if ((*at)->generation != generation || (*at)->until < clock_monotonic()) {
        drop(b, at);
        return NULL;
    }
    (*at)->users++;
    return *at;
}

static void keep(struct book *b, struct entry *e) {
    struct entry *other = find(b, e->page.domain, e->hash, e->generation);
    if (other) { /* another thread was quicker */
        other->users--;
        return;
    }
    if (b->count >= MAX_PAGES)
        clear(b);
    e->next = b->bucket[e->hash % BUCKETS];
    b->bucket[e->hash % BUCKETS] = e;
    b->count++;
    e->users++;
}

const struct page *book_open(struct book *b, struct str domain) {
    uint64_t hash = hash_of(domain), generation;
    bool may_keep = directory_generation(b->mta->directory, &generation);
    struct entry *e = NULL;
    if (may_keep) {
        pthread_mutex_lock(&b->lock);
        e = find(b, domain, hash, generation);
        pthread_mutex_unlock(&b->lock);
    }
    if (e)
        return &e->page;
    e = load(b, domain, hash, generation);
    if (!e)
        return NULL;
    if (may_keep) {
        pthread_mutex_lock(&b->lock);
        keep(b, e);
        pthread_mutex_unlock(&b->lock);
    }
    return &e->page;
}

void book_close(struct book *b, const struct page *page) {
    if (!page)
        return;
    struct entry *e = (struct entry *)(uintptr_t)page;
    pthread_mutex_lock(&b->lock);
    bool last = --e->users == 0;
    pthread_mutex_unlock(&b->lock);
    if (last)
        destroy(e);
}

struct book *book_new(const struct mta *m) {
    struct book *b = mem_zero(sizeof *b);
    b->mta = m;
    pthread_mutex_init(&b->lock, NULL);
    return b;
}

void book_free(struct book *b) {
    if (!b)
        return;
    clear(b);
    pthread_mutex_destroy(&b->lock);
    free(b);
}
