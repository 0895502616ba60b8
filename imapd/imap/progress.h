/*
 * progress: how far a long command is, "* OK [INPROGRESS ("tag" 12 100)] ..." (RFC 9585), at most every
 * service->progress_ms.
 */
#ifndef IMAP_PROGRESS_H
#define IMAP_PROGRESS_H

#include "imap/session.h"

/* The command has this many things to do. */
void progress_begin(struct session *s, uint64_t goal);
/* So many of them are done (counted from the last progress_base()). Nothing outside of progress_begin() and
 * progress_end(). False: the client is gone, and nobody waits for the rest. */
bool progress_tick(struct session *s, uint64_t done);
/* What progress_tick() counts comes on top of this many. */
void progress_base(struct session *s, uint64_t done);
void progress_end(struct session *s);

#endif
