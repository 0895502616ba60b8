/* What was removed and can be brought back: the mail of one mailbox, which the helpdesk does for its owner, and whole
 * mailboxes. */
#include "store/removed.h"
#include "admin/admin.h"
#include "admin/common.h"
#include "directory/address.h"
#include "page.h"

enum { SHOWN = 100 };

static const struct db_statement LOAD = {
    "web_removed_of", "SELECT a.id, a.domain_id, a.local_part, d.display, undelete_days(a.id) FROM account a"
                      " JOIN domain d ON d.id = a.domain_id WHERE a.id = $1"};
static const struct db_statement ACCOUNTS = {"web_removed_accounts",
                                             "SELECT account_id, address, name, messages, bytes, removed_at, "
                                             "removed_by, keep_until FROM removed_accounts($1, $2)"};
static const struct db_statement UNDELETE = {"web_account_undelete",
                                             "SELECT address, refused FROM account_undelete($1, $2)"};

struct owner {
    int64_t id, domain_id, days;
    struct str address, domain;
};

static bool load(struct exchange *x, struct owner *o) {
    struct db_params p = {0};
    db_int8(&p, exchange_id(x, "account"));
    PGresult *r = exchange_query_db(x, &LOAD, &p);
    if (!r)
        return false;
    bool found = PQntuples(r) == 1;
    if (found) {
        *o = (struct owner){.id = db_get_int8(r, 0, 0),
                            .domain_id = db_get_int8(r, 0, 1),
                            .days = db_get_int8(r, 0, 4),
                            .address = address_format(&x->arena, db_get_str(r, 0, 2), db_get_str(r, 0, 3)),
                            .domain = arena_str(&x->arena, db_get_str(r, 0, 3))};
        o->address = arena_str(&x->arena, o->address);
    } else {
        exchange_not_found(x);
    }
    PQclear(r);
    return found;
}

/* ---- mail ---- */

static void show_message(struct exchange *x, struct dict *rows, const struct removed_message *m) {
    struct dict *one = dict_section(rows, "MESSAGE");
    dict_set(one, "KEY", m->key);
    dict_set(one, "FOLDER", m->folder);
    dict_set(one, "FROM", m->from);
    dict_set(one, "SUBJECT", m->subject.n ? m->subject : STR("(no subject)"));
    dict_set(one, "SIZE", size_text(&x->arena, (int64_t)m->size));
    dict_time(one, "REMOVED", m->removed_at);
    dict_time(one, "UNTIL", m->keep_until);
}

static struct dict *mail_page(struct exchange *x, const struct owner *o) {
    struct removed_message *m;
    size_t n;
    struct err err;
    struct str search = exchange_is_post(x) ? exchange_form(x, "q") : exchange_query(x, "q");
    struct removed_filter filter = {.search = search, .most = SHOWN};
    if (!removed_list(x->db, &x->arena, o->id, &filter, &m, &n, &err)) {
        exchange_database_error(x, &err);
        return NULL;
    }
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/removed_mail.tpl", "Removed mail");
    page_title(x, arena_printf(&x->arena, "Removed mail of %.*s", STR_ARG(o->address)));
    dict_set_int(d, "ID", o->id);
    dict_set_int(d, "DOMAIN_ID", o->domain_id);
    dict_set(d, "DOMAIN", o->domain);
    dict_set(d, "ADDRESS", o->address);
    dict_set_int(d, "DAYS", o->days);
    dict_set(d, "SEARCH", search);
    dict_show_if(d, "MANAGER", x->actor.role & ROUTE_MANAGERS);
    dict_show_if(d, "HELPDESK", !(x->actor.role & ROUTE_MANAGERS));
    struct dict *rows = n ? dict_section(d, "ROWS") : NULL;
    for (size_t i = 0; i < n; i++)
        show_message(x, rows, &m[i]);
    dict_show_if(d, "NOTHING_THERE", n == 0 && search.n == 0);
    dict_show_if(d, "NOTHING_FOUND", n == 0 && search.n > 0);
    dict_show_if(d, "MORE", n == SHOWN);
    return d;
}

static void get_mail(struct exchange *x) {
    struct owner o;
    if (load(x, &o) && mail_page(x, &o))
        page_send(x);
}

