/* notification: tells the message trace of a notification that this server wrote. */
#ifndef TRACE_NOTIFICATION_H
#define TRACE_NOTIFICATION_H

#include "route/plan.h"

/* It was stored as `plan` says; id: its own, where some of it is in the queue, else 0. */
void notification_trace(const struct mta *m, int64_t id, const struct plan *plan);

#endif
