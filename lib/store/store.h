/*
 * store: mailboxes and messages. The bytes are in the blob store (store/blob.h), everything else in PostgreSQL
 * (sql/0003_mail.sql). Used by the MTA to deliver and by imapd for everything. All functions are safe for all threads
 * and block; what they acknowledge is on disk and committed.
 *
 * Deliveries and appends are group-committed: the messages that arrive while a commit is under way are made durable
 * together by the next one: one fdatasync of the blob segment, one transaction.
 *
 * After a change other processes learn of it by NOTIFY mailbox with payload "account:mailbox:modseq:origin", sent
 * outside the transaction within 50 ms; listeners of the same process are called at once (store_watch).
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/err.h"
#include "base/memory.h"
#include "base/str.h"

struct db;
struct store;

enum store_flag {
    STORE_SEEN = 1,
    STORE_ANSWERED = 2,
    STORE_FLAGGED = 4,
    STORE_DELETED = 8,
    STORE_DRAFT = 16,
};

enum store_status {
    STORE_OK,
    STORE_NOT_FOUND, /* no such mailbox or message */
    STORE_EXISTS,    /* the name is taken */
    STORE_QUOTA,     /* the account's quota would be passed */
    STORE_INVALID,   /* not a possible name, or the act is refused (err says why) */
    STORE_DENIED,    /* who asks has no right to it (store/sharing.h) */
    STORE_TEMPORARY, /* PostgreSQL or the disk is away or full: nothing happened; try again */
};

struct blob_options; /* store/blob.h */

/* blobs: where the bytes are. conninfo: for listening and notifying. */
struct store *store_open(struct db *db, const char *conninfo, const struct blob_options *blobs, struct err *err);
void store_close(struct store *s);

/* ---- mailboxes ---- */

struct store_mailbox {
    int64_t account_id, id;
    struct str name; /* UTF-8, "/" between levels; "INBOX" */
    uint32_t uidvalidity;
    uint64_t uidnext; /* up to 2^32 */
    uint64_t highestmodseq, flags_modseq;
    uint32_t first_recent; /* UIDs from here on are \Recent to the next session that selects */
    uint32_t messages, unseen, deleted;
    uint64_t bytes;
    struct str special_use; /* "\Sent" ..., p NULL: none */
    bool subscribed;
    /* store/sharing.h; for the owner 0 and all rights. Of a reader are unseen and subscribed, and nothing is \Recent.
     */
    int64_t reader;
    unsigned rights;
};

/* The first levels of others' mailboxes: nobody has mailboxes of these names (store/sharing.h). */
#define STORE_OTHER_USERS "Other Users"
#define STORE_SHARED_FOLDERS "Shared Folders"

/* A new account's INBOX, Drafts, Sent, Junk, Trash, Archive are made when first looked for (store_mailbox_find, list,
 * deliver). */
enum store_status store_mailbox_find(struct store *s, struct arena *a, int64_t account, struct str name,
                                     struct store_mailbox *out, struct err *err); /* "INBOX" in any case */
enum store_status store_mailbox_get(struct store *s, struct arena *a, int64_t account, int64_t mailbox,
                                    struct store_mailbox *out, struct err *err);
enum store_status store_mailbox_list(struct store *s, struct arena *a, int64_t account, struct store_mailbox **out,
                                     size_t *count, struct err *err); /* sorted by name, INBOX first */
/* Makes the mailbox (and its parents). special_use may be p NULL. */
enum store_status store_mailbox_create(struct store *s, int64_t account, struct str name, struct str special_use,
                                       struct err *err);
enum store_status store_mailbox_delete(struct store *s, int64_t account, struct str name, struct err *err);
/* With all below it. RFC 9051 6.3.6: renaming INBOX moves its messages to a new mailbox. */
enum store_status store_mailbox_rename(struct store *s, int64_t account, struct str from, struct str to,
                                       struct err *err);
enum store_status store_mailbox_subscribe(struct store *s, int64_t account, struct str name, bool subscribed,
                                          struct err *err);
/* A read-write session selected it: its \Recent messages are from the old first_recent to uidnext; nobody else gets
 * them. */
