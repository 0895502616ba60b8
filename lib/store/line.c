#include "store/line.h"

#include <time.h>

enum {
    MAX_GROUP = 200,
    BUSY_GROUP = 3, /* so many in a group: there is load */
    GATHER_NS = 200000,
};

void line_init(struct line *l, void (*run)(void *context, struct line_work *group), void *context) {
    *l = (struct line){.run = run, .context = context};
    l->waiting_end = &l->waiting;
    pthread_mutex_init(&l->lock, NULL);
}

void line_destroy(struct line *l) { pthread_mutex_destroy(&l->lock); }

/* Called and left with the lock held. */
static void gather(struct line *l) {
    static const struct timespec moment = {0, GATHER_NS};
    if (l->last_group < BUSY_GROUP)
        return;
    pthread_mutex_unlock(&l->lock);
    nanosleep(&moment, NULL);
    pthread_mutex_lock(&l->lock);
}

static struct line_work *take_group(struct line *l) {
    size_t n = 1;
    struct line_work *list = l->waiting, *last = list;
    last->taken = true;
    for (; last->next && n < MAX_GROUP; n++) {
        last = last->next;
        last->taken = true;
    }
    l->waiting = last->next;
    if (!l->waiting)
        l->waiting_end = &l->waiting;
    last->next = NULL;
    l->last_group = n;
    return list;
}

/* Runs the group at the head of the line. Called and left with the lock held. True when the caller's own work was in
 * it. */
static bool lead(struct line *l, const struct line_work *own) {
    l->led = true;
    gather(l);
    struct line_work *list = take_group(l);
    pthread_mutex_unlock(&l->lock);
    l->run(l->context, list);
    pthread_mutex_lock(&l->lock);
    l->led = false;
    struct line_work *promoted = l->waiting;
    if (promoted && !promoted->promoted) {
        promoted->promoted = true;
        sem_post(&promoted->told);
    }
    bool mine = false;
    for (struct line_work *one = list, *next; one; one = next) {
        next = one->next;
        mine = mine || one == own;
        atomic_store(&one->done, true);
        if (one != own)
            sem_post(&one->told); /* the last touch: its owner's frame may be gone then */
    }
    return mine;
}

/* Who is told does not take the lock again: twenty woken threads that queue for it would cost more than the commit. */
static void wait_or_lead(struct line *l, struct line_work *w) {
    int heard = 0;
    bool led = false;
    pthread_mutex_lock(&l->lock);
    *l->waiting_end = w;
    l->waiting_end = &w->next;
    for (;;) {
        if (!w->taken && !l->led)
            led = lead(l, w) || led;
        pthread_mutex_unlock(&l->lock);
        if (atomic_load(&w->done))
            break;
        while (sem_wait(&w->told) < 0)
            ; /* EINTR */
        heard++;
        if (atomic_load(&w->done))
            break;
        pthread_mutex_lock(&l->lock);
    }
    /* Nobody may be about to post to a semaphore that is gone: one post for the end, one for a promotion. */
    for (int posts = (led ? 0 : 1) + (w->promoted ? 1 : 0); heard < posts;)
        if (sem_wait(&w->told) == 0)
            heard++;
}

void line_join(struct line *l, struct line_work *w) {
    *w = (struct line_work){.next = NULL};
    sem_init(&w->told, 0, 0);
    wait_or_lead(l, w);
    sem_destroy(&w->told);
}
