#include "store/store_internal.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>

#define IN_RANGES                                                                                                      \
    " FROM unnest($3::int8[], $4::int8[]) AS r (low, high) JOIN message m"                                             \
    " ON m.account_id = $1 AND m.mailbox_id = $2 AND m.uid BETWEEN r.low AND r.high "

static const struct db_statement MESSAGES = {
    "message_list",
    "SELECT " MESSAGE_COLUMNS " FROM message m WHERE account_id = $1 AND mailbox_id = $2 AND uid >= $3 AND modseq > $4"
    " ORDER BY uid"};
static const struct db_statement EXPUNGED = {
    "message_expunged",
    "SELECT uid, modseq FROM expunged WHERE account_id = $1 AND mailbox_id = $2 AND modseq > $3 ORDER BY modseq, uid"};
/* Range by range and email by email: the planner takes a range of unknown ends for a good part of the mailbox, and
 * would read whole tables for a few messages. */
static const struct db_statement CARDS = {
    "message_cards",
    "SELECT m.uid, m.email_id, e.thread_id, e.blob, e.size, m.prefix, e.card, m.saved_at"
    " FROM unnest($3::int8[], $4::int8[]) AS r (low, high) CROSS JOIN LATERAL (SELECT uid, email_id, prefix, saved_at"
    " FROM message WHERE account_id = $1 AND mailbox_id = $2 AND uid BETWEEN r.low AND r.high ORDER BY uid"
    " LIMIT r.high - r.low + 1) m CROSS JOIN LATERAL (SELECT thread_id, blob, size, card FROM email"
    " WHERE account_id = $1 AND id = m.email_id LIMIT 1) e ORDER BY m.uid"};
/* UIDs grow with the time at which messages came to a mailbox, so the oldest are the first. */
static const struct db_statement IN_OLD = {
    "message_in_old", "SELECT " MESSAGE_COLUMNS " FROM (SELECT * FROM message WHERE account_id = $1 AND mailbox_id = $2"
                      " ORDER BY uid LIMIT $3) m WHERE m.saved_at < now() - make_interval(days => $4) ORDER BY m.uid"};
const struct db_statement STORE_MESSAGES_IN = {"message_in", "SELECT " MESSAGE_COLUMNS IN_RANGES "ORDER BY m.uid"};
static const struct db_statement IN_DELETED = {"message_in_deleted", "SELECT " MESSAGE_COLUMNS IN_RANGES
                                                                     " WHERE m.flags & 8 <> 0 ORDER BY m.uid"};
static const struct db_statement RAISE = {
    "message_raise_mailbox",
    "UPDATE mailbox SET uidnext = uidnext + $3, highestmodseq = $4, flags_modseq = greatest(flags_modseq, $5),"
    " messages = messages + $6, unseen = unseen + $7, deleted = deleted + $8, bytes = bytes + $9"
    " WHERE account_id = $1 AND id = $2"};
const struct db_statement STORE_DELETE_MESSAGES = {
    "message_delete", "DELETE FROM message WHERE account_id = $1 AND mailbox_id = $2 AND uid = ANY ($3)"};
/* What is expunged can be brought back: the row moves, and its email stays. */
const struct db_statement STORE_REMOVE_MESSAGES = {
    "message_remove",
    "WITH gone AS (DELETE FROM message WHERE account_id = $1 AND mailbox_id = $2 AND uid = ANY ($3)"
    " RETURNING email_id, uid, flags, keywords, size, internal_date, prefix) INSERT INTO removed_message (account_id,"
    " mailbox_id, email_id, uid, flags, keywords, size, internal_date, prefix)"
    " SELECT $1, $2, email_id, uid, flags, keywords, size, internal_date, prefix FROM gone"};
static const struct db_statement ADD_EXPUNGED = {
    "message_add_expunged",
    "INSERT INTO expunged (account_id, mailbox_id, modseq, uid) SELECT $1, $2, $3, unnest($4::int8[])"};
