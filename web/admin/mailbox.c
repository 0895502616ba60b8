/* One mailbox: making, changing, its password, its end. The helpdesk sees it and sets the password, nothing else. */
#include "admin/admin.h"
#include "admin/common.h"
#include "admin/domain.h"
#include "base/password.h"
#include "directory/address.h"
#include "directory/admin.h"
#include "page.h"

static const struct db_statement LOAD = {
    "web_account",
    "SELECT a.id, a.domain_id, a.local_part, d.name, d.display, a.name, a.active, a.quota_bytes, coalesce(u.bytes, 0),"
    " coalesce(u.messages, 0), a.created_at, d.active, a.sending_blocked <> '',"
    " array_to_string(a.protocols_off, ' '), array_to_string(d.protocols_off, ' '), coalesce(a.quota_messages, 0), "
    "undelete_days(a.id) FROM "
    "account a JOIN domain d ON "
    "d.id = "
    "a.domain_id"
    " LEFT JOIN account_usage u ON u.account_id = a.id WHERE a.id = $1"};
static const struct db_statement ALIASES_TO = {
    "web_account_aliases",
    "SELECT al.id, al.local_part, d.display, al.domain_id FROM alias al JOIN domain d ON d.id = al.domain_id"
    " WHERE al.domain_id = $1 AND $2 = ANY (al.targets) ORDER BY al.local_part LIMIT 100"};

struct mailbox {
    int64_t id, domain_id;
    struct str address; /* as the directory knows it */
    struct str display; /* as people read it */
    struct str domain, name;
    int64_t undelete_days; /* for which it could be brought back */
    bool active, domain_active, blocked;
    unsigned protocols_off, domain_protocols_off; /* bits of enum directory_protocol */
    int64_t quota_bytes;                          /* -1: no limit */
    int64_t quota_messages;                       /* 0: no limit */
    int64_t used, messages, created_at;
};

static bool load(struct exchange *x, struct mailbox *m) {
    struct db_params p = {0};
    db_int8(&p, exchange_id(x, "account"));
    PGresult *r = exchange_query_db(x, &LOAD, &p);
    if (!r)
        return false;
    bool found = PQntuples(r) == 1;
    if (found) {
        struct arena *a = &x->arena;
        *m = (struct mailbox){.id = db_get_int8(r, 0, 0),
                              .domain_id = db_get_int8(r, 0, 1),
                              .address = address_format(a, db_get_str(r, 0, 2), db_get_str(r, 0, 3)),
                              .display = address_format(a, db_get_str(r, 0, 2), db_get_str(r, 0, 4)),
                              .domain = arena_str(a, db_get_str(r, 0, 4)),
                              .name = arena_str(a, db_get_str(r, 0, 5)),
                              .active = db_get_bool(r, 0, 6),
                              .quota_bytes = db_get_null(r, 0, 7) ? -1 : db_get_int8(r, 0, 7),
                              .used = db_get_int8(r, 0, 8),
                              .messages = db_get_int8(r, 0, 9),
                              .created_at = db_get_time(r, 0, 10),
                              .domain_active = db_get_bool(r, 0, 11),
                              .blocked = db_get_bool(r, 0, 12),
                              .undelete_days = db_get_int8(r, 0, 16),
                              .protocols_off = protocols_of(db_get_str(r, 0, 13)),
                              .domain_protocols_off = protocols_of(db_get_str(r, 0, 14)),
                              .quota_messages = db_get_int8(r, 0, 15)};
        m->address = arena_str(a, m->address);
        m->display = arena_str(a, m->display);
    } else {
        exchange_not_found(x);
    }
    PQclear(r);
    return found;
}

static bool may_change(const struct exchange *x) { return x->actor.role & ROUTE_MANAGERS; }

static void set_crumbs(struct exchange *x, struct dict *d, const struct mailbox *m) {
    dict_set_int(d, "ID", m->id);
    dict_set_int(d, "DOMAIN_ID", m->domain_id);
    dict_set(d, "DOMAIN", m->domain);
    dict_set(d, "ADDRESS", m->display);
    dict_set(d, "MAIL", m->address);
    dict_show_if(d, "MANAGER", may_change(x));
    dict_show_if(d, "HELPDESK", !may_change(x));
}

/* ---- looking at it and changing it ---- */