enum store_status store_mailbox_take_recent(struct store *s, int64_t account, int64_t mailbox, uint32_t *first_recent,
                                            struct err *err);
enum store_status store_usage(struct store *s, int64_t account, uint64_t *bytes, uint64_t *messages, struct err *err);
/* What EXPUNGE would give back: the sizes of the \Deleted messages. */
enum store_status store_deleted_bytes(struct store *s, int64_t account, int64_t mailbox, uint64_t *bytes,
                                      struct err *err);

/* ---- quota ---- */

/* What an account may hold. */
struct store_quota {
    int64_t bytes;    /* -1: any amount */
    int64_t messages; /* 0: any number */
};
/* An account with a quota got mail, or was refused some because of it. */
struct store_filled {
    int64_t account;
    struct store_quota quota;
    int64_t bytes_before, bytes, messages_before, messages; /* what it holds */
    int64_t warned;                                         /* the level that its owner had been told of by then */
    bool refused;                                           /* nothing was added: it did not fit */
};
/* `filled` is called after each such commit, from any thread; it must not block for long. One a process. */
void store_on_filled(struct store *s, void (*filled)(void *context, const struct store_filled *f), void *context);
/* Has it called for mail that was refused without trying, since the account holds so much (store_usage()). */
void store_refused(struct store *s, int64_t account, struct store_quota quota, uint64_t bytes, uint64_t messages);

/* ---- adding messages ---- */

typedef unsigned char blob_id[16]; /* store/blob.h */

/* A message's bytes and card, made once however many recipients. */
struct store_email {
    blob_id blob;
    uint64_t size;   /* of the blob's message, without any prefix */
    struct str card; /* mime_card_encode() */
};

struct store_delivery {
    int64_t account_id;
    struct str mailbox;     /* name; p NULL or unknown: INBOX (deliveries never fail for a missing folder) */
    int64_t mailbox_id;     /* where it is not 0, this mailbox and no other (STORE_NOT_FOUND when it is gone) */
    int64_t quota_bytes;    /* -1: none */
    int64_t quota_messages; /* 0: none */
    struct str prefix;      /* header lines before the blob's bytes: Return-Path, Delivered-To */
    uint32_t flags;
    int64_t reader; /* whose \Seen is in the flags; 0: the owner's */
    struct str *keyword;
    size_t keyword_count;
    int64_t internal_date; /* 0: now */
    /* results */
    enum store_status status;
    int64_t into_mailbox, email_id;
    uint32_t uid, uidvalidity;
    uint64_t modseq;
};

/* Ids of emails begin with the time: those made before that time (microseconds since 1970) are less than this. */
int64_t store_id_at(int64_t time);

struct store_queued; /* store/queue.h: what goes to the queue in the same commit */

/* Writes the message once, delivers it to each delivery's mailbox and, where `queued` is not NULL, puts it into the
 * queue (another one where `queued` has its own), all in one commit (shared with whatever else is being delivered).
 * Returns STORE_OK when that is durable: then
 * each delivery's own status says STORE_OK, STORE_QUOTA or STORE_NOT_FOUND. Anything else: nothing happened. message:
 * the whole message in memory, or (message.p NULL) `spool_fd` with message.n bytes from offset 0. card: from mime_parse
 * of the message. */
enum store_status store_deliver(struct store *s, struct str message, int spool_fd, struct str card,
                                struct store_delivery *delivery, size_t count, const struct store_queued *queued,
                                struct err *err);

struct store_append {
    struct str message, card; /* as for store_deliver() */
};
/* Writes message[i] and delivers it by delivery[i], all of them to the same mailbox (mailbox_id), in this order and in
 * one transaction: all or, where it does not return STORE_OK, none. */
enum store_status store_append(struct store *s, const struct store_append *message, struct store_delivery *delivery,
                               size_t count, struct err *err);

/* ---- messages of a mailbox ---- */

struct store_message {
    uint32_t uid;
    uint32_t flags;
    uint64_t modseq;
    int64_t email_id;
    uint64_t size; /* with the prefix: RFC822.SIZE */
    int64_t internal_date, saved_at;
    struct str *keyword;
    size_t keyword_count;
};

