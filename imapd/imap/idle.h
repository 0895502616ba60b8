/* idle: a session that waits for what others do (RFC 2177). */
#ifndef IMAP_IDLE_H
#define IMAP_IDLE_H

#include "imap/session.h"

void idle_changed(struct session *s); /* something may have changed: announces it */
/* Nothing came from the client for a while. False when it has been too long. */
bool idle_still_here(struct session *s);
void idle_forget(struct session *s);

#endif
