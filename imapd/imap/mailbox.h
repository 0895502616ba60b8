/* mailbox: STATUS items, for STATUS and LIST RETURN (STATUS ...) (RFC 5819). */
#ifndef IMAP_MAILBOX_H
#define IMAP_MAILBOX_H

#include "imap/session.h"

enum status_item {
    STATUS_MESSAGES = 1,
    STATUS_RECENT = 2,
    STATUS_UIDNEXT = 4,
    STATUS_UIDVALIDITY = 8,
    STATUS_UNSEEN = 16,
    STATUS_DELETED = 32,           /* RFC 9051 */
    STATUS_SIZE = 64,              /* RFC 8438 */
    STATUS_APPENDLIMIT = 128,      /* RFC 7889 */
    STATUS_HIGHESTMODSEQ = 256,    /* RFC 7162 */
    STATUS_MAILBOXID = 512,        /* RFC 8474 */
    STATUS_DELETED_STORAGE = 1024, /* RFC 9208 */
};

bool status_parse_items(struct parser *p, unsigned *items); /* "(MESSAGES UNSEEN)" */
void status_reply(struct session *s, const struct store_mailbox *m, unsigned items);

#endif
