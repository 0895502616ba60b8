/*
 * allow: the elements and attributes that may be shown.
 */
#ifndef MAIL_HTML_ALLOW_H
#define MAIL_HTML_ALLOW_H

#include "base/str.h"

#include <gumbo.h>

enum element_rule {
    ELEMENT_UNWRAP, /* not known: the content is kept */
    ELEMENT_DROP,   /* with all that is in it */
    ELEMENT_KEEP,
    ELEMENT_VOID, /* kept; has no content and no end tag */
    ELEMENT_STYLE
};
enum element_rule allow_element(const GumboNode *node);

/* Appends ` name="value"` where the attribute is allowed on the element. Addresses (href, src) are not looked at here.
 */
void allow_attribute(GumboTag tag, const GumboAttribute *attribute, struct buf *out);

#endif
