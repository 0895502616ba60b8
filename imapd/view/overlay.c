#include "view/overlay.h"

#include <stdlib.h>

struct overlay *overlay_new(int64_t reader) {
    struct overlay *o = mem_zero(sizeof *o);
    o->reader = reader;
    return o;
}

void overlay_free(struct overlay *o) {
    free(o->slot);
    free(o);
}

/* Where the UID is, or the free place where it would be. */
static uint32_t place(const struct store_seen *slot, uint32_t slots, uint32_t uid) {
    uint32_t at = (uid * 0x9e3779b1u) & (slots - 1);
    while (slot[at].uid && slot[at].uid != uid)
        at = (at + 1) & (slots - 1);
    return at;
}

const struct store_seen *overlay_find(const struct overlay *o, uint32_t uid) {
    if (!o->slots)
        return NULL;
    const struct store_seen *found = &o->slot[place(o->slot, o->slots, uid)];
    return found->uid ? found : NULL;
}

static void grow(struct overlay *o) {
    uint32_t slots = o->slots ? o->slots * 2 : 16;
    struct store_seen *slot = mem_zero(slots * sizeof *slot);
    for (uint32_t i = 0; i < o->slots; i++)
        if (o->slot[i].uid)
            slot[place(slot, slots, o->slot[i].uid)] = o->slot[i];
    free(o->slot);
    o->slot = slot;
    o->slots = slots;
}

bool overlay_put(struct overlay *o, const struct store_seen *seen) {
    if (o->count * 2 >= o->slots)
        grow(o);
    struct store_seen *at = &o->slot[place(o->slot, o->slots, seen->uid)];
    if (at->uid && at->modseq >= seen->modseq)
        return false;
    o->count += at->uid == 0;
    *at = *seen;
    return true;
}
