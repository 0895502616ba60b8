/* The end of the data: is it a message, may it pass, where does it go, and what is the answer (RFC 5321 section 6.1).
 */
#include "base/clock.h"
#include "base/log.h"
#include "deposit/deposit.h"
#include "directory/address.h"
#include "hops/hops.h"
#include "mime/mime.h"
#include "queue/runner.h"
#include "route/full.h"
#include "sender/sender.h"
#include "settings.h"
#include "smtpd/acceptance.h"
#include "smtpd/report.h"
#include "submit/submit.h"

#include <stdio.h>

/* Of a message's header: whoever reads one, here and in mail programs, holds it in memory. */
enum { MAX_HEADER = 1 << 20 };

/* ---- replies: LMTP has one for each recipient (RFC 2033 section 4.2) ---- */

static size_t answers(const struct acceptance *x) {
    size_t n = 0;
    for (size_t i = 0; i < x->t->count; i++)
        n += !x->t->recipient[i].added;
    return x->s->kind == SERVICE_LMTP ? n : 1;
}

static void answer_all(struct acceptance *x, const char *line) {
    for (size_t i = answers(x); i > 0; i--)
        conn_printf(x->s->conn, "%s\r\n", line);
}

static bool refused(struct acceptance *x, const char *line) {
    log_event(LOG_LEVEL_INFO, "smtp", "refused", LOG_ID(x->id_text), LOG_ADDRESS("from", x->t->sender),
              LOG_NUMBER("size", x->t->message.size), LOG_CLIENT(x->s->client.address),
              LOG_WORD("helo", str_of(x->s->helo)), LOG_REPLY(str_of(line)));
    report_refused(x->s, x->header.message_id_text, line);
    answer_all(x, line);
    return false;
}

/* ---- checks ---- */

/* Of a binary message the header is text nevertheless. */
static bool header_is_text(const struct acceptance *x) {
    struct data_scanner scanner = DATA_SCANNER_START;
    struct buf scanned = BUF_EMPTY;
    struct str text;
    struct err err;
    if (x->t->message.over_limit || x->t->message.failed || !message_text(&x->t->message, &text, &err))
        return true; /* that is said elsewhere */
    data_scan_chunk(&scanner, str_sub(text, 0, mime_header_length(text)), &scanned);
    buf_free(&scanned);
    return !scanner.bare_cr && !scanner.bare_lf && !scanner.nul;
}

static bool check_bytes(struct acceptance *x) {
    const struct transaction *t = x->t;
    bool bare = (t->scanner.bare_lf || t->scanner.bare_cr) && !t->scanner.normalise;
    /* a chunk ends where its size says, whatever is in it */
    x->s->distrusted = (bare || t->scanner.nul || t->scanner.odd_end) && !t->chunked;
    if (bare)
        return refused(x, t->scanner.bare_lf ? "550 5.6.11 The message has a LF without CR: lines end with CR LF"
                                             : "550 5.6.11 The message has a CR without LF: lines end with CR LF");
    if (t->scanner.nul) /* never noted of a binary one */
        return refused(x, "550 5.6.0 The message has NUL bytes");
    if (t->body_binary && !header_is_text(x))
        return refused(x, "550 5.6.0 The header has NUL bytes, or lines that do not end with CR LF");
    if (t->message.over_limit) {
        char line[96];
        snprintf(line, sizeof line, "552 5.3.4 Message too big: the limit is %llu bytes", (unsigned long long)t->limit);
        return refused(x, line);
    }
    if (t->message.failed) {
        log_error("smtp %s: %s", x->id_text, t->message.err.text);
        return refused(x, "452 4.3.1 Not enough room for the message, try again later");
    }
    return true;
}

/* Date, Message-ID, From where one of our own left them out: before the examiners, who may sign or judge them. */
static void complete_header(struct acceptance *x) {
    const struct session *s = x->s;
    struct buf added = BUF_EMPTY;
    size_t n;
    if (s->kind != SERVICE_SUBMISSION && s->kind != SERVICE_PICKUP)
        return;
    submit_complete(s->mta, &x->header, x->t->sender, x->id_text, x->now, &added);
    struct edit lines = {.arena = x->a, .message = arena_str(x->a, buf_str(&added))};
    const struct edit_field *field = edit_fields(&lines, &n);
    while (n-- > 0)
        edit_insert(&x->t->edit, 0, field[n].name, edit_value(&field[n]));
    buf_free(&added);
}

