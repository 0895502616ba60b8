/*
 * The workers. Each waits in epoll_wait itself and runs what it gets, so that between the kernel and a step there is
 * no hand-over. The rule that makes the pool elastic: a worker that leaves epoll_wait and finds that nobody waits
 * there any more starts another one before it goes on. So there is always somebody for what becomes ready next,
 * however long the others are blocked in their steps, up to max_workers. The kernel wakes the worker that began to
 * wait last, so the superfluous ones stay asleep and end after a while.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "net/server_internal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
    KEEP_WAITING = 2, /* workers that are not ended, however idle */
    TRIM_MS = 2000,   /* idle this long, a worker gives its buffers back */
    IDLE_MS = 10000,  /* and ends after this */
    STACK_BYTES = 2 << 20,
};

/* The ready queue's mark among the events; listeners have theirs, and a connection's id is greater than any of them. */
#define READY_EVENT UINT64_C(0)

/* ---- the ready queue ---- */

static void ready_signal(struct ready *r) {
    uint64_t one = 1;
    /* The counter is never read: edge triggered, each write wakes a worker, and it can't overflow in our lifetime. */
    if (write(r->signal, &one, sizeof one) != sizeof one)
        log_panic("can't wake a worker: %m");
}

void pool_submit(struct server *s, uint32_t index) {
    struct ready *r = &s->ready;
    s->slots.slot[index].next = SLOT_NONE;
    pthread_mutex_lock(&r->lock);
    bool was_empty = r->first == SLOT_NONE;
    if (was_empty)
        r->first = index;
    else
        s->slots.slot[r->last].next = index;
    r->last = index;
    pthread_mutex_unlock(&r->lock);
    /* Where there were others, whoever takes the first one signals for the next. */
    if (was_empty)
        ready_signal(r);
}

static uint32_t ready_take(struct server *s) {
    struct ready *r = &s->ready;
    pthread_mutex_lock(&r->lock);
    uint32_t index = r->first;
    if (index != SLOT_NONE)
        r->first = s->slots.slot[index].next;
    bool others = r->first != SLOT_NONE;
    pthread_mutex_unlock(&r->lock);
    if (others)
        ready_signal(r);
    return index;
}

/* ---- workers ---- */

static void *worker(void *context);

/* Starts one more, unless there are enough. */
static bool start_worker(struct server *s) {
    pthread_t thread;
    pthread_attr_t attr;
    sigset_t all, old;
    pthread_mutex_lock(&s->lock);
    bool start = s->workers < s->o.max_workers && !atomic_load(&s->quit);
    s->workers += start;
    pthread_mutex_unlock(&s->lock);
    if (!start)
        return false;
    atomic_fetch_add(&s->waiting, 1); /* on its behalf, so that not two start one for the same need */
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    sigfillset(&all); /* signals are the main thread's */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int failure = pthread_create(&thread, &attr, worker, s);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    if (failure == 0)
        return true;
    atomic_fetch_sub(&s->waiting, 1);
    pthread_mutex_lock(&s->lock);
    s->workers--;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    errno = failure;
    log_error("can't start a worker thread: %m");
    return false;
}

/* The caller was the last one waiting. */
static void nobody_waits(struct server *s) {
    if (start_worker(s) || atomic_load(&s->quit))
        return;
    int64_t now = clock_monotonic(), logged = atomic_load(&s->busy_logged);
    if (now - logged > 60 * CLOCK_SECOND && atomic_compare_exchange_strong(&s->busy_logged, &logged, now))
        log_warn("all %d workers are busy; connections wait for one", s->o.max_workers);
}

/* An idle worker may end where enough others wait. */
static bool leave(struct server *s) {
    int waiting = atomic_load(&s->waiting);
    while (waiting > KEEP_WAITING)
        if (atomic_compare_exchange_weak(&s->waiting, &waiting, waiting - 1))
            return true;
    return false;
}

static uint32_t due_of(uint32_t events) {
    uint32_t due = SLOT_IO;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        due |= SLOT_EOF;
    if (events & (EPOLLHUP | EPOLLERR))
        due |= SLOT_ERROR;
    return due;
}

static void run_event(struct server *s, uint64_t event, uint32_t events, struct scratch *scratch) {
    uint32_t index = slot_index(event);
    if (event == READY_EVENT) {
        index = ready_take(s);
    } else if (event <= MAX_LISTENERS) {
        index = listener_accept(s, s->listener[event - 1]);
    } else if (!slots_claim(&s->slots, event, due_of(events))) {
        return; /* gone, or another worker runs it and will see the mark */
    }
    if (index != SLOT_NONE)
        conn_run(s->slots.slot[index].conn, scratch);
}

static void work(struct server *s, struct scratch *scratch) {
    int idle_ms = 0;
    while (!atomic_load(&s->quit)) {
        struct epoll_event e;
        int wait = idle_ms == 0 ? TRIM_MS : IDLE_MS - TRIM_MS;
        int n = epoll_wait(s->epoll, &e, 1, wait);
        if (n < 0 && errno != EINTR)
            log_panic("epoll_wait: %m");
        if (n == 0) {
            idle_ms += wait;
            scratch_free(scratch);
            if (idle_ms >= IDLE_MS) {
                if (leave(s))
                    return;
                idle_ms = TRIM_MS;
            }
        }
        if (n <= 0)
            continue;
        idle_ms = 0;
        if (atomic_fetch_sub(&s->waiting, 1) == 1)
            nobody_waits(s);
        run_event(s, e.data.u64, e.events, scratch);
        atomic_fetch_add(&s->waiting, 1);
    }
    atomic_fetch_sub(&s->waiting, 1);
    ready_signal(&s->ready); /* one tells the next */
}

static void *worker(void *context) {
    struct server *s = context;
    struct scratch scratch = {0};
    work(s, &scratch);
    scratch_free(&scratch);
    pthread_mutex_lock(&s->lock);
    s->workers--;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

bool pool_start(struct server *s, struct err *err) {
    struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.u64 = READY_EVENT};
    s->ready.first = s->ready.last = SLOT_NONE;
    pthread_mutex_init(&s->ready.lock, NULL);
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    s->ready.signal = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (s->epoll < 0 || s->ready.signal < 0 || epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->ready.signal, &e) != 0)
        return err_errno(err, "can't make an epoll set");
    if (!start_worker(s))
        return err_set(err, "can't start a worker thread");
    return true;
}

bool pool_finish(struct server *s, int wait_ms) {
    int64_t until = clock_monotonic() + wait_ms * MILLISECOND;
    struct timespec at = {until / CLOCK_SECOND, until % CLOCK_SECOND * 1000};
    atomic_store(&s->quit, true);
    ready_signal(&s->ready);
    pthread_mutex_lock(&s->lock);
    while (s->workers > 0 && pthread_cond_clockwait(&s->changed, &s->lock, CLOCK_MONOTONIC, &at) == 0)
        ;
    bool finished = s->workers == 0;
    pthread_mutex_unlock(&s->lock);
    return finished;
}
