#include "store/annotation.h"
#include "store/store_internal.h"

#include "base/log.h"
#include "store/sharing.h"

enum { NAME_BYTES = 1000, MAX_LEVELS = 32 };

static const struct db_statement FIND = {"mailbox_find", "SELECT " STORE_MAILBOX_COLUMNS
                                                         " FROM mailbox WHERE account_id = $1 AND name = $2"};
static const struct db_statement GET = {"mailbox_get", "SELECT " STORE_MAILBOX_COLUMNS
                                                       " FROM mailbox WHERE account_id = $1 AND id = $2"};
static const struct db_statement LIST = {
    "mailbox_list",
    "SELECT " STORE_MAILBOX_COLUMNS " FROM mailbox WHERE account_id = $1 ORDER BY name <> 'INBOX', name COLLATE \"C\""};
static const struct db_statement MAKE_DEFAULTS = {
    "mailbox_make_defaults",
    "WITH made AS (INSERT INTO mailbox (account_id, name, special_use)"
    " SELECT $1, d.name, d.special_use FROM (VALUES ('INBOX', NULL), ('Archive', '\\Archive'), ('Drafts', '\\Drafts'),"
    " ('Junk', '\\Junk'), ('Sent', '\\Sent'), ('Trash', '\\Trash')) AS d (name, special_use)"
    " WHERE NOT EXISTS (SELECT FROM mailbox WHERE account_id = $1 AND name = 'INBOX')"
    " ON CONFLICT DO NOTHING RETURNING id)"
    " INSERT INTO mailbox_acl (account_id, mailbox_id, grantee, grantee_id, negative, rights)"
    " SELECT $1, made.id, x.grantee, x.grantee_id, x.negative, x.rights FROM made JOIN mailbox_acl x"
    " ON x.account_id = $1 AND x.mailbox_id = 0"};
static const struct db_statement CREATE = {
    "mailbox_create",
    "INSERT INTO mailbox (account_id, name, special_use) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING id"};
static const struct db_statement DELETE = {"mailbox_delete", "DELETE FROM mailbox WHERE account_id = $1 AND id = $2"};
/* What is deleted can be brought back (sql/0019_retention.sql). */
static const struct db_statement REMOVE_MESSAGES = {
    "mailbox_remove_messages",
    "WITH gone AS (DELETE FROM message WHERE account_id = $1 AND mailbox_id = $2 RETURNING email_id, uid, flags,"
    " keywords, size, internal_date, prefix) INSERT INTO removed_message (account_id, mailbox_id, email_id, uid, flags,"
    " keywords, size, internal_date, prefix) SELECT $1, $2, email_id, uid, flags, keywords, size, internal_date, prefix"
    " FROM gone"};
static const struct db_statement REMEMBER = {
    "mailbox_remember", "INSERT INTO removed_mailbox (account_id, id, name, special_use, subscribed)"
                        " SELECT account_id, id, name, special_use, subscribed FROM mailbox"
                        " WHERE account_id = $1 AND id = $2 ON CONFLICT DO NOTHING"};
static const struct db_statement FORGET_SEEN = {"mailbox_forget_seen",
                                                "DELETE FROM message_seen WHERE account_id = $1 AND mailbox_id = $2"};
static const struct db_statement FORGET_ACL = {"mailbox_forget_acl",
                                               "DELETE FROM mailbox_acl WHERE account_id = $1 AND mailbox_id = $2"};
static const struct db_statement INHERIT_ACL = {
    "mailbox_inherit_acl",
    "INSERT INTO mailbox_acl (account_id, mailbox_id, grantee, grantee_id, negative, rights)"
    " SELECT account_id, $3, grantee, grantee_id, negative, rights FROM mailbox_acl WHERE account_id = $1"
    " AND mailbox_id = coalesce((SELECT id FROM mailbox WHERE account_id = $1 AND name = $2), 0)"};
static const struct db_statement FORGET_EXPUNGED = {"mailbox_forget_expunged",
                                                    "DELETE FROM expunged WHERE account_id = $1 AND mailbox_id = $2"};
static const struct db_statement SUBTREE = {
    "mailbox_subtree",
    "SELECT id, name FROM mailbox WHERE account_id = $1 AND (name = $2 OR starts_with(name, $2 || '/'))"
    " ORDER BY id FOR UPDATE"};
static const struct db_statement RENAME = {
    "mailbox_rename",
    "UPDATE mailbox SET name = $4 || substr(name, length($3) + 1) WHERE account_id = $1 AND id = ANY ($2)"};
