/* A session's conversation with a milter. */
#include "base/clock.h"
#include "filtering/state.h"

#include <arpa/inet.h>
#include <stdlib.h>

enum {
    MAX_PROGRESS = 1000, /* times that a milter may ask for more time */
    GATHER = 64 << 10,   /* bytes that are not answered, before they are sent */
    MAX_TEXT = 300,      /* of an address or name in a packet */
};

static void drop(struct talk *t) {
    milter_close(t->milter);
    free(t->told_client);
    t->milter = NULL;
    t->told_client = NULL;
    t->told_helo = t->in_message = false;
}

/* It broke, or said what can't be understood: the conversation is over. */
static void lost(struct question *q, const struct err *err) {
    struct talk *t = q->talk;
    drop(t);
    if (q->stage < STAGE_MAIL) { /* MAIL tries again */
        decide_note(q, NOTE_WARN, "%s", err->text);
        return;
    }
    t->broken = !q->filter->open && !q->filter->warn_only;
    t->passed = !t->broken;
    decide_failed(q, err);
}

/* ---- one command ---- */

static int time_for(const struct question *q, enum milter_command command) {
    bool content = command == MILTER_BODY || command == MILTER_END || command == MILTER_END_HEADER;
    return content ? q->filter->content_ms : q->filter->command_ms;
}

/* Waits for the answer, as often as it asks for more time. */
static bool receive(struct question *q, int timeout_ms, struct milter_reply *r, struct err *err) {
    for (int i = 0; i < MAX_PROGRESS; i++) {
        if (!milter_receive(q->talk->milter, r, timeout_ms, err))
            return false;
        if (r->kind != MILTER_PROGRESS)
            return true;
    }
    return err_set(err, "it asks for more time without an end");
}

/* Says it with its macros, and reads the answer where the milter gives one to this. */
static bool say(struct question *q, enum milter_command command, struct str data, struct str more, uint32_t silent,
                struct milter_reply *r, struct err *err) {
    struct milter *m = q->talk->milter;
    *r = (struct milter_reply){.kind = MILTER_CONTINUE};
    macros_put(q, command);
    milter_put(m, command, data, more);
    if (!(m->terms.options & silent))
        return receive(q, time_for(q, command), r, err);
    return m->out.n < GATHER || milter_flush(m, time_for(q, command), err);
}

/* ---- what it answers before the end ---- */

/* It is through with this session or message, but what it watches goes on. */
static void go_on_without(struct question *q) {
    if (q->stage < STAGE_MAIL)
        q->talk->done = true;
    else
        q->talk->passed = true;
}

/* Where the filter only warns, its milter believes that it has refused; a recipient alone is not the message. */
static void refused(struct question *q) {
    if (q->v->action == VERDICT_PASS && q->stage != STAGE_RCPT)
        go_on_without(q);
}

static void refuse_with_code(struct question *q, struct str text) {
    struct buf reply = BUF_EMPTY;
    struct err err;
    if (milter_smtp_reply(text, &reply, &err)) {
        decide_refuse(q, buf_str(&reply), "it says so");
        refused(q);
    } else {
        lost(q, &err);
    }
    buf_free(&reply);
}

static void refuse(struct question *q, const char *code, const char *why) {
    decide_refuse(q, arena_printf(q->arena, "%s (filter \"%.*s\")", code, STR_ARG(q->filter->name)), "%s", why);
    refused(q);
}

/* True: go on with what comes next. */
static bool heed(struct question *q, const struct milter_reply *r) {
    struct err err;
    bool only_recipient = q->stage == STAGE_RCPT &&
                          (r->kind == MILTER_REJECT || r->kind == MILTER_TEMPFAIL || r->kind == MILTER_REPLY_CODE);
    if (r->kind != MILTER_CONTINUE && r->kind != MILTER_SKIP && !only_recipient)
        q->talk->following = false;
    switch (r->kind) {
    case MILTER_CONTINUE:
    case MILTER_SKIP:
        return true;
    case MILTER_ACCEPT:
        decide_note(q, NOTE_PASS, "it accepts and does not want to see more");
        go_on_without(q);
        break;
    case MILTER_DISCARD:
        if (q->stage < STAGE_MAIL)
            return true;
        decide_discard(q, "it says so");
        q->talk->passed = true;
        break;
    case MILTER_REJECT:
        refuse(q, q->stage == STAGE_CONNECT ? "554 5.7.1 Refused" : "550 5.7.1 Refused", "it rejects");
        break;
    case MILTER_TEMPFAIL:
    case MILTER_CONNECTION_FAILED:
        refuse(q, "451 4.7.1 Not now, try again later", "it says \"later\"");
        break;
    case MILTER_SHUTDOWN:
        refuse(q, "421 4.7.0 Closing the connection, try again later", "it wants the connection closed");
        break;
    case MILTER_REPLY_CODE:
        refuse_with_code(q, r->text);
        break;
    default:
        err_set(&err, "it sent the reply '%c', which has no place here", r->kind);
        lost(q, &err);
        break;
    }
    return false;
}

