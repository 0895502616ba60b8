#include "store/sharing.h"

#include "store/store_internal.h"

#include <stdlib.h>

/* The first two: of a mailbox `m`, for the reader $2 (RFC 4314 section 2). */
#define UNSEEN                                                                                                         \
    "m.messages - (SELECT count(*) FROM message_seen n WHERE n.account_id = m.account_id AND n.reader_id = $2"         \
    " AND n.mailbox_id = m.id AND n.seen)"
#define SUBSCRIBED                                                                                                     \
    "EXISTS (SELECT FROM mailbox_subscription b WHERE b.account_id = $2 AND b.owner_id = m.account_id"                 \
    " AND b.mailbox_id = m.id)"

static const struct db_statement FIND = {
    "sharing_find", "SELECT " STORE_MAILBOX_COLUMNS ", mailbox_rights(m.account_id, m.id, $2), " UNSEEN ", " SUBSCRIBED
                    " FROM mailbox m WHERE m.account_id = $1 AND m.name = $3"};
static const struct db_statement RIGHTS = {"sharing_rights", "SELECT mailbox_rights($1, $2, $3)"};
#define LIST_OF(unseen)                                                                                                \
    "WITH me AS (SELECT id, tenant_id, domain_id FROM account WHERE id = $2), entry AS ("                              \
    " SELECT x.* FROM me JOIN mailbox_acl x ON x.grantee = 'a' AND x.grantee_id = me.id UNION ALL"                     \
    " SELECT x.* FROM me JOIN mailbox_acl x ON x.grantee = 'd' AND x.grantee_id = me.domain_id), given AS ("           \
    " SELECT account_id, mailbox_id, coalesce(bit_or(rights) FILTER (WHERE NOT negative), 0)"                          \
    "   & ~coalesce(bit_or(rights) FILTER (WHERE negative), 0) AS rights FROM entry GROUP BY account_id, mailbox_id)"  \
    " SELECT m.id, m.name, m.uidvalidity, m.uidnext, m.highestmodseq, m.flags_modseq, m.first_recent, m.messages,"     \
    " m.unseen, m.deleted, m.bytes, m.special_use, m.subscribed, g.rights, " unseen ", " SUBSCRIBED                    \
    ", m.account_id, o.local_part || '@' || d.name, o.shared"                                                          \
    " FROM given g JOIN me ON true JOIN account o ON o.id = g.account_id AND o.tenant_id = me.tenant_id AND o.active"  \
    "   AND o.id <> me.id JOIN domain d ON d.id = o.domain_id AND d.active JOIN mailbox m ON m.account_id = "          \
    "g.account_id AND m.id = g.mailbox_id"                                                                             \
    " WHERE g.rights & $1::integer <> 0"
static const struct db_statement LIST = {"sharing_list", LIST_OF("0::bigint")};
static const struct db_statement LIST_UNSEEN = {"sharing_list_unseen", LIST_OF(UNSEEN)};
static const struct db_statement SUBSCRIBE = {
    "sharing_subscribe",
    "INSERT INTO mailbox_subscription (account_id, owner_id, mailbox_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"};
static const struct db_statement UNSUBSCRIBE = {
    "sharing_unsubscribe",
    "DELETE FROM mailbox_subscription WHERE account_id = $1 AND owner_id = $2 AND mailbox_id = $3"};
static const struct db_statement SEEN = {
    "sharing_seen", "SELECT uid, seen, modseq FROM message_seen WHERE account_id = $1 AND reader_id = $2"
                    " AND mailbox_id = $3 AND modseq > $4 ORDER BY uid"};
static const struct db_statement ACL = {
    "sharing_acl",
    "SELECT x.grantee::text, x.grantee_id, x.negative, x.rights,"
    " CASE x.grantee WHEN 'a' THEN a.local_part || '@' || ad.name ELSE '@' || d.name END AS name FROM mailbox_acl x"
    " LEFT JOIN account a ON x.grantee = 'a' AND a.id = x.grantee_id LEFT JOIN domain ad ON ad.id = a.domain_id"
    " LEFT JOIN domain d ON x.grantee = 'd' AND d.id = x.grantee_id"
    " WHERE x.account_id = $1 AND x.mailbox_id = $2 ORDER BY 5, x.negative"};
