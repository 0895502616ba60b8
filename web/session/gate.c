#include "session/login.h"

#include "base/codec.h"
#include "base/password.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { WAIT_SECONDS = 5 };

struct login_gate {
    pthread_mutex_t lock;
    pthread_cond_t opened;
    int free;
    struct buf decoy; /* the hash of a password that nobody knows */
};

struct login_gate *login_gate_new(int threads, struct err *err) {
    struct login_gate *g = mem_zero(sizeof *g);
    char unknown[48];
    random_token(unknown, sizeof unknown, 32);
    if (!password_hash(str_of(unknown), &g->decoy, err)) {
        free(g);
        return NULL;
    }
    pthread_mutex_init(&g->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&g->opened, &attributes);
    pthread_condattr_destroy(&attributes);
    g->free = threads;
    return g;
}

void login_gate_free(struct login_gate *g) {
    if (!g)
        return;
    pthread_cond_destroy(&g->opened);
    pthread_mutex_destroy(&g->lock);
    buf_free(&g->decoy);
    free(g);
}

static bool enter(struct login_gate *g) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += WAIT_SECONDS;
    pthread_mutex_lock(&g->lock);
    int rc = 0;
    while (g->free == 0 && rc == 0)
        rc = pthread_cond_timedwait(&g->opened, &g->lock, &until);
    bool in = g->free > 0;
    if (in)
        g->free--;
    pthread_mutex_unlock(&g->lock);
    return in;
}

static void leave(struct login_gate *g) {
    pthread_mutex_lock(&g->lock);
    g->free++;
    pthread_cond_signal(&g->opened);
    pthread_mutex_unlock(&g->lock);
}

bool login_verify(struct login_gate *g, struct str stored, struct str password, bool *busy) {
    *busy = !enter(g);
    if (*busy)
        return false;
    bool known = stored.n > 0;
    bool right = password_verify(known ? stored : buf_str(&g->decoy), password);
    leave(g);
    return known && right;
}