/* UID ranges, inclusive, ascending, not overlapping. */
struct uid_range {
    uint32_t first, last;
};

/* All messages with first <= uid, ascending; with since_modseq > 0 only those whose modseq is greater. In the arena. */
enum store_status store_messages(struct store *s, struct arena *a, int64_t account, int64_t mailbox, uint32_t first_uid,
                                 uint64_t since_modseq, struct store_message **out, size_t *count, struct err *err);
struct store_expunged {
    uint32_t uid;
    uint64_t modseq;
};
enum store_status store_expunged(struct store *s, struct arena *a, int64_t account, int64_t mailbox,
                                 uint64_t since_modseq, struct store_expunged **out, size_t *count,
                                 struct err *err); /* by modseq, uid */

/* What FETCH needs beyond struct store_message: for each UID of the ranges that exists, ascending. */
struct store_card {
    uint32_t uid;
    int64_t email_id, thread_id;
    int64_t saved_at; /* when it came into this mailbox */
    blob_id blob;
    uint64_t blob_size;
    struct str prefix;
    struct str card;
};
enum store_status store_cards(struct store *s, struct arena *a, int64_t account, int64_t mailbox,
                              const struct uid_range *range, size_t range_count, struct store_card **out, size_t *count,
                              struct err *err);
/* Appends bytes [offset, offset + n) of the message (its prefix first, then the blob), clipped to its end. */
enum store_status store_read(struct store *s, const struct store_card *m, uint64_t offset, uint64_t n, struct buf *out,
                             struct err *err);

/* \Seen of one who is not the owner (store/sharing.h). */
struct store_seen {
    uint32_t uid;
    bool seen;
    uint64_t modseq;
};

enum store_change { STORE_SET, STORE_ADD, STORE_REMOVE };
struct store_flag_change {
    enum store_change change;
    uint32_t flags;
    const struct str *keyword;
    size_t keyword_count;
    uint64_t unchanged_since; /* only messages whose modseq is not greater (RFC 7162); 0: all */
    uint32_t keeps;           /* STORE_SET: flags that stay as they are */
    bool keeps_keywords;      /* and keywords */
    int64_t reader;           /* whose \Seen is meant (store/sharing.h); 0: the owner's */
    void *by;                 /* handed to the watcher */
    /* results, in the arena */
    struct store_message
        *message;            /* UID, flags, keywords and modseq as they are now, ascending; a modseq is new where */
                             /* the value really changed */
    struct store_seen *seen; /* of a reader: the same messages' \Seen; in message is the owner's */
    size_t count;
    uint32_t *failed; /* UIDs that unchanged_since ruled out */
    size_t failed_count;
};
/* Changes flags and keywords of the messages in the ranges. Group-committed like deliveries: many sessions that change
 * flags at once share a commit, each change having a modseq of its own. */
enum store_status store_change_flags(struct store *s, struct arena *a, int64_t account, int64_t mailbox,
                                     const struct uid_range *range, size_t range_count,
                                     struct store_flag_change *change, struct err *err);
/* Removes the messages in the ranges that have \Deleted (all of the mailbox's with range NULL). expunged: UIDs,
 * ascending. They can be brought back for a while (store/removed.h). */
enum store_status store_expunge(struct store *s, struct arena *a, int64_t account, int64_t mailbox,
                                const struct uid_range *range, size_t range_count, uint32_t **expunged, size_t *count,
                                uint64_t *modseq, struct err *err);
/* Removes, of the `most` oldest messages of the mailbox, those that came to it more than `days` ago. */
enum store_status store_expunge_old(struct store *s, int64_t account, int64_t mailbox, int days, size_t most,
                                    size_t *count, struct err *err);
/* Takes the message with this UID away and adds another one as `d` says (mailbox_id; perhaps the same mailbox, or
 * another account's), in one transaction. STORE_INVALID: the message is gone already; STORE_NOT_FOUND: a mailbox is. */
enum store_status store_replace(struct store *s, struct arena *a, int64_t account, int64_t mailbox, uint32_t uid,
                                const struct store_append *message, struct store_delivery *d, struct err *err);