static const struct db_statement ACTOR = {"sharing_actor", "SELECT set_config('mansio.actor', $1, true)"};
static const struct db_statement LOCK = {"sharing_lock",
                                         "SELECT FROM mailbox WHERE account_id = $1 AND id = $2 FOR NO KEY UPDATE"};
static const struct db_statement SET = {
    "sharing_set", "INSERT INTO mailbox_acl AS x (account_id, mailbox_id, grantee, grantee_id, negative, rights)"
                   " VALUES ($1, $2, $3::text::\"char\", $4, $5, CASE WHEN $7 = 2 THEN 0 ELSE $6 END)"
                   " ON CONFLICT (account_id, mailbox_id, grantee, grantee_id, negative) DO UPDATE SET rights ="
                   " CASE $7 WHEN 0 THEN $6 WHEN 1 THEN x.rights | $6 ELSE x.rights & ~$6 END"};
static const struct db_statement DROP_EMPTY = {
    "sharing_drop_empty", "DELETE FROM mailbox_acl WHERE account_id = $1 AND mailbox_id = $2 AND rights = 0"};

/* ---- letters ---- */

static const char letters[] = "lrswipkxtea";

void rights_write(unsigned rights, bool virtual_too, struct buf *out) {
    for (unsigned i = 0; letters[i]; i++)
        if (rights & 1u << i)
            buf_add_byte(out, letters[i]);
    if (virtual_too && rights & RIGHT_CREATE)
        buf_add_byte(out, 'c');
    if (virtual_too && rights & (RIGHT_REMOVE | RIGHT_DELETE | RIGHT_EXPUNGE))
        buf_add_byte(out, 'd');
}

bool rights_parse(struct str text, unsigned *rights, char *unknown) {
    *rights = 0;
    for (size_t i = 0; i < text.n; i++) {
        const char *at = text.p[i] ? strchr(letters, text.p[i]) : NULL;
        if (at)
            *rights |= 1u << (at - letters);
        else if (text.p[i] == 'c')
            *rights |= RIGHT_CREATE;
        else if (text.p[i] == 'd')
            *rights |= RIGHT_REMOVE | RIGHT_DELETE | RIGHT_EXPUNGE;
        else {
            *unknown = text.p[i];
            return false;
        }
    }
    return true;
}

bool rights_named(struct str name, unsigned *rights) {
    static const struct {
        const char *name;
        unsigned rights;
    } sets[] = {
        {"read", RIGHT_LOOKUP | RIGHT_READ | RIGHT_SEEN},
        {"edit", RIGHT_LOOKUP | RIGHT_READ | RIGHT_SEEN | RIGHT_WRITE | RIGHT_INSERT | RIGHT_DELETE | RIGHT_EXPUNGE},
        {"manage", RIGHTS_ALL},
    };
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        if (str_eq(name, str_of(sets[i].name))) {
            *rights = sets[i].rights;
            return true;
        }
    return false;
}

/* ---- finding ---- */

/* As the reader sees it; the row goes on with rights, unseen and subscribed. */
static void read_for_reader(const PGresult *r, int row, int64_t owner, int64_t reader, struct arena *a,
                            struct store_mailbox *out) {
    store_read_mailbox(r, row, owner, a, out);
    int64_t unseen = db_get_int8(r, row, 14);
    out->reader = reader;
    out->rights = (unsigned)db_get_int8(r, row, 13);
    out->unseen = unseen > 0 ? (uint32_t)unseen : 0;
    out->subscribed = db_get_bool(r, row, 15);
    out->special_use =
        (struct str){NULL, 0}; /* the owner's Sent is not where the reader's programs keep what they send */
    out->first_recent = (uint32_t)(out->uidnext <= UINT32_MAX ? out->uidnext : UINT32_MAX);
}

