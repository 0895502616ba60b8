/*
 * session: the browser's login. The cookie holds 256 random bits; the database their SHA-256 only (table web_session).
 * The cookie is "__Host-mansio" (Secure) over https, "mansio" on a plain development port.
 *
 * A session ends with logout, with a changed password, an hour (operators) or a day (mail accounts) after it was last
 * used, and twelve hours or a week after the login in any case.
 */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include "exchange.h"

enum session_status {
    SESSION_OK,
    SESSION_NONE,     /* no cookie, or the session is over */
    SESSION_DATABASE, /* err says why */
};

/* Whether the request brings a cookie that could be a session's. */
bool session_has_cookie(const struct exchange *x);
/* Begins a transaction on x->db as the actor of the cookie's session, in one round trip; sets x->actor. */
enum session_status session_resume(struct exchange *x, struct err *err);
/* The actor as it was looked up less than a second ago (session/recent.h), without the database: for pages that need
 * nothing else of it. False: look it up. */
bool session_recall(struct exchange *x);
/* Makes a new session on x->db and sets its cookie; the one of the request's cookie, if any, ends: a session id from
 * before the login is never carried over. One of the two ids is 0. */
bool session_start(struct exchange *x, int64_t operator_id, int64_t account_id, struct err *err);
/* Ends the session of this request on x->db and deletes the cookie. */
bool session_end(struct exchange *x, struct err *err);
/* A cookie's name for this request: "__Host-" before it over https. */
struct str session_cookie_name(const struct exchange *x, const char *name);

/* A fresh token by which the account of this session can sign in to imapd and submission instead of its password, good
 * for an hour at most and dead with the session. Appends it to out. On x->db; commits with it. */
bool session_mail_token(struct exchange *x, struct buf *out, struct err *err);

#endif
