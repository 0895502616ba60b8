/* url: percent-encoding (RFC 3986 section 2.1). */
#ifndef HTTP_URL_H
#define HTTP_URL_H

#include "base/memory.h"
#include "base/str.h"

/* Decodes %XX, and "+" to a blank where `plus` (forms and queries). A "%" without two hexadecimal digits stays as it
 * is. The result may hold any byte. Never NULL in p. */
struct str url_decode(struct arena *a, struct str s, bool plus);
/* Appends s with everything but unreserved characters encoded: good for a path segment or a query value. */
void url_encode(struct buf *out, struct str s);
struct str url_encoded(struct arena *a, struct str s);
/* Whether s is a path of this site, safe to redirect to: "/...", but not "//host" or "/\host", and no control bytes. */
bool url_is_local_path(struct str s);

#endif
