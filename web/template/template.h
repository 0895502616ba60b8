/*
 * template: pages from ctemplate files, behind a C interface; template.cc is the only C++ of the tree (it
 * includes this header within extern "C").
 *
 * A file is found by its name relative to the folder ("admin/domains.tpl"). Each one begins with the line
 *
 *     {{%AUTOESCAPE context="HTML"}}
 *
 * so that ctemplate escapes every value for the place it stands in (text, attribute, URL); a file without it, or with
 * the modifier that switches escaping off, is refused when it is loaded. ctemplate does not check URLs in formaction,
 * srcset, poster and xlink:href: no values there. Values in attributes stand in quotes. A URL that is one value is
 * checked (no javascript:); a value behind the beginning of a URL is escaped for HTML only: url_encoded() what is not a
 * number.
 *
 * A `struct dict` holds the values of one page: {{NAME}}, {{#SECTION}}..{{/SECTION}} (shown once for each
 * dict_section(), hidden where there is none), {{>INCLUDE}} (another file, filled from a dict of its own). A section
 * sees the values of what is around it; an included file sees only its own dict and the globals. Everything is copied.
 */
#ifndef TEMPLATE_TEMPLATE_H
#define TEMPLATE_TEMPLATE_H

#include "base/err.h"
#include "base/str.h"

struct templates;
struct dict;

/* Loads every *.tpl under the folder. NULL with err set where one is missing, broken or unsafe. */
struct templates *templates_open(const char *folder, struct err *err);
void templates_free(struct templates *t);
/* Reads them anew; on failure the old ones stay. Safe while others render. */
bool templates_reload(struct templates *t, struct err *err);
/* Appends the page. False where the file is not there or refers to one that is not. Safe for all threads. */
bool templates_render(struct templates *t, const char *file, const struct dict *d, struct buf *out, struct err *err);

struct dict *dict_new(void);
void dict_free(struct dict *d); /* with its sections and includes; NULL is fine */
void dict_set(struct dict *d, const char *name, struct str value);
void dict_set_c(struct dict *d, const char *name, const char *value);
void dict_set_int(struct dict *d, const char *name, int64_t value);
void dict_global(struct dict *d, const char *name,
                 struct str value);                          /* seen by included files too; on the page's own dict */
void dict_show(struct dict *d, const char *name);            /* a section, once, without values of its own */
struct dict *dict_section(struct dict *d, const char *name); /* one more appearance of a section */
struct dict *dict_include(struct dict *d, const char *name, const char *file);
/* dict_show where `yes`. */
void dict_show_if(struct dict *d, const char *name, bool yes);

#endif
