/* MAIL and RCPT: the envelope (RFC 5321 section 3.3). */
#include "base/clock.h"
#include "base/log.h"
#include "directory/address.h"
#include "policy/policy.h"
#include "route/full.h"
#include "route/route.h"
#include "settings.h"
#include "smtpd/parse.h"
#include "smtpd/report.h"
#include "smtpd/session.h"
#include "store/queue.h"
#include "submit/submit.h"

enum {
    MAX_TARGETS = 10000, /* mailboxes and addresses of all recipients of a transaction together */
    MAX_EXCESS = 1000,   /* recipients over the limit: whoever goes on does not listen */
    MAX_REFUSED = 100,   /* recipients refused in a session: it is guessing addresses */
};

static enum step refuse(struct session *s, const char *code, const char *why, struct str about) {
    conn_printf(s->conn, "%s <%.*s>: %s\r\n", code, STR_ARG(shown(about)), why);
    return session_error(s);
}

/* Checks a path and gives local@domain (the domain as A-labels in lower case). The reply is written where it is wrong.
 */
static bool check_path(struct session *s, struct str path, const char *bad_code, struct str *local,
                       struct str *domain) {
    struct arena *a = &s->transaction.arena;
    struct err err;
    struct transaction *t = &s->transaction;
    if (!str_is_ascii(path) && (s->kind == SERVICE_SUBMISSION || s->kind == SERVICE_PICKUP))
        t->smtputf8 = true; /* our own people may leave it to us to say so */
    if (!str_is_ascii(path) && !t->smtputf8) {
        REPLY(s, "553 5.6.7 Addresses beyond ASCII need the parameter SMTPUTF8 of MAIL");
        return false;
    }
    if (address_parse(a, path, local, domain, &err))
        return true;
    conn_printf(s->conn, "%s %s\r\n", bad_code, err.text);
    return false;
}

/* ---- MAIL ---- */

/* The user that is logged in sends under its own addresses only (RFC 6409 section 6.1). */
static bool may_send_as(struct session *s, struct str sender, enum step *step) {
    if (s->kind != SERVICE_SUBMISSION)
        return true;
    switch (submit_may_send_as(s->mta, &s->account, sender)) {
    case SUBMIT_ALLOWED:
        return true;
    case SUBMIT_TEMPORARY:
        REPLY(s, "451 4.3.0 The directory can't be asked just now, try again");
        *step = STEP_WAIT;
        return false;
    default:
        log_event(LOG_LEVEL_INFO, "smtp", "refused", LOG_ADDRESS("from", sender), LOG_WORD("login", s->account.address),
                  LOG_CLIENT(s->client.address), LOG_REPLY(STR("this is not one of its addresses")));
        *step = refuse(s, "553 5.7.1", "this is not one of your addresses", sender);
        return false;
    }
}

/* Programs on this machine may leave out the host. */
static struct str qualify(struct session *s, struct str path) {
    if (s->kind != SERVICE_PICKUP || path.n == 0 || str_chr(path, '@') >= 0)
        return path;
    return arena_printf(&s->transaction.arena, "%.*s@%s", STR_ARG(path), s->mta->hostname);
}

/* Who may send to everybody. */
static bool is_own(const struct session *s) {
    return s->kind == SERVICE_SUBMISSION || s->kind == SERVICE_PICKUP || policy_may_relay(s);
}

static enum step begin_transaction(struct session *s, struct str path, struct str rest) {
    struct transaction *t = &s->transaction;
    enum step step;
    struct str local, domain;
    t->limit = settings_message_size(s->mta, &t->arena);
    t->max_recipients = is_own(s) ? settings_recipients_own(s->mta, &t->arena) : settings_recipients(s->mta, &t->arena);
    t->id = queue_new_id();
    t->parameters = arena_str(&t->arena, rest);
    path = qualify(s, path);
    t->sender = STR("");
    if (!parameters_of_mail(s, rest, &step))
        return step;
    if (path.n) {
        if (!check_path(s, path, "501 5.1.7", &local, &domain))
            return session_error(s);
        t->sender = address_format(&t->arena, local, domain);
    }
    if (!may_send_as(s, t->sender, &step))
        return step;
    if (!stage_pass(s, STAGE_MAIL, &step))
        return step;
    t->open = true;
    t->started_at = clock_monotonic();
    if (s->forwarded)
        session_note(s, "xforward", NOTE_PASS, "%s", s->forwarded);
    REPLY(s, "250 2.1.0 Ok");
    return STEP_WAIT;
}

enum step mail_command(struct session *s, struct str argument) {
    struct str path, rest;
    if (s->transaction.open) {
        REPLY(s, "503 5.5.1 Sender is given already");
        return session_error(s);
    }
    if (s->distrusted) {
        /* A server that passes on odd line ends may pass on what looks like an end of data in a message, too: this
         * could be a command out of a message's text. Who means it connects again. */
        conn_printf(s->conn, "421 %s 4.7.0 A message with wrong line ends came before, connect again\r\n",
                    s->mta->hostname);
        return STEP_CLOSE;
    }
    if (!parse_path(argument, STR("FROM:"), &path, &rest)) {
        REPLY(s, "501 5.5.4 Syntax: MAIL FROM:<address>");
        return session_error(s);
    }
    size_t before = conn_output_pending(s->conn);
    enum step step = begin_transaction(s, path, rest);
    if (!s->transaction.open) {
        report_command(s, "mail", argument, before);
        session_end_transaction(s);
    }
    return step;
}

