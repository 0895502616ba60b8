/*
 * sweeper: a thread that now and then has the store remove what was in its folder long enough, forget what can't be
 * brought back any more, and delete what nothing names.
 */
#ifndef SWEEPER_H
#define SWEEPER_H

struct store;
struct sweeper;

struct sweeper *sweeper_start(struct store *store, int every_seconds);
void sweeper_stop(struct sweeper *s); /* waits for the piece of work under way */

#endif
