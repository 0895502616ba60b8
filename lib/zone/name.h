/*
 * name: domain names of zone files, between presentation (RFC 1035 section 5.1, with its escapes) and wire format. The
 * wire form is what lengths and comparisons are about; it is kept in lower case (RFC 4343).
 */
#ifndef ZONE_NAME_H
#define ZONE_NAME_H

#include "base/err.h"
#include "base/memory.h"
#include "base/str.h"

struct zone_name {
    unsigned char byte[255]; /* length, label, length, label, ..., 0 */
    size_t n;
};

/* Reads a name: "@" and "" are the origin; with a trailing dot it is absolute, and so is one that ends in the origin's
 * own name; others are relative to the origin. Letters beyond ASCII become A-labels. origin NULL: every name is
 * absolute. */
bool zone_name_parse(struct arena *a, struct str text, const struct zone_name *origin, struct zone_name *out,
                     struct err *err);
struct str zone_name_text(struct arena *a, const struct zone_name *name); /* absolute, with the trailing dot */
/* Relative to the origin, "@" for itself; name must be within. */
struct str zone_name_relative(struct arena *a, const struct zone_name *name, const struct zone_name *origin);
/* name is the ancestor itself or below it. */
bool zone_name_within(const struct zone_name *name, const struct zone_name *ancestor);
/* A key whose bytewise order is the canonical order (RFC 4034 section 6.1), and of which an ancestor's key is a prefix.
 */
struct str zone_name_key(struct arena *a, const struct zone_name *name);
bool zone_name_eq(const struct zone_name *x, const struct zone_name *y);
/* Letters, digits and hyphens in each label (RFC 1123 section 2.1): what a machine may be called. A wildcard's first
 * label may be "*" where allowed. */
bool zone_name_is_host(const struct zone_name *name, bool wildcard);

#endif
