/*
 * overlay: what one reader of another account's mailbox has seen (store/sharing.h), beside a view that all its sessions
 * share. The view's own \Seen is the owner's; what a reader is told is made of both. Entries are looked up by UID in a
 * hash, so that reading a message costs the same wherever it is; those of messages that went are left until the last
 * session of the reader closes. Internal to imapd/view; everything is called with the view's lock held.
 */
#ifndef VIEW_OVERLAY_H
#define VIEW_OVERLAY_H

#include "store/store.h"

struct overlay {
    struct overlay *next;
    int64_t reader;
    uint32_t refs; /* clients */
    bool loaded;
    uint32_t count, slots;   /* a power of two, or 0 */
    struct store_seen *slot; /* uid 0: free */
};

struct overlay *overlay_new(int64_t reader);
void overlay_free(struct overlay *o);
/* NULL where the reader has never said anything of the message. */
const struct store_seen *overlay_find(const struct overlay *o, uint32_t uid);
/* Takes it over unless what is known is as new; whether it did. */
bool overlay_put(struct overlay *o, const struct store_seen *seen);

/* The message's flags and modseq as the reader has them, made of the view's. */
static inline void overlay_apply(const struct overlay *o, uint32_t uid, uint32_t *flags, uint64_t *modseq) {
    const struct store_seen *own = overlay_find(o, uid);
    *flags = (*flags & ~(uint32_t)STORE_SEEN) | (own && own->seen ? STORE_SEEN : 0);
    if (own && own->modseq > *modseq)
        *modseq = own->modseq;
}

#endif