static const struct db_statement FENCE = {"message_fence", "SELECT pop3_fence($1, $2)"};
/* In one order, whoever asks: no deadlocks. */
static const struct db_statement LOCK_USAGES = {
    "message_usages",
    "SELECT account_id, bytes, messages, warned FROM account_usage WHERE account_id = ANY ($1) ORDER BY account_id"
    " FOR NO KEY UPDATE"};
static const struct db_statement FORGET_SEEN = {
    "message_forget_seen", "DELETE FROM message_seen WHERE account_id = $1 AND mailbox_id = $2 AND uid = ANY ($3)"};

void store_range_params(struct db_params *p, struct arena *a, const struct uid_range *range, size_t count) {
    int64_t *low = arena_array(a, count, sizeof *low), *high = arena_array(a, count, sizeof *high);
    for (size_t i = 0; i < count; i++) {
        low[i] = range[i].first;
        high[i] = range[i].last;
    }
    db_int8_array(p, low, count);
    db_int8_array(p, high, count);
}

/* ---- reading ---- */

size_t store_get_keywords(const PGresult *r, int row, int column, struct arena *a, struct str **out) {
    struct str *keyword;
    size_t n = db_get_texts(r, row, column, a, &keyword);
    for (size_t i = 0; i < n; i++)
        keyword[i] = arena_str(a, keyword[i]);
    *out = keyword;
    return n;
}

void store_read_message(const PGresult *r, int row, struct arena *a, struct store_message *out) {
    *out = (struct store_message){
        .uid = (uint32_t)db_get_int8(r, row, 0),
        .flags = (uint32_t)db_get_int8(r, row, 1),
        .modseq = (uint64_t)db_get_int8(r, row, 2),
        .email_id = db_get_int8(r, row, 3),
        .size = (uint64_t)db_get_int8(r, row, 4),
        .internal_date = db_get_time(r, row, 5),
        .saved_at = db_get_time(r, row, 6),
    };
    out->keyword_count = store_get_keywords(r, row, 7, a, &out->keyword);
}

struct store_message *store_read_messages(const PGresult *r, struct arena *a, size_t *count) {
    *count = (size_t)PQntuples(r);
    struct store_message *list = arena_array(a, *count, sizeof *list);
    for (size_t i = 0; i < *count; i++)
        store_read_message(r, (int)i, a, &list[i]);
    return list;
}

/* ---- a whole mailbox ---- */

struct all_messages {
    struct arena *a;
    struct store_message *list;
    size_t count, cap;
};

static void take_message(void *context, const struct str *column) {
    struct all_messages *all = context;
    if (all->count == all->cap) {
        size_t cap = all->cap ? all->cap * 2 : 1024;
        all->list = mem_resize(all->list, cap * sizeof *all->list);
        all->cap = cap;
    }
    struct str *keyword;
    struct store_message *m = &all->list[all->count++];
    *m = (struct store_message){
        .uid = (uint32_t)db_value_int8(column[0]),
        .flags = (uint32_t)db_value_int8(column[1]),
        .modseq = (uint64_t)db_value_int8(column[2]),
        .email_id = db_value_int8(column[3]),
        .size = (uint64_t)db_value_int8(column[4]),
        .internal_date = db_value_time(column[5]),
        .saved_at = db_value_time(column[6]),
        .keyword_count = db_value_texts(column[7], all->a, &keyword),
    };
    m->keyword = keyword;
    for (size_t i = 0; i < m->keyword_count; i++)
        keyword[i] = arena_str(all->a, keyword[i]);
}

