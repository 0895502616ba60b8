#include "queue/job.h"

#include "base/clock.h"
#include "base/log.h"
#include "dsn/dsn.h"
#include "measure/measure.h"
#include "queue/local.h"
#include "queue/runner.h"
#include "settings.h"
#include "trace/notification.h"
#include "trace/trace.h"

#include <unistd.h>

enum {
    MAX_CONNECTIONS = 8,    /* hosts tried in one attempt */
    MAX_AGAIN = 50,         /* further sessions with one that takes few messages in each */
    RECORD_AGAIN_MS = 1000, /* PostgreSQL is away, and what happened must not be forgotten */
};

struct attempt {
    const struct mta *m;
    struct arena *a;
    const struct queue_job *job;
    struct client **client;
    char id[16];
    struct client_recipient *recipient;
    enum dsn_action *success;     /* of each recipient: what it is called when it was delivered */
    bool local;                   /* they are addresses here */
    bool trusted_hosts;           /* hosts.trusted, of the session's destination */
    struct client_reply trouble;  /* of the last connection that failed */
    const char *host, *host_name; /* that the last session was with, "" */
    const bool *stopping;
    int64_t started_at;
};

/* ---- the attempt ---- */

static bool read_message(void *context, uint64_t offset, uint64_t n, struct buf *out, struct err *err) {
    struct attempt *x = context;
    return queue_read(x->m->store, x->job, offset, n, out, err) == STORE_OK;
}

static bool all_settled(const struct attempt *x) {
    for (size_t i = 0; i < x->job->count; i++)
        if (!x->recipient[i].settled)
            return false;
    return true;
}

static void send_to(struct attempt *x, struct client *c) {
    struct client_mail mail = {.sender = x->job->sender,
                               .size = x->job->prefix.n + x->job->size,
                               .body_8bit = x->job->body_8bit,
                               .body_binary = x->job->body_binary,
                               .smtputf8 = x->job->smtputf8,
                               .require_tls = x->job->require_tls,
                               .trusted_host = x->trusted_hosts,
                               .envid = x->job->envid,
                               .ret = x->job->ret,
                               .read = read_message,
                               .context = x};
    x->host = arena_c(x->a, str_of(client_describe(c)));
    x->host_name = arena_c(x->a, str_of(client_host(c)));
    client_send(c, x->a, &mail, x->recipient, x->job->count);
}

static void settle_rest(struct attempt *x, struct client_reply reply) {
    for (size_t i = 0; i < x->job->count; i++)
        if (!x->recipient[i].settled) {
            x->recipient[i].settled = true;
            x->recipient[i].reply = reply;
        }
}

/* The class of the status must be that of the outcome: "4.4.1" of a message that is given up becomes "5.4.1". */
static struct str status_for(struct arena *a, struct str status, char class) {
    return arena_printf(a, "%c%.*s", class, STR_ARG(str_sub(status, 1, status.n)));
}

/* None of the hosts that were reached can be given the message. It is final, but where one could not be asked. */
static void settle_unsuitable(struct attempt *x, bool missed) {
    for (size_t i = 0; i < x->job->count; i++) {
        struct client_recipient *r = &x->recipient[i];
        if (r->settled || !r->unsuitable)
            continue;
        r->settled = true;
        if (missed)
            r->reply.status = status_for(x->a, r->reply.status, '4');
    }
}

/* Tries the destination's hosts in order. What refuses a connection for good is passed over like one that can't be
 * reached: another may take the message; when all do, it is final (RFC 5321 section 5.1, RFC 7504). */
