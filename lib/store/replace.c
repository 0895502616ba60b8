/* REPLACE (RFC 8508): a message goes and another one comes, in one transaction. */
#include "base/clock.h"
#include "store/store_internal.h"

struct replacing {
    struct store_changing x;
    struct store_locked from;
    uint32_t uid;
    const struct store_email *email;
    struct store_delivery *d;
    struct store_message *old;
    struct store_locked box[2], *target;
    struct store_raise by; /* of the target */
    int64_t gone_modseq;
    struct store_filled filled;
};

/* Gives the new message its place. */
static enum store_status place(struct replacing *r) {
    struct store_delivery *d = r->d;
    bool seen = d->flags & STORE_SEEN && !d->reader;
    r->by = (struct store_raise){.uids = 1,
                                 .modseq = (int64_t)r->target->highestmodseq + 1,
                                 .messages = 1,
                                 .unseen = !seen,
                                 .deleted = !!(d->flags & STORE_DELETED),
                                 .bytes = (int64_t)(r->email->size + d->prefix.n)};
    if (r->target->uidnext > UINT32_MAX) {
        err_set(r->x.err, "the mailbox has no UIDs left");
        return STORE_INVALID;
    }
    d->uid = (uint32_t)r->target->uidnext;
    d->uidvalidity = r->target->uidvalidity;
    d->modseq = (uint64_t)r->by.modseq;
    d->email_id = store_new_id();
    if (!d->internal_date)
        d->internal_date = clock_now();
    return STORE_OK;
}

/* Where both are of one account, only what the new one is larger counts. */
static enum store_status check_quota(struct replacing *r) {
    bool crosses = r->from.account != r->d->account_id;
    struct store_raise more = r->by;
    struct store_quota quota = {r->d->quota_bytes, crosses ? r->d->quota_messages : 0};
    if (!crosses) {
        more.messages = 0;
        more.bytes -= (int64_t)r->old->size;
        if (more.bytes <= 0)
            return STORE_OK;
    }
    return store_check_room(&r->x, r->d->account_id, crosses ? r->from.account : 0, quota, &more, &r->filled);
}

static bool send_usages(struct replacing *r) {
    int64_t old = (int64_t)r->old->size;
    if (r->from.account == r->d->account_id)
        return store_send_usage(&r->x, r->from.account, r->by.bytes - old, 0);
    return store_send_usage(&r->x, r->from.account, -old, -1) &&
           store_send_usage(&r->x, r->d->account_id, r->by.bytes, 1);
}

/* What is replaced can be brought back like what is expunged. */
static enum store_status exchange(struct replacing *r) {
    struct store_changing *x = &r->x;
    bool sent = db_pipeline(x->c, x->err) && send_usages(r) && store_send_message(x->a, x->c, r->email, r->d, x->err) &&
                store_send_raise(x, r->target, &r->by) &&
                store_send_removal(x, &r->box[0], &STORE_REMOVE_MESSAGES, r->old, 1, r->gone_modseq);
    return store_commit_change(x, sent);
}

static enum store_status replace(struct replacing *r) {
    struct store_locked of[2] = {r->from, {.account = r->d->account_id, .id = r->d->mailbox_id}};
    bool same = of[0].account == of[1].account && of[0].id == of[1].id;
    struct uid_range range = {r->uid, r->uid};
    struct db_params params = {0};
    PGresult *rows;
    r->target = &r->box[same ? 0 : 1];
    db_int8(&params, r->from.account), db_int8(&params, r->from.id);
    store_range_params(&params, r->x.a, &range, 1);
    enum store_status status = store_begin_change(&r->x, of, same ? 1 : 2, r->box, &STORE_MESSAGES_IN, &params, &rows);
    if (status != STORE_OK)
        return status;
    size_t n;
    r->old = store_read_messages(rows, r->x.a, &n);
    PQclear(rows);
    if (n == 0) {
        err_set(r->x.err, "The message is gone");
        return STORE_INVALID;
    }
    status = place(r);
    if (status == STORE_OK)
        status = check_quota(r);
    r->gone_modseq = same ? r->by.modseq + 1 : (int64_t)r->box[0].highestmodseq + 1;
    return status == STORE_OK ? exchange(r) : status;
}

enum store_status store_replace(struct store *s, struct arena *a, int64_t account, int64_t mailbox, uint32_t uid,
                                const struct store_append *message, struct store_delivery *d, struct err *err) {
    struct store_email email = {.size = message->message.n, .card = message->card};
    struct replacing r = {.x = {.s = s, .a = a, .err = err},
                          .from = {.account = account, .id = mailbox},
                          .uid = uid,
                          .email = &email,
                          .d = d,
                          .filled = {.quota = {-1, 0}}};
    if (!blob_put(s->blobs, message->message, -1, email.blob, err) || !blob_sync(s->blobs, err))
        return store_failed(err);
    enum store_status status = replace(&r);
    db_release(s->db, r.x.c);
    if (status == STORE_OK || status == STORE_QUOTA)
        store_tell_filled(s, &r.filled);
    if (status != STORE_OK)
        return status;
    store_tell(s, d->account_id, d->mailbox_id, d->modseq);
    store_tell(s, account, mailbox, (uint64_t)r.gone_modseq);
    return STORE_OK;
}
