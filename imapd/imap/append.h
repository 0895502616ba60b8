/*
 * append: APPEND and REPLACE, whose messages are not kept in the connection's buffer but go, as they come, to a spool
 * (imap/spool.h). All messages of a command become durable in one transaction, or none.
 */
#ifndef IMAP_APPEND_H
#define IMAP_APPEND_H

#include "imap/session.h"

/* Whether `line`, a command up to and with a literal's announcement, is an APPEND or REPLACE up to bytes of a message.
 * If so it is consumed, and either session->take_input is set to take the message or (the client waits for being asked)
 * the refusal is sent. */
bool append_starts(struct session *s, struct str line, uint64_t size, bool unasked);
void append_cancel(struct session *s); /* the connection goes: lets go of a message half received */

#endif
