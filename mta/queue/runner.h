/*
 * runner: sends what is in the queue. One thread claims what is due, under leases that another extends; a pool of
 * threads sends, a limited number for each destination, and several messages over one session. A destination where
 * nobody can be reached is left alone for a while.
 */
#ifndef QUEUE_RUNNER_H
#define QUEUE_RUNNER_H

#include "base/err.h"
#include "mta.h"

struct runner;

/* owner: from owner_take. Does nothing before runner_start. */
struct runner *runner_new(const struct mta *m, const char *owner);
/* Gives up leases that are found under its name, and begins. False only where threads can't be made. */
bool runner_start(struct runner *r, struct err *err);
/* Something was put into the queue, or changed. Any thread; cheap; NULL is fine. */
void runner_wake(struct runner *r);
/* Somebody wants it now: destinations where nobody could be reached a moment ago are tried again, too. */
void runner_retry(struct runner *r);
/* Claims nothing more, and sends what it has: another process goes on with the queue. runner_stop() is still to be
 * called. */
void runner_leave(struct runner *r);
/* Claims nothing more, waits at most grace_ms for what is being sent, and gives back the rest. False: some are
 * still being sent, and use what they were given. */
bool runner_stop(struct runner *r, int grace_ms);

#endif
