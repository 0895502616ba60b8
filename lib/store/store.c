#include "store/store_internal.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

const struct db_statement STORE_BEGIN = {"store_begin", "BEGIN"};
const struct db_statement STORE_COMMIT = {"store_commit", "COMMIT"};

struct store *store_open(struct db *db, const char *conninfo, const struct blob_options *blobs, struct err *err) {
    struct blob_store *b = blob_open(blobs, err);
    if (!b)
        return NULL;
    struct db_notifier *notifier = db_notifier_new(conninfo, "mailbox", err);
    if (!notifier) {
        blob_close(b);
        return NULL;
    }
    struct store *s = mem_zero(sizeof *s);
    s->db = db;
    s->conninfo = str_dup(str_of(conninfo));
    s->blobs = b;
    s->notifier = notifier;
    random_bytes(&s->origin, sizeof s->origin);
    store_deliver_init(s);
    store_flags_init(s);
    pthread_mutex_init(&s->inbox_lock, NULL);
    return s;
}

void store_close(struct store *s) {
    if (!s)
        return;
    db_listener_stop(s->listener);
    db_notifier_stop(s->notifier);
    blob_close(s->blobs);
    line_destroy(&s->deliveries);
    line_destroy(&s->flags);
    pthread_mutex_destroy(&s->inbox_lock);
    free(s->conninfo);
    free(s);
}

enum store_status store_failed(struct err *err) {
    log_warn("store: %s", err->text);
    return STORE_TEMPORARY;
}

/* Ids: microseconds since 2020 in the upper bits, ten bits of the process's own below: 2^63 is reached in 2305. */
static const int64_t EPOCH = INT64_C(1577836800000000);

int64_t store_id_at(int64_t time) { return time <= EPOCH ? 0 : (time - EPOCH) << 10; }

int64_t store_new_id(void) {
    static atomic_int_fast64_t last;
    static atomic_int process = -1;
    int own = atomic_load_explicit(&process, memory_order_relaxed);
    if (own < 0) {
        uint32_t noise;
        random_bytes(&noise, sizeof noise);
        int fresh = (int)(noise & 1023), none = -1;
        own = atomic_compare_exchange_strong(&process, &none, fresh) ? fresh : none;
    }
    int64_t now = clock_now() - EPOCH, before = atomic_load(&last), next;
    do
        next = now > before ? now : before + 1;
    while (!atomic_compare_exchange_weak(&last, &before, next));
    return next << 10 | own;
}

void store_on_filled(struct store *s, void (*filled)(void *context, const struct store_filled *f), void *context) {
    s->filled_context = context;
    s->filled = filled;
}

void store_refused(struct store *s, int64_t account, struct store_quota quota, uint64_t bytes, uint64_t messages) {
    struct store_filled f = {.account = account, .quota = quota, .refused = true};
    f.bytes = f.bytes_before = (int64_t)bytes;
    f.messages = f.messages_before = (int64_t)messages;
    if (s->filled)
        s->filled(s->filled_context, &f);
}

/* ---- changes ---- */

void store_notify(struct store *s, int64_t account, int64_t mailbox, uint64_t modseq) {
    char key[64], payload[128];
    int k = snprintf(key, sizeof key, "%" PRId64 ":%" PRId64, account, mailbox);
    int n = snprintf(payload, sizeof payload, "%s:%" PRIu64 ":%" PRIx64, key, modseq, s->origin);
    db_notifier_send(s->notifier, str_n(key, (size_t)k), str_n(payload, (size_t)n));
}

void store_tell(struct store *s, int64_t account, int64_t mailbox, uint64_t modseq) {
    store_notify(s, account, mailbox, modseq);
    if (s->watcher.changed)
        s->watcher.changed(s->watcher.context, account, mailbox, modseq, true);
}

void store_tell_annotated(struct store *s, const struct store_annotated *what) {
    struct buf key = BUF_EMPTY, payload = BUF_EMPTY;
    buf_printf(&key, "a:%" PRId64 ":%" PRId64 ":%" PRId64 ":%.*s", what->account, what->mailbox, what->reader,
               STR_ARG(what->entry));
    buf_printf(&payload, "%" PRId64 ":%" PRId64 ":0:%" PRIx64 ":%" PRId64 ":%.*s", what->account, what->mailbox,
               s->origin, what->reader, STR_ARG(what->entry));
    db_notifier_send(s->notifier, buf_str(&key), buf_str(&payload));
    buf_free(&key);
    buf_free(&payload);
    if (s->watcher.annotated)
        s->watcher.annotated(s->watcher.context, what);
}

/* reader ":" entry */
static void on_annotated(struct store *s, int64_t account, int64_t mailbox, struct str rest) {
    struct str reader;
    uint64_t id;
    if (s->watcher.annotated && str_split(&rest, ':', &reader) && str_u64(reader, &id))
        s->watcher.annotated(s->watcher.context, &(struct store_annotated){account, mailbox, (int64_t)id, rest, 0});
}

static void on_notify(void *context, const char *channel, struct str payload) {
    struct store *s = context;
    if (!*channel) {
        s->watcher.changed(s->watcher.context, 0, 0, 0, false);
        return;
    }
    struct str account, mailbox, modseq, origin;
    uint64_t a, m, q;
    char own[20];
    snprintf(own, sizeof own, "%" PRIx64, s->origin);
    if (!str_split(&payload, ':', &account) || !str_split(&payload, ':', &mailbox) ||
        !str_split(&payload, ':', &modseq) || !str_split(&payload, ':', &origin) || !str_u64(account, &a) ||
        !str_u64(mailbox, &m) || !str_u64(modseq, &q)) {
        log_warn("store: a notification that is none of ours on channel %s", channel);
        return;
    }
    if (str_eq(origin, str_of(own)))
        return;
    if (payload.n)
        on_annotated(s, (int64_t)a, (int64_t)m, payload);
    else
        s->watcher.changed(s->watcher.context, (int64_t)a, (int64_t)m, q, false);
}

void store_watch(struct store *s, const struct store_watcher *watcher) {
    static const char *const channels[] = {"mailbox", NULL};
    struct err err;
    s->watcher = *watcher;
    s->listener = db_listen(s->conninfo, channels, on_notify, s, &err);
    if (!s->listener)
        log_fatal("%s", err.text);
}