static enum store_status all_messages(struct db_conn *c, struct arena *a, int64_t account, int64_t mailbox,
                                      struct store_message **out, size_t *count, struct err *err) {
    struct all_messages all = {.a = a};
    char query[512];
    snprintf(query, sizeof query,
             "SELECT uid, flags, modseq, email_id, size, internal_date, saved_at, nullif(keywords, '{}') FROM message"
             " WHERE account_id = %lld AND mailbox_id = %lld ORDER BY uid",
             (long long)account, (long long)mailbox);
    enum store_status status = db_scan(c, query, 8, take_message, &all, err) ? STORE_OK : store_failed(err);
    if (status == STORE_OK) {
        *out = arena_array(a, all.count, sizeof **out);
        *count = all.count;
        if (all.count)
            memcpy(*out, all.list, all.count * sizeof **out);
    }
    free(all.list);
    return status;
}

enum store_status store_messages(struct store *s, struct arena *a, int64_t account, int64_t mailbox, uint32_t first_uid,
                                 uint64_t since_modseq, struct store_message **out, size_t *count, struct err *err) {
    *count = 0;
    struct db_conn *c = db_acquire(s->db, err);
    if (!c)
        return store_failed(err);
    if (first_uid <= 1 && since_modseq == 0) {
        enum store_status status = all_messages(c, a, account, mailbox, out, count, err);
        db_release(s->db, c);
        return status;
    }
    struct db_params p = {0};
    db_int8(&p, account), db_int8(&p, mailbox), db_int8(&p, first_uid), db_int8(&p, (int64_t)since_modseq);
    PGresult *r = db_query(c, &MESSAGES, &p, err);
    enum store_status status = r ? STORE_OK : store_failed(err);
    if (r)
        *out = store_read_messages(r, a, count);
    PQclear(r);
    db_release(s->db, c);
    return status;
}

enum store_status store_expunged(struct store *s, struct arena *a, int64_t account, int64_t mailbox,
                                 uint64_t since_modseq, struct store_expunged **out, size_t *count, struct err *err) {
    *count = 0;
    struct db_conn *c = db_acquire(s->db, err);
    if (!c)
        return store_failed(err);
    struct db_params p = {0};
    db_int8(&p, account), db_int8(&p, mailbox), db_int8(&p, (int64_t)since_modseq);
    PGresult *r = db_query(c, &EXPUNGED, &p, err);
    enum store_status status = r ? STORE_OK : store_failed(err);
    if (r) {
        *count = (size_t)PQntuples(r);
        *out = arena_array(a, *count, sizeof **out);
        for (size_t i = 0; i < *count; i++)
            (*out)[i] =
                (struct store_expunged){(uint32_t)db_get_int8(r, (int)i, 0), (uint64_t)db_get_int8(r, (int)i, 1)};
    }
    PQclear(r);
    db_release(s->db, c);
    return status;
}

enum store_status store_cards(struct store *s, struct arena *a, int64_t account, int64_t mailbox,
                              const struct uid_range *range, size_t range_count, struct store_card **out, size_t *count,
                              struct err *err) {
    *count = 0;
    struct db_conn *c = db_acquire(s->db, err);
    if (!c)
        return store_failed(err);
    struct db_params p = {0};
    db_int8(&p, account), db_int8(&p, mailbox);
    store_range_params(&p, a, range, range_count);
    PGresult *r = db_query(c, &CARDS, &p, err);
    enum store_status status = r ? STORE_OK : store_failed(err);
    if (r) {
        *count = (size_t)PQntuples(r);
        *out = arena_array(a, *count, sizeof **out);
        for (size_t i = 0; i < *count; i++) {
            struct store_card *card = &(*out)[i];
            card->uid = (uint32_t)db_get_int8(r, (int)i, 0);
            card->email_id = db_get_int8(r, (int)i, 1);
            card->thread_id = db_get_int8(r, (int)i, 2);
            memcpy(card->blob, db_get_str(r, (int)i, 3).p, sizeof card->blob);
            card->blob_size = (uint64_t)db_get_int8(r, (int)i, 4);
            card->prefix = arena_str(a, db_get_str(r, (int)i, 5));
            card->card = arena_str(a, db_get_str(r, (int)i, 6));
            card->saved_at = db_get_time(r, (int)i, 7);
        }
    }
    PQclear(r);
    db_release(s->db, c);
    return status;
}

