/*
 * fetch: what FETCH is asked for (RFC 3501 section 6.4.5), parsed.
 */
#ifndef IMAP_FETCH_H
#define IMAP_FETCH_H

#include "imap/section.h"

enum fetch_kind {
    FETCH_UID,
    FETCH_FLAGS,
    FETCH_INTERNALDATE,
    FETCH_SIZE,
    FETCH_ENVELOPE,
    FETCH_BODY, /* the short body structure */
    FETCH_BODYSTRUCTURE,
    FETCH_PREVIEW, /* RFC 8970 */
    FETCH_SECTION, /* BODY[...], RFC822 and its relatives */
};

struct fetch_item {
    enum fetch_kind kind;
    struct section section;
    struct str label; /* of a section, as the response has it: "BODY[TEXT]<0>" */
    bool partial;
    uint64_t from, most; /* of a partial fetch */
};

struct fetch_request {
    struct fetch_item *item;
    size_t count, room;
    bool cards;     /* something needs the message's card */
    bool structure; /* something needs it decoded */
    bool sets_seen; /* something is read without .PEEK */
};

/* One item, several in parentheses, or a macro. with_uid: the UID is asked for in any case. */
bool fetch_parse(struct parser *p, bool with_uid, struct fetch_request *r);

#endif
