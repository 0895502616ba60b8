/* fuzz: imapd */
/* What is put into a block of the search index comes out the same; what is in it is never left out by a filter; fuzzy
 * matching takes what is there as it is. */
#include "imap/fuzzy.h"
#include "imap/match.h"
#include "index/block.h"
#include "index/filter.h"

#include <endian.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition) {
    if (!condition)
        abort();
}

/* Each piece a section, folded, as index_text() makes them. */
static void fill(struct str rest, struct buf *room, struct block_email *e) {
    size_t end[SEARCHED_SECTIONS] = {0}, from = 0;
    struct str piece;
    for (int i = 0; i < SEARCHED_SECTIONS; i++) {
        if (str_split(&rest, '\n', &piece)) {
            match_fold(piece, room);
            buf_add_byte(room, 0);
        }
        end[i] = room->n;
    }
    for (int i = 0; i < SEARCHED_SECTIONS; i++) {
        e->section[i] = str_n(room->p + from, end[i] - from);
        from = end[i];
    }
    e->known = true;
}

static void check_filter(const struct block *b, struct str needle) {
    static uint64_t filter[FILTER_HASHES];
    uint32_t hash[FILTER_MAX];
    if (str_find(b->text, needle) < 0)
        return;
    memset(filter, 0, sizeof filter);
    filter_add(filter, 5, b->text);
    size_t n = filter_hashes(needle, hash);
    require(n <= FILTER_MAX && (n > 0) == (needle.n >= 3));
    for (size_t i = 0; i < n; i++)
        require(le64toh(filter[hash[i]]) == UINT64_C(1) << 5);
}

static void check_fuzzy(struct arena *a, struct str needle, struct str text) {
    const struct fuzzy *f = fuzzy_make(a, needle);
    struct fuzzy_found found = {0};
    if (!f)
        return;
    fuzzy_look(f, text, &found);
    unsigned score = fuzzy_score(f, &found);
    require(score <= 100 && (score > 0 || str_find(text, needle) < 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena arena = ARENA_EMPTY;
    struct buf room = BUF_EMPTY, packed = BUF_EMPTY;
    struct block_builder builder = {0};
    struct block block = {0};
    struct block_email e = {0}, none = {0};
    struct str rest = str_n(data, size), first;
    if (!str_split(&rest, '\n', &first) || str_chr(first, 0) >= 0)
        return 0;
    struct needle needle = match_needle(&arena, first);
    buf_reserve(&room, 1);
    fill(rest, &room, &e);
    block_add(&builder, 7, &e);
    block_add(&builder, 8, &none);
    block_add(&builder, 9, &e);
    block_pack(&builder, &packed);
    require(block_unpack(&block, buf_str(&packed), 3) && block.email[0].known && !block.email[1].known);
    for (int i = 0; i < SEARCHED_SECTIONS; i++) {
        require(str_eq(block.email[0].section[i], e.section[i]) && str_eq(block.email[2].section[i], e.section[i]));
        check_fuzzy(&arena, needle.folded, e.section[i]);
    }
    check_filter(&block, needle.folded);
    require(!block_unpack(&block, buf_str(&packed), 2));
    block_unpack(&block, str_n(data, size), 1); /* what is no block */
    block_free(&builder), block_close(&block);
    buf_free(&room), buf_free(&packed);
    arena_free(&arena);
    return 0;
}
