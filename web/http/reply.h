/*
 * reply: what goes back to the browser. Status, headers and body are gathered apart and sent when complete, so that a
 * failure halfway shows an error page, never half a page. Safe headers are there from the start (reply_begin); a page
 * that needs a looser one replaces it by name.
 */
#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

#include "base/memory.h"
#include "base/str.h"

enum { REPLY_MAX_HEADERS = 40 };

struct reply_header {
    struct str name, value;
};

struct reply {
    struct arena *arena;
    int status;
    size_t headers;
    struct reply_header header[REPLY_MAX_HEADERS];
    struct buf body; /* owned; reply_free() */
};

/* An empty 200 with the security headers: a strict Content-Security-Policy, nosniff, no referrer to other sites,
 * no-store. (HSTS is the web server's to say: it holds for everything under its name.) */
void reply_begin(struct reply *r, struct arena *a);
void reply_free(struct reply *r);
/* Sets a header, replacing the one of that name. Control bytes in the value are dropped: no header can be forged with
 * them. Name and value are copied. */
void reply_set(struct reply *r, const char *name, struct str value);
void reply_set_c(struct reply *r, const char *name, const char *value);
void reply_unset(struct reply *r, const char *name);
/* Adds a Set-Cookie (there may be several). max_age in seconds; 0 deletes it; -1: until the browser closes. Always
 * HttpOnly and SameSite=Lax with Path=/; Secure where `secure`. */
void reply_cookie(struct reply *r, struct str name, struct str value, long max_age, bool secure);
/* 303 See Other: after a POST the browser fetches `path` (a path of this site). Throws the body away. */
void reply_redirect(struct reply *r, struct str path);
void reply_type(struct reply *r, const char *media_type); /* "text/html; charset=utf-8" */
/* Content-Disposition for a download, with the name in both forms of RFC 6266 (inline: shown where the browser can). */
void reply_filename(struct reply *r, struct str filename, bool is_inline);
/* The CGI header block (RFC 3875 section 6): Status, headers, Content-Length, empty line. Appends. */
void reply_head(const struct reply *r, struct buf *out);
const char *reply_reason(int status); /* "Not Found" */

#endif