/* What the examiners say of the whole message. */
static bool examine(struct acceptance *x) {
    struct transaction *t = x->t;
    struct str text;
    struct err err;
    if (!message_text(&t->message, &text, &err)) {
        log_error("smtp %s: %s", x->id_text, err.text);
        return refused(x, "452 4.3.1 Not enough room for the message, try again later");
    }
    t->edit = (struct edit){.arena = x->a, .message = text};
    complete_header(x);
    struct verdict v = stage_ask(x->s, STAGE_MESSAGE);
    x->close = v.action == VERDICT_CLOSE;
    if (v.action == VERDICT_DISCARD)
        t->discard = true;
    else if (v.action != VERDICT_PASS)
        return refused(x, arena_c(x->a, v.reply));
    return true;
}

static bool check_authors(struct acceptance *x) {
    struct str author;
    char line[512];
    if (x->s->kind != SERVICE_SUBMISSION)
        return true;
    switch (submit_check_authors(x->s->mta, x->a, &x->s->account, &x->header, &author)) {
    case SUBMIT_ALLOWED:
        return true;
    case SUBMIT_TEMPORARY:
        return refused(x, "451 4.3.0 The directory can't be asked just now, try again");
    default:
        snprintf(line, sizeof line, "553 5.7.1 From: <%.*s> is not one of your addresses",
                 STR_ARG(str_is_ascii(author) ? shown(author) : STR("...")));
        return refused(x, line);
    }
}

static bool header_is_too_big(struct str text) {
    if (text.n <= MAX_HEADER)
        return false;
    ptrdiff_t more = str_chr(str_sub(text, MAX_HEADER, text.n), '\n'); /* so that no field is cut */
    return mime_header_length(more < 0 ? text : str_sub(text, 0, MAX_HEADER + (size_t)more + 1)) > MAX_HEADER;
}

static bool check_header(struct acceptance *x) {
    struct str text;
    struct err err;
    if (!message_text(&x->t->message, &text, &err)) {
        log_error("smtp %s: %s", x->id_text, err.text);
        return refused(x, "452 4.3.1 Not enough room for the message, try again later");
    }
    if (header_is_too_big(text))
        return refused(x, "552 5.3.4 The header is too big: the limit is 1 MiB");
    hops_read(x->a, text, &x->header);
    if (x->header.hops > HOPS_MAX)
        return refused(x, "554 5.4.6 Too many hops: the message goes in circles");
    return check_authors(x);
}

/* ---- our header lines ---- */

/* RFC 3848, RFC 6531 section 4.3 */
static const char *with_protocol(const struct session *s) {
    static const char *const name[2][2][4] = {
        {{"ESMTP", "ESMTPS", "ESMTPA", "ESMTPSA"}, {"UTF8SMTP", "UTF8SMTPS", "UTF8SMTPA", "UTF8SMTPSA"}},
        {{"LMTP", "LMTPS", "LMTPA", "LMTPSA"}, {"UTF8LMTP", "UTF8LMTPS", "UTF8LMTPA", "UTF8LMTPSA"}},
    };
    if (!s->esmtp && !s->transaction.smtputf8)
        return "SMTP";
    return name[s->kind == SERVICE_LMTP][s->transaction.smtputf8][conn_is_tls(s->conn) + 2 * s->authenticated];
}

/* For Received. One beyond ASCII is not shown: an alias may lead to where the message could not go for that. */
static struct str only_recipient(const struct transaction *t) {
    return t->count == 1 && str_is_ascii(t->recipient[0].address) ? t->recipient[0].address : (struct str){NULL, 0};
}

