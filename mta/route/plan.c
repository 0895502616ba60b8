#include "route/plan.h"

#include "base/clock.h"
#include "directory/address.h"
#include "settings.h"

enum { FIRST_SLOTS = 16 };

/* An open hash table that finds what is there already. */
struct plan_slot {
    uint64_t hash;
    uint32_t index; /* into delivery or remote, + 1; 0: empty */
    bool remote;
};

static uint64_t mix(uint64_t h) {
    h ^= h >> 33;
    h *= UINT64_C(0xff51afd7ed558ccd);
    return h ^ h >> 33;
}

static uint64_t hash_address(struct str s) {
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)ascii_lower(s.p[i])) * UINT64_C(0x100000001b3);
    return mix(h);
}

static bool same(const struct plan *p, const struct plan_slot *slot, int64_t account_id, struct str address) {
    if (slot->remote != (account_id == 0))
        return false;
    return account_id ? p->delivery[slot->index - 1].account_id == account_id
                      : str_ieq(p->remote[slot->index - 1].address, address);
}

/* The slot of this target, or the empty one where it belongs. */
static struct plan_slot *find(const struct plan *p, uint64_t hash, int64_t account_id, struct str address) {
    for (size_t i = hash & (p->slots - 1);; i = (i + 1) & (p->slots - 1)) {
        struct plan_slot *slot = &p->slot[i];
        if (slot->index == 0 || (slot->hash == hash && same(p, slot, account_id, address)))
            return slot;
    }
}

static void grow(struct plan *p) {
    struct plan_slot *old = p->slot;
    size_t n = p->slots;
    p->slots = n ? n * 2 : FIRST_SLOTS;
    p->slot = arena_array(p->arena, p->slots, sizeof *p->slot);
    for (size_t i = 0; i < n; i++) {
        size_t k = old[i].hash & (p->slots - 1);
        while (old[i].index && p->slot[k].index)
            k = (k + 1) & (p->slots - 1);
        if (old[i].index)
            p->slot[k] = old[i];
    }
}

/* Room for one more element. */
static void *room(struct arena *a, void *array, size_t count, size_t *cap, size_t size) {
    if (count < *cap)
        return array;
    *cap = *cap ? *cap * 2 : 4;
    void *grown = arena_array(a, *cap, size);
    if (count)
        memcpy(grown, array, count * size);
    return grown;
}

static uint32_t add_delivery(struct plan *p, const struct directory_target *t, struct plan_origin origin) {
    size_t cap = p->delivery_cap, origins = cap;
    p->delivery = room(p->arena, p->delivery, p->delivery_count, &p->delivery_cap, sizeof *p->delivery);
    p->address = room(p->arena, p->address, p->delivery_count, &cap, sizeof *p->address);
    p->delivery[p->delivery_count] = (struct store_delivery){
        .account_id = t->account_id, .quota_bytes = t->quota_bytes, .quota_messages = t->quota_messages};
    p->origin = room(p->arena, p->origin, p->delivery_count, &origins, sizeof *p->origin);
    p->address[p->delivery_count] = t->address;
    p->origin[p->delivery_count] = origin;
    return (uint32_t)++p->delivery_count;
}

/* Targets of aliases come as people typed them; on the wire they are quoted where they must be. */
static struct str wire_address(struct arena *a, struct str address) {
    struct str local, domain;
    if (address_parse(a, address, &local, &domain, NULL))
        return address_format(a, local, domain);
    ptrdiff_t at = str_rchr(address, '@');
    return at < 0 ? address
                  : address_format(a, str_sub(address, 0, (size_t)at), str_sub(address, (size_t)at + 1, address.n));
}

static uint32_t add_remote(struct plan *p, const struct directory_target *t, struct str address,
                           struct plan_origin origin) {
    p->remote = room(p->arena, p->remote, p->remote_count, &p->remote_cap, sizeof *p->remote);
    p->remote[p->remote_count] =
        (struct store_queued_recipient){.address = address,
                                        .original = str_eq(address, origin.address) ? STR("") : origin.address,
                                        .next_hop = t->next_hop,
                                        .notify = origin.notify,
                                        .orcpt = origin.orcpt};
    if (p->tenant_known && p->tenant_id != t->tenant_id)
        p->tenant_id = 0;
    else
        p->tenant_id = t->tenant_id;
    p->tenant_known = true;
    return (uint32_t)++p->remote_count;
}

void plan_begin(struct plan *p, struct arena *a) { *p = (struct plan){.arena = a}; }

static void add_target(struct plan *p, const struct directory_target *t, struct plan_origin origin) {
    if (p->used * 2 >= p->slots)
        grow(p);
    struct str address = t->account_id ? t->address : wire_address(p->arena, t->address);
    uint64_t hash = t->account_id ? mix((uint64_t)t->account_id) : hash_address(address);
    struct plan_slot *slot = find(p, hash, t->account_id, address);
    if (slot->index)
        return;
    p->used++;
    uint32_t index = t->account_id ? add_delivery(p, t, origin) : add_remote(p, t, address, origin);
    *slot = (struct plan_slot){hash, index, t->account_id == 0};
}

/* NOTIFY without SUCCESS. */
static struct str without_success(struct arena *a, struct str notify) {
    struct buf left = BUF_EMPTY;
    struct str word, rest = notify;
    while (str_split(&rest, ',', &word))
        if (!str_ieq(word, STR("SUCCESS"))) {
            buf_add_c(&left, left.n ? "," : "");
            buf_add_str(&left, word);
        }
    struct str out = left.n ? arena_str(a, buf_str(&left)) : STR("NEVER");
    buf_free(&left);
    return out;
}

void plan_add(struct plan *p, const struct directory_route *route, struct plan_origin origin) {
    if (route->count > 1 && origin.notify.p)
        origin.notify = without_success(p->arena, origin.notify);
    for (size_t i = 0; i < route->count; i++)
        add_target(p, &route->target[i], origin);
}

struct store_delivery *plan_delivery(const struct plan *p, int64_t account_id) {
    return &p->delivery[find(p, mix((uint64_t)account_id), account_id, STR(""))->index - 1];
}

struct store_queued *plan_queued(const struct plan *p, const struct mta *m, int64_t id, struct str sender) {
    if (p->remote_count == 0)
        return NULL;
    struct store_queued *q = arena_alloc(p->arena, sizeof *q);
    *q = (struct store_queued){.id = id,
                               .sender = sender,
                               .tenant_id = p->tenant_id,
                               .expires_at = clock_now() + settings_lifetime(m, p->arena),
                               .recipient = p->remote,
                               .count = p->remote_count};
    return q;
}
