/* Domains. */
#include "directory/admin_internal.h"

#include <arpa/inet.h>
#include <libpsl.h>

static const struct db_statement ADD = {"admin_domain_add",
                                        "INSERT INTO domain (tenant_id, name, display, kind, target_id, relay_host) "
                                        "VALUES ($1, $2, $3, $4::text::domain_kind, $5, $6) RETURNING id"};
static const struct db_statement ACTIVE = {"admin_domain_active", "UPDATE domain SET active = $2 WHERE name = $1"};
static const struct db_statement REMOVE = {"admin_domain_remove", "DELETE FROM domain WHERE name = $1"};
static const struct db_statement PROTOCOLS = {"admin_domain_protocols",
                                              "UPDATE domain SET protocols_off = $2 WHERE name = $1"};
static const struct db_statement LIMIT = {"admin_domain_limit", "UPDATE domain SET max_accounts = $2 WHERE name = $1"};
static const struct admin_sentence SENTENCES[] = {
    {"domain_name_key", "%.*s is already hosted here"},
    {"domain_tenant_id_fkey", "the reseller for %.*s does not exist any more"},
    {"domain_name_check", "%.*s can't be hosted: its last part must begin with a letter"},
    {NULL, NULL}};

/* Names that can never receive mail from the Internet (RFC 6761, RFC 7686, RFC 6762, RFC 3172), and registries' own. */
static bool may_be_hosted(struct str name, struct arena *a, struct err *err) {
    static const char *const reserved[] = {".localhost", ".invalid", ".onion", ".local", ".arpa"};
    if (str_chr(name, '.') < 0)
        return err_set(err, "%.*s is not a complete domain name: write it like example.org", STR_ARG(name));
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (str_ends(name, str_of(reserved[i])))
            return err_set(err, "%.*s can't have mail: names that end in %s are reserved", STR_ARG(name), reserved[i]);
    const psl_ctx_t *list = psl_builtin();
    if (list && psl_is_public_suffix2(list, arena_c(a, name), PSL_TYPE_ICANN | PSL_TYPE_NO_STAR_RULE))
        return err_set(err, "%.*s belongs to a registry: host a name below it", STR_ARG(name));
    return true;
}

/* "host", "host:port", "[address]" or "[address]:port". */
static bool relay_host_check(struct arena *a, struct str typed, struct str *out, struct err *err) {
    struct str host = typed, port = {NULL, 0}, name;
    unsigned char address[16];
    ptrdiff_t colon = str_rchr(typed, ':'), bracket = str_rchr(typed, ']');
    if (colon > bracket) {
        host = str_sub(typed, 0, (size_t)colon);
        port = str_sub(typed, (size_t)colon + 1, typed.n);
    }
    uint32_t number = 1;
    if (port.p && (!str_u32(port, &number) || number < 1 || number > 65535))
        return err_set(err, "the port of the host to relay to must be a number from 1 to 65535");
    if (host.n > 2 && host.p[0] == '[') {
        const char *inside = arena_c(a, str_sub(host, 1, host.n - 2));
        if (bracket != (ptrdiff_t)host.n - 1 ||
            (inet_pton(AF_INET, inside, address) != 1 && inet_pton(AF_INET6, inside, address) != 1))
            return err_set(err, "there is no IP address in the brackets of the host to relay to");
        name = host;
    } else if (!domain_to_ascii(a, host, &name, err)) {
        return false;
    }
    *out = port.p ? arena_printf(a, "%.*s:%u", STR_ARG(name), number) : name;
    return true;
}

