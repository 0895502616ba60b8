/*
 * Sweeping: what is no longer named by any row goes, after a grace period. Run by imapd now and then.
 */
#include "store/store_internal.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdlib.h>

enum {
    BATCH = 500, /* blobs of a transaction */
    PIECE = 2000 /* rows of a transaction */
};

static const struct db_statement GARBAGE = {
    "sweep_garbage", "SELECT blob FROM blob_garbage g WHERE at < now() - $1 * interval '1 second' ORDER BY at LIMIT $2"
                     " FOR UPDATE SKIP LOCKED"};
static const struct db_statement UNNAMED = {
    "sweep_unnamed",
    "SELECT DISTINCT b FROM unnest($1::uuid[]) AS b WHERE NOT EXISTS (SELECT FROM email e WHERE e.blob = b)"
    " AND NOT EXISTS (SELECT FROM queue_message q WHERE q.blob = b)"};
static const struct db_statement FORGET = {"sweep_forget", "DELETE FROM blob_garbage WHERE blob = ANY ($1)"};
/* Deleted, and past the time for which they can be brought back. */
static const struct db_statement GONE_ACCOUNTS = {
    "sweep_gone_accounts",
    "SELECT DISTINCT account_id FROM mailbox m WHERE NOT EXISTS (SELECT FROM account a WHERE a.id = m.account_id)"
    " AND NOT EXISTS (SELECT FROM removed_account r WHERE r.account_id = m.account_id AND removed_account_until(r) > "
    "now())"
    " LIMIT 20"};
static const struct db_statement DROP_EMAILS = {
    "sweep_drop_emails",
    "WITH gone AS (DELETE FROM email WHERE account_id = $1 AND id IN (SELECT id FROM email WHERE account_id = $1"
    " ORDER BY id LIMIT $2) RETURNING blob) INSERT INTO blob_garbage (blob) SELECT DISTINCT blob FROM gone"};
/* In pieces; the mailboxes go last, since an account that has one is found again. */
#define DROP_PIECE(name, table)                                                                                        \
    {                                                                                                                  \
        name, "DELETE FROM " table " WHERE ctid = ANY (ARRAY(SELECT ctid FROM " table                                  \
              " WHERE account_id = $1 LIMIT $2))"                                                                      \
    }
static const struct db_statement DROP_PIECES[] = {
    DROP_PIECE("sweep_drop_messages", "message"),
    DROP_PIECE("sweep_drop_removed", "removed_message"),
    DROP_PIECE("sweep_drop_expunged", "expunged"),
    DROP_PIECE("sweep_drop_seen", "message_seen"),
};
static const struct db_statement DROP_ACCOUNT[] = {
    {"sweep_drop_removed_mailboxes", "DELETE FROM removed_mailbox WHERE account_id = $1"},
    {"sweep_drop_acl", "DELETE FROM mailbox_acl WHERE account_id = $1"},
    {"sweep_drop_subscriptions", "DELETE FROM mailbox_subscription WHERE account_id = $1"},
    {"sweep_drop_mailboxes", "DELETE FROM mailbox WHERE account_id = $1"},
    {"sweep_drop_annotations", "DELETE FROM annotation WHERE account_id = $1"},
    {"sweep_drop_private_annotations", "DELETE FROM annotation WHERE reader_id = $1"},
    {"sweep_drop_usage", "DELETE FROM account_usage WHERE account_id = $1"},
    {"sweep_drop_import_messages", "DELETE FROM import_message WHERE account_id = $1"},
    {"sweep_drop_import_folders", "DELETE FROM import_folder WHERE account_id = $1"},
    {"sweep_drop_crlf", "DELETE FROM email_crlf WHERE account_id = $1"},
    {"sweep_drop_uidls", "DELETE FROM pop3_uidl WHERE account_id = $1"},
};
/* Of accounts that had no mail, too. */
static const struct db_statement FORGET_ACCOUNTS[] = {
    {"sweep_forget_accounts", "DELETE FROM removed_account r WHERE removed_account_until(r) <= now()"},
    {"sweep_forget_domains", "DELETE FROM removed_domain d WHERE NOT EXISTS (SELECT FROM removed_account r"
                             " WHERE r.domain_id = d.id)"},
};

/* Deletes those of the blobs that no row names. The number, or -1. */
static int64_t delete_unnamed(struct store *s, struct db_conn *c, const unsigned char (*blob)[16], size_t n,
                              struct err *err) {
    struct db_params p = {0};
    db_uuid_array(&p, blob, n);
    PGresult *r = db_query(c, &UNNAMED, &p, err);
    int64_t deleted = r ? 0 : -1;
    for (int i = 0; r && deleted >= 0 && i < PQntuples(r); i++) {
        blob_id id;
        memcpy(id, db_get_str(r, i, 0).p, sizeof id);
        deleted = blob_delete(s->blobs, id, err) ? deleted + 1 : -1;
    }
    PQclear(r);
    return deleted;
}

/* A blob gets its rows in the transaction that follows its writing and never later, so one that lost them stays
 * without. */
