/*
 * state: a view's arrays and what changes them. Internal to imapd/view; everything here is called with the view's lock
 * held, except for the functions on uid_list, which is immutable as far as anybody's count reaches.
 */
#ifndef VIEW_STATE_H
#define VIEW_STATE_H

#include "view/overlay.h"
#include "view/view.h"

#include <pthread.h>
#include <stdatomic.h>

/* UIDs ascending. Grows at its end in place while there is room (nobody looks behind the count that he knows); a
 * removal makes a new list with the next generation. */
struct uid_list {
    atomic_uint refs;
    uint32_t cap;
    uint64_t generation;
    uint32_t uid[];
};
const struct uid_list *uid_list_ref(const struct uid_list *l);
void uid_list_unref(const struct uid_list *l);
/* The index of the first UID not less than uid in [from, count), else count; quick when it is near from. */
uint32_t uid_list_at(const struct uid_list *l, uint32_t from, uint32_t count, uint32_t uid);

struct view {
    /* with the registry's lock: */
    struct views *views;
    struct view *next_in_slot, *newer, *older; /* of those that nobody uses */
    uint32_t refs;
    int64_t account, mailbox;

    pthread_mutex_t refresh; /* while the store is asked; before lock */
    pthread_mutex_t lock;    /* all below but the atomics */
    _Atomic uint64_t wanted; /* there are changes up to this modseq */
    _Atomic uint64_t synced; /* those up to this are in the arrays */
    _Atomic int64_t looked;  /* clock_monotonic() of the last look at the store */
    atomic_bool missed;      /* notifications may have been lost */
    atomic_bool gone;        /* the mailbox was deleted */
    bool loaded;

    struct uid_list *list;
    uint32_t count, cap;
    uint32_t *flags; /* enum store_flag in the low byte, above it the number of the keyword set */
    uint32_t *size;
    uint64_t *modseq;
    int64_t *date;
    struct keywords keywords;
    uint64_t recent_next;  /* UIDs from here on are nobody's \Recent yet in this process */
    uint64_t recent_saved; /* the same in the store */
    struct view_client *clients;
    struct overlay *overlays; /* of the readers among them; added with the refresh lock, too */
};

void state_init(struct view *v);
void state_free(struct view *v);
/* Takes over messages, ascending, as the store gave them: new ones are added, those with a newer modseq changed;
 * clients other than `except` will hear of it. */
void state_messages(struct view *v, const struct store_message *m, size_t count, const struct view_client *except);
/* Removes the messages with these UIDs, ascending; others are passed over. */
void state_expunge(struct view *v, const uint32_t *uid, size_t count);
/* Makes the messages the whole of the mailbox. */
void state_replace(struct view *v, struct arena *a, const struct store_message *m, size_t count);
/* What flags of messages are now (nothing else of them is set), by a change with this modseq. Takes the lock. */
void state_flags(struct view *v, uint64_t modseq, const struct store_flag_change *change);
/* What the reader has seen; its clients other than `except` will hear of it. NULL: nobody of its is here. */
void state_seen(struct view *v, struct overlay *o, const struct store_seen *seen, size_t count,
                const struct view_client *except);
struct overlay *state_overlay(const struct view *v, int64_t reader);
/* The flags and the modseq of the message at the index as the client has them. */
uint32_t state_flags_for(const struct view *v, const struct view_client *c, uint32_t index, uint64_t *modseq);
/* Wakes the clients that wait. */
void state_wake(struct view *v, const struct view_client *except);

/* The messages from this UID on that nobody has had are \Recent to the client (for itself alone unless it only reads).
 */
void changes_take_recent(struct view_client *c, uint32_t from_uid);

/* Follows a client's sequence numbers, ascending, through the view's arrays. */
struct view_cursor {
    const struct view *v;
    const struct view_client *c;
    bool same; /* the client knows of all expunges: sequence number and index go together */
    uint32_t index;
};
struct view_cursor state_cursor(const struct view *v, const struct view_client *c);
/* The index of the message with this sequence number; false when it is gone. */
bool state_find(struct view_cursor *at, uint32_t seq, uint32_t *index);

#endif
