/* App passwords and access tokens: a person's own, at its profile. The secret is shown once, in the answer to the POST.
 */
#include "admin/apps.h"

#include "admin/admin.h"
#include "admin/common.h"
#include "directory/admin.h"
#include "page.h"

static const struct db_statement APPS = {
    "web_apps", "SELECT id, name, array_to_string(scopes, ', '), created_at, used_at, coalesce(host(used_from), '')"
                " FROM app_password WHERE account_id = $1 ORDER BY id LIMIT 200"};
static const struct db_statement TOKENS = {
    "web_tokens", "SELECT id, name, array_to_string(scopes, ', '), created_at, used_at, coalesce(host(used_from), ''),"
                  " expires_at FROM access_token WHERE account_id = $1 ORDER BY id LIMIT 200"};
static const struct db_statement REMOVE_APP = {"web_app_remove",
                                               "DELETE FROM app_password WHERE id = $1 AND account_id = $2"};
static const struct db_statement REMOVE_TOKEN = {"web_token_remove",
                                                 "DELETE FROM access_token WHERE id = $1 AND account_id = $2"};
static const struct db_statement ONLY = {"web_app_only", "SELECT app_passwords_only FROM account WHERE id = $1"};

/* "smtp, imap, pop3" in a person's words. */
static const char *purpose(struct str scopes) {
    bool sends = str_find(scopes, STR("smtp")) >= 0;
    if (str_find(scopes, STR("imap")) < 0 && str_find(scopes, STR("pop3")) < 0)
        return "sending";
    return sends ? "reading and sending" : "reading";
}

static bool show(struct exchange *x, struct dict *d, const char *section, const struct db_statement *s, int64_t account,
                 struct str path, int *rows) {
    struct db_params p = {0};
    db_int8(&p, account);
    PGresult *r = exchange_query_db(x, s, &p);
    if (!r)
        return false;
    for (int i = 0; i < PQntuples(r); i++) {
        struct dict *one = dict_section(d, section);
        dict_set(one, "PATH", path);
        dict_set_int(one, "ID", db_get_int8(r, i, 0));
        dict_set(one, "NAME", db_get_str(r, i, 1));
        dict_set_c(one, "SCOPES", purpose(db_get_str(r, i, 2)));
        dict_time(one, "CREATED", db_get_time(r, i, 3));
        if (db_get_null(r, i, 4)) {
            dict_show(one, "UNUSED");
        } else {
            struct dict *used = dict_section(one, "USED");
            dict_time(used, "AT", db_get_time(r, i, 4));
            dict_set(used, "FROM", db_get_str(r, i, 5));
        }
        if (PQnfields(r) > 6)
            dict_time(one, "UNTIL", db_get_time(r, i, 6));
    }
    *rows += PQntuples(r);
    PQclear(r);
    return true;
}

bool apps_show(struct exchange *x, struct dict *d, int64_t account, struct str path, bool *only) {
    struct db_params p = {0};
    db_int8(&p, account);
    PGresult *r = exchange_query_db(x, &ONLY, &p);
    if (!r)
        return false;
    *only = PQntuples(r) == 1 && db_get_bool(r, 0, 0);
    PQclear(r);
    int rows = 0;
    struct dict *table = dict_section(d, "ROWS");
    if (!show(x, table, "APP", &APPS, account, path, &rows) || !show(x, table, "TOKEN", &TOKENS, account, path, &rows))
        return false;
    dict_show_if(d, "EMPTY", rows == 0);
    return true;
}

bool apps_remove(struct exchange *x, int64_t account, bool token, int64_t id) {
    struct db_params p = {0};
    db_int8(&p, id);
    db_int8(&p, account);
    return change_row(x, token ? &REMOVE_TOKEN : &REMOVE_APP, &p);
}

/* ---- the person's own ---- */

static struct dict *apps_page(struct exchange *x) {
    bool only;
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/apps.tpl", "App passwords");
    struct dict *list = dict_include(d, "LIST", "admin/app_list.tpl");
    if (!apps_show(x, list, x->actor.account_id, STR("/profile/apps"), &only))
        return NULL;
    dict_show_if(d, "ONLY", only);
    dict_set(d, "NAME", exchange_form(x, "name"));
    return d;
}

static void get_apps(struct exchange *x) {
    if (apps_page(x))
        page_send(x);
}

static void post_apps(struct exchange *x) {
    struct err err;
    struct buf secret = BUF_EMPTY;
    struct dict *d;
    struct str name = exchange_form(x, "name"), scopes = exchange_form(x, "for");
    int64_t id = admin_app_password_add(x->db, x->actor.login, name, scopes, &secret, &err);
    struct str shown = arena_str(&x->arena, buf_str(&secret));
    buf_free(&secret);
    switch (admin_outcome(x, id, &err)) {
    case OUTCOME_DONE:
        d = page_begin(x, PAGE_ADMIN, "admin/app_shown.tpl", "App password");
        dict_set(d, "NAME", name);
        dict_set(d, "PASSWORD", shown);
        page_send(x);
        break;
    case OUTCOME_REFUSED:
        form_refused(x, apps_page(x), "NAME_PROBLEM", &err);
        break;
    case OUTCOME_REPLIED:
        break;
    }
}

static void remove_own(struct exchange *x, bool token) {
    if (!apps_remove(x, x->actor.account_id, token, exchange_id(x, "id")))
        return;
    page_flash(x, "It is removed, and works no more.");
    exchange_redirect(x, "/profile/apps");
}

static void post_remove_app(struct exchange *x) { remove_own(x, false); }
static void post_remove_token(struct exchange *x) { remove_own(x, true); }

static void post_only(struct exchange *x) {
    struct err err;
    bool only = form_checked(x, "only");
    if (admin_outcome(x, admin_account_app_passwords_only(x->db, x->actor.login, only, &err), &err) == OUTCOME_DONE) {
        page_flash(x,
                   only ? "Mail programs need an app password from now on." : "Mail programs may use your password.");
        exchange_redirect(x, "/profile/apps");
    }
}

const struct route apps_routes[] = {
    {METHOD_GET, "/profile/apps", get_apps, ROLE_USER},
    {METHOD_POST, "/profile/apps", post_apps, ROLE_USER},
    {METHOD_POST, "/profile/apps/only", post_only, ROLE_USER},
    {METHOD_POST, "/profile/apps/#id/remove", post_remove_app, ROLE_USER},
    {METHOD_POST, "/profile/apps/tokens/#id/remove", post_remove_token, ROLE_USER},
    {0},
};
