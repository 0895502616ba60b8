/* What a client has to be told. */
#include "view/state.h"

#include <stdlib.h>

/* A new range at the end of what is \Recent to the client. */
static void add_recent(struct view_client *c, uint32_t first, uint32_t last) {
    if (c->recent_ranges && c->recent[c->recent_ranges - 1].last == first - 1) {
        c->recent[c->recent_ranges - 1].last = last;
        return;
    }
    if ((c->recent_ranges & (c->recent_ranges - 1)) == 0) /* room for the next power of two */
        c->recent = mem_resize(c->recent, (c->recent_ranges ? c->recent_ranges * 2 : 1) * sizeof *c->recent);
    c->recent[c->recent_ranges++] = (struct uid_range){first, last};
}

void changes_take_recent(struct view_client *c, uint32_t from_uid) {
    struct view *v = c->view;
    if (c->overlay) /* it is for the owner's sessions */
        return;
    uint64_t first = from_uid > v->recent_next ? from_uid : v->recent_next;
    uint32_t last = v->count ? v->list->uid[v->count - 1] : 0;
    if (first > last)
        return;
    add_recent(c, (uint32_t)first, last);
    if (!c->read_only)
        v->recent_next = (uint64_t)last + 1;
}

bool view_is_recent(const struct view_client *c, uint32_t uid) {
    for (uint32_t i = c->recent_ranges; i > 0; i--)
        if (c->recent[i - 1].first <= uid)
            return uid <= c->recent[i - 1].last;
    return false;
}

uint32_t view_recent_count(const struct view_client *c) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->recent_ranges; i++) {
        uint32_t from = view_seq_at(c, c->recent[i].first);
        uint32_t behind = c->recent[i].last == UINT32_MAX ? c->count + 1 : view_seq_at(c, c->recent[i].last + 1);
        n += behind - from;
    }
    return n;
}

/* The length of what is the same in both, looked at in large steps. */
static uint32_t same_length(const uint32_t *a, uint32_t na, const uint32_t *b, uint32_t nb) {
    enum { STEP = 1024 };
    uint32_t n = na < nb ? na : nb, i = 0;
    while (n - i >= STEP && memcmp(a + i, b + i, STEP * sizeof *a) == 0)
        i += STEP;
    while (i < n && a[i] == b[i])
        i++;
    return i;
}

/* The messages that the client knows and the view no longer has. */
static void find_expunged(const struct view_client *c, struct arena *a, struct view_changes *out) {
    const struct view *v = c->view;
    const uint32_t *old = c->list->uid, *now = v->list->uid;
    uint32_t i = 0, j = 0, cap = 0;
    while (i < c->count) {
        uint32_t same = same_length(old + i, c->count - i, now + j, v->count - j);
        i += same;
        j += same;
        if (i == c->count)
            break;
        if (out->expunged_count == cap) {
            uint32_t before = cap;
            cap = cap ? cap * 2 : 16;
            uint32_t *seq = arena_array(a, cap, sizeof *seq), *uid = arena_array(a, cap, sizeof *uid);
            if (before) {
                memcpy(seq, out->expunged, before * sizeof *seq);
                memcpy(uid, out->expunged_uid, before * sizeof *uid);
            }
            out->expunged = seq;
            out->expunged_uid = uid;
        }
        out->expunged[out->expunged_count] = i + 1 - out->expunged_count;
        out->expunged_uid[out->expunged_count++] = old[i++];
    }
}

