/*
 * COPY and MOVE: rows alone, no bytes. Within an account the copies name the same email; into another account's mailbox
 * each email gets a row there that names the same blob, since no row names another account's.
 */
#include "store/store_internal.h"

#include <stdlib.h>

enum { SLICE = 1000 }; /* messages between two words on how far it is */

static const struct db_statement COPY = {
    "copy_messages",
    "INSERT INTO message (account_id, mailbox_id, uid, email_id, modseq, flags, keywords, size, internal_date, prefix)"
    " SELECT $3, $4, u.new_uid, u.new_email, $5, u.flags, CASE WHEN $6 THEN '{}'::text[] ELSE m.keywords END, m.size,"
    " m.internal_date, m.prefix"
    " FROM unnest($7::int8[], $8::int8[], $9::int8[], $10::int4[]) AS u (uid, new_uid, new_email, flags) JOIN message m"
    " ON m.account_id = $1 AND m.mailbox_id = $2 AND m.uid = u.uid ORDER BY u.new_uid"};
static const struct db_statement COPY_EMAILS = {
    "copy_emails", "INSERT INTO email (account_id, id, thread_id, blob, size, card, received_at)"
                   " SELECT $2, u.new_id, u.new_id, e.blob, e.size, e.card, e.received_at"
                   " FROM unnest($3::int8[], $4::int8[]) AS u (id, new_id) JOIN email e"
                   " ON e.account_id = $1 AND e.id = u.id"};
static const struct db_statement SEEN_IN = {
    "copy_seen_in", "SELECT s.uid FROM unnest($4::int8[]) AS u (uid) JOIN message_seen s ON s.account_id = $1"
                    " AND s.mailbox_id = $2 AND s.reader_id = $3 AND s.uid = u.uid WHERE s.seen ORDER BY s.uid"};
static const struct db_statement ADD_SEEN = {
    "copy_add_seen", "INSERT INTO message_seen (account_id, mailbox_id, reader_id, uid, seen, modseq)"
                     " SELECT $1, $2, $3, u, true, $4 FROM unnest($5::int8[]) AS u"};
/* What others had seen they have seen in its new place, too. */
static const struct db_statement MOVE_SEEN = {
    "copy_move_seen",
    "INSERT INTO message_seen (account_id, mailbox_id, reader_id, uid, seen, modseq)"
    " SELECT $1, $3, s.reader_id, u.new_uid, true, $4 FROM unnest($5::int8[], $6::int8[]) AS u (uid, new_uid)"
    " JOIN message_seen s ON s.account_id = $1 AND s.mailbox_id = $2 AND s.uid = u.uid"
    " WHERE s.seen AND s.reader_id <> $7"};
/* One command's work. */
struct copying {
    struct store_changing x;
    struct store_copying *of;
    bool same, crosses; /* the mailbox itself; to another account */
    struct store_locked box[2], *target;
    struct store_message *m; /* as they are */
    size_t n;
    int32_t *flags; /* of the copies */
    int64_t *uid, *new_uid, *email, *new_email;
    int64_t *seen; /* new UIDs of those that the reader has seen there */
    size_t seen_count;
    struct store_raise by; /* of the target */
    struct store_filled filled;
};