/* ---- RCPT ---- */

void envelope_add(struct transaction *t, struct envelope_recipient r) {
    if (t->count == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 4;
        struct envelope_recipient *grown = arena_array(&t->arena, cap, sizeof *grown);
        if (t->count)
            memcpy(grown, t->recipient, t->count * sizeof *grown);
        t->recipient = grown;
        t->cap = cap;
    }
    t->recipient[t->count++] = r;
    t->targets += r.route.count;
}

static enum step refuse_recipient(struct session *s, const char *code, const char *why, struct str address) {
    log_event(LOG_LEVEL_INFO, "smtp", "refused", LOG_ADDRESS("to", address), LOG_ADDRESS("from", s->transaction.sender),
              LOG_CLIENT(s->client.address), LOG_WORD("helo", str_of(s->helo)),
              LOG_REPLY(arena_printf(&s->transaction.arena, "%s %s", code, why)));
    conn_printf(s->conn, "%s <%.*s>: %s\r\n", code, STR_ARG(shown(address)), why);
    stage_refused_recipient(s, address, code, why);
    session_slow_down(s, ++s->refused_recipients);
    if (s->refused_recipients < MAX_REFUSED)
        return STEP_WAIT;
    conn_printf(s->conn, "421 %s 4.7.0 Too many refused recipients\r\n", s->mta->hostname);
    return STEP_CLOSE;
}

static enum step route_recipient(struct session *s, struct envelope_recipient r, struct str local, struct str domain) {
    static const struct {
        const char *code, *why;
    } refusal[] = {
        [DIRECTORY_UNKNOWN_DOMAIN] = {"554 5.7.1", "relay access denied"},
        [DIRECTORY_UNKNOWN_RECIPIENT] = {"550 5.1.1", "no such recipient here"},
        [DIRECTORY_DISABLED] = {"550 5.2.1", "mailbox disabled, not accepting messages"},
        [DIRECTORY_LOOP] = {"550 5.4.6", "the address leads to itself"},
        [DIRECTORY_TEMPORARY] = {"451 4.3.0", "the directory can't be asked just now, try again"},
    };
    struct transaction *t = &s->transaction;
    r.address = address_format(&t->arena, local, domain);
    enum directory_status status = route_recipient_of(s->mta, &t->arena, local, domain, is_own(s), &r.route);
    if (status != DIRECTORY_OK)
        return refuse_recipient(s, refusal[status].code, refusal[status].why, r.address);
    if (t->targets + r.route.count > MAX_TARGETS)
        return refuse_recipient(s, "452 4.5.3", "too many recipients, send the rest in another transaction", r.address);
    if (r.route.count == 1 && r.route.target[0].account_id)
        switch (full_check(s->mta, &r.route.target[0], t->size)) {
        case FULL_NEVER_FITS:
            return refuse_recipient(s, "552 5.2.2", "message too big for the mailbox", r.address);
        case FULL_NOW:
            return refuse_recipient(s, "452 4.2.2", "mailbox full", r.address);
        case FULL_NOT:
            break;
        }
    enum step step;
    s->candidate = &r;
    bool welcome = stage_pass(s, STAGE_RCPT, &step);
    s->candidate = NULL;
    if (!welcome)
        return step;
    r.notes = report_take_notes(s);
    envelope_add(t, r);
    REPLY(s, "250 2.1.5 Ok");
    return STEP_WAIT;
}

enum step rcpt_command(struct session *s, struct str argument) {
    struct transaction *t = &s->transaction;
    struct str path, rest, local, domain;
    struct envelope_recipient r = {0};
    enum step step;
    if (!t->open) {
        REPLY(s, "503 5.5.1 Send MAIL first");
        return session_error(s);
    }
    if (!parse_path(argument, STR("TO:"), &path, &rest) || path.n == 0) {
        REPLY(s, "501 5.5.4 Syntax: RCPT TO:<address>");
        return session_error(s);
    }
    r.parameters = rest;
    if (t->chunked) {
        REPLY(s, "503 5.5.1 The message has begun");
        return session_error(s);
    }
    if (!parameters_of_rcpt(s, rest, &r, &step))
        return step;
    if (t->count >= t->max_recipients) { /* RFC 5321 4.5.3.1.10 */
        REPLY(s, "452 4.5.3 Too many recipients, send the rest in another transaction");
        return ++t->excess > MAX_EXCESS ? session_error(s) : STEP_WAIT;
    }
    /* RFC 5321 4.5.1: the postmaster is there without a domain, too */
    if (str_ieq(path, STR("postmaster")))
        path = arena_printf(&t->arena, "postmaster@%s", s->mta->hostname);
    path = qualify(s, path);
    if (!check_path(s, path, "501 5.1.3", &local, &domain))
        return session_error(s);
    return route_recipient(s, r, local, domain);
}
