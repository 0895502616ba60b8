#include "session/login.h"

#include "base/log.h"
#include "base/password.h"
#include "http/url.h"
#include "page.h"
#include "session/csrf.h"
#include "session/session.h"
#include "session/throttle.h"

enum { MAX_LOGIN = 320 };

static const struct db_statement LOOKUP = {"login_lookup",
                                           "SELECT operator_id, account_id, password, usable FROM login_lookup($1)"};

static const struct db_statement SALT = {"login_salt", "SELECT scram_salt($1)"};
static const struct db_statement RENEW = {"login_renew", "SELECT password_renew($1, $2, $3)"};

struct found {
    int64_t operator_id, account_id;
    struct str password;
    bool usable;
};

const char *login_home(enum role role) { return role == ROLE_USER ? "/mail/" : "/"; }

/* Where to go after the login: the page that was asked for, if it is one of ours. */
static struct str next_path(const struct exchange *x) {
    struct str next = exchange_is_post(x) ? exchange_form(x, "next") : exchange_query(x, "next");
    return url_is_local_path(next) && !str_starts(next, STR("/login")) ? next : STR("");
}

static void show_form(struct exchange *x, int status, const char *problem) {
    struct dict *d = page_begin(x, PAGE_PLAIN, "login.tpl", "Log in");
    dict_global(x->page, "CSRF", csrf_public_token(x));
    dict_set(d, "NEXT", next_path(x));
    struct str name = exchange_is_post(x) ? exchange_form(x, "login") : STR("");
    dict_set(d, "NAME", name);
    dict_show_if(d, "FOCUS_NAME", name.n == 0);
    dict_show_if(d, "FOCUS_PASSWORD", name.n > 0);
    if (problem)
        dict_set_c(dict_section(d, "PROBLEM"), "TEXT", problem);
    dict_show_if(d, "INSECURE", !x->request.https && !str_eq(x->request.address, STR("127.0.0.1")));
    x->reply.status = status;
    page_send(x);
}

static void get_login(struct exchange *x) {
    if (exchange_begin(x)) { /* logged in already */
        struct str next = next_path(x);
        if (next.n > 0)
            reply_redirect(&x->reply, next);
        else
            exchange_redirect(x, "%s", login_home(x->actor.role));
        return;
    }
    if (!x->failed)
        show_form(x, 200, NULL);
}

static bool look_up(struct exchange *x, struct str login, struct found *found) {
    struct db_params p = {0};
    db_text(&p, login);
    PGresult *r = exchange_query_db(x, &LOOKUP, &p);
    if (!r)
        return false;
    *found = (struct found){0};
    if (PQntuples(r) == 1) {
        found->operator_id = db_get_int8(r, 0, 0);
        found->account_id = db_get_int8(r, 0, 1);
        found->password = arena_str(&x->arena, db_get_str(r, 0, 2));
        found->usable = db_get_bool(r, 0, 3);
    }
    PQclear(r);
    return true;
}

static void refuse_throttled(struct exchange *x, int64_t seconds) {
    char text[200];
    if (seconds >= 120)
        snprintf(text, sizeof text, "Too many failed logins. Try again in %lld minutes.",
                 (long long)(seconds + 59) / 60);
    else
        snprintf(text, sizeof text, "Too many failed logins. Try again in %lld seconds.", (long long)seconds);
    reply_set(&x->reply, "Retry-After", arena_printf(&x->arena, "%lld", (long long)seconds));
    show_form(x, 429, text);
}

static void fail_login(struct exchange *x, struct str login, const char *text) {
    struct err err;
    log_info("login failed login=%.*s address=%.*s", STR_ARG(login), STR_ARG(x->request.address));
    if (!throttle_failed(x->db, login, x->request.address, &err)) {
        exchange_database_error(x, &err);
        return;
    }
    show_form(x, 422, text);
}

