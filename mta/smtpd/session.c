#include "smtpd/session.h"

#include "base/clock.h"
#include "base/log.h"
#include "policy/policy.h"
#include "settings.h"
#include "smtpd/report.h"

#include <stdlib.h>

enum {
    COMMAND_MS = 300 * 1000, /* RFC 5321 4.5.3.2.7: at least five minutes */
    MAX_LINE = 12288,        /* the longest of any command: AUTH (RFC 4954 section 4) */
    SLOW_MS = 1000,          /* for an answer, after too many errors */
};

bool session_is_secure(const struct session *s) {
    return conn_is_tls(s->conn) || strcmp(conn_peer(s->conn), "unix") == 0;
}

void session_set_client(struct session *s, const struct sockaddr_storage *address) {
    s->client = (struct session_client){.sockaddr = *address};
    sockaddr_text(address, s->client.address);
}

void session_end_transaction(struct session *s) {
    struct transaction *t = &s->transaction;
    stage_end_transaction(s);
    notes_free(&t->notes);
    notes_free(&t->candidate_notes);
    message_end(&t->message);
    arena_free(&t->arena); /* so that a session at rest holds no memory for mail */
    if (t->open) {
        free(s->forwarded);
        s->forwarded = NULL;
    }
    *t = (struct transaction){.message.fd = -1};
}

static enum step say_goodbye(struct session *s, const char *why) {
    conn_printf(s->conn, "421 %s %s\r\n", s->mta->hostname, why);
    return STEP_CLOSE;
}

void session_slow_down(struct session *s, uint32_t mistakes) {
    struct arena a = ARENA_EMPTY;
    s->slow = s->slow || (policy_may_slow_down(s) && mistakes > settings_soft_errors(s->mta, &a));
    arena_free(&a);
}

enum step session_error(struct session *s) {
    struct arena a = ARENA_EMPTY;
    uint32_t most = settings_hard_errors(s->mta, &a);
    arena_free(&a);
    session_slow_down(s, ++s->errors);
    if (s->errors < most)
        return STEP_WAIT;
    log_info("smtp: too many errors from [%s]", s->client.address);
    return say_goodbye(s, "4.7.0 Too many errors");
}

void session_note(struct session *s, const char *rule, enum note note, const char *fmt, ...) {
    static const char *const word[] = {[NOTE_PASS] = "pass", [NOTE_WARN] = "warn", [NOTE_REFUSE] = "refuse"};
    struct buf text = BUF_EMPTY;
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    log_debug("smtp: %s %s client=[%s]: %s", rule, word[note], s->client.address, text.p);
    notes_add(report_notes(s), clock_now(), rule, word[note], buf_str(&text));
    if (note == NOTE_REFUSE)
        str_to_c(str_of(rule), s->refused_by, sizeof s->refused_by);
    buf_free(&text);
}

/* ---- input ---- */

static enum step line_error(struct session *s, struct str line, const char *why) {
    s->input = INPUT_COMMAND; /* an exchange of AUTH that it was part of is over */
    auth_end(s);
    conn_printf(s->conn, "500 5.5.2 %s\r\n", why);
    if (str_istarts(line, STR("BDAT"))) /* what follows is not known to be a command */
        return STEP_CLOSE;
    return session_error(s);
}

/* A complete line with its LF. Only CR LF ends a command (RFC 5321 2.3.8). */
static enum step take_line(struct session *s, struct str line) {
    if (line.n < 2 || line.p[line.n - 2] != '\r')
        return line_error(s, line, "Lines end with CR LF, not with LF alone");
    line.n -= 2;
    if (str_chr(line, '\r') >= 0)
        return line_error(s, line, "There is a CR within the line");
    if (str_chr(line, 0) >= 0)
        return line_error(s, line, "There is a NUL within the line");
    if (line.n + 2 > MAX_LINE)
        return line_error(s, line, "Line too long");
    if (s->input != INPUT_COMMAND)
        return auth_answer(s, line);
    if (line.n + 2 > command_line_limit(line))
        return line_error(s, line, "Line too long");
    return command_run(s, line);
}

/* Takes one line of the input, if there is one; *progress says whether. */
static enum step next_line(struct session *s, struct str in, bool *progress) {
    ptrdiff_t lf = str_chr(in, '\n');
    if (s->input == INPUT_REST_OF_LINE) {
        conn_consume(s->conn, lf < 0 ? in.n : (size_t)lf + 1);
        *progress = lf >= 0;
        if (lf < 0)
            return STEP_WAIT;
        return line_error(s, STR(""), "Line too long");
    }
    if (lf < 0) {
        *progress = in.n > MAX_LINE;
        if (*progress && str_istarts(in, STR("BDAT")))
            return line_error(s, in, "Line too long");
        if (*progress)
            s->input = INPUT_REST_OF_LINE;
        return STEP_WAIT;
    }
    s->more_input = in.n > (size_t)lf + 1;
    enum step step = take_line(s, str_sub(in, 0, (size_t)lf + 1));
    conn_consume(s->conn, (size_t)lf + 1);
    *progress = true;
    return step;
}

