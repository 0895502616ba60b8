/*
 * limit: how many messages one command may work on: MESSAGELIMIT, or SAVELIMIT where only saving is limited (RFC 9738).
 * FETCH, STORE, SEARCH, MOVE and UID EXPUNGE take the highest UIDs of what they were asked for, and the answer says
 * where they stopped; COPY, APPEND, SORT and THREAD, which make sense only as a whole, are refused.
 */
#ifndef IMAP_LIMIT_H
#define IMAP_LIMIT_H

#include "imap/session.h"

/* "MESSAGELIMIT=1000 " or "SAVELIMIT=1000 " or nothing. */
void limit_capability(const struct session *s, struct buf *out);
/* How many messages the ranges hold. */
uint64_t limit_count(const struct sequence *set);
/* Leaves the highest ones of the set (sequence numbers), as many as are allowed; session_ok() tells the client. */
void limit_keep_highest(struct session *s, struct sequence *set);
/* The same, where only messages with this flag count. */
void limit_keep_flagged(struct session *s, struct sequence *set, uint32_t flags);
/* Whether so many are too many to be found (looked at) or saved; then limit_refuse(). */
bool limit_forbids(const struct session *s, uint64_t count);
bool limit_forbids_saving(const struct session *s, uint64_t count);
enum outcome limit_refuse(struct session *s);
/* "[MESSAGELIMIT 1000 23007] ": what was left out; nothing where nothing was. */
void limit_code(const struct session *s, struct buf *out);

#endif
