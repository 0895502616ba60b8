/*
 * log_level: what the log tells, set while the programs run: the setting log.level is obeyed at once, in all of them
 * (see log_follow). A thread and a connection of its own, which wait for word of changed settings.
 */
#ifndef DIRECTORY_LOG_LEVEL_H
#define DIRECTORY_LOG_LEVEL_H

#include "base/err.h"

struct log_follower;

/* NULL: the thread can't be started. */
struct log_follower *log_level_follow(const char *conninfo, struct err *err);
void log_level_stop(struct log_follower *l); /* NULL is fine */

#endif