static bool complete_message(struct acceptance *x) {
    const struct session *s = x->s;
    struct buf front = BUF_EMPTY;
    struct err err;
    struct hops_hop hop = {.hostname = s->mta->hostname,
                           .helo = str_of(s->helo),
                           .peer = s->client.address,
                           .name = s->client.name,
                           .hidden = s->authenticated && settings_hide_client(s->mta, x->a),
                           .local_user = s->local_user,
                           .with = with_protocol(s),
                           .tls_version = conn_tls_version(s->conn),
                           .tls_cipher = conn_tls_cipher(s->conn),
                           .id = x->id_text,
                           .recipient = only_recipient(x->t),
                           .at = x->now};
    hops_received(&hop, &front);
    bool good = message_finish(&x->t->message, buf_str(&front), &x->t->edit, &x->whole, &err);
    buf_free(&front);
    if (good)
        return true;
    log_error("smtp %s: %s", x->id_text, err.text);
    return refused(x, "452 4.3.1 Not enough room for the message, try again later");
}

/* What our users send is signed, and what leaves again is sealed; both over the complete message. */
static void add_signatures(struct acceptance *x) {
    const struct session *s = x->s;
    struct buf fields = BUF_EMPTY;
    if (s->kind == SERVICE_PICKUP || (s->kind == SERVICE_SUBMISSION && !x->header.resent))
        sender_sign(s->mta, x->a, x->whole, &fields);
    else if (s->kind == SERVICE_SUBMISSION) /* From may be anybody's; the reverse-path is the account's own */
        sender_sign_as(s->mta, x->a, x->whole, address_domain(x->t->sender), &fields);
    else
        sender_seal(s, x->a, x->whole, &fields);
    if (fields.n)
        message_prepend(&x->t->message, buf_str(&fields), &x->whole);
    buf_free(&fields);
}

/* ---- delivery ---- */

const char *acceptance_trouble(const struct acceptance *x, const struct store_delivery *d) {
    if (d->status == STORE_OK)
        return NULL;
    if (d->status == STORE_QUOTA) /* too big for the mailbox even if it were empty: no use in trying again */
        return d->quota_bytes >= 0 && x->kept > (uint64_t)d->quota_bytes ? "552 5.2.2 Message too big for the mailbox"
                                                                         : "452 4.2.2 Mailbox full";
    if (d->status == STORE_INVALID)
        return "554 5.4.6 The message was delivered to this mailbox before: it goes in circles";
    return "451 4.3.0 Mailbox not available just now, try again later";
}

/* Sets a mailbox that has seen the message before aside; its delivery never happens. */
static size_t set_loops_aside(struct acceptance *x) {
    size_t loops = 0;
    for (size_t i = 0; i < x->plan.delivery_count; i++)
        if (hops_was_delivered_to(&x->header, x->plan.address[i])) {
            x->plan.delivery[i].status = STORE_INVALID;
            loops++;
        }
    return loops;
}

static enum store_status store(struct acceptance *x, struct store_delivery *delivery, size_t count, struct err *err) {
    struct deposit d = {
        .message = x->whole, .binary = x->t->body_binary, .delivery = delivery, .count = count, .queued = x->queued};
    enum store_status status = deposit_message(x->s->mta, x->a, &d, err);
    x->kept = d.kept;
    return status;
}

/* As store, without the mailboxes that were set aside. */
static enum store_status store_without_loops(struct acceptance *x, size_t loops, struct err *err) {
    struct plan *p = &x->plan;
    struct store_delivery *left = arena_array(x->a, p->delivery_count - loops, sizeof *left);
    size_t n = 0;
    for (size_t i = 0; i < p->delivery_count; i++)
        if (p->delivery[i].status != STORE_INVALID)
            left[n++] = p->delivery[i];
    if (n == 0 && !x->queued)
        return STORE_OK;
    enum store_status status = store(x, left, n, err);
    for (size_t i = 0, k = 0; i < p->delivery_count; i++)
        if (p->delivery[i].status != STORE_INVALID)
            p->delivery[i].status = left[k++].status;
    return status;
}

static struct plan_origin origin_of(const struct envelope_recipient *r) {
    return (struct plan_origin){.address = r->address, .notify = r->notify, .orcpt = r->orcpt};
}

/* What the sender asked for, to be kept until the message has gone on. */
static void fill_queued(struct acceptance *x) {
    const struct transaction *t = x->t;
    struct store_queued *q = x->queued;
    q->body_8bit = t->body_8bit || !str_is_ascii(x->whole);
    q->body_binary = t->body_binary;
    q->smtputf8 = t->smtputf8 && !str_is_ascii(str_sub(x->whole, 0, mime_header_length(x->whole)));
    q->require_tls = t->require_tls;
    q->envid = t->envid;
    q->ret = t->ret;
    q->held = t->hold;
    q->release_at = t->release_at;
    if (t->release_at)
        q->expires_at += t->release_at - x->now; /* its life begins then */
}

