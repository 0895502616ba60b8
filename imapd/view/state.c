#include "view/state.h"

#include <stdlib.h>

enum { FLAG_BITS = 8, MAX_PENDING = 4096, ROOM = 16 };

/* ---- lists of UIDs ---- */

static struct uid_list *uid_list_new(uint32_t cap, uint64_t generation) {
    struct uid_list *l = mem_alloc(sizeof *l + (size_t)cap * sizeof l->uid[0]);
    atomic_init(&l->refs, 1);
    l->cap = cap;
    l->generation = generation;
    return l;
}

const struct uid_list *uid_list_ref(const struct uid_list *l) {
    atomic_fetch_add(&((struct uid_list *)(uintptr_t)l)->refs, 1);
    return l;
}

void uid_list_unref(const struct uid_list *l) {
    struct uid_list *mine = (struct uid_list *)(uintptr_t)l;
    if (mine && atomic_fetch_sub(&mine->refs, 1) == 1)
        free(mine);
}

uint32_t uid_list_at(const struct uid_list *l, uint32_t from, uint32_t count, uint32_t uid) {
    if (from >= count || l->uid[from] >= uid)
        return from < count ? from : count;
    uint32_t low = from, step = 1; /* uid[low] is less; gallop on */
    while (count - low > step && l->uid[low + step] < uid) {
        low += step;
        step *= 2;
    }
    uint32_t high = count - low > step ? low + step : count;
    low++;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (l->uid[middle] < uid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- the arrays ---- */

void state_init(struct view *v) {
    v->list = uid_list_new(ROOM, 1);
    keywords_init(&v->keywords);
    v->recent_next = v->recent_saved = 1;
}

void state_free(struct view *v) {
    uid_list_unref(v->list);
    free(v->flags);
    free(v->size);
    free(v->modseq);
    free(v->date);
    keywords_free(&v->keywords);
}

static void reserve(struct view *v, size_t more) {
    size_t need = v->count + more;
    if (need > UINT32_MAX - ROOM)
        mem_panic();
    size_t room = v->count ? need + need / 4 + ROOM : need + ROOM;
    if (room > UINT32_MAX)
        room = UINT32_MAX;
    if (need > v->cap) {
        v->cap = (uint32_t)room;
        v->flags = mem_resize(v->flags, room * sizeof *v->flags);
        v->size = mem_resize(v->size, room * sizeof *v->size);
        v->modseq = mem_resize(v->modseq, room * sizeof *v->modseq);
        v->date = mem_resize(v->date, room * sizeof *v->date);
    }
    if (need > v->list->cap) {
        struct uid_list *l = uid_list_new((uint32_t)room, v->list->generation);
        memcpy(l->uid, v->list->uid, v->count * sizeof l->uid[0]);
        uid_list_unref(v->list);
        v->list = l;
    }
}

static uint32_t packed_flags(struct view *v, const struct store_message *m) {
    const struct keyword_set *set = keywords_set(&v->keywords, m->keyword, m->keyword_count);
    return (m->flags & ((1u << FLAG_BITS) - 1)) | set->number << FLAG_BITS;
}

static void append(struct view *v, const struct store_message *m) {
    uint32_t i = v->count++;
    v->list->uid[i] = m->uid;
    v->flags[i] = packed_flags(v, m);
    v->size[i] = m->size < UINT32_MAX ? (uint32_t)m->size : UINT32_MAX;
    v->modseq[i] = m->modseq;
    v->date[i] = m->internal_date;
}

static void add_pending(struct view_client *c, uint32_t uid) {
    if (c->many_pending)
        return;
    if (c->pending_count == MAX_PENDING) {
        c->many_pending = true;
        return;
    }
    if (c->pending_count == c->pending_cap) {
        c->pending_cap = c->pending_cap ? c->pending_cap * 2 : 4;
        c->pending = mem_resize(c->pending, c->pending_cap * sizeof *c->pending);
    }
    c->pending[c->pending_count++] = uid;
}

void state_messages(struct view *v, const struct store_message *m, size_t count, const struct view_client *except) {
    uint32_t index = 0, last = v->count ? v->list->uid[v->count - 1] : 0;
    size_t added = 0;
    while (added < count && m[count - 1 - added].uid > last)
        added++;
    reserve(v, added);
    for (size_t i = 0; i < count; i++) {
        if (v->count == 0 || m[i].uid > v->list->uid[v->count - 1]) {
            append(v, &m[i]);
            continue;
        }
        index = uid_list_at(v->list, index, v->count, m[i].uid);
        if (index == v->count || v->list->uid[index] != m[i].uid || m[i].modseq <= v->modseq[index])
            continue; /* expunged meanwhile, or known */
        uint32_t flags = packed_flags(v, &m[i]), owners = flags ^ v->flags[index];
        v->flags[index] = flags;
        v->modseq[index] = m[i].modseq;
        for (struct view_client *c = v->clients; c; c = c->next)
            if (c != except && !(c->overlay && owners == STORE_SEEN)) /* which the owner has seen is not for readers */
                add_pending(c, m[i].uid);
    }
}

/* ---- readers ---- */

struct overlay *state_overlay(const struct view *v, int64_t reader) {
    struct overlay *o = v->overlays;
    while (o && o->reader != reader)
        o = o->next;
    return o;
}

void state_seen(struct view *v, struct overlay *o, const struct store_seen *seen, size_t count,
                const struct view_client *except) {
    for (size_t i = 0; o && i < count; i++) {
        if (!seen[i].modseq || !overlay_put(o, &seen[i]))
            continue;
        for (struct view_client *c = v->clients; c; c = c->next)
            if (c != except && c->overlay == o)
                add_pending(c, seen[i].uid);
    }
}

uint32_t state_flags_for(const struct view *v, const struct view_client *c, uint32_t index, uint64_t *modseq) {
    uint32_t flags = v->flags[index] & ((1u << FLAG_BITS) - 1);
    *modseq = v->modseq[index];
    if (c->overlay)
        overlay_apply(c->overlay, v->list->uid[index], &flags, modseq);
    return flags;
}

static void move_messages(struct view *v, struct uid_list *to, uint32_t at, uint32_t from, uint32_t n) {
    memcpy(to->uid + at, v->list->uid + from, n * sizeof to->uid[0]);
    memmove(v->flags + at, v->flags + from, n * sizeof *v->flags);
    memmove(v->size + at, v->size + from, n * sizeof *v->size);
    memmove(v->modseq + at, v->modseq + from, n * sizeof *v->modseq);
    memmove(v->date + at, v->date + from, n * sizeof *v->date);
}

void state_expunge(struct view *v, const uint32_t *uid, size_t count) {
    struct uid_list *l = NULL;
    uint32_t kept = 0, from = 0; /* [0, kept) is in place, from `from` on it is still to be moved */
    for (size_t i = 0; i < count; i++) {
        uint32_t at = uid_list_at(v->list, from, v->count, uid[i]);
        if (at == v->count)
            break;
        if (v->list->uid[at] != uid[i])
            continue;
        if (!l)
            l = uid_list_new(v->list->cap, v->list->generation + 1);
        move_messages(v, l, kept, from, at - from);
        kept += at - from;
        from = at + 1;
    }
    if (!l)
        return;
    move_messages(v, l, kept, from, v->count - from);
    v->count = kept + v->count - from;
    uid_list_unref(v->list);
    v->list = l;
}

void state_replace(struct view *v, struct arena *a, const struct store_message *m, size_t count) {
    uint32_t *missing = arena_array(a, v->count ? v->count : 1, sizeof *missing), n = 0;
    size_t j = 0;
    for (uint32_t i = 0; i < v->count; i++) {
        while (j < count && m[j].uid < v->list->uid[i])
            j++;
        if (j == count || m[j].uid != v->list->uid[i])
            missing[n++] = v->list->uid[i];
    }
    state_expunge(v, missing, n);
    state_messages(v, m, count, NULL);
}

/* ---- looking up ---- */

struct view_cursor state_cursor(const struct view *v, const struct view_client *c) {
    return (struct view_cursor){v, c, c->list->generation == v->list->generation, 0};
}

bool state_find(struct view_cursor *at, uint32_t seq, uint32_t *index) {
    if (at->same) {
        *index = seq - 1;
        return true;
    }
    uint32_t uid = at->c->list->uid[seq - 1];
    at->index = *index = uid_list_at(at->v->list, at->index, at->v->count, uid);
    return *index < at->v->count && at->v->list->uid[*index] == uid;
}

void view_read(struct view_client *c, uint32_t seq, uint32_t n, struct view_message *out) {
    struct view *v = c->view;
    pthread_mutex_lock(&v->lock);
    struct view_cursor at = state_cursor(v, c);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t index;
        out[i] = (struct view_message){.uid = c->list->uid[seq - 1 + i], .gone = true};
        if (!state_find(&at, seq + i, &index))
            continue;
        out[i].gone = false;
        out[i].flags = state_flags_for(v, c, index, &out[i].modseq);
        out[i].keywords = v->keywords.set[v->flags[index] >> FLAG_BITS];
        out[i].size = v->size[index];
        out[i].internal_date = v->date[index];
    }
    pthread_mutex_unlock(&v->lock);
}

uint32_t view_first_without(struct view_client *c, uint32_t seq, uint32_t flags) {
    struct view *v = c->view;
    uint32_t found = 0;
    pthread_mutex_lock(&v->lock);
    struct view_cursor at = state_cursor(v, c);
    for (; seq <= c->count && !found; seq++) {
        uint32_t index;
        uint64_t modseq;
        if (state_find(&at, seq, &index) && (state_flags_for(v, c, index, &modseq) & flags) != flags)
            found = seq;
    }
    pthread_mutex_unlock(&v->lock);
    return found;
}

size_t view_with_flags(struct view_client *c, struct arena *a, uint32_t flags, struct uid_range **out) {
    struct view *v = c->view;
    struct uid_range *range = NULL;
    size_t n = 0, cap = 0;
    bool before = false; /* the message before has them too: one range */
    pthread_mutex_lock(&v->lock);
    for (uint32_t i = 0; i < v->count; i++) {
        uint64_t modseq;
        bool has = (state_flags_for(v, c, i, &modseq) & flags) == flags;
        if (has && before) {
            range[n - 1].last = v->list->uid[i];
        } else if (has) {
            if (n == cap) {
                cap = cap ? cap * 2 : 16;
                struct uid_range *more = arena_array(a, cap, sizeof *more);
                if (n)
                    memcpy(more, range, n * sizeof *more);
                range = more;
            }
            range[n++] = (struct uid_range){v->list->uid[i], v->list->uid[i]};
        }
        before = has;
    }
    pthread_mutex_unlock(&v->lock);
    *out = range;
    return n;
}

size_t view_keywords(struct view_client *c, struct arena *a, struct str **out) {
    pthread_mutex_lock(&c->view->lock);
    size_t n = keywords_all(&c->view->keywords, a, out);
    pthread_mutex_unlock(&c->view->lock);
    return n;
}

uint32_t view_keyword_sets(struct view_client *c) {
    pthread_mutex_lock(&c->view->lock);
    uint32_t n = c->view->keywords.count;
    pthread_mutex_unlock(&c->view->lock);
    return n;
}
