/* How long mail stays in folders, for a domain or a mailbox, and how long a domain's removed mail is kept. Row security
 * decides whose rules the actor may set. */
#include "admin/admin.h"
#include "admin/common.h"
#include "directory/address.h"
#include "page.h"

enum { MOST_DAYS = 36500 };

static const struct db_statement LIST = {
    "web_retention_list",
    "SELECT r.id, concat(a.local_part || '@', d.display), r.folder, r.days FROM retention r JOIN domain d"
    " ON d.id = r.domain_id LEFT JOIN account a ON a.id = r.account_id ORDER BY 2, 3 LIMIT 500"};
static const struct db_statement SETTINGS = {
    "web_retention_settings", "SELECT setting_days('store.trash_days', 0), setting_days('store.junk_days', 0),"
                              " setting_days('store.undelete_days', 14)"};
/* $1 local part or NULL, $2 domain */
static const struct db_statement SET = {
    "web_retention_set",
    "INSERT INTO retention (tenant_id, domain_id, account_id, folder, days) SELECT x.*, $3, $4 FROM ("
    "SELECT a.tenant_id, a.domain_id, a.id AS account_id FROM account a JOIN domain d ON d.id = a.domain_id"
    " WHERE a.local_part = lower($1) AND d.name = $2"
    " UNION ALL SELECT d.tenant_id, d.id, NULL FROM domain d WHERE $1 IS NULL AND d.name = $2) x"
    " ON CONFLICT (domain_id, account_id, folder) DO UPDATE SET days = excluded.days"};
static const struct db_statement REMOVE = {"web_retention_remove", "DELETE FROM retention WHERE id = $1"};

static bool show_rules(struct exchange *x, struct dict *d) {
    PGresult *r = exchange_query_db(x, &LIST, NULL);
    if (!r)
        return false;
    struct dict *rows = PQntuples(r) ? dict_section(d, "ROWS") : NULL;
    for (int i = 0; i < PQntuples(r); i++) {
        struct dict *one = dict_section(rows, "RULE");
        int64_t days = db_get_int8(r, i, 3);
        dict_set_int(one, "ID", db_get_int8(r, i, 0));
        dict_set(one, "NAME", db_get_str(r, i, 1));
        dict_set(one, "FOLDER", db_get_str(r, i, 2));
        if (days)
            dict_set_int(dict_section(one, "LIMITED"), "DAYS", days);
        dict_show_if(one, "FOR_EVER", days == 0);
    }
    dict_show_if(d, "NOTHING_THERE", !rows);
    PQclear(r);
    return true;
}

static bool show_settings(struct exchange *x, struct dict *d) {
    static const char *const names[] = {"TRASH", "JUNK"};
    PGresult *r = exchange_query_db(x, &SETTINGS, NULL);
    if (!r)
        return false;
    for (int i = 0; i < 2; i++)
        dict_set(d, names[i],
                 db_get_int8(r, 0, i) ? arena_printf(&x->arena, "%lld days", (long long)db_get_int8(r, 0, i))
                                      : STR("for ever"));
    dict_set_int(d, "KEPT", db_get_int8(r, 0, 2));
    PQclear(r);
    return true;
}

static struct dict *retention_page(struct exchange *x) {
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/retention.tpl", "Retention");
    dict_set(d, "WHOSE", exchange_form(x, "whose"));
    dict_set(d, "FOLDER", exchange_form(x, "folder"));
    dict_set(d, "DAYS", exchange_form(x, "days"));
    return show_rules(x, d) && show_settings(x, d) ? d : NULL;
}

static void get_retention(struct exchange *x) {
    if (retention_page(x))
        page_send(x);
}

/* 1, or 0 and -1 as for admin_*(). */
static int64_t set(struct exchange *x, struct err *err) {
    struct str whose = exchange_form(x, "whose"), folder = exchange_form(x, "folder"), local = {NULL, 0}, domain;
    uint32_t days;
    struct db_params p = {0};
    bool good = str_chr(whose, '@') >= 0 ? address_parse(&x->arena, whose, &local, &domain, err)
                                         : domain_to_ascii(&x->arena, whose, &domain, err);
    if (!good)
        return 0;
    if (folder.n == 0 || folder.n > 1000)
        return err_set(err, "say which folder, such as Trash or \\Trash");
    if (!str_u32(exchange_form(x, "days"), &days) || days > MOST_DAYS)
        return err_set(err, "a number of days from 0 to %d; 0 is for ever", MOST_DAYS);
    db_text(&p, local), db_text(&p, domain);
    db_text(&p, str_ieq(folder, STR("INBOX")) ? STR("INBOX") : folder), db_int4(&p, (int32_t)days);
    int64_t rows = db_exec(x->db, &SET, &p, err);
    if (rows > 0)
        return 1;
    bool refused = rows < 0 && strcmp(db_sqlstate(x->db), "42501") == 0; /* row security */
    if (rows < 0 && !refused)
        return -1;
    return err_set(err, refused ? "the rules of %.*s are not yours to set" : "there is no mailbox or domain %.*s",
                   STR_ARG(whose));
}

static void post_retention(struct exchange *x) {
    struct err err;
    switch (admin_outcome(x, set(x, &err), &err)) {
    case OUTCOME_DONE:
        page_flash(x, "The rule for %.*s is saved.", STR_ARG(exchange_form(x, "whose")));
        exchange_redirect(x, "/retention");
        break;
    case OUTCOME_REFUSED:
        form_refused(x, retention_page(x), "PROBLEM", &err);
        break;
    case OUTCOME_REPLIED:
        break;
    }
}

static void post_remove(struct exchange *x) {
    struct db_params p = {0};
    db_int8(&p, exchange_id(x, "id"));
    if (!change_row(x, &REMOVE, &p))
        return;
    page_flash(x, "The rule is removed.");
    exchange_redirect(x, "/retention");
}

const struct route retention_routes[] = {
    {METHOD_GET, "/retention", get_retention, ROUTE_MANAGERS},
    {METHOD_POST, "/retention", post_retention, ROUTE_MANAGERS},
    {METHOD_POST, "/retention/#id/remove", post_remove, ROUTE_MANAGERS},
    {0},
};