static const struct db_statement SUBSCRIBE = {"mailbox_subscribe",
                                              "UPDATE mailbox SET subscribed = $3 WHERE account_id = $1 AND name = $2"};
static const struct db_statement TAKE_RECENT = {
    "mailbox_take_recent",
    "UPDATE mailbox m SET first_recent = m.uidnext FROM mailbox old WHERE m.account_id = $1 AND m.id = $2"
    " AND old.account_id = $1 AND old.id = $2 RETURNING old.first_recent"};
static const struct db_statement USAGE = {"mailbox_usage",
                                          "SELECT bytes, messages FROM account_usage WHERE account_id = $1"};

static const struct db_statement DELETED_BYTES = {
    "mailbox_deleted_bytes", "SELECT coalesce(sum(size), 0)::int8 FROM message WHERE account_id = $1 AND mailbox_id = "
                             "$2 AND flags & 8 <> 0"};

/* ---- names ---- */

static bool is_inbox(struct str name) { return str_ieq(name, STR("INBOX")); }

/* INBOX in any case is "INBOX", also as the first level of others. */
static struct str canonical(struct arena *a, struct str name) {
    if (is_inbox(name))
        return STR("INBOX");
    if (str_istarts(name, STR("INBOX/")))
        return arena_printf(a, "INBOX%.*s", STR_ARG(str_sub(name, 5, name.n)));
    return name;
}

/* The first levels that lead to others' mailboxes (RFC 2342). */
static bool is_reserved(struct str name) {
    static const char *const first[] = {STORE_OTHER_USERS, STORE_SHARED_FOLDERS};
    for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
        struct str level = str_of(first[i]);
        if (str_starts(name, level) && (name.n == level.n || name.p[level.n] == '/'))
            return true;
    }
    return false;
}

static size_t levels(struct str name) {
    size_t n = 1;
    for (size_t i = 0; i < name.n; i++)
        n += name.p[i] == '/';
    return n;
}

static bool valid_name(struct str name, struct err *err) {
    if (name.n == 0 || name.n > NAME_BYTES)
        return err_set(err, "a mailbox's name has 1 to %d bytes", NAME_BYTES);
    if (!str_is_utf8(name))
        return err_set(err, "the mailbox's name is not valid UTF-8");
    for (size_t i = 0; i < name.n; i++)
        if ((unsigned char)name.p[i] < 0x20 || name.p[i] == 0x7f)
            return err_set(err, "a mailbox's name has no control characters");
    if (levels(name) > MAX_LEVELS)
        return err_set(err, "mailboxes are nested at most %d deep", MAX_LEVELS);
    if (name.p[0] == '/' || name.p[name.n - 1] == '/' || str_find(name, STR("//")) >= 0)
        return err_set(err, "a level of the mailbox's name is empty");
    if (is_reserved(name))
        return err_set(err, "what begins with %s or %s are others' mailboxes", STORE_OTHER_USERS, STORE_SHARED_FOLDERS);
    return true;
}

/* ---- reading ---- */

void store_read_mailbox(const PGresult *r, int row, int64_t account, struct arena *a, struct store_mailbox *out) {
    struct str special = db_get_str(r, row, 11);
    *out = (struct store_mailbox){
        .account_id = account,
        .id = db_get_int8(r, row, 0),
        .name = arena_str(a, db_get_str(r, row, 1)),
        .uidvalidity = (uint32_t)db_get_int8(r, row, 2),
        .uidnext = (uint64_t)db_get_int8(r, row, 3),
        .highestmodseq = (uint64_t)db_get_int8(r, row, 4),
        .flags_modseq = (uint64_t)db_get_int8(r, row, 5),
        .first_recent = (uint32_t)db_get_int8(r, row, 6),
        .messages = (uint32_t)db_get_int8(r, row, 7),
        .unseen = (uint32_t)db_get_int8(r, row, 8),
        .deleted = (uint32_t)db_get_int8(r, row, 9),
        .bytes = (uint64_t)db_get_int8(r, row, 10),
        .special_use = special.p ? arena_str(a, special) : special,
        .subscribed = db_get_bool(r, row, 12),
        .rights = RIGHTS_ALL,
    };
}

bool store_make_defaults(struct db_conn *c, int64_t account, struct err *err) {
    struct db_params p = {0};
    db_int8(&p, account);
    return db_exec(c, &MAKE_DEFAULTS, &p, err) >= 0;
}