static int64_t sweep_garbage(struct store *s, struct db_conn *c, int grace_seconds, struct err *err) {
    if (!db_begin(c, err))
        return -1;
    struct db_params p = {0};
    db_int4(&p, grace_seconds), db_int8(&p, BATCH);
    PGresult *r = db_query(c, &GARBAGE, &p, err);
    if (!r)
        return -1;
    size_t n = (size_t)PQntuples(r);
    unsigned char(*blob)[16] = mem_zero((n ? n : 1) * 16);
    for (size_t i = 0; i < n; i++)
        memcpy(blob[i], db_get_str(r, (int)i, 0).p, 16);
    PQclear(r);
    int64_t deleted = n ? delete_unnamed(s, c, (const unsigned char(*)[16])blob, n, err) : 0;
    if (deleted >= 0 && n) {
        db_uuid_array(&p, (const unsigned char(*)[16])blob, n);
        if (db_exec(c, &FORGET, &p, err) < 0)
            deleted = -1;
    }
    free(blob);
    return deleted >= 0 && db_commit(c, err) ? deleted : -1;
}

/* Runs the statement in transactions of PIECE rows until it finds no more. */
static bool drop_pieces(struct db_conn *c, const struct db_statement *statement, int64_t account, struct err *err) {
    for (int64_t n = PIECE; n == PIECE;) {
        struct db_params p = {0};
        db_int8(&p, account), db_int8(&p, PIECE);
        n = db_exec(c, statement, &p, err);
        if (n < 0)
            return false;
    }
    return true;
}

/* DROP_EMAILS counts the rows it inserted, of which there are fewer than it deleted where blobs are shared. */
static bool drop_emails(struct db_conn *c, int64_t account, struct err *err) {
    for (int64_t n = 1; n > 0;) {
        struct db_params p = {0};
        db_int8(&p, account), db_int8(&p, PIECE);
        n = db_exec(c, &DROP_EMAILS, &p, err);
        if (n < 0)
            return false;
    }
    return true;
}

static bool drop_account(struct db_conn *c, int64_t account, struct err *err) {
    bool good = drop_emails(c, account, err);
    for (size_t i = 0; good && i < sizeof DROP_PIECES / sizeof *DROP_PIECES; i++)
        good = drop_pieces(c, &DROP_PIECES[i], account, err);
    good = good && db_begin(c, err);
    for (size_t i = 0; good && i < sizeof DROP_ACCOUNT / sizeof *DROP_ACCOUNT; i++) {
        struct db_params p = {0};
        db_int8(&p, account);
        good = db_exec(c, &DROP_ACCOUNT[i], &p, err) >= 0;
    }
    return good && db_commit(c, err);
}

static bool sweep_accounts(struct db_conn *c, struct err *err) {
    PGresult *r = db_query(c, &GONE_ACCOUNTS, NULL, err);
    bool good = r != NULL;
    for (int i = 0; good && i < PQntuples(r); i++)
        good = drop_account(c, db_get_int8(r, i, 0), err);
    PQclear(r);
    for (size_t i = 0; good && i < sizeof FORGET_ACCOUNTS / sizeof *FORGET_ACCOUNTS; i++)
        good = db_exec(c, &FORGET_ACCOUNTS[i], NULL, err) >= 0;
    return good;
}

int64_t store_sweep(struct store *s, int grace_seconds, struct err *err) {
    struct db_conn *c = db_acquire(s->db, err);
    if (!c)
        return -1;
    int64_t deleted = sweep_accounts(c, err) ? sweep_garbage(s, c, grace_seconds, err) : -1;
    db_release(s->db, c);
    return deleted;
}

/* ---- blobs that never got a row: a crash between writing and commit ---- */

struct orphans {
    struct store *s;
    struct db_conn *c;
    int64_t before, deleted;
    unsigned char (*blob)[16];
    size_t n;
    struct err *err;
};

static bool flush_orphans(struct orphans *o) {
    int64_t deleted = o->n ? delete_unnamed(o->s, o->c, (const unsigned char(*)[16])o->blob, o->n, o->err) : 0;
    o->n = 0;
    o->deleted = deleted < 0 ? -1 : o->deleted + deleted;
    return deleted >= 0;
}

static bool on_blob(void *context, const blob_id id, uint64_t size, int64_t written_at) {
    (void)size;
    struct orphans *o = context;
    if (written_at >= o->before)
        return true;
    memcpy(o->blob[o->n++], id, 16);
    return o->n < BATCH || flush_orphans(o);
}

int64_t store_sweep_orphans(struct store *s, int grace_seconds, struct err *err) {
    struct db_conn *c = db_acquire(s->db, err);
    if (!c)
        return -1;
    struct orphans o = {s, c, clock_now() - grace_seconds * CLOCK_SECOND, 0, mem_zero(BATCH * 16), 0, err};
    bool good = blob_list(s->blobs, on_blob, &o, err) && o.deleted >= 0 && flush_orphans(&o);
    free(o.blob);
    db_release(s->db, c);
    return good ? o.deleted : -1;
}
