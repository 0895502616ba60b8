/*
 * condstore: mod-sequences in the protocol, and quick resynchronisation (RFC 7162). What changed since a mod-sequence
 * is known exactly: the store remembers what was expunged for as long as the mailbox is there, so a client is never
 * told of more than what went.
 */
#ifndef IMAP_CONDSTORE_H
#define IMAP_CONDSTORE_H

#include "imap/session.h"

/* The parameters of SELECT and EXAMINE, "(CONDSTORE)" or "(QRESYNC (...))". */
struct resync {
    bool wanted;
    uint32_t uidvalidity;
    uint64_t since;
    struct sequence known; /* UIDs that the client knows; count 0: all from 1 to what it knew then */
};
bool resync_parse(struct session *s, struct parser *p, struct resync *r);

/* From now on changes are told with their MODSEQ (RFC 7162 section 3.1: any command that names mod-sequences does it).
 */
static inline void condstore_enable(struct session *s) { s->condstore = true; }

/* "* VANISHED 1:3,7" or, earlier, "* VANISHED (EARLIER) 1:3,7"; nothing where there are none. Ascending UIDs. */
void vanished_write(struct session *s, const uint32_t *uid, size_t count, bool earlier);
/* Tells which of the UIDs in the set (as given, "*" and all; count 0: all) were expunged after `since`, and that the
 * client does not have in its mailbox any more. */
enum store_status vanished_since(struct session *s, struct sequence set, uint64_t since, struct err *err);
/* "[HIGHESTMODSEQ n] " of what the client has been told of, where it wants to know; else "". */
void condstore_code(const struct session *s, char out[48]);

#endif
