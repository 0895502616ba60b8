/*
 * sign: writing signature fields, as dkim_sign() and sealing do.
 */
#ifndef DKIM_SIGN_H
#define DKIM_SIGN_H

#include "dkim/canonical.h"

enum dkim_fold {
    DKIM_FOLD_NEVER, /* the value stays in one piece */
    DKIM_FOLD_NAMES, /* behind a ':' where the line gets too long */
    DKIM_FOLD_BASE64 /* anywhere; the tag begins a line, so that what comes before does not depend on its value */
};

struct dkim_new_tag {
    const char *name;
    struct str value; /* p NULL: left out */
    enum dkim_fold fold;
};

/* Appends "Name: tag=value; ...\r\n", folded. */
void dkim_field_write(const char *name, const struct dkim_new_tag *tag, size_t count, struct buf *out);

/* Signs a field that is written with these tags: `signed_before` holds the canonical bytes in front of it. Sets the
 * value of the tag at `b` (empty until then) and appends the field. */
bool dkim_field_sign(struct arena *a, const struct dkim_key *key, enum dkim_canonicalization c,
                     struct buf *signed_before, const char *name, struct dkim_new_tag *tag, size_t count, size_t b,
                     struct buf *out, struct err *err);

/* The names with ':' between them of those fields of m that are worth signing; `twice` adds those once more that nobody
 * may add. */
struct str dkim_default_headers(struct arena *a, const struct dkim_message *m, bool twice, bool signatures);

/* The list trimmed to "a:b:c"; p NULL with err set where a name is not valid. */
struct str dkim_header_list(struct arena *a, struct str list, struct err *err);

#endif
