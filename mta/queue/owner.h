/*
 * owner: the name under which this node takes leases on the queue. It stays the same over restarts, and a lock on its
 * file makes sure that only one process bears it: so leases under it that are found at the start are of a process that
 * died.
 */
#ifndef QUEUE_OWNER_H
#define QUEUE_OWNER_H

#include "base/err.h"

enum { OWNER_BYTES = 320 };

/* A name of its own for a process that takes over from one that bears the other name and still sends: leases under it
 * are left to expire where this process dies. */
void owner_beside(const char *hostname, char owner[OWNER_BYTES]);

/* Takes the name that `state`/mta.owner holds (made when it is first needed), and keeps the file locked for as long as
 * the process lives. False: another process has it. */
bool owner_take(const char *state, const char *hostname, char owner[OWNER_BYTES], struct err *err);

#endif