/* What `target` stands for: the id of a domain (alias), or a host. */
static int64_t find_target(struct db_conn *c, struct arena *a, int64_t tenant_id, struct str kind, struct str target,
                           int64_t *target_id, struct str *relay_host, struct err *err) {
    *target_id = 0;
    *relay_host = (struct str){NULL, 0};
    target = str_trim(target);
    if (str_eq(kind, STR("relay")))
        return target.n == 0 || relay_host_check(a, target, relay_host, err);
    if (str_eq(kind, STR("hosted")))
        return target.n == 0 || err_set(err, "a hosted domain has no target");
    if (!str_eq(kind, STR("alias")))
        return err_set(err, "the kind of a domain must be hosted, alias or relay");
    struct str name;
    struct admin_domain found;
    if (target.n == 0)
        return err_set(err, "which domain does the alias stand for?");
    if (!domain_to_ascii(a, target, &name, err))
        return 0;
    int64_t result = admin_find_domain(c, a, name, &found, err);
    if (result != 1)
        return result;
    if (found.tenant_id != tenant_id)
        return err_set(err, "%.*s belongs to another reseller", STR_ARG(name));
    if (!str_eq(found.kind, STR("hosted")))
        return err_set(err, "%.*s has no mailboxes itself: name the domain that has", STR_ARG(name));
    *target_id = found.id;
    return 1;
}

/* Asked before the reseller's limit is, which would hide it. A domain of another reseller is seen by the constraint
 * only. */
static int64_t name_free(struct db_conn *c, struct arena *a, struct str ascii, struct err *err) {
    struct admin_domain found;
    int64_t result = admin_find_domain(c, a, ascii, &found, err);
    if (result == 1)
        err_set(err, "%.*s is already hosted here", STR_ARG(ascii));
    return result < 0 ? result : !result;
}

int64_t admin_domain_add(struct db_conn *c, int64_t tenant_id, struct str name, struct str kind, struct str target,
                         struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct str ascii, relay_host;
    int64_t target_id = 0, result = 0;
    if (domain_to_ascii(&a, str_trim(name), &ascii, err) && may_be_hosted(ascii, &a, err))
        result = find_target(c, &a, tenant_id, kind, target, &target_id, &relay_host, err);
    if (result == 1)
        result = name_free(c, &a, ascii, err);
    if (result == 1) {
        struct db_params p = {0};
        db_int8(&p, tenant_id);
        db_text(&p, ascii);
        db_text(&p, domain_to_display(&a, ascii));
        db_text(&p, kind);
        if (target_id)
            db_int8(&p, target_id);
        else
            db_null(&p);
        db_text(&p, relay_host);
        result = admin_insert(c, &ADD, &p, SENTENCES, ascii, err);
    }
    arena_free(&a);
    return result;
}

/* A domain that a statement is about: its name is the statement's first parameter. */
struct named {
    struct arena arena;
    struct str ascii;
    struct db_params params;
};

static bool name_domain(struct named *d, struct str name, struct err *err) {
    *d = (struct named){.arena = ARENA_EMPTY};
    if (!domain_to_ascii(&d->arena, name, &d->ascii, err)) {
        arena_free(&d->arena);
        return false;
    }
    db_text(&d->params, d->ascii);
    return true;
}

static int64_t touch_domain(struct db_conn *c, const struct db_statement *s, struct named *d, struct err *err) {
    int64_t result = admin_touch(c, s, &d->params, err, "the domain %.*s is not hosted here", STR_ARG(d->ascii));
    arena_free(&d->arena);
    return result;
}

int64_t admin_domain_active(struct db_conn *c, struct str name, bool active, struct err *err) {
    struct named d;
    if (!name_domain(&d, name, err))
        return 0;
    db_bool(&d.params, active);
    return touch_domain(c, &ACTIVE, &d, err);
}

int64_t admin_domain_limit(struct db_conn *c, struct str name, int32_t max_accounts, struct err *err) {
    struct named d;
    if (!name_domain(&d, name, err))
        return 0;
    if (max_accounts < 0)
        db_null(&d.params);
    else
        db_int4(&d.params, max_accounts);
    return touch_domain(c, &LIMIT, &d, err);
}

int64_t admin_domain_protocols(struct db_conn *c, struct str name, unsigned off, struct err *err) {
    struct named d;
    if (!name_domain(&d, name, err))
        return 0;
    admin_protocols(&d.params, off);
    return touch_domain(c, &PROTOCOLS, &d, err);
}

int64_t admin_domain_remove(struct db_conn *c, struct str name, struct err *err) {
    struct named d;
    return name_domain(&d, name, err) ? touch_domain(c, &REMOVE, &d, err) : 0;
}
