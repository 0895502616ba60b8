#include "base/clock.h"
#include "base/log.h"
#include "directory/address.h"
#include "route/route.h"
#include "sasl/sasl.h"
#include "settings.h"
#include "smtpd/parse.h"
#include "smtpd/report.h"
#include "smtpd/session.h"

#include <stdlib.h>
#include <time.h>

enum flag {
    NEEDS_HELO = 1,
    NEEDS_LOGIN = 2, /* where the service has users */
    NO_ARGUMENT = 4,
    WITHOUT_TLS = 8,    /* also where the service requires TLS and it is not on yet (RFC 3207 section 4) */
    LAST_IN_GROUP = 16, /* the client waits for the answer before it sends more (RFC 2920 section 3.1) */
};

enum {
    LINE_BYTES = 512, /* RFC 5321 4.5.3.1.4, with CR LF */
    /* SIZE (RFC 1870), BODY (RFC 6152, 3030), AUTH (RFC 4954), SMTPUTF8 (RFC 6531), RET and ENVID (RFC 3461),
     * REQUIRETLS (RFC 8689), HOLDUNTIL (RFC 4865) */
    MAIL_BYTES = 512 + 26 + 17 + 500 + 10 + 9 + 107 + 11 + 34,
    RCPT_BYTES = 512 + 501 + 29, /* ORCPT, NOTIFY (RFC 3461) */
    VRFY_BYTES = 512 + 9,        /* SMTPUTF8 */
    AUTH_BYTES = 12288,          /* RFC 4954 section 4 */
    XCLIENT_BYTES = 2048,
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

/* RFC 4865 section 4: the longest time in seconds, and as a date */
static void offer_future_release(struct session *s, struct buf *out) {
    int64_t most = settings_future_release(s->mta, &s->transaction.arena) / CLOCK_SECOND;
    time_t until = (time_t)(clock_now() / CLOCK_SECOND + most);
    struct tm tm;
    char text[32];
    if (most > 0 && gmtime_r(&until, &tm) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm))
        buf_printf(out, "\r\n250-FUTURERELEASE %lld %s", (long long)most, text);
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
    if (s->kind == SERVICE_SUBMISSION && session_is_secure(s)) {
        buf_add_c(out, "\r\n250-AUTH");
        sasl_names(s->conn, " ", out);
    }
    xclient_announce(s, out);
    if (conn_is_tls(s->conn)) /* RFC 8689 section 2 */
        buf_add_c(out, "\r\n250-REQUIRETLS");
    if (s->kind == SERVICE_SUBMISSION)
        offer_future_release(s, out);
    buf_add_c(out, "\r\n250-LIMITS RCPTMAX=");
    buf_add_u64(out, settings_recipients(s->mta, &s->transaction.arena));
    arena_free(&s->transaction.arena);
    buf_add_c(out, "\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-CHUNKING\r\n250-BINARYMIME\r\n250-DSN\r\n"
                   "250 SMTPUTF8\r\n");
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
    if (t->chunked || t->chunks_failed || t->body_binary) { /* RFC 3030 sections 2 and 3 */
        if (t->body_binary)
            REPLY(s, "503 5.5.1 A message with BODY=BINARYMIME comes by BDAT");
        else
            REPLY(s, "503 5.5.1 The message comes by BDAT");
        return session_error(s);
    }
    enum step step;
    if (!stage_pass(s, STAGE_DATA, &step))
        return step;
    message_begin(&t->message);
    t->scanner = DATA_SCANNER_START;
    t->scanner.normalise = settings_normalises(s->mta, &t->arena, &s->client.sockaddr);
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

/* The argument without the parameter SMTPUTF8 (RFC 6531 section 3.7.4), which allows for addresses beyond ASCII. False:
 * the reply is written. */
static bool address_argument(struct session *s, struct str *argument) {
    bool smtputf8 = str_iends(*argument, STR(" SMTPUTF8"));
    if (smtputf8)
        *argument = str_trim(str_sub(*argument, 0, argument->n - 9));
    if (argument->n == 0)
        REPLY(s, "501 5.5.4 An address is needed");
    else if (!str_is_ascii(*argument) && !smtputf8)
        REPLY(s, "553 5.6.7 Addresses beyond ASCII need the parameter SMTPUTF8");
    else if (!str_is_utf8(*argument))
        REPLY(s, "501 5.1.3 The address holds bytes that are not text");
    else
        return true;
    return false;
}

/* VRFY as RFC 5321 section 3.5.1 has it, where the installation wants that. */
static enum step verify(struct session *s, struct str typed) {
    struct arena a = ARENA_EMPTY;
    struct str local, domain;
    struct directory_route route;
    struct err err;
    if (typed.n > 2 && typed.p[0] == '<' && typed.p[typed.n - 1] == '>')
        typed = str_sub(typed, 1, typed.n - 2);
    enum directory_status status = DIRECTORY_UNKNOWN_RECIPIENT;
    if (address_parse(&a, typed, &local, &domain, &err))
        status = route_recipient_of(s->mta, &a, local, domain, false, &route);
    if (status == DIRECTORY_OK) {
        conn_printf(s->conn, "250 2.1.5 <%.*s>\r\n", STR_ARG(shown(address_format(&a, local, domain))));
    } else if (status == DIRECTORY_TEMPORARY) {
        REPLY(s, "451 4.3.0 The directory can't be asked just now, try again");
    } else if (status == DIRECTORY_UNKNOWN_DOMAIN) {
        REPLY(s, "252 2.1.5 Not one of ours");
    } else {
        REPLY(s, "550 5.1.1 No such recipient here");
        session_slow_down(s, ++s->refused_recipients);
    }
    arena_free(&a);
    return STEP_WAIT;
}

static enum step vrfy(struct session *s, struct str argument) {
    if (!address_argument(s, &argument))
        return session_error(s);
    struct arena a = ARENA_EMPTY;
    enum settings_vrfy vrfy = settings_vrfy(s->mta, &a);
    arena_free(&a);
    if (vrfy == VRFY_ON)
        return verify(s, argument);
    if (vrfy == VRFY_DISABLED)
        REPLY(s, "502 5.5.1 VRFY is switched off");
    else /* RFC 5321 7.3: not telling is allowed, and does not help those who guess addresses */
        REPLY(s, "252 2.1.5 Not verified, but mail for it will be tried");
    return STEP_WAIT;
}

static enum step expn(struct session *s, struct str argument) {
    if (address_argument(s, &argument))
        REPLY(s, "502 5.5.1 Lists are not shown");
    return session_error(s);
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
    {"DATA", data, NEEDS_HELO | NEEDS_LOGIN | NO_ARGUMENT | LAST_IN_GROUP, EVERYWHERE, LINE_BYTES},
    {"BDAT", bdat_command, NEEDS_HELO | NEEDS_LOGIN, EVERYWHERE, LINE_BYTES},
    {"RSET", rset, NO_ARGUMENT, EVERYWHERE, LINE_BYTES},
    {"EHLO", ehlo, WITHOUT_TLS | LAST_IN_GROUP, SMTP, LINE_BYTES},
    {"HELO", helo, LAST_IN_GROUP, SMTP, LINE_BYTES},
    {"LHLO", ehlo, WITHOUT_TLS | LAST_IN_GROUP, SERVICE_LMTP, LINE_BYTES},
    {"QUIT", quit, NO_ARGUMENT | WITHOUT_TLS | LAST_IN_GROUP, EVERYWHERE, LINE_BYTES},
    {"STARTTLS", starttls, NEEDS_HELO | NO_ARGUMENT | WITHOUT_TLS | LAST_IN_GROUP, EVERYWHERE, LINE_BYTES},
    {"AUTH", auth_command, NEEDS_HELO | LAST_IN_GROUP, SERVICE_SUBMISSION, AUTH_BYTES},
    {"NOOP", noop, WITHOUT_TLS | LAST_IN_GROUP, EVERYWHERE, LINE_BYTES},
    {"VRFY", vrfy, LAST_IN_GROUP, EVERYWHERE, VRFY_BYTES},
    {"HELP", help, 0, EVERYWHERE, LINE_BYTES},
    {"EXPN", expn, LAST_IN_GROUP, EVERYWHERE, VRFY_BYTES},
    {"ETRN", not_implemented, 0, EVERYWHERE, LINE_BYTES},
    {"TURN", not_implemented, LAST_IN_GROUP, EVERYWHERE, LINE_BYTES},
    {"XCLIENT", xclient_command, WITHOUT_TLS | LAST_IN_GROUP, SERVICE_RELAY | SERVICE_SUBMISSION, XCLIENT_BYTES},
    {"XFORWARD", xforward_command, NEEDS_HELO | WITHOUT_TLS, SERVICE_RELAY | SERVICE_SUBMISSION, XCLIENT_BYTES},
    {"XQUEUE", xqueue_command, 0, SERVICE_PICKUP, LINE_BYTES},
    {"XFLUSH", xflush_command, NO_ARGUMENT, SERVICE_PICKUP, LINE_BYTES},
    {"GET", wrong_protocol, WITHOUT_TLS, EVERYWHERE, AUTH_BYTES},
    {"POST", wrong_protocol, WITHOUT_TLS, EVERYWHERE, AUTH_BYTES},
    {"CONNECT", wrong_protocol, WITHOUT_TLS, EVERYWHERE, AUTH_BYTES},
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

/* The service takes nothing without TLS. Looked up once a connection, and only where there is no TLS. */
static bool tls_is_missing(struct session *s) {
    static const char *const name[] = {
        [SERVICE_RELAY] = "smtp", [SERVICE_SUBMISSION] = "submission", [SERVICE_LMTP] = "lmtp"};
    if (session_is_secure(s) || s->kind == SERVICE_PICKUP)
        return false;
    if (s->tls_required == TLS_REQUIRED_UNKNOWN) {
        struct arena a = ARENA_EMPTY;
        s->tls_required = settings_requires_tls(s->mta, &a, name[s->kind]) ? TLS_IS_REQUIRED : TLS_NOT_REQUIRED;
        arena_free(&a);
    }
    return s->tls_required == TLS_IS_REQUIRED;
}

/* Why the command can't be run now, by its flags. */
static const char *why_not(struct session *s, const struct command *c, struct str argument) {
    if (!(c->flags & WITHOUT_TLS) && tls_is_missing(s))
        return "530 5.7.0 Must issue a STARTTLS command first";
    if ((c->flags & NO_ARGUMENT) && argument.n)
        return "501 5.5.4 The command takes no argument";
    if ((c->flags & NEEDS_HELO) && !s->helo)
        return s->kind == SERVICE_LMTP ? "503 5.5.1 Send LHLO first" : "503 5.5.1 Send EHLO first";
    if ((c->flags & NEEDS_LOGIN) && s->kind == SERVICE_SUBMISSION && !s->authenticated)
        return session_is_secure(s) ? "530 5.7.0 Authentication required"
                                    : "530 5.7.0 Must issue a STARTTLS command first";
    return NULL;
}

/* MAIL and BDAT tell the trace themselves: what they refuse is forgotten, or said later. */
static enum step run_and_report(struct session *s, const struct command *c, struct str argument) {
    size_t before = conn_output_pending(s->conn);
    enum step step = c->run(s, argument);
    if (c->run == rcpt_command)
        report_command(s, "rcpt", argument, before);
    else if (c->run == data)
        report_command(s, "data", argument, before);
    else if (c->run == ehlo || c->run == helo)
        report_command(s, "helo", argument, before);
    return step;
}

enum step command_run(struct session *s, struct str line) {
    struct str verb, argument;
    parse_command(line, &verb, &argument);
    const struct command *c = find(verb);
    if (!c || !(c->services & s->kind)) {
        struct verdict v = stage_unknown_command(s, line);
        reply(s, v.action == VERDICT_PASS ? STR("500 5.5.2 Command not recognized") : v.reply);
        reply(s, STR("\r\n"));
        return v.action == VERDICT_CLOSE ? STEP_CLOSE : session_error(s);
    }
    /* A client without EHLO has not heard that it may send anything ahead. */
    if (s->more_input && (!s->esmtp || (c->flags & LAST_IN_GROUP)))
        s->pipelined_early = true;
    const char *refusal = why_not(s, c, argument);
    if (!refusal)
        return run_and_report(s, c, argument);
    if (c->run == bdat_command)
        return bdat_refused(s, argument, refusal);
    conn_printf(s->conn, "%s\r\n", refusal);
    return session_error(s);
}
