/* What the whole installation has once; providers only. One form for all; what was not changed is not written. */
#include "admin/admin.h"
#include "admin/common.h"
#include "directory/admin.h"
#include "page.h"

/* Those of the rules for incoming mail have a page of their own. */
static const struct db_statement ALL = {
    "web_settings", "SELECT name, value, comment FROM setting WHERE name NOT LIKE 'policy.%' ORDER BY name"};

/* "dns" as "DNS", "queue" as "Queue": short ones are abbreviations. */
static struct str heading(struct exchange *x, struct str prefix) {
    char *p = arena_c(&x->arena, prefix);
    for (size_t i = 0; i < prefix.n && (i == 0 || prefix.n <= 3); i++)
        p[i] = ascii_upper(p[i]);
    return str_n(p, prefix.n);
}

/* The text of a mail: written in lines here, kept in one with "\\n" between them. */
static bool is_letter(struct str name) { return str_ends(name, STR("_text")); }

static struct str in_lines(struct exchange *x, struct str kept) {
    struct buf out = BUF_EMPTY;
    for (size_t i = 0; i < kept.n; i++)
        if (kept.p[i] == '\\' && i + 1 < kept.n && kept.p[i + 1] == 'n') {
            buf_add_byte(&out, '\n');
            i++;
        } else {
            buf_add_byte(&out, kept.p[i]);
        }
    struct str text = arena_str(&x->arena, buf_str(&out));
    buf_free(&out);
    return text;
}

static struct str in_one(struct exchange *x, struct str typed) {
    struct buf out = BUF_EMPTY;
    typed = str_trim(typed);
    for (size_t i = 0; i < typed.n; i++)
        if (typed.p[i] == '\n')
            buf_add_c(&out, "\\n");
        else if (typed.p[i] != '\r')
            buf_add_byte(&out, typed.p[i]);
    struct str text = arena_str(&x->arena, buf_str(&out));
    buf_free(&out);
    return text;
}

/* What the form has for a setting; p NULL: it has it not. */
static struct str typed_value(struct exchange *x, struct str name) {
    struct str typed = params_get(&x->request.form, name);
    return typed.p && is_letter(name) ? in_one(x, typed) : typed;
}

/* failed: the name that was refused, with err; or p NULL. */
static void show(struct exchange *x, const PGresult *r, struct str failed, const struct err *err) {
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/settings.tpl", "Settings"), *group = NULL;
    struct str last = STR("");
    for (int i = 0; i < PQntuples(r); i++) {
        struct str name = db_get_str(r, i, 0), rest = name, prefix = STR("");
        str_split(&rest, '.', &prefix);
        if (!group || !str_eq(prefix, last)) {
            group = dict_section(d, "GROUP");
            dict_set(group, "PREFIX", heading(x, prefix));
            last = prefix;
        }
        struct dict *one = dict_section(group, "SETTING");
        struct str typed = typed_value(x, name), value = typed.p ? typed : db_get_str(r, i, 1);
        bool letter = is_letter(name);
        dict_set(one, "NAME", name);
        dict_set(one, "VALUE", letter ? in_lines(x, value) : value);
        dict_show_if(one, letter ? "LETTER" : "LINE", true);
        dict_set(one, "COMMENT", db_get_str(r, i, 2));
        if (str_eq(name, failed))
            show_problem(x, one, "PROBLEM", err);
    }
    page_send(x);
}

static void get_settings(struct exchange *x) {
    PGresult *r = exchange_query_db(x, &ALL, NULL);
    if (r)
        show(x, r, (struct str){NULL, 0}, NULL);
    PQclear(r);
}

/* 1 all saved, 0 one refused (its name in *failed), -1. */
static int64_t save(struct exchange *x, const PGresult *r, struct str *failed, int *changed, struct err *err) {
    for (int i = 0; i < PQntuples(r); i++) {
        struct str name = db_get_str(r, i, 0), typed = typed_value(x, name);
        if (!typed.p || str_eq(str_trim(typed), db_get_str(r, i, 1)))
            continue;
        int64_t result = admin_setting_set(x->db, name, typed, err);
        if (result <= 0) {
            *failed = name;
            return result;
        }
        ++*changed;
    }
    return 1;
}

static void post_settings(struct exchange *x) {
    struct err err;
    struct str failed = {NULL, 0};
    int changed = 0;
    PGresult *r = exchange_query_db(x, &ALL, NULL);
    if (!r)
        return;
    enum outcome outcome = admin_outcome(x, save(x, r, &failed, &changed, &err), &err);
    if (outcome == OUTCOME_DONE) {
        page_flash(x, changed > 0 ? "The settings are saved and in effect." : "Nothing was changed.");
        exchange_redirect(x, "/settings");
    } else if (outcome == OUTCOME_REFUSED) {
        show(x, r, failed, &err);
    }
    PQclear(r);
}

const struct route settings_routes[] = {
    {METHOD_GET, "/settings", get_settings, ROLE_PROVIDER},
    {METHOD_POST, "/settings", post_settings, ROLE_PROVIDER},
    {0},
};
