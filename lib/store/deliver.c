/*
 * Delivering: a group commit (store/line.h).
 *
 * A thread that delivers writes its message's bytes to the blob store by itself and then joins the line. The leader
 * puts the rows of all that wait into one transaction and makes their bytes durable with one sync, the sync running
 * while PostgreSQL works on the rows; then COMMIT.
 *
 * Three round trips a group: lock the mailboxes (in order of account and id: no deadlocks), insert the rows, commit.
 */
#include "store/store_internal.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdlib.h>

enum {
    KEYWORDS_BYTES = 4000,
};

struct work {
    struct line_work line;         /* first; next is the next in the group */
    struct store_email email;      /* size 0 and no card: nothing was written */
    const struct store_email *own; /* not NULL: each delivery has its own, and they go together or not at all */
    bool has_message;
    const struct queue_settlement *settlement;
    struct store_delivery *delivery;
    size_t count;
    const struct store_queued *queued;
    struct store_email queued_email; /* where `queued` has a message of its own */
    enum store_status status;
    struct err err;
};

static const struct store_email *email_of(const struct work *w, size_t i) { return w->own ? &w->own[i] : &w->email; }

static struct work *next_in(const struct work *w) { return (struct work *)w->line.next; }

const struct db_statement STORE_LOCK_MAILBOX = {
    "store_lock_mailbox", "SELECT account_id, id, uidnext, highestmodseq, uidvalidity FROM mailbox"
                          " WHERE account_id = $1 AND id = ANY ($2) ORDER BY id FOR NO KEY UPDATE"};
const struct db_statement STORE_LOCK_MAILBOXES = {
    "deliver_lock", "SELECT m.account_id, m.id, m.uidnext, m.highestmodseq, m.uidvalidity"
                    " FROM mailbox m JOIN (SELECT DISTINCT a, b FROM unnest($1::int8[], $2::int8[]) AS k (a, b)) k"
                    " ON m.account_id = k.a AND m.id = k.b ORDER BY m.account_id, m.id FOR NO KEY UPDATE OF m"};
static const struct db_statement LOCK_USAGES = {"deliver_usage",
                                                "SELECT account_id, bytes, messages, warned FROM account_usage WHERE "
                                                "account_id = ANY ($1) ORDER BY account_id FOR NO KEY UPDATE"};
const struct db_statement STORE_LOCK_USAGE = {
    "store_usage", "SELECT bytes, messages FROM account_usage WHERE account_id = $1 FOR NO KEY UPDATE"};
const struct db_statement STORE_ADD_USAGE = {
    "store_add_usage", "INSERT INTO account_usage AS u (account_id, bytes, messages) VALUES ($1, $2, $3)"
                       " ON CONFLICT (account_id) DO UPDATE SET bytes = u.bytes + $2, messages = u.messages + $3"};
static const struct db_statement ADD_EMAILS = {
    "deliver_emails",
    "INSERT INTO email (account_id, id, thread_id, blob, size, card, received_at)"
    " SELECT a, i, i, b, s, c, t FROM unnest($1::int8[], $2::int8[], $3::uuid[], $4::int8[], $5::bytea[],"
    " $6::timestamptz[]) AS e (a, i, b, s, c, t)"};
static const struct db_statement ADD_MESSAGES = {
    "deliver_messages",
    "INSERT INTO message (account_id, mailbox_id, uid, email_id, modseq, flags, keywords, size, internal_date, prefix)"
    " SELECT a, b, u, e, m, f, CASE k WHEN '' THEN '{}'::text[] ELSE string_to_array(k, ' ') END, s, t, p"
    " FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::int8[], $5::int8[], $6::int4[], $7::text[], $8::int8[], "
    "$9::timestamptz[],"
    " $10::bytea[]) AS d (a, b, u, e, m, f, k, s, t, p)"};
static const struct db_statement ADD_SEEN = {
    "deliver_seen",
    "INSERT INTO message_seen (account_id, mailbox_id, reader_id, uid, seen, modseq)"
    " SELECT a, b, r, u, true, m FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::int8[], $5::int8[])"
    " AS s (a, b, r, u, m)"};
