/* auth: logging in and what a client may ask before that. */
#ifndef IMAP_AUTH_H
#define IMAP_AUTH_H

#include "imap/session.h"

/* Whether a password may be sent over this connection. */
bool auth_is_safe(const struct session *s);
/* Whether the account that logged in still may: looked up once a second at most. */
bool auth_still_valid(struct session *s);
/* Gives back the session's place among its account's connections. */
void auth_leave(struct session *s);
/* Forgets an exchange of AUTHENTICATE that is under way. */
void auth_end_exchange(struct session *s);

#endif
