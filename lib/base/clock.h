/*
 * clock: time. Instants are microseconds since 1970-01-01 UTC in an int64_t; durations are named by their unit.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/str.h"

#include <stdint.h>

#define CLOCK_SECOND INT64_C(1000000)

int64_t clock_now(void);                        /* wall clock, microseconds */
int64_t clock_monotonic(void);                  /* never steps back, microseconds, for timeouts */
void clock_rfc5322(int64_t t, struct buf *out); /* "Sat, 01 Mar 2026 12:00:00 +0000" (RFC 5322 section 3.3) */

#endif
