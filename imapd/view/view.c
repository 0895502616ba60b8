/* The views of a process: opening, keeping, and asking the store. */
#include "view/view.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/sharing.h"
#include "view/state.h"

#include <stdlib.h>

enum {
    SLOTS = 4096,
    IDLE_VIEWS = 20000,   /* kept although nobody uses them */
    MAX_IDLE_SETS = 1000, /* of keywords in a view that is kept */
};

struct views {
    struct views_options o;
    pthread_mutex_t lock; /* before any view's */
    struct view *slot[SLOTS];
    struct view *newest, *oldest; /* of those that nobody uses */
    size_t idle_views, idle_messages;
};

struct views *views_new(const struct views_options *o) {
    struct views *v = mem_zero(sizeof *v);
    v->o = *o;
    pthread_mutex_init(&v->lock, NULL);
    return v;
}

static struct view **slot_of(struct views *all, int64_t account, int64_t mailbox) {
    uint64_t h = ((uint64_t)account * 0x9e3779b97f4a7c15u) ^ ((uint64_t)mailbox * 0xc2b2ae3d27d4eb4fu);
    return &all->slot[(h >> 32) % SLOTS];
}

static struct view *find(struct views *all, int64_t account, int64_t mailbox) {
    struct view *v = *slot_of(all, account, mailbox);
    while (v && (v->account != account || v->mailbox != mailbox))
        v = v->next_in_slot;
    return v;
}

static void unlink_idle(struct views *all, struct view *v) {
    *(v->newer ? &v->newer->older : &all->newest) = v->older;
    *(v->older ? &v->older->newer : &all->oldest) = v->newer;
    v->newer = v->older = NULL;
    all->idle_views--;
    all->idle_messages -= v->count;
}

static void drop(struct views *all, struct view *v) {
    struct view **at = slot_of(all, v->account, v->mailbox);
    while (*at != v)
        at = &(*at)->next_in_slot;
    *at = v->next_in_slot;
    state_free(v);
    pthread_mutex_destroy(&v->refresh);
    pthread_mutex_destroy(&v->lock);
    free(v);
}

void views_free(struct views *all) {
    if (!all)
        return;
    while (all->oldest) {
        struct view *v = all->oldest;
        unlink_idle(all, v);
        drop(all, v);
    }
    pthread_mutex_destroy(&all->lock);
    free(all);
}

static struct view *acquire(struct views *all, int64_t account, int64_t mailbox) {
    pthread_mutex_lock(&all->lock);
    struct view *v = find(all, account, mailbox);
    if (v && v->refs == 0)
        unlink_idle(all, v);
    if (!v) {
        v = mem_zero(sizeof *v);
        v->views = all;
        v->account = account;
        v->mailbox = mailbox;
        pthread_mutex_init(&v->refresh, NULL);
        pthread_mutex_init(&v->lock, NULL);
        state_init(v);
        struct view **slot = slot_of(all, account, mailbox);
        v->next_in_slot = *slot;
        *slot = v;
    }
    v->refs++;
    pthread_mutex_unlock(&all->lock);
    return v;
}

static void release(struct view *v) {
    struct views *all = v->views;
    pthread_mutex_lock(&all->lock);
    if (--v->refs == 0) {
        bool keep = v->loaded && !atomic_load(&v->gone) && v->keywords.count <= MAX_IDLE_SETS;
        if (keep) {
            v->older = all->newest;
            *(all->newest ? &all->newest->newer : &all->oldest) = v;
            all->newest = v;
            all->idle_views++;
            all->idle_messages += v->count;
        } else {
            drop(all, v);
        }
        while (all->oldest && (all->idle_views > IDLE_VIEWS || all->idle_messages > all->o.idle_messages)) {
            struct view *old = all->oldest;
            unlink_idle(all, old);
            drop(all, old);
        }
    }
    pthread_mutex_unlock(&all->lock);
}

/* ---- asking the store ---- */

static void loaded_up_to(struct view *v, uint64_t modseq) {
    if (modseq > atomic_load(&v->synced))
        atomic_store(&v->synced, modseq);
}

/* What the readers that have the mailbox open have seen since; all of it with since 0. Overlays come only with the
 * refresh lock, which is held here. */
