/*
 * css: the styles that a mail may bring. Deliberately smaller than the language: what is not understood goes. No
 * addresses (url()), no positions outside of the flow, no escapes, no rules that load something. Filtering a result
 * again changes nothing.
 */
#ifndef MAIL_HTML_CSS_H
#define MAIL_HTML_CSS_H

#include "base/str.h"

/* Appends what is allowed of a declaration list (a style attribute), "name:value" joined by ";". */
void css_declarations(struct str css, struct buf *out);
/* Appends what is allowed of a style sheet: plain rules and those in @media. Holds no "<". */
void css_sheet(struct str css, struct buf *out);

#endif