static enum store_status find(struct db_conn *c, struct arena *a, int64_t account, struct str name,
                              struct store_mailbox *out, struct err *err) {
    struct db_params p = {0};
    db_int8(&p, account);
    db_text(&p, name);
    PGresult *r = db_query(c, &FIND, &p, err);
    if (!r)
        return store_failed(err);
    bool there = PQntuples(r) == 1;
    if (there)
        store_read_mailbox(r, 0, account, a, out);
    PQclear(r);
    if (!there)
        err_set(err, "there is no mailbox %.*s", STR_ARG(name));
    return there ? STORE_OK : STORE_NOT_FOUND;
}

enum store_status store_mailbox_find(struct store *s, struct arena *a, int64_t account, struct str name,
                                     struct store_mailbox *out, struct err *err) {
    name = canonical(a, name);
    if (!str_is_utf8(name) || str_chr(name, 0) >= 0) {
        err_set(err, "the mailbox's name is not valid UTF-8");
        return STORE_NOT_FOUND;
    }
    struct db_conn *c = db_acquire(s->db, err);
    if (!c)
        return store_failed(err);
    enum store_status status = find(c, a, account, name, out, err);
    if (status == STORE_NOT_FOUND) /* a new account has none yet */
        status = store_make_defaults(c, account, err) ? find(c, a, account, name, out, err) : store_failed(err);
    db_release(s->db, c);
    return status;
}

enum store_status store_mailbox_get(struct store *s, struct arena *a, int64_t account, int64_t mailbox,
                                    struct store_mailbox *out, struct err *err) {
    struct db_conn *c = db_acquire(s->db, err);
    if (!c)
        return store_failed(err);
    struct db_params p = {0};
    db_int8(&p, account);
    db_int8(&p, mailbox);
    PGresult *r = db_query(c, &GET, &p, err);
    enum store_status status = !r ? store_failed(err) : PQntuples(r) ? STORE_OK : STORE_NOT_FOUND;
    if (status == STORE_OK)
        store_read_mailbox(r, 0, account, a, out);
    if (status == STORE_NOT_FOUND)
        err_set(err, "the mailbox is gone");
    PQclear(r);
    db_release(s->db, c);
    return status;
}

enum store_status store_mailbox_list(struct store *s, struct arena *a, int64_t account, struct store_mailbox **out,
                                     size_t *count, struct err *err) {
    *count = 0;
    struct db_conn *c = db_acquire(s->db, err);
    if (!c)
        return store_failed(err);
    PGresult *r = NULL;
    for (int tries = 0; tries < 2; tries++) {
        struct db_params p = {0};
        db_int8(&p, account);
        PQclear(r);
        r = db_query(c, &LIST, &p, err);
        if (!r || PQntuples(r) > 0)
            break;
        if (!store_make_defaults(c, account, err)) {
            PQclear(r);
            r = NULL;
            break;
        }
    }
    enum store_status status = r ? STORE_OK : store_failed(err);
    if (r) {
        *count = (size_t)PQntuples(r);
        *out = arena_array(a, *count, sizeof **out);
        for (size_t i = 0; i < *count; i++)
            store_read_mailbox(r, (int)i, account, a, &(*out)[i]);
    }
    PQclear(r);
    db_release(s->db, c);
    return status;
}

enum store_status store_usage(struct store *s, int64_t account, uint64_t *bytes, uint64_t *messages, struct err *err) {
    *bytes = *messages = 0;
    struct db_conn *c = db_acquire(s->db, err);
    if (!c)
        return store_failed(err);
    struct db_params p = {0};
    db_int8(&p, account);
    PGresult *r = db_query(c, &USAGE, &p, err);
    enum store_status status = r ? STORE_OK : store_failed(err);
    if (r && PQntuples(r)) {
        *bytes = (uint64_t)db_get_int8(r, 0, 0);
        *messages = (uint64_t)db_get_int8(r, 0, 1);
    }
    PQclear(r);
    db_release(s->db, c);
    return status;
}

enum store_status store_deleted_bytes(struct store *s, int64_t account, int64_t mailbox, uint64_t *bytes,
                                      struct err *err) {
    *bytes = 0;
    struct db_conn *c = db_acquire(s->db, err);
    if (!c)
        return store_failed(err);
    struct db_params p = {0};
    db_int8(&p, account), db_int8(&p, mailbox);
    PGresult *r = db_query(c, &DELETED_BYTES, &p, err);
    if (r)
        *bytes = (uint64_t)db_get_int8(r, 0, 0);
    enum store_status status = r ? STORE_OK : store_failed(err);
    PQclear(r);
    db_release(s->db, c);
    return status;
}