static const struct db_statement RAISE_MAILBOXES = {
    "deliver_mailboxes",
    "UPDATE mailbox m SET uidnext = m.uidnext + n, highestmodseq = m.highestmodseq + 1, messages = m.messages + n,"
    " unseen = m.unseen + u, deleted = m.deleted + d, bytes = m.bytes + s"
    " FROM unnest($1::int8[], $2::int8[], $3::int4[], $4::int4[], $5::int4[], $6::int8[]) AS k (a, b, n, u, d, s)"
    " WHERE m.account_id = k.a AND m.id = k.b"};
static const struct db_statement ADD_USAGES = {
    "deliver_usages", "INSERT INTO account_usage AS u (account_id, bytes, messages)"
                      " SELECT a, s, n FROM unnest($1::int8[], $2::int8[], $3::int8[]) AS k (a, s, n) ORDER BY a"
                      " ON CONFLICT (account_id) DO UPDATE SET bytes = u.bytes + excluded.bytes, messages = u.messages "
                      "+ excluded.messages"};
static const struct db_statement ADD_QUEUED = {
    "deliver_queued",
    "INSERT INTO queue_message (id, blob, size, prefix, sender, tenant_id, account_id, source, smtputf8, body_8bit, "
    "envid,"
    " ret, expires_at, body_binary, require_tls, release_at)"
    " VALUES ($1, $2, $3, $4, $5, nullif($6, 0), nullif($7, 0), $8, $9, $10, $11, $12, $13, $14, $15, $16)"};
static const struct db_statement ADD_QUEUED_RECIPIENTS = {
    "deliver_queued_recipients",
    "INSERT INTO queue_recipient (message_id, address, original, next_hop, notify, orcpt, status, next_attempt_at)"
    " SELECT $1, a, o, h, nullif(n, ''), nullif(c, ''), CASE WHEN $7 THEN 'held' ELSE 'pending' END::queue_status,"
    " coalesce($8, now())"
    "   FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) AS r (a, o, h, n, c)"};

/* ---- one group's rows ---- */

/* A mailbox that the group delivers to. */
struct box {
    int64_t account, id;
    uint64_t uidnext, modseq;
    uint32_t uidvalidity;
    bool there;
    int32_t added, unseen, deleted;
    int64_t bytes;
};

struct usage {
    int64_t account, bytes, messages, warned, added_bytes, added;
    struct store_quota quota; /* that deliveries of the group came with; none where none has */
    bool refused;
};

struct group {
    struct arena *arena;
    struct work *work;
    size_t deliveries; /* that have a mailbox to go to */
    struct box *box;
    size_t boxes;
    struct usage *usage;
    size_t usages;
};