static enum store_status load_seen(struct view *v, struct arena *a, uint64_t since, size_t *news, struct err *err) {
    size_t readers = 0, count;
    pthread_mutex_lock(&v->lock);
    for (const struct overlay *o = v->overlays; o; o = o->next)
        readers++;
    int64_t *reader = arena_array(a, readers, sizeof *reader);
    readers = 0;
    for (const struct overlay *o = v->overlays; o; o = o->next)
        reader[readers++] = o->reader;
    pthread_mutex_unlock(&v->lock);
    for (size_t i = 0; i < readers; i++) {
        struct store_seen *seen;
        enum store_status status =
            store_seen(v->views->o.store, a, reader[i], v->account, v->mailbox, since, &seen, &count, err);
        if (status != STORE_OK)
            return status;
        *news += count;
        pthread_mutex_lock(&v->lock);
        state_seen(v, state_overlay(v, reader[i]), seen, count, NULL);
        pthread_mutex_unlock(&v->lock);
    }
    return STORE_OK;
}

/* All messages anew. */
static enum store_status load(struct view *v, struct arena *a, uint64_t highestmodseq, struct err *err) {
    struct store_message *m;
    size_t count, news = 0;
    enum store_status status = store_messages(v->views->o.store, a, v->account, v->mailbox, 1, 0, &m, &count, err);
    if (status == STORE_OK)
        status = load_seen(v, a, 0, &news, err);
    if (status != STORE_OK)
        return status;
    pthread_mutex_lock(&v->lock);
    state_replace(v, a, m, count);
    v->loaded = true;
    loaded_up_to(v, highestmodseq);
    pthread_mutex_unlock(&v->lock);
    return STORE_OK;
}

static void mark_gone(struct view *v) {
    pthread_mutex_lock(&v->lock);
    atomic_store(&v->gone, true);
    struct arena a = ARENA_EMPTY;
    state_replace(v, &a, NULL, 0);
    arena_free(&a);
    pthread_mutex_unlock(&v->lock);
}

