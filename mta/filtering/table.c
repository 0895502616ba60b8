#include "filtering/table.h"

#include "base/clock.h"
#include "base/log.h"
#include "directory/directory.h"
#include "filter/delegate.h"
#include "filter/milter.h"
#include "filter/rspamd.h"

#include <stdlib.h>

enum {
    RETRY_SECONDS = 1, /* reading the table after a failure */
    SLOW_SECONDS = 1,
    DEAD_SECONDS = 5,
};

struct filter_table {
    const struct mta *mta;
    pthread_mutex_t reading; /* held by who reads the database, and by nobody else for long; of next_try */
    int64_t next_try;        /* after a failure */
    pthread_mutex_t lock;    /* of set */
    struct filter_set *set;
    _Atomic uint64_t generation; /* of set */
    atomic_uint services;        /* of set */
};

struct filter_table *filter_table_new(const struct mta *m) {
    struct filter_table *t = mem_zero(sizeof *t);
    t->mta = m;
    t->generation = UINT64_MAX;
    pthread_mutex_init(&t->reading, NULL);
    pthread_mutex_init(&t->lock, NULL);
    return t;
}

void filter_table_free(struct filter_table *t) {
    if (t->set)
        filter_set_release(t->set);
    pthread_mutex_destroy(&t->lock);
    pthread_mutex_destroy(&t->reading);
    free(t);
}

void filter_set_release(struct filter_set *set) {
    if (atomic_fetch_sub(&set->users, 1) > 1)
        return;
    for (size_t i = 0; i < set->count; i++)
        idle_free(&set->entry[i].idle);
    arena_free(&set->arena);
    free(set);
}

void filter_entry_failed(struct filter_entry *e, int64_t since) {
    if (clock_monotonic() - since > SLOW_SECONDS * CLOCK_SECOND)
        atomic_store(&e->dead_until, clock_monotonic() + DEAD_SECONDS * CLOCK_SECOND);
}

bool filter_entry_is_alive(const struct filter_entry *e, struct err *err) {
    return clock_monotonic() >= atomic_load(&e->dead_until) ||
           err_set(err, "%.*s gave no answer a moment ago", STR_ARG(e->filter.address));
}

static void quit_milter(void *item) { milter_quit(item); }

static void make_entry(struct filter_entry *e, const struct filter *f) {
    static void (*const closing[])(void *) = {[FILTER_MILTER] = quit_milter,
                                              [FILTER_POLICY] = delegate_close,
                                              [FILTER_RSPAMD] = rspamd_close,
                                              [FILTER_CLAMD] = delegate_close};
    e->filter = *f;
    idle_init(&e->idle, closing[f->kind]);
}

static struct filter_set *read_set(struct filter_table *t) {
    struct filter_set *set = mem_zero(sizeof *set);
    struct filter *list;
    struct err err;
    set->users = 1;
    set->generation = directory_settings_generation(t->mta->directory);
    struct db_conn *c = db_acquire(t->mta->db, &err);
    bool good = c && filter_read_all(c, &set->arena, &list, &set->count, &err);
    if (c)
        db_release(t->mta->db, c);
    if (!good) {
        log_warn("filters: the ones in force stay: %s", err.text);
        set->count = 0;
        filter_set_release(set);
        return NULL;
    }
    set->entry = arena_array(&set->arena, set->count, sizeof *set->entry);
    for (size_t i = 0; i < set->count; i++) {
        make_entry(&set->entry[i], &list[i]);
        set->services |= list[i].services;
    }
    return set;
}

static void log_set(const struct filter_set *old, const struct filter_set *set) {
    struct buf names = BUF_EMPTY;
    if (set->count == 0 && (!old || old->count == 0))
        return;
    for (size_t i = 0; i < set->count; i++)
        buf_printf(&names, "%s%.*s", i ? ", " : "", STR_ARG(set->entry[i].filter.name));
    log_info("filters in force: %s", set->count ? names.p : "none");
    buf_free(&names);
}

static bool is_current(struct filter_table *t) {
    return atomic_load_explicit(&t->generation, memory_order_acquire) ==
           directory_settings_generation(t->mta->directory);
}

/* Reads the table. Called with `reading` held. */
static void renew(struct filter_table *t) {
    if (is_current(t) || clock_monotonic() < t->next_try)
        return;
    struct filter_set *set = read_set(t), *old;
    if (!set) {
        t->next_try = clock_monotonic() + RETRY_SECONDS * CLOCK_SECOND;
        return;
    }
    pthread_mutex_lock(&t->lock);
    old = t->set;
    t->set = set;
    pthread_mutex_unlock(&t->lock);
    atomic_store(&t->services, set->services);
    atomic_store_explicit(&t->generation, set->generation, memory_order_release);
    log_set(old, set);
    if (old)
        filter_set_release(old);
}

/* Has it read again where it may have changed. While somebody else does that the old set is good, unless there was none
 * yet: a session must not begin without the filters that it should have. */
static void look(struct filter_table *t) {
    if (is_current(t))
        return;
    if (atomic_load(&t->generation) == UINT64_MAX)
        pthread_mutex_lock(&t->reading);
    else if (pthread_mutex_trylock(&t->reading) != 0)
        return;
    renew(t);
    pthread_mutex_unlock(&t->reading);
}

bool filter_table_serves(struct filter_table *t, unsigned service) {
    look(t);
    return (atomic_load_explicit(&t->services, memory_order_relaxed) & service) != 0;
}

struct filter_set *filter_table_take(struct filter_table *t) {
    look(t);
    pthread_mutex_lock(&t->lock);
    struct filter_set *set = t->set;
    if (set)
        atomic_fetch_add(&set->users, 1);
    pthread_mutex_unlock(&t->lock);
    return set;
}

bool filter_set_is_current(struct filter_table *t, const struct filter_set *set) {
    return is_current(t) && atomic_load(&t->generation) == set->generation;
}
