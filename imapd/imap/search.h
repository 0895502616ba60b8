/*
 * search: the program of a SEARCH (RFC 3501 section 6.4.4; WITHIN, RFC 5032) as a tree, finding the messages that it
 * means, and telling of them. SORT and THREAD find theirs in the same way.
 */
#ifndef IMAP_SEARCH_H
#define IMAP_SEARCH_H

#include "imap/match.h"
#include "imap/session.h"

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
    SEARCH_YOUNGER,  /* number: seconds */
    SEARCH_MODSEQ,   /* number (RFC 7162) */
    SEARCH_THREADID, /* nobody has one (RFC 8474) */
    /* by the card */
    SEARCH_SAVEDBEFORE, /* day (RFC 8514) */
    SEARCH_SAVEDON,
    SEARCH_SAVEDSINCE,
    SEARCH_EMAILID, /* number (RFC 8474) */
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
    const struct fuzzy *fuzzy; /* NULL: exact */
    unsigned scored;           /* of a fuzzy key: its number among those whose score counts, from 1 */
    unsigned slot;             /* of a text key: its number among them, from 1; 0: not asked of the index */
};

enum search_return { /* RFC 4731 */
                     SEARCH_RETURN_MIN = 1,
                     SEARCH_RETURN_MAX = 2,
                     SEARCH_RETURN_ALL = 4,
                     SEARCH_RETURN_COUNT = 8,
                     SEARCH_RETURN_SAVE = 16,    /* RFC 5182 */
                     SEARCH_RETURN_PARTIAL = 32, /* RFC 9394 */
                     SEARCH_RETURN_UPDATE = 64,  /* RFC 5267 */
                     SEARCH_RETURN_CONTEXT = 128,
                     SEARCH_RETURN_RELEVANCY = 256, /* RFC 6203 */
                     SEARCH_RETURN_RESULT = SEARCH_RETURN_MIN | SEARCH_RETURN_MAX | SEARCH_RETURN_ALL |
                                            SEARCH_RETURN_COUNT | SEARCH_RETURN_PARTIAL, /* what makes an answer */
};

/* "1:100", or "-1:-100" counted from the end (RFC 9394). */
struct search_page {
    bool given, from_end;
    uint32_t first, last; /* first <= last */
    struct str text;      /* as it was asked for */
};
bool search_parse_page(struct parser *p, struct search_page *page);
/* What of `count` things is on the page: the number of them, the first one's index in *from. */
size_t search_page(const struct search_page *page, size_t count, size_t *from);

struct search_request {
    struct search_key *key; /* SEARCH_AND; the cheap ones first */
    bool extended;          /* RETURN was given: the answer is an ESEARCH */
    unsigned returns;
    struct search_page page;
    struct str keys;  /* as they are in the command */
    struct str fetch; /* so, behind UPDATE: what is told of new messages (RFC 5465 section 7); n 0: nothing */
    const struct store_mailbox *box; /* the answer names it (RFC 7377); NULL: the selected one, unnamed */
    bool modseq;                     /* there is a MODSEQ among the keys */
    bool fuzzy;                      /* there is a FUZZY among them (RFC 6203) */
    bool numbers;                    /* there are sequence numbers among them, or "$" */
    bool bad_charset;                /* all is well but for the charset: NO [BADCHARSET] */
};

/* Everything in these lives in the parser's arena. */
bool search_parse(struct parser *p, struct search_request *r);
/* "RETURN (options) ", where it is there. */
bool search_parse_return(struct parser *p, struct search_request *r);
/* The keys to the end of the command. */
bool search_parse_keys(struct parser *p, struct search_request *r);
bool search_parse_charset(struct parser *p, struct search_request *r); /* "UTF-8 " */

/* Sequence numbers, in the order that counts for the answer. */
struct search_found {
    uint32_t *seq;
    uint8_t *score; /* of each, 1 to 100, where the search has fuzzy keys; else NULL */
    size_t count, room;
    uint64_t modseq; /* the highest of them */
};
void search_add(struct session *s, struct search_found *f, uint32_t seq, uint64_t modseq);
/* Ascending sequence numbers (or UIDs) as ranges. */
struct sequence search_ranges(struct arena *a, const uint32_t *n, size_t count);

/* Puts the messages in for numbers and UIDs as given. Once for each request. */
void search_resolve(struct session *s, struct search_key *key);
/* The messages that have to be looked at: those that a set among the keys names, or all. */
struct sequence search_scope(struct session *s, const struct search_key *key);
/* Has only those looked at. */
void search_narrow(struct session *s, struct search_key *key, const struct sequence *scope);
/* The messages of the selected mailbox that the key means, ascending; those that go meanwhile are passed over. */
enum store_status search_run(struct session *s, const struct search_key *key, struct search_found *f, struct err *err);

/* The answer, "* SEARCH", "* SORT" or "* ESEARCH", and what is to be saved is. f's numbers are used up. */
void search_tell(struct session *s, const struct search_request *r, const char *word, struct search_found *f);
/* Where a SEARCH RETURN (SAVE) fails, nothing is saved (RFC 5182 section 2.1). */
void search_forget_saved(struct session *s);

#endif
