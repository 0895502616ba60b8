/*
 * page: an HTML page within the site's layout (templates/base.tpl): title, navigation of the actor's role, flash
 * message, CSRF token.
 *
 *     struct dict *d = page_begin(x, PAGE_ADMIN, "admin/domains.tpl", "Domains");
 *     dict_set(d, "NAME", name);
 *     page_send(x);
 *
 * Every template has these values: {{CSRF}} (into each form: <input type="hidden" name="csrf" value="{{CSRF}}">), {{V}}
 * (behind each file of /static/: "?v={{V}}"), {{LOGIN}} and {{HOSTNAME}}.
 */
#ifndef PAGE_H
#define PAGE_H

#include "exchange.h"

enum page_layout {
    PAGE_ADMIN, /* navigation at the side */
    PAGE_PLAIN, /* the content alone in the middle: login, errors */
    PAGE_BARE,  /* nothing but head and body: the content brings its own layout */
};

/* Starts the page; the result is the dict of the content's template. A page begun before is thrown away. */
struct dict *page_begin(struct exchange *x, enum page_layout layout, const char *template, const char *title);
void page_title(struct exchange *x, struct str title); /* replaces the one of page_begin */
/* One more stylesheet or module of /static/, by its file name. */
void page_style(struct exchange *x, const char *file);
void page_script(struct exchange *x, const char *file);
/* Renders into the reply; status as set there (200, or 422 for a form shown again). */
void page_send(struct exchange *x);
void page_free(struct exchange *x);

/* The page for a failure; used by exchange_error(). Never fails: falls back to plain text. */
void page_error(struct exchange *x, int status, const char *sentence);

/* A message that the next page of this browser shows once: after a POST that redirects. It is in
 * {{#FLASH}}{{TEXT}}{{/FLASH}} of the layout, with PAGE_BARE of the content. */
void page_flash(struct exchange *x, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