enum store_status store_read(struct store *s, const struct store_card *m, uint64_t offset, uint64_t n, struct buf *out,
                             struct err *err) {
    if (offset < m->prefix.n) {
        struct str part = str_sub(m->prefix, (size_t)offset, n > m->prefix.n ? m->prefix.n : (size_t)n);
        buf_add_str(out, part);
        n -= part.n;
        offset = m->prefix.n;
    }
    if (n == 0 || offset - m->prefix.n >= m->blob_size)
        return STORE_OK;
    return blob_get(s->blobs, m->blob, offset - m->prefix.n, n, out, err) ? STORE_OK : store_failed(err);
}

/* ---- changing: a transaction with its mailboxes locked ---- */

enum store_status store_begin_change(struct store_changing *x, const struct store_locked *of, size_t n,
                                     struct store_locked *box, const struct db_statement *select,
                                     struct db_params *params, PGresult **rows) {
    *rows = NULL;
    x->c = db_acquire(x->s->db, x->err);
    if (!x->c) {
        db_params_free(params);
        return store_failed(x->err);
    }
    bool one = true; /* account */
    int64_t account[STORE_MAX_CHANGING], ids[STORE_MAX_CHANGING];
    for (size_t i = 0; i < n; i++) {
        account[i] = of[i].account;
        ids[i] = of[i].id;
        one = one && of[i].account == of[0].account;
    }
    struct db_params p = {0};
    if (one)
        db_int8(&p, of[0].account);
    else
        db_int8_array(&p, account, n);
    db_int8_array(&p, ids, n);
    bool good = db_pipeline(x->c, x->err) && db_send(x->c, &STORE_BEGIN, NULL, x->err) &&
                db_send(x->c, one ? &STORE_LOCK_MAILBOX : &STORE_LOCK_MAILBOXES, &p, x->err);
    good = good && db_send(x->c, select, params, x->err) && db_sync(x->c, x->err);
    db_params_free(&p);
    db_params_free(params);
    PGresult *locked = NULL;
    if (good) {
        PQclear(db_receive(x->c, x->err));
        locked = db_receive(x->c, x->err);
        *rows = locked ? db_receive(x->c, x->err) : NULL;
    }
    if (!db_pipeline_end(x->c, x->err) || !*rows) {
        PQclear(locked);
        PQclear(*rows);
        *rows = NULL;
        return store_failed(x->err);
    }
    size_t found = 0;
    for (int i = 0; i < PQntuples(locked); i++)
        for (size_t k = 0; k < n; k++)
            if (of[k].account == db_get_int8(locked, i, 0) && of[k].id == db_get_int8(locked, i, 1)) {
                box[k] =
                    (struct store_locked){of[k].account, of[k].id, (uint64_t)db_get_int8(locked, i, 2),
                                          (uint64_t)db_get_int8(locked, i, 3), (uint32_t)db_get_int8(locked, i, 4)};
                found++;
            }
    PQclear(locked);
    if (found == n)
        return STORE_OK;
    PQclear(*rows);
    *rows = NULL;
    err_set(x->err, "the mailbox is gone");
    return STORE_NOT_FOUND;
}

bool store_send_raise(struct store_changing *x, const struct store_locked *box, const struct store_raise *by) {
    struct db_params p = {0};
    db_int8(&p, box->account), db_int8(&p, box->id), db_int8(&p, by->uids), db_int8(&p, by->modseq),
        db_int8(&p, by->flags_modseq);
    db_int4(&p, (int32_t)by->messages), db_int4(&p, (int32_t)by->unseen), db_int4(&p, (int32_t)by->deleted),
        db_int8(&p, by->bytes);
    return db_send(x->c, &RAISE, &p, x->err);
}

bool store_send_usage(struct store_changing *x, int64_t account, int64_t bytes, int64_t messages) {
    struct db_params p = {0};
    db_int8(&p, account), db_int8(&p, bytes), db_int8(&p, messages);
    return db_send(x->c, &STORE_ADD_USAGE, &p, x->err);
}

