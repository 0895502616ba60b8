/*
 * block: the searched text of some emails, folded (imap/match.h) and packed for one row of search_block.
 *
 * An email has its sections (imap/searched.h) one behind the other. A section is its texts, each with a NUL behind it:
 * no needle has a NUL, so what is found in a section is found in one of its texts. Unpacked, a block begins with the
 * number of emails and eight lengths for each (32 bits, little endian).
 */
#ifndef INDEX_BLOCK_H
#define INDEX_BLOCK_H

#include "imap/searched.h"

enum {
    INDEX_VERSION = 1,           /* to be raised when folding or what is searched changes */
    BLOCK_BYTES = 128 << 10,     /* with so much text a block is whole */
    BLOCK_EMAILS = 512,          /* or with so many emails */
    BLOCK_EMAIL_BYTES = 4 << 20, /* of one email; with more it is read when it is searched */
};

struct block_email {
    bool known; /* false: it has to be read */
    struct str section[SEARCHED_SECTIONS];
};

/* ---- filling ---- */

struct block_builder {
    int64_t *email;
    uint32_t (*length)[SEARCHED_SECTIONS];
    size_t count, room;
    struct buf text;
};
void block_add(struct block_builder *b, int64_t email, const struct block_email *e);
bool block_whole(const struct block_builder *b);
void block_pack(const struct block_builder *b, struct buf *out); /* appends */
void block_reset(struct block_builder *b);
void block_free(struct block_builder *b);

/* ---- reading ---- */

struct block {
    struct buf raw;
    size_t count;
    struct str text; /* of all emails */
    struct block_email *email;
    size_t room;
};
/* Unpacks what block_pack() made of `count` emails. False: it is none. The struct is zeroed first, and used again. */
bool block_unpack(struct block *b, struct str packed, size_t count);
void block_close(struct block *b);

#endif
