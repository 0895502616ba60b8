/*
 * tags: the tag=value lists of RFC 6376 section 3.2, which signatures, key records and the fields of ARC are made of:
 *
 *     v=1; a=rsa-sha256; d=example.org;
 *         s=brisbane; b=...
 *
 * White space, folded too, may stand around names and values. A name that comes twice makes the list invalid; names
 * that nobody knows are for the caller to pass over.
 */
#ifndef DKIM_TAGS_H
#define DKIM_TAGS_H

#include "base/memory.h"
#include "base/str.h"

enum { DKIM_MAX_TAGS = 100, DKIM_MAX_TAG_LIST = 64 * 1024 };

struct dkim_tag {
    struct str name, value; /* the value without the white space around it */
    size_t from, to;        /* where the value is in the list, with the white space around it */
};

struct dkim_tags {
    struct dkim_tag *tag;
    size_t count;
};

/* Views of `text`, the array is the arena's. False where the text is no such list; *problem then says why. */
bool dkim_tags_parse(struct arena *a, struct str text, struct dkim_tags *out, const char **problem);
/* The tag of this name (with case), or NULL. */
const struct dkim_tag *dkim_tag_find(const struct dkim_tags *tags, const char *name);
/* Its value; p NULL where there is no such tag. */
struct str dkim_tag_value(const struct dkim_tags *tags, const char *name);

/* A copy without white space. */
struct str dkim_tag_plain(struct arena *a, struct str value);
/* The base64 of a value, white space left out (RFC 6376 section 3.2), decoded into the arena. False where it is none.
 */
bool dkim_tag_base64(struct arena *a, struct str value, struct str *out);
/* Whether a list with ':' between its words has this one (without case). */
bool dkim_tag_has_word(struct str list, const char *word);

#endif
