/*
 * removed: looking at what was removed and bringing it back (sql/0019_retention.sql). For the command line and the web
 * application, which have a connection with a transaction of their own; row security's rules hold: an actor sees the
 * removed mail of the accounts that it sees. Nothing of a message's body is shown, only who sent it, its subject, date
 * and size.
 */
#ifndef STORE_REMOVED_H
#define STORE_REMOVED_H

#include "store/store.h"

struct db_conn;

struct removed_filter {
    struct str folder; /* p NULL: any */
    struct str search; /* in subject and addresses, whatever the case; p NULL: any */
    int64_t since;     /* removed then or later; 0: any */
    size_t most;
};

struct removed_message {
    struct str key; /* names it to removed_bring_back() */
    struct str folder, from, subject;
    int64_t removed_at, keep_until, internal_date;
    uint64_t size;
    bool seen;
};

/* The newest first. False with err. */
bool removed_list(struct db_conn *c, struct arena *a, int64_t account, const struct removed_filter *filter,
                  struct removed_message **out, size_t *count, struct err *err);
/* Puts them back into the folders they were in (or into `folder`, p NULL: none), with flags and dates and new UIDs, in
 * the caller's transaction. Those that are not there any more are passed over. The number brought back; 0 with a
 * sentence in err where it is refused (or the sentence empty: none was there); -1 where the database failed. */
int64_t removed_bring_back(struct db_conn *c, int64_t account, const struct str *key, size_t count, struct str folder,
                           struct err *err);

#endif
