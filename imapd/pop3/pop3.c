#include "pop3/pop3.h"

#include "base/log.h"
#include "limits.h"
#include "measure.h"
#include "pop3/session.h"
#include "sasl/sasl.h"

#include <stdlib.h>

enum {
    MAX_LINE = 4096,
    MAX_BAD_BEFORE_LOGIN = 10,
};

void pop3_say(struct pop3_session *s, const char *line) {
    conn_write(s->conn, str_of(line));
    conn_write(s->conn, STR("\r\n"));
}

static void say_status(struct pop3_session *s, enum store_status status) {
    pop3_say(s, status == STORE_NOT_FOUND ? "-ERR The message is gone"
                                          : "-ERR [SYS/TEMP] Not possible at the moment, try again later");
}

/* ---- messages ---- */

/* The message that a number names; NULL, and the client was told. */
static struct pop3_message *numbered(struct pop3_session *s, struct str number, uint32_t *i) {
    if (!str_u32(number, i) || *i == 0 || *i > s->count || s->message[*i - 1].deleted) {
        pop3_say(s, "-ERR No such message");
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
    pop3_say(s, "+OK");
    for (i = 0; i < s->count; i++)
        if (!s->message[i].deleted)
            write_line(s, i, uid);
    pop3_say(s, ".");
}

static void command_list(struct pop3_session *s, struct str argument) { list(s, argument, false); }

static void command_uidl(struct pop3_session *s, struct str argument) { list(s, argument, true); }

static void send_message(struct pop3_session *s, uint32_t i, int64_t lines) {
    struct err err;
    enum store_status status = maildrop_send(s, i, lines, &err);
    if (status == STORE_OK)
        pop3_say(s, "+OK");
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
        pop3_say(s, "-ERR TOP needs a message and a number of lines");
    else if (numbered(s, number, &i))
        send_message(s, i, lines);
}

static void command_dele(struct pop3_session *s, struct str argument) {
    uint32_t i;
    struct pop3_message *m = numbered(s, argument, &i);
    if (!m)
        return;
    m->deleted = true;
    pop3_say(s, "+OK");
}

static void command_rset(struct pop3_session *s, struct str argument) {
    (void)argument;
    for (uint32_t i = 0; i < s->count; i++)
        s->message[i].deleted = false;
    pop3_say(s, "+OK");
}

static void command_noop(struct pop3_session *s, struct str argument) {
    (void)argument;
    pop3_say(s, "+OK");
}

/* RFC 1939 section 6. The mailbox is free before the client hears the answer. */
static void command_quit(struct pop3_session *s, struct str argument) {
    struct err err;
    (void)argument;
    s->closing = s->quitting = true;
    enum store_status status = s->account ? maildrop_remove_deleted(s, &err) : STORE_OK;
    if (status == STORE_INVALID)
        log_warn("pop3 user=<%s>: nothing is deleted: %s", s->user, err.text);
    login_leave(s);
    if (status == STORE_OK)
        pop3_say(s, "+OK Goodbye");
    else
        pop3_say(s, "-ERR [SYS/TEMP] Nothing was deleted, try again later");
}

/* ---- the connection ---- */

enum when { BEFORE_LOGIN = 1, LOGGED_IN = 2, ANY = 3 };

static const struct {
    const char *name;
    enum when when;
    void (*run)(struct pop3_session *s, struct str argument);
} commands[] = {
    {"CAPA", ANY, command_capa},          {"STLS", BEFORE_LOGIN, command_stls}, {"UTF8", BEFORE_LOGIN, command_utf8},
    {"LANG", ANY, command_lang},          {"USER", BEFORE_LOGIN, command_user}, {"PASS", BEFORE_LOGIN, command_pass},
    {"AUTH", BEFORE_LOGIN, command_auth}, {"STAT", LOGGED_IN, command_stat},    {"LIST", LOGGED_IN, command_list},
    {"UIDL", LOGGED_IN, command_uidl},    {"RETR", LOGGED_IN, command_retr},    {"TOP", LOGGED_IN, command_top},
    {"DELE", LOGGED_IN, command_dele},    {"RSET", LOGGED_IN, command_rset},    {"NOOP", LOGGED_IN, command_noop},
    {"QUIT", ANY, command_quit},
};

static void run_line(struct pop3_session *s, struct str line) {
    struct str name;
    if (s->sasl) {
        login_answer(s, line);
        return;
    }
    str_split(&line, ' ', &name);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (!str_ieq(name, str_of(commands[i].name)))
            continue;
        if (commands[i].when & (s->account ? LOGGED_IN : BEFORE_LOGIN))
            commands[i].run(s, line.p ? line : STR(""));
        else
            pop3_say(s, s->account ? "-ERR Already logged in" : "-ERR Log in first");
        return;
    }
    pop3_say(s, "-ERR Unknown command");
    s->closing = !s->account && ++s->failures >= MAX_BAD_BEFORE_LOGIN;
}

/* Runs the first line of the input; false where there is none. */
static bool next_line(struct pop3_session *s) {
    struct str in = conn_input(s->conn);
    ptrdiff_t newline = in.n ? str_chr(in, '\n') : -1;
    ptrdiff_t limit = s->sasl || str_istarts(in, STR("AUTH ")) ? SASL_MAX_LINE : MAX_LINE;
    if (newline > limit || (newline < 0 && in.n > (size_t)limit)) {
        pop3_say(s, "-ERR The line is too long");
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
            pop3_say(s, "-ERR [SYS/TEMP] The server is shutting down");
            return STEP_CLOSE;
        }
        if (s->closing)
            return s->quitting ? STEP_QUIT : STEP_CLOSE;
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
    if (!limits_take_address(e->service->limits, conn_peer(c))) {
        log_event(LOG_LEVEL_INFO, "pop3", "refused, too many connections", LOG_ABOUT("client", conn_peer(c)));
        conn_write(c, STR("-ERR [SYS/TEMP] Too many connections from your address\r\n"));
        return NULL;
    }
    struct pop3_session *s = mem_zero(sizeof *s);
    s->conn = c;
    s->service = e->service;
    conn_set_timeout(c, limits_login_ms(s->service->limits));
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
        if (s->sending.card) /* within a message there is no place for a word; at a stop it may go out first */
            return conn_closing(c) ? STEP_DRAIN : STEP_CLOSE;
        pop3_say(s, conn_closing(c) ? "-ERR [SYS/TEMP] The server is shutting down" : "-ERR Logged out for inactivity");
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
    login_leave(s);
    limits_give_address(s->service->limits, conn_peer(c));
    maildrop_close(s);
    login_end_exchange(s);
    arena_free(&s->arena);
    free(s->user);
    free(s);
}

const struct protocol pop3_protocol = {"pop3", pop3_open, pop3_step, pop3_close};
