#include "base/log.h"
#include "settings.h"
#include "smtpd/parse.h"
#include "smtpd/session.h"

#include <stdlib.h>

enum flag {
    NEEDS_HELO = 1,
    NEEDS_LOGIN = 2, /* where the service has users */
    NO_ARGUMENT = 4,
};

enum {
    LINE_BYTES = 512,                 /* RFC 5321 4.5.3.1.4, with CR LF */
    MAIL_BYTES = 512 + 26 + 17 + 500, /* SIZE (RFC 1870), BODY (RFC 6152), AUTH (RFC 4954) */
    RCPT_BYTES = 512 + 501,           /* ORCPT (RFC 3461), which some send unasked */
    AUTH_BYTES = 12288,               /* RFC 4954 section 4 */
    EVERYWHERE = SERVICE_RELAY | SERVICE_SUBMISSION | SERVICE_LMTP | SERVICE_PICKUP,
    SMTP = EVERYWHERE & ~SERVICE_LMTP,
};

struct command {
    const char *name;
    enum step (*run)(struct session *s, struct str argument);
    unsigned flags;
    unsigned services; /* where it exists */
    size_t line_bytes;
};

static bool greet(struct session *s, struct str argument, bool esmtp) {
    if (!parse_helo(argument)) {
        REPLY(s, "501 5.5.4 Say your own host name behind the command, or [your address]");
        return false;
    }
    session_end_transaction(s); /* RFC 5321 4.1.4: EHLO does what RSET does */
    free(s->helo);
    s->helo = str_dup(argument);
    s->esmtp = esmtp;
    return true;
}

static enum step helo(struct session *s, struct str argument) {
    enum step step;
    if (!greet(s, argument, false))
        return session_error(s);
    if (!stage_pass(s, STAGE_HELO, &step))
        return step;
    conn_printf(s->conn, "250 %s\r\n", s->mta->hostname);
    return STEP_WAIT;
}

static enum step ehlo(struct session *s, struct str argument) {
    enum step step;
    if (!greet(s, argument, true))
        return session_error(s);
    if (!stage_pass(s, STAGE_HELO, &step))
        return step;
    struct buf *out = conn_output(s->conn);
    buf_add_c(out, "250-");
    buf_add_c(out, s->mta->hostname);
    buf_add_c(out, "\r\n250-PIPELINING\r\n250-SIZE ");
    buf_add_u64(out, settings_message_size(s->mta, &s->transaction.arena));
    arena_free(&s->transaction.arena);
    if (conn_tls_available(s->conn))
        buf_add_c(out, "\r\n250-STARTTLS");
    if (s->kind == SERVICE_SUBMISSION && session_is_secure(s))
        buf_add_c(out, "\r\n250-AUTH PLAIN LOGIN");
    buf_add_c(out, "\r\n250-ENHANCEDSTATUSCODES\r\n250 8BITMIME\r\n");
    return STEP_WAIT;
}

static enum step starttls(struct session *s, struct str argument) {
    (void)argument;
    if (conn_is_tls(s->conn)) {
        REPLY(s, "503 5.5.1 TLS is on already");
        return session_error(s);
    }
    if (!conn_tls_available(s->conn)) {
        REPLY(s, "502 5.5.1 TLS is not offered here");
        return session_error(s);
    }
    /* RFC 3207 section 4.2: nothing that was said before counts. */
    session_end_transaction(s);
    free(s->helo);
    s->helo = NULL;
    REPLY(s, "220 2.0.0 Ready to start TLS");
    return STEP_TLS;
}

static enum step data(struct session *s, struct str argument) {
    (void)argument;
    struct transaction *t = &s->transaction;
    if (!t->open || t->count == 0) {
        if (!t->open)
            REPLY(s, "503 5.5.1 Send MAIL first");
        else
            REPLY(s, "554 5.5.1 No valid recipients");
        return session_error(s);
    }
    enum step step;
    if (!stage_pass(s, STAGE_DATA, &step))
        return step;
    message_begin(&t->message);
    t->scanner = DATA_SCANNER_START;
    s->input = INPUT_DATA;
    REPLY(s, "354 End data with <CR><LF>.<CR><LF>");
    return STEP_WAIT;
}

static enum step rset(struct session *s, struct str argument) {
    (void)argument;
    session_end_transaction(s);
    REPLY(s, "250 2.0.0 Ok");
    return STEP_WAIT;
}

static enum step noop(struct session *s, struct str argument) {
    (void)argument;
    REPLY(s, "250 2.0.0 Ok");
    return STEP_WAIT;
}

static enum step vrfy(struct session *s, struct str argument) {
    if (argument.n == 0) {
        REPLY(s, "501 5.5.4 VRFY needs an address");
        return session_error(s);
    }
    /* RFC 5321 3.5.3: not telling is allowed, and does not help those who guess addresses */
    REPLY(s, "252 2.1.5 Not verified, but mail for it will be tried");
    return STEP_WAIT;
}

