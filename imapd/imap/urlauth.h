/*
 * urlauth: URLs that carry the right to read what they name (RFC 4467). A URL's token is a keyed hash of all that
 * stands before it, by a key of the mailbox (sql/0014_urlauth.sql), so it says for itself what it allows, to whom and
 * until when; nothing is kept for a URL.
 */
#ifndef IMAP_URLAUTH_H
#define IMAP_URLAUTH_H

#include "imap/session.h"
#include "imap/url.h"

/* Whether this session may read what the URL names by the authorization in it, and in whose account that is.
 * STORE_NOT_FOUND: it may not, for whatever reason. */
enum store_status urlauth_check(struct session *s, struct arena *a, const struct imap_url *u, int64_t *account,
                                struct err *err);
/* Whether the URL is of this server. */
bool urlauth_is_here(const struct session *s, const struct imap_url *u);

#endif
