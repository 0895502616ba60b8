/* quantity: sizes and times as people write them in settings: "50M", "90s". False: it is none, or too large. */
#ifndef BASE_QUANTITY_H
#define BASE_QUANTITY_H

#include "base/str.h"

/* "10", "4k", "50M", "2G" */
bool quantity_bytes(struct str text, uint64_t *bytes);
/* "90s", "5m", "1h", "5d", or "0" */
bool quantity_duration(struct str text, int64_t *microseconds);

#endif
