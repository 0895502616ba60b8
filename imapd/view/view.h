/*
 * view: the state of a mailbox (UIDs, flags, sizes, dates) in memory, one for all sessions of this process that have
 * the mailbox open, following the store by modseq. What a million messages need is a few flat arrays; nothing is
 * allocated for a message.
 *
 * A session sees the mailbox through its `struct view_client`: the sequence numbers that it was told of (an immutable
 * list of UIDs, shared with others that know the same) and what has changed since. view_changes() gives the changes to
 * announce; between two calls sequence numbers stay as they are, whatever others do.
 *
 * A view that nobody uses is kept for a while (bounded), so that the next SELECT finds it warm.
 *
 * Locks: `refresh` is held while the store is asked, `lock` only while memory is touched; a client's own fields belong
 * to its session's thread, except those marked.
 */
#ifndef VIEW_VIEW_H
#define VIEW_VIEW_H

#include "base/memory.h"
#include "store/store.h"
#include "view/keywords.h"

struct views;
struct view;
struct uid_list;

struct views_options {
    struct store *store;
    /* Wakes the session `who` (view_open) while it waits for changes (view_wait). From any thread. */
    void (*wake)(void *context, uint64_t who);
    void *context;
    size_t idle_messages; /* in all views that nobody uses; more are forgotten, the longest unused first */
};
struct views *views_new(const struct views_options *o);
void views_free(struct views *v); /* all clients are closed */
/* For store_watch(); `by` in a flag change is the client that asked for it, or NULL. */
void views_changed(void *views, int64_t account, int64_t mailbox, uint64_t modseq, bool own);
void views_flags(void *views, int64_t account, int64_t mailbox, uint64_t modseq,
                 const struct store_flag_change *change);

struct view_client {
    struct view *view;
    uint64_t who;
    bool read_only;
    struct overlay *overlay;     /* of one who reads in another's mailbox; NULL: the owner */
    const struct uid_list *list; /* its first `count` UIDs are those that this client knows of */
    uint32_t count;
    struct uid_range *recent; /* what is \Recent here, ascending */
    uint32_t recent_ranges;
    /* with the view's lock held: */
    struct view_client *next, **before;
    bool waits;
    bool many_pending; /* more than the list below holds: look at every message */
    uint32_t *pending; /* UIDs whose flags changed and that were not announced */
    uint32_t pending_count, pending_cap;
    uint64_t announced; /* changes of flags up to this modseq are announced or pending */
};

/* Opens the mailbox for a session. *m is as just read from the store: the view is at least as new. Where m->reader is
 * set, flags and mod-sequences are that reader's (view/overlay.h), and nothing is \Recent. NULL, and *status says why.
 * view_close() gives the client back; NULL is fine. */
struct view_client *view_open(struct views *v, const struct store_mailbox *m, uint64_t who, bool read_only,
                              enum store_status *status, struct err *err);
void view_close(struct view_client *c);

/* Brings the view up to what it was told of by views_changed(); asks the store itself when the last look is older than
 * max_age_ms (0: always; -1: never). */
enum store_status view_refresh(struct view_client *c, int max_age_ms, struct err *err);
/* From now on wake is called for changes (or no longer). */
void view_wait(struct view_client *c, bool waits);

/* ---- the messages as this client knows them; sequence numbers from 1 ---- */

uint32_t view_uid(const struct view_client *c, uint32_t seq); /* 1 <= seq <= count */
/* The sequence number of the first message with a UID not less than uid; count + 1 where there is none. */
uint32_t view_seq_at(const struct view_client *c, uint32_t uid);
bool view_is_recent(const struct view_client *c, uint32_t uid);
uint32_t view_recent_count(const struct view_client *c);

struct view_message {
    uint32_t uid, flags;
    const struct keyword_set *keywords; /* lives as long as the client */
    uint64_t modseq;
    uint32_t size;         /* RFC822.SIZE */
    int64_t internal_date; /* microseconds */
    bool gone;             /* expunged, not announced yet: only uid is set */
};
/* The n messages from seq on. */
void view_read(struct view_client *c, uint32_t seq, uint32_t n, struct view_message *out);
/* The first message from seq on that lacks the flags and is there; 0 for none. */
uint32_t view_first_without(struct view_client *c, uint32_t seq, uint32_t flags);
/* UID ranges of all messages of the view that have the flags, ascending, in the arena. */
size_t view_with_flags(struct view_client *c, struct arena *a, uint32_t flags, struct uid_range **out);
/* All keywords of the mailbox, in the arena. */
size_t view_keywords(struct view_client *c, struct arena *a, struct str **out);
uint32_t view_keyword_sets(struct view_client *c); /* grows when there may be more keywords */
uint64_t view_modseq(struct view_client *c);       /* everything up to here is in the view */

/* ---- changes ---- */

struct view_changes {
    uint32_t *expunged;     /* sequence numbers, each as it is when those before it are gone */
    uint32_t *expunged_uid; /* the same messages' UIDs */
    uint32_t expunged_count;
    bool grown;        /* there are more messages: c->count is the new number */
    uint32_t *changed; /* sequence numbers (after the above) of messages whose flags changed, ascending */
    uint32_t changed_count;
};
/* Whether a message that the client knows of was expunged, and the client was not told. */
bool view_renumbered(struct view_client *c);
/* Moves the client on to the view's present state and says what its program must be told. With expunges false (RFC 3501
 * 7.4.1: during FETCH, STORE and SEARCH) no sequence number changes. */
void view_changes(struct view_client *c, struct arena *a, bool expunges, struct view_changes *out);

/* What the client's session itself did, as the store answered: others are told, the client is not. (Flags come by
 * views_flags().) */
void view_expunged(struct view_client *c, const uint32_t *uid, size_t count, uint64_t modseq);

#endif
