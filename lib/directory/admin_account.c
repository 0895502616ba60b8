/* Accounts (mailboxes). */
#include "base/password.h"
#include "directory/admin_internal.h"

static const struct db_statement ADD = {
    "admin_account_add", "INSERT INTO account (tenant_id, domain_id, local_part, name, password, quota_bytes) "
                         "VALUES ($1, $2, $3, $4, $5, $6) RETURNING id"};
static const struct db_statement PASSWORD = {
    "admin_account_password", "UPDATE account SET password = $3 WHERE local_part = $1 AND domain_id = $2"};
static const struct db_statement END_SESSIONS = {"admin_account_end",
                                                 "DELETE FROM web_session WHERE account_id IN "
                                                 "(SELECT id FROM account WHERE local_part = $1 AND domain_id = $2)"};
static const struct db_statement CHANGE = {
    "admin_account_change",
    "UPDATE account SET name = $3, quota_bytes = $4, active = $5 WHERE local_part = $1 AND domain_id = $2"};
static const struct db_statement PROTOCOLS = {
    "admin_account_protocols", "UPDATE account SET protocols_off = $3 WHERE local_part = $1 AND domain_id = $2"};
static const struct db_statement QUOTA_MESSAGES = {
    "admin_account_quota_messages",
    "UPDATE account SET quota_messages = nullif($3, 0) WHERE local_part = $1 AND domain_id = $2"};
static const struct db_statement REMOVE = {"admin_account_remove",
                                           "DELETE FROM account WHERE local_part = $1 AND domain_id = $2"};
static const struct db_statement SALT = {"admin_account_salt", "SELECT scram_salt($1)"};
static const struct db_statement OPERATOR_HAS_LOGIN = {"admin_account_operator",
                                                       "SELECT id FROM operator WHERE login = $1"};
static const struct admin_sentence SENTENCES[] = {
    {"account_domain_id_local_part_key", "the mailbox %.*s exists already"}, {NULL, NULL}};

struct own {
    struct arena a;
    struct str local, domain, address;
    struct admin_domain found;
};

/* Reads an address of ours and finds its domain. 1, or 0 and -1 as for admin_*(). */
static int64_t find(struct db_conn *c, struct own *o, struct str address, struct err *err) {
    if (!admin_own_address(&o->a, address, false, &o->local, &o->domain, err))
        return 0;
    o->address = address_format(&o->a, o->local, o->domain);
    return admin_find_domain(c, &o->a, o->domain, &o->found, err);
}

static void key(struct db_params *p, const struct own *o) {
    db_text(p, o->local);
    db_int8(p, o->found.id);
}

static int64_t touch(struct db_conn *c, const struct own *o, const struct db_statement *s, struct db_params *p,
                     struct err *err) {
    return admin_touch(c, s, p, err, "there is no mailbox %.*s", STR_ARG(o->address));
}

static void quota(struct db_params *p, int64_t quota_bytes) {
    if (quota_bytes < 0)
        db_null(p);
    else
        db_int8(p, quota_bytes);
}

/* One login, one person (see admin_tenant.c). */
static int64_t login_free(struct db_conn *c, const struct own *o, struct err *err) {
    struct db_params p = {0};
    db_text(&p, o->address);
    PGresult *r = db_query(c, &OPERATOR_HAS_LOGIN, &p, err);
    if (!r)
        return admin_failed(c, NULL, o->address, err);
    bool taken = PQntuples(r) > 0;
    PQclear(r);
    if (taken)
        err_set(err, "%.*s is the login of an operator: give that one another login first", STR_ARG(o->address));
    return !taken;
}

/* What is stored of a new password: its hash, and the keys for SCRAM with the salt that goes with the login. */
static int64_t hash_password(struct db_conn *c, struct own *o, struct str password, struct str *hash, struct err *err) {
    struct db_params p = {0};
    struct buf out = BUF_EMPTY;
    if (!password_acceptable(password, o->address, err))
        return 0;
    db_text(&p, o->address);
    PGresult *r = db_query(c, &SALT, &p, err);
    if (!r)
        return admin_failed(c, NULL, o->address, err);
    bool good = password_hash_scram(password, db_get_str(r, 0, 0), &out, err);
    PQclear(r);
    *hash = arena_str(&o->a, buf_str(&out));
    buf_free(&out);
    return good ? 1 : -1;
}

/* A hash that another server made is taken as it is, and made anew when its owner logs in. */
static int64_t take_hash(struct str stored, struct str *hash, struct err *err) {
    *hash = str_trim(stored);
    if (password_is_known(*hash))
        return 1;
    err_set(err, "this is no password hash that is understood here: it looks like {SCHEME}..., $6$..., or is DES's");
    return 0;
}

