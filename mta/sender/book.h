/*
 * book: what the directory keeps about a domain for the checks of senders and for signing: what follows from a sender
 * that is not proved (table sender_policy), and the keys by which the domain's own mail is signed (dkim_key), parsed.
 * Kept a short time, and dropped at once when the directory changes. Safe for all threads.
 */
#ifndef SENDER_BOOK_H
#define SENDER_BOOK_H

#include "base/memory.h"
#include "dkim/dkim.h"
#include "mta.h"

struct book;

struct book *book_new(const struct mta *m);
void book_free(struct book *b);

/* What follows, from the mildest on. */
enum sender_action { SENDER_IGNORE, SENDER_TAG, SENDER_JUNK, SENDER_REJECT };

struct sender_policy {
    enum sender_action dmarc_reject, dmarc_quarantine, spf_fail;
    const struct str *trusted; /* sealers */
    size_t trusted_count;
};

struct book_key {
    struct str selector;
    struct dkim_key *key;
};

/* A domain's page: as it was when it was read, until it is given back. */
struct page {
    struct str domain;
    struct sender_policy policy;
    const struct book_key *key; /* that sign; RSA first, which every verifier knows */
    size_t keys;
};

/* The page of a domain (lower-case A-labels; one that is not hosted here has the installation's policy and no keys).
 * NULL: PostgreSQL is away. Give it back. */
const struct page *book_open(struct book *b, struct str domain);
void book_close(struct book *b, const struct page *page);

#endif
