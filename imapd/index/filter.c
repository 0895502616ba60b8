#include "index/filter.h"

#include <endian.h>

static uint32_t hash_of(const unsigned char *p) {
    uint32_t three = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
    return three * 2654435761u >> 16;
}

void filter_add(uint64_t *filter, unsigned slot, struct str text) {
    const unsigned char *p = (const unsigned char *)text.p;
    uint64_t bit = htole64(UINT64_C(1) << slot);
    for (size_t i = 0; i + 3 <= text.n; i++)
        filter[hash_of(p + i)] |= bit;
}

void filter_add_all(uint64_t *filter, unsigned slot) {
    for (size_t i = 0; i < FILTER_HASHES; i++)
        filter[i] |= htole64(UINT64_C(1) << slot);
}

size_t filter_hashes(struct str needle, uint32_t *hash) {
    size_t threes = needle.n < 3 ? 0 : needle.n - 2, take = threes < FILTER_MAX ? threes : FILTER_MAX, n = 0;
    for (size_t i = 0; i < take; i++) {
        uint32_t h = hash_of((const unsigned char *)needle.p + i * threes / take);
        bool again = false;
        for (size_t k = 0; k < n; k++)
            again = again || hash[k] == h;
        if (!again)
            hash[n++] = h;
    }
    return n;
}