/* ---- connecting ---- */

static bool connect_to(struct question *q, bool fresh, struct err *err) {
    struct filter_entry *e = q->entry;
    const struct filter *f = q->filter;
    struct milter *m = fresh ? NULL : idle_take(&e->idle);
    if (m && !stream_is_quiet(m->stream)) { /* it has hung up meanwhile */
        milter_close(m);
        m = NULL;
    }
    if (m) {
        m->used = true;
    } else {
        int64_t begin = clock_monotonic();
        if (!filter_entry_is_alive(e, err))
            return false;
        m = milter_open(&f->endpoint, f->connect_ms, f->command_ms, err);
        if (!m)
            filter_entry_failed(e, begin);
    }
    q->talk->milter = m;
    return m != NULL;
}

/* "name NUL family port address NUL" */
static void put_client(struct question *q, struct buf *out) {
    const char *name = fact_name(q);
    const struct session *s = q->s;
    uint16_t port = htons(fact_port(s));
    if (strcmp(name, "unknown") == 0)
        buf_printf(out, "[%s]", fact_address(s));
    else
        buf_add_str(out, str_sub(str_of(name), 0, MAX_TEXT));
    buf_add_byte(out, 0);
    buf_add_byte(out, s->client.sockaddr.ss_family == AF_INET6 ? '6' : '4');
    buf_add(out, &port, sizeof port);
    buf_add_c(out, fact_address(s));
    buf_add_byte(out, 0);
}

static bool tell_client(struct question *q, struct milter_reply *r, struct err *err) {
    struct talk *t = q->talk;
    struct buf data = BUF_EMPTY;
    bool good = true;
    *r = (struct milter_reply){.kind = MILTER_CONTINUE};
    if (!(t->milter->terms.options & MILTER_NO_CONNECT)) {
        put_client(q, &data);
        good = say(q, MILTER_CONNECT, buf_str(&data), STR(""), MILTER_SILENT_CONNECT, r, err);
    }
    buf_free(&data);
    if (good)
        t->told_client = str_dup(str_of(q->s->client.address));
    return good;
}

/* Begins the conversation, with a kept connection or, where that has gone, a new one. False: it is decided what becomes
 * of the command. */
static bool begin(struct question *q) {
    struct talk *t = q->talk;
    struct milter_reply r;
    struct err err;
    bool good = connect_to(q, false, &err);
    bool used = good && t->milter->used;
    good = good && tell_client(q, &r, &err);
    if (!good && used) {
        drop(t);
        good = connect_to(q, true, &err) && tell_client(q, &r, &err);
    }
    if (!good)
        lost(q, &err);
    return good && heed(q, &r);
}

static bool tell_helo(struct question *q) {
    struct talk *t = q->talk;
    struct milter_reply r;
    struct err err;
    if (t->milter->terms.options & MILTER_NO_HELO) {
        t->told_helo = true;
        return true;
    }
    if (!say(q, MILTER_HELO, str_n(q->s->helo, strlen(q->s->helo) + 1), STR(""), MILTER_SILENT_HELO, &r, &err)) {
        lost(q, &err);
        return false;
    }
    bool on = heed(q, &r);
    t->told_helo = t->milter && q->v->action == VERDICT_PASS; /* what is refused now is refused at MAIL, too */
    return on;
}

/* Has it know the client and its name, whenever it comes in. */
static bool up_to_date(struct question *q, bool new_helo) {
    struct talk *t = q->talk;
    if (t->milter && strcmp(t->told_client, q->s->client.address) != 0)
        milter_end_session(t, q->entry);
    if (t->done || (!t->milter && !begin(q)))
        return false;
    return !q->s->helo || (t->told_helo && !new_helo) || tell_helo(q);
}

/* ---- the envelope ---- */

/* "<address> NUL", then each parameter with NUL. */
static struct str envelope_data(struct question *q, struct str address, struct str parameters) {
    struct buf out = BUF_EMPTY;
    struct str piece;
    buf_add_byte(&out, '<');
    buf_add_str(&out, address);
    buf_add_byte(&out, '>');
    buf_add_byte(&out, 0);
    while (parameters.n && str_split(&parameters, ' ', &piece)) {
        buf_add_str(&out, piece);
        if (piece.n)
            buf_add_byte(&out, 0);
    }
    struct str data = arena_str(q->arena, buf_str(&out));
    buf_free(&out);
    return data;
}