/* ---- for deliveries ---- */

void store_forget_inbox(struct store *s, int64_t account) {
    size_t slot = (size_t)account % (sizeof s->inbox / sizeof *s->inbox);
    pthread_mutex_lock(&s->inbox_lock);
    if (s->inbox[slot].account == account)
        s->inbox[slot].account = 0;
    pthread_mutex_unlock(&s->inbox_lock);
}

int64_t store_mailbox_for_delivery(struct store *s, int64_t account, struct str name, struct err *err) {
    size_t slot = (size_t)account % (sizeof s->inbox / sizeof *s->inbox);
    bool inbox = !name.p || is_inbox(name);
    int64_t id = 0;
    if (inbox) {
        pthread_mutex_lock(&s->inbox_lock);
        id = s->inbox[slot].account == account ? s->inbox[slot].mailbox : 0;
        pthread_mutex_unlock(&s->inbox_lock);
        if (id)
            return id;
    }
    struct arena a = ARENA_EMPTY;
    struct store_mailbox box;
    enum store_status status = STORE_NOT_FOUND;
    if (!inbox)
        status = store_mailbox_find(s, &a, account, name, &box, err);
    if (status == STORE_NOT_FOUND) {
        inbox = true;
        status = store_mailbox_find(s, &a, account, STR("INBOX"), &box, err);
    }
    if (status == STORE_OK) {
        id = box.id;
        if (inbox) {
            pthread_mutex_lock(&s->inbox_lock);
            s->inbox[slot].account = account;
            s->inbox[slot].mailbox = id;
            pthread_mutex_unlock(&s->inbox_lock);
        }
    }
    arena_free(&a);
    return id;
}

/* ---- changing ---- */

static bool create_one(struct db_conn *c, int64_t account, struct str name, struct str special_use, bool *made,
                       struct err *err) {
    struct db_params p = {0};
    db_int8(&p, account);
    db_text(&p, name);
    db_text(&p, special_use);
    PGresult *r = db_query(c, &CREATE, &p, err);
    if (!r)
        return false;
    *made = PQntuples(r) == 1;
    int64_t id = *made ? db_get_int8(r, 0, 0) : 0;
    PQclear(r);
    if (!*made)
        return true;
    ptrdiff_t slash = str_rchr(name, '/'); /* RFC 4314 section 4: it inherits the list of the one above it */
    db_int8(&p, account);
    db_text(&p, slash > 0 ? str_sub(name, 0, (size_t)slash) : STR(""));
    db_int8(&p, id);
    return db_exec(c, &INHERIT_ACL, &p, err) >= 0;
}

/* The mailbox and its parents, in the caller's transaction. */
static enum store_status create_path(struct db_conn *c, int64_t account, struct str name, struct str special_use,
                                     struct err *err) {
    bool made = false;
    for (size_t i = 1; i < name.n; i++)
        if (name.p[i] == '/' && !create_one(c, account, str_sub(name, 0, i), (struct str){NULL, 0}, &made, err))
            return store_failed(err);
    if (!create_one(c, account, name, special_use, &made, err))
        return store_failed(err);
    if (!made)
        err_set(err, "there is a mailbox %.*s already", STR_ARG(name));
    return made ? STORE_OK : STORE_EXISTS;
}

/* Begins a transaction on a fresh connection with the account's mailboxes made. */
static struct db_conn *begin(struct store *s, int64_t account, struct err *err) {
    struct db_conn *c = db_acquire(s->db, err);
    if (c && db_begin(c, err) && store_make_defaults(c, account, err))
        return c;
    db_release(s->db, c);
    store_failed(err);
    return NULL;
}

static enum store_status finish(struct store *s, struct db_conn *c, int64_t account, enum store_status status,
                                struct err *err) {
    if (status == STORE_OK && !db_commit(c, err))
        status = store_failed(err);
    db_release(s->db, c);
    if (status == STORE_OK)
        store_tell(s, account, 0, 0);
    return status;
}

enum store_status store_mailbox_create(struct store *s, int64_t account, struct str name, struct str special_use,
                                       struct err *err) {
    struct arena a = ARENA_EMPTY;
    name = canonical(&a, name);
    enum store_status status = STORE_INVALID;
    if (valid_name(name, err)) {
        struct db_conn *c = begin(s, account, err);
        status = c ? finish(s, c, account, create_path(c, account, name, special_use, err), err) : STORE_TEMPORARY;
    }
    arena_free(&a);
    return status;
}

