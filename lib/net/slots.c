#include "net/slots.h"

#include "base/memory.h"

#include <stdlib.h>

#define DUE_BITS ((uint64_t)(SLOT_IO | SLOT_WAKE | SLOT_TIMER | SLOT_STOP | SLOT_KILL | SLOT_EOF | SLOT_ERROR))

void slots_init(struct slots *s, uint32_t count) {
    s->slot = mem_zero(count * sizeof *s->slot);
    s->count = count;
    s->free = SLOT_NONE;
    atomic_init(&s->touched, 0);
    pthread_mutex_init(&s->lock, NULL);
}

void slots_destroy(struct slots *s) {
    pthread_mutex_destroy(&s->lock);
    free(s->slot);
}

slot_id slots_take(struct slots *s, struct conn *c) {
    pthread_mutex_lock(&s->lock);
    uint32_t index = s->free, touched = atomic_load_explicit(&s->touched, memory_order_relaxed);
    if (index != SLOT_NONE) {
        s->free = s->slot[index].next;
    } else if (touched < s->count) {
        index = touched;
        atomic_store_explicit(&s->slot[index].state, UINT64_C(1) << 32, memory_order_relaxed);
        atomic_store_explicit(&s->touched, touched + 1, memory_order_release);
    }
    pthread_mutex_unlock(&s->lock);
    if (index == SLOT_NONE)
        return 0;
    struct slot *slot = &s->slot[index];
    slot->conn = c;
    atomic_store_explicit(&slot->deadline, INT64_MAX, memory_order_relaxed);
    atomic_store_explicit(&slot->queued, INT64_MAX, memory_order_relaxed);
    uint64_t generation = atomic_load_explicit(&slot->state, memory_order_relaxed) >> 32;
    atomic_store_explicit(&slot->state, generation << 32 | SLOT_USED | SLOT_RUNNING, memory_order_release);
    return generation << 32 | index;
}

void slots_give(struct slots *s, uint32_t index) {
    struct slot *slot = &s->slot[index];
    uint64_t generation = (atomic_load_explicit(&slot->state, memory_order_relaxed) >> 32) + 1;
    generation &= UINT32_MAX;
    if (generation == 0)
        generation = 1; /* an id is never 0 */
    slot->conn = NULL;
    atomic_store_explicit(&slot->state, generation << 32, memory_order_release);
    pthread_mutex_lock(&s->lock);
    slot->next = s->free;
    s->free = index;
    pthread_mutex_unlock(&s->lock);
}

static bool claim(struct slot *slot, uint64_t state, uint32_t due, uint64_t generation, bool any_generation) {
    do {
        if (!(state & SLOT_USED) || (!any_generation && state >> 32 != generation))
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&slot->state, &state, state | due | SLOT_RUNNING,
                                                    memory_order_acq_rel, memory_order_acquire));
    return !(state & SLOT_RUNNING);
}

bool slots_claim(struct slots *s, slot_id id, uint32_t due) {
    uint32_t index = slot_index(id);
    if (index >= atomic_load_explicit(&s->touched, memory_order_acquire))
        return false;
    struct slot *slot = &s->slot[index];
    return claim(slot, atomic_load_explicit(&slot->state, memory_order_acquire), due, id >> 32, false);
}

bool slots_claim_index(struct slots *s, uint32_t index, uint32_t due) {
    struct slot *slot = &s->slot[index];
    return claim(slot, atomic_load_explicit(&slot->state, memory_order_acquire), due, 0, true);
}

uint32_t slots_due(struct slots *s, uint32_t index) {
    struct slot *slot = &s->slot[index];
    if (!(atomic_load_explicit(&slot->state, memory_order_acquire) & DUE_BITS))
        return 0;
    return (uint32_t)(atomic_fetch_and_explicit(&slot->state, ~DUE_BITS, memory_order_acq_rel) & DUE_BITS);
}

bool slots_park(struct slots *s, uint32_t index) {
    struct slot *slot = &s->slot[index];
    uint64_t state = atomic_load_explicit(&slot->state, memory_order_relaxed);
    return !(state & DUE_BITS) &&
           atomic_compare_exchange_strong_explicit(&slot->state, &state, state & ~(uint64_t)SLOT_RUNNING,
                                                   memory_order_acq_rel, memory_order_relaxed);
}
