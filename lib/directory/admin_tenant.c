/* Tenants (resellers) and operators. */
#include "directory/admin_internal.h"

/* ---- tenants ---- */

static const struct db_statement ADD_TENANT = {"admin_tenant_add",
                                               "INSERT INTO tenant (name, max_domains) VALUES ($1, $2) RETURNING id"};
static const struct db_statement REMOVE_TENANT = {"admin_tenant_remove", "DELETE FROM tenant WHERE name = $1"};
static const struct db_statement CHANGE_TENANT = {"admin_tenant_change",
                                                  "UPDATE tenant SET name = $2, max_domains = $3 WHERE name = $1"};
static const struct db_statement SUSPEND_TENANT = {"admin_tenant_suspend",
                                                   "UPDATE tenant SET suspended = $2 WHERE name = $1"};
static const struct admin_sentence TENANT_SENTENCES[] = {{"tenant_name_key", "there is a reseller \"%.*s\" already"},
                                                         {NULL, NULL}};

int64_t admin_tenant_add(struct db_conn *c, struct str name, int32_t max_domains, struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct str checked;
    int64_t id = 0;
    if (admin_text(&a, name, "the reseller's name", &checked, err)) {
        struct db_params p = {0};
        db_text(&p, checked);
        if (max_domains < 0)
            db_null(&p);
        else
            db_int4(&p, max_domains);
        if (!checked.n)
            err_set(err, "the reseller's name is missing");
        else
            id = admin_insert(c, &ADD_TENANT, &p, TENANT_SENTENCES, checked, err);
    }
    arena_free(&a);
    return id;
}

static int64_t change_tenant(struct db_conn *c, struct str name, struct str checked, int32_t max_domains,
                             struct err *err) {
    struct db_params p = {0};
    db_text(&p, name);
    db_text(&p, checked);
    if (max_domains < 0)
        db_null(&p);
    else
        db_int4(&p, max_domains);
    int64_t rows = db_exec(c, &CHANGE_TENANT, &p, err);
    if (rows < 0)
        return admin_failed(c, TENANT_SENTENCES, checked, err);
    return rows > 0 || err_set(err, "there is no reseller \"%.*s\"", STR_ARG(name));
}

static bool is_text(struct str s, struct err *err) {
    return (str_is_utf8(s) && str_chr(s, 0) < 0) || err_set(err, "the name is not valid text (UTF-8)");
}

int64_t admin_tenant_change(struct db_conn *c, struct str name, struct str new_name, int32_t max_domains,
                            struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct str checked;
    int64_t result = 0;
    if (is_text(name, err) && admin_text(&a, new_name, "the reseller's name", &checked, err)) {
        if (!checked.n)
            err_set(err, "the reseller's name is missing");
        else
            result = change_tenant(c, name, checked, max_domains, err);
    }
    arena_free(&a);
    return result;
}

int64_t admin_tenant_remove(struct db_conn *c, struct str name, struct err *err) {
    if (!is_text(name, err))
        return 0;
    struct db_params p = {0};
    db_text(&p, name);
    return admin_touch(c, &REMOVE_TENANT, &p, err, "there is no reseller \"%.*s\"", STR_ARG(name));
}

int64_t admin_tenant_suspend(struct db_conn *c, struct str name, bool suspended, struct err *err) {
    if (!is_text(name, err))
        return 0;
    struct db_params p = {0};
    db_text(&p, name);
    db_bool(&p, suspended);
    return admin_touch(c, &SUSPEND_TENANT, &p, err, "there is no reseller \"%.*s\"", STR_ARG(name));
}

/* ---- operators ---- */

static const struct db_statement ADD_OPERATOR = {"admin_operator_add",
                                                 "INSERT INTO operator (tenant_id, role, login, name, password) "
                                                 "VALUES ($1, $2::text::operator_role, $3, $4, $5) RETURNING id"};
static const struct db_statement SET_PASSWORD = {"admin_operator_password",
                                                 "UPDATE operator SET password = $2 WHERE login = $1"};
static const struct db_statement END_SESSIONS = {
    "admin_operator_end", "DELETE FROM web_session WHERE operator_id IN (SELECT id FROM operator WHERE login = $1)"};
static const struct db_statement RENAME = {"admin_operator_rename", "UPDATE operator SET name = $2 WHERE login = $1"};
static const struct db_statement DISABLE = {"admin_operator_disable",
                                            "UPDATE operator SET disabled = $2 WHERE login = $1"};
