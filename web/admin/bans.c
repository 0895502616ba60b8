/* Who can't log in for a while, because it failed too often; and letting them try again. */
#include "admin/admin.h"
#include "admin/common.h"
#include "page.h"

enum { SHOWN = 200, MAX_SEARCH = 200 };

static const struct db_statement LIST = {
    "web_bans",
    "SELECT id, kind, login, address, failures, reason, created_at, until FROM login_ban WHERE until > now()"
    " AND position($1 IN login || ' ' || address) > 0 ORDER BY created_at DESC, id DESC LIMIT 201"};
static const struct db_statement LIFT = {"web_ban_lift", "DELETE FROM login_ban WHERE id = $1"};

static void get_bans(struct exchange *x) {
    struct str search = arena_lower(&x->arena, str_sub(exchange_query(x, "q"), 0, MAX_SEARCH));
    struct db_params p = {0};
    db_text(&p, search);
    PGresult *r = exchange_query_db(x, &LIST, &p);
    if (!r)
        return;
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/bans.tpl", "Bans");
    dict_set(d, "SEARCH", search);
    int shown = PQntuples(r) < SHOWN ? PQntuples(r) : SHOWN;
    for (int i = 0; i < shown; i++) {
        struct dict *one = dict_section(d, "BAN");
        dict_set_int(one, "ID", db_get_int8(r, i, 0));
        dict_set(one, "ACCOUNT", db_get_str(r, i, 2).n ? db_get_str(r, i, 2) : STR("everybody"));
        dict_set(one, "ADDRESS", db_get_str(r, i, 3).n ? db_get_str(r, i, 3) : STR("everywhere"));
        dict_set_int(one, "FAILURES", db_get_int8(r, i, 4));
        dict_set(one, "REASON", db_get_str(r, i, 5));
        dict_time(one, "SINCE", db_get_time(r, i, 6));
        dict_time(one, "UNTIL", db_get_time(r, i, 7));
    }
    dict_show_if(d, "MORE", PQntuples(r) > SHOWN);
    dict_show_if(d, shown ? "ROWS" : search.n ? "NOTHING_FOUND" : "NOTHING_THERE", true);
    PQclear(r);
    page_send(x);
}

static void post_lift(struct exchange *x) {
    struct db_params p = {0};
    db_int8(&p, exchange_id(x, "id"));
    if (!change_row(x, &LIFT, &p))
        return;
    page_flash(x, "The ban is lifted.");
    exchange_redirect(x, "/bans");
}

const struct route bans_routes[] = {
    {METHOD_GET, "/bans", get_bans, ROLE_PROVIDER | ROLE_RESELLER | ROLE_HELPDESK},
    {METHOD_POST, "/bans/#id/lift", post_lift, ROLE_PROVIDER | ROLE_RESELLER | ROLE_HELPDESK},
    {0},
};
