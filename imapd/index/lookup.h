/*
 * lookup: what the search index says of messages. All is read in one snapshot of the database: which blocks the
 * account's emails are in, by the filters which of them can have what is looked for, and of those the text.
 */
#ifndef INDEX_LOOKUP_H
#define INDEX_LOOKUP_H

#include "imap/fuzzy.h"
#include "imap/match.h"
#include "imap/searched.h"

struct db;

enum { LOOKUP_MAX_KEYS = 32, LOOKUP_SCORES = 4 };

/* One thing to look for. */
struct lookup_key {
    unsigned sections; /* 1 << SEARCHED_FROM ... */
    struct str field;  /* p not NULL: of SEARCHED_HEADER only the fields of this name */
    struct needle needle;
    const struct fuzzy *fuzzy; /* not NULL: inexact; prefixes of messages are not looked at */
    unsigned scored;           /* its place among the scores, from 1; 0: none */
};

/* Of one message; bit i is key i. */
struct lookup_answer {
    uint32_t known, yes; /* what is not known has to be read */
    uint8_t score[LOOKUP_SCORES];
};

struct lookup {
    struct db *db;
    int64_t account, mailbox;
    const struct lookup_key *key;
    size_t keys;
    const uint32_t *uid; /* of the messages, ascending */
    size_t count;
    /* Whether messages have to be looked at more closely of which only this is known: these keys are not in them. */
    bool (*open)(void *context, uint32_t known_no);
    void *context;
    /* results */
    struct lookup_answer *answer; /* zeroed by the caller */
    int64_t missing;              /* the first email that should be in the index and is not; 0: none */
};

/* False with err: the answers so far are good. */
bool lookup_run(struct lookup *l, struct err *err);

#endif
