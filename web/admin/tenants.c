#include "admin/tenants.h"

/* More than fit a menu are chosen from their own list (/resellers), whose links come here with the reseller chosen. */
static const struct db_statement ALL = {"web_tenants_choose",
                                        "(SELECT id, name FROM tenant WHERE id = $1) UNION (SELECT id, name FROM "
                                        "tenant ORDER BY name LIMIT 500) ORDER BY name"};

bool tenants_choose(struct exchange *x, struct dict *d, int64_t chosen) {
    struct db_params p = {0};
    db_int8(&p, chosen);
    PGresult *r = exchange_query_db(x, &ALL, &p);
    if (!r)
        return false;
    for (int i = 0; i < PQntuples(r); i++) {
        struct dict *one = dict_section(d, "CHOICE");
        dict_set_int(one, "ID", db_get_int8(r, i, 0));
        dict_set(one, "NAME", db_get_str(r, i, 1));
        dict_show_if(one, "CHOSEN", db_get_int8(r, i, 0) == chosen);
    }
    PQclear(r);
    return true;
}

bool tenants_chosen(const struct exchange *x, int64_t *id) {
    uint64_t v;
    if (!str_u64(exchange_form(x, "reseller"), &v) || v == 0 || v > INT64_MAX)
        return false;
    *id = (int64_t)v;
    return true;
}
