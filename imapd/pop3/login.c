/* Before login: capabilities, TLS, names and passwords. */
#include "base/log.h"
#include "limits.h"
#include "measure.h"
#include "pop3/hold.h"
#include "pop3/session.h"
#include "sasl/sasl.h"

#include <stdlib.h>

static bool is_safe(const struct pop3_session *s) { return conn_is_tls(s->conn); }

void command_capa(struct pop3_session *s, struct str argument) {
    int delay = limits_pop3_delay(s->service->limits);
    (void)argument;
    pop3_say(s, "+OK\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nEXPIRE NEVER\r\n"
                "UTF8 USER\r\nLANG\r\nIMPLEMENTATION Mansio");
    if (delay)
        conn_printf(s->conn, "LOGIN-DELAY %d\r\n", delay);
    if (conn_tls_available(s->conn) && !s->account)
        pop3_say(s, "STLS");
    if (is_safe(s)) {
        conn_write(s->conn, STR("USER\r\nSASL"));
        sasl_names(s->conn, " ", conn_output(s->conn));
        pop3_say(s, "");
    }
    pop3_say(s, ".");
}

void command_stls(struct pop3_session *s, struct str argument) {
    (void)argument;
    if (!conn_tls_available(s->conn)) {
        pop3_say(s, "-ERR TLS is on already, or not available");
        return;
    }
    pop3_say(s, "+OK Begin the TLS handshake");
    s->start_tls = true;
    s->utf8 = false; /* what was said in plain text is forgotten */
    free(s->user);
    s->user = NULL;
}

/* RFC 6856 section 2.1 */
void command_utf8(struct pop3_session *s, struct str argument) {
    if (argument.n) {
        pop3_say(s, "-ERR UTF8 has no argument");
        return;
    }
    s->utf8 = true;
    pop3_say(s, "+OK UTF8");
}

/* RFC 6856 section 3. What we say is in English. */
void command_lang(struct pop3_session *s, struct str argument) {
    if (argument.n == 0)
        pop3_say(s, "+OK Languages\r\nen English\r\ni-default English\r\n.");
    else if (str_ieq(argument, STR("*")) || str_ieq(argument, STR("en")) || str_istarts(argument, STR("en-")))
        pop3_say(s, "+OK en This is English");
    else if (str_ieq(argument, STR("i-default")))
        pop3_say(s, "+OK i-default This is English");
    else
        pop3_say(s, "-ERR This language is not spoken here");
}

static bool may_log_in(struct pop3_session *s) {
    if (!is_safe(s))
        pop3_say(s, "-ERR Passwords go over TLS only: use STLS or the TLS port");
    return is_safe(s);
}

static void not_now(struct pop3_session *s) {
    measure_login(MEASURE_LOGIN_TEMPORARY);
    pop3_say(s, "-ERR [SYS/TEMP] Logging in is not possible at the moment, try again later");
}

/* The password is right (RFC 3206 section 4). */
static void switched_off(struct pop3_session *s) {
    measure_login(MEASURE_LOGIN_FAILED);
    pop3_say(s, "-ERR [SYS/PERM] This way to log in is switched off for this mailbox");
    s->closing = ++s->failures >= MAX_LOGIN_FAILURES;
}

static void refuse(struct pop3_session *s, bool throttled, struct str login) {
    measure_login(throttled ? MEASURE_LOGIN_THROTTLED : MEASURE_LOGIN_FAILED);
    log_event(LOG_LEVEL_INFO, "pop3", "login failed", LOG_ABOUT("client", conn_peer(s->conn)),
              LOG_ADDRESS("user", str_sub(login, 0, 200)));
    pop3_say(s, throttled ? "-ERR [AUTH] Too many failures, try again later" : "-ERR [AUTH] Wrong name or password");
    s->closing = ++s->failures >= MAX_LOGIN_FAILURES;
}

/* RFC 1939 section 8; the codes are those of RFC 2449 section 8. */
static bool take_mailbox(struct pop3_session *s, int64_t account) {
    struct err err;
    int64_t token;
    switch (hold_take(s->service->holds, account, limits_pop3_delay(s->service->limits), &token, &err)) {
    case HOLD_TAKEN:
        s->hold = token;
        return true;
    case HOLD_IN_USE:
        measure_login(MEASURE_LOGIN_TEMPORARY);
        pop3_say(s, "-ERR [IN-USE] Another POP3 session has the mailbox open");
        return false;
    case HOLD_TOO_EARLY:
        measure_login(MEASURE_LOGIN_TEMPORARY);
        conn_printf(s->conn, "-ERR [LOGIN-DELAY] Log in again in %lld seconds\r\n", (long long)token);
        return false;
    case HOLD_TEMPORARY:
        log_warn("pop3: %s", err.text);
        break;
    }
    not_now(s);
    return false;
}

