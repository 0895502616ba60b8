/* Who sent it: what follows when the sender of incoming mail is not proved, for a domain or for all that have nothing
 * of their own; and the keys by which a domain's own mail is signed. */
#include "admin/admin.h"
#include "admin/common.h"
#include "admin/domain.h"
#include "directory/admin.h"
#include "page.h"

static const struct db_statement POLICY = {
    "web_sender_policy",
    "SELECT domain_id IS NOT NULL, dmarc_reject, dmarc_quarantine, spf_fail, array_to_string(trusted_sealers, ' ') "
    "FROM sender_policy WHERE domain_id = $1 OR domain_id IS NULL ORDER BY domain_id NULLS LAST LIMIT 1"};
static const struct db_statement KEYS = {
    "web_dkim_keys",
    "SELECT id, selector, algorithm, active, created_at, public_key FROM dkim_key WHERE domain_id = $1 "
    "ORDER BY created_at, id LIMIT 100"};
static const struct db_statement KEY = {"web_dkim_key",
                                        "SELECT selector FROM dkim_key WHERE domain_id = $1 AND id = $2"};

/* What a form says, or the database where it is shown for the first time. */
struct shown {
    struct admin_sender_policy policy;
    struct str selector, algorithm;
    const struct err *policy_problem, *key_problem;
};

/* ---- the policy ---- */

static const struct {
    const char *name, *label, *hint;
} QUESTIONS[] = {
    {"dmarc_reject", "DMARC fails, and the domain in From asks to reject",
     "Mail that claims to be from a domain whose owner says: what is not proved to be ours is not ours."},
    {"dmarc_quarantine", "DMARC fails, and the domain in From asks for quarantine", "Its owner is less sure."},
    {"spf_fail", "SPF fails, and the domain has no DMARC policy",
     "Forwarded mail fails SPF, too: to refuse it loses mail that people want."},
};
static const struct {
    const char *value, *label;
} ACTIONS[] = {{"reject", "Refuse it"},
               {"junk", "Deliver it into Junk"},
               {"tag", "Deliver it with a header field that says so"},
               {"ignore", "Deliver it"}};

static struct str *answer_to(struct admin_sender_policy *p, size_t question) {
    struct str *const answer[] = {&p->dmarc_reject, &p->dmarc_quarantine, &p->spf_fail};
    return answer[question];
}

static void show_policy(struct dict *d, struct shown *shown) {
    for (size_t i = 0; i < sizeof QUESTIONS / sizeof *QUESTIONS; i++) {
        struct dict *q = dict_section(d, "QUESTION");
        dict_set_c(q, "FIELD", QUESTIONS[i].name);
        dict_set_c(q, "LABEL", QUESTIONS[i].label);
        dict_set_c(q, "HINT", QUESTIONS[i].hint);
        for (size_t k = 0; k < sizeof ACTIONS / sizeof *ACTIONS; k++) {
            struct dict *o = dict_section(q, "ACTION");
            dict_set_c(o, "VALUE", ACTIONS[k].value);
            dict_set_c(o, "LABEL", ACTIONS[k].label);
            dict_show_if(o, "CHOSEN", str_eq(*answer_to(&shown->policy, i), str_of(ACTIONS[k].value)));
        }
    }
    dict_set(d, "TRUSTED", shown->policy.trusted);
}

/* Reads the policy in force; *own: it is the domain's. What a form had is kept. False: a reply is written. */
static bool load_policy(struct exchange *x, int64_t domain_id, struct shown *shown, bool *own) {
    struct db_params p = {0};
    db_int8(&p, domain_id);
    PGresult *r = exchange_query_db(x, &POLICY, &p);
    if (!r)
        return false;
    *own = PQntuples(r) == 1 && db_get_bool(r, 0, 0);
    for (size_t i = 0; i < sizeof QUESTIONS / sizeof *QUESTIONS && PQntuples(r) == 1; i++)
        if (!answer_to(&shown->policy, i)->p)
            *answer_to(&shown->policy, i) = arena_str(&x->arena, db_get_str(r, 0, (int)i + 1));
    if (PQntuples(r) == 1 && !shown->policy.trusted.p)
        shown->policy.trusted = arena_str(&x->arena, db_get_str(r, 0, 4));
    PQclear(r);
    return true;
}

static struct shown form_policy(struct exchange *x) {
    struct shown shown = {.policy = {.trusted = exchange_form(x, "trusted")}};
    for (size_t i = 0; i < sizeof QUESTIONS / sizeof *QUESTIONS; i++)
        *answer_to(&shown.policy, i) = exchange_form(x, QUESTIONS[i].name);
    return shown;
}

/* ---- the keys ---- */