static void try_hosts(struct attempt *x, const struct hosts *hosts, struct job_outcome *outcome) {
    bool final = true, reached = false, missed = false;
    x->trusted_hosts = hosts->trusted;
    bool again = false; /* the same host: it takes the rest in another session (MAILMAX, RFC 9422) */
    int again_count = 0;
    for (size_t i = 0; i < hosts->count && i < MAX_CONNECTIONS && !all_settled(x); i += !again) {
        struct client *c = client_open(x->m, x->a, &hosts->host[i], &x->trouble);
        again = false;
        if (!c) {
            log_info("queue %s: %.*s: %.*s", x->id, STR_ARG(hosts->host[i].name), STR_ARG(x->trouble.text));
            final = final && x->trouble.status.p[0] == '5';
            missed = missed || x->trouble.status.p[0] != '5';
            continue;
        }
        reached = true;
        send_to(x, c);
        missed = missed || !(client_usable(c) || client_exhausted(c));
        if (!all_settled(x) && x->job->count)
            x->trouble = x->recipient[0].reply;
        final = false;
        again = client_exhausted(c) && !all_settled(x) && ++again_count < MAX_AGAIN;
        client_close(*x->client);
        *x->client = c;
    }
    settle_unsuitable(x, missed);
    if (all_settled(x))
        return;
    for (size_t i = 0; i < x->job->count; i++)
        if (!x->recipient[i].settled && x->recipient[i].reply.text.n && reached)
            x->recipient[i].settled = true; /* with what broke the connection */
    if (!final && x->trouble.status.n && x->trouble.status.p[0] == '5') {
        x->trouble.status = STR("4.4.1");
        x->trouble.code = 0;
    }
    settle_rest(x, x->trouble);
    outcome->destination_down = !reached && !final;
    outcome->trouble = x->trouble;
}

static void attempt_delivery(struct attempt *x, struct job_outcome *outcome) {
    struct hosts hosts;
    if (*x->client && client_usable(*x->client) && !x->job->require_tls) {
        send_to(x, *x->client);
        if (all_settled(x))
            return;
    }
    if (*x->client) {
        client_close(*x->client);
        *x->client = NULL;
    }
    if (hosts_find(x->m, x->a, x->job->next_hop, x->job->domain, &hosts)) {
        try_hosts(x, &hosts, outcome);
        return;
    }
    struct client_reply why = {.status = hosts.status, .text = hosts.reason};
    settle_rest(x, why);
    outcome->destination_down = !hosts.permanent;
    outcome->trouble = why;
}

/* ---- what follows ---- */

static enum queue_outcome judge(const struct client_reply *r) {
    if (r->code)
        return r->code < 300 ? QUEUE_DELIVERED : r->code >= 500 ? QUEUE_FAILED : QUEUE_DEFERRED;
    return r->status.p[0] == '5' ? QUEUE_FAILED : QUEUE_DEFERRED;
}

struct verdict {
    struct queue_result *result;
    struct dsn_recipient *told; /* those of whom the sender hears */
    size_t told_count;
    bool failure; /* among them */
};

static void log_result(const struct attempt *x, const struct queue_result *r, const struct client_reply *reply) {
    static const char *const word[] = {"delivered", "deferred", "failed"};
    log_event(LOG_LEVEL_INFO, "queue", word[r->outcome], LOG_ID(x->id), LOG_ADDRESS("to", r->recipient->address),
              LOG_ADDRESS("from", x->job->sender), LOG_WORD("host", str_of(*x->host ? x->host : "-")),
              LOG_WORD("tls", str_of(*x->client && *client_tls(*x->client) ? client_tls(*x->client) : "-")),
              LOG_NUMBER("attempt", r->recipient->attempts + 1),
              LOG_NUMBER("delay", (clock_now() - x->job->received_at) / CLOCK_SECOND),
              LOG_REPLY(str_sub(reply->text, 0, 300)));
}

static void tell(struct attempt *x, struct verdict *v, const struct queue_recipient *r, enum dsn_action action,
                 const struct client_reply *reply, bool expired) {
    if (x->job->sender.n == 0 || !dsn_wanted(r->notify, action))
        return;
    static const char class_of[] = {
        [DSN_FAILED] = '5', [DSN_DELAYED] = '4', [DSN_RELAYED] = '2', [DSN_DELIVERED] = '2', [DSN_EXPANDED] = '2'};
    struct str text = reply->text;
    if (expired)
        text = arena_printf(x->a, "it could not be delivered in time; at last: %.*s", STR_ARG(reply->text));
    v->failure |= action == DSN_FAILED;
    v->told[v->told_count++] = (struct dsn_recipient){
        .address = r->address,
        .original = r->original,
        .orcpt = r->orcpt,
        .action = action,
        .status = expired && !reply->said ? STR("5.4.7") : status_for(x->a, reply->status, class_of[action]),
        .reply = text,
        .host = reply->said ? str_of(x->host_name) : STR(""),
        .last_attempt_at = x->started_at,
        .will_retry_until = x->job->expires_at};
}