enum store_status store_shared_find(struct store *s, struct arena *a, int64_t reader, int64_t owner, struct str name,
                                    struct store_mailbox *out, struct err *err) {
    if (reader == owner)
        return store_mailbox_find(s, a, owner, name, out, err);
    err_set(err, "there is no such mailbox");
    if (!str_is_utf8(name) || str_chr(name, 0) >= 0)
        return STORE_NOT_FOUND;
    if (str_ieq(name, STR("INBOX")))
        name = STR("INBOX");
    struct db_conn *c = db_acquire(s->db, err);
    if (!c)
        return store_failed(err);
    struct db_params p = {0};
    db_int8(&p, owner), db_int8(&p, reader), db_text(&p, name);
    PGresult *r = db_query(c, &FIND, &p, err);
    enum store_status status = !r ? store_failed(err) : STORE_NOT_FOUND;
    if (r && PQntuples(r) && db_get_int8(r, 0, 13) != 0) {
        read_for_reader(r, 0, owner, reader, a, out);
        status = STORE_OK;
    }
    PQclear(r);
    db_release(s->db, c);
    return status;
}

enum store_status store_rights(struct store *s, int64_t reader, int64_t owner, int64_t mailbox, unsigned *rights,
                               struct err *err) {
    *rights = RIGHTS_ALL;
    if (reader == owner)
        return STORE_OK;
    struct db_conn *c = db_acquire(s->db, err);
    if (!c)
        return store_failed(err);
    struct db_params p = {0};
    db_int8(&p, owner), db_int8(&p, mailbox), db_int8(&p, reader);
    PGresult *r = db_query(c, &RIGHTS, &p, err);
    enum store_status status = r ? STORE_OK : store_failed(err);
    *rights = r ? (unsigned)db_get_int8(r, 0, 0) : 0;
    PQclear(r);
    db_release(s->db, c);
    return status;
}

enum store_status store_shared_list(struct store *s, struct arena *a, int64_t reader, bool with_unseen,
                                    struct store_share **out, size_t *count, struct err *err) {
    *count = 0;
    struct db_conn *c = db_acquire(s->db, err);
    if (!c)
        return store_failed(err);
    struct db_params p = {0};
    db_int4(&p, RIGHT_LOOKUP), db_int8(&p, reader);
    PGresult *r = db_query(c, with_unseen ? &LIST_UNSEEN : &LIST, &p, err);
    enum store_status status = r ? STORE_OK : store_failed(err);
    if (r) {
        *count = (size_t)PQntuples(r);
        *out = arena_array(a, *count, sizeof **out);
    }
    for (int i = 0; r && i < PQntuples(r); i++) {
        struct store_share *share = &(*out)[i];
        read_for_reader(r, i, db_get_int8(r, i, 16), reader, a, &share->box);
        share->owner = arena_str(a, db_get_str(r, i, 17));
        share->shared = db_get_bool(r, i, 18);
    }
    PQclear(r);
    db_release(s->db, c);
    return status;
}

enum store_status store_shared_subscribe(struct store *s, int64_t reader, int64_t owner, int64_t mailbox,
                                         bool subscribed, struct err *err) {
    struct db_conn *c = db_acquire(s->db, err);
    if (!c)
        return store_failed(err);
    struct db_params p = {0};
    db_int8(&p, reader), db_int8(&p, owner), db_int8(&p, mailbox);
    bool good = db_exec(c, subscribed ? &SUBSCRIBE : &UNSUBSCRIBE, &p, err) >= 0;
    db_release(s->db, c);
    if (!good)
        return store_failed(err);
    store_tell(s, reader, 0, 0);
    return STORE_OK;
}

enum store_status store_seen(struct store *s, struct arena *a, int64_t reader, int64_t owner, int64_t mailbox,
                             uint64_t since_modseq, struct store_seen **out, size_t *count, struct err *err) {
    *count = 0;
    struct db_conn *c = db_acquire(s->db, err);
    if (!c)
        return store_failed(err);
    struct db_params p = {0};
    db_int8(&p, owner), db_int8(&p, reader), db_int8(&p, mailbox), db_int8(&p, (int64_t)since_modseq);
    PGresult *r = db_query(c, &SEEN, &p, err);
    enum store_status status = r ? STORE_OK : store_failed(err);
    if (r) {
        *count = (size_t)PQntuples(r);
        *out = arena_array(a, *count, sizeof **out);
    }
    for (int i = 0; r && i < PQntuples(r); i++)
        (*out)[i] =
            (struct store_seen){(uint32_t)db_get_int8(r, i, 0), db_get_bool(r, i, 1), (uint64_t)db_get_int8(r, i, 2)};
    PQclear(r);
    db_release(s->db, c);
    return status;
}

