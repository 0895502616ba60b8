#include "queue/local.h"

#include "deposit/deposit.h"
#include "directory/address.h"
#include "hops/hops.h"
#include "queue/runner.h"
#include "route/route.h"

struct local {
    const struct mta *m;
    struct arena *a;
    const struct queue_job *job;
    struct client_recipient *recipient;
    struct directory_route *route; /* of each recipient; count 0: it leads nowhere, and is settled */
    struct plan plan;
};

static void settle(struct client_recipient *r, int code, const char *status, const char *text) {
    r->settled = true;
    r->reply = (struct client_reply){.code = code, .status = str_of(status), .text = str_of(text)};
}

static void find_route(struct local *x, size_t i) {
    static const struct {
        int code;
        const char *status, *text;
    } refusal[] = {
        [DIRECTORY_UNKNOWN_DOMAIN] = {550, "5.1.2", "the domain is not served here any more"},
        [DIRECTORY_UNKNOWN_RECIPIENT] = {550, "5.1.1", "no such recipient here"},
        [DIRECTORY_DISABLED] = {550, "5.2.1", "mailbox disabled, not accepting messages"},
        [DIRECTORY_LOOP] = {550, "5.4.6", "the address leads to itself"},
        [DIRECTORY_TEMPORARY] = {451, "4.3.0", "the directory can't be asked just now"},
    };
    struct str local, domain;
    enum directory_status status = DIRECTORY_UNKNOWN_RECIPIENT;
    if (address_parse(x->a, x->recipient[i].address, &local, &domain, NULL))
        status = route_recipient_of(x->m, x->a, local, domain, true, &x->route[i]);
    if (status == DIRECTORY_OK) {
        plan_add(&x->plan, &x->route[i],
                 (struct plan_origin){.address = x->recipient[i].address,
                                      .notify = x->recipient[i].notify,
                                      .orcpt = x->recipient[i].orcpt});
        return;
    }
    x->route[i].count = 0;
    settle(&x->recipient[i], refusal[status].code, refusal[status].status, refusal[status].text);
}

static struct store_queued *queued(struct local *x) {
    const struct queue_job *job = x->job;
    struct store_queued *q = plan_queued(&x->plan, x->m, queue_new_id(), job->sender);
    if (!q)
        return NULL;
    q->tenant_id = job->tenant_id;
    q->account_id = job->account_id;
    q->source = STR("kept for later");
    q->smtputf8 = job->smtputf8;
    q->body_8bit = job->body_8bit;
    q->body_binary = job->body_binary;
    q->require_tls = job->require_tls;
    q->envid = job->envid;
    q->ret = job->ret;
    return q;
}

static enum store_status store(struct local *x, struct err *err) {
    struct buf message = BUF_EMPTY;
    struct plan *p = &x->plan;
    for (size_t i = 0; i < p->delivery_count; i++)
        p->delivery[i].prefix = hops_prefix(x->a, x->job->sender, p->address[i]);
    struct store_queued *q = queued(x);
    enum store_status status = queue_read(x->m->store, x->job, 0, x->job->prefix.n + x->job->size, &message, err);
    if (status == STORE_OK) {
        struct deposit d = {.message = buf_str(&message),
                            .binary = x->job->body_binary,
                            .delivery = p->delivery,
                            .count = p->delivery_count,
                            .queued = q};
        status = deposit_message(x->m, x->a, &d, err);
    }
    if (status == STORE_OK && q)
        runner_wake(x->m->runner);
    buf_free(&message);
    return status;
}

/* What became of one recipient: it is taken when one of the mailboxes that it leads to has it. */
static void conclude(struct local *x, size_t i, enum dsn_action *success) {
    const struct directory_route *route = &x->route[i];
    enum store_status trouble = STORE_OK;
    bool somebody = false;
    for (size_t k = 0; k < route->count; k++) {
        int64_t account = route->target[k].account_id;
        enum store_status status = account ? plan_delivery(&x->plan, account)->status : STORE_OK;
        somebody |= status == STORE_OK;
        trouble = status == STORE_OK ? trouble : status;
    }
    *success = route->count > 1 ? DSN_EXPANDED : DSN_DELIVERED;
    x->recipient[i].passed_on = route->count == 1 && !route->target[0].account_id; /* NOTIFY went on with it */
    if (somebody)
        settle(&x->recipient[i], 250, "2.1.5", "delivered");
    else if (trouble == STORE_QUOTA)
        settle(&x->recipient[i], 452, "4.2.2", "mailbox full");
    else
        settle(&x->recipient[i], 451, "4.3.0", "mailbox not available just now");
}

void local_deliver(const struct mta *m, struct arena *a, const struct queue_job *job,
                   struct client_recipient *recipient, enum dsn_action *success) {
    struct local x = {.m = m, .a = a, .job = job, .recipient = recipient};
    struct err err = {""};
    x.route = arena_array(a, job->count, sizeof *x.route);
    plan_begin(&x.plan, a);
    for (size_t i = 0; i < job->count; i++)
        find_route(&x, i);
    enum store_status status = x.plan.delivery_count + x.plan.remote_count ? store(&x, &err) : STORE_OK;
    for (size_t i = 0; i < job->count; i++) {
        if (recipient[i].settled)
            continue;
        if (status == STORE_OK)
            conclude(&x, i, &success[i]);
        else
            settle(&recipient[i], 451, "4.3.0", arena_c(a, str_of(err.text)));
    }
}
