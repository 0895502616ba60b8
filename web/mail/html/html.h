/*
 * html: a stranger's HTML made fit to be shown. The bytes are parsed as HTML5 (gumbo), the tree is walked once, and
 * only what the allow-lists (allow.c, css.c, url.c) name is written out again by our own serialiser; nothing is ever
 * edited in the text afterwards. The result belongs into a document of its own, served with a Content-Security-Policy
 * that sandboxes it (mail/frame.c), which begins with HTML_DOCTYPE.
 *
 * Dropped with everything inside: scripts, frames, objects, forms' controls, media, svg and math, templates, noscript.
 * Dropped, content kept: everything else that is not on the list. Sanitising a result again gives the same bytes.
 *
 * Work is bounded: input size, memory and processor time of the parser, depth and size of the output. Where a bound is
 * hit the functions say so and the caller shows the message's text instead.
 */
#ifndef MAIL_HTML_HTML_H
#define MAIL_HTML_HTML_H

#include "base/memory.h"
#include "base/str.h"

enum html_limit {
    HTML_MAX_INPUT = 4 * 1024 * 1024,   /* bytes; longer input is cut there */
    HTML_MAX_OUTPUT = 16 * 1024 * 1024, /* bytes */
    HTML_MAX_DEPTH = 200,               /* of elements written */
    HTML_MAX_PARSE_MEMORY = 96 * 1024 * 1024,
    HTML_MAX_PARSE_MS = 1500 /* processor time */
};

/* What stands before a result in its document: it fixes the parsing mode, and the sanitiser parses with it. */
#define HTML_DOCTYPE "<!DOCTYPE html>"

/* The class of the text that stands for a picture that is not shown. */
#define HTML_DESCRIPTION_CLASS "mansio-picture"

enum html_images {
    HTML_IMAGES_KEEP,  /* http, https, cid and data addresses stay as they are: the canonical form */
    HTML_IMAGES_BLOCK, /* only images that come with the message are shown */
    HTML_IMAGES_REMOTE /* remote ones too */
};

struct html_options {
    enum html_images images;
    /* The address under which the image of a Content-ID can be had, p NULL: there is none. The id is as in the mail's
     * link, that is, possibly percent-encoded. It may take its time (fetch the image). Not asked with HTML_IMAGES_KEEP.
     * May be NULL. */
    struct str (*cid)(void *context, struct str id);
    void *context;
};

struct html_report {
    size_t remote; /* remote images met (shown or not) */
    bool cut;      /* the input was longer than HTML_MAX_INPUT */
};

/* Appends the sanitised body of `html` (UTF-8; anything else becomes U+FFFD). False where it is too complex to be shown
 * safely: out is then as before. report may be NULL. */
bool html_sanitise(struct str html, const struct html_options *options, struct buf *out, struct html_report *report);

/* Appends the readable text of `html`, as mail text: lines, "> " before quotes. False where it is too complex. */
bool html_to_text(struct str html, struct buf *out);

/* Appends text with & < > " escaped. */
void html_escape(struct str text, struct buf *out);

/* Appends the link address cleaned: http, https, mailto and tel only, no control bytes, no spaces or quotes.
 * False (nothing appended) where it is anything else. */
bool html_link(struct str href, struct buf *out);

#endif
