/* fuzz: imapd */
/* Search programs: parsed, bounded in depth, the cheap keys first. */
#include "imap/search.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct search_key *k, int depth) {
    if (depth > 2 * PARSE_MAX_DEPTH + 4)
        abort();
    enum search_cost before = COST_VIEW;
    for (const struct search_key *child = k->child; child; child = child->next) {
        if (child->cost < before || child->cost > k->cost)
            abort();
        before = child->cost;
        check(child, depth + 1);
    }
    if (k->needle.folded.n) {
        struct buf scratch = BUF_EMPTY;
        match_contains(&k->needle, STR("Some text with gr\xc3\xbc\xc3\x9f"), &scratch);
        buf_free(&scratch);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena arena = ARENA_EMPTY;
    struct parser p = {.in = str_n(data, size), .arena = &arena};
    struct search_request r;
    if (search_parse(&p, &r))
        check(r.key, 0);
    else if (!p.error)
        abort();
    arena_free(&arena);
    return 0;
}
