/*
 * full: mailboxes that were over their quota a moment ago. Quota is enforced by the commit of a delivery; asking for it
 * at each RCPT would cost a query. But once a mailbox was found full, the next sender hears it at RCPT, where a refusal
 * is heard by the sender itself, and no bounce has to be written. An account is remembered for a minute, and looked up
 * before it is refused.
 */
#ifndef ROUTE_FULL_H
#define ROUTE_FULL_H

#include "directory/directory.h"
#include "mta.h"

/* A delivery to this account failed with STORE_QUOTA. */
void full_note(int64_t account_id);
enum full { FULL_NOT, FULL_NOW, FULL_NEVER_FITS };
/* Whether it failed lately, and its usage is still at the quota; and whether a message of `size` bytes (0: not known)
 * finds room. The usage is asked for only where the size is more than a sixty-fourth of the quota. */
enum full full_check(const struct mta *m, const struct directory_target *t, uint64_t size);

#endif
