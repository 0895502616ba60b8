/*
 * search: the program of a SEARCH (RFC 3501 section 6.4.4; WITHIN, RFC 5032) as a tree.
 */
#ifndef IMAP_SEARCH_H
#define IMAP_SEARCH_H

#include "imap/match.h"
#include "imap/parse.h"

enum search_kind {
    /* answered by the view */
    SEARCH_ALL,
    SEARCH_MESSAGES, /* set: sequence numbers */
    SEARCH_UIDS,     /* set: UIDs */
    SEARCH_FLAG,     /* number: the flags that must be there */
    SEARCH_RECENT,
    SEARCH_KEYWORD, /* text */
    SEARCH_BEFORE,  /* day */
    SEARCH_ON,
    SEARCH_SINCE,
    SEARCH_LARGER, /* number */
    SEARCH_SMALLER,
    SEARCH_YOUNGER, /* number: seconds */
    SEARCH_MODSEQ,  /* number (RFC 7162) */
    /* by the card */
    SEARCH_SENTBEFORE,
    SEARCH_SENTON,
    SEARCH_SENTSINCE,
    SEARCH_FROM, /* needle */
    SEARCH_TO,
    SEARCH_CC,
    SEARCH_BCC,
    SEARCH_SUBJECT,
    /* by the message's bytes */
    SEARCH_HEADER, /* text: the field's name; needle */
    SEARCH_BODY,
    SEARCH_TEXT,
    /* made of others */
    SEARCH_AND, /* child and its siblings */
    SEARCH_OR,
    SEARCH_NOT,
};

enum search_cost { COST_VIEW, COST_CARD, COST_BYTES };

struct search_key {
    enum search_kind kind;
    enum search_cost cost; /* what it may take to answer */
    struct search_key *child, *next;
    struct sequence set;
    uint64_t number;
    int64_t day; /* since 1970 */
    struct str text;
    struct needle needle;
};

enum search_return { /* RFC 4731 */
                     SEARCH_RETURN_MIN = 1,
                     SEARCH_RETURN_MAX = 2,
                     SEARCH_RETURN_ALL = 4,
                     SEARCH_RETURN_COUNT = 8,
};

struct search_request {
    struct search_key *key; /* SEARCH_AND; the cheap ones first */
    bool extended;          /* RETURN was given: the answer is an ESEARCH */
    unsigned returns;
    bool modseq;      /* there is a MODSEQ among the keys */
    bool bad_charset; /* all is well but for the charset: NO [BADCHARSET] */
};

/* Everything in it lives in the parser's arena. */
bool search_parse(struct parser *p, struct search_request *r);

#endif
