#include "view/keywords.h"

#include "base/codec.h"

#include <stdlib.h>

static int by_name(const void *a, const void *b) {
    const struct str *x = a, *y = b;
    return str_icmp(*x, *y);
}

/* Sorts, and drops what is there twice. */
static size_t sort_unique(struct str *name, size_t count) {
    size_t n = 0;
    if (count > 1)
        qsort(name, count, sizeof *name, by_name);
    for (size_t i = 0; i < count; i++)
        if (n == 0 || !str_ieq(name[n - 1], name[i]))
            name[n++] = name[i];
    return n;
}

/* One allocation: the set, its names' views and its text. */
static struct keyword_set *make_set(uint32_t number, const struct str *name, size_t count) {
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += name[i].n + 1;
    struct keyword_set *s = mem_alloc(sizeof *s + count * sizeof *name + bytes + 1);
    char *text = (char *)(s->name + count), *at = text;
    for (size_t i = 0; i < count; i++) {
        if (i)
            *at++ = ' ';
        memcpy(at, name[i].p, name[i].n);
        s->name[i] = str_n(at, name[i].n);
        at += name[i].n;
    }
    s->number = number;
    s->count = (uint32_t)count;
    s->text = str_n(text, (size_t)(at - text));
    return s;
}

static uint32_t hash_of(const struct str *name, size_t count) {
    uint32_t h = 0;
    for (size_t i = 0; i < count; i++) {
        h = crc32c(h, name[i].p, name[i].n);
        h = crc32c(h, " ", 1);
    }
    return h;
}

static bool set_is(const struct keyword_set *s, const struct str *name, size_t count) {
    if (s->count != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!str_eq(s->name[i], name[i]))
            return false;
    return true;
}

/* The slot where the set is or belongs. */
static uint32_t *find_slot(const struct keywords *k, const struct str *name, size_t count) {
    uint32_t i = hash_of(name, count) & (k->slots - 1);
    while (k->slot[i] && !set_is(k->set[k->slot[i] - 1], name, count))
        i = (i + 1) & (k->slots - 1);
    return &k->slot[i];
}

static void grow_slots(struct keywords *k) {
    free(k->slot);
    k->slots = k->slots ? k->slots * 2 : 16;
    k->slot = mem_zero(k->slots * sizeof *k->slot);
    for (uint32_t i = 1; i < k->count; i++)
        *find_slot(k, k->set[i]->name, k->set[i]->count) = i + 1;
}

static struct keyword_set *append_set(struct keywords *k, const struct str *name, size_t count) {
    if (k->count == k->cap) {
        k->cap = k->cap ? k->cap * 2 : 4;
        k->set = mem_resize(k->set, k->cap * sizeof(struct keyword_set *));
    }
    k->set[k->count] = make_set(k->count, name, count);
    return k->set[k->count++];
}

void keywords_init(struct keywords *k) {
    *k = (struct keywords){0};
    append_set(k, NULL, 0);
}

void keywords_free(struct keywords *k) {
    for (uint32_t i = 0; i < k->count; i++)
        free(k->set[i]);
    free(k->set);
    free(k->slot);
    *k = (struct keywords){0};
}

const struct keyword_set *keywords_set(struct keywords *k, const struct str *name, size_t count) {
    if (count == 0 || k->count == KEYWORDS_MAX_SETS)
        return k->set[0];
    struct str few[16], *sorted = count <= 16 ? few : mem_alloc(count * sizeof *sorted);
    memcpy(sorted, name, count * sizeof *sorted);
    count = sort_unique(sorted, count);
    if (k->count * 2 >= k->slots)
        grow_slots(k);
    uint32_t *slot = find_slot(k, sorted, count);
    if (!*slot)
        *slot = append_set(k, sorted, count)->number + 1;
    if (sorted != few)
        free(sorted);
    return k->set[*slot - 1];
}

bool keyword_set_has(const struct keyword_set *s, struct str name) {
    for (uint32_t i = 0; i < s->count; i++)
        if (str_ieq(s->name[i], name))
            return true;
    return false;
}

size_t keywords_all(const struct keywords *k, struct arena *a, struct str **out) {
    size_t total = 0, n = 0;
    for (uint32_t i = 0; i < k->count; i++)
        total += k->set[i]->count;
    *out = arena_array(a, total ? total : 1, sizeof **out);
    for (uint32_t i = 0; i < k->count; i++)
        for (uint32_t j = 0; j < k->set[i]->count; j++)
            (*out)[n++] = k->set[i]->name[j];
    return sort_unique(*out, n);
}