/* Runs the statements, each with the account and the mailbox. */
static bool run_each(struct db_conn *c, const struct store_mailbox *box, const struct db_statement *const *statement,
                     size_t n, struct err *err) {
    for (size_t i = 0; i < n; i++) {
        struct db_params p = {0};
        db_int8(&p, box->account_id);
        db_int8(&p, box->id);
        if (db_exec(c, statement[i], &p, err) < 0)
            return false;
    }
    return true;
}

static bool lock_mailbox(struct db_conn *c, int64_t account, int64_t mailbox, bool *there, struct err *err) {
    struct db_params p = {0};
    db_int8(&p, account);
    db_int8_array(&p, &mailbox, 1);
    PGresult *r = db_query(c, &STORE_LOCK_MAILBOX, &p, err);
    *there = r && PQntuples(r) == 1;
    PQclear(r);
    return r != NULL;
}

static bool change_usage(struct db_conn *c, int64_t account, int64_t bytes, int64_t messages, struct err *err) {
    struct db_params p = {0};
    db_int8(&p, account);
    db_int8(&p, bytes);
    db_int8(&p, messages);
    return db_exec(c, &STORE_ADD_USAGE, &p, err) >= 0;
}

enum store_status store_mailbox_delete(struct store *s, int64_t account, struct str name, struct err *err) {
    if (is_inbox(name)) {
        err_set(err, "INBOX can't be deleted");
        return STORE_INVALID;
    }
    struct arena a = ARENA_EMPTY;
    name = canonical(&a, name);
    struct store_mailbox box;
    struct db_conn *c = begin(s, account, err);
    enum store_status status = c ? find(c, &a, account, name, &box, err) : STORE_TEMPORARY;
    if (status == STORE_OK) {
        bool there;
        static const struct db_statement *const end[] = {&REMOVE_MESSAGES, &REMEMBER,   &FORGET_EXPUNGED,
                                                         &FORGET_SEEN,     &FORGET_ACL, &DELETE};
        if (!lock_mailbox(c, account, box.id, &there, err))
            status = store_failed(err);
        else if (!there ||
                 find(c, &a, account, name, &box, err) != STORE_OK) /* its counters, now that nobody changes them */
            status = STORE_NOT_FOUND;
        else if (!change_usage(c, account, -(int64_t)box.bytes, -(int64_t)box.messages, err) ||
                 !run_each(c, &box, end, sizeof end / sizeof *end, err))
            status = store_failed(err);
    }
    if (c)
        status = finish(s, c, account, status, err);
    if (status == STORE_OK)
        store_tell(s, account, box.id, box.highestmodseq + 1);
    arena_free(&a);
    return status;
}

static enum store_status rename_tree(struct db_conn *c, struct arena *a, int64_t account, struct str from,
                                     struct str to, struct err *err) {
    struct db_params p = {0};
    db_int8(&p, account);
    db_text(&p, from);
    PGresult *r = db_query(c, &SUBTREE, &p, err);
    if (!r)
        return store_failed(err);
    size_t n = (size_t)PQntuples(r);
    int64_t *ids = arena_array(a, n, sizeof *ids);
    size_t longest = 0, deepest = 0;
    bool there = false;
    for (size_t i = 0; i < n; i++) {
        ids[i] = db_get_int8(r, (int)i, 0);
        struct str name = db_get_str(r, (int)i, 1);
        longest = name.n > longest ? name.n : longest;
        deepest = levels(name) > deepest ? levels(name) : deepest;
        there = there || str_eq(name, from);
    }
    PQclear(r);
    if (!there) {
        err_set(err, "there is no mailbox %.*s", STR_ARG(from));
        return STORE_NOT_FOUND;
    }
    if (deepest - levels(from) + levels(to) > MAX_LEVELS) {
        err_set(err, "mailboxes are nested at most %d deep", MAX_LEVELS);
        return STORE_INVALID;
    }
    if (longest - from.n + to.n > NAME_BYTES) {
        err_set(err, "a mailbox's name below it would be longer than %d bytes", NAME_BYTES);
        return STORE_INVALID;
    }
    bool made;
    for (size_t i = 1; i < to.n; i++)
        if (to.p[i] == '/' && !create_one(c, account, str_sub(to, 0, i), (struct str){NULL, 0}, &made, err))
            return store_failed(err);
    db_int8(&p, account);
    db_int8_array(&p, ids, n);
    db_text(&p, from);
    db_text(&p, to);
    if (db_exec(c, &RENAME, &p, err) >= 0)
        return STORE_OK;
    if (strcmp(db_sqlstate(c), "23505") != 0)
        return store_failed(err);
    err_set(err, "there is a mailbox %.*s already", STR_ARG(to));
    return STORE_EXISTS;
}