static const struct db_statement REMOVE = {"admin_operator_remove", "DELETE FROM operator WHERE login = $1"};
static const struct db_statement FIND_OPERATOR = {"admin_operator_find",
                                                  "SELECT id, role::text, tenant_id FROM operator WHERE login = $1"};
static const struct db_statement GRANT = {
    "admin_operator_grant",
    "INSERT INTO operator_domain (operator_id, domain_id) VALUES ($1, $2) ON CONFLICT DO NOTHING"};
static const struct db_statement REVOKE = {"admin_operator_revoke",
                                           "DELETE FROM operator_domain WHERE operator_id = $1 AND domain_id = $2"};
static const struct db_statement MAILBOX_HAS_LOGIN = {"admin_operator_mailbox",
                                                      "SELECT a.id FROM account a JOIN domain d ON d.id = a.domain_id "
                                                      "WHERE a.local_part || '@' || d.name = $1"};
static const struct admin_sentence OPERATOR_SENTENCES[] = {
    {"operator_login_key", "there is an operator with the login %.*s already"},
    {"operator_tenant_id_fkey", "that reseller does not exist any more"},
    {NULL, NULL}};

/* Logins are compared in lower case; addresses make good ones but are not asked for. */
static bool login_check(struct arena *a, struct str typed, struct str *out, struct err *err) {
    struct str login;
    if (!admin_text(a, typed, "the login", &login, err))
        return false;
    if (login.n == 0)
        return err_set(err, "the login is missing");
    if (!str_is_ascii(login) || login.n > 254)
        return err_set(err, "the login must be at most 254 ASCII letters, digits and signs");
    if (str_chr(login, ' ') >= 0)
        return err_set(err, "the login must not contain blanks");
    *out = arena_lower(a, login);
    return true;
}

static bool role_check(struct str role, int64_t tenant_id, struct err *err) {
    static const char *const roles[] = {"provider", "reseller", "domain", "helpdesk"};
    bool known = false;
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        known = known || str_eq(role, str_of(roles[i]));
    if (!known)
        return err_set(err, "the role must be provider, reseller, domain or helpdesk");
    if (str_eq(role, STR("provider")) && tenant_id)
        return err_set(err, "an operator of the provider belongs to no reseller");
    return str_eq(role, STR("provider")) || tenant_id ||
           err_set(err, "an operator with the role %.*s belongs to a reseller: say which", STR_ARG(role));
}

/* One login, one person: the browser's login page asks for operators and mailboxes alike. */
static int64_t login_free(struct db_conn *c, struct str login, struct err *err) {
    struct db_params p = {0};
    db_text(&p, login);
    PGresult *r = db_query(c, &MAILBOX_HAS_LOGIN, &p, err);
    if (!r)
        return admin_failed(c, NULL, login, err);
    bool taken = PQntuples(r) > 0;
    PQclear(r);
    if (taken)
        err_set(err, "%.*s is the login of a mailbox: choose another", STR_ARG(login));
    return !taken;
}

int64_t admin_operator_add(struct db_conn *c, int64_t tenant_id, struct str role, struct str login, struct str name,
                           struct str password, struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct str checked_login, checked_name, hash;
    int64_t id = 0;
    if (role_check(role, tenant_id, err) && login_check(&a, login, &checked_login, err) &&
        admin_text(&a, name, "the name", &checked_name, err) && (id = login_free(c, checked_login, err)) == 1 &&
        admin_hash_password(&a, password, checked_login, &hash, err)) {
        struct db_params p = {0};
        if (tenant_id)
            db_int8(&p, tenant_id);
        else
            db_null(&p);
        db_text(&p, role);
        db_text(&p, checked_login);
        db_text(&p, checked_name);
        db_text(&p, hash);
        id = admin_insert(c, &ADD_OPERATOR, &p, OPERATOR_SENTENCES, checked_login, err);
    } else if (id > 0) {
        id = 0; /* the login was free, the password not good enough */
    }
    arena_free(&a);
    return id;
}

static int64_t end_sessions(struct db_conn *c, struct str login, struct err *err) {
    struct db_params p = {0};
    db_text(&p, login);
    return db_exec(c, &END_SESSIONS, &p, err) < 0 ? admin_failed(c, NULL, login, err) : 1;
}