void login_leave(struct pop3_session *s) {
    if (s->hold)
        hold_give(s->service->holds, s->account, s->hold);
    if (s->counted)
        limits_give_account(s->service->limits, s->account);
    s->hold = 0;
    s->counted = false;
}

/* The account is proved: what it needs is taken, or the client was told why not. */
static bool enter(struct pop3_session *s, const struct directory_account *account) {
    struct err err;
    s->account = account->id;
    s->counted = limits_take_account(s->service->limits, account->id);
    if (!s->counted) {
        measure_login(MEASURE_LOGIN_THROTTLED);
        pop3_say(s, "-ERR [SYS/TEMP] This mailbox has too many connections already");
    } else if (take_mailbox(s, account->id)) {
        if (maildrop_open(s, &err) == STORE_OK)
            return true;
        not_now(s);
    }
    login_leave(s);
    s->account = 0;
    return false;
}

static void welcome(struct pop3_session *s, const struct directory_account *account, const char *mechanism) {
    free(s->user);
    s->user = str_dup(account->address);
    if (!enter(s, account))
        return;
    conn_set_timeout(s->conn, limits_pop3_ms(s->service->limits));
    log_event(LOG_LEVEL_INFO, "pop3", "logged in", LOG_ABOUT("client", conn_peer(s->conn)),
              LOG_ADDRESS("user", str_of(s->user)), LOG_WORD("with", str_of(mechanism)),
              LOG_WORD("tls", str_of(conn_tls_version(s->conn))));
    measure_login(MEASURE_LOGIN_OK);
    conn_printf(s->conn, "+OK %u messages\r\n", s->count);
}

void command_user(struct pop3_session *s, struct str argument) {
    if (!may_log_in(s))
        return;
    free(s->user);
    s->user = str_dup(argument);
    pop3_say(s, "+OK");
}

void command_pass(struct pop3_session *s, struct str argument) {
    if (!may_log_in(s))
        return;
    if (!s->user) {
        pop3_say(s, "-ERR USER comes first");
        return;
    }
    struct directory_account account;
    struct str login = arena_str(&s->arena, str_of(s->user));
    enum auth_result result =
        auth_check(s->service->auth, AUTH_POP3, &s->arena, login, argument, conn_peer(s->conn), &account);
    if (result == AUTH_OK)
        welcome(s, &account, "USER");
    else if (result == AUTH_OFF)
        switched_off(s);
    else if (result == AUTH_TEMPORARY)
        not_now(s);
    else
        refuse(s, result == AUTH_THROTTLED, login);
}

void login_end_exchange(struct pop3_session *s) {
    sasl_end(s->sasl);
    s->sasl = NULL;
}

/* One step of AUTH; line.p is NULL where the client gave none. */
void login_answer(struct pop3_session *s, struct str line) {
    struct buf challenge = BUF_EMPTY;
    enum sasl_result result = sasl_step(s->sasl, line, &challenge);
    switch (result) {
    case SASL_CHALLENGE:
        conn_printf(s->conn, "+ %.*s\r\n", STR_ARG(buf_str(&challenge)));
        break;
    case SASL_OK:
        welcome(s, sasl_account(s->sasl), sasl_mechanism(s->sasl));
        break;
    case SASL_OFF:
        switched_off(s);
        break;
    case SASL_TEMPORARY:
        not_now(s);
        break;
    case SASL_CANCELLED:
        pop3_say(s, "-ERR Cancelled");
        break;
    case SASL_MALFORMED:
        pop3_say(s, "-ERR That is no base64");
        break;
    case SASL_THROTTLED:
    case SASL_FAILED:
        refuse(s, result == SASL_THROTTLED, sasl_login(s->sasl));
        break;
    }
    buf_free(&challenge);
    if (result != SASL_CHALLENGE)
        login_end_exchange(s);
}

/* RFC 5034 */
void command_auth(struct pop3_session *s, struct str argument) {
    struct str mechanism;
    if (argument.n == 0) {
        pop3_say(s, "+OK");
        if (is_safe(s)) {
            struct buf names = BUF_EMPTY;
            sasl_names(s->conn, "\r\n", &names);
            conn_write(s->conn, str_sub(buf_str(&names), 2, names.n));
            pop3_say(s, "");
            buf_free(&names);
        }
        pop3_say(s, ".");
        return;
    }
    str_split(&argument, ' ', &mechanism);
    if (!may_log_in(s))
        return;
    s->sasl = sasl_begin(s->service->auth, AUTH_POP3, s->conn, conn_peer(s->conn), mechanism);
    if (!s->sasl)
        pop3_say(s, "-ERR This mechanism is not known here");
    else
        login_answer(s, argument);
}
