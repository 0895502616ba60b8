/*
 * router: which function answers which path. A table a subject, {method, pattern, handler, flags}, in the order of its
 * pages.
 *
 * A pattern is matched segment by segment: plain text; ":name", any one segment, percent-decoded, valid UTF-8 and not
 * empty; "#name", a positive number (anything else there is not found).
 */
#ifndef HTTP_ROUTER_H
#define HTTP_ROUTER_H

#include "http/request.h"

struct exchange;

struct route {
    unsigned methods; /* METHOD_GET (HEAD comes with it), METHOD_POST, or both */
    const char *pattern;
    void (*handler)(struct exchange *x);
    unsigned flags; /* enum route_flag of exchange.h */
};

enum { ROUTE_MAX_PARAMS = 4 };

struct route_match {
    const struct route *route; /* NULL: no such path, or not with this method (see methods) */
    unsigned methods;          /* what the path can be asked with, where the method was the only mistake; else 0 */
    size_t count;
    struct {
        struct str name, text;
        int64_t number; /* of a "#name" */
    } param[ROUTE_MAX_PARAMS];
};

/* Looks through the tables (each ends with a NULL pattern; the list with NULL). Decoded text lives in the arena. */
void router_find(const struct route *const *tables, struct arena *a, enum method method, struct str path,
                 struct route_match *out);

#endif
