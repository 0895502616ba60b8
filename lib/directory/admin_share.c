/* Who uses a mailbox beside its owner: access lists, sending under its address, and mailboxes that are nobody's. */
#include "directory/admin_internal.h"

static const struct db_statement SET = {"admin_share_set", "SELECT share_set($1, $2, $3, $4)"};
static const struct db_statement DELEGATE = {"admin_delegate_set", "SELECT delegate_set($1, $2, $3)"};
static const struct db_statement ADD_SHARED = {
    "admin_account_add_shared",
    "INSERT INTO account (tenant_id, domain_id, local_part, name, password, quota_bytes, shared)"
    " VALUES ($1, $2, $3, $4, '!', $5, true) RETURNING id"};
static const struct admin_sentence SENTENCES[] = {
    {"account_domain_id_local_part_key", "the mailbox %.*s exists already"}, {NULL, NULL}};

/* "anyone", an address, or one of them behind "-", as the database knows it. */
static bool check_who(struct arena *a, struct str typed, struct str *out, struct err *err) {
    struct str local, domain, name = str_trim(typed);
    bool negative = name.n && name.p[0] == '-';
    if (negative)
        name = str_sub(name, 1, name.n);
    if (!str_ieq(name, STR("anyone"))) {
        if (!address_parse(a, name, &local, &domain, err))
            return false;
        name = address_format(a, address_fold(a, local), domain);
    }
    *out = arena_printf(a, "%s%.*s", negative ? "-" : "", STR_ARG(name));
    return true;
}

/* Runs a statement that answers with a refusal or an empty text. */
static int64_t ask(struct db_conn *c, const struct db_statement *s, struct db_params *p, struct str subject,
                   struct err *err) {
    PGresult *r = db_query(c, s, p, err);
    if (!r)
        return admin_failed(c, SENTENCES, subject, err);
    struct str refusal = db_get_str(r, 0, 0);
    if (refusal.n)
        err_set(err, "%.*s", STR_ARG(refusal));
    int64_t result = refusal.n == 0;
    PQclear(r);
    return result;
}

int64_t admin_share_set(struct db_conn *c, struct str address, struct str folder, struct str who, unsigned rights,
                        struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct str checked;
    struct admin_account account;
    int64_t result = admin_find_account(c, &a, address, &account, err);
    if (result == 1)
        result = check_who(&a, who, &checked, err);
    if (result == 1 && (folder.n == 0 || !str_is_utf8(folder) || str_chr(folder, 0) >= 0)) {
        err_set(err, "a folder's name is needed, or * for all folders");
        result = 0;
    }
    if (result == 1) {
        struct db_params p = {0};
        db_int8(&p, account.id), db_text(&p, folder), db_text(&p, checked), db_int4(&p, (int32_t)rights);
        result = ask(c, &SET, &p, checked, err);
    }
    arena_free(&a);
    return result;
}

int64_t admin_delegate_set(struct db_conn *c, struct str address, struct str who, bool allowed, struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct str checked;
    struct admin_account account;
    int64_t result = admin_find_account(c, &a, address, &account, err);
    if (result == 1)
        result = check_who(&a, who, &checked, err);
    if (result == 1) {
        struct db_params p = {0};
        db_int8(&p, account.id), db_text(&p, checked), db_bool(&p, allowed);
        result = ask(c, &DELEGATE, &p, checked, err);
    }
    arena_free(&a);
    return result;
}

int64_t admin_account_add_shared(struct db_conn *c, struct str address, struct str name, int64_t quota_bytes,
                                 struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct str local, domain, checked;
    struct admin_domain found;
    int64_t result = admin_own_address(&a, address, false, &local, &domain, err);
    if (result == 1)
        result = admin_find_domain(c, &a, domain, &found, err);
    if (result == 1 && !str_eq(found.kind, STR("hosted"))) {
        err_set(err, "%.*s has no mailboxes: it is an alias or relay domain", STR_ARG(domain));
        result = 0;
    }
    if (result == 1)
        result = admin_text(&a, name, "the name", &checked, err);
    if (result == 1) {
        struct db_params p = {0};
        db_int8(&p, found.tenant_id), db_int8(&p, found.id), db_text(&p, local), db_text(&p, checked);
        if (quota_bytes < 0)
            db_null(&p);
        else
            db_int8(&p, quota_bytes);
        result = admin_insert(c, &ADD_SHARED, &p, SENTENCES, address, err);
    }
    arena_free(&a);
    return result;
}
