/* Operators: people who administer. Providers see all, resellers those of their own tenant. */
#include "admin/admin.h"
#include "admin/common.h"
#include "admin/list.h"
#include "admin/tenants.h"
#include "directory/admin.h"
#include "page.h"

#define ROWS(compare, order)                                                                                           \
    "SELECT o.id, o.login, o.name, o.role::text, o.disabled, coalesce(t.name, ''),"                                    \
    " (SELECT count(*) FROM operator_domain WHERE operator_id = o.id) FROM operator o"                                 \
    " LEFT JOIN tenant t ON t.id = o.tenant_id WHERE o.login COLLATE \"C\" " compare                                   \
    " $1 AND ($2 = '' OR strpos(o.login, $2) > 0 OR strpos(lower(o.name), $2) > 0) AND ($3 = 0 OR o.tenant_id = $3)"   \
    " ORDER BY o.login COLLATE \"C\"" order " LIMIT " LIST_LIMIT
static const struct db_statement LIST[2] = {{"web_operators_up", ROWS(">", "")},
                                            {"web_operators_down", ROWS("<", " DESC")}};
static const struct db_statement LOAD = {
    "web_operator",
    "SELECT o.id, o.login, o.name, o.role::text, o.disabled, coalesce(t.name, ''), o.tenant_id, o.created_at"
    " FROM operator o LEFT JOIN tenant t ON t.id = o.tenant_id WHERE o.id = $1"};
static const struct db_statement GRANTED = {
    "web_operator_domains", "SELECT d.id, d.name, d.display FROM operator_domain g JOIN domain d ON d.id = g.domain_id"
                            " WHERE g.operator_id = $1 ORDER BY d.name COLLATE \"C\" LIMIT 1000"};
static const struct db_statement DOMAIN = {"web_operator_domain", "SELECT name, display FROM domain WHERE id = $1"};

struct operator{
    int64_t id, tenant_id;
    struct str login, name, role, tenant;
    bool disabled, self;
    int64_t created_at;
};

static const struct {
    const char *role, *label;
} ROLES[] = {
    {"provider", "Provider"}, {"reseller", "Reseller"}, {"domain", "Domain administrator"}, {"helpdesk", "Helpdesk"}};
enum { ROLE_COUNT = sizeof ROLES / sizeof *ROLES };

static const char *label_of(struct str role) {
    for (size_t i = 0; i < ROLE_COUNT; i++) {
        if (str_eq(role, str_of(ROLES[i].role)))
            return ROLES[i].label;
    }
    return "";
}

/* ---- the list ---- */

static void show_row(struct exchange *x, struct dict *list, const PGresult *r, int row) {
    struct dict *d = dict_section(list, "OPERATOR");
    struct str role = db_get_str(r, row, 3);
    dict_set_int(d, "ID", db_get_int8(r, row, 0));
    dict_set(d, "LOGIN_NAME", db_get_str(r, row, 1));
    dict_set(d, "NAME", db_get_str(r, row, 2));
    dict_set_c(d, "ROLE", label_of(role));
    if (str_eq(role, STR("domain")))
        dict_set(dict_section(d, "GRANTS"), "COUNT", count_text(&x->arena, db_get_int8(r, row, 6)));
    dict_show_if(d, "OFF", db_get_bool(r, row, 4));
    dict_show_if(d, "ON", !db_get_bool(r, row, 4));
    if (x->actor.role == ROLE_PROVIDER)
        dict_set(dict_section(d, "TENANT"), "NAME", db_get_str(r, row, 5));
}

static int64_t wanted_tenant(struct exchange *x, struct list *l) {
    uint64_t id;
    struct str typed = exchange_query(x, "reseller");
    if (x->actor.role != ROLE_PROVIDER || !str_u64(typed, &id) || id > INT64_MAX)
        return 0;
    list_keep(l, "reseller", typed);
    return (int64_t)id;
}

