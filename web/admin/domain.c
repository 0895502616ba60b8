/* One domain: its heading, its settings, its end. */
#include "admin/domain.h"

#include "admin/admin.h"
#include "admin/common.h"
#include "directory/admin.h"
#include "page.h"

static const struct db_statement LOAD = {
    "web_domain",
    "SELECT d.id, d.tenant_id, d.name, d.display, d.kind::text, t.name, coalesce(o.display, d.relay_host, ''), "
    "d.active,"
    " coalesce(d.max_accounts, -1), " COUNTED(
        "account WHERE domain_id = d.id ORDER BY local_part COLLATE \"C\"",
        1000) ","
              " " COUNTED("alias WHERE domain_id = d.id ORDER BY local_part COLLATE \"C\"", 1000) ", z.id, " COUNTED(
                  "record WHERE zone_id = z.id ORDER BY name COLLATE \"C\", id",
                  1000) ", d.created_at, array_to_string(d.protocols_off, ' ')"
                        " FROM domain d JOIN tenant t ON t.id = d.tenant_id LEFT JOIN domain o ON o.id = d.target_id"
                        " LEFT JOIN zone z ON z.domain_id = d.id WHERE d.id = $1"};
static const struct db_statement CONTENTS = {
    "web_domain_contents",
    "SELECT (SELECT count(*) FROM account WHERE domain_id = $1), (SELECT count(*) FROM alias WHERE domain_id = $1),"
    " (SELECT count(*) FROM record WHERE zone_id = $2)"};
static const struct db_statement ALIASES_OF = {
    "web_domain_stand_ins", "SELECT display FROM domain WHERE target_id = $1 ORDER BY name LIMIT 100"};

bool domain_hosts(const struct domain *d) { return str_eq(d->kind, STR("hosted")); }
bool domain_may_change(const struct exchange *x) { return x->actor.role & (ROLE_PROVIDER | ROLE_RESELLER); }

bool domain_load(struct exchange *x, int64_t id, struct domain *out) {
    struct db_params p = {0};
    db_int8(&p, id);
    PGresult *r = exchange_query_db(x, &LOAD, &p);
    if (!r)
        return false;
    bool found = PQntuples(r) == 1;
    if (found) {
        struct arena *a = &x->arena;
        *out = (struct domain){.id = id,
                               .tenant_id = db_get_int8(r, 0, 1),
                               .name = arena_str(a, db_get_str(r, 0, 2)),
                               .display = arena_str(a, db_get_str(r, 0, 3)),
                               .kind = arena_str(a, db_get_str(r, 0, 4)),
                               .tenant = arena_str(a, db_get_str(r, 0, 5)),
                               .target = arena_str(a, db_get_str(r, 0, 6)),
                               .active = db_get_bool(r, 0, 7),
                               .max_accounts = db_get_int8(r, 0, 8),
                               .accounts = db_get_int8(r, 0, 9),
                               .aliases = db_get_int8(r, 0, 10),
                               .zone_id = db_get_int8(r, 0, 11),
                               .records = db_get_int8(r, 0, 12),
                               .created_at = db_get_time(r, 0, 13),
                               .protocols_off = protocols_of(db_get_str(r, 0, 14))};
    } else {
        exchange_not_found(x);
    }
    PQclear(r);
    return found;
}

/* ---- heading ---- */

static void add_tab(struct arena *a, struct dict *head, const char *label, struct str href, int64_t count,
                    bool current) {
    struct dict *d = dict_section(head, "TAB");
    dict_set_c(d, "LABEL", label);
    dict_set(d, "HREF", href);
    if (count >= 0)
        dict_set(dict_section(d, "COUNTED"), "COUNT", bounded_text(a, count, 1000));
    dict_show_if(d, "CURRENT", current);
}

