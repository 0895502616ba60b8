/* Who is logged in: the own password, and the own sessions. For operators and mail accounts alike. */
#include "admin/admin.h"
#include "admin/common.h"
#include "base/password.h"
#include "directory/admin.h"
#include "page.h"
#include "session/login.h"
#include "session/session.h"
#include "session/throttle.h"

static const struct db_statement SESSIONS = {
    "web_sessions", "SELECT coalesce(host(address), ''), agent, created_at, seen_at, token_hash = $3 FROM web_session"
                    " WHERE (operator_id = $1 OR account_id = $2) AND expires_at > now() AND seen_at > now() - idle"
                    " ORDER BY seen_at DESC LIMIT 50"};
static const struct db_statement END_OTHERS = {
    "web_sessions_end", "DELETE FROM web_session WHERE (operator_id = $1 OR account_id = $2) AND token_hash <> $3"};
static const struct db_statement STORED = {"web_own_password", "SELECT password FROM login_lookup($1)"};

static void own_sessions(struct exchange *x, struct db_params *p) {
    db_int8(p, x->actor.operator_id);
    db_int8(p, x->actor.account_id);
    db_bytes(p, str_n(x->actor.session, sizeof x->actor.session));
}

/* "Mozilla/5.0 (X11; Linux x86_64) ... Firefox/128.0" as "Firefox, Linux": enough to tell one's own devices apart. */
static struct str agent_label(struct arena *a, struct str agent) {
    static const char *const BROWSERS[] = {"Edg", "OPR", "Firefox", "Chrome", "Safari", "curl"};
    static const char *const NAMES[] = {"Edge", "Opera", "Firefox", "Chrome", "Safari", "curl"};
    static const char *const SYSTEMS[] = {"Android", "iPhone", "iPad", "Windows", "Mac OS X", "Linux"};
    const char *browser = "Unknown program", *system = NULL;
    for (size_t i = sizeof BROWSERS / sizeof *BROWSERS; i-- > 0;) {
        if (str_find(agent, str_of(BROWSERS[i])) >= 0)
            browser = NAMES[i];
    }
    for (size_t i = sizeof SYSTEMS / sizeof *SYSTEMS; i-- > 0;) {
        if (str_find(agent, str_of(SYSTEMS[i])) >= 0)
            system = SYSTEMS[i];
    }
    return system ? arena_printf(a, "%s, %s", browser, system) : str_of(browser);
}

static struct dict *profile_page(struct exchange *x) {
    struct db_params p = {0};
    own_sessions(x, &p);
    PGresult *r = exchange_query_db(x, &SESSIONS, &p);
    if (!r)
        return NULL;
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/profile.tpl", "Your profile");
    dict_set(d, "NAME", x->actor.name);
    dict_show_if(d, "HAS_APPS", x->actor.role == ROLE_USER);
    for (int i = 0; i < PQntuples(r); i++) {
        struct dict *one = dict_section(d, "SESSION");
        dict_set(one, "ADDRESS", db_get_str(r, i, 0));
        dict_set(one, "AGENT", agent_label(&x->arena, db_get_str(r, i, 1)));
        dict_time(one, "SEEN", db_get_time(r, i, 3));
        dict_show_if(one, "THIS", db_get_bool(r, i, 4));
    }
    dict_show_if(d, "OTHERS", PQntuples(r) > 1);
    PQclear(r);
    return d;
}

static void get_profile(struct exchange *x) {
    if (profile_page(x))
        page_send(x);
}

/* Whether `old` is the actor's password. False with a sentence, or with an error replied (x->failed). Guessing here is
 * slowed down as at the login: somebody may have found an open browser. */
static bool check_old(struct exchange *x, struct str old, struct err *err) {
    int64_t wait = throttle_wait(x->db, x->actor.login, STR(""), err);
    struct db_params p = {0};
    db_text(&p, x->actor.login);
    PGresult *r = wait < 0 ? NULL : db_query(x->db, &STORED, &p, err);
    if (!r) {
        exchange_database_error(x, err);
        return false;
    }
    struct str stored = PQntuples(r) == 1 ? arena_str(&x->arena, db_get_str(r, 0, 0)) : STR("");
    PQclear(r);
    if (wait > 0)
        return err_set(err, "too many failed tries: try again in %lld seconds", (long long)wait);
    bool busy, right = login_verify(x->web->gate, stored, old, &busy);
    if (busy)
        return err_set(err, "the server is busy: try again in a few seconds");
    if (!right && (!throttle_failed(x->db, x->actor.login, STR(""), err) || !db_commit(x->db, err)))
        exchange_database_error(x, err);
    return right || err_set(err, "that is not your password");
}

static int64_t set_password(struct exchange *x, struct str password, struct err *err) {
    if (x->actor.operator_id)
        return admin_operator_password(x->db, x->actor.login, password, err);
    return admin_account_password(x->db, x->actor.login, password, err);
}

static void post_password(struct exchange *x) {
    struct err err, why;
    struct str old = params_get(&x->request.form, STR("old")), new = params_get(&x->request.form, STR("new"));
    if (!check_old(x, old.p ? old : STR(""), &err)) {
        if (!x->failed && admin_outcome(x, 0, &why) == OUTCOME_REFUSED)
            form_refused(x, profile_page(x), "OLD_PROBLEM", &err);
        return;
    }
    int64_t result = set_password(x, new.p ? new : STR(""), &err);
    if (result == 1 && !session_start(x, x->actor.operator_id, x->actor.account_id, &err)) /* all others have ended */
        result = -1;
    enum outcome outcome = admin_outcome(x, result, &err);
    if (outcome == OUTCOME_DONE) {
        page_flash(x, "Your password is changed, and you are logged out everywhere else.");
        exchange_redirect(x, "/profile");
    } else if (outcome == OUTCOME_REFUSED) {
        form_refused(x, profile_page(x), "NEW_PROBLEM", &err);
    }
}

static void post_end_others(struct exchange *x) {
    struct err err;
    struct db_params p = {0};
    own_sessions(x, &p);
    if (db_exec(x->db, &END_OTHERS, &p, &err) < 0) {
        exchange_database_error(x, &err);
        return;
    }
    page_flash(x, "You are logged out everywhere else.");
    exchange_redirect(x, "/profile");
}

const struct route profile_routes[] = {
    {METHOD_GET, "/profile", get_profile, ROUTE_ANYONE},
    {METHOD_POST, "/profile/password", post_password, ROUTE_ANYONE},
    {METHOD_POST, "/profile/sessions/end", post_end_others, ROUTE_ANYONE},
    {0},
};