static void get_operators(struct exchange *x) {
    static const char *const SORTS[] = {"login", NULL};
    struct list l;
    list_read(x, &l, SORTS, false);
    int64_t tenant_id = wanted_tenant(x, &l);
    struct db_params p = {0};
    db_text(&p, list_from(&l));
    db_text(&p, arena_lower(&x->arena, l.search));
    db_int8(&p, tenant_id);
    PGresult *r = exchange_query_db(x, &LIST[l.scan_down], &p);
    if (!r)
        return;
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/operators.tpl", "Operators");
    int rows = list_take(&l, r);
    for (int i = 0; i < rows; i++)
        show_row(x, d, r, list_row(&l, i));
    if (rows > 0)
        list_pager(x, d, &l, STR("/operators"), arena_str(&x->arena, db_get_str(r, list_row(&l, 0), 1)),
                   arena_str(&x->arena, db_get_str(r, list_row(&l, rows - 1), 1)));
    PQclear(r);
    list_state(d, &l);
    list_heading(x, d, &l, STR("/operators"), "login", "NAME");
    dict_show_if(d, "IS_PROVIDER", x->actor.role == ROLE_PROVIDER);
    if (x->actor.role != ROLE_PROVIDER || tenants_choose(x, d, tenant_id))
        page_send(x);
}

/* ---- a new one ---- */

static void show_roles(struct exchange *x, struct dict *d, struct str chosen) {
    for (size_t i = 0; i < ROLE_COUNT; i++) {
        if (i == 0 && x->actor.role != ROLE_PROVIDER)
            continue;
        struct dict *one = dict_section(d, "ROLE");
        dict_set_c(one, "VALUE", ROLES[i].role);
        dict_set_c(one, "LABEL", ROLES[i].label);
        dict_show_if(one, "CHOSEN", str_eq(chosen, str_of(ROLES[i].role)));
        dict_show_if(one, "FOR_PROVIDER", i == 0);
        dict_show_if(one, "FOR_RESELLER", i == 1);
        dict_show_if(one, "FOR_DOMAIN", i == 2);
        dict_show_if(one, "FOR_HELPDESK", i == 3);
    }
}

static struct dict *new_page(struct exchange *x) {
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/operator_new.tpl", "New operator");
    struct str role = exchange_form(x, "role");
    dict_set(d, "LOGIN_NAME", exchange_form(x, "login"));
    dict_set(d, "NAME", exchange_form(x, "name"));
    show_roles(x, d, role.n > 0 ? role : STR("reseller"));
    show_password_choice(x, d);
    uint64_t tenant_id = 0;
    struct str typed = exchange_is_post(x) ? exchange_form(x, "reseller") : exchange_query(x, "reseller");
    if (!str_u64(typed, &tenant_id) || tenant_id > INT64_MAX)
        tenant_id = 0;
    dict_show_if(d, "IS_PROVIDER", x->actor.role == ROLE_PROVIDER);
    return x->actor.role != ROLE_PROVIDER || tenants_choose(x, d, (int64_t)tenant_id) ? d : NULL;
}

static void get_new(struct exchange *x) {
    if (new_page(x))
        page_send(x);
}

static void show_secret(struct exchange *x, int64_t id, struct str login, struct str password, bool is_new) {
    struct dict *d =
        page_begin(x, PAGE_ADMIN, "admin/operator_password_shown.tpl", is_new ? "New operator" : "New password");
    dict_set_int(d, "ID", id);
    dict_set(d, "LOGIN_NAME", login);
    dict_set(d, "PASSWORD", password);
    dict_show_if(d, "IS_NEW", is_new);
    dict_show_if(d, "IS_RESET", !is_new);
    page_send(x);
}

static void post_new(struct exchange *x) {
    struct err err;
    bool made_up;
    struct str role = exchange_form(x, "role"), login = exchange_form(x, "login"),
               password = form_password(x, &made_up);
    int64_t tenant_id = x->actor.tenant_id, id = 0;
    const char *field = "PROBLEM";
    if (x->actor.role == ROLE_PROVIDER && str_eq(role, STR("provider")))
        tenant_id = 0;
    if (x->actor.role == ROLE_PROVIDER && !str_eq(role, STR("provider")) && !tenants_chosen(x, &tenant_id)) {
        err_set(&err, "choose the reseller that the operator belongs to");
        field = "TENANT_PROBLEM";
    } else {
        id = admin_operator_add(x->db, tenant_id, role, login, exchange_form(x, "name"), password, &err);
    }
    enum outcome outcome = admin_outcome(x, id, &err);
    if (outcome == OUTCOME_DONE && made_up) {
        show_secret(x, id, login, password, true);
    } else if (outcome == OUTCOME_DONE) {
        page_flash(x, "%.*s can log in.", STR_ARG(login));
        exchange_redirect(x, "/operators/%lld", (long long)id);
    } else if (outcome == OUTCOME_REFUSED) {
        form_refused(x, new_page(x), field, &err);
    }
}

