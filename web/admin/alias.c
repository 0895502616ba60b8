/* Aliases of a domain, with the catch-all, which is the alias without a local part. */
#include "admin/admin.h"
#include "admin/common.h"
#include "admin/domain.h"
#include "admin/list.h"
#include "directory/address.h"
#include "directory/admin.h"
#include "page.h"

enum { SHOWN_TARGETS = 3 };

#define FOUND "($2 = '' OR strpos(local_part, $2) > 0 OR strpos(lower(array_to_string(targets, ' ')), $2) > 0)"
#define ROWS(compare, order)                                                                                           \
    "SELECT id, local_part, targets, active FROM alias WHERE domain_id = $3 AND local_part <> '' AND local_part "      \
    "COLLATE \"C\" " compare " $1 AND " FOUND " ORDER BY local_part COLLATE \"C\"" order " LIMIT " LIST_LIMIT

static const struct db_statement LIST[2] = {{"web_aliases_up", ROWS(">", "")},
                                            {"web_aliases_down", ROWS("<", " DESC")}};
static const struct db_statement CATCH_ALL = {
    "web_catch_all",
    "SELECT id, local_part, targets, active FROM alias WHERE domain_id = $1 AND local_part = '' AND " FOUND};
static const struct db_statement LOAD = {
    "web_alias", "SELECT id, local_part, targets, active FROM alias WHERE domain_id = $1 AND id = $2"};
static const struct db_statement EXISTS = {"web_alias_exists",
                                           "SELECT id FROM alias WHERE domain_id = $1 AND local_part = lower($2)"};

struct alias {
    int64_t id;
    struct str local; /* "" is the catch-all */
    struct str *target;
    size_t count;
    bool active;
};

/* ---- the list ---- */

static void show_targets(struct dict *d, const struct str *target, size_t count) {
    for (size_t i = 0; i < count && i < SHOWN_TARGETS; i++)
        dict_set(dict_section(d, "TARGET"), "ADDRESS", target[i]);
    if (count > SHOWN_TARGETS)
        dict_set_int(dict_section(d, "FURTHER"), "COUNT", (int64_t)(count - SHOWN_TARGETS));
}

static void show_row(struct exchange *x, struct dict *list, const struct domain *domain, const PGresult *r, int row) {
    struct dict *d = dict_section(list, "ALIAS");
    struct str *target, local = db_get_str(r, row, 1);
    size_t count = db_get_texts(r, row, 2, &x->arena, &target);
    dict_set_int(d, "ID", db_get_int8(r, row, 0));
    dict_set_int(d, "DOMAIN_ID", domain->id);
    dict_show_if(d, "CATCH_ALL", local.n == 0);
    if (local.n > 0)
        dict_set(dict_section(d, "NAMED"), "ADDRESS", address_format(&x->arena, local, domain->display));
    show_targets(d, target, count);
    dict_show_if(d, "OFF", !db_get_bool(r, row, 3));
}

/* The catch-all stands above the first page. How many there are (0 or 1), or -1 after an error. */
static int show_catch_all(struct exchange *x, struct dict *d, const struct list *l, const struct domain *domain) {
    if (l->cursor.n > 0)
        return 0;
    struct db_params p = {0};
    db_int8(&p, domain->id);
    db_text(&p, arena_lower(&x->arena, l->search));
    PGresult *r = exchange_query_db(x, &CATCH_ALL, &p);
    if (!r)
        return -1;
    int found = PQntuples(r);
    if (found > 0)
        show_row(x, d, domain, r, 0);
    PQclear(r);
    return found;
}

static PGresult *query(struct exchange *x, const struct list *l, const struct domain *domain) {
    struct db_params p = {0};
    db_text(&p, list_from(l));
    db_text(&p, arena_lower(&x->arena, l->search));
    db_int8(&p, domain->id);
    return exchange_query_db(x, &LIST[l->scan_down], &p);
}

static void show_list(struct exchange *x, struct dict *d, struct list *l, const struct domain *domain,
                      const PGresult *r) {
    int rows = list_take(l, r);
    struct arena *a = &x->arena;
    struct str path = arena_printf(a, "/domains/%lld/aliases", (long long)domain->id);
    for (int i = 0; i < rows; i++)
        show_row(x, d, domain, r, list_row(l, i));
    if (rows > 0)
        list_pager(x, d, l, path, arena_str(a, db_get_str(r, list_row(l, 0), 1)),
                   arena_str(a, db_get_str(r, list_row(l, rows - 1), 1)));
}