/* The form's text, or the row's where the page is shown first. */
static struct str typed_or(const struct exchange *x, const char *field, struct str otherwise) {
    return exchange_is_post(x) ? exchange_form(x, field) : otherwise;
}

static bool show_aliases(struct exchange *x, struct dict *d, const struct mailbox *m) {
    struct db_params p = {0};
    db_int8(&p, m->domain_id);
    db_text(&p, m->address);
    PGresult *r = exchange_query_db(x, &ALIASES_TO, &p);
    if (!r)
        return false;
    for (int i = 0; i < PQntuples(r); i++) {
        struct dict *alias = dict_section(dict_section(d, "ALIAS"), may_change(x) ? "LINK" : "TEXT");
        struct str local = db_get_str(r, i, 1);
        dict_set(alias, "ADDRESS",
                 local.n > 0 ? address_format(&x->arena, local, db_get_str(r, i, 2)) : STR("catch-all"));
        dict_set_int(alias, "ID", db_get_int8(r, i, 0));
        dict_set_int(alias, "DOMAIN_ID", db_get_int8(r, i, 3));
    }
    dict_show_if(d, "HAS_ALIASES", PQntuples(r) > 0);
    PQclear(r);
    return true;
}

static struct dict *mailbox_page(struct exchange *x, const struct mailbox *m) {
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/mailbox.tpl", "Mailbox");
    page_title(x, m->display);
    set_crumbs(x, d, m);
    struct str quota = m->quota_bytes < 0 ? STR("") : size_text(&x->arena, m->quota_bytes);
    dict_set(d, "NAME", m->name);
    dict_set(d, "USED", size_text(&x->arena, m->used));
    if (quota.n > 0)
        dict_set(dict_section(d, "LIMITED"), "QUOTA", quota);
    dict_set(d, "MESSAGES", count_text(&x->arena, m->messages));
    if (m->quota_messages)
        dict_set(dict_section(d, "NUMBERED"), "MOST", count_text(&x->arena, m->quota_messages));
    dict_time(d, "CREATED", m->created_at);
    dict_show_if(d, "OFF", !m->active);
    dict_show_if(d, "BLOCKED", m->blocked);
    dict_show_if(d, "DOMAIN_OFF", !m->domain_active);
    if (!show_aliases(x, d, m))
        return NULL;
    if (!may_change(x))
        return d;
    struct dict *change = dict_section(d, "CHANGE");
    dict_set(change, "NAME", typed_or(x, "name", m->name));
    dict_set(change, "QUOTA", typed_or(x, "quota", quota));
    struct str most = m->quota_messages ? arena_printf(&x->arena, "%lld", (long long)m->quota_messages) : STR("");
    dict_set(change, "QUOTA_MESSAGES", typed_or(x, "quota_messages", most));
    dict_show_if(change, "ACTIVE", exchange_is_post(x) ? form_checked(x, "active") : m->active);
    show_protocols(change, exchange_is_post(x) ? form_protocols_off(x, m->protocols_off) : m->protocols_off,
                   m->domain_protocols_off);
    return d;
}

static void get_mailbox(struct exchange *x) {
    struct mailbox m;
    if (load(x, &m) && mailbox_page(x, &m))
        page_send(x);
}

/* How many messages it may hold: "" is 0, any number. */
static bool number_parse(struct str typed, int64_t *number, struct err *err) {
    uint64_t v = 0;
    if (typed.n && (!str_u64(typed, &v) || v == 0 || v > INT64_MAX))
        return err_set(err, "write a number from 1 on, or leave it empty for any number");
    *number = (int64_t)v;
    return true;
}

static void post_mailbox(struct exchange *x) {
    struct mailbox m;
    struct err err;
    int64_t quota, number = 0, result = 0;
    if (!load(x, &m))
        return;
    const char *field = "NAME_PROBLEM";
    if (!size_parse(exchange_form(x, "quota"), &quota, &err))
        field = "QUOTA_PROBLEM";
    else if (!number_parse(exchange_form(x, "quota_messages"), &number, &err))
        field = "NUMBER_PROBLEM";
    else
        result =
            admin_account_change(x->db, m.address, exchange_form(x, "name"), quota, form_checked(x, "active"), &err);
    if (result == 1)
        result = admin_account_quota_messages(x->db, m.address, number, &err);
    if (result == 1)
        result = admin_account_protocols(x->db, m.address, form_protocols_off(x, m.protocols_off), &err);
    enum outcome outcome = admin_outcome(x, result, &err);
    if (outcome == OUTCOME_DONE) {
        page_flash(x, "The mailbox %.*s is saved.", STR_ARG(m.display));
        exchange_redirect(x, "/mailboxes/%lld", (long long)m.id);
        return;
    }
    if (outcome == OUTCOME_REFUSED)
        form_refused(x, mailbox_page(x, &m), field, &err);
}

