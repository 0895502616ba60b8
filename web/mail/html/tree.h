/*
 * tree: gumbo under a budget of memory and processor time, and a walk over its tree without recursion.
 */
#ifndef MAIL_HTML_TREE_H
#define MAIL_HTML_TREE_H

#include "base/memory.h"
#include "base/str.h"

#include <gumbo.h>

struct tree {
    struct arena memory;
    GumboOutput *output;
    size_t used; /* bytes */
    unsigned allocations;
    int64_t deadline; /* of the thread's processor time, microseconds */
    void *give_up;    /* jmp_buf */
    struct buf source;
};

/* Parses HTML_DOCTYPE and html. False: over budget. tree_free either way. */
bool tree_parse(struct tree *t, struct str html);
void tree_free(struct tree *t);

/* The walk: starts with the root; `descend` false passes over the children. NULL at the end. Calls leave(context, node)
 * for each element whose children are done (also when there are none or they were passed over). */
const GumboNode *tree_next(const GumboNode *root, const GumboNode *at, bool descend,
                           void (*leave)(void *context, const GumboNode *node), void *context);
bool tree_is_element(const GumboNode *node);

#endif