void domain_head(struct exchange *x, struct dict *d, const struct domain *domain, enum domain_tab tab) {
    struct dict *head = dict_include(d, "HEAD", "admin/domain_head.tpl");
    struct arena *a = &x->arena;
    long long id = domain->id;
    dict_set(head, "DOMAIN", domain->display);
    if (!str_eq(domain->name, domain->display))
        dict_set(dict_section(head, "ASCII"), "NAME", domain->name);
    dict_show_if(head, "OFF", !domain->active);
    dict_show_if(head, "IS_ALIAS", str_eq(domain->kind, STR("alias")));
    dict_show_if(head, "IS_RELAY", str_eq(domain->kind, STR("relay")));
    dict_set(head, "TARGET", domain->target.n > 0 ? domain->target : STR("its MX"));
    if (x->actor.role == ROLE_PROVIDER) {
        struct dict *tenant = dict_section(head, "TENANT");
        dict_set(tenant, "NAME", domain->tenant);
        dict_set_int(tenant, "ID", domain->tenant_id);
    }
    if (domain_hosts(domain)) {
        add_tab(a, head, "Mailboxes", arena_printf(a, "/domains/%lld/mailboxes", id), domain->accounts,
                tab == DOMAIN_MAILBOXES);
        add_tab(a, head, "Aliases", arena_printf(a, "/domains/%lld/aliases", id), domain->aliases,
                tab == DOMAIN_ALIASES);
    }
    if (domain->zone_id)
        add_tab(a, head, "DNS", arena_printf(a, "/zones/%lld", (long long)domain->zone_id), domain->records,
                tab == DOMAIN_RECORDS);
    add_tab(a, head, "Senders", arena_printf(a, "/domains/%lld/senders", id), -1, tab == DOMAIN_SENDERS);
    add_tab(a, head, "Settings", arena_printf(a, "/domains/%lld/settings", id), -1, tab == DOMAIN_SETTINGS);
}

static void get_domain(struct exchange *x) {
    struct domain domain;
    if (domain_load(x, exchange_id(x, "domain"), &domain))
        exchange_redirect(x, "/domains/%lld/%s", (long long)domain.id,
                          domain_hosts(&domain) ? "mailboxes" : "settings");
}

/* ---- settings ---- */

static struct dict *settings_page(struct exchange *x, const struct domain *domain, struct str limit, bool active,
                                  unsigned protocols_off) {
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/domain_settings.tpl", "Domain settings");
    page_title(x, arena_printf(&x->arena, "Settings of %.*s", STR_ARG(domain->display)));
    domain_head(x, d, domain, DOMAIN_SETTINGS);
    dict_set_int(d, "ID", domain->id);
    dict_set(d, "DOMAIN", domain->display);
    dict_set(d, "NAME", domain->name);
    dict_set(d, "KIND", domain->kind);
    dict_set(d, "TENANT", domain->tenant);
    dict_set(d, "TARGET", domain->target);
    dict_show_if(d, "HAS_TARGET", domain->target.n > 0);
    dict_time(d, "CREATED", domain->created_at);
    struct dict *change = domain_may_change(x) ? dict_section(d, "CHANGE") : NULL;
    if (change) {
        dict_show_if(change, "ACTIVE", active);
        dict_set(change, "LIMIT", limit);
        if (domain_hosts(domain))
            show_protocols(dict_section(change, "HOSTED"), protocols_off, 0);
    }
    return d;
}

static struct str limit_text(struct exchange *x, int64_t limit) {
    return limit < 0 ? STR("") : arena_printf(&x->arena, "%lld", (long long)limit);
}

static void get_settings(struct exchange *x) {
    struct domain domain;
    if (!domain_load(x, exchange_id(x, "domain"), &domain))
        return;
    settings_page(x, &domain, limit_text(x, domain.max_accounts), domain.active, domain.protocols_off);
    page_send(x);
}

static int64_t change(struct exchange *x, const struct domain *domain, bool active, struct str limit, struct err *err) {
    int32_t max = -1;
    if (domain_hosts(domain) && !limit_parse(limit, &max, err))
        return 0;
    int64_t result = admin_domain_active(x->db, domain->name, active, err);
    if (result > 0 && domain_hosts(domain))
        result = admin_domain_limit(x->db, domain->name, max, err);
    if (result > 0 && domain_hosts(domain))
        result = admin_domain_protocols(x->db, domain->name, form_protocols_off(x, domain->protocols_off), err);
    return result;
}