/* ---- one of them ---- */

static bool load(struct exchange *x, struct operator* out) {
    struct db_params p = {0};
    db_int8(&p, exchange_id(x, "operator"));
    PGresult *r = exchange_query_db(x, &LOAD, &p);
    if (!r)
        return false;
    bool found = PQntuples(r) == 1;
    if (found) {
        struct arena *a = &x->arena;
        *out = (struct operator){.id = db_get_int8(r, 0, 0),
                                 .login = arena_str(a, db_get_str(r, 0, 1)),
                                 .name = arena_str(a, db_get_str(r, 0, 2)),
                                 .role = arena_str(a, db_get_str(r, 0, 3)),
                                 .disabled = db_get_bool(r, 0, 4),
                                 .tenant = arena_str(a, db_get_str(r, 0, 5)),
                                 .tenant_id = db_get_int8(r, 0, 6),
                                 .created_at = db_get_time(r, 0, 7)};
        out->self = out->id == x->actor.operator_id;
    } else {
        exchange_not_found(x);
    }
    PQclear(r);
    return found;
}

static bool show_grants(struct exchange *x, struct dict *d, const struct operator* o) {
    if (!str_eq(o->role, STR("domain")))
        return true;
    struct db_params p = {0};
    db_int8(&p, o->id);
    PGresult *r = exchange_query_db(x, &GRANTED, &p);
    if (!r)
        return false;
    struct dict *grants = dict_section(d, "GRANTS");
    for (int i = 0; i < PQntuples(r); i++) {
        struct dict *one = dict_section(grants, "DOMAIN");
        dict_set_int(one, "DOMAIN_ID", db_get_int8(r, i, 0));
        dict_set(one, "DOMAIN", db_get_str(r, i, 2));
    }
    dict_show_if(grants, "NONE", PQntuples(r) == 0);
    PQclear(r);
    return true;
}

static struct dict *operator_page(struct exchange *x, const struct operator* o) {
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/operator.tpl", "Operator");
    page_title(x, o->login);
    dict_set_int(d, "ID", o->id);
    dict_set(d, "LOGIN_NAME", o->login);
    dict_set(d, "NAME", o->name);
    dict_set_c(d, "ROLE", label_of(o->role));
    if (x->actor.role == ROLE_PROVIDER && o->tenant.n > 0) {
        struct dict *tenant = dict_section(d, "TENANT");
        dict_set(tenant, "NAME", o->tenant);
        dict_set_int(tenant, "ID", o->tenant_id);
    }
    dict_time(d, "CREATED", o->created_at);
    dict_show_if(d, "OFF", o->disabled);
    dict_show_if(d, "SELF", o->self);
    struct dict *other = o->self ? NULL : dict_section(d, "OTHER");
    if (other) {
        dict_show_if(other, "IS_ON", !o->disabled);
        dict_show_if(other, "IS_OFF", o->disabled);
    }
    return show_grants(x, d, o) ? d : NULL;
}

static void get_operator(struct exchange *x) {
    struct operator o;
    if (load(x, &o) && operator_page(x, &o))
        page_send(x);
}

/* Shows the operator again with a problem, or goes back to it with a message. */
static void answer(struct exchange *x, const struct operator* o, int64_t result, const char *field, struct err *err,
                   const char *done) {
    enum outcome outcome = admin_outcome(x, result, err);
    if (outcome == OUTCOME_DONE) {
        page_flash(x, "%s", done);
        exchange_redirect(x, "/operators/%lld", (long long)o->id);
        return;
    }
    if (outcome == OUTCOME_REFUSED)
        form_refused(x, operator_page(x, o), field, err);
}

static void post_operator(struct exchange *x) {
    struct operator o;
    struct err err;
    if (!load(x, &o))
        return;
    int64_t result = admin_operator_rename(x->db, o.login, exchange_form(x, "name"), &err);
    answer(x, &o, result, "NAME_PROBLEM", &err, "The operator is saved.");
}

static void post_password(struct exchange *x) {
    struct operator o;
    struct err err;
    bool made_up;
    if (!load(x, &o))
        return;
    if (o.self) {
        exchange_redirect(x, "/profile"); /* which asks for the old one */
        return;
    }
    struct str password = form_password(x, &made_up);
    int64_t result = admin_operator_password(x->db, o.login, password, &err);
    if (made_up && result == 1)
        show_secret(x, o.id, o.login, password, false);
    else
        answer(x, &o, result, "PASSWORD_PROBLEM", &err,
               "The password is set, and the operator is logged out everywhere.");
}

