/*
 * job: one attempt at one message for one destination: to whom to connect, what they said, and what follows from that
 * for each recipient: done, later, or back to the sender.
 */
#ifndef QUEUE_JOB_H
#define QUEUE_JOB_H

#include "client/client.h"
#include "mta.h"
#include "store/queue.h"

struct job_outcome {
    bool destination_down;       /* nobody there could be reached: others for it need not try at once */
    struct client_reply trouble; /* why; strings in the arena */
    int64_t next_attempt_at;     /* of the first recipient that has to wait; INT64_MAX: none */
};

/* Makes the attempt and records it. *client is a session with the destination, or NULL; what is left there can serve
 * the next job for the same destination. `down`, where it is not NULL, is why nobody can be reached, found out a moment
 * ago: then it is not tried. Blocks until what happened is recorded, or *stopping. */
void job_run(const struct mta *m, struct arena *a, const struct queue_job *job, const char *owner,
             struct client **client, const struct client_reply *down, const bool *stopping,
             struct job_outcome *outcome);

#endif