/* ---- lists ---- */

enum store_status store_acl(struct store *s, struct arena *a, int64_t owner, int64_t mailbox, struct store_grant **out,
                            size_t *count, struct err *err) {
    *count = 0;
    struct db_conn *c = db_acquire(s->db, err);
    if (!c)
        return store_failed(err);
    struct db_params p = {0};
    db_int8(&p, owner), db_int8(&p, mailbox);
    PGresult *r = db_query(c, &ACL, &p, err);
    enum store_status status = r ? STORE_OK : store_failed(err);
    if (r) {
        *count = (size_t)PQntuples(r);
        *out = arena_array(a, *count, sizeof **out);
    }
    for (int i = 0; r && i < PQntuples(r); i++)
        (*out)[i] = (struct store_grant){.kind = db_get_str(r, i, 0).p[0],
                                         .id = db_get_int8(r, i, 1),
                                         .name = arena_str(a, db_get_str(r, i, 4)),
                                         .negative = db_get_bool(r, i, 2),
                                         .rights = (unsigned)db_get_int8(r, i, 3)};
    PQclear(r);
    db_release(s->db, c);
    return status;
}

static enum store_status refused(const struct db_conn *c, struct err *err) {
    if (strcmp(db_constraint(c), "mailbox_acl_guard") == 0)
        err_set(err, "a mailbox is shared within its reseller only");
    else if (strcmp(db_constraint(c), "mailbox_acl_limit") == 0)
        err_set(err, "an access list has at most 1000 entries");
    else if (strcmp(db_constraint(c), "mailbox_acl_check") == 0)
        err_set(err, "the owner has all rights already");
    else
        return store_failed(err);
    return STORE_INVALID;
}

static enum store_status change_acl(struct db_conn *c, int64_t owner, int64_t mailbox, const struct store_grant *grant,
                                    enum store_change change, struct str by, struct err *err) {
    struct db_params p = {0};
    db_text(&p, by);
    if (!db_begin(c, err) || db_exec(c, &ACTOR, &p, err) < 0)
        return store_failed(err);
    if (mailbox) { /* one change of its list at a time, and none of what is being deleted */
        db_int8(&p, owner), db_int8(&p, mailbox);
        PGresult *r = db_query(c, &LOCK, &p, err);
        enum store_status status = !r ? store_failed(err) : PQntuples(r) ? STORE_OK : STORE_NOT_FOUND;
        PQclear(r);
        if (status != STORE_OK)
            return status;
    }
    char kind[] = {grant->kind, 0};
    db_int8(&p, owner), db_int8(&p, mailbox), db_text(&p, str_of(kind)), db_int8(&p, grant->id);
    db_bool(&p, grant->negative), db_int4(&p, (int32_t)grant->rights), db_int4(&p, (int32_t)change);
    if (db_exec(c, &SET, &p, err) < 0)
        return refused(c, err);
    db_int8(&p, owner), db_int8(&p, mailbox);
    return db_exec(c, &DROP_EMPTY, &p, err) >= 0 && db_commit(c, err) ? STORE_OK : store_failed(err);
}

enum store_status store_acl_change(struct store *s, int64_t owner, int64_t mailbox, const struct store_grant *grant,
                                   enum store_change change, struct str by, struct err *err) {
    struct db_conn *c = db_acquire(s->db, err);
    if (!c)
        return store_failed(err);
    enum store_status status = change_acl(c, owner, mailbox, grant, change, by, err);
    db_release(s->db, c);
    if (status == STORE_OK)
        store_tell(s, owner, 0, 0);
    return status;
}