static void get_aliases(struct exchange *x) {
    static const char *const SORTS[] = {"address", NULL};
    struct domain domain;
    struct list l;
    if (!domain_load(x, exchange_id(x, "domain"), &domain))
        return;
    list_read(x, &l, SORTS, false);
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/aliases.tpl", "Aliases");
    page_title(x, arena_printf(&x->arena, "Aliases of %.*s", STR_ARG(domain.display)));
    domain_head(x, d, &domain, DOMAIN_ALIASES);
    dict_set_int(d, "DOMAIN_ID", domain.id);
    int above = show_catch_all(x, d, &l, &domain);
    PGresult *r = above >= 0 ? query(x, &l, &domain) : NULL;
    if (!r)
        return;
    show_list(x, d, &l, &domain, r);
    PQclear(r);
    l.rows += above;
    list_state(d, &l);
    page_send(x);
}

/* ---- one of them ---- */

static bool load(struct exchange *x, const struct domain *domain, struct alias *out) {
    struct db_params p = {0};
    db_int8(&p, domain->id);
    db_int8(&p, exchange_id(x, "alias"));
    PGresult *r = exchange_query_db(x, &LOAD, &p);
    if (!r)
        return false;
    bool found = PQntuples(r) == 1;
    if (found) {
        struct arena *a = &x->arena;
        *out = (struct alias){
            .id = db_get_int8(r, 0, 0), .local = arena_str(a, db_get_str(r, 0, 1)), .active = db_get_bool(r, 0, 3)};
        out->count = db_get_texts(r, 0, 2, a, &out->target);
        for (size_t i = 0; i < out->count; i++)
            out->target[i] = arena_str(a, out->target[i]);
    } else {
        exchange_not_found(x);
    }
    PQclear(r);
    return found;
}

static struct str address_of(struct exchange *x, const struct domain *domain, struct str local) {
    return arena_printf(&x->arena, "%.*s@%.*s", STR_ARG(local), STR_ARG(domain->name));
}

static struct str label_of(struct exchange *x, const struct domain *domain, const struct alias *alias) {
    if (alias->local.n == 0)
        return arena_printf(&x->arena, "the catch-all of %.*s", STR_ARG(domain->display));
    return address_format(&x->arena, alias->local, domain->display);
}

static struct dict *form_page(struct exchange *x, const struct domain *domain, const struct alias *alias,
                              struct str targets) {
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/alias.tpl", alias ? "Alias" : "New alias");
    dict_set_int(d, "DOMAIN_ID", domain->id);
    dict_set(d, "DOMAIN", domain->display);
    dict_set(d, "TARGETS", targets);
    dict_set(d, "LOCAL", exchange_form(x, "local"));
    dict_show_if(d, "CATCH_ALL", form_checked(x, "catch_all"));
    if (alias) {
        struct dict *old = dict_section(d, "OLD");
        dict_set_int(old, "ID", alias->id);
        dict_set(old, "LABEL", label_of(x, domain, alias));
    } else {
        dict_show(d, "NEW");
    }
    return d;
}

static void get_new(struct exchange *x) {
    struct domain domain;
    if (!domain_load(x, exchange_id(x, "domain"), &domain))
        return;
    struct dict *d = form_page(x, &domain, NULL, STR(""));
    dict_show_if(d, "CATCH_ALL", exchange_query(x, "catch-all").n > 0);
    page_send(x);
}

static void get_alias(struct exchange *x) {
    struct domain domain;
    struct alias alias;
    if (!domain_load(x, exchange_id(x, "domain"), &domain) || !load(x, &domain, &alias))
        return;
    struct buf b = BUF_EMPTY;
    for (size_t i = 0; i < alias.count; i++)
        buf_printf(&b, "%.*s\n", STR_ARG(alias.target[i]));
    form_page(x, &domain, &alias, buf_str(&b));
    buf_free(&b);
    page_send(x);
}

/* admin_alias_set() replaces; a new alias must not do so unasked. 1: free, 0 with a sentence, -1. */
static int64_t is_free(struct exchange *x, const struct domain *domain, struct str local, struct err *err) {
    struct db_params p = {0};
    db_int8(&p, domain->id);
    db_text(&p, local);
    PGresult *r = db_query(x->db, &EXISTS, &p, err);
    if (!r)
        return -1;
    bool taken = PQntuples(r) > 0;
    PQclear(r);
    if (taken)
        err_set(err, local.n > 0 ? "this alias exists already: change it instead"
                                 : "there is a catch-all already: change it instead");
    return !taken;
}

