/*
 * watch: what happens to an account's mailboxes, for sessions that want to hear of it without having them selected
 * (NOTIFY, RFC 5465; unsolicited METADATA, RFC 5464). One `account` of this process is shared by all its sessions: it
 * holds the last known row of each mailbox and a log of what happened since. The store says that something changed
 * (store_watch()); the first session that looks asks the store what, once for all of them, and each reads the log from
 * where it was.
 *
 * Accounts that no session watches cost nothing; a session that watches costs a struct watch_client and its place in
 * its account.
 *
 * Locks: `refresh` is held while the store is asked, `lock` only while memory is touched; the registry's lock comes
 * before an account's `lock`.
 */
#ifndef WATCH_WATCH_H
#define WATCH_WATCH_H

#include "base/memory.h"
#include "store/store.h"

struct watches;
struct watch_client;

/* wake: has the session `who` (watch_open()) look, from any thread. */
struct watches *watches_new(struct store *store, void (*wake)(void *context, uint64_t who), void *context);
void watches_free(struct watches *w); /* all clients are closed */
/* For store_watch(). */
void watches_changed(struct watches *w, int64_t account, int64_t mailbox);
void watches_annotated(struct watches *w, const struct store_annotated *what);

enum watch_wish {
    WATCH_MESSAGES = 1,   /* that come, go or change their flags */
    WATCH_LIST = 2,       /* mailboxes that are made, removed, renamed, subscribed */
    WATCH_ANNOTATIONS = 4 /* entries of METADATA */
};

/* Begins to watch the account from now on, for this one or another one who reads its mailboxes. NULL with *status: the
 * store is away. */
struct watch_client *watch_open(struct watches *w, int64_t account, int64_t reader, uint64_t who, unsigned wishes,
                                enum store_status *status, struct err *err);
void watch_close(struct watch_client *c); /* NULL is fine */
int64_t watch_account(const struct watch_client *c);
/* Messages of this mailbox (0: none) are of no interest: the session has it selected. */
void watch_selected(struct watch_client *c, int64_t mailbox);

enum { WATCH_ANY = -1 }; /* instead of a mailbox: annotations of any may have changed */
enum watch_kind { WATCH_CHANGED, WATCH_CREATED, WATCH_DELETED, WATCH_RENAMED, WATCH_SUBSCRIBED, WATCH_ANNOTATED };
enum watch_change { WATCH_NEW = 1, WATCH_EXPUNGED = 2, WATCH_FLAGS = 4 };
struct watch_event {
    enum watch_kind kind;
    unsigned change;          /* WATCH_CHANGED: what of the messages */
    struct store_mailbox box; /* WATCH_CHANGED: as it is; WATCH_ANNOTATED: the id, 0 for the server; else id, name and
                                 whether it was subscribed */
    struct str other;         /* WATCH_RENAMED: the old name; WATCH_ANNOTATED: the entry */
    uint64_t by;              /* WATCH_ANNOTATED: who did it */
};

/* Asks the store, where there is anything to ask for. */
enum store_status watch_refresh(struct watch_client *c, struct err *err);
/* What happened since the last call, in the arena: first what is in the log, in order, then mailboxes whose messages
 * changed. False: too much happened, and some of it is no longer known. */
bool watch_events(struct watch_client *c, struct arena *a, struct watch_event **out, size_t *count);
/* All mailboxes as they are known, by id, in the arena. */
size_t watch_mailboxes(struct watch_client *c, struct arena *a, struct store_mailbox **out);

#endif