/* ---- passwords, typed or made up ---- */

/* The one page that shows a made-up password: the answer to the POST itself, kept nowhere. */
static void show_secret(struct exchange *x, int64_t account_id, int64_t domain_id, struct str address,
                        struct str password, bool is_new) {
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/password_shown.tpl", is_new ? "New mailbox" : "New password");
    dict_set(d, "ADDRESS", address);
    dict_set(d, "PASSWORD", password);
    dict_set_int(d, "ID", account_id);
    dict_set_int(d, "DOMAIN_ID", domain_id);
    dict_show_if(d, "IS_NEW", is_new);
    dict_show_if(d, "IS_RESET", !is_new);
    dict_show_if(d, "MANAGER", may_change(x));
    dict_show_if(d, "HELPDESK", !may_change(x));
    page_send(x);
}

static struct dict *password_page(struct exchange *x, const struct mailbox *m) {
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/mailbox_password.tpl", "New password");
    page_title(x, arena_printf(&x->arena, "New password for %.*s", STR_ARG(m->display)));
    set_crumbs(x, d, m);
    dict_set(d, "NAME", m->name);
    show_password_choice(x, d);
    return d;
}

static void get_password(struct exchange *x) {
    struct mailbox m;
    if (load(x, &m)) {
        password_page(x, &m);
        page_send(x);
    }
}

static void post_password(struct exchange *x) {
    struct mailbox m;
    struct err err;
    bool made_up;
    if (!load(x, &m))
        return;
    struct str password = form_password(x, &made_up);
    enum outcome outcome = admin_outcome(x, admin_account_password(x->db, m.address, password, &err), &err);
    if (outcome == OUTCOME_DONE && made_up) {
        show_secret(x, m.id, m.domain_id, m.display, password, false);
    } else if (outcome == OUTCOME_DONE) {
        page_flash(x, "%.*s has a new password. The old one stopped working.", STR_ARG(m.display));
        exchange_redirect(x, "/mailboxes/%lld", (long long)m.id);
    } else if (outcome == OUTCOME_REFUSED) {
        form_refused(x, password_page(x, &m), "PASSWORD_PROBLEM", &err);
    }
}

/* ---- a new one ---- */

static struct dict *new_page(struct exchange *x, const struct domain *domain) {
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/mailbox_new.tpl", "New mailbox");
    dict_set_int(d, "DOMAIN_ID", domain->id);
    dict_set(d, "DOMAIN", domain->display);
    dict_set(d, "LOCAL", exchange_form(x, "local"));
    dict_set(d, "NAME", exchange_form(x, "name"));
    dict_set(d, "QUOTA", exchange_form(x, "quota"));
    show_password_choice(x, d);
    return d;
}

/* The domain of the path, if it is one that has mailboxes. */
static bool load_hosting(struct exchange *x, struct domain *domain) {
    if (!domain_load(x, exchange_id(x, "domain"), domain))
        return false;
    if (!domain_hosts(domain))
        exchange_error(x, 404, "This domain has no mailboxes of its own.");
    return domain_hosts(domain);
}

static void get_new(struct exchange *x) {
    struct domain domain;
    if (load_hosting(x, &domain)) {
        new_page(x, &domain);
        page_send(x);
    }
}

/* The address as typed: a whole one is taken too, if it is of this domain. */
static struct str typed_address(struct exchange *x, const struct domain *domain) {
    struct str local = exchange_form(x, "local");
    ptrdiff_t at = str_rchr(local, '@');
    struct str behind = at < 0 ? STR("") : str_sub(local, (size_t)at + 1, local.n);
    if (at > 0 && (str_ieq(behind, domain->name) || str_ieq(behind, domain->display)))
        local = str_sub(local, 0, (size_t)at);
    return arena_printf(&x->arena, "%.*s@%.*s", STR_ARG(local), STR_ARG(domain->name));
}

