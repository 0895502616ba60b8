/*
 * cards: what FETCH needs of a message beyond the view (store_cards), kept in memory for all sessions. A card never
 * changes, so an entry is good until it is pushed out by others; the account is part of its key.
 */
#ifndef VIEW_CARDS_H
#define VIEW_CARDS_H

#include "store/store.h"

#include <stdatomic.h>

struct cards;

/* One message's; shared, immutable. */
struct card {
    atomic_uint refs;
    int64_t account, mailbox;
    struct store_card of; /* its strings lie behind this struct */
    struct card *next_in_slot, *newer, *older;
    size_t bytes;
};

struct cards *cards_new(struct store *store, size_t max_bytes);
void cards_free(struct cards *c);
/* The cards of the messages with these UIDs, ascending: from memory, the others in one question to the store. out[i] is
 * NULL where the message is gone. Each has to be given back by card_release(). */
enum store_status cards_get(struct cards *c, int64_t account, int64_t mailbox, const uint32_t *uid, size_t count,
                            struct card **out, struct err *err);
void card_release(struct card *card); /* NULL is fine */

#endif
