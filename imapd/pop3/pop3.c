#include "pop3/pop3.h"

#include "base/log.h"
#include "measure.h"
#include "pop3/session.h"
#include "sasl/sasl.h"

#include <stdlib.h>

enum {
    MAX_LINE = 4096,
    SESSION_TIMEOUT_MS = 10 * 60 * 1000, /* RFC 1939 section 3 */
    MAX_BAD_BEFORE_LOGIN = 10,
};

static bool is_safe(const struct pop3_session *s) { return conn_is_tls(s->conn); }

static void say(struct pop3_session *s, const char *line) {
    conn_write(s->conn, str_of(line));
    conn_write(s->conn, STR("\r\n"));
}

static void say_status(struct pop3_session *s, enum store_status status) {
    say(s, status == STORE_NOT_FOUND ? "-ERR The message is gone"
                                     : "-ERR [SYS/TEMP] Not possible at the moment, try again later");
}

/* ---- before login ---- */

static void command_capa(struct pop3_session *s, struct str argument) {
    (void)argument;
    say(s, "+OK\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nEXPIRE NEVER\r\nIMPLEMENTATION Mansio");
    if (conn_tls_available(s->conn) && !s->account)
        say(s, "STLS");
    if (is_safe(s)) {
        conn_write(s->conn, STR("USER\r\nSASL"));
        sasl_names(s->conn, " ", conn_output(s->conn));
        say(s, "");
    }
    say(s, ".");
}

static void command_stls(struct pop3_session *s, struct str argument) {
    (void)argument;
    if (!conn_tls_available(s->conn)) {
        say(s, "-ERR TLS is on already, or not available");
        return;
    }
    say(s, "+OK Begin the TLS handshake");
    s->start_tls = true;
}

static bool may_log_in(struct pop3_session *s) {
    if (!is_safe(s))
        say(s, "-ERR Passwords go over TLS only: use STLS or the TLS port");
    return is_safe(s);
}

static void not_now(struct pop3_session *s) {
    measure_login(MEASURE_LOGIN_TEMPORARY);
    say(s, "-ERR [SYS/TEMP] Logging in is not possible at the moment, try again later");
}

/* The password is right (RFC 3206 section 4). */
static void switched_off(struct pop3_session *s) {
    measure_login(MEASURE_LOGIN_FAILED);
    say(s, "-ERR [SYS/PERM] This way to log in is switched off for this mailbox");
    s->closing = ++s->failures >= MAX_LOGIN_FAILURES;
}

static void refuse(struct pop3_session *s, bool throttled, struct str login) {
    measure_login(throttled ? MEASURE_LOGIN_THROTTLED : MEASURE_LOGIN_FAILED);
    log_event(LOG_LEVEL_INFO, "pop3", "login failed", LOG_ABOUT("client", conn_peer(s->conn)),
              LOG_ADDRESS("user", str_sub(login, 0, 200)));
    say(s, throttled ? "-ERR [AUTH] Too many failures, try again later" : "-ERR [AUTH] Wrong name or password");
    s->closing = ++s->failures >= MAX_LOGIN_FAILURES;
}

static void welcome(struct pop3_session *s, const struct directory_account *account, const char *mechanism) {
    struct err err;
    s->account = account->id;
    free(s->user);
    s->user = str_dup(account->address);
    if (maildrop_open(s, &err) != STORE_OK) {
        s->account = 0;
        not_now(s);
        return;
    }
    conn_set_timeout(s->conn, SESSION_TIMEOUT_MS);
    log_event(LOG_LEVEL_INFO, "pop3", "logged in", LOG_ABOUT("client", conn_peer(s->conn)),
              LOG_ADDRESS("user", str_of(s->user)), LOG_WORD("with", str_of(mechanism)),
              LOG_WORD("tls", str_of(conn_tls_version(s->conn))));
    measure_login(MEASURE_LOGIN_OK);
    conn_printf(s->conn, "+OK %u messages\r\n", s->count);
}

static void command_user(struct pop3_session *s, struct str argument) {
    if (!may_log_in(s))
        return;
    free(s->user);
    s->user = str_dup(argument);
    say(s, "+OK");
}

