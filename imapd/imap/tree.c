#include "imap/tree.h"

#include <stdlib.h>

static int by_name(const void *a, const void *b) {
    return str_cmp(((const struct tree_node *)a)->name, ((const struct tree_node *)b)->name);
}

static struct tree_node *find(const struct tree *t, struct str name) {
    struct tree_node key = {.name = name};
    return t->count ? bsearch(&key, t->node, t->count, sizeof key, by_name) : NULL;
}

static size_t levels(struct str name) {
    size_t n = 1;
    for (size_t i = 0; i < name.n; i++)
        n += name.p[i] == '/';
    return n;
}

/* Calls for each ancestor that is a node. */
static void mark_ancestors(struct tree *t, const struct tree_node *of) {
    for (size_t i = of->name.n; i-- > 1;) {
        if (of->name.p[i] != '/')
            continue;
        struct tree_node *up = find(t, str_sub(of->name, 0, i));
        if (!up)
            continue;
        up->children = true;
        up->subscribed_below = up->subscribed_below || (of->box && of->box->subscribed);
        up->special_below = up->special_below || (of->box && of->box->special_use.p);
    }
}

struct tree tree_build(struct arena *a, const struct store_mailbox *box, size_t count) {
    size_t most = 0, boxes;
    for (size_t i = 0; i < count; i++)
        most += levels(box[i].name);
    struct tree t = {arena_array(a, most ? most : 1, sizeof *t.node), 0};
    for (size_t i = 0; i < count; i++)
        t.node[t.count++] = (struct tree_node){.name = box[i].name, .box = &box[i]};
    qsort(t.node, t.count, sizeof *t.node, by_name);
    boxes = t.count;
    size_t all = boxes; /* behind the sorted ones: missing ancestors, some of them more than once */
    for (size_t i = 0; i < boxes; i++) {
        struct str name = t.node[i].name;
        for (size_t j = 1; j < name.n; j++)
            if (name.p[j] == '/' && !find(&t, str_sub(name, 0, j)))
                t.node[all++] = (struct tree_node){.name = str_sub(name, 0, j)};
    }
    if (all > boxes) {
        qsort(t.node, all, sizeof *t.node, by_name);
        t.count = 0;
        for (size_t i = 0; i < all; i++)
            if (t.count == 0 || !str_eq(t.node[t.count - 1].name, t.node[i].name))
                t.node[t.count++] = t.node[i];
    }
    for (size_t i = 0; i < t.count; i++)
        mark_ancestors(&t, &t.node[i]);
    return t;
}

/* reach[i]: the pattern so far can end before byte i of the name. */
static void match_wildcard(bool *reach, struct str name, bool through_levels) {
    for (size_t i = 1; i <= name.n; i++)
        if (reach[i - 1] && (through_levels || name.p[i - 1] != '/'))
            reach[i] = true;
}

static void match_byte(bool *reach, struct str name, char c, size_t inbox) {
    for (size_t i = name.n; i > 0; i--) {
        bool same = name.p[i - 1] == c || (i <= inbox && ascii_upper(c) == name.p[i - 1]);
        reach[i] = reach[i - 1] && same;
    }
    reach[0] = false;
}

bool tree_match(struct str pattern, struct str name) {
    enum { STACK = 1024 };
    bool few[STACK], *reach = name.n < STACK ? few : mem_alloc(name.n + 1);
    size_t inbox = str_eq(name, STR("INBOX")) || str_starts(name, STR("INBOX/")) ? 5 : 0;
    memset(reach, 0, name.n + 1);
    reach[0] = true;
    for (size_t i = 0; i < pattern.n; i++) {
        char c = pattern.p[i];
        if (c == '*' || c == '%')
            match_wildcard(reach, name, c == '*');
        else
            match_byte(reach, name, c, inbox);
    }
    bool fits = reach[name.n];
    if (reach != few)
        free(reach);
    return fits;
}
