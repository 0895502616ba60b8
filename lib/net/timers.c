#include "net/timers.h"

#include "base/memory.h"

#include <stdlib.h>

void timers_init(struct timers *t, struct slots *slots) {
    *t = (struct timers){.slots = slots};
    pthread_mutex_init(&t->lock, NULL);
}

void timers_destroy(struct timers *t) {
    pthread_mutex_destroy(&t->lock);
    free(t->heap);
}

static void place(struct timers *t, uint32_t i, struct timer_entry e) {
    t->heap[i] = e;
    t->slots->slot[e.index].heap_place = i;
}

static void sift_up(struct timers *t, uint32_t i, struct timer_entry e) {
    while (i > 0 && t->heap[(i - 1) / 4].at > e.at) {
        place(t, i, t->heap[(i - 1) / 4]);
        i = (i - 1) / 4;
    }
    place(t, i, e);
}

static void sift_down(struct timers *t, uint32_t i, struct timer_entry e) {
    for (;;) {
        uint32_t least = 0, first = 4 * i + 1;
        for (uint32_t child = first; child < first + 4 && child < t->count; child++)
            if (least == 0 || t->heap[child].at < t->heap[least].at)
                least = child;
        if (least == 0 || t->heap[least].at >= e.at)
            break;
        place(t, i, t->heap[least]);
        i = least;
    }
    place(t, i, e);
}

static void insert(struct timers *t, struct timer_entry e) {
    if (t->count == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 64;
        t->heap = mem_resize(t->heap, t->cap * sizeof *t->heap);
    }
    atomic_store(&t->slots->slot[e.index].queued, e.at);
    sift_up(t, t->count++, e);
}

static void take_out(struct timers *t, uint32_t i) {
    struct timer_entry last = t->heap[--t->count];
    atomic_store(&t->slots->slot[t->heap[i].index].queued, INT64_MAX);
    if (i == t->count)
        return;
    if (i > 0 && t->heap[(i - 1) / 4].at > last.at)
        sift_up(t, i, last);
    else
        sift_down(t, i, last);
}

bool timers_set(struct timers *t, uint32_t index, int64_t deadline) {
    struct slot *slot = &t->slots->slot[index];
    atomic_store(&slot->deadline, deadline);
    /* Sequentially consistent with timers_due(), which clears `queued` before it reads `deadline`: one of the two
     * sees what the other wrote, so that a deadline is never left without an entry. */
    if (deadline >= atomic_load(&slot->queued))
        return false;
    pthread_mutex_lock(&t->lock);
    if (atomic_load(&slot->queued) != INT64_MAX)
        take_out(t, slot->heap_place);
    insert(t, (struct timer_entry){deadline, index});
    pthread_mutex_unlock(&t->lock);
    return true;
}

void timers_remove(struct timers *t, uint32_t index) {
    struct slot *slot = &t->slots->slot[index];
    /* Always under the lock: timers_due() shows an entry as not queued for a moment while it moves it. */
    pthread_mutex_lock(&t->lock);
    if (atomic_load(&slot->queued) != INT64_MAX)
        take_out(t, slot->heap_place);
    pthread_mutex_unlock(&t->lock);
}

bool timers_due(struct timers *t, int64_t now, uint32_t *index, int64_t *next) {
    bool found = false;
    *next = INT64_MAX;
    pthread_mutex_lock(&t->lock);
    while (t->count && !found) {
        struct timer_entry first = t->heap[0];
        if (first.at > now) {
            *next = first.at;
            break;
        }
        take_out(t, 0);
        int64_t deadline = atomic_load(&t->slots->slot[first.index].deadline);
        if (deadline <= now) {
            *index = first.index;
            found = true;
        } else if (deadline != INT64_MAX) {
            insert(t, (struct timer_entry){deadline, first.index});
        }
    }
    pthread_mutex_unlock(&t->lock);
    return found;
}
