#include "smtpd/report.h"

#include "base/clock.h"
#include "measure/measure.h"
#include "smtpd/parse.h"
#include "smtpd/session.h"
#include "store/queue.h"
#include "trace/trace.h"

#include <stdio.h>

enum { MAX_REPLY = 1000 };

/* ---- notes ---- */

struct notes *report_notes(struct session *s) {
    struct transaction *t = &s->transaction;
    return s->candidate ? &t->candidate_notes : t->id ? &t->notes : &s->notes;
}

struct str report_take_notes(struct session *s) {
    struct transaction *t = &s->transaction;
    struct str text = {NULL, 0};
    if (t->candidate_notes.text.n)
        text = arena_str(&t->arena, buf_str(&t->candidate_notes.text));
    notes_free(&t->candidate_notes);
    return text;
}

/* All that was decided about a recipient; the decisions about all of them where `general` says so. */
static void join_notes(const struct session *s, bool general, struct str own, struct buf *out) {
    buf_reset(out);
    if (general) {
        notes_join(&s->notes, out);
        notes_join(&s->transaction.notes, out);
    }
    struct notes n = {.text = {(char *)own.p, own.n, 0}};
    notes_join(&n, out);
    notes_end(out);
}

/* ---- rows ---- */

static const char *service_name(const struct session *s) {
    switch (s->kind) {
    case SERVICE_SUBMISSION:
        return "submission";
    case SERVICE_LMTP:
        return "lmtp";
    case SERVICE_PICKUP:
        return "local";
    case SERVICE_RELAY:
        break;
    }
    return "smtp";
}

struct report {
    struct session *s;
    struct trace_message m;
    struct buf notes;
    struct str domain; /* of the row before */
    bool began;
    char tls[96];
};

static void begin(struct report *r, struct session *s, const char *stage, struct str message_id) {
    const struct transaction *t = &s->transaction;
    *r = (struct report){.s = s};
    if (conn_is_tls(s->conn))
        snprintf(r->tls, sizeof r->tls, "%s %s", conn_tls_version(s->conn), conn_tls_cipher(s->conn));
    r->m = (struct trace_message){.id = t->id ? t->id : queue_new_id(),
                                  .service = service_name(s),
                                  .client = str_of(strcmp(s->client.address, "unix") ? s->client.address : ""),
                                  .client_name = str_of(s->client.name),
                                  .helo = str_of(s->helo),
                                  .tls = str_of(r->tls),
                                  .sender = t->sender,
                                  .message_id = message_id,
                                  .size = t->message.size,
                                  .stage = stage};
    if (s->authenticated) {
        r->m.login = s->account.address;
        r->m.sender_tenant_id = s->account.tenant_id;
        r->m.sender_domain_id = s->account.domain_id;
    }
}

static void end(struct report *r) {
    buf_free(&r->notes);
    r->s->refused_by[0] = 0;
}

static void add(struct report *r, struct trace_recipient to, struct str own_notes) {
    struct session *s = r->s;
    ptrdiff_t at = str_rchr(to.recipient, '@');
    struct str domain = at < 0 ? STR("") : str_sub(to.recipient, (size_t)at + 1, to.recipient.n);
    bool general = !r->began || !str_ieq(domain, r->domain); /* whoever may see one domain only sees them, too */
    join_notes(s, general, own_notes, &r->notes);
    to.n = s->transaction.reported++;
    to.notes = buf_str(&r->notes);
    if (to.outcome == TRACE_REFUSED && !to.rule && s->refused_by[0])
        to.rule = s->refused_by;
    measure_recipient(to.outcome);
    trace_add(s->mta->trace, &r->m, &to);
    r->domain = domain;
    r->began = true;
}

/* The same for all recipients so far; one row without where there are none. */
static void add_all(struct report *r, enum trace_outcome outcome, struct str reply) {
    const struct transaction *t = &r->s->transaction;
    for (size_t i = 0; i < t->count; i++)
        add(r, (struct trace_recipient){.recipient = t->recipient[i].address, .outcome = outcome, .reply = reply},
            t->recipient[i].notes);
    if (t->count == 0)
        add(r, (struct trace_recipient){.outcome = outcome, .reply = reply}, (struct str){NULL, 0});
}

/* ---- commands ---- */

/* "550 5.7.1 A\r\n" or several lines: without line ends. */
static struct str reply_of(struct session *s, size_t before, char out[MAX_REPLY]) {
    struct str all = buf_str(conn_output(s->conn));
    struct str said = str_trim(str_sub(all, before, all.n));
    size_t n = 0;
    for (size_t i = 0; i < said.n && n < MAX_REPLY; i++)
        if (said.p[i] != '\r')
            out[n++] = said.p[i] == '\n' ? ' ' : said.p[i];
    return str_n(out, n);
}

/* Not: a command that was out of place or not understood, and that TLS or a login is needed first. */
static bool refuses(struct str reply) {
    static const char *const mistakes[] = {"500", "502", "503", "504", "530"};
    if (reply.n < 4 || (reply.p[0] != '4' && reply.p[0] != '5'))
        return false;
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++)
        if (str_starts(reply, str_of(mistakes[i])))
            return false;
    return !str_starts(reply, STR("501")) || str_starts(reply, STR("501 5.1."));
}