enum store_status store_commit_change(struct store_changing *x, bool sent) {
    sent = sent && db_send(x->c, &STORE_COMMIT, NULL, x->err);
    if (!db_pipeline_end(x->c, x->err) || !sent)
        return store_failed(x->err);
    return STORE_OK;
}

void store_count_up(const struct store_message *m, size_t n, struct store_raise *sum) {
    for (size_t i = 0; i < n; i++) {
        sum->messages++;
        sum->unseen += !(m[i].flags & STORE_SEEN);
        sum->deleted += !!(m[i].flags & STORE_DELETED);
        sum->bytes += (int64_t)m[i].size;
    }
}

/* ---- expunge ---- */

void store_split_columns(struct arena *a, const struct store_message *m, size_t n, int64_t **uid, int64_t **email) {
    *uid = arena_array(a, n, sizeof **uid);
    *email = arena_array(a, n, sizeof **email);
    for (size_t i = 0; i < n; i++) {
        (*uid)[i] = m[i].uid;
        (*email)[i] = m[i].email_id;
    }
}

bool store_send_removal(struct store_changing *x, const struct store_locked *box, const struct db_statement *how,
                        const struct store_message *m, size_t n, int64_t modseq) {
    int64_t *uid, *email;
    store_split_columns(x->a, m, n, &uid, &email);
    struct store_raise sum = {0};
    store_count_up(m, n, &sum);
    struct store_raise by = {0, modseq, 0, -sum.messages, -sum.unseen, -sum.deleted, -sum.bytes};
    const struct db_statement *const both[] = {how, &FORGET_SEEN};
    struct db_params p = {0};
    for (size_t i = 0; i < 2; i++) {
        db_int8(&p, box->account), db_int8(&p, box->id), db_int8_array(&p, uid, n);
        if (!db_send(x->c, both[i], &p, x->err))
            return false;
    }
    db_int8(&p, box->account), db_int8(&p, box->id), db_int8(&p, modseq), db_int8_array(&p, uid, n);
    return db_send(x->c, &ADD_EXPUNGED, &p, x->err) && store_send_raise(x, box, &by);
}

/* Where a POP3 session does it, the session's hold of the mailbox must still be there. */
static bool send_fence(struct store_changing *x, int64_t account) {
    struct db_params p = {0};
    if (!x->hold)
        return true;
    db_int8(&p, account), db_int8(&p, x->hold);
    return db_send(x->c, &FENCE, &p, x->err);
}

/* Expunges the messages that `select` names. *modseq: theirs, or the mailbox's where there are none. */
static enum store_status expunge(struct store_changing *x, const struct store_locked *mailbox,
                                 const struct db_statement *select, struct db_params *of, struct store_message **m,
                                 size_t *n, uint64_t *modseq) {
    struct store_locked box;
    PGresult *rows;
    *n = 0;
    enum store_status status = store_begin_change(x, mailbox, 1, &box, select, of, &rows);
    if (status == STORE_OK) {
        *m = store_read_messages(rows, x->a, n);
        PQclear(rows);
        *modseq = box.highestmodseq + (*n > 0);
    }
    if (*n) {
        struct store_raise sum = {0};
        store_count_up(*m, *n, &sum);
        bool sent = db_pipeline(x->c, x->err) && send_fence(x, box.account) &&
                    store_send_usage(x, box.account, -sum.bytes, -sum.messages) &&
                    store_send_removal(x, &box, &STORE_REMOVE_MESSAGES, *m, *n, (int64_t)*modseq);
        status = store_commit_change(x, sent);
        if (status != STORE_OK && x->hold && strcmp(db_sqlstate(x->c), "55P03") == 0)
            status = STORE_INVALID;
    }
    db_release(x->s->db, x->c);
    if (status == STORE_OK && *n)
        store_tell(x->s, mailbox->account, mailbox->id, *modseq);
    return status;
}

