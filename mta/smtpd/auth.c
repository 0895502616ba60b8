/* AUTH (RFC 4954): PLAIN (RFC 4616), and LOGIN, which was never a standard and which many programs still ask for. */
#include "sasl/auth.h"
#include "base/codec.h"
#include "base/log.h"
#include "smtpd/session.h"

#include <openssl/crypto.h>

enum { MAX_FAILURES = 5 };

static void forget(struct buf *secret) {
    if (secret->p)
        OPENSSL_cleanse(secret->p, secret->cap);
    buf_free(secret);
}

static enum step failed(struct session *s, struct str login) {
    REPLY(s, "535 5.7.8 Authentication failed");
    log_info("auth: failed login=<%.*s> client=[%s]", STR_ARG(str_sub(login, 0, 200)), s->client.address);
    if (++s->auth_failures < MAX_FAILURES)
        return STEP_WAIT;
    conn_printf(s->conn, "421 %s 4.7.0 Too many failed logins\r\n", s->mta->hostname);
    return STEP_CLOSE;
}

static enum step check(struct session *s, struct str login, struct str password) {
    arena_reset(&s->account_arena);
    switch (auth_check(s->mta->auth, &s->account_arena, login, password, s->client.address, &s->account)) {
    case AUTH_OK:
        s->authenticated = true;
        log_info("auth: login=<%.*s> client=[%s]", STR_ARG(s->account.address), s->client.address);
        REPLY(s, "235 2.7.0 Authentication successful");
        return STEP_WAIT;
    case AUTH_THROTTLED:
        log_info("auth: throttled login=<%.*s> client=[%s]", STR_ARG(str_sub(login, 0, 200)), s->client.address);
        REPLY(s, "454 4.7.0 Too many failed logins, wait some minutes");
        return session_error(s);
    case AUTH_TEMPORARY:
        REPLY(s, "454 4.7.0 Passwords can't be checked just now, try again");
        return STEP_WAIT;
    default:
        return failed(s, login);
    }
}

static enum step check_plain(struct session *s, struct str base64) {
    struct buf message = BUF_EMPTY;
    struct str login, password;
    enum step step;
    if (!base64_decode(base64, &message)) {
        REPLY(s, "501 5.5.2 That is no base64");
        step = session_error(s);
    } else if (!sasl_plain_parse(buf_str(&message), &login, &password)) {
        step = failed(s, STR(""));
    } else {
        step = check(s, login, password);
    }
    forget(&message);
    return step;
}

static enum step take_login_name(struct session *s, struct str base64) {
    buf_reset(&s->login_name);
    if (!base64_decode(base64, &s->login_name)) {
        REPLY(s, "501 5.5.2 That is no base64");
        return session_error(s);
    }
    s->input = INPUT_AUTH_LOGIN_PASSWORD;
    REPLY(s, "334 UGFzc3dvcmQ6"); /* "Password:" */
    return STEP_WAIT;
}

static enum step check_login(struct session *s, struct str base64) {
    struct buf password = BUF_EMPTY;
    enum step step;
    if (!base64_decode(base64, &password)) {
        REPLY(s, "501 5.5.2 That is no base64");
        step = session_error(s);
    } else {
        step = check(s, buf_str(&s->login_name), buf_str(&password));
    }
    forget(&password);
    buf_free(&s->login_name);
    return step;
}

enum step auth_command(struct session *s, struct str argument) {
    if (!session_is_secure(s)) {
        REPLY(s, "538 5.7.11 Encryption required: issue STARTTLS first");
        return session_error(s);
    }
    if (s->authenticated || s->transaction.open) {
        REPLY(s, "503 5.5.1 Not now");
        return session_error(s);
    }
    struct str rest = argument, mechanism = {NULL, 0};
    str_split(&rest, ' ', &mechanism);
    bool initial = rest.p && rest.n;
    if (initial && str_eq(rest, STR("="))) /* RFC 4954 section 4: an empty initial response */
        rest.n = 0;
    if (str_ieq(mechanism, STR("PLAIN"))) {
        if (initial)
            return check_plain(s, rest);
        s->input = INPUT_AUTH_PLAIN;
        REPLY(s, "334 ");
        return STEP_WAIT;
    }
    if (str_ieq(mechanism, STR("LOGIN"))) {
        if (initial)
            return take_login_name(s, rest);
        s->input = INPUT_AUTH_LOGIN_NAME;
        REPLY(s, "334 VXNlcm5hbWU6"); /* "Username:" */
        return STEP_WAIT;
    }
    REPLY(s, "504 5.5.4 Mechanism not known");
    return session_error(s);
}

enum step auth_answer(struct session *s, struct str line) {
    enum input asked = s->input;
    s->input = INPUT_COMMAND;
    if (str_eq(line, STR("*"))) {
        buf_free(&s->login_name);
        REPLY(s, "501 5.7.0 Authentication cancelled");
        return STEP_WAIT;
    }
    switch (asked) {
    case INPUT_AUTH_PLAIN:
        return check_plain(s, line);
    case INPUT_AUTH_LOGIN_NAME:
        return take_login_name(s, line);
    default:
        return check_login(s, line);
    }
}