static void show_key(struct exchange *x, struct dict *d, const struct domain *domain, const PGresult *r, int row) {
    struct dict *k = dict_section(d, "KEY");
    struct str selector = db_get_str(r, row, 1), algorithm = db_get_str(r, row, 2);
    dict_set_int(k, "KEY_ID", db_get_int8(r, row, 0));
    dict_set(k, "SELECTOR", selector);
    dict_set_c(k, "ALGORITHM", str_eq(algorithm, STR("rsa")) ? "RSA" : "Ed25519");
    dict_show_if(k, "SIGNS", db_get_bool(r, row, 3));
    dict_show_if(k, "RESTS", !db_get_bool(r, row, 3));
    dict_time(k, "CREATED", db_get_time(r, row, 4));
    dict_set(k, "RECORD_NAME",
             arena_printf(&x->arena, "%.*s._domainkey.%.*s", STR_ARG(selector), STR_ARG(domain->name)));
    dict_set(k, "RECORD",
             arena_printf(&x->arena, "v=DKIM1; k=%.*s; p=%.*s", STR_ARG(algorithm), STR_ARG(db_get_str(r, row, 5))));
}

static bool show_keys(struct exchange *x, struct dict *d, const struct domain *domain, const struct shown *shown) {
    struct db_params p = {0};
    db_int8(&p, domain->id);
    PGresult *r = exchange_query_db(x, &KEYS, &p);
    if (!r)
        return false;
    struct dict *keys = dict_section(d, "KEYS");
    dict_show_if(keys, "SOME", PQntuples(r) > 0);
    dict_show_if(keys, "NONE", PQntuples(r) == 0);
    dict_show_if(keys, "ZONE_ELSEWHERE", !domain->zone_id);
    for (int i = 0; i < PQntuples(r); i++)
        show_key(x, keys, domain, r, i);
    PQclear(r);
    dict_set(keys, "NEW_SELECTOR", shown->selector);
    dict_show_if(keys, "ED25519", str_eq(shown->algorithm, STR("ed25519")));
    if (shown->key_problem)
        show_problem(x, keys, "KEY_PROBLEM", shown->key_problem);
    return true;
}

/* ---- the pages ---- */

/* domain NULL: what holds for all that have nothing of their own. */
static void show(struct exchange *x, const struct domain *domain, struct shown *shown) {
    bool own;
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/senders.tpl", "Senders");
    if (!load_policy(x, domain ? domain->id : 0, shown, &own))
        return;
    if (domain) {
        page_title(x, arena_printf(&x->arena, "Senders and %.*s", STR_ARG(domain->display)));
        domain_head(x, d, domain, DOMAIN_SENDERS);
    } else {
        dict_show_if(d, "FOR_ALL", true);
    }
    dict_set(d, "PATH",
             domain ? arena_printf(&x->arena, "/domains/%lld/senders", (long long)domain->id)
                    : STR("/settings/senders"));
    dict_show_if(d, "OWN", domain && own);
    dict_show_if(d, "INHERITED", domain && !own);
    show_policy(d, shown);
    if (shown->policy_problem)
        show_problem(x, d, "TRUSTED_PROBLEM", shown->policy_problem);
    if (!domain || show_keys(x, d, domain, shown))
        page_send(x);
}

static void saved(struct exchange *x, const struct domain *domain) {
    if (domain)
        exchange_redirect(x, "/domains/%lld/senders", (long long)domain->id);
    else
        exchange_redirect(x, "/settings/senders");
}

static void save_policy(struct exchange *x, const struct domain *domain) {
    struct err err;
    struct shown shown = form_policy(x);
    int64_t result = admin_sender_policy_set(x->db, domain ? domain->name : STR(""), &shown.policy, &err);
    enum outcome outcome = admin_outcome(x, result, &err);
    if (outcome == OUTCOME_DONE) {
        page_flash(x, "Saved. It holds for the next message.");
        saved(x, domain);
    } else if (outcome == OUTCOME_REFUSED) {
        shown.policy_problem = &err;
        show(x, domain, &shown);
    }
}

static void get_senders(struct exchange *x) {
    struct domain domain;
    struct shown shown = {0};
    if (domain_load(x, exchange_id(x, "domain"), &domain))
        show(x, &domain, &shown);
}

static void post_senders(struct exchange *x) {
    struct domain domain;
    if (domain_load(x, exchange_id(x, "domain"), &domain))
        save_policy(x, &domain);
}

static void get_for_all(struct exchange *x) {
    struct shown shown = {0};
    show(x, NULL, &shown);
}

static void post_for_all(struct exchange *x) { save_policy(x, NULL); }