/* The password was right. */
static void succeed(struct exchange *x, struct str login, const struct found *found) {
    struct err err;
    if (!throttle_succeeded(x->db, login, &err) || !session_start(x, found->operator_id, found->account_id, &err)) {
        exchange_database_error(x, &err);
        return;
    }
    log_info("login login=%.*s address=%.*s", STR_ARG(login), STR_ARG(x->request.address));
    struct str next = next_path(x);
    if (next.n > 0)
        reply_redirect(&x->reply, next);
    else
        exchange_redirect(x, "%s", login_home(found->operator_id ? ROLE_PROVIDER : ROLE_USER));
}

/* Throttling and the look-up are asked on one connection, which is given back while the password is hashed: it takes a
 * while. */
static bool find(struct exchange *x, struct str login, struct found *found) {
    struct err err;
    x->db = db_acquire(x->web->db, &err);
    if (!x->db) {
        exchange_database_error(x, &err);
        return false;
    }
    int64_t wait = throttle_wait(x->db, login, x->request.address, &err);
    if (wait < 0)
        exchange_database_error(x, &err);
    else if (wait > 0)
        refuse_throttled(x, wait);
    bool good = wait == 0 && look_up(x, login, found);
    exchange_rollback(x);
    return good;
}

/* A password of a mailbox that is stored in an old form is stored anew now that it is known (lib/base/password.h). Not
 * doing it is no reason to refuse the login. */
static void renew(struct exchange *x, struct str login, const struct found *found, struct str password) {
    struct err err = {""};
    struct buf made = BUF_EMPTY;
    struct db_params p = {0};
    db_text(&p, login);
    x->db = db_acquire(x->web->db, &err);
    PGresult *r = x->db ? db_query(x->db, &SALT, &p, &err) : NULL;
    bool good = r && password_hash_scram(password, db_get_str(r, 0, 0), &made, &err);
    PQclear(r);
    if (good) {
        p = (struct db_params){0};
        db_int8(&p, found->account_id);
        db_text(&p, found->password);
        db_text(&p, buf_str(&made));
        good = db_exec(x->db, &RENEW, &p, &err) >= 0;
    }
    if (!good)
        log_warn("the password of %.*s stays stored as it was: %s", STR_ARG(login), err.text);
    exchange_rollback(x);
    buf_free(&made);
}

static bool begin_plain(struct exchange *x) {
    struct err err;
    x->db = db_acquire(x->web->db, &err);
    if (x->db && db_begin(x->db, &err))
        return true;
    exchange_database_error(x, &err);
    return false;
}

static void post_login(struct exchange *x) {
    struct err err;
    if (!csrf_public_check(x, &err)) {
        show_form(x, 403, err.text);
        return;
    }
    struct str login = arena_lower(&x->arena, exchange_form(x, "login"));
    struct str password = params_get(&x->request.form, STR("password"));
    if (login.n == 0 || password.n == 0) {
        show_form(x, 422, "Enter your login and your password.");
        return;
    }
    struct found found = {0};
    if (login.n > MAX_LOGIN || password.n > PASSWORD_MAX) {
        show_form(x, 422, "That login or password is too long to be right.");
        return;
    }
    if (!find(x, login, &found))
        return;
    bool busy, right = login_verify(x->web->gate, found.password, password, &busy);
    if (busy) {
        exchange_error(x, 503, "Too many people are logging in at the moment. Try again in a few seconds.");
        return;
    }
    if (right && found.usable && found.account_id && !password_is_current(found.password))
        renew(x, login, &found, password);
    if (!begin_plain(x))
        return;
    if (!right)
        fail_login(x, login, "Login or password is wrong.");
    else if (!found.usable)
        show_form(x, 403, "This login is switched off. Ask whoever administers it.");
    else
        succeed(x, login, &found);
}

static void post_logout(struct exchange *x) {
    struct err err;
    if (!session_end(x, &err)) {
        exchange_database_error(x, &err);
        return;
    }
    reply_set_c(&x->reply, "Clear-Site-Data", "\"cache\"");
    page_flash(x, "You are logged out.");
    exchange_redirect(x, "/login");
}

const struct route login_routes[] = {
    {METHOD_GET, "/login", get_login, 0},
    {METHOD_POST, "/login", post_login, 0},
    {METHOD_POST, "/logout", post_logout, ROUTE_ANYONE},
    {0},
};