static struct str path_in(struct str argument, const char *word) {
    struct str path, rest;
    return parse_path(argument, str_of(word), &path, &rest) ? path : STR("");
}

void report_command(struct session *s, const char *stage, struct str argument, size_t before) {
    char text[MAX_REPLY];
    struct str reply = reply_of(s, before, text);
    if (!refuses(reply))
        return;
    struct report r;
    begin(&r, s, stage, STR(""));
    measure_refusal(str_of(s->refused_by[0] ? s->refused_by : stage));
    if (strcmp(stage, "mail") == 0 && r.m.sender.n == 0)
        r.m.sender = path_in(argument, "FROM:");
    if (strcmp(stage, "rcpt") == 0) {
        add(&r,
            (struct trace_recipient){.recipient = path_in(argument, "TO:"), .outcome = TRACE_REFUSED, .reply = reply},
            buf_str(&s->transaction.candidate_notes.text));
        notes_free(&s->transaction.candidate_notes);
    } else {
        add_all(&r, TRACE_REFUSED, reply);
    }
    end(&r);
}

/* ---- messages ---- */

static void measure(const struct session *s, enum trace_outcome outcome) {
    measure_message(outcome, s->transaction.message.size, clock_monotonic() - s->transaction.started_at);
}

void report_refused(struct session *s, struct str message_id, const char *reply) {
    struct report r;
    begin(&r, s, "message", message_id);
    measure_refusal(str_of(s->refused_by[0] ? s->refused_by : "message"));
    measure(s, TRACE_REFUSED);
    add_all(&r, TRACE_REFUSED, str_of(reply));
    end(&r);
}

void report_discarded(struct session *s, struct str message_id) {
    struct report r;
    begin(&r, s, "message", message_id);
    measure(s, TRACE_DISCARDED);
    add_all(&r, TRACE_DISCARDED, STR(""));
    end(&r);
}

void report_begin(const struct session *s) {
    measure_connection(s->kind == SERVICE_SUBMISSION ? MEASURE_SUBMISSION
                       : s->kind == SERVICE_LMTP     ? MEASURE_LMTP
                       : s->kind == SERVICE_PICKUP   ? MEASURE_LOCAL
                                                     : MEASURE_SMTP);
}

void report_end(struct session *s) {
    if ((s->input != INPUT_DATA && s->input != INPUT_CHUNK) || !s->transaction.open)
        return;
    struct report r;
    begin(&r, s, "data", STR(""));
    measure(s, TRACE_LOST);
    add_all(&r, TRACE_LOST, STR("the connection ended within the data"));
    end(&r);
}

static void add_delivery(struct report *r, const struct envelope_recipient *to, const struct store_delivery *d,
                         struct str target, const char *why, bool by_mail) {
    struct trace_recipient row = {.recipient = to->address, .target = target, .outcome = TRACE_DELIVERED};
    row.mailbox = d->mailbox.p ? d->mailbox : STR("INBOX");
    if (why) {
        row.outcome = by_mail ? TRACE_BOUNCED : TRACE_REFUSED;
        row.reply = str_of(why);
        row.mailbox = STR("");
    }
    add(r, row, to->notes);
}

/* Where a recipient led to several targets, each is a row; also where another recipient leads to the same. */
static void add_local(struct report *r, const struct envelope_recipient *to, const struct plan *plan,
                      const char *const *why, bool by_mail) {
    for (size_t k = 0; k < to->route.count; k++) {
        const struct directory_target *target = &to->route.target[k];
        if (!target->account_id)
            continue;
        const struct store_delivery *d = plan_delivery(plan, target->account_id);
        add_delivery(r, to, d, target->address, why[d - plan->delivery], by_mail);
    }
}

static struct str notes_of(const struct transaction *t, struct str recipient) {
    for (size_t i = 0; i < t->count && i < 100; i++)
        if (str_ieq(t->recipient[i].address, recipient))
            return t->recipient[i].notes;
    return (struct str){NULL, 0};
}

void report_accepted(struct session *s, struct str message_id, const struct plan *plan, const char *const *why,
                     bool by_mail) {
    const struct transaction *t = &s->transaction;
    struct report r;
    begin(&r, s, "message", message_id);
    measure(s, plan->delivery_count ? TRACE_DELIVERED : TRACE_QUEUED);
    for (size_t i = 0; i < t->count; i++) {
        if (t->recipient[i].removed)
            add(&r, (struct trace_recipient){.recipient = t->recipient[i].address, .outcome = TRACE_DISCARDED},
                t->recipient[i].notes);
        else
            add_local(&r, &t->recipient[i], plan, why, by_mail);
    }
    for (size_t i = 0; i < plan->remote_count; i++) {
        const struct store_queued_recipient *q = &plan->remote[i];
        struct str given = q->original.n ? q->original : q->address;
        add(&r, (struct trace_recipient){.recipient = given, .target = q->address, .outcome = TRACE_QUEUED},
            notes_of(t, given));
    }
    end(&r);
}
