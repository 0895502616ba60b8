#include "imap/session.h"

#include "base/log.h"
#include "imap/access.h"
#include "imap/append.h"
#include "imap/auth.h"
#include "imap/command.h"
#include "imap/idle.h"
#include "imap/notify.h"
#include "limits.h"
#include "measure.h"

#include <stdlib.h>

enum {
    MAX_COMMAND_BEFORE_LOGIN = 8 * 1024,
    MAX_COMMAND = 64 * 1024,
    MAX_LITERALS_BEFORE_LOGIN = 10,
    MAX_LITERALS = 1000,
    MAX_BAD_BEFORE_LOGIN = 10,
};

/* ---- gathering ---- */

enum gathered {
    PARTIAL,  /* more has to come */
    COMPLETE, /* *length bytes are a command */
    TAKEN,    /* dealt with here: look again */
};

static enum gathered give_up(struct session *s, const char *why) {
    conn_printf(s->conn, "* BYE %s\r\n", why);
    s->closing = true;
    return TAKEN;
}

/* The command is over before its literal: the client has not sent that, since it was not asked to. */
static enum gathered refuse_literal(struct session *s, struct str head) {
    struct parser p = {.in = head, .arena = &s->arena};
    struct str tag = STR("*");
    parse_tag(&p, &tag);
    conn_printf(s->conn, "%.*s NO [TOOBIG] The literal is too large\r\n", STR_ARG(tag));
    conn_consume(s->conn, head.n);
    s->scanned = s->searched = 0;
    return TAKEN;
}

/* A line of the command ends with a literal's announcement at `line_end` (behind its line end). */
static enum gathered take_announcement(struct session *s, struct str in, size_t line_end, uint64_t size, bool unasked) {
    size_t limit = s->state == NOT_AUTHENTICATED ? MAX_COMMAND_BEFORE_LOGIN : MAX_COMMAND;
    struct str head = str_sub(in, 0, line_end);
    if (s->state != NOT_AUTHENTICATED && append_starts(s, head, size, unasked))
        return TAKEN;
    if (++s->literals > (s->state == NOT_AUTHENTICATED ? MAX_LITERALS_BEFORE_LOGIN : MAX_LITERALS))
        return give_up(s, "Too many literals");
    if (size > limit || line_end + size > limit)
        return unasked ? give_up(s, "A literal is too large") : refuse_literal(s, head);
    if (!unasked)
        conn_write(s->conn, STR("+ OK\r\n"));
    s->scanned = s->searched = line_end + (size_t)size;
    return PARTIAL;
}

/* Looks for the end of the command at the start of the input. What was looked at is not looked at again. */
static enum gathered gather(struct session *s, struct str in, size_t *length) {
    size_t limit = s->state == NOT_AUTHENTICATED ? MAX_COMMAND_BEFORE_LOGIN : MAX_COMMAND;
    while (s->searched < in.n) {
        ptrdiff_t newline = str_chr(str_sub(in, s->searched, in.n), '\n');
        if (newline < 0)
            break;
        size_t end = s->searched + (size_t)newline + 1, text = end - 1;
        if (text > s->scanned && in.p[text - 1] == '\r')
            text--;
        uint64_t size;
        bool unasked;
        if (!parse_literal_announced(str_sub(in, s->scanned, text - s->scanned), &size, &unasked)) {
            *length = end;
            return end > limit + 2 ? give_up(s, "The command is too long") : COMPLETE;
        }
        if (take_announcement(s, in, end, size, unasked) == TAKEN)
            return TAKEN;
    }
    if (in.n > s->searched)
        s->searched = in.n;
    if (in.n > limit || conn_input_full(s->conn))
        return give_up(s, "The command is too long");
    return PARTIAL;
}

/* ---- running ---- */

static enum outcome bad_before_login(struct session *s, enum outcome o) {
    if (s->state == NOT_AUTHENTICATED && ++s->failures >= MAX_BAD_BEFORE_LOGIN)
        give_up(s, "Too many errors");
    return o;
}

static bool parse_command(struct session *s, struct parser *p) {
    struct str tag, name;
    s->tag = STR("*");
    s->uid = false;
    if (!parse_tag(p, &tag))
        return false;
    s->tag = arena_str(&s->arena, tag);
    if (!parse_space(p) || !parse_atom(p, &name))
        return false;
    if (str_ieq(name, STR("UID"))) {
        s->uid = true;
        if (!parse_space(p) || !parse_atom(p, &name))
            return false;
    }
    s->command = command_find(name, s->uid);
    return s->command || parse_fail(p, "Unknown command");
}

static const char *wrong_state(const struct session *s) {
    switch (s->state) {
    case NOT_AUTHENTICATED:
        return "Log in first";
    case AUTHENTICATED:
        return s->command->states & NOT_AUTHENTICATED ? "Already logged in" : "Select a mailbox first";
    default:
        return "Not with a mailbox selected";
    }
}

static enum outcome run_command(struct session *s, struct str bytes) {
    struct parser p = {.in = bytes, .arena = &s->arena, .utf8 = s->utf8, .uid_only = s->uid_only};
    s->command = NULL;
    if (!parse_command(s, &p))
        return bad_before_login(s, session_syntax(s, &p));
    if (s->state != NOT_AUTHENTICATED && !auth_still_valid(s))
        return give_up(s, "The account is not active any more"), COMMAND_DONE;
    if (s->state == SELECTED && !access_still_valid(s))
        return give_up(s, "The mailbox may not be read any more"), COMMAND_DONE;
    if (!(s->command->states & s->state))
        return bad_before_login(s, session_bad(s, "%s", wrong_state(s)));
    if (s->command->flags & USES_SEQUENCE && !s->uid && !parse_numbers_allowed(&p)) /* RFC 9586 section 3.2 */
        return session_bad(s, "%s", p.error);
    enum outcome o = s->command->run(s, &p);
    return p.error ? bad_before_login(s, o) : o;
}

