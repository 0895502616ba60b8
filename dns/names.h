/* names: a sorted set of zone names: those that the nameserver is told to serve. */
#ifndef DNS_NAMES_H
#define DNS_NAMES_H

#include "base/str.h"

struct names {
    char **name; /* owned, sorted */
    size_t count, room;
};

void names_free(struct names *n);
bool names_has(const struct names *n, struct str name);
/* Adds those that are not yet in it; true where it changed. One sort for all of them. */
bool names_add(struct names *n, const struct str *name, size_t count);
bool names_remove(struct names *n, struct str name);

#endif
