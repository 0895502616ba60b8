/* What the files of lib/store share; nobody else includes this. */
#ifndef STORE_STORE_INTERNAL_H
#define STORE_STORE_INTERNAL_H

#include "db/db.h"
#include "store/blob.h"
#include "store/line.h"
#include "store/queue.h"
#include "store/store.h"

#include <pthread.h>

struct store {
    struct db *db;
    char *conninfo;
    struct blob_store *blobs;
    struct db_notifier *notifier;
    struct db_listener *listener;
    uint64_t origin; /* tells our own notifications */
    struct store_watcher watcher;
    void (*filled)(void *context, const struct store_filled *f);
    void *filled_context;
    struct line deliveries; /* deliver.c */
    struct line flags;      /* flags.c */
    /* ids of INBOXes (mailbox.c) */
    pthread_mutex_t inbox_lock;
    struct {
        int64_t account, mailbox;
    } inbox[16384];
};

/* Says that a mailbox changed (mailbox 0: the list of mailboxes): to this process at once, to others within 50 ms. */
void store_tell(struct store *s, int64_t account, int64_t mailbox, uint64_t modseq);
/* Has other processes learn that a mailbox changed; this one knows. */
void store_notify(struct store *s, int64_t account, int64_t mailbox, uint64_t modseq);
/* The same for an entry of METADATA. */
void store_tell_annotated(struct store *s, const struct store_annotated *what);
void store_deliver_init(struct store *s);
void store_flags_init(struct store *s);
/* One row of MESSAGE_COLUMNS; strings in the arena. */
void store_read_message(const PGresult *r, int row, struct arena *a, struct store_message *out);
/* A column of keywords; the strings in the arena. */
size_t store_get_keywords(const PGresult *r, int row, int column, struct arena *a, struct str **out);
#define MESSAGE_COLUMNS "m.uid, m.flags, m.modseq, m.email_id, m.size, m.internal_date, m.saved_at, m.keywords"
/* One row that begins with STORE_MAILBOX_COLUMNS, as its owner sees it; strings in the arena. */
void store_read_mailbox(const PGresult *r, int row, int64_t account, struct arena *a, struct store_mailbox *out);
#define STORE_MAILBOX_COLUMNS                                                                                          \
    "id, name, uidvalidity, uidnext, highestmodseq, flags_modseq, first_recent, messages, unseen, deleted, bytes, "    \
    "special_use, subscribed"
/* Makes the account's first mailboxes where it has none. */
bool store_make_defaults(struct db_conn *c, int64_t account, struct err *err);
/* Logs what went wrong and gives STORE_TEMPORARY. */
enum store_status store_failed(struct err *err);
/* An id that grows with time and does not collide between threads, processes or nodes. */
int64_t store_new_id(void);
/* The id of the mailbox, INBOX where it is not there; 0 with err: the database is away. */
int64_t store_mailbox_for_delivery(struct store *s, int64_t account, struct str name, struct err *err);
void store_forget_inbox(struct store *s, int64_t account);

/* The state of a mailbox under lock in a transaction. */
struct store_locked {
    int64_t account, id;
    uint64_t uidnext, highestmodseq;
    uint32_t uidvalidity;
};

/* ---- changing a mailbox or two: a transaction (message.c; copy.c) ---- */

struct store_changing {
    struct store *s;
    struct db_conn *c;
    struct arena *a;
    struct err *err;
    int64_t hold; /* the token of the POP3 session that does it (store_remove), 0: none does */
};
enum { STORE_MAX_CHANGING = 2 };
/* Begins, locks the n mailboxes `of` (in order of account and id) and selects messages with `select` and its
 * parameters, all in one round trip. box: the state of each, in the order given. */
enum store_status store_begin_change(struct store_changing *x, const struct store_locked *of, size_t n,
                                     struct store_locked *box, const struct db_statement *select,
                                     struct db_params *params, PGresult **rows);
/* What changes of a mailbox's row. */
struct store_raise {
    int64_t uids, modseq, flags_modseq, messages, unseen, deleted, bytes;
};
bool store_send_raise(struct store_changing *x, const struct store_locked *box, const struct store_raise *by);
bool store_send_usage(struct store_changing *x, int64_t account, int64_t bytes, int64_t messages);
/* Takes messages out of a mailbox with `how` (STORE_DELETE_MESSAGES; STORE_REMOVE_MESSAGES: they can be brought back):
 * rows deleted or moved, remembered as expunged, counters lowered. */
bool store_send_removal(struct store_changing *x, const struct store_locked *box, const struct db_statement *how,
                        const struct store_message *m, size_t n, int64_t modseq);
/* Ends the pipeline that `sent` says was filled, commits. */
enum store_status store_commit_change(struct store_changing *x, bool sent);
/* Sums of the messages that go or come. */
void store_count_up(const struct store_message *m, size_t n, struct store_raise *sum);
void store_split_columns(struct arena *a, const struct store_message *m, size_t n, int64_t **uid, int64_t **email);
/* Whether so much more finds room in the account, whose usage is locked, and with it that of another account (also; 0:
 * none) which the transaction changes. f: for store_tell_filled(), after the transaction. */
enum store_status store_check_room(struct store_changing *x, int64_t account, int64_t also, struct store_quota quota,
                                   const struct store_raise *more, struct store_filled *f);
void store_tell_filled(const struct store *s, const struct store_filled *f);
struct store_message *store_read_messages(const PGresult *r, struct arena *a, size_t *count);

/* Ranges as two arrays for SQL. */
void store_range_params(struct db_params *p, struct arena *a, const struct uid_range *range, size_t count);

/* Sends the rows of one message in a mailbox; its ids, UID and modseq are in *d already. */
bool store_send_message(struct arena *a, struct db_conn *c, const struct store_email *email, struct store_delivery *d,
                        struct err *err);

/* What queue_finish adds to a group's transaction. */
struct queue_settlement {
    const struct queue_job *job;
    const char *owner;
    const struct queue_result *result;
    size_t count;
};
bool queue_send_settlement(struct arena *a, struct db_conn *c, const struct queue_settlement *q, struct err *err);
/* store_deliver of a notification (notification.p NULL: none) together with a settlement. */
enum store_status store_settle(struct store *s, const struct queue_settlement *settlement, struct str notification,
                               struct str card, struct store_delivery *delivery, size_t count,
                               const struct store_queued *queued, struct err *err);

extern const struct db_statement STORE_BEGIN, STORE_COMMIT, STORE_LOCK_MAILBOX, STORE_LOCK_MAILBOXES, STORE_LOCK_USAGE,
    STORE_ADD_USAGE, STORE_MESSAGES_IN, STORE_DELETE_MESSAGES, STORE_REMOVE_MESSAGES;

#endif