static int by_number(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static uint32_t *expunged_uids(struct arena *a, const struct store_expunged *e, size_t count, uint64_t *highest) {
    uint32_t *uid = arena_array(a, count ? count : 1, sizeof *uid);
    for (size_t i = 0; i < count; i++) {
        uid[i] = e[i].uid;
        *highest = e[i].modseq > *highest ? e[i].modseq : *highest;
    }
    qsort(uid, count, sizeof *uid, by_number);
    return uid;
}

/* What changed since the last look. The order of the questions matters: everything up to the modseq of the first answer
 * is in the later ones, and what is expunged between the second and the third is in the third. */
static enum store_status load_changes(struct view *v, struct arena *a, const struct store_mailbox *now,
                                      const struct view_client *for_client, bool *differs, struct err *err) {
    struct store *store = v->views->o.store;
    uint64_t since = atomic_load(&v->synced), highest = 0;
    /* Where no flags of older messages changed, only what came behind the last one is looked at. */
    pthread_mutex_lock(&v->lock);
    uint32_t first = now->flags_modseq > since || v->count == 0 ? 1 : v->list->uid[v->count - 1] + 1;
    pthread_mutex_unlock(&v->lock);
    struct store_message *m;
    struct store_expunged *e;
    size_t messages, expunged;
    enum store_status status = store_messages(store, a, v->account, v->mailbox, first, since, &m, &messages, err);
    if (status == STORE_OK)
        status = store_expunged(store, a, v->account, v->mailbox, since, &e, &expunged, err);
    if (status != STORE_OK)
        return status;
    uint32_t *gone = expunged_uids(a, e, expunged, &highest);
    for (size_t i = 0; i < messages; i++)
        highest = m[i].modseq > highest ? m[i].modseq : highest;
    size_t news = 0;
    if ((status = load_seen(v, a, since, &news, err)) != STORE_OK)
        return status;
    pthread_mutex_lock(&v->lock);
    state_messages(v, m, messages, NULL);
    state_expunge(v, gone, expunged);
    loaded_up_to(v, now->highestmodseq);
    *differs =
        highest <= now->highestmodseq && v->count != now->messages && atomic_load(&v->synced) == now->highestmodseq;
    if (messages || expunged || news)
        state_wake(v, for_client);
    pthread_mutex_unlock(&v->lock);
    return STORE_OK;
}

/* With the refresh lock held. */
static enum store_status ask_store(struct view *v, const struct view_client *for_client, struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct store_mailbox now;
    bool differs = false;
    atomic_store(&v->missed, false);
    int64_t looked = clock_monotonic();
    enum store_status status = store_mailbox_get(v->views->o.store, &a, v->account, v->mailbox, &now, err);
    if (status == STORE_NOT_FOUND && v->loaded) {
        mark_gone(v);
        status = STORE_OK;
    } else if (status == STORE_OK && !v->loaded) {
        status = load(v, &a, now.highestmodseq, err);
    } else if (status == STORE_OK && now.highestmodseq > atomic_load(&v->synced)) {
        status = load_changes(v, &a, &now, for_client, &differs, err);
    }
    if (status == STORE_OK && differs) { /* what went is no longer in the list of expunged ones */
        log_debug("mailbox %lld of account %lld is read anew", (long long)v->mailbox, (long long)v->account);
        status = load(v, &a, now.highestmodseq, err);
    }
    if (status == STORE_OK)
        atomic_store(&v->looked, looked);
    else
        atomic_store(&v->missed, true);
    arena_free(&a);
    return status;
}

static bool is_stale(const struct view *v, int max_age_ms) {
    if (atomic_load(&v->gone))
        return false;
    if (atomic_load(&v->missed) || atomic_load(&v->wanted) > atomic_load(&v->synced))
        return true;
    return max_age_ms >= 0 && clock_monotonic() - atomic_load(&v->looked) >= max_age_ms * INT64_C(1000);
}

enum store_status view_refresh(struct view_client *c, int max_age_ms, struct err *err) {
    struct view *v = c->view;
    if (!is_stale(v, max_age_ms))
        return STORE_OK;
    pthread_mutex_lock(&v->refresh);
    enum store_status status = is_stale(v, max_age_ms) ? ask_store(v, c, err) : STORE_OK;
    pthread_mutex_unlock(&v->refresh);
    return status;
}

/* ---- clients ---- */

static void link_client(struct view *v, struct view_client *c) {
    c->next = v->clients;
    if (c->next)
        c->next->before = &c->next;
    c->before = &v->clients;
    v->clients = c;
}

/* The first UID that is \Recent to this client by the store. */
static enum store_status claim_recent(struct view *v, const struct store_mailbox *m, bool read_only, uint32_t *first,
                                      struct err *err) {
    *first = m->first_recent;
    if (read_only || m->first_recent >= m->uidnext)
        return STORE_OK;
    enum store_status status = store_mailbox_take_recent(v->views->o.store, v->account, v->mailbox, first, err);
    if (status == STORE_OK) {
        pthread_mutex_lock(&v->lock);
        v->recent_saved = m->uidnext > v->recent_saved ? m->uidnext : v->recent_saved;
        pthread_mutex_unlock(&v->lock);
    }
    return status;
}

/* ---- readers ---- */

/* With the view's lock held. */
static void leave_overlay(struct view *v, struct overlay *o) {
    if (!o || --o->refs > 0)
        return;
    struct overlay **at = &v->overlays;
    while (*at != o)
        at = &(*at)->next;
    *at = o->next;
    overlay_free(o);
}

/* With the refresh lock held. The overlay is there for changes that come by views_flags() before it is filled, so that
 * none is missed between. */
static enum store_status join_overlay(struct view *v, int64_t reader, struct overlay **out, struct err *err) {
    pthread_mutex_lock(&v->lock);
    struct overlay *o = state_overlay(v, reader);
    if (!o) {
        o = overlay_new(reader);
        o->next = v->overlays;
        v->overlays = o;
    }
    o->refs++;
    pthread_mutex_unlock(&v->lock);
    struct arena a = ARENA_EMPTY;
    struct store_seen *seen;
    size_t count;
    enum store_status status =
        o->loaded ? STORE_OK : store_seen(v->views->o.store, &a, reader, v->account, v->mailbox, 0, &seen, &count, err);
    pthread_mutex_lock(&v->lock);
    if (status == STORE_OK && !o->loaded)
        state_seen(v, o, seen, count, NULL);
    o->loaded = o->loaded || status == STORE_OK;
    if (status != STORE_OK)
        leave_overlay(v, o);
    pthread_mutex_unlock(&v->lock);
    arena_free(&a);
    *out = status == STORE_OK ? o : NULL;
    return status;
}

static enum store_status bring_up(struct view *v, const struct store_mailbox *m, struct overlay **overlay,
                                  struct err *err) {
    enum store_status status = STORE_OK;
    *overlay = NULL;
    pthread_mutex_lock(&v->refresh);
    if (!v->loaded || m->highestmodseq > atomic_load(&v->synced) || is_stale(v, -1))
        status = ask_store(v, NULL, err);
    if (status == STORE_OK && atomic_load(&v->gone))
        status = STORE_NOT_FOUND;
    if (status == STORE_OK && m->reader)
        status = join_overlay(v, m->reader, overlay, err);
    pthread_mutex_unlock(&v->refresh);
    return status;
}

struct view_client *view_open(struct views *all, const struct store_mailbox *m, uint64_t who, bool read_only,
                              enum store_status *status, struct err *err) {
    struct view *v = acquire(all, m->account_id, m->id);
    struct overlay *overlay;
    uint32_t first_recent = 0;
    *status = bring_up(v, m, &overlay, err);
    if (*status == STORE_OK && !overlay)
        *status = claim_recent(v, m, read_only, &first_recent, err);
    if (*status != STORE_OK) {
        release(v);
        return NULL;
    }
    struct view_client *c = mem_zero(sizeof *c);
    c->view = v;
    c->who = who;
    c->read_only = read_only || overlay; /* \Recent is for the owner's sessions */
    c->overlay = overlay;
    pthread_mutex_lock(&v->lock);
    link_client(v, c);
    c->list = uid_list_ref(v->list);
    c->count = v->count;
    c->announced = atomic_load(&v->synced);
    changes_take_recent(c, first_recent);
    pthread_mutex_unlock(&v->lock);
    return c;
}

void view_close(struct view_client *c) {
    if (!c)
        return;
    struct view *v = c->view;
    struct err err;
    pthread_mutex_lock(&v->lock);
    *c->before = c->next;
    if (c->next)
        c->next->before = c->before;
    leave_overlay(v, c->overlay);
    bool save = !c->read_only && v->recent_next > v->recent_saved && !atomic_load(&v->gone);
    if (save)
        v->recent_saved = v->recent_next;
    pthread_mutex_unlock(&v->lock);
    uint32_t first;
    if (save && store_mailbox_take_recent(v->views->o.store, v->account, v->mailbox, &first, &err) == STORE_TEMPORARY)
        log_info("some messages will be \\Recent once more: %s", err.text);
    uid_list_unref(c->list);
    free(c->recent);
    free(c->pending);
    free(c);
    release(v);
}

void view_wait(struct view_client *c, bool waits) {
    pthread_mutex_lock(&c->view->lock);
    c->waits = waits;
    pthread_mutex_unlock(&c->view->lock);
}

void state_wake(struct view *v, const struct view_client *except) {
    struct views *all = v->views;
    for (struct view_client *c = v->clients; c; c = c->next)
        if (c != except && c->waits)
            all->o.wake(all->o.context, c->who);
}

static void changed(struct view *v, uint64_t modseq, bool missed) {
    if (modseq > atomic_load(&v->wanted))
        atomic_store(&v->wanted, modseq);
    if (missed)
        atomic_store(&v->missed, true);
    pthread_mutex_lock(&v->lock);
    state_wake(v, NULL);
    pthread_mutex_unlock(&v->lock);
}

void views_changed(void *views, int64_t account, int64_t mailbox, uint64_t modseq, bool own) {
    (void)own;
    struct views *all = views;
    pthread_mutex_lock(&all->lock);
    if (account == 0) {
        for (size_t i = 0; i < SLOTS; i++)
            for (struct view *v = all->slot[i]; v; v = v->next_in_slot)
                changed(v, 0, true);
    } else if (mailbox != 0) {
        struct view *v = find(all, account, mailbox);
        if (v)
            changed(v, modseq, false);
    }
    pthread_mutex_unlock(&all->lock);
}

void views_flags(void *views, int64_t account, int64_t mailbox, uint64_t modseq,
                 const struct store_flag_change *change) {
    struct views *all = views;
    pthread_mutex_lock(&all->lock);
    struct view *v = find(all, account, mailbox);
    if (v)
        state_flags(v, modseq, change);
    pthread_mutex_unlock(&all->lock);
}

/* ---- small answers ---- */

uint32_t view_uid(const struct view_client *c, uint32_t seq) { return c->list->uid[seq - 1]; }

uint32_t view_seq_at(const struct view_client *c, uint32_t uid) { return uid_list_at(c->list, 0, c->count, uid) + 1; }

uint64_t view_modseq(struct view_client *c) { return atomic_load(&c->view->synced); }
