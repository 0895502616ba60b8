/*
 * tree: an account's mailboxes as a tree, and the patterns of LIST. Levels that exist only because something is below
 * them are nodes too.
 */
#ifndef IMAP_TREE_H
#define IMAP_TREE_H

#include "base/memory.h"
#include "store/store.h"

struct tree_node {
    struct str name;                 /* UTF-8 */
    const struct store_mailbox *box; /* NULL: a level that is no mailbox */
    bool children;
    bool subscribed_below, special_below;
};

struct tree {
    struct tree_node *node; /* sorted by name, bytewise */
    size_t count;
};

struct tree tree_build(struct arena *a, const struct store_mailbox *box, size_t count);
/* Whether the name fits: "*" stands for anything, "%" for anything within a level; INBOX in any case. Time and memory
 * are bounded by the product of the lengths. */
bool tree_match(struct str pattern, struct str name);

#endif