static void answer(struct exchange *x, const struct domain *domain, const struct alias *alias, int64_t result,
                   const char *field, struct err *err) {
    enum outcome outcome = admin_outcome(x, result, err);
    if (outcome == OUTCOME_DONE) {
        page_flash(x, "The alias is saved.");
        exchange_redirect(x, "/domains/%lld/aliases", (long long)domain->id);
    } else if (outcome == OUTCOME_REFUSED) {
        form_refused(x, form_page(x, domain, alias, exchange_form(x, "targets")), field, err);
    }
}

static void post_new(struct exchange *x) {
    struct domain domain;
    struct err err;
    struct str local, ascii;
    if (!domain_load(x, exchange_id(x, "domain"), &domain))
        return;
    bool catch_all = form_checked(x, "catch_all");
    struct str typed = catch_all ? STR("") : exchange_form(x, "local"), address = address_of(x, &domain, typed);
    const char *field = "LOCAL_PROBLEM";
    int64_t result = 0;
    if (!catch_all && typed.n == 0)
        err_set(&err, "write the part of the address before the @, or choose the catch-all");
    else if (catch_all || address_parse(&x->arena, address, &local, &ascii, &err))
        result = is_free(x, &domain, typed, &err);
    if (result == 1) {
        result = admin_alias_set(x->db, address, exchange_form(x, "targets"), &err);
        field = "TARGETS_PROBLEM";
    }
    answer(x, &domain, NULL, result, field, &err);
}

static void post_alias(struct exchange *x) {
    struct domain domain;
    struct alias alias;
    struct err err;
    if (!domain_load(x, exchange_id(x, "domain"), &domain) || !load(x, &domain, &alias))
        return;
    int64_t result = admin_alias_set(x->db, address_of(x, &domain, alias.local), exchange_form(x, "targets"), &err);
    answer(x, &domain, &alias, result, "TARGETS_PROBLEM", &err);
}

static void get_delete(struct exchange *x) {
    struct domain domain;
    struct alias alias;
    if (!domain_load(x, exchange_id(x, "domain"), &domain) || !load(x, &domain, &alias))
        return;
    struct arena *a = &x->arena;
    struct str here = arena_printf(a, "/domains/%lld/aliases/%lld", (long long)domain.id, (long long)alias.id);
    struct confirmation c = {.title = "Delete this alias?",
                             .object = label_of(x, &domain, &alias),
                             .button = "Delete the alias",
                             .action = arena_printf(a, "%.*s/delete", STR_ARG(here)),
                             .cancel = here};
    struct dict *d = confirm_begin(x, &c);
    for (size_t i = 0; i < alias.count && i < 10; i++)
        confirm_consequence(d, "%.*s gets no more mail by it.", STR_ARG(alias.target[i]));
    if (alias.count > 10)
        confirm_consequence(d, "Nor do %zu further addresses.", alias.count - 10);
    page_send(x);
}

static void post_delete(struct exchange *x) {
    struct domain domain;
    struct alias alias;
    struct err err;
    if (!domain_load(x, exchange_id(x, "domain"), &domain) || !load(x, &domain, &alias))
        return;
    switch (admin_outcome(x, admin_alias_remove(x->db, address_of(x, &domain, alias.local), &err), &err)) {
    case OUTCOME_DONE:
        page_flash(x, "The alias is deleted.");
        exchange_redirect(x, "/domains/%lld/aliases", (long long)domain.id);
        break;
    case OUTCOME_REFUSED:
        exchange_error(x, 422, "%.*s", STR_ARG(sentence(&x->arena, err.text)));
        break;
    case OUTCOME_REPLIED:
        break;
    }
}

const struct route alias_routes[] = {
    {METHOD_GET, "/domains/#domain/aliases", get_aliases, ROUTE_MANAGERS},
    {METHOD_GET, "/domains/#domain/aliases/new", get_new, ROUTE_MANAGERS},
    {METHOD_POST, "/domains/#domain/aliases/new", post_new, ROUTE_MANAGERS},
    {METHOD_GET, "/domains/#domain/aliases/#alias", get_alias, ROUTE_MANAGERS},
    {METHOD_POST, "/domains/#domain/aliases/#alias", post_alias, ROUTE_MANAGERS},
    {METHOD_GET, "/domains/#domain/aliases/#alias/delete", get_delete, ROUTE_MANAGERS},
    {METHOD_POST, "/domains/#domain/aliases/#alias/delete", post_delete, ROUTE_MANAGERS},
    {0},
};
