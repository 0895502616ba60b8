/*
 * filter: which of 64 blocks may contain a needle, without reading them. For each three bytes in a row, hashed to 16
 * bits, a filter has 64 bits: the blocks in which they are. A needle's blocks are among those that have all of its
 * threes; others certainly don't contain it.
 */
#ifndef INDEX_FILTER_H
#define INDEX_FILTER_H

#include "base/str.h"

enum { FILTER_SLOTS = 64, FILTER_HASHES = 1 << 16, FILTER_BYTES = FILTER_HASHES * 8, FILTER_MAX = 16 };

/* Bytes as they are stored: words of 64 bits, little endian. */
void filter_add(uint64_t *filter, unsigned slot, struct str text);
void filter_add_all(uint64_t *filter, unsigned slot); /* the block may have anything */
/* Up to FILTER_MAX different hashes of a needle's threes, as far apart as may be; 0 where it is shorter. */
size_t filter_hashes(struct str needle, uint32_t *hash);

#endif
