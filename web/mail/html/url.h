/*
 * url: which addresses a mail may name. Parsed as a browser does (WHATWG URL: blanks and control bytes around are
 * dropped, TAB, CR and LF anywhere), so that no scheme can be smuggled past.
 */
#ifndef MAIL_HTML_URL_H
#define MAIL_HTML_URL_H

#include "base/str.h"

enum url_kind { URL_NONE, URL_WEB, URL_MAILTO, URL_TEL, URL_CID, URL_DATA_IMAGE };

/* The kind of an address. Appends its cleaned form, unless it is URL_NONE. Cleaning a cleaned one changes nothing. */
enum url_kind url_clean(struct str raw, struct buf *out);

#endif