static void set_disabled(struct exchange *x, bool disabled) {
    struct operator o;
    struct err err;
    if (!load(x, &o))
        return;
    int64_t result = 0;
    if (o.self)
        err_set(&err, "you can't switch yourself off");
    else
        result = admin_operator_disable(x->db, o.login, disabled, &err);
    answer(x, &o, result, "PROBLEM", &err,
           disabled ? "The operator is switched off and logged out." : "The operator can log in again.");
}

static void post_disable(struct exchange *x) { set_disabled(x, true); }
static void post_enable(struct exchange *x) { set_disabled(x, false); }

/* ---- the domains of a domain administrator ---- */

static void post_grant(struct exchange *x) {
    struct operator o;
    struct err err;
    if (!load(x, &o))
        return;
    int64_t result = admin_operator_grant(x->db, o.login, exchange_form(x, "domain"), &err);
    answer(x, &o, result, "GRANT_PROBLEM", &err, "The operator administers that domain now.");
}

static void post_revoke(struct exchange *x) {
    struct operator o;
    struct err err;
    if (!load(x, &o))
        return;
    struct db_params p = {0};
    db_int8(&p, exchange_id(x, "domain"));
    PGresult *r = exchange_query_db(x, &DOMAIN, &p);
    if (!r)
        return;
    struct str name = PQntuples(r) == 1 ? arena_str(&x->arena, db_get_str(r, 0, 0)) : STR("");
    PQclear(r);
    if (name.n == 0) {
        exchange_not_found(x);
        return;
    }
    answer(x, &o, admin_operator_revoke(x->db, o.login, name, &err), "GRANT_PROBLEM", &err,
           "The operator does not administer that domain any more.");
}

/* ---- the end ---- */

static void get_delete(struct exchange *x) {
    struct operator o;
    if (!load(x, &o))
        return;
    struct arena *a = &x->arena;
    struct confirmation c = {.title = "Delete this operator?",
                             .object = o.login,
                             .button = "Delete the operator",
                             .action = arena_printf(a, "/operators/%lld/delete", (long long)o.id),
                             .cancel = arena_printf(a, "/operators/%lld", (long long)o.id)};
    struct dict *d = confirm_begin(x, &c);
    confirm_consequence(d, "The login stops working at once.");
    confirm_consequence(d, "Everything that this person did stays, and stays in the audit log.");
    page_send(x);
}

static void post_delete(struct exchange *x) {
    struct operator o;
    struct err err;
    if (!load(x, &o))
        return;
    int64_t result = 0;
    if (o.self)
        err_set(&err, "you can't delete yourself");
    else
        result = admin_operator_remove(x->db, o.login, &err);
    enum outcome outcome = admin_outcome(x, result, &err);
    if (outcome == OUTCOME_DONE) {
        page_flash(x, "The operator %.*s is deleted.", STR_ARG(o.login));
        exchange_redirect(x, "/operators");
    } else if (outcome == OUTCOME_REFUSED) {
        exchange_error(x, 422, "%.*s", STR_ARG(sentence(&x->arena, err.text)));
    }
}

enum { MAY = ROLE_PROVIDER | ROLE_RESELLER };
const struct route operator_routes[] = {
    {METHOD_GET, "/operators", get_operators, MAY},
    {METHOD_GET, "/operators/new", get_new, MAY},
    {METHOD_POST, "/operators/new", post_new, MAY},
    {METHOD_GET, "/operators/#operator", get_operator, MAY},
    {METHOD_POST, "/operators/#operator", post_operator, MAY},
    {METHOD_POST, "/operators/#operator/password", post_password, MAY},
    {METHOD_POST, "/operators/#operator/disable", post_disable, MAY},
    {METHOD_POST, "/operators/#operator/enable", post_enable, MAY},
    {METHOD_POST, "/operators/#operator/domains", post_grant, MAY},
    {METHOD_POST, "/operators/#operator/domains/#domain/revoke", post_revoke, MAY},
    {METHOD_GET, "/operators/#operator/delete", get_delete, MAY},
    {METHOD_POST, "/operators/#operator/delete", post_delete, MAY},
    {0},
};
