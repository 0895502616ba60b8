/*
 * text: a plain-text body as a page shows it: runs of text, addresses that become links, quotes that nest by their ">",
 * the signature set apart. It is told as a flat list of events, for a template to write (templates/mail/text.tpl): no
 * HTML is made here.
 */
#ifndef MAIL_HTML_TEXT_H
#define MAIL_HTML_TEXT_H

#include "base/str.h"

enum text_kind {
    TEXT_PLAIN,     /* text, line ends in it */
    TEXT_WEB,       /* text, a link to address (http, https) */
    TEXT_MAIL,      /* text, a mail address */
    TEXT_OPEN,      /* an outermost quote begins; folded: it is long and nothing follows it */
    TEXT_CLOSE,     /* and ends */
    TEXT_QUOTE,     /* a quote within a quote begins */
    TEXT_UNQUOTE,   /* and ends */
    TEXT_SIGNATURE, /* the signature begins */
    TEXT_END        /* and ends */
};

struct text_event {
    enum text_kind kind;
    struct str text, address;
    bool folded;
};

struct text_options {
    bool flowed, delsp; /* RFC 3676 */
    void (*sink)(void *context, const struct text_event *event);
    void *context;
};

void text_walk(struct str text, const struct text_options *options);

#endif
