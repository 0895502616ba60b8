/*
 * lease: what an owner holds of the queue.
 */
#ifndef QUEUE_LEASE_H
#define QUEUE_LEASE_H

#include "base/err.h"
#include "db/db.h"

/* Gives up all leases under this name: of a process that is gone, or of what will not be tried. */
bool lease_release(struct db *db, const char *owner, struct err *err);

#endif
