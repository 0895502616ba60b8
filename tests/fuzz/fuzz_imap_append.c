/* fuzz: imapd */
/* The arguments of APPEND in pieces, as they come between literals: every message that ends has begun, none begins
 * within another, and a piece that is not taken changes nothing. */
#include "imap/append_parse.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void follow(const struct append_step *step, size_t count, bool *open) {
    for (size_t i = 0; i < count; i++) {
        if ((step[i].kind == APPEND_MESSAGE) == *open)
            abort();
        if (step[i].kind == APPEND_MESSAGE)
            *open = true;
        else if (step[i].kind == APPEND_CLOSE)
            *open = false;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena arena = ARENA_EMPTY;
    struct append_syntax syntax = {.single = size && data[0] & 1};
    struct str rest = str_n(data, size);
    bool open = false;
    while (rest.n) { /* pieces end with a line end here */
        struct append_syntax before = syntax;
        ptrdiff_t newline = str_chr(rest, '\n');
        size_t n = newline < 0 ? rest.n : (size_t)newline + 1;
        struct parser p = {.in = str_sub(rest, 0, n), .arena = &arena, .utf8 = data[0] & 2};
        struct append_step *step;
        size_t count;
        bool binary;
        enum append_stop stop = append_parse(&p, &syntax, &step, &count, &binary);
        if (p.at > p.in.n || (stop == APPEND_BAD) != (p.error != NULL))
            abort();
        if (stop < APPEND_LITERAL && memcmp(&before, &syntax, sizeof syntax) != 0)
            abort();
        if (stop >= APPEND_LITERAL)
            follow(step, count, &open);
        if (open != syntax.open || (stop == APPEND_LITERAL && !open) || (stop == APPEND_END && open))
            abort();
        if (stop == APPEND_BAD || stop == APPEND_END)
            break;
        rest = str_sub(rest, n, rest.n);
    }
    arena_free(&arena);
    return 0;
}
