/*
 * progress: how far long work is: messages, bytes, rate and the time left. On a terminal one line that is written over;
 * otherwise a line now and then, the first after some seconds, so that short work says nothing. Safe for all threads.
 */
#ifndef MOVE_PROGRESS_H
#define MOVE_PROGRESS_H

#include "base/str.h"

#include <stdio.h>

struct progress;

struct progress *progress_start(FILE *to, const char *what /* "Importing" */);
/* So much more there is to do. */
void progress_expect(struct progress *p, uint64_t messages, uint64_t bytes);
/* So much more was done. */
void progress_add(struct progress *p, uint64_t messages, uint64_t bytes);
/* Removes the line, and gives the seconds that it took. */
double progress_end(struct progress *p);

/* What the line says, for tests: done and expected, `seconds` since it began; columns: where it is a bar's. */
void progress_line(const char *what, uint64_t done, uint64_t expected, uint64_t bytes, uint64_t expected_bytes,
                   double seconds, int columns, struct buf *out);
/* "1.4 GB" */
void progress_bytes(uint64_t bytes, struct buf *out);

#endif
