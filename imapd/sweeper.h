/* sweeper: a thread that now and then has the store delete what nothing names any more. */
#ifndef SWEEPER_H
#define SWEEPER_H

struct store;
struct sweeper;

struct sweeper *sweeper_start(struct store *store);
void sweeper_stop(struct sweeper *s); /* waits for the piece of work under way */

#endif
