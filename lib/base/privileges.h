/*
 * privileges: what a daemon gives up for good once its sockets are bound, before it talks to anybody: root, new
 * privileges by set-user-id programs, and a set of system calls that no daemon of ours needs and every intruder does
 * (running programs, tracing processes, mounting, loading code into the kernel). Call before the first thread.
 */
#ifndef BASE_PRIVILEGES_H
#define BASE_PRIVILEGES_H

#include "base/err.h"

/* Becomes `user` with its groups where the process runs as root and user is not "" (or NULL); then the rest in any
 * case. */
bool privileges_drop(const char *user, struct err *err);
/* The same, but running programs stays allowed: for the one daemon that controls another server by its own program. */
bool privileges_drop_but_exec(const char *user, struct err *err);

#endif
