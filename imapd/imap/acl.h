/* acl: access lists: SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS (RFC 4314), and what LIST tells of them. */
#ifndef IMAP_ACL_H
#define IMAP_ACL_H

#include "imap/session.h"

/* "* MYRIGHTS name rights" (RFC 8440) */
void acl_write_myrights(struct session *s, const struct store_mailbox *m);

#endif
