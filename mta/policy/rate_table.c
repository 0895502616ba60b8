#include "policy/rate_table.h"

#include "base/clock.h"
#include "base/codec.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { WAYS = 8, LOCKS = 64 };

struct place {
    uint64_t tag; /* the network's hash; 0: free */
    int64_t seen, known_until;
    float used[RATE_COUNT]; /* of a minute's allowance, as of `seen` */
    uint32_t connections;
};

struct rate_table {
    struct place *place;
    size_t rows; /* of WAYS places each */
    uint64_t secret[3];
    pthread_mutex_t lock[LOCKS];
};

static uint64_t mix(uint64_t a, uint64_t b) {
    unsigned __int128 m = (unsigned __int128)a * b;
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static uint64_t tag_of(const struct rate_table *t, const struct network *n) {
    uint64_t high, low;
    memcpy(&high, n->byte, 8);
    memcpy(&low, n->byte + 8, 8);
    uint64_t h = mix(high ^ t->secret[0], low ^ t->secret[1] ^ n->bits);
    h = mix(h ^ t->secret[2], t->secret[0] | 1);
    return h ? h : 1;
}

struct rate_table *rate_table_new(size_t places) {
    struct rate_table *t = mem_zero(sizeof *t);
    for (t->rows = LOCKS; t->rows * WAYS < places; t->rows *= 2)
        ;
    random_bytes(t->secret, sizeof t->secret);
    /* Memory that the kernel gives when it is touched: a quiet server needs little of it. */
    t->place = mmap(NULL, rate_table_bytes(t), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (t->place == MAP_FAILED)
        mem_panic();
    for (int i = 0; i < LOCKS; i++)
        pthread_mutex_init(&t->lock[i], NULL);
    return t;
}

size_t rate_table_bytes(const struct rate_table *t) { return t->rows * WAYS * sizeof *t->place; }

void rate_table_free(struct rate_table *t) {
    munmap(t->place, rate_table_bytes(t));
    for (int i = 0; i < LOCKS; i++)
        pthread_mutex_destroy(&t->lock[i]);
    free(t);
}

static pthread_mutex_t *lock_of(struct rate_table *t, uint64_t tag) { return &t->lock[tag % LOCKS]; }

/* The network's place; where it has none: NULL, or with `make` a new one (NULL: all are in use). Under its lock. */
static struct place *find(struct rate_table *t, uint64_t tag, bool make) {
    struct place *row = t->place + tag % t->rows * WAYS, *oldest = NULL;
    for (int i = 0; i < WAYS; i++) {
        if (row[i].tag == tag)
            return &row[i];
        if (!row[i].connections && (!oldest || row[i].seen < oldest->seen))
            oldest = &row[i];
    }
    if (!make || !oldest)
        return NULL;
    *oldest = (struct place){.tag = tag};
    return oldest;
}

/* What was used is forgiven with time. */
static void forgive(struct place *p, const struct rate_limits *l, int64_t now) {
    float minutes = p->seen && now > p->seen ? (float)(now - p->seen) / (float)(60 * CLOCK_SECOND) : 0;
    for (int i = 0; i < RATE_COUNT; i++) {
        p->used[i] -= minutes * (float)l->per_minute[i];
        if (p->used[i] < 0)
            p->used[i] = 0;
    }
    p->seen = now;
}

static bool take(struct place *p, const struct rate_limits *l, enum rate which) {
    if (l->per_minute[which] == 0)
        return true;
    if (p->used[which] + 1 > (float)l->per_minute[which])
        return false;
    p->used[which] += 1;
    return true;
}

enum rate_verdict rate_table_enter(struct rate_table *t, const struct network *n, const struct rate_limits *l,
                                   int64_t now, bool *counted) {
    uint64_t tag = tag_of(t, n);
    enum rate_verdict verdict = RATE_GOOD;
    *counted = false;
    pthread_mutex_lock(lock_of(t, tag));
    struct place *p = find(t, tag, true);
    if (p) {
        forgive(p, l, now);
        if (l->at_a_time && p->connections >= l->at_a_time)
            verdict = RATE_TOO_MANY_AT_A_TIME;
        else if (!take(p, l, RATE_CONNECTIONS))
            verdict = RATE_TOO_FAST;
        else
            *counted = ++p->connections > 0;
    }
    pthread_mutex_unlock(lock_of(t, tag));
    return verdict;
}

void rate_table_leave(struct rate_table *t, const struct network *n) {
    uint64_t tag = tag_of(t, n);
    pthread_mutex_lock(lock_of(t, tag));
    struct place *p = find(t, tag, false);
    if (p && p->connections)
        p->connections--;
    pthread_mutex_unlock(lock_of(t, tag));
}

bool rate_table_take(struct rate_table *t, const struct network *n, const struct rate_limits *l, enum rate which,
                     int64_t now) {
    uint64_t tag = tag_of(t, n);
    bool good = true;
    pthread_mutex_lock(lock_of(t, tag));
    struct place *p = find(t, tag, true);
    if (p) {
        forgive(p, l, now);
        good = take(p, l, which);
    }
    pthread_mutex_unlock(lock_of(t, tag));
    return good;
}

void rate_table_know(struct rate_table *t, const struct network *n, int64_t now, int64_t until) {
    uint64_t tag = tag_of(t, n);
    pthread_mutex_lock(lock_of(t, tag));
    struct place *p = find(t, tag, true);
    if (p) {
        p->known_until = until;
        if (!p->seen)
            p->seen = now;
    }
    pthread_mutex_unlock(lock_of(t, tag));
}

bool rate_table_knows(struct rate_table *t, const struct network *n, int64_t now) {
    uint64_t tag = tag_of(t, n);
    pthread_mutex_lock(lock_of(t, tag));
    const struct place *p = find(t, tag, false);
    bool known = p && p->known_until > now;
    pthread_mutex_unlock(lock_of(t, tag));
    return known;
}
