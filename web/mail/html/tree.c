#include "mail/html/tree.h"

#include "mail/html/html.h"

#include <setjmp.h>
#include <time.h>

static int64_t cpu_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* gumbo knows no failure of memory and no bound on its work (misnested formatting elements can multiply, and each tag
 * looks through all the open ones), but it takes all its memory here and keeps nothing outside of it: leaving it by
 * longjmp and dropping the arena is safe. */
static void *take(void *userdata, size_t n) {
    struct tree *t = userdata;
    t->used += n;
    bool late = ++t->allocations % 1024 == 0 && cpu_now() > t->deadline;
    if (t->used > HTML_MAX_PARSE_MEMORY || late)
        longjmp(*(jmp_buf *)t->give_up, 1);
    return arena_alloc(&t->memory, n);
}

static void give(void *userdata, void *p) {
    (void)userdata;
    (void)p;
}

/* What the parser reads is valid UTF-8 without NUL, so that its text nodes (C strings) are whole and ours to write out.
 */
static void add_valid(struct buf *out, struct str s) {
    if (str_chr(s, 0) < 0 && str_is_utf8(s)) {
        buf_add_str(out, s);
        return;
    }
    for (size_t i = 0; i < s.n;) {
        size_t n = 1;
        while (n <= 4 && i + n <= s.n && !str_is_utf8(str_sub(s, i, n)))
            n++;
        bool good = n <= 4 && i + n <= s.n && s.p[i] != 0;
        if (good)
            buf_add_str(out, str_sub(s, i, n));
        else
            buf_add_c(out, "\xef\xbf\xbd");
        i += good ? n : 1;
    }
}

bool tree_parse(struct tree *t, struct str html) {
    *t = (struct tree){.memory = ARENA_EMPTY, .source = BUF_EMPTY};
    jmp_buf give_up;
    t->give_up = &give_up;
    t->deadline = cpu_now() + HTML_MAX_PARSE_MS * 1000;
    buf_add_c(&t->source, HTML_DOCTYPE);
    add_valid(&t->source, html);
    if (setjmp(give_up))
        return false;
    GumboOptions options = kGumboDefaultOptions;
    options.allocator = take;
    options.deallocator = give;
    options.userdata = t;
    options.max_errors = 0;
    t->output = gumbo_parse_with_options(&options, t->source.p, t->source.n);
    t->give_up = NULL;
    return t->output != NULL;
}

void tree_free(struct tree *t) {
    arena_free(&t->memory);
    buf_free(&t->source);
    t->output = NULL;
}

bool tree_is_element(const GumboNode *node) {
    return node->type == GUMBO_NODE_ELEMENT || node->type == GUMBO_NODE_TEMPLATE;
}

static const GumboVector *children(const GumboNode *node) {
    if (node->type == GUMBO_NODE_DOCUMENT)
        return &node->v.document.children;
    return tree_is_element(node) ? &node->v.element.children : NULL;
}

/* gumbo keeps a child's place, but not through each of its foster parentings; so it is checked. */
static size_t position(const GumboVector *siblings, const GumboNode *child) {
    if (child->index_within_parent < siblings->length && siblings->data[child->index_within_parent] == child)
        return child->index_within_parent;
    for (size_t i = 0; i < siblings->length; i++)
        if (siblings->data[i] == child)
            return i;
    return siblings->length;
}

const GumboNode *tree_next(const GumboNode *root, const GumboNode *at, bool descend,
                           void (*leave)(void *context, const GumboNode *node), void *context) {
    const GumboVector *inner = children(at);
    if (descend && inner && inner->length)
        return inner->data[0];
    for (;;) {
        if (tree_is_element(at) && leave)
            leave(context, at);
        if (at == root)
            return NULL;
        const GumboNode *parent = at->parent;
        const GumboVector *siblings = children(parent);
        size_t next = position(siblings, at) + 1;
        if (next < siblings->length)
            return siblings->data[next];
        at = parent;
    }
}
