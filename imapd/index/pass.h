/*
 * pass: one transaction's work on the index of one account: text of emails that are gone is taken out, new emails are
 * put in, and when there are enough whole blocks they get a filter.
 */
#ifndef INDEX_PASS_H
#define INDEX_PASS_H

#include "base/err.h"

#include <stdint.h>

struct db;
struct store;

enum pass_result {
    PASS_DONE,   /* nothing left */
    PASS_MORE,   /* call again */
    PASS_LATER,  /* there are emails so young that others may still come in front of them; or another node is at it */
    PASS_FAILED, /* err says why */
};

/* missing: an email id that is to be looked for again, 0: none. *indexed: emails that were put in. */
enum pass_result index_pass(struct store *store, struct db *db, int64_t account, int64_t missing, uint64_t *indexed,
                            struct err *err);

#endif
