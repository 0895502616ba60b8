/*
 * searched: the texts of a message that the keys of SEARCH look at, decoded. SEARCH without an index and the index
 * (imapd/index) both take them from here, so that they can't differ.
 */
#ifndef IMAP_SEARCHED_H
#define IMAP_SEARCHED_H

#include "mime/mime.h"
#include "store/store.h"

enum searched_section {
    /* from the card alone */
    SEARCHED_FROM,
    SEARCHED_TO,
    SEARCHED_CC,
    SEARCHED_BCC,
    SEARCHED_SUBJECT,
    SEARCHED_MESSAGE_ID,
    /* from the bytes */
    SEARCHED_HEADER, /* of the message itself, with the recipient's own lines */
    SEARCHED_BODY,   /* of all parts: names, descriptions, texts; headers of messages inside */
    SEARCHED_SECTIONS
};

enum {
    SEARCHED_MAX_PART = 16 << 20, /* bytes of a part, as they are in the message, that are looked at */
    SEARCHED_MAX_HEADER = 4 << 20,
};

/* A message, and what reading it needs. */
struct searched {
    struct store *store;
    const struct store_card *of;
    const struct mime_card *card;
    bool without_prefix;             /* the recipient's own lines are not looked at */
    struct arena *arena;             /* the caller resets it between messages */
    struct buf bytes, decoded, text; /* for the functions' use; searched_free() */
    enum store_status status;        /* not STORE_OK: something could not be read */
    struct err err;
};

/* One text; name: of a header field, p NULL elsewhere. True: enough. */
typedef bool searched_unit(void *context, struct str name, struct str text);

/* Each text of the section, until enough: then true. A header field is "Name: body". */
bool searched_each(struct searched *x, enum searched_section section, searched_unit *unit, void *context);
/* The bodies of the header fields of this name. */
bool searched_field(struct searched *x, struct str name, searched_unit *unit, void *context);
/* The same for the fields of a header at hand; name.p NULL: all, as "Name: body". */
bool searched_fields_of(struct arena *a, struct str header, struct str name, searched_unit *unit, void *context);
void searched_free(struct searched *x);

#endif
