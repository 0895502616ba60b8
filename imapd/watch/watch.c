/* The accounts that are watched: opening, waking, asking the store. */
#include "watch/watch.h"

#include "watch/account.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { SLOTS = 4096 };

struct watches {
    struct store *store;
    void (*wake)(void *context, uint64_t who);
    void *context;
    atomic_uint accounts; /* none: nothing to look for */
    pthread_mutex_t lock;
    struct account *slot[SLOTS];
};

struct watch_client {
    struct watches *watches;
    struct account *account;
    struct watch_client *next, **before; /* with the account's lock, as wishes and selected */
    unsigned wishes;
    int64_t selected, reader;
    uint64_t who;
    uint64_t at;   /* events up to this number are told */
    uint64_t read; /* so many entries of the log */
};

struct watches *watches_new(struct store *store, void (*wake)(void *context, uint64_t who), void *context) {
    struct watches *w = mem_zero(sizeof *w);
    w->store = store;
    w->wake = wake;
    w->context = context;
    pthread_mutex_init(&w->lock, NULL);
    return w;
}

void watches_free(struct watches *w) {
    if (!w)
        return;
    pthread_mutex_destroy(&w->lock);
    free(w);
}

static struct account **slot_of(struct watches *w, int64_t account) {
    return &w->slot[((uint64_t)account * 0x9e3779b97f4a7c15u >> 32) % SLOTS];
}

static struct account *find(struct watches *w, int64_t account) {
    struct account *a = *slot_of(w, account);
    while (a && a->id != account)
        a = a->next;
    return a;
}

static struct account *acquire(struct watches *w, int64_t account) {
    pthread_mutex_lock(&w->lock);
    struct account *a = find(w, account);
    if (!a) {
        a = mem_zero(sizeof *a);
        a->id = account;
        a->list_dirty = true;
        pthread_mutex_init(&a->refresh, NULL);
        pthread_mutex_init(&a->lock, NULL);
        a->next = *slot_of(w, account);
        *slot_of(w, account) = a;
        atomic_fetch_add(&w->accounts, 1);
    }
    a->refs++;
    pthread_mutex_unlock(&w->lock);
    return a;
}

static void release(struct watches *w, struct account *a) {
    pthread_mutex_lock(&w->lock);
    bool last = --a->refs == 0;
    if (last) {
        struct account **at = slot_of(w, a->id);
        while (*at != a)
            at = &(*at)->next;
        *at = a->next;
        atomic_fetch_sub(&w->accounts, 1);
    }
    pthread_mutex_unlock(&w->lock);
    if (last)
        account_free(a);
}

/* ---- what happens ---- */

static void wake_clients(struct watches *w, const struct account *a, unsigned wish, int64_t mailbox) {
    for (const struct watch_client *c = a->clients; c; c = c->next)
        if (c->wishes & wish && !(mailbox && c->selected == mailbox))
            w->wake(w->context, c->who);
}

static void changed(struct watches *w, struct account *a, int64_t mailbox) {
    pthread_mutex_lock(&a->lock);
    account_mark(a, mailbox);
    wake_clients(w, a, mailbox ? WATCH_MESSAGES : WATCH_MESSAGES | WATCH_LIST, mailbox);
    pthread_mutex_unlock(&a->lock);
}

static void annotated(struct watches *w, struct account *a, const struct store_annotated *what) {
    pthread_mutex_lock(&a->lock);
    account_log_annotated(a, what);
    wake_clients(w, a, WATCH_ANNOTATIONS, 0);
    pthread_mutex_unlock(&a->lock);
}

void watches_changed(struct watches *w, int64_t account, int64_t mailbox) {
    if (atomic_load(&w->accounts) == 0)
        return;
    pthread_mutex_lock(&w->lock);
    struct account *a = account ? find(w, account) : NULL;
    if (a)
        changed(w, a, mailbox);
    for (size_t i = 0; account == 0 && i < SLOTS; i++) /* something may have been missed */
        for (a = w->slot[i]; a; a = a->next) {
            changed(w, a, 0);
            annotated(w, a, &(struct store_annotated){.account = a->id, .mailbox = WATCH_ANY, .entry = STR("")});
        }
    pthread_mutex_unlock(&w->lock);
}

