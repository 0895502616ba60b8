/*
 * fetch: what FETCH is asked for (RFC 3501 section 6.4.5), parsed.
 */
#ifndef IMAP_FETCH_H
#define IMAP_FETCH_H

#include "imap/search.h"
#include "imap/section.h"
#include "imap/session.h"

enum fetch_kind {
    FETCH_UID,
    FETCH_FLAGS,
    FETCH_INTERNALDATE,
    FETCH_SIZE,
    FETCH_MODSEQ,   /* RFC 7162 */
    FETCH_THREADID, /* RFC 8474 */
    /* by the card, undecoded */
    FETCH_SAVEDATE, /* RFC 8514 */
    FETCH_EMAILID,  /* RFC 8474 */
    /* by what is in it */
    FETCH_ENVELOPE,
    FETCH_BODY, /* the short body structure */
    FETCH_BODYSTRUCTURE,
    FETCH_PREVIEW, /* RFC 8970 */
    FETCH_SNIPPET, /* the same by the name it had in its drafts (draft-ietf-extra-imap-fetch-snippet) */
    FETCH_SECTION, /* BODY[...], RFC822 and its relatives */
    FETCH_BINARY,  /* RFC 3516: the same decoded */
    FETCH_BINARY_SIZE,
};

struct fetch_item {
    enum fetch_kind kind;
    struct section section;
    struct str label; /* of the last three, as the response has it: "BODY[TEXT]<0>" */
    bool partial;
    uint64_t from, most; /* of a partial fetch */
};

struct fetch_request {
    struct fetch_item *item;
    size_t count, room;
    bool cards;     /* something needs the message's card */
    bool structure; /* something needs it decoded */
    bool sets_seen; /* something is read without .PEEK */
    bool modseq;    /* mod-sequences are asked for */
    bool vanished;  /* what went since is asked for, too */
    bool since_given;
    uint64_t since;          /* only messages that changed after this */
    struct search_page page; /* only these of them (RFC 9394) */
};

/* "(CHANGEDSINCE n VANISHED PARTIAL 1:100)" behind the items, where it is there (RFC 7162 sections 3.1.4.1 and 3.2.6,
 * RFC 9394 section 3.3). */
bool fetch_parse_modifiers(struct parser *p, struct fetch_request *r);
/* Has the item told, too, unless it is. */
bool fetch_want(struct parser *p, struct fetch_request *r, enum fetch_kind kind);
/* Tells UID, FLAGS and MODSEQ of the messages with UIDs of the set (count 0: all) that changed after `since`, and ends
 * the command with OK and this text. */
enum outcome fetch_changed(struct session *s, const struct sequence *uids, uint64_t since, const char *text);

/* Writes the response for one message that the client knows, without ending a command. Nothing where it has gone or
 * can't be read now. False, and nothing is written, where more than `most` bytes would wait for the client. */
bool fetch_untagged(struct session *s, const struct fetch_request *r, uint32_t seq, size_t most);

/* One item, several in parentheses, or a macro. with_uid: the UID is asked for in any case. */
bool fetch_parse(struct parser *p, bool with_uid, struct fetch_request *r);

#endif
