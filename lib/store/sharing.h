/*
 * sharing: mailboxes that others than their owner use (RFC 4314). Who may do what is in mailbox_acl, one list a
 * mailbox; the owner has every right and is in no list. What a reader has seen is its own (message_seen), and so are
 * its subscriptions. The database refuses to share across tenants (sql/0015_sharing.sql), and rights are 0 there
 * whatever a list says.
 *
 * A new mailbox begins with the list of the one above it; on the first level with the account's own (mailbox 0).
 */
#ifndef STORE_SHARING_H
#define STORE_SHARING_H

#include "store/store.h"

enum store_right {
    RIGHT_LOOKUP = 1,    /* l: LIST shows it */
    RIGHT_READ = 2,      /* r */
    RIGHT_SEEN = 4,      /* s: what it has seen is kept */
    RIGHT_WRITE = 8,     /* w: flags but \Seen and \Deleted */
    RIGHT_INSERT = 16,   /* i */
    RIGHT_POST = 32,     /* p: kept, but nothing asks for it: there are no addresses of folders */
    RIGHT_CREATE = 64,   /* k: below it */
    RIGHT_REMOVE = 128,  /* x: the mailbox */
    RIGHT_DELETE = 256,  /* t: \Deleted */
    RIGHT_EXPUNGE = 512, /* e */
    RIGHT_ADMIN = 1024,  /* a */
    RIGHTS_ALL = 2047,
};

/* "lrs" in the order of RFC 4314 section 2.1. virtual_too: with "c" and "d" where some of what they stand for is there
 * (section 2.1.1). */
void rights_write(unsigned rights, bool virtual_too, struct buf *out);
/* c is k, d is t, e and x. False with the first letter that is no right. */
bool rights_parse(struct str letters, unsigned *rights, char *unknown);

/* Sets of rights with a name: read (lrs), edit (lrswite), manage (all). */
bool rights_named(struct str name, unsigned *rights);

/* ---- another account's mailboxes, as a reader finds them ---- */

/* The same as store_mailbox_find(), with what the reader may do, its own \Seen and subscription, and without the
 * special use that it has for the owner. STORE_NOT_FOUND also where it has no right at all. owner may be the reader:
 * then all is its own. */
enum store_status store_shared_find(struct store *s, struct arena *a, int64_t reader, int64_t owner, struct str name,
                                    struct store_mailbox *out, struct err *err);
/* What the reader may do there; 0 where the mailbox is gone. mailbox 0: on the first level of the account. */
enum store_status store_rights(struct store *s, int64_t reader, int64_t owner, int64_t mailbox, unsigned *rights,
                               struct err *err);

struct store_share {
    struct store_mailbox box; /* its name as the owner has it */
    struct str owner;         /* the address */
    bool shared;              /* of an account that is nobody's */
};
/* All mailboxes of others that the reader may look up (RIGHT_LOOKUP), in no order. with_unseen: box.unseen is the
 * reader's; else it is 0. */
enum store_status store_shared_list(struct store *s, struct arena *a, int64_t reader, bool with_unseen,
                                    struct store_share **out, size_t *count, struct err *err);
enum store_status store_shared_subscribe(struct store *s, int64_t reader, int64_t owner, int64_t mailbox,
                                         bool subscribed, struct err *err);

/* ---- \Seen of readers ---- */

/* Of what changed after since_modseq, ascending. */
enum store_status store_seen(struct store *s, struct arena *a, int64_t reader, int64_t owner, int64_t mailbox,
                             uint64_t since_modseq, struct store_seen **out, size_t *count, struct err *err);

/* ---- lists ---- */

struct store_grant {
    char kind;       /* 'a': an account, 'd': everybody of a domain */
    int64_t id;      /* of it */
    struct str name; /* the account's address, or "@domain"; only read */
    bool negative;
    unsigned rights;
};
/* In the order of names. mailbox 0: what new ones on the first level begin with. */
enum store_status store_acl(struct store *s, struct arena *a, int64_t owner, int64_t mailbox, struct store_grant **out,
                            size_t *count, struct err *err);
/* Sets, adds or takes away rights of one entry; one without rights goes. by: the login, for the audit log.
 * STORE_INVALID where the database refuses (another tenant; too many). */
enum store_status store_acl_change(struct store *s, int64_t owner, int64_t mailbox, const struct store_grant *grant,
                                   enum store_change change, struct str by, struct err *err);

#endif