int64_t admin_operator_password(struct db_conn *c, struct str login, struct str password, struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct str checked, hash;
    int64_t result = 0;
    if (login_check(&a, login, &checked, err) && admin_hash_password(&a, password, checked, &hash, err)) {
        struct db_params p = {0};
        db_text(&p, checked);
        db_text(&p, hash);
        result = admin_touch(c, &SET_PASSWORD, &p, err, "there is no operator %.*s", STR_ARG(checked));
        if (result == 1)
            result = end_sessions(c, checked, err);
    }
    arena_free(&a);
    return result;
}

int64_t admin_operator_rename(struct db_conn *c, struct str login, struct str name, struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct str checked, text;
    int64_t result = 0;
    if (login_check(&a, login, &checked, err) && admin_text(&a, name, "the name", &text, err)) {
        struct db_params p = {0};
        db_text(&p, checked);
        db_text(&p, text);
        result = admin_touch(c, &RENAME, &p, err, "there is no operator %.*s", STR_ARG(checked));
    }
    arena_free(&a);
    return result;
}

int64_t admin_operator_disable(struct db_conn *c, struct str login, bool disabled, struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct str checked;
    int64_t result = 0;
    if (login_check(&a, login, &checked, err)) {
        struct db_params p = {0};
        db_text(&p, checked);
        db_bool(&p, disabled);
        result = admin_touch(c, &DISABLE, &p, err, "there is no operator %.*s", STR_ARG(checked));
        if (result == 1 && disabled)
            result = end_sessions(c, checked, err);
    }
    arena_free(&a);
    return result;
}

int64_t admin_operator_remove(struct db_conn *c, struct str login, struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct str checked;
    int64_t result = 0;
    if (login_check(&a, login, &checked, err)) {
        struct db_params p = {0};
        db_text(&p, checked);
        result = admin_touch(c, &REMOVE, &p, err, "there is no operator %.*s", STR_ARG(checked));
    }
    arena_free(&a);
    return result;
}

/* The operator of role domain, and the domain, which must be of its reseller. */
static int64_t find_grant(struct db_conn *c, struct arena *a, struct str login, struct str domain, int64_t *operator_id,
                          int64_t *domain_id, struct err *err) {
    struct str checked, ascii;
    struct admin_domain found;
    if (!login_check(a, login, &checked, err) || !domain_to_ascii(a, domain, &ascii, err))
        return 0;
    int64_t result = admin_find_domain(c, a, ascii, &found, err);
    if (result != 1)
        return result;
    struct db_params p = {0};
    db_text(&p, checked);
    PGresult *r = db_query(c, &FIND_OPERATOR, &p, err);
    if (!r)
        return admin_failed(c, NULL, checked, err);
    bool good = PQntuples(r) == 1 || err_set(err, "there is no operator %.*s", STR_ARG(checked));
    if (good && !str_eq(db_get_str(r, 0, 1), STR("domain")))
        good = err_set(err, "%.*s has the role %.*s: only operators with the role domain are given single domains",
                       STR_ARG(checked), STR_ARG(db_get_str(r, 0, 1)));
    if (good && db_get_int8(r, 0, 2) != found.tenant_id)
        good = err_set(err, "%.*s and %.*s belong to different resellers", STR_ARG(checked), STR_ARG(ascii));
    if (good) {
        *operator_id = db_get_int8(r, 0, 0);
        *domain_id = found.id;
    }
    PQclear(r);
    return good;
}

static int64_t change_grant(struct db_conn *c, const struct db_statement *s, struct str login, struct str domain,
                            struct err *err) {
    struct arena a = ARENA_EMPTY;
    int64_t operator_id = 0, domain_id = 0;
    int64_t result = find_grant(c, &a, login, domain, &operator_id, &domain_id, err);
    if (result == 1) {
        struct db_params p = {0};
        db_int8(&p, operator_id);
        db_int8(&p, domain_id);
        if (db_exec(c, s, &p, err) < 0)
            result = admin_failed(c, NULL, login, err);
    }
    arena_free(&a);
    return result;
}

int64_t admin_operator_grant(struct db_conn *c, struct str login, struct str domain, struct err *err) {
    return change_grant(c, &GRANT, login, domain, err);
}

int64_t admin_operator_revoke(struct db_conn *c, struct str login, struct str domain, struct err *err) {
    return change_grant(c, &REVOKE, login, domain, err);
}
