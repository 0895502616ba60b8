/* account: what is known of one account's mailboxes, and what happened to them. Internal to imapd/watch; everything
 * here is called with the account's lock held. */
#ifndef WATCH_ACCOUNT_H
#define WATCH_ACCOUNT_H

#include "watch/watch.h"

#include <pthread.h>

enum {
    ACCOUNT_LOG = 1000, /* events that are remembered */
    ACCOUNT_DIRTY = 16, /* mailboxes that are looked at one by one; of more the whole list is read */
};

/* A mailbox; the times are numbers of events (account.at). */
struct watched {
    struct store_mailbox box; /* its strings are owned */
    uint64_t new_at, expunged_at, flags_at;
    bool seen; /* while the list is compared */
};

struct logged {
    uint64_t at;
    enum watch_kind kind;
    int64_t mailbox, reader;
    bool subscribed;
    char *name, *other;
    uint64_t by;
};

struct account {
    struct account *next; /* in the registry's slot, with its lock */
    uint32_t refs;
    int64_t id;
    pthread_mutex_t refresh; /* before lock */
    pthread_mutex_t lock;    /* all below */
    struct watch_client *clients;
    bool loaded;
    struct watched *box; /* by id */
    size_t count, room;
    int64_t dirty[ACCOUNT_DIRTY];
    size_t dirty_count;
    bool list_dirty;
    bool asking;        /* somebody has taken the marks and is not back yet: wait for him (refresh) */
    uint64_t at;        /* of the last event */
    struct logged *log; /* a ring, made when first needed */
    uint64_t logged;    /* entries ever written: entry n is at n % ACCOUNT_LOG */
};

void account_free(struct account *a);
struct watched *account_find(struct account *a, int64_t mailbox);
void account_mark(struct account *a, int64_t mailbox); /* 0: the list */
/* Takes over one mailbox's row as it is now; false: it is not known yet. */
bool account_take(struct account *a, const struct store_mailbox *box);
/* Makes the list the whole of what there is. */
void account_take_list(struct account *a, const struct store_mailbox *box, size_t count);
void account_log_annotated(struct account *a, const struct store_annotated *what);
/* The entry that was the n-th; NULL: it is no longer there. */
const struct logged *account_logged(const struct account *a, uint64_t n);

#endif