/* RFC 4865: addresses here wait in the queue as others do; where they lead is found out when their time has come. */
static void hold_back(struct acceptance *x) {
    for (size_t i = 0; i < x->t->count; i++) {
        struct envelope_recipient *r = &x->t->recipient[i];
        const struct directory_target *first = r->route.target;
        if (r->route.count == 1 && !first->account_id && str_ieq(first->address, r->address))
            continue;
        struct directory_target *later = arena_alloc(x->a, sizeof *later);
        *later = (struct directory_target){
            .tenant_id = r->route.tenant_id, .quota_bytes = -1, .address = r->address, .next_hop = STR(QUEUE_LOCAL)};
        r->route = (struct directory_route){later, 1, r->route.tenant_id};
    }
}

static void make_plan(struct acceptance *x) {
    const struct session *s = x->s;
    if (x->t->release_at)
        hold_back(x);
    plan_begin(&x->plan, x->a);
    for (size_t i = 0; i < x->t->count; i++)
        if (!x->t->recipient[i].removed)
            plan_add(&x->plan, &x->t->recipient[i].route, origin_of(&x->t->recipient[i]));
    for (size_t i = 0; i < x->plan.delivery_count; i++) {
        x->plan.delivery[i].mailbox = x->t->junk ? STR("Junk") : (struct str){NULL, 0};
        x->plan.delivery[i].prefix = hops_prefix(x->a, x->t->sender, x->plan.address[i]);
    }
    sender_mark(x->t, &x->plan);
    x->queued = plan_queued(&x->plan, s->mta, x->id, x->t->sender);
    if (!x->queued)
        return;
    x->queued->source = s->authenticated ? arena_printf(x->a, "%s [%s]", s->account.address.p, s->client.address)
                                         : arena_printf(x->a, "[%s]", s->client.address);
    fill_queued(x);
    if (s->authenticated) {
        x->queued->tenant_id = s->account.tenant_id;
        x->queued->account_id = s->account.id;
    }
}

static bool deliver(struct acceptance *x) {
    struct err err;
    make_plan(x);
    size_t loops = x->header.delivered_to_count ? set_loops_aside(x) : 0;
    enum store_status status =
        loops ? store_without_loops(x, loops, &err) : store(x, x->plan.delivery, x->plan.delivery_count, &err);
    if (status != STORE_OK) {
        log_error("smtp %s: not stored: %s", x->id_text, err.text);
        return refused(x, "451 4.3.0 The message can't be stored just now, try again later");
    }
    if (x->queued)
        runner_wake(x->s->mta->runner);
    for (size_t i = 0; i < x->plan.delivery_count; i++) {
        x->delivered += x->plan.delivery[i].status == STORE_OK;
        if (x->plan.delivery[i].status == STORE_QUOTA)
            full_note(x->plan.delivery[i].account_id);
    }
    return true;
}

/* ---- what is left to say ---- */

/* The trouble of the only mailboxes that there are, when none took the message; NULL: somebody has it. */
static const char *nobody_has_it(const struct acceptance *x) {
    if (x->delivered || x->queued)
        return NULL;
    const char *worst = NULL;
    for (size_t i = 0; i < x->plan.delivery_count; i++) {
        const char *why = acceptance_trouble(x, &x->plan.delivery[i]);
        if (!worst || (why && why[0] < worst[0])) /* one mailbox that may take it later is reason to try again */
            worst = why;
    }
    return worst;
}

/* One reply for a recipient: it is taken when one of the mailboxes that it leads to has it. */
static void answer_one(struct acceptance *x, const struct envelope_recipient *r) {
    const char *why = NULL;
    bool somebody = false;
    for (size_t k = 0; k < r->route.count && !r->removed; k++) {
        int64_t account = r->route.target[k].account_id;
        const char *problem = account ? acceptance_trouble(x, plan_delivery(&x->plan, account)) : NULL;
        somebody |= !problem;
        why = problem ? problem : why;
    }
    if (somebody || !why) {
        conn_printf(x->s->conn, "250 2.1.5 <%.*s> Ok: queued as %s\r\n", STR_ARG(shown(r->address)), x->id_text);
        return;
    }
    conn_printf(x->s->conn, "%.9s <%.*s>%s\r\n", why, STR_ARG(shown(r->address)), why + 9);
    for (size_t k = 0; k < r->route.count; k++)
        x->told[plan_delivery(&x->plan, r->route.target[k].account_id) - x->plan.delivery] = true;
}