static int compare_box(const void *a, const void *b) {
    const struct box *x = a, *y = b;
    if (x->account != y->account)
        return x->account < y->account ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static struct box *find_box(const struct group *g, int64_t account, int64_t id) {
    struct box key = {.account = account, .id = id};
    return g->boxes ? bsearch(&key, g->box, g->boxes, sizeof key, compare_box) : NULL;
}

static struct usage *find_usage(const struct group *g, int64_t account) {
    size_t low = 0, high = g->usages;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (g->usage[mid].account == account)
            return &g->usage[mid];
        if (g->usage[mid].account < account)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

static void collect_boxes(struct group *g) {
    size_t all = 0;
    for (struct work *w = g->work; w; w = next_in(w))
        all += w->count;
    g->box = arena_array(g->arena, all, sizeof *g->box);
    g->usage = arena_array(g->arena, all, sizeof *g->usage);
    for (struct work *w = g->work; w; w = next_in(w))
        for (size_t i = 0; i < w->count; i++)
            g->box[g->boxes++] = (struct box){.account = w->delivery[i].account_id, .id = w->delivery[i].into_mailbox};
    if (!g->boxes)
        return;
    qsort(g->box, g->boxes, sizeof *g->box, compare_box);
    size_t kept = 1;
    for (size_t i = 1; i < g->boxes; i++)
        if (compare_box(&g->box[i], &g->box[kept - 1]) != 0)
            g->box[kept++] = g->box[i];
    g->boxes = kept;
    for (size_t i = 0; i < g->boxes; i++)
        if (g->usages == 0 || g->usage[g->usages - 1].account != g->box[i].account)
            g->usage[g->usages++] = (struct usage){.account = g->box[i].account, .quota = {-1, 0}};
}

static bool send_locks(struct group *g, struct db_conn *c, struct err *err) {
    struct db_params p = {0};
    int64_t *account = arena_array(g->arena, g->boxes, sizeof *account),
            *id = arena_array(g->arena, g->boxes, sizeof *id);
    for (size_t i = 0; i < g->boxes; i++) {
        account[i] = g->box[i].account;
        id[i] = g->box[i].id;
    }
    db_int8_array(&p, account, g->boxes);
    db_int8_array(&p, id, g->boxes);
    if (!db_send(c, &STORE_LOCK_MAILBOXES, &p, err))
        return false;
    for (size_t i = 0; i < g->usages; i++)
        account[i] = g->usage[i].account;
    db_int8_array(&p, account, g->usages);
    return db_send(c, &LOCK_USAGES, &p, err);
}

static bool receive_locks(struct group *g, struct db_conn *c, struct err *err) {
    PGresult *r = db_receive(c, err);
    for (int i = 0; r && i < PQntuples(r); i++) {
        struct box *b = find_box(g, db_get_int8(r, i, 0), db_get_int8(r, i, 1));
        if (!b)
            log_panic("a mailbox was locked that nobody asked for");
        b->there = true;
        b->uidnext = (uint64_t)db_get_int8(r, i, 2);
        b->modseq = (uint64_t)db_get_int8(r, i, 3) + 1;
        b->uidvalidity = (uint32_t)db_get_int8(r, i, 4);
    }
    bool good = r != NULL;
    PQclear(r);
    r = good ? db_receive(c, err) : NULL;
    for (int i = 0; r && i < PQntuples(r); i++) {
        struct usage *u = find_usage(g, db_get_int8(r, i, 0));
        if (u)
            u->bytes = db_get_int8(r, i, 1), u->messages = db_get_int8(r, i, 2), u->warned = db_get_int8(r, i, 3);
    }
    good = r != NULL;
    PQclear(r);
    return good;
}

/* What everybody sees of the flags: \Seen of one who is not the owner is a row of its own. */
static uint32_t common_flags(const struct store_delivery *d) {
    return d->reader ? d->flags & ~(uint32_t)STORE_SEEN : d->flags;
}

/* Whether so many messages more would pass the account's quota. */
static bool passes_quota(struct usage *u, const struct store_delivery *d, int64_t size, int64_t number) {
    if (d->quota_bytes >= 0)
        u->quota.bytes = d->quota_bytes;
    if (d->quota_messages > 0)
        u->quota.messages = d->quota_messages;
    bool passes = (d->quota_bytes >= 0 && u->bytes + u->added_bytes + size > d->quota_bytes) ||
                  (d->quota_messages > 0 && u->messages + u->added + number > d->quota_messages);
    u->refused = u->refused || passes;
    return passes;
}

/* Whether there is room for all messages that go together; else they all get the reason. */
static bool fits_together(const struct group *g, struct work *w) {
    const struct store_delivery *first = w->delivery;
    const struct box *b = find_box(g, first->account_id, first->into_mailbox);
    struct usage *u = find_usage(g, first->account_id);
    int64_t size = 0;
    for (size_t i = 0; i < w->count; i++)
        size += (int64_t)(w->own[i].size + w->delivery[i].prefix.n);
    enum store_status status = STORE_OK;
    if (!b->there || b->uidnext + w->count - 1 > UINT32_MAX)
        status = STORE_NOT_FOUND;
    else if (passes_quota(u, first, size, (int64_t)w->count))
        status = STORE_QUOTA;
    for (size_t i = 0; i < w->count; i++)
        w->delivery[i].status = status;
    return status == STORE_OK;
}

/* Gives each delivery its UID, or the reason why it gets none. */
static void allot(struct group *g) {
    int64_t now = clock_now();
    for (struct work *w = g->work; w; w = next_in(w)) {
        if (w->own && !fits_together(g, w))
            continue;
        for (size_t i = 0; i < w->count; i++) {
            struct store_delivery *d = &w->delivery[i];
            struct box *b = find_box(g, d->account_id, d->into_mailbox);
            struct usage *u = find_usage(g, d->account_id);
            int64_t size = (int64_t)(email_of(w, i)->size + d->prefix.n);
            d->status = STORE_OK;
            if (!b->there || b->uidnext > UINT32_MAX) {
                d->status = STORE_NOT_FOUND;
                continue;
            }
            if (passes_quota(u, d, size, 1)) {
                d->status = STORE_QUOTA;
                continue;
            }
            d->uid = (uint32_t)b->uidnext++;
            d->uidvalidity = b->uidvalidity;
            d->modseq = b->modseq;
            d->email_id = store_new_id();
            if (!d->internal_date)
                d->internal_date = now;
            b->added++;
            b->unseen += !(common_flags(d) & STORE_SEEN);
            b->deleted += !!(d->flags & STORE_DELETED);
            b->bytes += size;
            u->added++;
            u->added_bytes += size;
            g->deliveries++;
        }
    }
}

static struct str join_keywords(struct arena *a, const struct store_delivery *d) {
    struct buf b = BUF_EMPTY;
    for (size_t i = 0; i < d->keyword_count && b.n + d->keyword[i].n < KEYWORDS_BYTES; i++)
        buf_printf(&b, "%s%.*s", i ? " " : "", STR_ARG(d->keyword[i]));
    struct str s = b.n ? arena_str(a, buf_str(&b)) : STR("");
    buf_free(&b);
    return s;
}

static bool send_messages(struct group *g, struct db_conn *c, struct err *err) {
    size_t n = g->deliveries, at = 0;
    int64_t *account = arena_array(g->arena, n, 8), *box = arena_array(g->arena, n, 8),
            *uid = arena_array(g->arena, n, 8), *email = arena_array(g->arena, n, 8),
            *modseq = arena_array(g->arena, n, 8), *size = arena_array(g->arena, n, 8),
            *blob_size = arena_array(g->arena, n, 8), *date = arena_array(g->arena, n, 8);
    int32_t *flags = arena_array(g->arena, n, 4);
    struct str *card = arena_array(g->arena, n, sizeof *card), *keywords = arena_array(g->arena, n, sizeof *keywords),
               *prefix = arena_array(g->arena, n, sizeof *prefix);
    unsigned char(*blob)[16] = arena_array(g->arena, n, 16);
    for (struct work *w = g->work; w; w = next_in(w))
        for (size_t i = 0; i < w->count; i++) {
            const struct store_delivery *d = &w->delivery[i];
            const struct store_email *e = email_of(w, i);
            if (d->status != STORE_OK)
                continue;
            account[at] = d->account_id, box[at] = d->into_mailbox, uid[at] = d->uid, email[at] = d->email_id;
            modseq[at] = (int64_t)d->modseq, flags[at] = (int32_t)common_flags(d), date[at] = d->internal_date;
            blob_size[at] = (int64_t)e->size, size[at] = (int64_t)(e->size + d->prefix.n);
            card[at] = e->card, keywords[at] = join_keywords(g->arena, d), prefix[at] = d->prefix;
            memcpy(blob[at++], e->blob, 16);
        }
    struct db_params p = {0};
    db_int8_array(&p, account, n), db_int8_array(&p, email, n), db_uuid_array(&p, (const unsigned char(*)[16])blob, n);
    db_int8_array(&p, blob_size, n), db_bytes_array(&p, card, n), db_time_array(&p, date, n);
    if (!db_send(c, &ADD_EMAILS, &p, err))
        return false;
    db_int8_array(&p, account, n), db_int8_array(&p, box, n), db_int8_array(&p, uid, n), db_int8_array(&p, email, n);
    db_int8_array(&p, modseq, n), db_int4_array(&p, flags, n), db_text_array(&p, keywords, n),
        db_int8_array(&p, size, n);
    db_time_array(&p, date, n), db_bytes_array(&p, prefix, n);
    return db_send(c, &ADD_MESSAGES, &p, err);
}

/* The readers' own. */
static bool send_seen(struct group *g, struct db_conn *c, struct err *err) {
    size_t n = 0, room = g->deliveries;
    int64_t *account = arena_array(g->arena, room, 8), *box = arena_array(g->arena, room, 8),
            *reader = arena_array(g->arena, room, 8), *uid = arena_array(g->arena, room, 8),
            *modseq = arena_array(g->arena, room, 8);
    for (struct work *w = g->work; w; w = next_in(w))
        for (size_t i = 0; i < w->count; i++) {
            const struct store_delivery *d = &w->delivery[i];
            if (d->status != STORE_OK || !d->reader || !(d->flags & STORE_SEEN))
                continue;
            account[n] = d->account_id, box[n] = d->into_mailbox, reader[n] = d->reader;
            uid[n] = d->uid, modseq[n++] = (int64_t)d->modseq;
        }
    if (n == 0)
        return true;
    struct db_params p = {0};
    db_int8_array(&p, account, n), db_int8_array(&p, box, n), db_int8_array(&p, reader, n);
    db_int8_array(&p, uid, n), db_int8_array(&p, modseq, n);
    return db_send(c, &ADD_SEEN, &p, err);
}

bool store_send_message(struct arena *a, struct db_conn *c, const struct store_email *email, struct store_delivery *d,
                        struct err *err) {
    struct work w = {.email = *email, .delivery = d, .count = 1};
    struct group g = {.arena = a, .work = &w, .deliveries = 1};
    d->status = STORE_OK;
    d->into_mailbox = d->mailbox_id;
    return send_messages(&g, c, err) && send_seen(&g, c, err);
}

static bool send_counters(struct group *g, struct db_conn *c, struct err *err) {
    size_t n = g->boxes > g->usages ? g->boxes : g->usages, at = 0;
    int64_t *account = arena_array(g->arena, n, 8), *id = arena_array(g->arena, n, 8),
            *bytes = arena_array(g->arena, n, 8);
    int32_t *added = arena_array(g->arena, n, 4), *unseen = arena_array(g->arena, n, 4),
            *deleted = arena_array(g->arena, n, 4);
    for (size_t i = 0; i < g->boxes; i++) {
        const struct box *b = &g->box[i];
        if (!b->added)
            continue;
        account[at] = b->account, id[at] = b->id, bytes[at] = b->bytes;
        added[at] = b->added, unseen[at] = b->unseen, deleted[at++] = b->deleted;
    }
    struct db_params p = {0};
    db_int8_array(&p, account, at), db_int8_array(&p, id, at), db_int4_array(&p, added, at),
        db_int4_array(&p, unseen, at);
    db_int4_array(&p, deleted, at), db_int8_array(&p, bytes, at);
    if (!db_send(c, &RAISE_MAILBOXES, &p, err))
        return false;
    at = 0;
    for (size_t i = 0; i < g->usages; i++)
        if (g->usage[i].added) {
            account[at] = g->usage[i].account, bytes[at] = g->usage[i].added_bytes;
            id[at++] = g->usage[i].added;
        }
    db_int8_array(&p, account, at), db_int8_array(&p, bytes, at), db_int8_array(&p, id, at);
    return db_send(c, &ADD_USAGES, &p, err);
}

static void add_time_or_null(struct db_params *p, int64_t at) {
    if (at)
        db_time(p, at);
    else
        db_null(p);
}

static bool send_queued(struct arena *a, struct db_conn *c, const struct work *w, struct err *err) {
    const struct store_queued *q = w->queued;
    static const int64_t FIVE_DAYS = 5 * 86400 * CLOCK_SECOND;
    const struct store_email *email = q->message.p ? &w->queued_email : &w->email;
    struct db_params p = {0};
    db_int8(&p, q->id), db_uuid(&p, email->blob), db_int8(&p, (int64_t)email->size);
    db_bytes(&p, q->prefix.p ? q->prefix : STR("")), db_text(&p, q->sender.p ? q->sender : STR(""));
    db_int8(&p, q->tenant_id), db_int8(&p, q->account_id), db_text(&p, q->source.p ? q->source : STR(""));
    db_bool(&p, q->smtputf8), db_bool(&p, q->body_8bit), db_text(&p, q->envid), db_text(&p, q->ret);
    db_time(&p, q->expires_at ? q->expires_at : clock_now() + FIVE_DAYS);
    db_bool(&p, q->body_binary), db_bool(&p, q->require_tls), add_time_or_null(&p, q->release_at);
    if (!db_send(c, &ADD_QUEUED, &p, err))
        return false;
    struct str *list[5];
    for (int k = 0; k < 5; k++)
        list[k] = arena_array(a, q->count, sizeof **list);
    for (size_t i = 0; i < q->count; i++) {
        list[0][i] = q->recipient[i].address;
        list[1][i] = q->recipient[i].original;
        list[2][i] = q->recipient[i].next_hop;
        list[3][i] = q->recipient[i].notify;
        list[4][i] = q->recipient[i].orcpt;
    }
    db_int8(&p, q->id);
    for (int k = 0; k < 5; k++)
        db_text_array(&p, list[k], q->count);
    db_bool(&p, q->held), add_time_or_null(&p, q->release_at);
    return db_send(c, &ADD_QUEUED_RECIPIENTS, &p, err);
}

static bool send_rows(struct group *g, struct db_conn *c, struct err *err) {
    if (g->deliveries && (!send_messages(g, c, err) || !send_seen(g, c, err) || !send_counters(g, c, err)))
        return false;
    for (const struct work *w = g->work; w; w = next_in(w)) {
        if (w->queued && w->queued->count && !send_queued(g->arena, c, w, err))
            return false;
        if (w->settlement && !queue_send_settlement(g->arena, c, w->settlement, err))
            return false;
    }
    return true;
}

/* The whole transaction. False: nothing of it is there (or the connection broke and that is not known). */
static bool commit_group(struct store *s, struct group *g, struct db_conn *c, struct err *err) {
    collect_boxes(g);
    if (!db_pipeline(c, err) || !db_send(c, &STORE_BEGIN, NULL, err))
        return false;
    if (g->boxes && !send_locks(g, c, err))
        return false;
    if (!db_sync(c, err))
        return false;
    PQclear(db_receive(c, err));
    if (g->boxes && !receive_locks(g, c, err))
        return false;
    allot(g);
    bool bytes = false;
    for (const struct work *w = g->work; w; w = next_in(w))
        bytes = bytes || w->has_message;
    if (!send_rows(g, c, err) || !db_sync(c, err) ||
        (bytes && !blob_sync(s->blobs, err))) /* PostgreSQL works during the sync */
        return false;
    return db_pipeline_end(c, err) && db_commit(c, err);
}

/* Says which accounts with a quota are fuller now, or found no room. */
static void tell_filled(struct store *s, const struct group *g) {
    for (size_t i = 0; s->filled && i < g->usages; i++) {
        const struct usage *u = &g->usage[i];
        if (u->quota.bytes < 0 && u->quota.messages == 0)
            continue;
        s->filled(s->filled_context, &(struct store_filled){.account = u->account,
                                                            .quota = u->quota,
                                                            .bytes_before = u->bytes,
                                                            .bytes = u->bytes + u->added_bytes,
                                                            .messages_before = u->messages,
                                                            .messages = u->messages + u->added,
                                                            .warned = u->warned,
                                                            .refused = u->refused});
    }
}

static bool deliver_group(struct store *s, struct work *list, struct err *err) {
    struct arena arena = ARENA_EMPTY;
    struct group g = {.arena = &arena, .work = list};
    struct db_conn *c = db_acquire(s->db, err);
    bool good = c && commit_group(s, &g, c, err);
    db_release(s->db, c);
    if (good)
        tell_filled(s, &g);
    if (good)
        for (size_t i = 0; i < g.boxes; i++) {
            if (g.box[i].added)
                store_tell(s, g.box[i].account, g.box[i].id, g.box[i].modseq);
            if (!g.box[i].there)
                store_forget_inbox(s, g.box[i].account);
        }
    arena_free(&arena);
    return good;
}

/* A group that failed is tried again one by one, so that one message's fault is not its neighbours'. */
static void deliver_list(struct store *s, struct work *list) {
    struct err err;
    bool good = deliver_group(s, list, &err);
    for (struct work *w = list; w; w = next_in(w))
        w->status = good ? STORE_OK : STORE_TEMPORARY, w->err = err;
    if (good || !list->line.next) {
        if (!good)
            store_failed(&err);
        return;
    }
    log_warn("store: a group of deliveries failed, trying each alone: %s", err.text);
    for (struct work *w = list, *next; w; w = next) {
        next = next_in(w);
        w->line.next = NULL;
        if (deliver_group(s, w, &w->err))
            w->status = STORE_OK;
        else
            store_failed(&w->err);
        w->line.next = next ? &next->line : NULL;
    }
}

static void deliver_line(void *context, struct line_work *group) { deliver_list(context, (struct work *)group); }

void store_deliver_init(struct store *s) { line_init(&s->deliveries, deliver_line, s); }

/* ---- one delivery ---- */

/* Finds each delivery's mailbox. False: the database is away. */
static bool find_mailboxes(struct store *s, struct store_delivery *delivery, size_t count, struct err *err) {
    for (size_t i = 0; i < count; i++) {
        struct store_delivery *d = &delivery[i];
        d->into_mailbox = d->mailbox_id ? d->mailbox_id : store_mailbox_for_delivery(s, d->account_id, d->mailbox, err);
        if (!d->into_mailbox)
            return false;
    }
    return true;
}

/* A folder that was deleted between looking and locking: those deliveries go to INBOX in a commit of their own, before
 * anything is acknowledged. */
static void redirect_missing(struct store *s, struct work *w) {
    struct store_delivery *missing = mem_zero(w->count * sizeof *missing);
    size_t n = 0;
    for (size_t i = 0; i < w->count; i++)
        if (w->delivery[i].status == STORE_NOT_FOUND && !w->delivery[i].mailbox_id) {
            missing[n] = w->delivery[i];
            missing[n++].mailbox = (struct str){NULL, 0};
        }
    struct work again = {.email = w->email, .has_message = true, .delivery = missing, .count = n};
    if (n && find_mailboxes(s, missing, n, &again.err)) {
        line_join(&s->deliveries, &again.line);
        n = 0;
        for (size_t i = 0; again.status == STORE_OK && i < w->count; i++)
            if (w->delivery[i].status == STORE_NOT_FOUND && !w->delivery[i].mailbox_id)
                w->delivery[i] = missing[n++];
    }
    free(missing);
}

/* The message that the queue has, where it is not the one that mailboxes get. */
static bool put_queued(struct store *s, struct work *w, struct err *err) {
    if (!w->queued || !w->queued->message.p)
        return true;
    w->queued_email.size = w->queued->message.n;
    return blob_put(s->blobs, w->queued->message, -1, w->queued_email.blob, err);
}

static enum store_status deliver(struct store *s, struct work *w, struct str message, int spool_fd, struct str card,
                                 struct err *err) {
    enum store_status status = STORE_OK;
    if (!find_mailboxes(s, w->delivery, w->count, err))
        status = STORE_TEMPORARY;
    else if (w->has_message && (!blob_put(s->blobs, message, spool_fd, w->email.blob, err) || !put_queued(s, w, err)))
        status = store_failed(err);
    if (status == STORE_OK) {
        w->email.size = message.n;
        w->email.card = card;
        line_join(&s->deliveries, &w->line);
        status = w->status;
        if (status == STORE_OK)
            redirect_missing(s, w);
        else if (err)
            *err = w->err;
    }
    return status;
}

enum store_status store_deliver(struct store *s, struct str message, int spool_fd, struct str card,
                                struct store_delivery *delivery, size_t count, const struct store_queued *queued,
                                struct err *err) {
    struct work w = {.has_message = true, .delivery = delivery, .count = count, .queued = queued};
    return deliver(s, &w, message, spool_fd, card, err);
}

enum store_status store_append(struct store *s, const struct store_append *message, struct store_delivery *delivery,
                               size_t count, struct err *err) {
    struct store_email *email = mem_zero(count * sizeof *email);
    struct work w = {.has_message = true, .own = email, .delivery = delivery, .count = count};
    bool written = find_mailboxes(s, delivery, count, err);
    for (size_t i = 0; written && i < count; i++) {
        email[i].size = message[i].message.n;
        email[i].card = message[i].card;
        written = blob_put(s->blobs, message[i].message, -1, email[i].blob, err);
    }
    enum store_status status = written ? STORE_OK : store_failed(err);
    if (written) {
        line_join(&s->deliveries, &w.line);
        status = w.status == STORE_OK ? delivery[0].status : w.status;
        if (w.status != STORE_OK && err)
            *err = w.err;
    }
    free(email);
    return status;
}

enum store_status store_settle(struct store *s, const struct queue_settlement *settlement, struct str notification,
                               struct str card, struct store_delivery *delivery, size_t count,
                               const struct store_queued *queued, struct err *err) {
    struct work w = {.has_message = notification.p != NULL, .settlement = settlement};
    if (w.has_message)
        w.delivery = delivery, w.count = count, w.queued = queued;
    return deliver(s, &w, notification, -1, card, err);
}
