/*
 * imap: the webmail's client of imapd, on libetpan. A connection belongs to one login of the browser (session) and is
 * signed in as its user; between requests it rests in the pool, signed in and with its mailbox selected. One request
 * uses one connection at a time, so nothing here locks but the pool.
 *
 * Commands are sent several at a time where one does not need the other's answer (pipelining, RFC 3501 section 5.5):
 * what a page costs is the number of exchanges.
 *
 * Mailbox names are the wire's (modified UTF-7) everywhere; imap/name.h makes them readable.
 */
#ifndef MAIL_IMAP_IMAP_H
#define MAIL_IMAP_IMAP_H

#include "base/err.h"
#include "base/memory.h"
#include "base/str.h"
#include "mime/mime.h"

struct imap;
struct imap_pool;

enum imap_status {
    IMAP_OK,
    IMAP_NO,     /* the server refused; err holds its words */
    IMAP_BROKEN, /* no connection, or it broke: give it back and, where nothing was changed yet, try once more */
};

/* ---- connections (pool.c, connect.c) ---- */

enum { IMAP_OWNER_BYTES = 32 };

/* address: "unix:/path" or "127.0.0.1:143". */
struct imap_pool *imap_pool_new(const char *address, size_t max_connections, size_t max_per_owner);
void imap_pool_free(struct imap_pool *p);
/* A resting connection of this owner, one that has `mailbox` selected if there is one; NULL where none rests. */
struct imap *imap_take(struct imap_pool *p, const unsigned char owner[IMAP_OWNER_BYTES], struct str mailbox);
/* A new connection, signed in. NULL with err set: IMAP_NO (refused) or IMAP_BROKEN in *status. */
struct imap *imap_open(struct imap_pool *p, const unsigned char owner[IMAP_OWNER_BYTES], const char *login,
                       const char *password, enum imap_status *status, struct err *err);
/* Back to rest; closed where it broke, or where there are enough. */
void imap_give(struct imap_pool *p, struct imap *c);

/* ---- mailboxes (folders.c) ---- */

enum folder_use { USE_NONE, USE_INBOX, USE_DRAFTS, USE_SENT, USE_ARCHIVE, USE_JUNK, USE_TRASH };

struct folder {
    struct str name;    /* the wire's */
    struct str display; /* the last part of it, readable */
    struct str path;    /* all of it, readable, parts joined by " / " */
    char delimiter;     /* 0: none */
    int depth;
    enum folder_use use;
    bool selectable;
    uint32_t messages, unseen, uidnext;
};

struct folders {
    struct folder *at;
    size_t count;
};

/* All mailboxes with their counts, INBOX and those of a use first. Kept for some seconds where `fresh` is false. Good
 * as long as the connection is not given back. */
enum imap_status imap_folders(struct imap *c, bool fresh, const struct folders **out, struct err *err);
const struct folder *folder_named(const struct folders *f, struct str name); /* NULL: none */
const struct folder *folder_used(const struct folders *f, enum folder_use use);
enum imap_status imap_create(struct imap *c, struct str name, const char *use,
                             struct err *err); /* use: "\\Sent" or NULL */
enum imap_status imap_rename(struct imap *c, struct str from, struct str to, struct err *err);
enum imap_status imap_delete(struct imap *c, struct str name, struct err *err);

/* ---- a mailbox's messages (rows.c) ---- */

enum mail_flag {
    MAIL_SEEN = 1,
    MAIL_ANSWERED = 2,
    MAIL_FLAGGED = 4,
    MAIL_DRAFT = 8,
    MAIL_DELETED = 16,
    MAIL_FORWARDED = 32
};

struct mail_row {
    uint32_t uid, sequence;
    unsigned flags;
    int64_t date; /* microseconds since 1970, when the message came */
    struct str from_name, from_address;
    struct str to; /* names of the recipients, ", " between them */
    struct str subject, preview;
    bool attachment;
};

struct mail_page {
    uint32_t exists, uidvalidity, uidnext;
    uint32_t found;       /* messages that the page is one of: all, or the search's */
    struct mail_row *row; /* newest first */
    size_t count;
};

/* One page of a mailbox, newest first; page counts from 0. search: words to look for in whole messages, "" for all.
 * Strings are good as long as the connection is not given back. */
enum imap_status imap_page(struct imap *c, struct arena *a, struct str mailbox, struct str search, uint32_t page,
                           uint32_t per_page, struct mail_page *out, struct err *err);

/* ---- one message (message.c) ---- */

struct mail_message {
    uint32_t uid, sequence, exists, uidvalidity;
    unsigned flags;
    int64_t date;
    uint64_t size;
    struct str header;            /* raw */
    const struct mime_part *root; /* from BODYSTRUCTURE: types, parameters, names, sizes; no offsets */
    uint32_t newer, older;        /* UIDs of the neighbours, 0: none */
};

/* IMAP_NO where there is no such message. */
enum imap_status imap_message(struct imap *c, struct arena *a, struct str mailbox, uint32_t uid,
                              struct mail_message *out, struct err *err);
/* Appends raw bytes of a section ("1.2", "1.2.MIME", "" for the whole message), at most max. */
enum imap_status imap_section(struct imap *c, uint32_t uid, struct str section, size_t max, struct buf *out,
                              struct err *err);

/* ---- changes (change.c); uids as in a sequence set: "1,5,9:12" ---- */

enum imap_status imap_select(struct imap *c, struct str mailbox, struct err *err);
uint32_t imap_uidvalidity(const struct imap *c); /* of the selected mailbox */
enum imap_status imap_flag(struct imap *c, struct str mailbox, struct str uids, unsigned flags, bool on,
                           struct err *err);
enum imap_status imap_move(struct imap *c, struct str mailbox, struct str uids, struct str to, struct err *err);
enum imap_status imap_expunge(struct imap *c, struct str mailbox, struct str uids,
                              struct err *err); /* deletes for good */
/* uid: of the copy, 0 where the server does not say. */
enum imap_status imap_append(struct imap *c, struct str mailbox, struct str message, unsigned flags, uint32_t *uid,
                             struct err *err);

#endif
