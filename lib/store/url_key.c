/* The keys of mailboxes for URLAUTH (RFC 4467 section 2). */
#include "store/store_internal.h"

#include "base/codec.h"
#include "base/log.h"

static const struct db_statement GET = {"url_key_get",
                                        "SELECT key FROM url_key WHERE account_id = $1 AND mailbox_id = $2"};
/* Who comes second takes the first one's. */
static const struct db_statement MAKE = {
    "url_key_make", "INSERT INTO url_key (account_id, mailbox_id, key) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"};
static const struct db_statement DROP = {"url_key_drop",
                                         "DELETE FROM url_key WHERE account_id = $1 AND ($2 = 0 OR mailbox_id = $2)"};

static enum store_status get(struct db_conn *c, int64_t account, int64_t mailbox, struct store_url_key *key,
                             struct err *err) {
    struct db_params p = {0};
    db_int8(&p, account), db_int8(&p, mailbox);
    PGresult *r = db_query(c, &GET, &p, err);
    if (!r)
        return store_failed(err);
    bool found = PQntuples(r) == 1 && db_get_str(r, 0, 0).n == sizeof key->bytes;
    if (found)
        memcpy(key->bytes, db_get_str(r, 0, 0).p, sizeof key->bytes);
    else
        err_set(err, "the mailbox has no key");
    PQclear(r);
    return found ? STORE_OK : STORE_NOT_FOUND;
}

static enum store_status make(struct db_conn *c, int64_t account, int64_t mailbox, struct err *err) {
    unsigned char fresh[sizeof((struct store_url_key *)0)->bytes];
    struct db_params p = {0};
    random_bytes(fresh, sizeof fresh);
    db_int8(&p, account), db_int8(&p, mailbox), db_bytes(&p, str_n(fresh, sizeof fresh));
    return db_exec(c, &MAKE, &p, err) >= 0 ? STORE_OK : store_failed(err);
}

enum store_status store_url_key(struct store *s, int64_t account, int64_t mailbox, bool made, struct store_url_key *key,
                                struct err *err) {
    struct db_conn *c = db_acquire(s->db, err);
    if (!c)
        return store_failed(err);
    enum store_status status = get(c, account, mailbox, key, err);
    if (status == STORE_NOT_FOUND && made) {
        status = make(c, account, mailbox, err);
        if (status == STORE_OK)
            status = get(c, account, mailbox, key, err);
    }
    db_release(s->db, c);
    return status;
}

enum store_status store_url_keys_drop(struct store *s, int64_t account, int64_t mailbox, struct err *err) {
    struct db_conn *c = db_acquire(s->db, err);
    if (!c)
        return store_failed(err);
    struct db_params p = {0};
    db_int8(&p, account), db_int8(&p, mailbox);
    enum store_status status = db_exec(c, &DROP, &p, err) >= 0 ? STORE_OK : store_failed(err);
    db_release(s->db, c);
    return status;
}