static enum step help(struct session *s, struct str argument) {
    (void)argument;
    REPLY(s, "214 2.0.0 See RFC 5321");
    return STEP_WAIT;
}

static enum step quit(struct session *s, struct str argument) {
    (void)argument;
    conn_printf(s->conn, "221 2.0.0 %s closing connection\r\n", s->mta->hostname);
    return STEP_QUIT;
}

static enum step not_implemented(struct session *s, struct str argument) {
    (void)argument;
    REPLY(s, "502 5.5.1 Command not implemented");
    return session_error(s);
}

/* Browsers that were led here by a web page (cross-protocol attacks) get no second line. */
static enum step wrong_protocol(struct session *s, struct str argument) {
    (void)argument;
    log_info("smtp: HTTP from [%s]", s->client.address);
    conn_printf(s->conn, "421 4.7.0 %s This is not HTTP\r\n", s->mta->hostname);
    return STEP_CLOSE;
}

/* In the order of how often they come. */
static const struct command table[] = {
    {"MAIL", mail_command, NEEDS_HELO | NEEDS_LOGIN, EVERYWHERE, MAIL_BYTES},
    {"RCPT", rcpt_command, NEEDS_HELO | NEEDS_LOGIN, EVERYWHERE, RCPT_BYTES},
    {"DATA", data, NEEDS_HELO | NEEDS_LOGIN | NO_ARGUMENT, EVERYWHERE, LINE_BYTES},
    {"RSET", rset, NO_ARGUMENT, EVERYWHERE, LINE_BYTES},
    {"EHLO", ehlo, 0, SMTP, LINE_BYTES},
    {"HELO", helo, 0, SMTP, LINE_BYTES},
    {"LHLO", ehlo, 0, SERVICE_LMTP, LINE_BYTES},
    {"QUIT", quit, NO_ARGUMENT, EVERYWHERE, LINE_BYTES},
    {"STARTTLS", starttls, NEEDS_HELO | NO_ARGUMENT, EVERYWHERE, LINE_BYTES},
    {"AUTH", auth_command, NEEDS_HELO, SERVICE_SUBMISSION, AUTH_BYTES},
    {"NOOP", noop, 0, EVERYWHERE, LINE_BYTES},
    {"VRFY", vrfy, 0, EVERYWHERE, LINE_BYTES},
    {"HELP", help, 0, EVERYWHERE, LINE_BYTES},
    {"EXPN", not_implemented, 0, EVERYWHERE, LINE_BYTES},
    {"ETRN", not_implemented, 0, EVERYWHERE, LINE_BYTES},
    {"TURN", not_implemented, 0, EVERYWHERE, LINE_BYTES},
    {"XQUEUE", xqueue_command, 0, SERVICE_PICKUP, LINE_BYTES},
    {"XFLUSH", xflush_command, NO_ARGUMENT, SERVICE_PICKUP, LINE_BYTES},
    {"GET", wrong_protocol, 0, EVERYWHERE, AUTH_BYTES},
    {"POST", wrong_protocol, 0, EVERYWHERE, AUTH_BYTES},
    {"CONNECT", wrong_protocol, 0, EVERYWHERE, AUTH_BYTES},
};

static const struct command *find(struct str verb) {
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (str_ieq(verb, str_of(table[i].name)))
            return &table[i];
    return NULL;
}

size_t command_line_limit(struct str line) {
    struct str verb, argument;
    parse_command(line, &verb, &argument);
    const struct command *c = find(verb);
    return c ? c->line_bytes : LINE_BYTES;
}

enum step command_run(struct session *s, struct str line) {
    struct str verb, argument;
    parse_command(line, &verb, &argument);
    const struct command *c = find(verb);
    if (!c || !(c->services & s->kind)) {
        REPLY(s, "500 5.5.2 Command not recognized");
        return session_error(s);
    }
    if ((c->flags & NO_ARGUMENT) && argument.n) {
        REPLY(s, "501 5.5.4 The command takes no argument");
        return session_error(s);
    }
    if ((c->flags & NEEDS_HELO) && !s->helo) {
        if (s->kind == SERVICE_LMTP)
            REPLY(s, "503 5.5.1 Send LHLO first");
        else
            REPLY(s, "503 5.5.1 Send EHLO first");
        return session_error(s);
    }
    if ((c->flags & NEEDS_LOGIN) && s->kind == SERVICE_SUBMISSION && !s->authenticated) {
        if (session_is_secure(s))
            REPLY(s, "530 5.7.0 Authentication required");
        else
            REPLY(s, "530 5.7.0 Must issue a STARTTLS command first");
        return session_error(s);
    }
    return c->run(s, argument);
}
