/* How much mailboxes, domains and resellers may send where it is not what the settings say. Row security decides whose
 * limits the actor may set: never its own. */
#include "admin/admin.h"
#include "admin/common.h"
#include "admin/send_limits.h"
#include "directory/address.h"
#include "page.h"

static const struct db_statement LIST = {
    "web_limit_list",
    "SELECT l.id, coalesce(a.local_part || '@' || ad.name, d.name, t.name), l.messages_hour, l.messages_day,"
    " l.recipients_hour, l.recipients_day, l.account_id IS NULL AND l.domain_id IS NULL FROM send_limit l"
    " JOIN tenant t ON t.id = l.tenant_id LEFT JOIN domain d ON d.id = l.domain_id"
    " LEFT JOIN account a ON a.id = l.account_id LEFT JOIN domain ad ON ad.id = a.domain_id ORDER BY 2 LIMIT 500"};
/* $1 local part or NULL, $2 domain or NULL, $3 tenant or NULL */
static const struct db_statement SET = {
    "web_limit_set",
    "INSERT INTO send_limit AS l (tenant_id, domain_id, account_id, messages_hour, messages_day, recipients_hour,"
    " recipients_day) SELECT x.*, $4::integer, $5::integer, $6::integer, $7::integer FROM ("
    "SELECT a.tenant_id, NULL::bigint AS domain_id, a.id AS account_id FROM account a JOIN domain d ON d.id = "
    "a.domain_id"
    " WHERE a.local_part = lower($1) AND d.name = $2"
    " UNION ALL SELECT d.tenant_id, d.id, NULL FROM domain d WHERE $1 IS NULL AND d.name = $2"
    " UNION ALL SELECT t.id, NULL, NULL FROM tenant t WHERE t.name = $3) x"
    " ON CONFLICT (tenant_id, domain_id, account_id) DO UPDATE SET messages_hour = excluded.messages_hour,"
    " messages_day = excluded.messages_day, recipients_hour = excluded.recipients_hour,"
    " recipients_day = excluded.recipients_day"};
static const struct db_statement REMOVE = {"web_limit_remove", "DELETE FROM send_limit WHERE id = $1"};

static struct str shown(struct exchange *x, const PGresult *r, int row, int column) {
    if (db_get_null(r, row, column))
        return STR("as the settings say");
    int64_t n = db_get_int8(r, row, column);
    return n ? count_text(&x->arena, n) : STR("none");
}

static struct dict *limits_page(struct exchange *x) {
    PGresult *r = exchange_query_db(x, &LIST, NULL);
    if (!r)
        return NULL;
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/limits.tpl", "Limits");
    struct dict *rows = PQntuples(r) ? dict_section(d, "ROWS") : NULL;
    for (int i = 0; i < PQntuples(r); i++) {
        struct dict *one = dict_section(rows, "LIMIT");
        dict_set_int(one, "ID", db_get_int8(r, i, 0));
        dict_set(one, "NAME", db_get_str(r, i, 1));
        dict_show_if(one, "RESELLER", db_get_bool(r, i, 6));
        for (int k = 0; k < SEND_LIMITS; k++)
            dict_set(one, send_limit_name[k], shown(x, r, i, 2 + k));
    }
    dict_show_if(d, "NOTHING_THERE", !rows);
    PQclear(r);
    dict_set(d, "WHOSE", exchange_form(x, "whose"));
    for (int k = 0; k < SEND_LIMITS; k++)
        dict_set(d, send_limit_name[k], exchange_form(x, send_limit_field[k]));
    return d;
}

static void get_limits(struct exchange *x) {
    if (limits_page(x))
        page_send(x);
}

/* local@domain, a domain, or the name of a reseller. */
static bool read_whose(struct exchange *x, struct str typed, struct db_params *p, struct err *err) {
    struct str local = {NULL, 0}, domain = {NULL, 0}, tenant = {NULL, 0};
    struct err ignored;
    if (typed.n == 0)
        return err_set(err, "say whose limits: an address, a domain, or a reseller's name");
    if (str_chr(typed, '@') >= 0) {
        if (!address_parse(&x->arena, typed, &local, &domain, err))
            return false;
    } else if (str_chr(typed, '.') < 0 || !domain_to_ascii(&x->arena, typed, &domain, &ignored)) {
        tenant = typed;
    }
    db_text(p, local);
    db_text(p, domain);
    db_text(p, tenant);
    return true;
}

/* 1, or 0 and -1 as for admin_*(). */
static int64_t set(struct exchange *x, struct str whose, struct err *err) {
    struct db_params p = {0};
    if (!read_whose(x, whose, &p, err) || !send_limits_read(x, &p, err))
        return 0;
    int64_t rows = db_exec(x->db, &SET, &p, err);
    if (rows > 0)
        return 1;
    bool refused = rows < 0 && strcmp(db_sqlstate(x->db), "42501") == 0; /* row security */
    if (rows < 0 && !refused)
        return -1;
    err_set(err, refused ? "the limits of %.*s are not yours to set" : "there is no mailbox, domain or reseller %.*s",
            STR_ARG(whose));
    return 0;
}

static void post_limits(struct exchange *x) {
    struct err err;
    struct str whose = exchange_form(x, "whose");
    switch (admin_outcome(x, set(x, whose, &err), &err)) {
    case OUTCOME_DONE:
        page_flash(x, "The limits of %.*s are saved.", STR_ARG(whose));
        exchange_redirect(x, "/limits");
        break;
    case OUTCOME_REFUSED:
        form_refused(x, limits_page(x), "PROBLEM", &err);
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
    page_flash(x, "What the settings say holds again.");
    exchange_redirect(x, "/limits");
}

const struct route limits_routes[] = {
    {METHOD_GET, "/limits", get_limits, ROUTE_MANAGERS},
    {METHOD_POST, "/limits", post_limits, ROUTE_MANAGERS},
    {METHOD_POST, "/limits/#id/remove", post_remove, ROUTE_MANAGERS},
    {0},
};
