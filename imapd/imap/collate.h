/*
 * collate: the order of text for SORT and THREAD: i;unicode-casemap (RFC 5051), as I18NLEVEL=1 wants it (RFC 5255).
 */
#ifndef IMAP_COLLATE_H
#define IMAP_COLLATE_H

#include "base/memory.h"
#include "base/str.h"

enum { COLLATE_MAX_BYTES = 1000 }; /* of a text that count */

/* A key in the arena: texts compare as their keys do bytewise (str_cmp). */
struct str collate_key(struct arena *a, struct str text);

#endif