static void post_mail(struct exchange *x) {
    struct owner o;
    struct err err;
    struct str key[SHOWN];
    size_t n = 0;
    if (!load(x, &o))
        return;
    const struct params *form = &x->request.form;
    for (size_t i = 0; i < form->count && n < SHOWN; i++)
        if (str_eq(form->at[i].name, STR("key")))
            key[n++] = form->at[i].value;
    if (n == 0) {
        err_set(&err, "choose the messages that shall come back");
        form_refused(x, mail_page(x, &o), "PROBLEM", &err);
        return;
    }
    int64_t back = removed_bring_back(x->db, o.id, key, n, (struct str){NULL, 0}, &err);
    if (back == 0 && !*err.text)
        err_set(&err, "these messages are not there any more");
    switch (admin_outcome(x, back, &err)) {
    case OUTCOME_DONE:
        page_flash(x, "%lld message%s brought back.", (long long)back, back == 1 ? " was" : "s were");
        exchange_redirect(x, "/mailboxes/%lld/removed", (long long)o.id);
        break;
    case OUTCOME_REFUSED:
        form_refused(x, mail_page(x, &o), "PROBLEM", &err);
        break;
    case OUTCOME_REPLIED:
        break;
    }
}

/* ---- mailboxes ---- */

static struct dict *accounts_page(struct exchange *x) {
    struct db_params p = {0};
    struct str search = exchange_query(x, "q");
    db_text(&p, search.n ? search : (struct str){NULL, 0});
    db_int8(&p, SHOWN);
    PGresult *r = exchange_query_db(x, &ACCOUNTS, &p);
    if (!r)
        return NULL;
    int n = PQntuples(r);
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/removed_mailboxes.tpl", "Deleted mailboxes");
    dict_set(d, "SEARCH", search);
    struct dict *rows = n ? dict_section(d, "ROWS") : NULL;
    for (int i = 0; i < n; i++) {
        struct dict *one = dict_section(rows, "MAILBOX");
        dict_set_int(one, "ID", db_get_int8(r, i, 0));
        dict_set(one, "ADDRESS", db_get_str(r, i, 1));
        dict_set(one, "NAME", db_get_str(r, i, 2));
        dict_set(one, "MESSAGES", count_text(&x->arena, db_get_int8(r, i, 3)));
        dict_set(one, "SIZE", size_text(&x->arena, db_get_int8(r, i, 4)));
        dict_time(one, "REMOVED", db_get_time(r, i, 5));
        dict_set(one, "BY", db_get_str(r, i, 6));
        dict_time(one, "UNTIL", db_get_time(r, i, 7));
    }
    dict_show_if(d, "NOTHING_THERE", n == 0 && search.n == 0);
    dict_show_if(d, "NOTHING_FOUND", n == 0 && search.n > 0);
    dict_show_if(d, "MORE", n == SHOWN);
    PQclear(r);
    return d;
}

static void get_accounts(struct exchange *x) {
    if (accounts_page(x))
        page_send(x);
}

static void post_account(struct exchange *x) {
    struct db_params p = {0};
    struct err err;
    db_int8(&p, exchange_id(x, "account"));
    db_text(&p, (struct str){NULL, 0});
    PGresult *r = exchange_query_db(x, &UNDELETE, &p);
    if (!r)
        return;
    struct str address = arena_str(&x->arena, db_get_str(r, 0, 0)), why = db_get_str(r, 0, 1);
    bool good = why.n == 0;
    if (!good)
        err_set(&err, "%.*s", STR_ARG(why));
    PQclear(r);
    if (good) {
        page_flash(x, "The mailbox %.*s is back, with its mail and its password.", STR_ARG(address));
        exchange_redirect(x, "/mailboxes/%lld", (long long)exchange_id(x, "account"));
        return;
    }
    form_refused(x, accounts_page(x), "PROBLEM", &err);
}

const struct route removed_routes[] = {
    {METHOD_GET, "/mailboxes/#account/removed", get_mail, ROUTE_OPERATORS},
    {METHOD_POST, "/mailboxes/#account/removed", post_mail, ROUTE_OPERATORS},
    {METHOD_GET, "/mailboxes/removed", get_accounts, ROUTE_MANAGERS},
    {METHOD_POST, "/mailboxes/removed/#account", post_account, ROUTE_MANAGERS},
    {0},
};