static void post_new(struct exchange *x) {
    struct domain domain;
    struct err err;
    bool made_up;
    int64_t quota, id = 0;
    if (!load_hosting(x, &domain))
        return;
    struct str password = form_password(x, &made_up), address = typed_address(x, &domain);
    bool shared = str_eq(exchange_form(x, "how"), STR("shared"));
    const char *field = "LOCAL_PROBLEM";
    if (!size_parse(exchange_form(x, "quota"), &quota, &err))
        field = "QUOTA_PROBLEM";
    else if (shared)
        id = admin_account_add_shared(x->db, address, exchange_form(x, "name"), quota, &err);
    else if (!password_acceptable(password, address, &err))
        field = "PASSWORD_PROBLEM";
    else
        id = admin_account_add(x->db, address, exchange_form(x, "name"), password, quota, &err);
    enum outcome outcome = admin_outcome(x, id, &err);
    if (outcome == OUTCOME_DONE && shared) {
        page_flash(x, "The mailbox is there and takes mail. Say who may use it.");
        exchange_redirect(x, "/mailboxes/%lld/sharing", (long long)id);
    } else if (outcome == OUTCOME_DONE && made_up) {
        struct str local = str_sub(address, 0, (size_t)str_rchr(address, '@'));
        show_secret(x, id, domain.id, arena_printf(&x->arena, "%.*s@%.*s", STR_ARG(local), STR_ARG(domain.display)),
                    password, true);
    } else if (outcome == OUTCOME_DONE) {
        page_flash(x, "The mailbox %.*s is there and takes mail.", STR_ARG(address));
        exchange_redirect(x, "/domains/%lld/mailboxes", (long long)domain.id);
    } else if (outcome == OUTCOME_REFUSED) {
        form_refused(x, new_page(x, &domain), field, &err);
    }
}

/* ---- the end ---- */

static void get_delete(struct exchange *x) {
    struct mailbox m;
    if (!load(x, &m))
        return;
    struct arena *a = &x->arena;
    struct confirmation c = {.title = "Delete this mailbox?",
                             .object = m.display,
                             .button = "Delete the mailbox",
                             .action = arena_printf(a, "/mailboxes/%lld/delete", (long long)m.id),
                             .cancel = arena_printf(a, "/mailboxes/%lld", (long long)m.id)};
    struct dict *d = confirm_begin(x, &c);
    if (m.messages > 0)
        confirm_consequence(d, "Messages: %.*s (%.*s)", STR_ARG(count_text(a, m.messages)),
                            STR_ARG(size_text(a, m.used)));
    confirm_consequence(d, "Its login stops working at once, in mail programs too.");
    confirm_consequence(d, "Aliases that lead to it are kept; mail to them is refused if they lead nowhere else.");
    confirm_consequence(d, "It can be brought back for %lld days with all its mail; then it is gone for good.",
                        (long long)m.undelete_days);
    page_send(x);
}

static void post_delete(struct exchange *x) {
    struct mailbox m;
    struct err err;
    if (!load(x, &m))
        return;
    switch (admin_outcome(x, admin_account_remove(x->db, m.address, &err), &err)) {
    case OUTCOME_DONE:
        page_flash(x, "The mailbox %.*s is deleted.", STR_ARG(m.display));
        exchange_redirect(x, "/domains/%lld/mailboxes", (long long)m.domain_id);
        break;
    case OUTCOME_REFUSED:
        exchange_error(x, 422, "%.*s", STR_ARG(sentence(&x->arena, err.text)));
        break;
    case OUTCOME_REPLIED:
        break;
    }
}

const struct route mailbox_routes[] = {
    {METHOD_GET, "/domains/#domain/mailboxes/new", get_new, ROUTE_MANAGERS},
    {METHOD_POST, "/domains/#domain/mailboxes/new", post_new, ROUTE_MANAGERS},
    {METHOD_GET, "/mailboxes/#account", get_mailbox, ROUTE_OPERATORS},
    {METHOD_POST, "/mailboxes/#account", post_mailbox, ROUTE_MANAGERS},
    {METHOD_GET, "/mailboxes/#account/password", get_password, ROUTE_OPERATORS},
    {METHOD_POST, "/mailboxes/#account/password", post_password, ROUTE_OPERATORS},
    {METHOD_GET, "/mailboxes/#account/delete", get_delete, ROUTE_MANAGERS},
    {METHOD_POST, "/mailboxes/#account/delete", post_delete, ROUTE_MANAGERS},
    {0},
};
