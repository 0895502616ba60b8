#include "filter/idle.h"

#include "base/clock.h"

#include <string.h>

void idle_init(struct idle *i, void (*close)(void *item)) {
    *i = (struct idle){.lock = PTHREAD_MUTEX_INITIALIZER, .close = close};
}

void idle_free(struct idle *i) {
    for (size_t k = 0; k < i->count; k++)
        i->close(i->item[k]);
    i->count = 0;
    pthread_mutex_destroy(&i->lock);
}

/* Takes the oldest out where it has waited too long. Called with the lock held. */
static void *too_old(struct idle *i) {
    if (i->count == 0 || clock_monotonic() - i->since[0] < IDLE_SECONDS * CLOCK_SECOND)
        return NULL;
    void *old = i->item[0];
    i->count--;
    memmove(i->item, i->item + 1, i->count * sizeof *i->item);
    memmove(i->since, i->since + 1, i->count * sizeof *i->since);
    return old;
}

static void close_old(struct idle *i) {
    for (void *old = i;;) {
        pthread_mutex_lock(&i->lock);
        old = too_old(i);
        pthread_mutex_unlock(&i->lock);
        if (!old)
            return;
        i->close(old);
    }
}

void *idle_take(struct idle *i) {
    close_old(i);
    pthread_mutex_lock(&i->lock);
    void *item = i->count ? i->item[--i->count] : NULL;
    pthread_mutex_unlock(&i->lock);
    return item;
}

void idle_put(struct idle *i, void *item) {
    close_old(i);
    pthread_mutex_lock(&i->lock);
    if (i->count < IDLE_MAX) {
        i->item[i->count] = item;
        i->since[i->count++] = clock_monotonic();
        item = NULL;
    }
    pthread_mutex_unlock(&i->lock);
    if (item)
        i->close(item);
}
