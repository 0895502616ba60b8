#include "route/full.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/store.h"

#include <stdatomic.h>

enum { SLOTS = 4096 };
#define LIFE (60 * CLOCK_SECOND)

/* A slot holds the account noted last of all that fall on it; forgetting one costs a delivery attempt and nothing else.
 */
static struct { _Atomic int64_t account_id, until; } noted[SLOTS];

void full_note(int64_t account_id) {
    size_t i = (uint64_t)account_id % SLOTS;
    atomic_store(&noted[i].until, clock_monotonic() + LIFE);
    atomic_store(&noted[i].account_id, account_id);
}

static bool failed_lately(const struct directory_target *t) {
    size_t i = (uint64_t)t->account_id % SLOTS;
    return atomic_load_explicit(&noted[i].account_id, memory_order_relaxed) == t->account_id &&
           atomic_load(&noted[i].until) >= clock_monotonic();
}

enum full full_check(const struct mta *m, const struct directory_target *t, uint64_t size) {
    uint64_t bytes, messages, quota = t->quota_bytes < 0 ? UINT64_MAX : (uint64_t)t->quota_bytes;
    uint64_t number = t->quota_messages ? (uint64_t)t->quota_messages : UINT64_MAX;
    struct err err;
    if (size > quota)
        return FULL_NEVER_FITS;
    if ((quota == UINT64_MAX && number == UINT64_MAX) || (size <= quota / 64 && !failed_lately(t)))
        return FULL_NOT;
    enum store_status status = store_usage(m->store, t->account_id, &bytes, &messages, &err);
    if (status != STORE_OK)
        log_warn("cannot look up what account %lld uses: %s", (long long)t->account_id, err.text);
    if (status != STORE_OK || (bytes < quota && size <= quota - bytes && messages < number))
        return FULL_NOT;
    store_refused(m->store, t->account_id, (struct store_quota){t->quota_bytes, t->quota_messages}, bytes, messages);
    return FULL_NOW;
}
