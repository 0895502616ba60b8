/* Aliases, and the catch-all ("@domain"). */
#include "directory/admin_internal.h"

enum { MAX_TARGETS = 1000, MAX_TEXT = 1 << 20 };

static const struct db_statement SET = {
    "admin_alias_set", "INSERT INTO alias (tenant_id, domain_id, local_part, targets) VALUES ($1, $2, $3, $4) "
                       "ON CONFLICT (domain_id, local_part) DO UPDATE SET targets = EXCLUDED.targets RETURNING id"};
static const struct db_statement REMOVE = {"admin_alias_remove",
                                           "DELETE FROM alias WHERE local_part = $1 AND domain_id = $2"};

static bool is_separator(char c) { return c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/* The next address of the text; separators within quotes are part of it. */
static bool next_target(struct str *text, struct str *target) {
    size_t from = 0, to;
    while (from < text->n && is_separator(text->p[from]))
        from++;
    bool quoted = false;
    for (to = from; to < text->n && (quoted || !is_separator(text->p[to])); to++) {
        if (quoted && text->p[to] == '\\' && to + 1 < text->n)
            to++;
        else if (text->p[to] == '"')
            quoted = !quoted;
    }
    *target = str_sub(*text, from, to - from);
    *text = str_sub(*text, to, text->n);
    return target->n > 0;
}

static bool contains(const struct str *list, size_t n, struct str s) {
    for (size_t i = 0; i < n; i++)
        if (str_ieq(list[i], s))
            return true;
    return false;
}

static bool parse_targets(struct arena *a, struct str text, struct str **out, size_t *count, struct err *err) {
    if (text.n > MAX_TEXT)
        return err_set(err, "these are too many addresses for one alias");
    *out = arena_array(a, MAX_TARGETS, sizeof **out);
    *count = 0;
    struct str piece, local, domain;
    while (next_target(&text, &piece)) {
        if (!address_parse(a, piece, &local, &domain, err))
            return false;
        if (domain.p[0] != '[' && str_chr(domain, '.') < 0)
            return err_set(err, "\"%.*s\" is not complete: the domain behind the @ needs a dot", STR_ARG(piece));
        struct str target = address_format(a, local, domain);
        if (contains(*out, *count, target))
            continue;
        if (*count == MAX_TARGETS)
            return err_set(err, "an alias may have at most %d addresses", MAX_TARGETS);
        (*out)[(*count)++] = target;
    }
    return *count > 0 || err_set(err, "the alias needs at least one address to deliver to");
}

int64_t admin_alias_set(struct db_conn *c, struct str address, struct str targets, struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct str local, domain, *target = NULL;
    struct admin_domain found;
    size_t count = 0;
    int64_t result =
        admin_own_address(&a, address, true, &local, &domain, err) && parse_targets(&a, targets, &target, &count, err);
    if (result == 1 && count == 1 && str_ieq(target[0], address_format(&a, local, domain))) {
        err_set(err, "the alias would lead only to itself");
        result = 0;
    }
    if (result == 1)
        result = admin_find_domain(c, &a, domain, &found, err);
    if (result == 1 && !str_eq(found.kind, STR("hosted"))) {
        err_set(err, "%.*s has no addresses of its own: it is an alias or relay domain", STR_ARG(domain));
        result = 0;
    }
    if (result == 1) {
        struct db_params p = {0};
        db_int8(&p, found.tenant_id);
        db_int8(&p, found.id);
        db_text(&p, local);
        db_text_array(&p, target, count);
        result = admin_insert(c, &SET, &p, NULL, domain, err);
    }
    arena_free(&a);
    return result;
}

int64_t admin_alias_remove(struct db_conn *c, struct str address, struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct str local, domain;
    struct admin_domain found;
    int64_t result = admin_own_address(&a, address, true, &local, &domain, err);
    if (result == 1)
        result = admin_find_domain(c, &a, domain, &found, err);
    if (result == 1) {
        struct db_params p = {0};
        db_text(&p, local);
        db_int8(&p, found.id);
        result = admin_touch(c, &REMOVE, &p, err, "there is no alias %.*s@%.*s", STR_ARG(local), STR_ARG(domain));
    }
    arena_free(&a);
    return result;
}
