/*
 * parse: the tokens of an IMAP command (RFC 3501 section 9, RFC 9051 section 9). A parser walks over one complete
 * command, its literals in place and its line end included. Strings it gives point into the command, or into the arena
 * where quoting had to be undone.
 *
 * Every function takes its token and moves on, or returns false: then the parser stands where the fault is and `error`
 * says what was expected, for the BAD reply.
 */
#ifndef IMAP_PARSE_H
#define IMAP_PARSE_H

#include "base/memory.h"
#include "base/str.h"
#include "store/store.h"

enum parse_limit {
    PARSE_MAX_DEPTH = 50,     /* of lists in lists: search keys */
    PARSE_MAX_KEYWORDS = 100, /* in one flag list */
    PARSE_MAX_KEYWORD_BYTES = 100,
    PARSE_MAX_NAME_BYTES = 1000, /* of a mailbox's name in UTF-8 */
};

struct parser {
    struct str in;
    size_t at;
    struct arena *arena;
    const char *error; /* NULL: none yet */
    bool unavailable;  /* the error is not the client's: the store is away */
    bool utf8;         /* UTF8=ACCEPT is in force (RFC 6855): names are UTF-8 as they stand */
    bool uid_only;     /* UIDONLY is (RFC 9586): sequence numbers are errors */
};

/* Sets the error, unless there is one, and returns false. */
bool parse_fail(struct parser *p, const char *error);
/* Where sequence numbers stand: false with UIDONLY. */
bool parse_numbers_allowed(struct parser *p);
/* The next byte, or 0 at the end. */
static inline char parse_peek(const struct parser *p) { return p->at < p->in.n ? p->in.p[p->at] : 0; }
bool parse_byte(struct parser *p, char c);
bool parse_space(struct parser *p);
bool parse_end(struct parser *p);                        /* the line end, with nothing behind it */
bool parse_skip_word(struct parser *p, struct str word); /* `word` in any case; without an error: just false */

/* "(" one *(SP one) ")": `one` takes each of them, and gets `x`. */
bool parse_parenthesized(struct parser *p, bool (*one)(struct parser *p, void *x), void *x);

bool parse_tag(struct parser *p, struct str *tag);
bool parse_atom(struct parser *p, struct str *atom);      /* 1*ATOM-CHAR */
bool parse_string(struct parser *p, struct str *s);       /* quoted or literal */
bool parse_astring(struct parser *p, struct str *s);      /* 1*ASTRING-CHAR, quoted or literal */
bool parse_list_mailbox(struct parser *p, struct str *s); /* the same, and the wildcards % and * */
bool parse_literal8(struct parser *p, struct str *s);     /* "~{size}": any bytes (RFC 3516) */
bool parse_nstring(struct parser *p, struct str *s);      /* string, or NIL: p NULL */
bool parse_number(struct parser *p, uint32_t *n);
bool parse_number64(struct parser *p, uint64_t *n); /* up to 2^63 - 1 (RFC 7162 section 7) */
/* A mailbox's name to the UTF-8 of the store; "INBOX" where it says inbox in any case, also as the first level. */
bool parse_mailbox(struct parser *p, struct str *name);
/* The same; as_given: what the client wrote for it, in UTF-8. */
bool parse_mailbox_as_given(struct parser *p, struct str *name, struct str *as_given);

struct flags {
    uint32_t system; /* enum store_flag */
    struct str *keyword;
    size_t count;
};
bool parse_flag(struct parser *p, struct flags *flags);      /* adds one flag; keywords are in the arena */
bool parse_flag_list(struct parser *p, struct flags *flags); /* in parentheses */
/* Flags for STORE: in parentheses or bare. */
bool parse_store_flags(struct parser *p, struct flags *flags);

/* Sequence numbers or UIDs as given: 0 stands for "*", first may be greater than last. */
struct sequence {
    struct uid_range *range;
    size_t count;
    bool saved; /* "$": what the last SEARCH kept (RFC 5182); session_messages() puts it in */
};
bool parse_sequence(struct parser *p, struct sequence *s);
struct sequence sequence_copy(const struct sequence *s, struct arena *a);
/* The same as ascending ranges that neither overlap nor touch, within [1, last]: "*" is `last`; empty where last is 0.
 */
void sequence_resolve(struct sequence *s, uint32_t last);

bool parse_date(struct parser *p, int64_t *day);    /* "1-Feb-2026", quoted or not; days since 1970 */
bool parse_date_time(struct parser *p, int64_t *t); /* "01-Feb-2026 12:00:00 +0100"; microseconds */

/* Whether a command's line so far (without line end) announces a literal; its size, and whether it comes without our
 * asking for it (LITERAL+, RFC 7888). The parser's side of it: skip that many bytes behind the line end. */
bool parse_literal_announced(struct str line, uint64_t *size, bool *unasked);

#endif
