#include "net/dns_cache.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>

enum { LOCKS = 64, GRACE = 2 * CLOCK_SECOND };

/* One allocation: the name with its NUL, then each record's length (uint32_t) and bytes. */
struct entry {
    uint64_t hash;
    int64_t until;
    int type;
    enum dns_status status;
    bool secure;
    bool asked; /* its life is over, and somebody has gone to ask again */
    size_t count, name_bytes;
    char data[];
};

struct dns_cache {
    pthread_mutex_t lock[LOCKS];
    struct entry *place[DNS_CACHE_PLACES];
};

static uint64_t hash_of(const char *name, int type) {
    uint64_t h = UINT64_C(1469598103934665603) ^ (uint64_t)type;
    for (; *name; name++)
        h = (h ^ (unsigned char)ascii_lower(*name)) * UINT64_C(1099511628211);
    return h ^ h >> 31;
}

static pthread_mutex_t *lock_of(struct dns_cache *c, uint64_t hash) { return &c->lock[hash % LOCKS]; }

static bool is_for(const struct entry *e, uint64_t hash, const char *name, int type) {
    return e && e->hash == hash && e->type == type && str_ieq(str_n(e->data, e->name_bytes), str_of(name));
}

static void copy_out(const struct entry *e, struct arena *a, struct dns_answer *out) {
    const char *p = e->data + e->name_bytes;
    *out = (struct dns_answer){e->status, e->secure, e->count ? arena_array(a, e->count, sizeof *out->rdata) : NULL,
                               e->count};
    for (size_t i = 0; i < e->count; i++) {
        uint32_t n;
        memcpy(&n, p, sizeof n);
        out->rdata[i] = arena_str(a, str_n(p + sizeof n, n));
        p += sizeof n + n;
    }
}

/* Whoever comes first behind the end of an answer's life asks again. The others take what there is meanwhile, for a
 * moment (RFC 8767 does the same), or all that want a busy name would stand still together. */
static bool is_good(struct entry *e) {
    int64_t over = clock_monotonic() - e->until;
    if (over < 0)
        return true;
    bool another = e->asked && over < GRACE;
    e->asked = true;
    return another;
}

bool dns_cache_find(struct dns_cache *c, struct arena *a, const char *name, int type, struct dns_answer *out) {
    uint64_t hash = hash_of(name, type);
    pthread_mutex_lock(lock_of(c, hash));
    struct entry *e = c->place[hash % DNS_CACHE_PLACES];
    bool found = is_for(e, hash, name, type) && is_good(e);
    if (found)
        copy_out(e, a, out);
    pthread_mutex_unlock(lock_of(c, hash));
    return found;
}

void dns_cache_keep(struct dns_cache *c, const char *name, int type, const struct dns_answer *answer, int64_t seconds) {
    size_t name_bytes = strlen(name), bytes = name_bytes;
    for (size_t i = 0; i < answer->count; i++)
        bytes += sizeof(uint32_t) + answer->rdata[i].n;
    if (bytes > DNS_CACHE_BYTES)
        return;
    seconds = seconds < 1 ? 1 : seconds > DNS_CACHE_SECONDS ? DNS_CACHE_SECONDS : seconds;
    struct entry *e = mem_alloc(sizeof *e + bytes);
    char *p = e->data;
    *e = (struct entry){.hash = hash_of(name, type),
                        .type = type,
                        .status = answer->status,
                        .secure = answer->secure,
                        .count = answer->count,
                        .name_bytes = name_bytes};
    e->until = clock_monotonic() + seconds * CLOCK_SECOND;
    p = mempcpy(p, name, name_bytes);
    for (size_t i = 0; i < answer->count; i++) {
        uint32_t n = (uint32_t)answer->rdata[i].n;
        p = mempcpy(p, &n, sizeof n);
        if (n)
            p = mempcpy(p, answer->rdata[i].p, n);
    }
    pthread_mutex_lock(lock_of(c, e->hash));
    struct entry **place = &c->place[e->hash % DNS_CACHE_PLACES], *old = *place;
    *place = e;
    pthread_mutex_unlock(lock_of(c, e->hash));
    free(old);
}

struct dns_cache *dns_cache_new(void) {
    struct dns_cache *c = mem_zero(sizeof *c);
    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_init(&c->lock[i], NULL);
    return c;
}

void dns_cache_free(struct dns_cache *c) {
    if (!c)
        return;
    for (size_t i = 0; i < DNS_CACHE_PLACES; i++)
        free(c->place[i]);
    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_destroy(&c->lock[i]);
    free(c);
}