/* Removes the messages in the ranges, whatever flags they have, where the POP3 session's hold of the mailbox (its token
 * in the table pop3_hold) is still there: else STORE_INVALID, and nothing is removed. */
enum store_status store_remove(struct store *s, struct arena *a, int64_t account, int64_t mailbox,
                               const struct uid_range *range, size_t range_count, int64_t hold, size_t *count,
                               struct err *err);
/* Copies (move: moves) messages to another mailbox, of the same account or of another one: no bytes are copied. */
struct store_copying {
    int64_t account, mailbox; /* from */
    int64_t reader;           /* whose \Seen goes with them; 0: the owner's */
    int64_t to_account, to_mailbox;
    int64_t to_reader;   /* whose it is there */
    uint32_t drop_flags; /* that the copies don't get */
    bool drop_keywords;
    bool move;
    struct store_quota quota;                     /* of to_account; not asked for where a move stays in the account */
    void (*progress)(void *context, size_t done); /* NULL, or called now and then: so many messages are copied */
    void *context;
    /* results: UIDs pairwise, in the arena */
    uint32_t *from, *to;
    size_t count;
    uint32_t to_uidvalidity;
};
enum store_status store_copy(struct store *s, struct arena *a, const struct uid_range *range, size_t range_count,
                             struct store_copying *x, struct err *err);

/* ---- keys of mailboxes, for URLAUTH (RFC 4467) ---- */

struct store_url_key {
    unsigned char bytes[32];
};
/* The mailbox's key; made: a new one where it has none, else that is STORE_NOT_FOUND. */
enum store_status store_url_key(struct store *s, int64_t account, int64_t mailbox, bool made, struct store_url_key *key,
                                struct err *err);
/* Forgets the mailbox's key (mailbox 0: those of all the account's mailboxes), and with it every URL made by it. */
enum store_status store_url_keys_drop(struct store *s, int64_t account, int64_t mailbox, struct err *err);

/* ---- changes by others ---- */

struct store_annotated {
    int64_t account, mailbox; /* mailbox 0: the server's entry */
    int64_t reader;           /* whose entry it is; 0: everybody's who sees the mailbox */
    struct str entry;
    uint64_t by; /* as given to store_annotate(); 0: another process */
};

struct store_watcher {
    /* Called, from any thread, after mailbox (0: the account's list of mailboxes) changed: by this process (own true,
     * at once, also for the caller's own acts) or by another one, or with account 0 when notifications may have been
     * missed: look at everything. */
    void (*changed)(void *context, int64_t account, int64_t mailbox, uint64_t modseq, bool own);
    /* Instead of it for flags that this process changed: what the messages are now, ascending, those that differ with
     * the new modseq. Called before store_change_flags() returns, in order of modseq within a mailbox; `by` as given
     * there. NULL: `changed` is called. */
    void (*flags)(void *context, int64_t account, int64_t mailbox, uint64_t modseq,
                  const struct store_flag_change *change);
    /* After an entry of METADATA was set or removed (store/annotation.h). NULL: nobody wants to know. */
    void (*annotated)(void *context, const struct store_annotated *what);
    void *context;
};
/* One watcher a process. It must not block for long. */
void store_watch(struct store *s, const struct store_watcher *watcher);

/* Forgets expunged mail that can't be brought back any more; a bounded piece of work. The number of messages, 0 when
 * there is no more, -1 on failure. Their blobs are then store_sweep's. */
int64_t store_forget_removed(struct store *s, struct err *err);
/* Removes what was in its folder longer than a rule says (table retention), in the next accounts behind *after, which
 * moves on; 0 at the end. The number of messages, -1 on failure. Sessions see them expunged. */
int64_t store_apply_retention(struct store *s, int64_t *after, struct err *err);
/* Deletes blobs that no row has named for grace_seconds, and the mail of accounts that are gone for good; a bounded
 * piece of work. Returns the number of blobs deleted, -1 on failure. */
int64_t store_sweep(struct store *s, int grace_seconds, struct err *err);
/* Deletes blobs older than grace_seconds that never got a row (a crash between writing and commit). Reads through all
 * segments: once a day at a quiet hour. */
int64_t store_sweep_orphans(struct store *s, int grace_seconds, struct err *err);

#endif
