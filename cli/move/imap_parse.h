/*
 * imap_parse: what an IMAP server answers (RFC 3501 section 9, RFC 9051), as far as a migration needs it. A response is
 * one piece of memory: its line, with each literal's bytes behind the line end that announces it. Nothing of it is
 * trusted: what can't be read gives false, never a read out of bounds.
 */
#ifndef MOVE_IMAP_PARSE_H
#define MOVE_IMAP_PARSE_H

#include "base/memory.h"

/* The literal that a line ends with: "{12}", "{12+}", "~{12}"; its size. False: none. */
bool imap_literal_at_end(struct str line, uint64_t *size);

/* Takes the next word (an atom; "BODY[...]" is one) or white space from *in. */
bool imap_atom(struct str *in, struct str *out);
bool imap_skip(struct str *in, char c); /* this byte, if it is the next */
/* An atom, a quoted string or a literal; NIL is p NULL. Strings with escapes are in the arena. */
bool imap_nstring(struct arena *a, struct str *in, struct str *out);
/* Passes over any value: string, atom, or a list with whatever is in it (at most so many levels). */
bool imap_skip_value(struct str *in);

/* "(FLAGS) "." NAME": behind "* LIST " or "* LSUB ". */
struct imap_list {
    bool no_select, subscribed, left_out; /* left_out: \All, \Flagged, \Important */
    struct str special_use;               /* p NULL: none */
    char delimiter;                       /* 0: none */
    struct str name;                      /* as on the wire */
};
bool imap_read_list(struct arena *a, struct str in, struct imap_list *out);

/* "(...)" behind "* 12 FETCH ". */
struct imap_fetch {
    uint32_t uid; /* 0: not said */
    bool has_flags, has_body;
    uint32_t flags; /* enum store_flag */
    struct str *keyword;
    size_t keyword_count;
    int64_t date;  /* 0: not said */
    uint64_t size; /* 0: not said */
    struct str body;
};
bool imap_read_fetch(struct arena *a, struct str in, struct imap_fetch *out);

/* Prefixes of one of the three lists behind "* NAMESPACE ". */
struct imap_namespaces {
    struct str personal[8], others[16];
    size_t personals, other_count;
};
bool imap_read_namespaces(struct arena *a, struct str in, struct imap_namespaces *out);

/* "01-Jan-2020 12:00:00 +0100"; 0 where it is none. */
int64_t imap_read_date(struct str s);

#endif
