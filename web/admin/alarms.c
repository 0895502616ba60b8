#include "admin/alarms.h"

#include "admin/admin.h"
#include "admin/common.h"
#include "page.h"

static const struct db_statement OPEN = {
    "web_alarms",
    "SELECT id, at, text, account_id FROM alarm WHERE seen_at IS NULL ORDER BY at DESC, id DESC LIMIT 20"};
static const struct db_statement SEEN = {"web_alarm_seen",
                                         "UPDATE alarm SET seen_at = now() WHERE id = $1 AND seen_at IS NULL"};

bool alarms_show(struct exchange *x, struct dict *d) {
    PGresult *r = exchange_query_db(x, &OPEN, NULL);
    if (!r)
        return false;
    struct dict *list = PQntuples(r) ? dict_include(d, "ALARMS", "admin/alarms.tpl") : NULL;
    for (int i = 0; i < PQntuples(r); i++) {
        struct dict *one = dict_section(list, "ALARM");
        dict_set_int(one, "ID", db_get_int8(r, i, 0));
        dict_time(one, "AT", db_get_time(r, i, 1));
        dict_set(one, "TEXT", db_get_str(r, i, 2));
        if (!db_get_null(r, i, 3))
            dict_set_int(dict_section(one, "MAILBOX"), "ACCOUNT_ID", db_get_int8(r, i, 3));
    }
    PQclear(r);
    return true;
}

static void post_seen(struct exchange *x) {
    struct db_params p = {0};
    db_int8(&p, exchange_id(x, "id"));
    if (change_row(x, &SEEN, &p))
        exchange_redirect(x, "/");
}

const struct route alarms_routes[] = {
    {METHOD_POST, "/alarms/#id/seen", post_seen, ROUTE_OPERATORS},
    {0},
};
