/* The access lists: who may always send, and who never. */
#include "directory/address.h"
#include "directory/admin_internal.h"
#include "net/network.h"

static const struct db_statement ADD = {"admin_access_add",
                                        "INSERT INTO access_list (tenant_id, domain_id, action, kind, pattern, note)"
                                        " VALUES ($1, $2, $3, $4, $5, $6) RETURNING id"};
static const struct db_statement REMOVE = {"admin_access_remove", "DELETE FROM access_list WHERE id = $1"};

static const struct admin_sentence sentences[] = {
    {"access_list_tenant_id_domain_id_kind_pattern_key", "there is an entry for %.*s already: remove it first"},
    {"access_list_domain_id_fkey", "that domain is of another reseller"},
    {"access_list_tenant_id_domain_id_fkey", "that domain is of another reseller"},
    {"access_list_check1", "an entry for anybody can only switch greylisting: greylist or no-greylist"},
    {NULL, NULL}};

/* "example.org" or ".example.org", as A-labels in lower case. */
static bool domain_pattern(struct arena *a, struct str typed, struct str *out, struct err *err) {
    bool below = typed.n > 0 && typed.p[0] == '.';
    if (!domain_to_ascii(a, below ? str_sub(typed, 1, typed.n) : typed, out, err))
        return false;
    if (below)
        *out = arena_printf(a, ".%.*s", STR_ARG(*out));
    return true;
}

static bool sender_pattern(struct arena *a, struct str typed, struct str *out, struct err *err) {
    struct str local, domain;
    if (str_chr(typed, '@') == 0) /* "@example.org", as some write it */
        typed = str_sub(typed, 1, typed.n);
    if (str_chr(typed, '@') < 0)
        return domain_pattern(a, typed, out, err);
    if (!address_parse(a, typed, &local, &domain, err))
        return false;
    *out = address_fold(a, address_format(a, local, domain));
    return true;
}

static bool network_pattern(struct arena *a, struct str typed, struct str *out, struct err *err) {
    struct network n;
    char text[NETWORK_TEXT];
    if (!network_parse(typed, &n))
        return err_set(err, "\"%.*s\" is no network: write 192.0.2.0/24, 2001:db8::/32 or a single address",
                       STR_ARG(str_sub(typed, 0, 60)));
    network_text(&n, text);
    *out = arena_str(a, str_of(text));
    return true;
}

static bool check_pattern(struct arena *a, struct str action, struct str kind, struct str typed, struct str *out,
                          struct err *err) {
    static const char *const actions[] = {"allow", "deny", "greylist", "no-greylist"};
    bool known = false;
    for (size_t i = 0; i < 4; i++)
        known |= str_eq(action, str_of(actions[i]));
    if (!known)
        return err_set(err, "an entry allows, denies, or switches greylisting: allow, deny, greylist or no-greylist");
    typed = str_trim(typed);
    if (str_eq(kind, STR("sender")))
        return sender_pattern(a, typed, out, err);
    if (str_eq(kind, STR("network")))
        return network_pattern(a, typed, out, err);
    if (str_eq(kind, STR("helo")))
        return domain_pattern(a, typed, out, err);
    *out = STR("*");
    return str_eq(kind, STR("any")) || err_set(err, "an entry is about a sender, network, helo or any");
}

int64_t admin_access_add(struct db_conn *c, int64_t tenant_id, struct str domain, struct str action, struct str kind,
                         struct str pattern, struct str note, struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct admin_domain d = {0};
    struct str checked, comment;
    int64_t result = 0;
    if (check_pattern(&a, action, kind, pattern, &checked, err) && admin_text(&a, note, "the note", &comment, err)) {
        result = 1;
        if (domain.n && (result = domain_to_ascii(&a, domain, &domain, err)) == 1)
            result = admin_find_domain(c, &a, domain, &d, err);
    }
    if (result == 1) {
        struct db_params p = {0};
        if (d.id && !tenant_id)
            tenant_id = d.tenant_id;
        if (tenant_id)
            db_int8(&p, tenant_id);
        else
            db_null(&p);
        if (d.id)
            db_int8(&p, d.id);
        else
            db_null(&p);
        db_text(&p, action);
        db_text(&p, kind);
        db_text(&p, checked);
        db_text(&p, comment);
        result = admin_insert(c, &ADD, &p, sentences, checked, err);
    }
    arena_free(&a);
    return result;
}

int64_t admin_access_remove(struct db_conn *c, int64_t id, struct err *err) {
    struct db_params p = {0};
    db_int8(&p, id);
    return admin_touch(c, &REMOVE, &p, err, "there is no such entry");
}