static enum step take_data(struct session *s, struct str in) {
    struct transaction *t = &s->transaction;
    enum step step = STEP_WAIT;
    bool end;
    size_t before = t->message.bytes.n;
    size_t taken = data_scan(&t->scanner, in, &t->message.bytes, &end);
    message_appended(&t->message, before, t->limit, s->mta->spool);
    conn_consume(s->conn, taken);
    if (end) {
        s->input = INPUT_COMMAND;
        step = accept_message(s);
        session_end_transaction(s);
    }
    return step;
}

/* A message is coming in. */
static bool in_message(const struct session *s) {
    return s->input == INPUT_DATA || s->input == INPUT_CHUNK || s->transaction.chunked;
}

/* Keeps the answers back for a while, without a worker that waits for it. */
static enum step hold_answers(struct session *s) {
    struct buf *out = conn_output(s->conn);
    s->slow = false;
    if (out->n == 0)
        return STEP_WAIT;
    buf_add_str(&s->held, buf_str(out));
    buf_reset(out);
    conn_set_timeout(s->conn, SLOW_MS);
    return STEP_WAIT;
}

static enum step release_answers(struct session *s) {
    conn_write(s->conn, buf_str(&s->held));
    buf_free(&s->held);
    conn_set_timeout(s->conn, COMMAND_MS);
    return STEP_WAIT;
}

/* Works off what has come in. Replies gather meanwhile and leave together (RFC 2920 section 3.2). */
static enum step take_input(struct session *s) {
    bool progress = true;
    while (progress) {
        struct str in = conn_input(s->conn);
        if (in.n == 0)
            break;
        enum step step = s->input == INPUT_DATA    ? take_data(s, in)
                         : s->input == INPUT_CHUNK ? chunk_take(s, in)
                                                   : next_line(s, in, &progress);
        if (step != STEP_WAIT)
            return step;
        if (s->slow)
            return hold_answers(s);
        if (s->input == INPUT_GREETING)
            return STEP_WAIT;
        if (conn_closing(s->conn) && !in_message(s))
            return say_goodbye(s, "4.3.2 Service is shutting down, come back later");
    }
    return STEP_WAIT;
}

/* ---- the protocol ---- */

static void *smtpd_open(struct conn *c, void *context) {
    const struct service *service = context;
    struct session *s = mem_zero(sizeof *s);
    s->conn = c;
    s->mta = service->mta;
    s->kind = service->kind;
    session_set_client(s, conn_peer_address(c));
    s->transaction.message.fd = -1;
    s->local_user = -1;
    if (s->kind == SERVICE_PICKUP)
        conn_peer_user(c, &s->local_user);
    s->input = INPUT_COMMAND;
    conn_set_timeout(c, COMMAND_MS);
    report_begin(s);
    return s;
}

static enum step say_hello(struct session *s) {
    s->input = INPUT_COMMAND;
    conn_set_timeout(s->conn, COMMAND_MS);
    conn_printf(s->conn, "220 %s %s Mansio\r\n", s->mta->hostname, s->kind == SERVICE_LMTP ? "LMTP" : "ESMTP");
    return STEP_WAIT;
}

enum step session_greet(struct session *s) {
    enum step refused;
    if (!stage_pass(s, STAGE_CONNECT, &refused)) {
        report_command(s, "connect", STR(""), 0);
        return STEP_CLOSE;
    }
    int delay = policy_greet_delay(s);
    if (delay == 0)
        return say_hello(s);
    s->input = INPUT_GREETING;
    conn_set_timeout(s->conn, delay);
    return STEP_WAIT;
}

/* Something came while the client had to wait. */
static enum step early_input(struct session *s) {
    if (conn_input(s->conn).n == 0)
        return STEP_WAIT;
    size_t before = conn_output_pending(s->conn);
    if (policy_early_talker(s)) {
        report_command(s, "connect", STR(""), before);
        return STEP_CLOSE;
    }
    say_hello(s);
    return take_input(s);
}

static enum step smtpd_step(struct conn *c, void *session, enum event event) {
    struct session *s = session;
    switch (event) {
    case EVENT_OPEN:
        return session_greet(s);
    case EVENT_TIMEOUT:
        if (!conn_closing(c) && s->held.n)
            return release_answers(s);
        if (!conn_closing(c) && s->input == INPUT_GREETING) {
            policy_has_waited(s);
            return say_hello(s);
        }
        if (!conn_closing(c))
            return say_goodbye(s, "4.4.2 Nothing came for a long time, closing");
        if (in_message(s)) /* the transaction that is under way may end */
            return STEP_WAIT;
        return say_goodbye(s, "4.3.2 Service is shutting down, come back later");
    case EVENT_EOF:
        return STEP_CLOSE; /* what was not ended by its last dot is nothing */
    default:
        if (s->held.n)
            return STEP_WAIT;
        return s->input == INPUT_GREETING ? early_input(s) : take_input(s);
    }
}

static void smtpd_close(struct conn *c, void *session) {
    (void)c;
    struct session *s = session;
    report_end(s);
    session_end_transaction(s);
    notes_free(&s->notes);
    stage_close(s);
    arena_free(&s->arena);
    arena_free(&s->account_arena);
    buf_free(&s->chunk.refusal);
    auth_end(s);
    buf_free(&s->held);
    free(s->helo);
    free(s->forwarded);
    free(s);
}

const struct protocol smtpd_protocol = {"smtp", smtpd_open, smtpd_step, smtpd_close};