/* After an act that has no form of its own: back to the page, with the sentence or an error. */
static void finish(struct exchange *x, const struct domain *domain, int64_t result, struct err *err, const char *done) {
    switch (admin_outcome(x, result, err)) {
    case OUTCOME_DONE:
        page_flash(x, "%s", done);
        saved(x, domain);
        break;
    case OUTCOME_REFUSED:
        exchange_error(x, 422, "%.*s", STR_ARG(sentence(&x->arena, err->text)));
        break;
    case OUTCOME_REPLIED:
        break;
    }
}

static void post_default(struct exchange *x) {
    struct domain domain;
    struct err err;
    if (domain_load(x, exchange_id(x, "domain"), &domain))
        finish(x, &domain, admin_sender_policy_reset(x->db, domain.name, &err), &err,
               "The domain has what holds for all domains again.");
}

static void post_keys(struct exchange *x) {
    struct domain domain;
    struct err err;
    if (!domain_load(x, exchange_id(x, "domain"), &domain))
        return;
    struct shown shown = {.selector = exchange_form(x, "selector"), .algorithm = exchange_form(x, "algorithm")};
    int64_t result = admin_dkim_add(x->db, domain.name, shown.selector, shown.algorithm, &err);
    enum outcome outcome = admin_outcome(x, result, &err);
    if (outcome == OUTCOME_DONE) {
        page_flash(x, "Mail from %.*s is signed with the new key.", STR_ARG(domain.display));
        saved(x, &domain);
    } else if (outcome == OUTCOME_REFUSED) {
        shown.key_problem = &err;
        show(x, &domain, &shown);
    }
}

/* The domain and the selector of the key in the path. False: a reply is written. */
static bool load_key(struct exchange *x, struct domain *domain, struct str *selector) {
    if (!domain_load(x, exchange_id(x, "domain"), domain))
        return false;
    struct db_params p = {0};
    db_int8(&p, domain->id);
    db_int8(&p, exchange_id(x, "key"));
    PGresult *r = exchange_query_db(x, &KEY, &p);
    if (!r)
        return false;
    bool found = PQntuples(r) == 1;
    if (found)
        *selector = arena_str(&x->arena, db_get_str(r, 0, 0));
    else
        exchange_not_found(x);
    PQclear(r);
    return found;
}

static void post_active(struct exchange *x) {
    struct domain domain;
    struct str selector;
    struct err err;
    bool active = form_checked(x, "active");
    if (load_key(x, &domain, &selector))
        finish(x, &domain, admin_dkim_active(x->db, domain.name, selector, active, &err), &err,
               active ? "Mail is signed with this key." : "Mail is not signed with this key any more.");
}

static void get_delete(struct exchange *x) {
    struct domain domain;
    struct str selector;
    if (!load_key(x, &domain, &selector))
        return;
    struct arena *a = &x->arena;
    long long id = domain.id;
    struct confirmation c = {
        .title = "Delete this key?",
        .object = arena_printf(a, "%.*s of %.*s", STR_ARG(selector), STR_ARG(domain.display)),
        .button = "Delete the key",
        .action = arena_printf(a, "/domains/%lld/keys/%lld/delete", id, (long long)exchange_id(x, "key")),
        .cancel = arena_printf(a, "/domains/%lld/senders", id)};
    struct dict *d = confirm_begin(x, &c);
    confirm_consequence(d, "The private key. It can't be brought back.");
    confirm_consequence(d, "Its record in the DNS: mail that was signed with it and is still under way can't be "
                           "verified any more. To be safe, stop signing with it and delete it a week later.");
    page_send(x);
}

static void post_delete(struct exchange *x) {
    struct domain domain;
    struct str selector;
    struct err err;
    if (load_key(x, &domain, &selector))
        finish(x, &domain, admin_dkim_remove(x->db, domain.name, selector, &err), &err, "The key is deleted.");
}

const struct route senders_routes[] = {
    {METHOD_GET, "/domains/#domain/senders", get_senders, ROUTE_MANAGERS},
    {METHOD_POST, "/domains/#domain/senders", post_senders, ROUTE_MANAGERS},
    {METHOD_POST, "/domains/#domain/senders/default", post_default, ROUTE_MANAGERS},
    {METHOD_POST, "/domains/#domain/keys", post_keys, ROUTE_MANAGERS},
    {METHOD_POST, "/domains/#domain/keys/#key/active", post_active, ROUTE_MANAGERS},
    {METHOD_GET, "/domains/#domain/keys/#key/delete", get_delete, ROUTE_MANAGERS},
    {METHOD_POST, "/domains/#domain/keys/#key/delete", post_delete, ROUTE_MANAGERS},
    {METHOD_GET, "/settings/senders", get_for_all, ROLE_PROVIDER},
    {METHOD_POST, "/settings/senders", post_for_all, ROLE_PROVIDER},
    {0},
};
