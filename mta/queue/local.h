/*
 * local: addresses here, of a message that was kept for a while (RFC 4865): when its time has come it is delivered from
 * the queue, by what the directory says then.
 */
#ifndef QUEUE_LOCAL_H
#define QUEUE_LOCAL_H

#include "client/client.h"
#include "dsn/dsn.h"
#include "store/queue.h"

/* Delivers to those of the job's recipients that are addresses here, aliases followed; what leads elsewhere is queued
 * as a message of its own. Each recipient is settled as if a server had replied; success[i] is what the sender may hear
 * of it. Should this process die before that is recorded, the message is delivered again. */
void local_deliver(const struct mta *m, struct arena *a, const struct queue_job *job,
                   struct client_recipient *recipient, enum dsn_action *success);

#endif
