/* command: runs a program of another package with arguments, no shell between, and waits for it some time. */
#ifndef DNS_COMMAND_H
#define DNS_COMMAND_H

#include "base/err.h"
#include "base/str.h"

/* Runs argv[0] (an absolute path) with standard output and error appended to `output` (at most 16 KiB of it). The exit
 * status, or -1 with err set where it could not be run, was killed, or took longer (it is then killed). */
int command_run(char *const argv[], int timeout_ms, struct buf *output, struct err *err);

#endif