/* Runs the command at the start of the input; false where there is none yet. */
static bool next_command(struct session *s, enum outcome *o) {
    struct str in = conn_input(s->conn);
    size_t length = 0;
    *o = COMMAND_DONE;
    switch (in.n ? gather(s, in, &length) : PARTIAL) {
    case PARTIAL:
        return false;
    case TAKEN:
        if (s->take_input)
            *o = COMMAND_INPUT;
        return true;
    case COMPLETE:
        break;
    }
    s->command_bytes = length;
    *o = run_command(s, str_sub(in, 0, length));
    conn_consume(s->conn, length);
    s->command_bytes = s->scanned = s->searched = 0;
    return true;
}

static void end_command(struct session *s) {
    s->resume = NULL;
    s->abandon = NULL;
    s->take_input = NULL;
    s->job = NULL;
    s->command = NULL;
    s->literals = 0;
    s->limited_at = 0;
    s->progress.goal = 0;
    s->own_mailbox = (struct str){NULL, 0};
    s->own_messages = (struct uid_range){0, 0};
    arena_reset(&s->arena);
}

/* At rest a session holds nothing that a command needed. */
static enum step rest(struct session *s) {
    if (s->closing)
        return STEP_CLOSE;
    if (!s->take_input || s->idling)
        arena_free(&s->arena);
    return STEP_WAIT;
}

static enum step work(struct session *s) {
    for (;;) {
        enum outcome o;
        bool takes_input = s->take_input != NULL;
        if (s->closing)
            return STEP_CLOSE;
        if (s->start_tls) {
            s->start_tls = false;
            arena_free(&s->arena);
            return STEP_TLS;
        }
        if (s->layer != STEP_WAIT) {
            enum step step = s->layer;
            s->layer = STEP_WAIT;
            arena_free(&s->arena);
            return step;
        }
        if (conn_output_pending(s->conn) > OUTPUT_HIGH)
            return STEP_DRAIN;
        if (s->resume)
            o = s->resume(s);
        else if (takes_input)
            o = s->take_input(s);
        else if (conn_closing(s->conn))
            return give_up(s, "The server is shutting down"), STEP_CLOSE;
        else if (!next_command(s, &o))
            return rest(s);
        if (o == COMMAND_MORE)
            return STEP_DRAIN;
        if (o == COMMAND_INPUT && takes_input)
            return rest(s);
        if (o == COMMAND_DONE)
            end_command(s);
    }
}

/* ---- the protocol ---- */

static void *imap_open(struct conn *c, void *context) {
    const struct endpoint *e = context;
    if (!limits_take_address(e->service->limits, conn_peer(c))) {
        log_event(LOG_LEVEL_INFO, "imap", "refused, too many connections", LOG_ABOUT("client", conn_peer(c)));
        conn_write(c, STR("* BYE [LIMIT] Too many connections from your address\r\n"));
        return NULL;
    }
    struct session *s = mem_zero(sizeof *s);
    s->conn = c;
    s->service = e->service;
    s->trusted = e->trusted;
    s->state = NOT_AUTHENTICATED;
    conn_set_timeout(c, limits_login_ms(s->service->limits));
    measure_connection(MEASURE_IMAP);
    return s;
}

static enum step greet(struct session *s) {
    struct buf *out = session_out(s);
    buf_add_c(out, "* OK [CAPABILITY ");
    session_capabilities(s, out);
    buf_printf(out, "] %s ready\r\n", s->service->hostname);
    return STEP_WAIT;
}

static enum step timed_out(struct session *s) {
    /* In the middle of an answer there is no place for a word: at a stop it may go out first, as long as that lasts;
     * else the client does not read it. */
    if (s->resume)
        return conn_closing(s->conn) ? STEP_DRAIN : STEP_CLOSE;
    if (conn_closing(s->conn))
        conn_write(s->conn, STR("* BYE The server is shutting down\r\n"));
    else if (s->idling && auth_still_valid(s) && idle_still_here(s))
        return STEP_WAIT;
    else
        conn_write(s->conn, STR("* BYE Logged out for inactivity\r\n"));
    return STEP_CLOSE;
}

static enum step imap_step(struct conn *c, void *session, enum event event) {
    struct session *s = session;
    (void)c;
    switch (event) {
    case EVENT_OPEN:
        return greet(s);
    case EVENT_INPUT:
    case EVENT_DRAINED:
        return work(s);
    case EVENT_WAKE:
        if (s->state != NOT_AUTHENTICATED && !auth_still_valid(s))
            give_up(s, "The account is not active any more");
        else if (s->idling && s->client && !access_still_valid(s))
            give_up(s, "The mailbox may not be read any more");
        else if (s->idling)
            idle_changed(s);
        else
            notify_wake(s);
        return rest(s);
    case EVENT_TIMEOUT:
        return timed_out(s);
    case EVENT_EOF:
        break;
    }
    return STEP_CLOSE;
}

static void imap_close(struct conn *c, void *session) {
    struct session *s = session;
    if (s->login)
        log_event(LOG_LEVEL_INFO, "imap", "logged out", LOG_ABOUT("client", conn_peer(c)),
                  LOG_ADDRESS("user", str_of(s->login)));
    auth_leave(s);
    limits_give_address(s->service->limits, conn_peer(c));
    if (s->abandon)
        s->abandon(s);
    append_cancel(s);
    auth_end_exchange(s);
    session_unselect(s);
    idle_forget(s);
    notify_forget(s);
    arena_free(&s->arena);
    free(s->login);
    free(s);
}

const struct protocol imap_protocol = {"imap", imap_open, imap_step, imap_close};
