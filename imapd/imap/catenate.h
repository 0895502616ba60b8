/*
 * catenate: what a URL in CATENATE (RFC 4469) names, added to the message that is being put together.
 */
#ifndef IMAP_CATENATE_H
#define IMAP_CATENATE_H

#include "imap/session.h"
#include "imap/spool.h"

/* Adds at most `room` bytes; *nul becomes true where NUL is among them. False: nothing or not all of it was added, and
 * *why, in the session's arena, is the refusal with its response code. */
bool catenate_add(struct session *s, struct str url, uint64_t room, struct spool *spool, bool *nul, struct str *why);

#endif