static int64_t add(struct db_conn *c, struct str address, struct str name, struct str password, struct str stored,
                   int64_t quota_bytes, struct err *err) {
    struct own o = {.a = ARENA_EMPTY};
    struct str checked, hash;
    int64_t result = find(c, &o, address, err);
    if (result == 1 && !str_eq(o.found.kind, STR("hosted"))) {
        err_set(err, "%.*s has no mailboxes: it is an alias or relay domain", STR_ARG(o.domain));
        result = 0;
    }
    if (result == 1)
        result = login_free(c, &o, err);
    if (result == 1)
        result = admin_text(&o.a, name, "the name", &checked, err);
    if (result == 1)
        result = stored.p ? take_hash(stored, &hash, err) : hash_password(c, &o, password, &hash, err);
    if (result == 1) {
        struct db_params p = {0};
        db_int8(&p, o.found.tenant_id);
        db_int8(&p, o.found.id);
        db_text(&p, o.local);
        db_text(&p, checked);
        db_text(&p, hash);
        quota(&p, quota_bytes);
        result = admin_insert(c, &ADD, &p, SENTENCES, o.address, err);
    }
    arena_free(&o.a);
    return result;
}

int64_t admin_account_add(struct db_conn *c, struct str address, struct str name, struct str password,
                          int64_t quota_bytes, struct err *err) {
    return add(c, address, name, password, (struct str){NULL, 0}, quota_bytes, err);
}

int64_t admin_account_import(struct db_conn *c, struct str address, struct str name, struct str stored,
                             int64_t quota_bytes, struct err *err) {
    return add(c, address, name, STR(""), stored.p ? stored : STR(""), quota_bytes, err);
}

static int64_t end_sessions(struct db_conn *c, const struct own *o, struct err *err) {
    struct db_params p = {0};
    key(&p, o);
    return db_exec(c, &END_SESSIONS, &p, err) < 0 ? admin_failed(c, NULL, o->address, err) : 1;
}

static int64_t set_password(struct db_conn *c, struct str address, struct str password, struct str stored,
                            struct err *err) {
    struct own o = {.a = ARENA_EMPTY};
    struct str hash;
    int64_t result = find(c, &o, address, err);
    if (result == 1)
        result = stored.p ? take_hash(stored, &hash, err) : hash_password(c, &o, password, &hash, err);
    if (result == 1) {
        struct db_params p = {0};
        key(&p, &o);
        db_text(&p, hash);
        result = touch(c, &o, &PASSWORD, &p, err);
    }
    if (result == 1)
        result = end_sessions(c, &o, err);
    arena_free(&o.a);
    return result;
}

int64_t admin_account_password(struct db_conn *c, struct str address, struct str password, struct err *err) {
    return set_password(c, address, password, (struct str){NULL, 0}, err);
}

int64_t admin_account_password_hash(struct db_conn *c, struct str address, struct str stored, struct err *err) {
    return set_password(c, address, STR(""), stored.p ? stored : STR(""), err);
}

int64_t admin_account_change(struct db_conn *c, struct str address, struct str name, int64_t quota_bytes, bool active,
                             struct err *err) {
    struct own o = {.a = ARENA_EMPTY};
    struct str checked;
    int64_t result = find(c, &o, address, err);
    if (result == 1)
        result = admin_text(&o.a, name, "the name", &checked, err);
    if (result == 1) {
        struct db_params p = {0};
        key(&p, &o);
        db_text(&p, checked);
        quota(&p, quota_bytes);
        db_bool(&p, active);
        result = touch(c, &o, &CHANGE, &p, err);
    }
    if (result == 1 && !active)
        result = end_sessions(c, &o, err);
    arena_free(&o.a);
    return result;
}

int64_t admin_account_quota_messages(struct db_conn *c, struct str address, int64_t messages, struct err *err) {
    struct own o = {.a = ARENA_EMPTY};
    int64_t result = find(c, &o, address, err);
    if (result == 1) {
        struct db_params p = {0};
        key(&p, &o);
        db_int8(&p, messages);
        result = touch(c, &o, &QUOTA_MESSAGES, &p, err);
    }
    arena_free(&o.a);
    return result;
}

int64_t admin_account_protocols(struct db_conn *c, struct str address, unsigned off, struct err *err) {
    struct own o = {.a = ARENA_EMPTY};
    int64_t result = find(c, &o, address, err);
    if (result == 1) {
        struct db_params p = {0};
        key(&p, &o);
        admin_protocols(&p, off);
        result = touch(c, &o, &PROTOCOLS, &p, err);
    }
    arena_free(&o.a);
    return result;
}

int64_t admin_account_remove(struct db_conn *c, struct str address, struct err *err) {
    struct own o = {.a = ARENA_EMPTY};
    int64_t result = find(c, &o, address, err);
    if (result == 1) {
        struct db_params p = {0};
        key(&p, &o);
        result = touch(c, &o, &REMOVE, &p, err);
    }
    arena_free(&o.a);
    return result;
}