static void command_pass(struct pop3_session *s, struct str argument) {
    if (!may_log_in(s))
        return;
    if (!s->user) {
        say(s, "-ERR USER comes first");
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

static void end_exchange(struct pop3_session *s) {
    sasl_end(s->sasl);
    s->sasl = NULL;
}

/* One step of AUTH; line.p is NULL where the client gave none. */
static void exchange(struct pop3_session *s, struct str line) {
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
        say(s, "-ERR Cancelled");
        break;
    case SASL_MALFORMED:
        say(s, "-ERR That is no base64");
        break;
    case SASL_THROTTLED:
    case SASL_FAILED:
        refuse(s, result == SASL_THROTTLED, sasl_login(s->sasl));
        break;
    }
    buf_free(&challenge);
    if (result != SASL_CHALLENGE)
        end_exchange(s);
}

/* RFC 5034 */
static void command_auth(struct pop3_session *s, struct str argument) {
    struct str mechanism;
    if (argument.n == 0) {
        say(s, "+OK");
        if (is_safe(s)) {
            struct buf names = BUF_EMPTY;
            sasl_names(s->conn, "\r\n", &names);
            conn_write(s->conn, str_sub(buf_str(&names), 2, names.n));
            say(s, "");
            buf_free(&names);
        }
        say(s, ".");
        return;
    }
    str_split(&argument, ' ', &mechanism);
    if (!may_log_in(s))
        return;
    s->sasl = sasl_begin(s->service->auth, AUTH_POP3, s->conn, conn_peer(s->conn), mechanism);
    if (!s->sasl)
        say(s, "-ERR This mechanism is not known here");
    else
        exchange(s, argument);
}

/* ---- messages ---- */

/* The message that a number names; NULL, and the client was told. */
static struct pop3_message *numbered(struct pop3_session *s, struct str number, uint32_t *i) {
    if (!str_u32(number, i) || *i == 0 || *i > s->count || s->message[*i - 1].deleted) {
        say(s, "-ERR No such message");
        return NULL;
    }
    return &s->message[--*i];
}

static void command_stat(struct pop3_session *s, struct str argument) {
    (void)argument;
    uint64_t bytes = 0;
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->count; i++)
        if (!s->message[i].deleted) {
            n++;
            bytes += s->message[i].size;
        }
    conn_printf(s->conn, "+OK %u %llu\r\n", n, (unsigned long long)bytes);
}

/* Stable: a UID never comes back while UIDVALIDITY stays. */
static void write_uidl(struct pop3_session *s, uint32_t i, struct buf *out) {
    struct str brought = maildrop_uidl(s, i);
    if (brought.p) {
        buf_add_str(out, brought);
        return;
    }
    buf_add_u64(out, s->uidvalidity);
    buf_add_byte(out, '.');
    buf_add_u64(out, s->message[i].uid);
}

static void write_line(struct pop3_session *s, uint32_t i, bool uid) {
    struct buf *out = conn_output(s->conn);
    buf_add_u64(out, i + 1);
    buf_add_byte(out, ' ');
    if (uid)
        write_uidl(s, i, out);
    else
        buf_add_u64(out, s->message[i].size);
    buf_add_c(out, "\r\n");
}

static void list(struct pop3_session *s, struct str argument, bool uid) {
    uint32_t i;
    if (argument.n) {
        if (numbered(s, argument, &i)) {
            conn_write(s->conn, STR("+OK "));
            write_line(s, i, uid);
        }
        return;
    }
    say(s, "+OK");
    for (i = 0; i < s->count; i++)
        if (!s->message[i].deleted)
            write_line(s, i, uid);
    say(s, ".");
}

static void command_list(struct pop3_session *s, struct str argument) { list(s, argument, false); }

static void command_uidl(struct pop3_session *s, struct str argument) { list(s, argument, true); }

static void send_message(struct pop3_session *s, uint32_t i, int64_t lines) {
    struct err err;
    enum store_status status = maildrop_send(s, i, lines, &err);
    if (status == STORE_OK)
        say(s, "+OK");
    else
        say_status(s, status);
}

static void command_retr(struct pop3_session *s, struct str argument) {
    uint32_t i;
    if (numbered(s, argument, &i))
        send_message(s, i, -1);
}

static void command_top(struct pop3_session *s, struct str argument) {
    struct str number;
    uint32_t i, lines;
    if (!str_split(&argument, ' ', &number) || !str_u32(argument, &lines))
        say(s, "-ERR TOP needs a message and a number of lines");
    else if (numbered(s, number, &i))
        send_message(s, i, lines);
}

static void command_dele(struct pop3_session *s, struct str argument) {
    uint32_t i;
    struct pop3_message *m = numbered(s, argument, &i);
    if (!m)
        return;
    m->deleted = true;
    say(s, "+OK");
}

static void command_rset(struct pop3_session *s, struct str argument) {
    (void)argument;
    for (uint32_t i = 0; i < s->count; i++)
        s->message[i].deleted = false;
    say(s, "+OK");
}

static void command_noop(struct pop3_session *s, struct str argument) {
    (void)argument;
    say(s, "+OK");
}

static void command_quit(struct pop3_session *s, struct str argument) {
    (void)argument;
    struct err err;
    s->closing = true;
    if (s->account && maildrop_remove_deleted(s, &err) != STORE_OK)
        say(s, "-ERR [SYS/TEMP] Some messages could not be deleted");
    else
        say(s, "+OK Goodbye");
}