void watches_annotated(struct watches *w, const struct store_annotated *what) {
    if (atomic_load(&w->accounts) == 0)
        return;
    pthread_mutex_lock(&w->lock);
    struct account *a = find(w, what->account);
    if (a)
        annotated(w, a, what);
    pthread_mutex_unlock(&w->lock);
}

/* ---- asking the store ---- */

/* What a client's own mailbox went through it hears otherwise; that stays to be looked at by others. */
static size_t take_dirty(struct account *a, int64_t selected, int64_t out[ACCOUNT_DIRTY], bool *list) {
    size_t n = 0, kept = 0;
    pthread_mutex_lock(&a->lock);
    *list = a->list_dirty || !a->loaded;
    a->list_dirty = false;
    a->asking = true;
    for (size_t i = 0; i < a->dirty_count; i++)
        if (a->dirty[i] == selected && !*list)
            a->dirty[kept++] = a->dirty[i];
        else
            out[n++] = a->dirty[i];
    a->dirty_count = kept;
    pthread_mutex_unlock(&a->lock);
    return n;
}

static enum store_status read_list(struct watches *w, struct account *a, struct err *err) {
    struct arena arena = ARENA_EMPTY;
    struct store_mailbox *box;
    size_t count;
    enum store_status status = store_mailbox_list(w->store, &arena, a->id, &box, &count, err);
    pthread_mutex_lock(&a->lock);
    if (status == STORE_OK)
        account_take_list(a, box, count);
    else
        a->list_dirty = true;
    pthread_mutex_unlock(&a->lock);
    arena_free(&arena);
    return status;
}

/* False: the whole list has to be read. */
static bool read_one(struct watches *w, struct account *a, int64_t mailbox, struct err *err) {
    struct arena arena = ARENA_EMPTY;
    struct store_mailbox box;
    bool known = false;
    if (store_mailbox_get(w->store, &arena, a->id, mailbox, &box, err) == STORE_OK) {
        pthread_mutex_lock(&a->lock);
        known = account_take(a, &box);
        pthread_mutex_unlock(&a->lock);
    }
    arena_free(&arena);
    return known;
}

static enum store_status ask_store(struct watches *w, struct account *a, int64_t selected, struct err *err) {
    int64_t dirty[ACCOUNT_DIRTY];
    bool list;
    size_t n = take_dirty(a, selected, dirty, &list);
    for (size_t i = 0; i < n && !list; i++)
        list = !read_one(w, a, dirty[i], err);
    enum store_status status = list ? read_list(w, a, err) : STORE_OK;
    pthread_mutex_lock(&a->lock);
    a->asking = false;
    pthread_mutex_unlock(&a->lock);
    return status;
}

static bool is_stale(struct account *a, unsigned wishes, int64_t selected) {
    pthread_mutex_lock(&a->lock);
    bool stale = !a->loaded || a->list_dirty || a->asking;
    for (size_t i = 0; wishes & WATCH_MESSAGES && i < a->dirty_count && !stale; i++)
        stale = a->dirty[i] != selected;
    pthread_mutex_unlock(&a->lock);
    return stale;
}

enum store_status watch_refresh(struct watch_client *c, struct err *err) {
    struct account *a = c->account;
    if (!(c->wishes & (WATCH_MESSAGES | WATCH_LIST)))
        return STORE_OK;
    if (!is_stale(a, c->wishes, c->selected))
        return STORE_OK;
    pthread_mutex_lock(&a->refresh);
    enum store_status status =
        is_stale(a, c->wishes, c->selected) ? ask_store(c->watches, a, c->selected, err) : STORE_OK;
    pthread_mutex_unlock(&a->refresh);
    return status;
}

/* ---- clients ---- */

