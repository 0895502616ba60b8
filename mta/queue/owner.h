/*
 * owner: the name under which this node takes leases on the queue. It stays the same over restarts, and a lock on its
 * file makes sure that only one process bears it: so leases under it that are found at the start are of a process that
 * died.
 */
#ifndef QUEUE_OWNER_H
#define QUEUE_OWNER_H

#include "base/err.h"

enum { OWNER_BYTES = 320 };

/* Takes the name that `state`/mta.owner holds (made when it is first needed), and keeps the file locked for as long as
 * the process lives. False: another process has it. */
bool owner_take(const char *state, const char *hostname, char owner[OWNER_BYTES], struct err *err);

#endif
