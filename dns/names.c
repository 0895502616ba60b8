#include "names.h"

#include "base/memory.h"

#include <stdlib.h>

void names_free(struct names *n) {
    for (size_t i = 0; i < n->count; i++)
        free(n->name[i]);
    free(n->name);
    *n = (struct names){NULL, 0, 0};
}

static bool find(const struct names *n, struct str name, size_t *at) {
    size_t low = 0, high = n->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_cmp(str_of(n->name[middle]), name);
        if (order == 0) {
            *at = middle;
            return true;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

bool names_has(const struct names *n, struct str name) {
    size_t at;
    return find(n, name, &at);
}

static int by_name(const void *a, const void *b) {
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

bool names_add(struct names *n, const struct str *name, size_t count) {
    size_t before = n->count, kept = 0;
    struct names old = *n; /* the sorted part, in which to look */
    for (size_t i = 0; i < count; i++) {
        if (names_has(&old, name[i]))
            continue;
        if (n->count == n->room) {
            n->room = n->room ? 2 * n->room : 64;
            n->name = mem_resize(n->name, n->room * sizeof *n->name);
            old.name = n->name;
        }
        n->name[n->count++] = str_dup(name[i]);
    }
    if (n->count == before)
        return false;
    qsort(n->name, n->count, sizeof *n->name, by_name);
    for (size_t i = 0; i < n->count; i++) { /* the same name twice among the new ones */
        if (kept && strcmp(n->name[kept - 1], n->name[i]) == 0)
            free(n->name[i]);
        else
            n->name[kept++] = n->name[i];
    }
    n->count = kept;
    return true;
}

bool names_remove(struct names *n, struct str name) {
    size_t at;
    if (!find(n, name, &at))
        return false;
    free(n->name[at]);
    memmove(n->name + at, n->name + at + 1, (n->count - at - 1) * sizeof *n->name);
    n->count--;
    return true;
}