static void judge_recipient(struct attempt *x, struct verdict *v, size_t i) {
    const struct queue_recipient *r = &x->job->recipient[i];
    const struct client_reply *reply = &x->recipient[i].reply;
    int64_t now = clock_now(), warn_after = settings_delay_warning(x->m, x->a),
            since = x->job->release_at ? x->job->release_at : x->job->received_at;
    struct queue_result *out = &v->result[i];
    *out = (struct queue_result){.recipient = r, .outcome = judge(reply), .reply = reply->text};
    out->delay_notified = r->delay_notified;
    bool expired = out->outcome == QUEUE_DEFERRED && now >= x->job->expires_at;
    if (expired)
        out->outcome = QUEUE_FAILED;
    if (out->outcome == QUEUE_DEFERRED) {
        out->next_attempt_at = now + settings_retry_pause(x->m, x->a, r->attempts + 1);
        if (out->next_attempt_at > x->job->expires_at)
            out->next_attempt_at = x->job->expires_at;
        if (!r->delay_notified && warn_after > 0 && now - since >= warn_after) {
            out->delay_notified = true;
            tell(x, v, r, DSN_DELAYED, reply, false);
        }
    } else if (out->outcome == QUEUE_FAILED) {
        if (x->job->sender.n == 0)
            log_warn("queue %s: a notification for <%.*s> can't be delivered and is dropped", x->id,
                     STR_ARG(r->address));
        tell(x, v, r, DSN_FAILED, reply, expired);
    } else if (!x->recipient[i].passed_on) {
        tell(x, v, r, x->success[i], reply, false);
    }
    log_result(x, out, reply);
}

static bool stopped(const struct attempt *x) { return __atomic_load_n(x->stopping, __ATOMIC_RELAXED); }

/* The notification to the sender. False: it can't be made before the daemon ends. *mail is empty where nobody is to be
 * told. */
static bool make_notification(struct attempt *x, const struct verdict *v, struct dsn_mail *mail) {
    struct dsn d = {.sender = x->job->sender,
                    .id = x->id,
                    .envid = x->job->envid,
                    .arrived_at = x->job->received_at,
                    .recipient = v->told,
                    .count = v->told_count,
                    .private = x->job->require_tls};
    struct str ret = x->job->body_binary ? STR("HDRS") : x->job->ret; /* a notification is text */
    struct buf bytes = BUF_EMPTY;
    struct err err;
    bool made = false, temporary = true;
    uint64_t n = dsn_original_bytes(x->job->prefix.n + x->job->size, ret, v->failure, &d.complete);
    if (queue_read(x->m->store, x->job, 0, n, &bytes, &err) != STORE_OK) {
        log_error("queue %s: the message can't be read for the notification: %s", x->id, err.text);
        buf_reset(&bytes);
        d.complete = false;
    }
    d.original = dsn_original(buf_str(&bytes), d.complete);
    while (!made && temporary && !stopped(x)) {
        made = dsn_make(x->m, x->a, &d, mail, &temporary);
        if (!made && temporary)
            usleep(RECORD_AGAIN_MS * 1000);
    }
    buf_free(&bytes);
    return made || !temporary;
}

static void tell_trace(const struct attempt *x, const struct verdict *v) {
    for (size_t i = 0; i < x->job->count; i++) {
        const struct queue_result *r = &v->result[i];
        enum trace_outcome failed = x->job->sender.n ? TRACE_BOUNCED : TRACE_DISCARDED;
        struct trace_event e = {.id = x->job->message_id,
                                .at = clock_now(),
                                .address = r->recipient->address,
                                .outcome = r->outcome == QUEUE_DELIVERED  ? x->local ? TRACE_DELIVERED : TRACE_RELAYED
                                           : r->outcome == QUEUE_DEFERRED ? TRACE_DEFERRED
                                                                          : failed,
                                .attempt = r->recipient->attempts + 1,
                                .host = str_of(x->host),
                                .tls = str_of(*x->client ? client_tls(*x->client) : ""),
                                .reply = r->reply};
        measure_attempt(e.outcome, e.at - x->job->received_at);
        trace_add_event(x->m->trace, &e);
    }
}