static int by_number(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* From the list of pending UIDs; those over last_known are new to the client anyway. */
static void find_changed(struct view_client *c, struct arena *a, uint32_t last_known, struct view_changes *out) {
    qsort(c->pending, c->pending_count, sizeof *c->pending, by_number);
    out->changed = arena_array(a, c->pending_count, sizeof *out->changed);
    uint32_t before = 0, index = 0;
    for (uint32_t i = 0; i < c->pending_count; i++) {
        uint32_t uid = c->pending[i];
        if (uid == before || uid > last_known)
            continue;
        before = uid;
        index = uid_list_at(c->list, index, c->count, uid);
        if (index < c->count && c->list->uid[index] == uid)
            out->changed[out->changed_count++] = index + 1;
    }
}

/* By looking at every message. */
static void find_many_changed(struct view_client *c, struct arena *a, uint32_t last_known, struct view_changes *out) {
    struct view *v = c->view;
    struct view_cursor at = state_cursor(v, c);
    out->changed = arena_array(a, c->count ? c->count : 1, sizeof *out->changed);
    for (uint32_t seq = 1; seq <= c->count && c->list->uid[seq - 1] <= last_known; seq++) {
        uint32_t index;
        uint64_t modseq = 0;
        if (!state_find(&at, seq, &index))
            continue;
        state_flags_for(v, c, index, &modseq);
        if (modseq > c->announced)
            out->changed[out->changed_count++] = seq;
    }
}

static void move_to_present(struct view_client *c, struct view_changes *out) {
    struct view *v = c->view;
    uint32_t known = c->count - out->expunged_count;
    if (c->list != v->list) {
        uid_list_unref(c->list);
        c->list = uid_list_ref(v->list);
    }
    c->count = v->count;
    out->grown = c->count > known;
    if (out->grown)
        changes_take_recent(c, v->list->uid[known]);
}

bool view_renumbered(struct view_client *c) {
    struct view *v = c->view;
    pthread_mutex_lock(&v->lock);
    bool differs = c->list->generation != v->list->generation;
    pthread_mutex_unlock(&v->lock);
    return differs;
}

void view_changes(struct view_client *c, struct arena *a, bool expunges, struct view_changes *out) {
    struct view *v = c->view;
    *out = (struct view_changes){0};
    pthread_mutex_lock(&v->lock);
    bool same = c->list->generation == v->list->generation;
    uint32_t last_known = c->count ? c->list->uid[c->count - 1] : 0;
    if (!same && expunges)
        find_expunged(c, a, out);
    if ((same && c->count < v->count) || (!same && expunges))
        move_to_present(c, out);
    if (c->many_pending)
        find_many_changed(c, a, last_known, out);
    else if (c->pending_count)
        find_changed(c, a, last_known, out);
    free(c->pending);
    c->pending = NULL;
    c->pending_count = c->pending_cap = 0;
    c->many_pending = false;
    c->announced = atomic_load(&v->synced);
    pthread_mutex_unlock(&v->lock);
}

/* ---- the session's own acts ---- */

void state_flags(struct view *v, uint64_t modseq, const struct store_flag_change *change) {
    const struct view_client *by = change->by;
    pthread_mutex_lock(&v->lock);
    /* Where others changed something between what the view has and this, the store's answer may hold their changes too:
     * then the client hears of it like everybody, and what is missing is asked for. */
    bool next = modseq == atomic_load(&v->synced) + 1;
    uint32_t last = v->loaded && v->count ? v->list->uid[v->count - 1] : 0;
    size_t count = change->count;
    while (count && change->message[count - 1].uid > last) /* not heard of yet: asked for with all that belongs to it */
        count--;
    state_messages(v, change->message, count, next ? by : NULL);
    if (change->reader)
        state_seen(v, state_overlay(v, change->reader), change->seen, change->count, next ? by : NULL);
    if (next)
        atomic_store(&v->synced, modseq);
    if (modseq > atomic_load(&v->wanted))
        atomic_store(&v->wanted, modseq);
    state_wake(v, by);
    pthread_mutex_unlock(&v->lock);
}

void view_expunged(struct view_client *c, const uint32_t *uid, size_t count, uint64_t modseq) {
    struct view *v = c->view;
    pthread_mutex_lock(&v->lock);
    state_expunge(v, uid, count);
    if (modseq == atomic_load(&v->synced) + 1)
        atomic_store(&v->synced, modseq);
    state_wake(v, c);
    pthread_mutex_unlock(&v->lock);
}