/* ---- the connection ---- */

enum when { BEFORE_LOGIN = 1, LOGGED_IN = 2, ANY = 3 };

static const struct {
    const char *name;
    enum when when;
    void (*run)(struct pop3_session *s, struct str argument);
} commands[] = {
    {"CAPA", ANY, command_capa},          {"STLS", BEFORE_LOGIN, command_stls}, {"USER", BEFORE_LOGIN, command_user},
    {"PASS", BEFORE_LOGIN, command_pass}, {"AUTH", BEFORE_LOGIN, command_auth}, {"STAT", LOGGED_IN, command_stat},
    {"LIST", LOGGED_IN, command_list},    {"UIDL", LOGGED_IN, command_uidl},    {"RETR", LOGGED_IN, command_retr},
    {"TOP", LOGGED_IN, command_top},      {"DELE", LOGGED_IN, command_dele},    {"RSET", LOGGED_IN, command_rset},
    {"NOOP", LOGGED_IN, command_noop},    {"QUIT", ANY, command_quit},
};

static void run_line(struct pop3_session *s, struct str line) {
    struct str name;
    if (s->sasl) {
        exchange(s, line);
        return;
    }
    str_split(&line, ' ', &name);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (!str_ieq(name, str_of(commands[i].name)))
            continue;
        if (commands[i].when & (s->account ? LOGGED_IN : BEFORE_LOGIN))
            commands[i].run(s, line.p ? line : STR(""));
        else
            say(s, s->account ? "-ERR Already logged in" : "-ERR Log in first");
        return;
    }
    say(s, "-ERR Unknown command");
    s->closing = !s->account && ++s->failures >= MAX_BAD_BEFORE_LOGIN;
}

/* Runs the first line of the input; false where there is none. */
static bool next_line(struct pop3_session *s) {
    struct str in = conn_input(s->conn);
    ptrdiff_t newline = in.n ? str_chr(in, '\n') : -1;
    ptrdiff_t limit = s->sasl || str_istarts(in, STR("AUTH ")) ? SASL_MAX_LINE : MAX_LINE;
    if (newline > limit || (newline < 0 && in.n > (size_t)limit)) {
        say(s, "-ERR The line is too long");
        s->closing = true;
        return true;
    }
    if (newline < 0)
        return false;
    struct str line = str_sub(in, 0, (size_t)newline);
    if (str_ends(line, STR("\r")))
        line.n--;
    run_line(s, line);
    conn_consume(s->conn, (size_t)newline + 1);
    arena_reset(&s->arena);
    return true;
}

static enum step work(struct pop3_session *s) {
    for (;;) {
        if (s->sending.card && !maildrop_send_more(s))
            return STEP_DRAIN;
        if (conn_closing(s->conn) && !s->closing) {
            say(s, "-ERR [SYS/TEMP] The server is shutting down");
            return STEP_CLOSE;
        }
        if (s->closing)
            return STEP_CLOSE;
        if (s->start_tls) {
            s->start_tls = false;
            return STEP_TLS;
        }
        if (conn_output_pending(s->conn) > OUTPUT_HIGH)
            return STEP_DRAIN;
        if (!next_line(s)) {
            arena_free(&s->arena);
            return STEP_WAIT;
        }
    }
}

static void *pop3_open(struct conn *c, void *context) {
    const struct endpoint *e = context;
    struct pop3_session *s = mem_zero(sizeof *s);
    s->conn = c;
    s->service = e->service;
    conn_set_timeout(c, LOGIN_TIMEOUT_MS);
    measure_connection(MEASURE_POP3);
    return s;
}

static enum step pop3_step(struct conn *c, void *session, enum event event) {
    struct pop3_session *s = session;
    switch (event) {
    case EVENT_OPEN:
        conn_printf(c, "+OK %s ready\r\n", s->service->hostname);
        return STEP_WAIT;
    case EVENT_INPUT:
    case EVENT_DRAINED:
        return work(s);
    case EVENT_WAKE:
        return STEP_WAIT;
    case EVENT_TIMEOUT:
        say(s, conn_closing(c) ? "-ERR [SYS/TEMP] The server is shutting down" : "-ERR Logged out for inactivity");
        return STEP_CLOSE;
    case EVENT_EOF:
        break;
    }
    return STEP_CLOSE;
}

static void pop3_close(struct conn *c, void *session) {
    struct pop3_session *s = session;
    if (s->account)
        log_event(LOG_LEVEL_INFO, "pop3", "logged out", LOG_ABOUT("client", conn_peer(c)),
                  LOG_ADDRESS("user", str_of(s->user)));
    maildrop_close(s);
    end_exchange(s);
    arena_free(&s->arena);
    free(s->user);
    free(s);
}

const struct protocol pop3_protocol = {"pop3", pop3_open, pop3_step, pop3_close};