enum store_status store_expunge(struct store *s, struct arena *a, int64_t account, int64_t mailbox,
                                const struct uid_range *range, size_t range_count, uint32_t **expunged, size_t *count,
                                uint64_t *modseq, struct err *err) {
    static const struct uid_range all = {1, UINT32_MAX};
    struct store_changing x = {.s = s, .a = a, .err = err};
    struct store_locked of = {.account = account, .id = mailbox};
    struct store_message *m = NULL;
    struct db_params p = {0};
    uint64_t raised = 0;
    size_t n;
    *count = 0;
    db_int8(&p, account), db_int8(&p, mailbox);
    store_range_params(&p, a, range ? range : &all, range ? range_count : 1);
    enum store_status status = expunge(&x, &of, &IN_DELETED, &p, &m, &n, &raised);
    if (status != STORE_OK)
        return status;
    *expunged = arena_array(a, n, sizeof **expunged);
    for (size_t i = 0; i < n; i++)
        (*expunged)[i] = m[i].uid;
    *count = n;
    if (modseq)
        *modseq = raised;
    return STORE_OK;
}

enum store_status store_remove(struct store *s, struct arena *a, int64_t account, int64_t mailbox,
                               const struct uid_range *range, size_t range_count, int64_t hold, size_t *count,
                               struct err *err) {
    struct store_changing x = {.s = s, .a = a, .err = err, .hold = hold};
    struct store_locked of = {.account = account, .id = mailbox};
    struct store_message *m = NULL;
    struct db_params p = {0};
    uint64_t modseq;
    db_int8(&p, account), db_int8(&p, mailbox);
    store_range_params(&p, a, range, range_count);
    return expunge(&x, &of, &STORE_MESSAGES_IN, &p, &m, count, &modseq);
}

enum store_status store_expunge_old(struct store *s, int64_t account, int64_t mailbox, int days, size_t most,
                                    size_t *count, struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct store_changing x = {.s = s, .a = &a, .err = err};
    struct store_locked of = {.account = account, .id = mailbox};
    struct store_message *m = NULL;
    struct db_params p = {0};
    uint64_t modseq;
    db_int8(&p, account), db_int8(&p, mailbox), db_int8(&p, (int64_t)most), db_int4(&p, days);
    enum store_status status = expunge(&x, &of, &IN_OLD, &p, &m, count, &modseq);
    arena_free(&a);
    return status;
}

/* ---- quota ---- */

enum store_status store_check_room(struct store_changing *x, int64_t account, int64_t also, struct store_quota quota,
                                   const struct store_raise *more, struct store_filled *f) {
    int64_t both[2] = {account, also};
    *f = (struct store_filled){.account = account, .quota = quota};
    if (quota.bytes < 0 && quota.messages == 0 && !also)
        return STORE_OK;
    struct db_params p = {0};
    db_int8_array(&p, both, also ? 2 : 1);
    PGresult *r = db_query(x->c, &LOCK_USAGES, &p, x->err);
    if (!r)
        return store_failed(x->err);
    for (int i = 0; i < PQntuples(r); i++)
        if (db_get_int8(r, i, 0) == account) {
            f->bytes = f->bytes_before = db_get_int8(r, i, 1);
            f->messages = f->messages_before = db_get_int8(r, i, 2);
            f->warned = db_get_int8(r, i, 3);
        }
    PQclear(r);
    f->refused = (quota.bytes >= 0 && f->bytes + more->bytes > quota.bytes) ||
                 (quota.messages > 0 && f->messages + more->messages > quota.messages);
    if (f->refused) {
        err_set(x->err, "the account's quota would be passed");
        return STORE_QUOTA;
    }
    f->bytes += more->bytes;
    f->messages += more->messages;
    return STORE_OK;
}

void store_tell_filled(const struct store *s, const struct store_filled *f) {
    if (s->filled && (f->quota.bytes >= 0 || f->quota.messages > 0))
        s->filled(s->filled_context, f);
}
