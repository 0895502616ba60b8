/* The rules for incoming mail; providers only. One form for all; what was not changed is not written. */
#include "directory/rules.h"
#include "admin/admin.h"
#include "admin/common.h"
#include "directory/admin.h"
#include "page.h"

static const struct db_statement ALL = {
    "web_rules",
    "SELECT name, value, comment FROM setting WHERE name LIKE 'policy.%' OR name = ANY ($1) ORDER BY name"};

/* What is not about one rule, below them. */
static const char *const others[] = {"mta.networks",          "mta.spared_networks", "mta.xclient_networks",
                                     "mta.xforward_networks", "mta.recipients",      "mta.recipients_own",
                                     "mta.soft_errors",       "mta.hard_errors",     "mta.vrfy"};
enum { OTHERS = sizeof others / sizeof *others };

static const struct {
    const char *label;
} mode_label[] = {[RULE_OFF] = {"Off"}, [RULE_WARN] = {"Only warn"}, [RULE_ENFORCE] = {"Enforce"}};

static PGresult *load(struct exchange *x) {
    struct str name[OTHERS];
    for (size_t i = 0; i < OTHERS; i++)
        name[i] = str_of(others[i]);
    struct db_params p = {0};
    db_text_array(&p, name, OTHERS);
    return exchange_query_db(x, &ALL, &p);
}

/* ---- the page ---- */

struct form {
    struct exchange *x;
    const PGresult *r;
    struct str failed; /* the setting that was refused, with err; p NULL: none */
    const struct err *err;
};

static int find(const PGresult *r, const char *name) {
    for (int i = 0; i < PQntuples(r); i++)
        if (str_eq(db_get_str(r, i, 0), str_of(name)))
            return i;
    return -1;
}

/* What was typed, or else what is in force. */
static struct str value_of(const struct form *f, int row) {
    struct str typed = params_get(&f->x->request.form, db_get_str(f->r, row, 0));
    return typed.p ? typed : db_get_str(f->r, row, 1);
}

/* Sections of one name are not used on both levels: a rule without any would show those of the page. */
static void show_setting(const struct form *f, struct dict *list, const char *section, const char *name) {
    int row = find(f->r, name);
    if (row < 0)
        return;
    struct dict *d = dict_section(list, section);
    dict_set_c(d, "NAME", name);
    dict_set(d, "VALUE", value_of(f, row));
    dict_set(d, "COMMENT", db_get_str(f->r, row, 2));
    dict_show_if(d, "WIDE", str_ends(str_of(name), STR("_lists")));
    if (str_eq(str_of(name), f->failed))
        show_problem(f->x, d, "PROBLEM", f->err);
}

static void show_rule(const struct form *f, struct dict *page, const struct rule_info *rule) {
    int row = find(f->r, rule->setting);
    if (row < 0)
        return;
    struct dict *d = dict_section(page, "RULE");
    dict_set_c(d, "NAME", rule->name);
    dict_set_c(d, "FIELD", rule->setting);
    dict_set_c(d, "TITLE", rule->title);
    dict_set_c(d, "EXPLANATION", rule->explanation);
    struct str mode = value_of(f, row);
    for (int i = RULE_OFF; i <= RULE_ENFORCE; i++) {
        struct dict *one = dict_section(d, "MODE");
        dict_set_c(one, "VALUE", rule_mode_names[i]);
        dict_set_c(one, "LABEL", mode_label[i].label);
        dict_show_if(one, "CHOSEN", str_eq(mode, str_of(rule_mode_names[i])));
    }
    if (str_eq(str_of(rule->setting), f->failed))
        show_problem(f->x, d, "PROBLEM", f->err);
    for (size_t i = 0; i < RULE_MAX_PARAMETERS && rule->parameter[i]; i++)
        show_setting(f, d, "PARAMETER", rule->parameter[i]);
}

static void show(const struct form *f) {
    struct dict *d = page_begin(f->x, PAGE_ADMIN, "admin/rules.tpl", "Incoming mail rules");
    for (size_t i = 0; i < RULE_COUNT; i++)
        show_rule(f, d, &rules[i]);
    for (size_t i = 0; i < OTHERS; i++)
        show_setting(f, d, "OTHER", others[i]);
    page_send(f->x);
}

static void get_rules(struct exchange *x) {
    PGresult *r = load(x);
    struct form f = {.x = x, .r = r};
    if (r)
        show(&f);
    PQclear(r);
}

/* ---- saving ---- */

/* 1 all saved, 0 one refused (f->failed), -1. */
static int64_t save(struct form *f, int *changed, struct err *err) {
    for (int i = 0; i < PQntuples(f->r); i++) {
        struct str name = db_get_str(f->r, i, 0), typed = params_get(&f->x->request.form, name);
        if (!typed.p || str_eq(str_trim(typed), db_get_str(f->r, i, 1)))
            continue;
        int64_t result = admin_setting_set(f->x->db, name, typed, err);
        if (result <= 0) {
            f->failed = name;
            return result;
        }
        ++*changed;
    }
    return 1;
}

static void post_rules(struct exchange *x) {
    struct err err;
    int changed = 0;
    PGresult *r = load(x);
    struct form f = {.x = x, .r = r, .err = &err};
    if (!r)
        return;
    enum outcome outcome = admin_outcome(x, save(&f, &changed, &err), &err);
    if (outcome == OUTCOME_DONE) {
        page_flash(x, changed > 0 ? "The rules are saved and in effect." : "Nothing was changed.");
        exchange_redirect(x, "/rules");
    } else if (outcome == OUTCOME_REFUSED) {
        show(&f);
    }
    PQclear(r);
}

const struct route rules_routes[] = {
    {METHOD_GET, "/rules", get_rules, ROLE_PROVIDER},
    {METHOD_POST, "/rules", post_rules, ROLE_PROVIDER},
    {0},
};