/* RFC 9051 section 6.3.6: INBOX itself stays, empty; its messages go to the new mailbox. */
static enum store_status rename_inbox(struct store *s, struct arena *a, int64_t account, struct str to,
                                      struct err *err) {
    enum store_status status = store_mailbox_create(s, account, to, (struct str){NULL, 0}, err);
    struct store_mailbox inbox, box;
    if (status == STORE_OK)
        status = store_mailbox_find(s, a, account, STR("INBOX"), &inbox, err);
    if (status == STORE_OK)
        status = store_mailbox_find(s, a, account, to, &box, err);
    if (status == STORE_OK) /* INBOX keeps its own, too (RFC 5464 section 4.1) */
        status = store_annotations_copy(s, account, inbox.id, box.id, err);
    if (status != STORE_OK)
        return status;
    struct uid_range all = {1, UINT32_MAX};
    struct store_copying x = {.account = account,
                              .mailbox = inbox.id,
                              .to_account = account,
                              .to_mailbox = box.id,
                              .move = true,
                              .quota = {-1, 0}};
    return store_copy(s, a, &all, 1, &x, err);
}

enum store_status store_mailbox_rename(struct store *s, int64_t account, struct str from, struct str to,
                                       struct err *err) {
    struct arena a = ARENA_EMPTY;
    enum store_status status = STORE_INVALID;
    from = canonical(&a, from);
    to = canonical(&a, to);
    if (!valid_name(from, err)) {
        status = STORE_NOT_FOUND;
    } else if (is_inbox(to)) {
        err_set(err, "there is a mailbox INBOX already");
        status = STORE_EXISTS;
    } else if (str_starts(to, from) && to.n > from.n && to.p[from.n] == '/' && !is_inbox(from)) {
        err_set(err, "a mailbox can't be moved below itself");
    } else if (valid_name(to, err)) {
        if (is_inbox(from)) {
            status = rename_inbox(s, &a, account, to, err);
        } else {
            struct db_conn *c = begin(s, account, err);
            status = c ? finish(s, c, account, rename_tree(c, &a, account, from, to, err), err) : STORE_TEMPORARY;
        }
    }
    arena_free(&a);
    return status;
}

enum store_status store_mailbox_subscribe(struct store *s, int64_t account, struct str name, bool subscribed,
                                          struct err *err) {
    struct arena a = ARENA_EMPTY;
    name = canonical(&a, name);
    struct db_conn *c = str_is_utf8(name) && str_chr(name, 0) < 0 ? begin(s, account, err) : NULL;
    enum store_status status = c ? STORE_OK : STORE_TEMPORARY;
    if (!str_is_utf8(name) || str_chr(name, 0) >= 0) {
        err_set(err, "the mailbox's name is not valid UTF-8");
        status = STORE_NOT_FOUND;
    }
    if (c) {
        struct db_params p = {0};
        db_int8(&p, account);
        db_text(&p, name);
        db_bool(&p, subscribed);
        int64_t n = db_exec(c, &SUBSCRIBE, &p, err);
        status = n < 0 ? store_failed(err) : n ? STORE_OK : STORE_NOT_FOUND;
        if (n == 0)
            err_set(err, "there is no mailbox %.*s", STR_ARG(name));
        status = finish(s, c, account, status, err);
    }
    arena_free(&a);
    return status;
}

enum store_status store_mailbox_take_recent(struct store *s, int64_t account, int64_t mailbox, uint32_t *first_recent,
                                            struct err *err) {
    struct db_conn *c = db_acquire(s->db, err);
    if (!c)
        return store_failed(err);
    struct db_params p = {0};
    db_int8(&p, account);
    db_int8(&p, mailbox);
    PGresult *r = db_query(c, &TAKE_RECENT, &p, err);
    enum store_status status = !r ? store_failed(err) : PQntuples(r) ? STORE_OK : STORE_NOT_FOUND;
    if (status == STORE_OK)
        *first_recent = (uint32_t)db_get_int8(r, 0, 0);
    PQclear(r);
    db_release(s->db, c);
    return status;
}
