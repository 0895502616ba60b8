/* AUTH (RFC 4954): the frame around lib/sasl. */
#include "base/log.h"
#include "measure/measure.h"
#include "sasl/sasl.h"
#include "smtpd/session.h"

enum { MAX_FAILURES = 5 };

void auth_end(struct session *s) {
    sasl_end(s->sasl);
    s->sasl = NULL;
}

static enum step failed(struct session *s, struct str login) {
    REPLY(s, "535 5.7.8 Authentication failed");
    measure_login(MEASURE_LOGIN_FAILED);
    log_event(LOG_LEVEL_INFO, "auth", "failed", LOG_ADDRESS("login", str_sub(login, 0, 200)),
              LOG_CLIENT(s->client.address));
    if (++s->auth_failures < MAX_FAILURES)
        return STEP_WAIT;
    conn_printf(s->conn, "421 %s 4.7.0 Too many failed logins\r\n", s->mta->hostname);
    return STEP_CLOSE;
}

static struct str copy(struct session *s, struct str text) {
    return text.p ? arena_str(&s->account_arena, text) : text;
}

static enum step welcome(struct session *s) {
    const struct directory_account *a = sasl_account(s->sasl);
    arena_reset(&s->account_arena);
    s->account = (struct directory_account){.id = a->id,
                                            .tenant_id = a->tenant_id,
                                            .domain_id = a->domain_id,
                                            .quota_bytes = a->quota_bytes,
                                            .quota_messages = a->quota_messages,
                                            .address = copy(s, a->address),
                                            .name = copy(s, a->name)};
    s->authenticated = true;
    measure_login(MEASURE_LOGIN_OK);
    s->login_method = sasl_mechanism(s->sasl);
    log_event(LOG_LEVEL_INFO, "auth", "succeeded", LOG_ADDRESS("login", s->account.address),
              LOG_CLIENT(s->client.address), LOG_WORD("with", str_of(sasl_mechanism(s->sasl))));
    REPLY(s, "235 2.7.0 Authentication successful");
    return STEP_WAIT;
}

static enum step ended(struct session *s, enum sasl_result result) {
    switch (result) {
    case SASL_OK:
        return welcome(s);
    case SASL_THROTTLED:
        log_event(LOG_LEVEL_INFO, "auth", "throttled", LOG_ADDRESS("login", str_sub(sasl_login(s->sasl), 0, 200)),
                  LOG_CLIENT(s->client.address));
        measure_login(MEASURE_LOGIN_THROTTLED);
        REPLY(s, "454 4.7.0 Too many failed logins, wait some minutes");
        return session_error(s);
    case SASL_OFF: /* RFC 5248: the password is right */
        measure_login(MEASURE_LOGIN_FAILED);
        REPLY(s, "525 5.7.13 This way to log in is switched off for this mailbox");
        return session_error(s);
    case SASL_TEMPORARY:
        measure_login(MEASURE_LOGIN_TEMPORARY);
        REPLY(s, "454 4.7.0 Passwords can't be checked just now, try again");
        return STEP_WAIT;
    case SASL_CANCELLED:
        REPLY(s, "501 5.7.0 Authentication cancelled");
        return STEP_WAIT;
    case SASL_MALFORMED:
        REPLY(s, "501 5.5.2 That is no base64");
        return session_error(s);
    default:
        return failed(s, sasl_login(s->sasl));
    }
}

/* One step of the exchange; line.p is NULL where the client gave none. */
static enum step exchange(struct session *s, struct str line) {
    struct buf challenge = BUF_EMPTY;
    enum step step = STEP_WAIT;
    enum sasl_result result = sasl_step(s->sasl, line, &challenge);
    if (result == SASL_CHALLENGE) {
        conn_printf(s->conn, "334 %.*s\r\n", STR_ARG(buf_str(&challenge)));
        s->input = INPUT_AUTH;
    } else {
        step = ended(s, result);
        auth_end(s);
    }
    buf_free(&challenge);
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
    s->sasl = sasl_begin(s->mta->auth, AUTH_SMTP, s->conn, s->client.address, mechanism);
    if (!s->sasl) {
        REPLY(s, "504 5.5.4 Mechanism not known");
        return session_error(s);
    }
    return exchange(s, rest.n ? rest : (struct str){NULL, 0});
}

enum step auth_answer(struct session *s, struct str line) {
    s->input = INPUT_COMMAND;
    return exchange(s, line);
}
