/*
 * access: whose mailbox a client's name means, and what the session may do there (RFC 4314, RFC 2342). Names without a
 * prefix are the account's own; "Other Users/<address>/..." and "Shared Folders/<address>/..." are others', where the
 * session is a reader with the rights that their lists give it (store/sharing.h).
 *
 * A mailbox that the session may not look up (right l) is answered for as if it were not there (RFC 4314 section 6),
 * unless the right that is asked for has been given without it.
 */
#ifndef IMAP_ACCESS_H
#define IMAP_ACCESS_H

#include "imap/session.h"
#include "store/sharing.h"

/* Where a name leads, whether or not there is a mailbox. */
struct access_place {
    int64_t account;          /* whose */
    bool own, shared;         /* shared: of an account that is nobody's */
    struct str address;       /* of the owner */
    int64_t domain;           /* of the owner */
    struct store_quota quota; /* of the owner */
    struct str name;          /* as the owner has it */
};
/* STORE_NOT_FOUND: it is below others' names but leads to nobody that the session could know of. */
enum store_status access_place(struct session *s, struct str name, struct access_place *out, struct err *err);

/* The mailbox, with its name as the client has it. STORE_DENIED where it may be seen but not `need` (all of it) be
 * done. place may be NULL. */
enum store_status access_find(struct session *s, struct str name, unsigned need, struct store_mailbox *out,
                              struct access_place *place, struct err *err);
/* Whether a mailbox of that name may be made: k on the nearest one above it that is there. */
enum store_status access_may_create(struct session *s, const struct access_place *place, struct err *err);
/* All that the session may look up: its own ones, and others' with their whole names. */
enum store_status access_list(struct session *s, bool with_unseen, struct store_mailbox **out, size_t *count,
                              struct err *err);

/* The system flags that may be changed with these rights; keywords go with RIGHT_WRITE. */
uint32_t access_flags(unsigned rights);
/* Takes away what may not be set. */
void access_limit_flags(unsigned rights, struct flags *flags);

/* Before a command on the selected mailbox: false where it may no longer be read. Asks the store at most each second.
 */
bool access_still_valid(struct session *s);

#endif
