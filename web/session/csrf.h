/*
 * csrf: proof that a POST comes from a page of this site. Two independent checks: the browser's own word
 * (Sec-Fetch-Site, or Origin against Host), and the session's token in the form field "csrf" or the header
 * X-CSRF-Token. Before the login, when there is no session, a random cookie must be repeated by the form ("double
 * submit").
 */
#ifndef SESSION_CSRF_H
#define SESSION_CSRF_H

#include "exchange.h"

/* Whether this POST is from our own page with the session's token. False with a sentence. */
bool csrf_check(const struct exchange *x, struct err *err);
/* For forms without session: the token of this browser, made and set as a cookie where it has none yet. */
struct str csrf_public_token(struct exchange *x);
bool csrf_public_check(const struct exchange *x, struct err *err);

#endif