static void record(struct attempt *x, const char *owner, const struct verdict *v) {
    struct dsn_mail mail = {0};
    struct err err = {"the daemon ends"};
    enum store_status status = STORE_TEMPORARY;
    if (v->told_count && !make_notification(x, v, &mail)) {
        log_error("queue %s: not recorded, and so tried again: the directory is away", x->id);
        return;
    }
    for (bool complained = false; status == STORE_TEMPORARY; complained = true) {
        if (complained)
            usleep(RECORD_AGAIN_MS * 1000);
        status = queue_finish(x->m->store, x->job, owner, v->result, x->job->count, mail.message, mail.card,
                              mail.plan.delivery, mail.plan.delivery_count, mail.queued, &err);
        if (status == STORE_TEMPORARY && stopped(x))
            break;
        if (status == STORE_TEMPORARY && !complained)
            log_warn("queue %s: what happened is recorded as soon as that is possible: %s", x->id, err.text);
    }
    if (status != STORE_OK) {
        log_error("queue %s: not recorded, and so tried again: %s", x->id, err.text);
        return;
    }
    tell_trace(x, v);
    if (mail.plan.delivery_count || mail.queued)
        notification_trace(x->m, mail.queued ? mail.queued->id : 0, &mail.plan);
    if (mail.queued)
        runner_wake(x->m->runner);
    for (size_t i = 0; i < mail.plan.delivery_count; i++)
        if (mail.plan.delivery[i].status != STORE_OK)
            log_warn("queue %s: <%.*s> is not told: the mailbox is full", x->id, STR_ARG(mail.plan.address[i]));
}

/* ORCPT for the next server: as the sender gave it; where the sender asked to be told and gave none, the address that
 * it wrote to (RFC 3461 section 5.2.7.1). */
static struct str original_of(struct arena *a, const struct queue_recipient *r) {
    if (r->orcpt.p || !r->notify.p || r->original.n == 0)
        return r->orcpt;
    return arena_printf(a, "%s;%.*s", str_is_ascii(r->original) ? "rfc822" : "utf-8", STR_ARG(r->original));
}

void job_run(const struct mta *m, struct arena *a, const struct queue_job *job, const char *owner,
             struct client **client, const struct client_reply *down, const bool *stopping,
             struct job_outcome *outcome) {
    struct attempt x = {.m = m,
                        .a = a,
                        .job = job,
                        .client = client,
                        .host = "",
                        .host_name = "",
                        .stopping = stopping,
                        .started_at = clock_now()};
    struct verdict v = {.result = arena_array(a, job->count, sizeof *v.result),
                        .told = arena_array(a, job->count, sizeof *v.told)};
    *outcome = (struct job_outcome){.next_attempt_at = INT64_MAX};
    queue_id_text(job->message_id, x.id);
    x.local = str_eq(job->next_hop, STR(QUEUE_LOCAL));
    x.recipient = arena_array(a, job->count, sizeof *x.recipient);
    x.success = arena_array(a, job->count, sizeof *x.success);
    for (size_t i = 0; i < job->count; i++) {
        x.recipient[i].address = job->recipient[i].address;
        x.recipient[i].notify = job->recipient[i].notify;
        x.recipient[i].orcpt = original_of(a, &job->recipient[i]);
        x.success[i] = DSN_RELAYED;
    }
    if (x.local)
        local_deliver(m, a, job, x.recipient, x.success);
    else if (down)
        settle_rest(&x, *down);
    else
        attempt_delivery(&x, outcome);
    for (size_t i = 0; i < job->count; i++) {
        judge_recipient(&x, &v, i);
        if (v.result[i].outcome == QUEUE_DEFERRED && v.result[i].next_attempt_at < outcome->next_attempt_at)
            outcome->next_attempt_at = v.result[i].next_attempt_at;
    }
    record(&x, owner, &v);
}