struct watch_client *watch_open(struct watches *w, int64_t account, int64_t reader, uint64_t who, unsigned wishes,
                                enum store_status *status, struct err *err) {
    struct watch_client *c = mem_zero(sizeof *c);
    struct account *a = c->account = acquire(w, account);
    c->watches = w;
    c->who = who;
    c->reader = reader;
    c->wishes = wishes;
    pthread_mutex_lock(&a->lock);
    c->next = a->clients;
    if (c->next)
        c->next->before = &c->next;
    c->before = &a->clients;
    a->clients = c;
    pthread_mutex_unlock(&a->lock);
    *status = watch_refresh(c, err);
    if (*status != STORE_OK) {
        watch_close(c);
        return NULL;
    }
    pthread_mutex_lock(&a->lock);
    c->at = a->at;
    c->read = a->logged;
    pthread_mutex_unlock(&a->lock);
    return c;
}

void watch_close(struct watch_client *c) {
    if (!c)
        return;
    struct account *a = c->account;
    pthread_mutex_lock(&a->lock);
    *c->before = c->next;
    if (c->next)
        c->next->before = c->before;
    pthread_mutex_unlock(&a->lock);
    release(c->watches, a);
    free(c);
}

int64_t watch_account(const struct watch_client *c) { return c->account->id; }

void watch_selected(struct watch_client *c, int64_t mailbox) {
    pthread_mutex_lock(&c->account->lock);
    c->selected = mailbox;
    pthread_mutex_unlock(&c->account->lock);
}

static void copy_box(struct arena *arena, const struct store_mailbox *from, struct store_mailbox *to) {
    *to = *from;
    to->name = arena_str(arena, from->name);
    if (from->special_use.p)
        to->special_use = arena_str(arena, from->special_use);
}

static bool is_wanted(const struct watch_client *c, const struct logged *l) {
    if (l->kind != WATCH_ANNOTATED)
        return c->wishes & WATCH_LIST;
    return c->wishes & WATCH_ANNOTATIONS && (l->reader == 0 || l->reader == c->reader);
}

static size_t read_log(struct watch_client *c, struct arena *arena, struct watch_event *e) {
    const struct account *a = c->account;
    size_t n = 0;
    for (; c->read < a->logged; c->read++) {
        const struct logged *l = account_logged(a, c->read);
        if (!is_wanted(c, l))
            continue;
        e[n++] = (struct watch_event){
            .kind = l->kind,
            .box = {.account_id = a->id, .id = l->mailbox, .name = arena_str(arena, str_of(l->name))},
            .other = l->other ? arena_str(arena, str_of(l->other)) : STR(""),
            .by = l->by};
        e[n - 1].box.subscribed = l->subscribed;
    }
    return n;
}

static size_t read_messages(const struct watch_client *c, struct arena *arena, struct watch_event *e) {
    const struct account *a = c->account;
    size_t n = 0;
    for (size_t i = 0; c->wishes & WATCH_MESSAGES && i < a->count; i++) {
        const struct watched *w = &a->box[i];
        unsigned change = (w->new_at > c->at ? WATCH_NEW : 0) | (w->expunged_at > c->at ? WATCH_EXPUNGED : 0) |
                          (w->flags_at > c->at ? WATCH_FLAGS : 0);
        if (!change || w->box.id == c->selected)
            continue;
        e[n] = (struct watch_event){.kind = WATCH_CHANGED, .change = change};
        copy_box(arena, &w->box, &e[n++].box);
    }
    return n;
}

bool watch_events(struct watch_client *c, struct arena *arena, struct watch_event **out, size_t *count) {
    struct account *a = c->account;
    *count = 0;
    pthread_mutex_lock(&a->lock);
    bool all = c->read == a->logged || account_logged(a, c->read);
    if (all && (c->at < a->at || c->read < a->logged)) {
        *out = arena_array(arena, (size_t)(a->logged - c->read) + a->count + 1, sizeof **out);
        *count = read_log(c, arena, *out);
        *count += read_messages(c, arena, *out + *count);
    }
    c->at = a->at;
    c->read = a->logged;
    pthread_mutex_unlock(&a->lock);
    return all;
}

size_t watch_mailboxes(struct watch_client *c, struct arena *arena, struct store_mailbox **out) {
    struct account *a = c->account;
    pthread_mutex_lock(&a->lock);
    size_t n = a->count;
    *out = arena_array(arena, n ? n : 1, sizeof **out);
    for (size_t i = 0; i < n; i++)
        copy_box(arena, &a->box[i].box, &(*out)[i]);
    pthread_mutex_unlock(&a->lock);
    return n;
}