static void answer_each(struct acceptance *x) {
    x->told = arena_array(x->a, x->plan.delivery_count, sizeof *x->told);
    for (size_t i = 0; i < x->t->count; i++)
        if (!x->t->recipient[i].added)
            answer_one(x, &x->t->recipient[i]);
    acceptance_notify(x);
}

static void log_accepted(const struct acceptance *x) {
    if (!log_enabled(LOG_LEVEL_INFO))
        return;
    const struct session *s = x->s;
    log_event(LOG_LEVEL_INFO, "smtp", "accepted", LOG_ID(x->id_text), LOG_ADDRESS("from", x->t->sender),
              LOG_ADDRESS("to", x->t->recipient[0].address), LOG_NUMBER("recipients", x->t->count),
              LOG_NUMBER("size", x->whole.n), LOG_NUMBER("local", x->delivered),
              LOG_NUMBER("queued", x->queued ? x->queued->count : 0), LOG_CLIENT(s->client.address),
              LOG_WORD("helo", str_of(s->helo)), LOG_WORD("with", str_of(with_protocol(s))),
              LOG_WORD("login", s->authenticated ? s->account.address : STR("")),
              LOG_NUMBER("ms", (clock_monotonic() - x->t->started_at) / 1000));
    if (s->forwarded)
        log_info("smtp %s: forwarded %s", x->id_text, s->forwarded);
}

static void report(struct acceptance *x) {
    const char **why = arena_array(x->a, x->plan.delivery_count, sizeof *why);
    for (size_t i = 0; i < x->plan.delivery_count; i++)
        why[i] = acceptance_trouble(x, &x->plan.delivery[i]);
    report_accepted(x->s, x->header.message_id_text, &x->plan, why, x->s->kind != SERVICE_LMTP);
}

/* Whether filters have left a recipient. */
static bool anybody(const struct transaction *t) {
    for (size_t i = 0; i < t->count; i++)
        if (!t->recipient[i].removed)
            return true;
    return false;
}

static void throw_away(struct acceptance *x) {
    log_event(LOG_LEVEL_INFO, "smtp", "discarded", LOG_ID(x->id_text), LOG_ADDRESS("from", x->t->sender),
              LOG_NUMBER("size", x->t->message.size), LOG_CLIENT(x->s->client.address),
              LOG_WORD("helo", str_of(x->s->helo)));
    report_discarded(x->s, x->header.message_id_text);
    for (size_t i = answers(x); i > 0; i--)
        conn_printf(x->s->conn, "250 2.0.0 Ok: queued as %s\r\n", x->id_text);
}

enum step accept_message(struct session *s) {
    struct acceptance x = {.s = s, .t = &s->transaction, .a = &s->transaction.arena};
    x.id = x.t->id;
    x.now = clock_now();
    queue_id_text(x.id, x.id_text);
    if (!check_bytes(&x) || !check_header(&x) || !examine(&x))
        return x.close ? STEP_CLOSE : STEP_WAIT;
    if (x.t->discard || !anybody(x.t)) {
        throw_away(&x);
        return STEP_WAIT;
    }
    if (!complete_message(&x))
        return STEP_WAIT;
    add_signatures(&x);
    if (!deliver(&x))
        return STEP_WAIT;
    s->messages++;
    const char *why = nobody_has_it(&x);
    if (s->kind == SERVICE_LMTP) {
        log_accepted(&x);
        report(&x);
        answer_each(&x);
    } else if (why) {
        refused(&x, why);
    } else {
        log_accepted(&x);
        report(&x);
        acceptance_notify(&x);
        conn_printf(s->conn, "250 2.0.0 Ok: queued as %s\r\n", x.id_text);
    }
    return STEP_WAIT;
}