static void post_settings(struct exchange *x) {
    struct domain domain;
    struct err err;
    if (!domain_load(x, exchange_id(x, "domain"), &domain))
        return;
    bool active = form_checked(x, "active");
    struct str limit = exchange_form(x, "limit");
    enum outcome outcome = admin_outcome(x, change(x, &domain, active, limit, &err), &err);
    if (outcome == OUTCOME_DONE) {
        page_flash(x, "The settings of %.*s are saved.", STR_ARG(domain.display));
        exchange_redirect(x, "/domains/%lld/settings", (long long)domain.id);
    } else if (outcome == OUTCOME_REFUSED) {
        form_refused(x, settings_page(x, &domain, limit, active, form_protocols_off(x, domain.protocols_off)),
                     "LIMIT_PROBLEM", &err);
    }
}

/* ---- the end of a domain ---- */

/* What goes with the domain, counted to the last one. */
static bool show_contents(struct exchange *x, struct dict *d, const struct domain *domain) {
    struct db_params p = {0};
    db_int8(&p, domain->id);
    db_int8(&p, domain->zone_id);
    PGresult *r = exchange_query_db(x, &CONTENTS, &p);
    if (!r)
        return false;
    struct arena *a = &x->arena;
    if (db_get_int8(r, 0, 0) > 0)
        confirm_consequence(d, "Mailboxes with all their mail: %.*s", STR_ARG(count_text(a, db_get_int8(r, 0, 0))));
    if (db_get_int8(r, 0, 1) > 0)
        confirm_consequence(d, "Aliases: %.*s", STR_ARG(count_text(a, db_get_int8(r, 0, 1))));
    if (domain->zone_id)
        confirm_consequence(d, "Records of its DNS zone: %.*s. The nameservers stop answering for it.",
                            STR_ARG(count_text(a, db_get_int8(r, 0, 2))));
    PQclear(r);
    return true;
}

static bool show_stand_ins(struct exchange *x, struct dict *d, const struct domain *domain) {
    struct db_params p = {0};
    db_int8(&p, domain->id);
    PGresult *r = exchange_query_db(x, &ALIASES_OF, &p);
    if (!r)
        return false;
    for (int i = 0; i < PQntuples(r); i++)
        confirm_consequence(d, "The domain %.*s, which stands for it", STR_ARG(db_get_str(r, i, 0)));
    PQclear(r);
    return true;
}

static void ask_delete(struct exchange *x, const struct domain *domain) {
    struct arena *a = &x->arena;
    struct confirmation c = {.title = "Delete this domain?",
                             .object = domain->display,
                             .button = "Delete the domain",
                             .action = arena_printf(a, "/domains/%lld/delete", (long long)domain->id),
                             .cancel = arena_printf(a, "/domains/%lld/settings", (long long)domain->id),
                             .typed = domain->display};
    struct dict *d = confirm_begin(x, &c);
    if (!show_contents(x, d, domain) || !show_stand_ins(x, d, domain))
        return;
    confirm_consequence(d, "Mail to the domain is refused from then on. This can't be undone.");
    page_send(x);
}

static void get_delete(struct exchange *x) {
    struct domain domain;
    if (domain_load(x, exchange_id(x, "domain"), &domain))
        ask_delete(x, &domain);
}

static void post_delete(struct exchange *x) {
    struct domain domain;
    struct err err;
    if (!domain_load(x, exchange_id(x, "domain"), &domain))
        return;
    if (!confirm_typed(x, domain.display) && !confirm_typed(x, domain.name)) {
        ask_delete(x, &domain);
        return;
    }
    switch (admin_outcome(x, admin_domain_remove(x->db, domain.name, &err), &err)) {
    case OUTCOME_DONE:
        page_flash(x, "The domain %.*s is deleted.", STR_ARG(domain.display));
        exchange_redirect(x, "/domains");
        break;
    case OUTCOME_REFUSED:
        exchange_error(x, 422, "%.*s", STR_ARG(sentence(&x->arena, err.text)));
        break;
    case OUTCOME_REPLIED:
        break;
    }
}

const struct route domain_routes[] = {
    {METHOD_GET, "/domains/#domain", get_domain, ROUTE_MANAGERS},
    {METHOD_GET, "/domains/#domain/settings", get_settings, ROUTE_MANAGERS},
    {METHOD_POST, "/domains/#domain/settings", post_settings, ROLE_PROVIDER | ROLE_RESELLER},
    {METHOD_GET, "/domains/#domain/delete", get_delete, ROLE_PROVIDER | ROLE_RESELLER},
    {METHOD_POST, "/domains/#domain/delete", post_delete, ROLE_PROVIDER | ROLE_RESELLER},
    {0},
};
