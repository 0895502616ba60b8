/*
 * What time removes: mail that was expunged longer ago than it may be brought back (sql/0019_retention.sql), and mail
 * that was in a folder longer than its rule says. In pieces of a bounded size, so that nobody waits long for a lock.
 */
#include "store/store_internal.h"

#include "base/log.h"

#include <stdlib.h>

enum {
    BATCH = 500,          /* messages of a transaction */
    ACCOUNTS = 500,       /* looked at for rules in one question */
    MAILBOX_PIECES = 2000 /* batches of one mailbox in one go */
};

/* Accounts with something past its time. */
static const struct db_statement DUE = {
    "expire_due",
    "SELECT a.id, coalesce(d.undelete_days, s.days) FROM account a JOIN domain d ON d.id = a.domain_id"
    " CROSS JOIN (SELECT setting_days('store.undelete_days', 14) AS days) s WHERE EXISTS (SELECT FROM removed_message r"
    " WHERE r.account_id = a.id AND r.removed_at < now() - make_interval(days => coalesce(d.undelete_days, s.days)))"
    " LIMIT 20"};
static const struct db_statement FORGET = {
    "expire_forget",
    "WITH due AS (SELECT email_id, mailbox_id, uid FROM removed_message WHERE account_id = $1"
    " AND removed_at < now() - make_interval(days => $2) ORDER BY removed_at LIMIT $3),"
    " gone AS (DELETE FROM removed_message r USING due d WHERE r.account_id = $1 AND r.email_id = d.email_id"
    " AND r.mailbox_id = d.mailbox_id AND r.uid = d.uid RETURNING r.email_id)"
    " SELECT coalesce(array_agg(DISTINCT email_id), '{}'), count(*) FROM gone"};
/* An email that neither a mailbox nor what can be brought back names. */
static const struct db_statement DROP_EMAILS = {
    "expire_drop_emails",
    "WITH gone AS (DELETE FROM email e WHERE e.account_id = $1 AND e.id = ANY ($2)"
    " AND NOT EXISTS (SELECT FROM message m WHERE m.account_id = $1 AND m.email_id = e.id)"
    " AND NOT EXISTS (SELECT FROM removed_message r WHERE r.account_id = $1 AND r.email_id = e.id) RETURNING e.blob)"
    " INSERT INTO blob_garbage (blob) SELECT blob FROM gone"};
static const struct db_statement FORGET_MAILBOXES = {
    "expire_forget_mailboxes",
    "DELETE FROM removed_mailbox g WHERE g.account_id = $1 AND g.removed_at < now() - make_interval(days => $2)"
    " AND NOT EXISTS (SELECT FROM removed_message r WHERE r.account_id = $1 AND r.mailbox_id = g.id)"};
static const struct db_statement NEXT_ACCOUNTS = {
    "expire_next_accounts",
    "SELECT coalesce(max(id), 0) FROM (SELECT id FROM account WHERE id > $1 ORDER BY id LIMIT $2) a"};
static const struct db_statement OVERDUE = {"expire_overdue",
                                            "SELECT account_id, mailbox_id, days FROM retention_due($1, $2)"};

/* ---- what can't be brought back any more ---- */

/* Drops the emails of an array that came as a result. */
static bool drop_emails(struct db_conn *c, int64_t account, struct str ids, struct err *err) {
    struct db_params p = {0};
    db_int8(&p, account);
    int at = p.count;
    db_bytes(&p, ids); /* the array goes back as it came */
    p.type[at] = 1016;
    return db_exec(c, &DROP_EMAILS, &p, err) >= 0;
}

/* The usage row is locked before it is looked which emails nobody has any more: two that forget the last two copies of
 * one can't both see the other's. The number forgotten, or -1. */
static int64_t forget_batch(struct db_conn *c, int64_t account, int days, struct err *err) {
    struct db_params p = {0};
    if (!db_begin(c, err))
        return -1;
    db_int8(&p, account), db_int8(&p, 0), db_int8(&p, 0);
    if (db_exec(c, &STORE_ADD_USAGE, &p, err) < 0)
        return -1;
    db_int8(&p, account), db_int4(&p, days), db_int8(&p, BATCH);
    PGresult *r = db_query(c, &FORGET, &p, err);
    if (!r)
        return -1;
    int64_t n = db_get_int8(r, 0, 1);
    bool good = n == 0 || drop_emails(c, account, db_get_str(r, 0, 0), err);
    PQclear(r);
    if (good) {
        db_int8(&p, account), db_int4(&p, days);
        good = db_exec(c, &FORGET_MAILBOXES, &p, err) >= 0;
    }
    return good && db_commit(c, err) ? n : -1;
}

int64_t store_forget_removed(struct store *s, struct err *err) {
    struct db_conn *c = db_acquire(s->db, err);
    if (!c)
        return -1;
    PGresult *r = db_query(c, &DUE, NULL, err);
    int64_t sum = r ? 0 : -1;
    for (int i = 0; sum >= 0 && r && i < PQntuples(r); i++) {
        int64_t n = forget_batch(c, db_get_int8(r, i, 0), (int)db_get_int8(r, i, 1), err);
        sum = n < 0 ? -1 : sum + n;
    }
    PQclear(r);
    db_release(s->db, c);
    return sum;
}

/* ---- how long mail stays in a folder ---- */

static int64_t clear_mailbox(struct store *s, int64_t account, int64_t mailbox, int days, struct err *err) {
    size_t n = BATCH;
    int64_t sum = 0;
    for (int i = 0; n == BATCH && i < MAILBOX_PIECES; i++) {
        enum store_status status = store_expunge_old(s, account, mailbox, days, BATCH, &n, err);
        if (status == STORE_NOT_FOUND) /* deleted meanwhile */
            return sum;
        if (status != STORE_OK)
            return -1;
        sum += (int64_t)n;
    }
    return sum;
}

int64_t store_apply_retention(struct store *s, int64_t *after, struct err *err) {
    struct db_conn *c = db_acquire(s->db, err);
    if (!c)
        return -1;
    struct db_params p = {0};
    db_int8(&p, *after), db_int8(&p, ACCOUNTS);
    PGresult *r = db_query(c, &NEXT_ACCOUNTS, &p, err);
    int64_t up_to = r ? db_get_int8(r, 0, 0) : 0;
    bool good = r != NULL;
    PQclear(r);
    r = NULL;
    if (good && up_to) {
        db_int8(&p, *after), db_int8(&p, up_to);
        r = db_query(c, &OVERDUE, &p, err);
        good = r != NULL;
    }
    db_release(s->db, c); /* each piece takes one of its own */
    int64_t sum = good ? 0 : -1;
    for (int i = 0; sum >= 0 && r && i < PQntuples(r); i++) {
        int64_t n = clear_mailbox(s, db_get_int8(r, i, 0), db_get_int8(r, i, 1), (int)db_get_int8(r, i, 2), err);
        sum = n < 0 ? -1 : sum + n;
    }
    PQclear(r);
    *after = up_to;
    return sum;
}