static void tell(struct question *q, enum milter_command command, struct str data, uint32_t skip, uint32_t silent) {
    struct milter_reply r;
    struct err err;
    if (q->talk->milter->terms.options & skip)
        return;
    if (say(q, command, data, STR(""), silent, &r, &err))
        heed(q, &r);
    else
        lost(q, &err);
}

static void at_mail(struct question *q) {
    struct talk *t = q->talk;
    struct transaction *m = &q->s->transaction;
    t->passed = t->broken = false;
    if (!up_to_date(q, false))
        return;
    t->in_message = true;
    t->resting = false;
    t->following = !(t->milter->terms.options & MILTER_NO_MAIL);
    tell(q, MILTER_MAIL, envelope_data(q, m->sender, m->parameters), MILTER_NO_MAIL, MILTER_SILENT_MAIL);
}

static void at_rcpt(struct question *q) {
    tell(q, MILTER_RCPT, envelope_data(q, q->s->candidate->address, q->s->candidate->parameters), MILTER_NO_RCPT,
         MILTER_SILENT_RCPT);
}

/* ---- the message ---- */

/* The value as milters see it: lines end with LF; one blank behind the colon is not part of it, unless they want it. */
static void put_value(const struct milter *m, const struct edit_field *f, struct buf *out) {
    struct str v = edit_value(f);
    if (!(m->terms.options & MILTER_LEADING_SPACE) && v.n && (v.p[0] == ' ' || v.p[0] == '\t'))
        v = str_sub(v, 1, v.n);
    for (size_t i = 0; i < v.n; i++)
        if (v.p[i] != '\r')
            buf_add_byte(out, v.p[i]);
}

static bool tell_header(struct question *q, struct milter_reply *r, struct err *err) {
    struct milter *m = q->talk->milter;
    struct buf data = BUF_EMPTY;
    size_t n;
    const struct edit_field *field = edit_fields(&q->s->transaction.edit, &n);
    bool good = true;
    for (size_t i = 0; good && i < n && r->kind == MILTER_CONTINUE; i++) {
        if (field[i].name.n == 0) /* there is no place for it in their protocol */
            continue;
        buf_reset(&data);
        buf_add_str(&data, field[i].name);
        buf_add_byte(&data, 0);
        put_value(m, &field[i], &data);
        buf_add_byte(&data, 0);
        good = say(q, MILTER_HEADER, buf_str(&data), STR(""), MILTER_SILENT_HEADERS, r, err);
    }
    buf_free(&data);
    if (r->kind == MILTER_SKIP)
        r->kind = MILTER_CONTINUE;
    return good;
}

static bool tell_body(struct question *q, struct milter_reply *r, struct err *err) {
    struct milter *m = q->talk->milter;
    struct str body = q->s->transaction.edit.body;
    if (str_starts(body, STR("\r\n")))
        body = str_sub(body, 2, body.n);
    while (body.n && r->kind == MILTER_CONTINUE) {
        struct str chunk = str_sub(body, 0, MILTER_CHUNK);
        body = str_sub(body, chunk.n, body.n);
        if (!milter_send(m, MILTER_BODY, chunk, q->filter->content_ms, err))
            return false;
        if (!(m->terms.options & MILTER_SILENT_BODY) && !receive(q, q->filter->content_ms, r, err))
            return false;
    }
    if (r->kind == MILTER_SKIP)
        r->kind = MILTER_CONTINUE;
    return true;
}

/* Everything up to the end; *r is what it says, MILTER_CONTINUE to be asked for the end. */
static bool tell_message(struct question *q, struct milter_reply *r, struct err *err) {
    const struct milter *m = q->talk->milter;
    size_t n;
    edit_fields(&q->s->transaction.edit, &n); /* so that the body is known */
    *r = (struct milter_reply){.kind = MILTER_CONTINUE};
    if (!(m->terms.options & MILTER_NO_HEADERS) && !tell_header(q, r, err))
        return false;
    if (!(m->terms.options & MILTER_NO_END_HEADER) && r->kind == MILTER_CONTINUE &&
        !say(q, MILTER_END_HEADER, STR(""), STR(""), MILTER_SILENT_END_HEADER, r, err))
        return false;
    return (m->terms.options & MILTER_NO_BODY) || r->kind != MILTER_CONTINUE || tell_body(q, r, err);
}

static bool is_final(enum milter_reply_kind k) {
    return k == MILTER_CONTINUE || k == MILTER_ACCEPT || k == MILTER_REJECT || k == MILTER_TEMPFAIL ||
           k == MILTER_DISCARD || k == MILTER_REPLY_CODE || k == MILTER_SHUTDOWN || k == MILTER_CONNECTION_FAILED;
}