static int by_id(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* What the one who copies has seen of the messages, in `flags`, whoever owns the mailbox. */
static enum store_status take_seen(struct copying *c) {
    for (size_t i = 0; i < c->n; i++)
        c->flags[i] = (int32_t)c->m[i].flags;
    if (!c->of->reader)
        return STORE_OK;
    struct db_params p = {0};
    db_int8(&p, c->of->account), db_int8(&p, c->of->mailbox), db_int8(&p, c->of->reader);
    db_int8_array(&p, c->uid, c->n);
    PGresult *r = db_query(c->x.c, &SEEN_IN, &p, c->x.err);
    if (!r)
        return store_failed(c->x.err);
    int row = 0;
    for (size_t i = 0; i < c->n; i++) {
        bool seen = row < PQntuples(r) && db_get_int8(r, row, 0) == c->uid[i];
        row += seen;
        c->flags[i] = (c->flags[i] & ~STORE_SEEN) | (seen ? STORE_SEEN : 0);
    }
    PQclear(r);
    return STORE_OK;
}

/* What the copies are, in the order of their new UIDs. */
static void prepare(struct copying *c) {
    struct store_copying *of = c->of;
    struct store_message *copy = arena_array(c->x.a, c->n, sizeof *copy);
    c->by = (struct store_raise){.uids = (int64_t)c->n, .modseq = (int64_t)c->target->highestmodseq + 1};
    c->seen = arena_array(c->x.a, c->n, 8);
    of->from = arena_array(c->x.a, c->n, sizeof *of->from);
    of->to = arena_array(c->x.a, c->n, sizeof *of->to);
    for (size_t i = 0; i < c->n; i++) {
        c->new_uid[i] = (int64_t)(c->target->uidnext + i);
        of->from[i] = c->m[i].uid;
        of->to[i] = (uint32_t)c->new_uid[i];
        c->flags[i] &= ~(int32_t)of->drop_flags;
        if (of->to_reader && c->flags[i] & STORE_SEEN) {
            c->flags[i] &= ~STORE_SEEN;
            c->seen[c->seen_count++] = c->new_uid[i];
        }
        copy[i] = c->m[i];
        copy[i].flags = (uint32_t)c->flags[i];
    }
    store_count_up(copy, c->n, &c->by);
}

/* A move within an account changes nothing of what it holds. */
static enum store_status check_quota(struct copying *c) {
    const struct store_copying *of = c->of;
    if (of->move && !c->crosses)
        return STORE_OK;
    return store_check_room(&c->x, of->to_account, of->move ? of->account : 0, of->quota, &c->by, &c->filled);
}

/* Each email once, however many of its messages go. */
static bool send_emails(struct copying *c) {
    int64_t *old = arena_array(c->x.a, c->n, 8), *new = arena_array(c->x.a, c->n, 8);
    size_t count = 0;
    memcpy(old, c->email, c->n * sizeof *old);
    qsort(old, c->n, sizeof *old, by_id);
    for (size_t i = 0; i < c->n; i++)
        if (count == 0 || old[count - 1] != old[i])
            old[count++] = old[i];
    for (size_t i = 0; i < count; i++)
        new[i] = store_new_id();
    for (size_t i = 0; i < c->n; i++) {
        const int64_t *at = bsearch(&c->email[i], old, count, sizeof *old, by_id);
        c->new_email[i] = new[at - old];
    }
    struct db_params p = {0};
    db_int8(&p, c->of->account), db_int8(&p, c->of->to_account);
    db_int8_array(&p, old, count), db_int8_array(&p, new, count);
    return db_send(c->x.c, &COPY_EMAILS, &p, c->x.err);
}

/* The rows of n messages from the one at `at` on. */
static bool send_rows(struct copying *c, size_t at, size_t n) {
    const struct store_copying *of = c->of;
    struct db_params p = {0};
    db_int8(&p, of->account), db_int8(&p, of->mailbox), db_int8(&p, of->to_account), db_int8(&p, of->to_mailbox);
    db_int8(&p, c->by.modseq), db_bool(&p, of->drop_keywords);
    db_int8_array(&p, c->uid + at, n), db_int8_array(&p, c->new_uid + at, n), db_int8_array(&p, c->new_email + at, n);
    db_int4_array(&p, c->flags + at, n);
    return db_send(c->x.c, &COPY, &p, c->x.err);
}

/* Many, for somebody who wants to know how far it is: slice by slice, each waited for, with what was sent before. */
static bool send_slices(struct copying *c, size_t sent_before) {
    size_t due = sent_before;
    for (size_t at = 0; at < c->n; at += SLICE) {
        size_t n = c->n - at < SLICE ? c->n - at : SLICE;
        if (!send_rows(c, at, n) || !db_sync(c->x.c, c->x.err))
            return false;
        for (due++; due; due--) {
            PGresult *r = db_receive(c->x.c, c->x.err);
            if (!r)
                return false;
            PQclear(r);
        }
        c->of->progress(c->of->context, at + n);
    }
    return true;
}

static bool send_copies(struct copying *c, size_t sent_before) {
    const struct store_copying *of = c->of;
    struct db_params p = {0};
    if (c->crosses && !send_emails(c))
        return false;
    bool slices = of->progress && c->n > SLICE;
    if (!(slices ? send_slices(c, sent_before + c->crosses) : send_rows(c, 0, c->n)) ||
        !store_send_raise(&c->x, c->target, &c->by))
        return false;
    if (!c->seen_count)
        return true;
    db_int8(&p, of->to_account), db_int8(&p, of->to_mailbox), db_int8(&p, of->to_reader), db_int8(&p, c->by.modseq);
    db_int8_array(&p, c->seen, c->seen_count);
    return db_send(c->x.c, &ADD_SEEN, &p, c->x.err);
}

/* Of a move: out of where they were. From another account's mailbox they can be brought back there. */
static bool send_leaving(struct copying *c, int64_t modseq) {
    const struct store_copying *of = c->of;
    struct db_params p = {0};
    if (c->crosses)
        return store_send_usage(&c->x, of->account, -c->by.bytes, -c->by.messages) &&
               store_send_removal(&c->x, &c->box[0], &STORE_REMOVE_MESSAGES, c->m, c->n, modseq);
    db_int8(&p, of->account), db_int8(&p, of->mailbox), db_int8(&p, of->to_mailbox), db_int8(&p, c->by.modseq);
    db_int8_array(&p, c->uid, c->n), db_int8_array(&p, c->new_uid, c->n), db_int8(&p, of->to_reader);
    return db_send(c->x.c, &MOVE_SEEN, &p, c->x.err) &&
           store_send_removal(&c->x, &c->box[0], &STORE_DELETE_MESSAGES, c->m, c->n, modseq);
}

static enum store_status commit(struct copying *c, int64_t gone_modseq) {
    bool charged = !c->of->move || c->crosses;
    bool sent = db_pipeline(c->x.c, c->x.err) &&
                (!charged || store_send_usage(&c->x, c->of->to_account, c->by.bytes, c->by.messages)) &&
                send_copies(c, charged) && (!c->of->move || send_leaving(c, gone_modseq));
    return store_commit_change(&c->x, sent);
}

static enum store_status copy(struct copying *c, int64_t *gone_modseq) {
    c->flags = arena_array(c->x.a, c->n, sizeof *c->flags);
    c->new_uid = arena_array(c->x.a, c->n, 8);
    store_split_columns(c->x.a, c->m, c->n, &c->uid, &c->email);
    c->new_email = arena_array(c->x.a, c->n, 8);
    if (c->n)
        memcpy(c->new_email, c->email, c->n * sizeof *c->email);
    if (c->target->uidnext + c->n > (uint64_t)UINT32_MAX + 1) {
        err_set(c->x.err, "the mailbox has no UIDs left");
        return STORE_INVALID;
    }
    if (c->n == 0)
        return STORE_OK;
    enum store_status status = take_seen(c);
    if (status != STORE_OK)
        return status;
    prepare(c);
    *gone_modseq = c->same ? c->by.modseq + 1 : (int64_t)c->box[0].highestmodseq + 1;
    status = check_quota(c);
    return status == STORE_OK ? commit(c, *gone_modseq) : status;
}

enum store_status store_copy(struct store *s, struct arena *a, const struct uid_range *range, size_t range_count,
                             struct store_copying *of, struct err *err) {
    struct copying c = {.x = {.s = s, .a = a, .err = err}, .of = of, .filled = {.quota = {-1, 0}}};
    struct db_params params = {0};
    struct store_locked ids[2] = {{.account = of->account, .id = of->mailbox},
                                  {.account = of->to_account, .id = of->to_mailbox}};
    PGresult *rows;
    int64_t gone_modseq = 0;
    c.same = of->account == of->to_account && of->mailbox == of->to_mailbox;
    c.crosses = of->account != of->to_account;
    c.target = c.same ? &c.box[0] : &c.box[1];
    of->count = 0;
    db_int8(&params, of->account), db_int8(&params, of->mailbox);
    store_range_params(&params, a, range, range_count);
    enum store_status status = store_begin_change(&c.x, ids, c.same ? 1 : 2, c.box, &STORE_MESSAGES_IN, &params, &rows);
    if (status == STORE_OK) {
        c.m = store_read_messages(rows, a, &c.n);
        PQclear(rows);
        status = copy(&c, &gone_modseq);
    }
    db_release(s->db, c.x.c);
    if (status == STORE_OK || status == STORE_QUOTA)
        store_tell_filled(s, &c.filled);
    if (status != STORE_OK)
        return status;
    of->count = c.n;
    of->to_uidvalidity = c.target->uidvalidity;
    if (c.n) {
        store_tell(s, of->to_account, of->to_mailbox, (uint64_t)c.by.modseq);
        if (of->move)
            store_tell(s, of->account, of->mailbox, (uint64_t)gone_modseq);
    }
    return STORE_OK;
}
