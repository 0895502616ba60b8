/*
 * notify: what the client asked to be told of by itself, at any time (NOTIFY, RFC 5465), and annotations that others
 * change (ENABLE METADATA, RFC 5464 section 4.4).
 *
 * The selected mailbox is followed by its view as ever; NOTIFY decides what of it is announced, and has the session
 * woken outside of IDLE. Other mailboxes are followed by imapd/watch.
 */
#ifndef IMAP_NOTIFY_H
#define IMAP_NOTIFY_H

#include "imap/session.h"

enum notify_event {
    NOTIFY_NEW = 1,
    NOTIFY_EXPUNGE = 2,
    NOTIFY_FLAGS = 4,
    NOTIFY_NAME = 8,
    NOTIFY_SUBSCRIPTION = 16,
    NOTIFY_MAILBOX_METADATA = 32,
    NOTIFY_SERVER_METADATA = 64,
    NOTIFY_MESSAGES = NOTIFY_NEW | NOTIFY_EXPUNGE | NOTIFY_FLAGS,
};

enum notify_filter {
    NOTIFY_SELECTED,
    NOTIFY_SELECTED_DELAYED,
    NOTIFY_INBOXES, /* any mailbox may get mail: the same as personal (section 6.3) */
    NOTIFY_PERSONAL,
    NOTIFY_SUBSCRIBED,
    NOTIFY_SUBTREE,
    NOTIFY_MAILBOXES,
};

struct notify_group {
    enum notify_filter filter;
    unsigned events;
    struct str *name; /* of NOTIFY_SUBTREE and NOTIFY_MAILBOXES */
    size_t names;
};

/* What was asked for. */
struct notify {
    bool set;                   /* else NOTIFY NONE */
    bool status;                /* tell where the mailboxes stand */
    struct notify_group *group; /* without the one for the selected mailbox */
    size_t groups;
    bool immediate;    /* SELECTED, not SELECTED-DELAYED: expunges are told at once */
    unsigned selected; /* events of the selected mailbox */
    struct str fetch;  /* what is fetched of new messages there, as it was written; n 0: nothing */
};

enum notify_parsed { NOTIFY_GOOD, NOTIFY_SYNTAX, NOTIFY_BADEVENT, NOTIFY_TOO_MUCH };
/* The arguments of the command, in its arena. */
enum notify_parsed notify_parse(struct parser *p, struct notify *out);
/* The same in one block that free() frees: a session at rest has no arena. */
struct notify *notify_keep(const struct notify *n);
/* "MessageNew MessageExpunge ...", all that are known. */
extern const char notify_event_names[];

/* Whether what happens to the messages of the selected mailbox is announced; and whether their flags are. */
bool notify_hears_selected(const struct session *s);
bool notify_hears_flags(const struct session *s);
/* Another mailbox is selected now, or none; or IDLE has ended. */
void notify_selected(struct session *s);
/* Fetches what was asked for of the messages from this sequence number on, which were just announced. */
void notify_fetch_new(struct session *s, uint32_t first);
/* These UIDs of the mailbox are the session's own work: nothing is fetched of them. */
void notify_own_messages(struct session *s, int64_t mailbox, uint32_t first, uint32_t last);
/* So is what happened to this mailbox: it is not told. */
void notify_own_mailbox(struct session *s, struct str name);

/* What happened elsewhere, at the end of a command. */
void notify_others(struct session *s);
/* Woken between commands. */
void notify_wake(struct session *s);
/* Has the session watch what it has asked for by now. */
enum store_status notify_follow(struct session *s, struct err *err);
void notify_forget(struct session *s);

#endif
