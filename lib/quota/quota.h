/*
 * quota: telling people that their mailbox is nearly full. Quota itself is enforced by lib/store with each commit that
 * adds mail; this follows those commits and sends a mail into the INBOX when one of the percentages of the setting
 * quota.warnings is passed upwards: once, and again only after the mailbox was below it in between. What was told is in
 * account_usage.warned, for all processes together.
 *
 * 100 percent is a mailbox that takes no more: it is at its quota, or mail was refused for want of room while the
 * percentage before the last was passed. Once told, that holds until the mailbox is below the percentage before.
 *
 * What commits do not show (a quota that was lowered, mail that was deleted, a process that died before it could tell)
 * is found by a look at all accounts now and then.
 */
#ifndef QUOTA_QUOTA_H
#define QUOTA_QUOTA_H

#include "base/err.h"
#include "base/memory.h"
#include "base/str.h"

struct db;
struct directory;
struct store;
struct quota_warner;

/* Follows the store's commits (store_on_filled()) with a thread of its own. hostname: for Message-IDs. */
struct quota_warner *quota_warner_start(struct db *db, struct directory *directory, struct store *store,
                                        const char *hostname, struct err *err);
/* Once nobody commits any more. */
void quota_warner_stop(struct quota_warner *w);

/* ---- the rules, for themselves ---- */

enum { QUOTA_MAX_LEVELS = 10 };
struct quota_levels {
    int16_t percent[QUOTA_MAX_LEVELS]; /* ascending, 1 to 100 */
    size_t count;
};
/* "80 95 100". False with err: it is something else. Empty: no levels. */
bool quota_levels_parse(struct str text, struct quota_levels *out, struct err *err);

/* What is known of an account. */
struct quota_state {
    int64_t percent;        /* of what it may hold */
    int64_t percent_before; /* the lowest since the last look; percent, where nothing was seen */
    bool refused;           /* mail did not fit */
    int16_t warned;         /* the level that was told last, 0: none */
};
/* The level to be remembered as told; *tell: it has to be told now. */
int16_t quota_next_level(const struct quota_levels *levels, const struct quota_state *s, bool *tell);

struct quota_words {
    struct str address, name;
    int64_t percent;
    struct str used, limit;
};
/* Fills in "{address}", "{name}", "{percent}", "{used}" and "{limit}"; "\n" becomes CR LF. */
void quota_fill_in(struct str text, const struct quota_words *w, struct buf *out);

#endif
