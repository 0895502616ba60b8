/*
 * import: mail that comes from elsewhere with its UIDs, dates and flags, many messages in one transaction, and what was
 * brought already (sql/0018_import.sql). For `mansio import`.
 *
 * Everything of a batch is committed together with the list of what was brought, so that after a crash at any moment a
 * second run goes on where the first stopped: nothing twice, nothing half.
 *
 * UIDs. A mailbox that never held a message takes over the source's UIDVALIDITY, and its messages their UIDs, so that
 * mail programs need not read them again. That ends for a mailbox, with a new UIDVALIDITY, when a message would need a
 * UID below UIDNEXT: what the other server gave that number to could be another message than ours.
 */
#ifndef STORE_IMPORT_H
#define STORE_IMPORT_H

#include "store/store.h"

struct store_import_folder {
    int64_t account_id, id, mailbox_id;
    uint32_t uidvalidity; /* the source's; 0: it has none, UIDs are not kept */
    uint64_t uidnext;     /* the source's: messages without a UID get none below it; 0: not known */
    bool fresh;           /* it was not imported before */
};

/* The state of a source's folder, made where it is new. source: "imap://user@host:143", "maildir:/path"; folder: its
 * name there, UTF-8. by_uid: the messages' keys are only good for this uidvalidity. into: the mailbox that is meant for
 * it here, made where it is missing; a folder that was imported before stays with its mailbox, whatever its name is
 * now. */
enum store_status store_import_folder(struct store *s, int64_t account, struct str source, struct str folder,
                                      uint32_t uidvalidity, bool by_uid, struct str into,
                                      struct store_import_folder *out, struct err *err);

struct store_import_known {
    struct str key;
    uint32_t uid, flags; /* as it was imported */
    unsigned char digest[16];
};
/* What was brought already from the folder. In the arena. 0 as id: from folders of another UIDVALIDITY that this one
 * follows; their digests tell which messages are here already. */
enum store_status store_import_known(struct store *s, struct arena *a, const struct store_import_folder *f,
                                     bool of_predecessors, struct store_import_known **out, size_t *count,
                                     struct err *err);
/* The same for a look without changing anything: what is known of the source's folder; none where it is new. */
enum store_status store_import_look(struct store *s, struct arena *a, int64_t account, struct str source,
                                    struct str folder, uint32_t uidvalidity, bool by_uid,
                                    struct store_import_known **out, size_t *count, struct err *err);
/* Forgets what was brought from the source: the next run brings all of it (again). */
enum store_status store_import_forget(struct store *s, int64_t account, struct str source, struct err *err);
/* All of the folder was brought. Where UIDs are kept, the next one is the source's: what it gave to messages that are
 * gone stays theirs. `reserve` more are left free: see import_folder.kept_to. */
enum store_status store_import_finish(struct store *s, const struct store_import_folder *f, uint32_t reserve,
                                      struct err *err);

struct store_import_message {
    struct str key;
    uint32_t uid; /* at the source; 0: none. Result: here */
    uint32_t flags;
    const struct str *keyword;
    size_t keyword_count;
    int64_t internal_date;
    struct str uidl;          /* POP3's, p NULL: none */
    bool crlf;                /* its file had CR LF at its line ends */
    enum store_status status; /* result: STORE_OK or STORE_QUOTA */
};

/* A batch: one thread's, for one folder at a time. */
struct store_import;
struct store_import *store_import_new(struct store *s);
void store_import_free(struct store_import *i);
void store_import_into(struct store_import *i, const struct store_import_folder *f, struct store_quota quota);
/* Writes the message's bytes and puts it into the batch (all is copied). False with err: the disk. */
bool store_import_add(struct store_import *i, struct str bytes, const struct store_import_message *m, struct err *err);
/* A message that is here already, under another key: it is only noted. */
void store_import_note(struct store_import *i, struct str bytes, const struct store_import_message *m);
void store_import_digest(struct str bytes, unsigned char digest[16]);
size_t store_import_count(const struct store_import *i);
uint64_t store_import_bytes(const struct store_import *i);
/* Commits the batch, which is empty afterwards; messages: those of the batch in order, with their results, until the
 * next store_import_add. *renumbered is set where the mailbox got a new UIDVALIDITY. Anything but STORE_OK: nothing of
 * it is there. */
enum store_status store_import_commit(struct store_import *i, const struct store_import_message **message,
                                      size_t *count, bool *renumbered, struct err *err);

/* ---- what export needs ---- */

/* Which of the emails came with CR LF at their line ends: ids ascending. In the arena. */
enum store_status store_emails_crlf(struct store *s, struct arena *a, int64_t account, int64_t **out, size_t *count,
                                    struct err *err);
struct store_uidl {
    uint32_t uid;
    struct str uidl;
};
/* The UIDLs that a mailbox's messages brought with them, by UID. In the arena. */
enum store_status store_uidls(struct store *s, struct arena *a, int64_t account, int64_t mailbox,
                              struct store_uidl **out, size_t *count, struct err *err);

#endif
