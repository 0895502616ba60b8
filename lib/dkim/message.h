/*
 * message: a message as signatures see it: header fields, in order and byte for byte, and the body. A line that is no
 * field (an mbox's "From ", rubbish) is kept as a field without a name, which no signature can ask for.
 */
#ifndef DKIM_MESSAGE_H
#define DKIM_MESSAGE_H

#include "base/memory.h"
#include "base/str.h"

struct dkim_field {
    struct str raw;  /* with its line ends */
    struct str name; /* without the white space that old mail may have before the colon */
    struct str body; /* behind the colon, folded as it is, with its last line end */
    uint32_t hash;   /* of the name in lower case */
};

struct dkim_message {
    struct dkim_field *field; /* from the top down */
    size_t count;
    bool too_many; /* there are more than DKIM_MAX_FIELDS */
    struct str body;
};

/* Views of `text`; the array is the arena's. */
void dkim_message_split(struct arena *a, struct str text, struct dkim_message *out);
/* Whether a field can be put in front: a message that begins with white space would continue it. */
bool dkim_message_takes_field(struct str text);
uint32_t dkim_name_hash(struct str name);
static inline bool dkim_field_is(const struct dkim_field *f, uint32_t hash, struct str name) {
    return f->hash == hash && str_ieq(f->name, name);
}
/* How many fields have this name. */
size_t dkim_message_count(const struct dkim_message *m, struct str name);

/* Picks the fields that h= names, from the bottom up, each once (RFC 6376 section 5.4.2). */
struct dkim_picker {
    const struct dkim_message *message;
    bool *taken;
};
void dkim_picker_begin(struct arena *a, const struct dkim_message *m, struct dkim_picker *out);
/* The lowest field of this name that is not taken yet, or NULL. */
const struct dkim_field *dkim_pick(struct dkim_picker *p, struct str name);

#endif