/* The end: what it wants changed, then its last word. */
static bool ask_for_end(struct question *q, struct changes *c, struct milter_reply *r, struct err *err) {
    if (!say(q, MILTER_END, STR(""), STR(""), 0, r, err))
        return false;
    while (!is_final(r->kind)) {
        if (!changes_keep(q, c, r, err) || !receive(q, q->filter->content_ms, r, err))
            return false;
    }
    q->talk->in_message = q->talk->following = false;
    q->talk->resting = r->kind == MILTER_CONTINUE;
    return true;
}

static void at_end(struct question *q) {
    struct changes c = {.arena = q->arena};
    struct milter_reply r;
    struct err err;
    bool good = ask_for_end(q, &c, &r, &err);
    if (!good)
        lost(q, &err);
    else if (r.kind != MILTER_CONTINUE && r.kind != MILTER_ACCEPT)
        heed(q, &r);
    else if (!changes_apply(q, &c, &err))
        decide_failed(q, &err);
    buf_free(&c.body);
}

static void at_message(struct question *q) {
    struct milter_reply r;
    struct err err;
    uint64_t bytes = message_bytes(q->s);
    if (q->filter->max_size && bytes > q->filter->max_size) {
        decide_note(q, NOTE_PASS, "not shown to it: %llu bytes are over its limit", (unsigned long long)bytes);
        return;
    }
    if (!tell_message(q, &r, &err))
        lost(q, &err);
    else if (heed(q, &r))
        at_end(q);
}

/* ---- all of it ---- */

/* Within a transaction that it does not follow: nothing is said, or, where it must not be without it, refused. */
static bool follows(struct question *q) {
    struct talk *t = q->talk;
    struct err err;
    if (t->broken) {
        err_set(&err, "it failed earlier in this transaction");
        decide_failed(q, &err);
    }
    return t->milter && t->in_message && !t->passed;
}

void milter_examine(struct question *q) {
    if (q->talk->done)
        return;
    switch (q->stage) {
    case STAGE_CONNECT:
        up_to_date(q, false);
        break;
    case STAGE_HELO:
        up_to_date(q, true);
        break;
    case STAGE_MAIL:
        at_mail(q);
        break;
    case STAGE_RCPT:
        if (follows(q))
            at_rcpt(q);
        break;
    case STAGE_DATA:
        if (follows(q) && q->talk->milter->terms.version > 3)
            tell(q, MILTER_DATA, STR(""), MILTER_NO_DATA, MILTER_SILENT_DATA);
        break;
    case STAGE_MESSAGE:
        if (follows(q))
            at_message(q);
        break;
    default:
        break;
    }
}

/* Its answer counts for nothing: the recipient is refused already. */
void milter_hear_refused(struct question *q, struct str address) {
    struct milter_reply r;
    struct err err;
    if (!q->talk->milter || !(q->talk->milter->terms.options & MILTER_REFUSED_RCPTS) ||
        (q->talk->milter->terms.options & MILTER_NO_RCPT) || !follows(q))
        return;
    if (!say(q, MILTER_RCPT, envelope_data(q, address, STR("")), STR(""), MILTER_SILENT_RCPT, &r, &err))
        lost(q, &err);
}

void milter_hear_unknown(struct question *q, struct str line) {
    struct talk *t = q->talk;
    if (t->done || t->passed || !t->milter || t->milter->terms.version < 3)
        return;
    struct str text = arena_str(q->arena, line);
    tell(q, MILTER_UNKNOWN, str_n(text.p, text.n + 1), MILTER_NO_UNKNOWN, MILTER_SILENT_UNKNOWN);
}

void milter_end_transaction(struct talk *t) {
    struct err err;
    if (t->milter && t->in_message) {
        milter_put(t->milter, MILTER_ABORT, STR(""), STR(""));
        if (!milter_flush(t->milter, 1000, &err))
            drop(t);
        t->resting = t->following;
    }
    t->following = false;
    t->in_message = t->passed = t->broken = false;
}

/* The connection serves the next session where the milter knows how. */
void milter_end_session(struct talk *t, struct filter_entry *e) {
    struct milter *m = t->milter;
    struct err err;
    t->milter = NULL;
    if (m && t->resting && m->terms.version >= MILTER_VERSION) {
        milter_put(m, MILTER_QUIT_REUSE, STR(""), STR(""));
        if (milter_flush(m, 1000, &err))
            idle_put(&e->idle, m);
        else
            milter_close(m);
    } else if (m) {
        milter_quit(m);
    }
    drop(t);
    t->done = t->resting = false;
}
