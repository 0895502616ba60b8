/* fuzz: imapd */
/* Sequence sets: what comes out is ascending, apart, and within bounds. The first byte is the highest number. */
#include "imap/parse.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    struct arena arena = ARENA_EMPTY;
    struct parser p = {.in = str_n(data + 1, size - 1), .arena = &arena};
    struct sequence s;
    uint32_t last = data[0] == 255 ? UINT32_MAX : data[0];
    if (parse_sequence(&p, &s)) {
        sequence_resolve(&s, last);
        for (size_t i = 0; i < s.count; i++) {
            if (s.range[i].first == 0 || s.range[i].first > s.range[i].last || s.range[i].last > last)
                abort();
            if (i && (uint64_t)s.range[i - 1].last + 1 >= s.range[i].first)
                abort();
        }
    }
    arena_free(&arena);
    return 0;
}
