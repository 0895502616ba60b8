/*
 * recent: who a session's actor is, for a second after it was looked up. For pages that ask nothing of the database: a
 * mailbox that is being read causes several requests a second, and a look-up each was a third of their cost. So an end
 * of the session (logout, a changed password, a locked account) is felt by those pages within a second, by all others
 * at once.
 */
#ifndef SESSION_RECENT_H
#define SESSION_RECENT_H

#include "exchange.h"

/* Sets x->actor of this session hash. False: it was not looked up within the last second. */
bool recent_recall(struct exchange *x, const unsigned char session[32]);
/* The actor that was just looked up. */
void recent_remember(const struct actor *actor);
void recent_forget(const unsigned char session[32]);

#endif
