#include "watch/account.h"

#include <stdlib.h>

/* ---- the log ---- */

static struct logged *log_entry(struct account *a, enum watch_kind kind) {
    if (!a->log)
        a->log = mem_zero(ACCOUNT_LOG * sizeof *a->log);
    struct logged *l = &a->log[a->logged++ % ACCOUNT_LOG];
    free(l->name);
    free(l->other);
    *l = (struct logged){.at = ++a->at, .kind = kind};
    return l;
}

static struct logged *log_mailbox(struct account *a, enum watch_kind kind, const struct store_mailbox *box) {
    struct logged *l = log_entry(a, kind);
    l->mailbox = box->id;
    l->subscribed = box->subscribed;
    l->name = str_dup(box->name);
    return l;
}

void account_log_annotated(struct account *a, const struct store_annotated *what) {
    struct logged *l = log_entry(a, WATCH_ANNOTATED);
    l->mailbox = what->mailbox;
    l->reader = what->reader;
    l->name = str_dup(STR(""));
    l->other = str_dup(what->entry);
    l->by = what->by;
}

const struct logged *account_logged(const struct account *a, uint64_t n) {
    return n + ACCOUNT_LOG < a->logged ? NULL : &a->log[n % ACCOUNT_LOG];
}

/* ---- the mailboxes ---- */

static void own_strings(struct store_mailbox *box) {
    box->name = str_of(str_dup(box->name));
    if (box->special_use.p)
        box->special_use = str_of(str_dup(box->special_use));
}

static void free_strings(const struct store_mailbox *box) {
    free((char *)(uintptr_t)box->name.p);
    free((char *)(uintptr_t)box->special_use.p);
}

void account_free(struct account *a) {
    for (size_t i = 0; i < a->count; i++)
        free_strings(&a->box[i].box);
    for (size_t i = 0; a->log && i < ACCOUNT_LOG; i++) {
        free(a->log[i].name);
        free(a->log[i].other);
    }
    free(a->box);
    free(a->log);
    pthread_mutex_destroy(&a->refresh);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

static size_t place_of(const struct account *a, int64_t mailbox) {
    size_t low = 0, high = a->count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (a->box[mid].box.id < mailbox)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct watched *account_find(struct account *a, int64_t mailbox) {
    size_t i = place_of(a, mailbox);
    return i < a->count && a->box[i].box.id == mailbox ? &a->box[i] : NULL;
}

void account_mark(struct account *a, int64_t mailbox) {
    for (size_t i = 0; i < a->dirty_count; i++)
        if (a->dirty[i] == mailbox)
            return;
    if (mailbox == 0 || a->dirty_count == ACCOUNT_DIRTY)
        a->list_dirty = true;
    else
        a->dirty[a->dirty_count++] = mailbox;
}

/* What became of the messages between the two rows. */
static void compare_messages(struct account *a, struct watched *w, const struct store_mailbox *now) {
    const struct store_mailbox *old = &w->box;
    uint64_t added = now->uidnext > old->uidnext ? now->uidnext - old->uidnext : 0;
    bool expunged = now->messages < old->messages + added;
    bool flags = now->flags_modseq > old->flags_modseq;
    if (!added && !expunged && !flags)
        return;
    a->at++;
    w->new_at = added ? a->at : w->new_at;
    w->expunged_at = expunged ? a->at : w->expunged_at;
    w->flags_at = flags ? a->at : w->flags_at;
}

/* Everything but the name. */
static void take_row(struct account *a, struct watched *w, const struct store_mailbox *box) {
    if (box->highestmodseq < w->box.highestmodseq) /* an older row, by a slower reader */
        return;
    compare_messages(a, w, box);
    bool subscription = box->subscribed != w->box.subscribed;
    struct store_mailbox now = *box;
    free_strings(&w->box);
    own_strings(&now);
    w->box = now;
    if (subscription)
        log_mailbox(a, WATCH_SUBSCRIBED, &now);
}

bool account_take(struct account *a, const struct store_mailbox *box) {
    struct watched *w = account_find(a, box->id);
    if (!w || !str_eq(w->box.name, box->name))
        return false;
    take_row(a, w, box);
    return true;
}

static void add(struct account *a, const struct store_mailbox *box) {
    if (a->count == a->room) {
        a->room = a->room ? a->room * 2 : 16;
        a->box = mem_resize(a->box, a->room * sizeof *a->box);
    }
    size_t i = place_of(a, box->id);
    memmove(&a->box[i + 1], &a->box[i], (a->count - i) * sizeof *a->box);
    a->box[i] = (struct watched){.box = *box, .seen = true};
    own_strings(&a->box[i].box);
    a->count++;
    if (a->loaded)
        log_mailbox(a, WATCH_CREATED, box);
}

struct renamed {
    char *old;
    struct str now;
};

/* What is below a mailbox that was renamed has only gone with it (RFC 5465 section 5.4). */
static bool went_along(const struct renamed *r, size_t count, struct str old, struct str now) {
    for (size_t i = 0; i < count; i++) {
        struct str above = str_of(r[i].old), below = str_sub(old, above.n, old.n);
        if (str_starts(old, above) && below.n && below.p[0] == '/' && now.n == r[i].now.n + below.n &&
            str_starts(now, r[i].now) && str_ends(now, below))
            return true;
    }
    return false;
}

static void log_renames(struct account *a, const struct renamed *r, const int64_t *id, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (went_along(r, count, str_of(r[i].old), r[i].now))
            continue;
        const struct watched *w = account_find(a, id[i]);
        log_mailbox(a, WATCH_RENAMED, &w->box)->other = str_dup(str_of(r[i].old));
    }
}

static void remove_unseen(struct account *a) {
    size_t kept = 0;
    for (size_t i = 0; i < a->count; i++) {
        if (a->box[i].seen) {
            a->box[kept++] = a->box[i];
            continue;
        }
        log_mailbox(a, WATCH_DELETED, &a->box[i].box);
        free_strings(&a->box[i].box);
    }
    a->count = kept;
}

void account_take_list(struct account *a, const struct store_mailbox *box, size_t count) {
    struct renamed *r = mem_alloc((count ? count : 1) * sizeof *r);
    int64_t *id = mem_alloc((count ? count : 1) * sizeof *id);
    size_t renamed = 0, before = a->count;
    for (size_t i = 0; i < before; i++)
        a->box[i].seen = false;
    for (size_t i = 0; i < count; i++) {
        struct watched *w = account_find(a, box[i].id);
        if (w) {
            w->seen = true;
            if (!str_eq(w->box.name, box[i].name)) {
                r[renamed] = (struct renamed){str_dup(w->box.name), box[i].name};
                id[renamed++] = box[i].id;
                free((char *)(uintptr_t)w->box.name.p);
                w->box.name = str_of(str_dup(box[i].name));
            }
            take_row(a, w, &box[i]);
        }
    }
    remove_unseen(a);
    for (size_t i = 0; i < count; i++)
        if (!account_find(a, box[i].id))
            add(a, &box[i]);
    log_renames(a, r, id, renamed);
    for (size_t i = 0; i < renamed; i++)
        free(r[i].old);
    free(r);
    free(id);
    a->loaded = true;
}
