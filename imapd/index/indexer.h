/*
 * indexer: the thread that keeps the search index (sql/0020_search_index.sql) of all accounts. It hears of mail that
 * came or went by the notifications that all have, looks for itself when it starts and every ten minutes, and works on
 * one account after another, in small transactions, for half of the time at most and at a low priority.
 *
 * Several imapds share the work: who has the lock on an account's row in search_account works on it. The lock goes with
 * the connection, and what a transaction did is there whole or not at all, so that the work may end at any moment and
 * goes on from there, here or elsewhere.
 */
#ifndef INDEX_INDEXER_H
#define INDEX_INDEXER_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

struct indexer;
struct store;

struct indexer *indexer_start(struct store *store, const char *conninfo, struct err *err);
void indexer_stop(struct indexer *x); /* waits for the transaction under way; NULL is fine */
/* A search missed an email that should be in the index: it was committed late. NULL is fine. */
void indexer_missing(struct indexer *x, int64_t account, int64_t email);
/* Appends the metrics. */
void indexer_gauges(struct buf *out);

#endif
