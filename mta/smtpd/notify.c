/* What the sender hears by mail of a message that was taken: SMTP has one reply for all recipients, and none for what
 * the sender asked to be told (RFC 3461). */
#include "base/log.h"
#include "dsn/dsn.h"
#include "queue/runner.h"
#include "smtpd/acceptance.h"
#include "trace/notification.h"

struct telling {
    struct acceptance *x;
    struct dsn_recipient *told;
    size_t count;
    bool failure;
};

static bool is_expanded(const struct envelope_recipient *r) {
    return r->route.count > 1 && !r->removed && dsn_wanted(r->notify, DSN_EXPANDED);
}

/* Whether there may be anything to tell. */
static bool anything(const struct acceptance *x) {
    for (size_t i = 0; i < x->plan.delivery_count; i++)
        if (x->plan.delivery[i].status != STORE_OK || x->plan.origin[i].notify.p)
            return true;
    for (size_t i = 0; i < x->t->count; i++)
        if (is_expanded(&x->t->recipient[i]))
            return true;
    return false;
}

static void tell_of_delivery(struct telling *y, size_t i) {
    struct acceptance *x = y->x;
    const struct plan_origin *origin = &x->plan.origin[i];
    const char *why = acceptance_trouble(x, &x->plan.delivery[i]);
    struct dsn_recipient r = {.address = x->plan.address[i],
                              .original = str_ieq(origin->address, x->plan.address[i]) ? STR("") : origin->address,
                              .orcpt = origin->orcpt,
                              .action = why ? DSN_FAILED : DSN_DELIVERED,
                              .status = STR("2.1.5"),
                              .last_attempt_at = x->now};
    if (why && x->told && x->told[i])
        return;
    if (why) {
        /* it is final, whatever the first digit: the message is not kept for another attempt */
        r.status = arena_printf(x->a, "5.%.3s", why + 6);
        r.reply = str_of(why + 10);
        log_info("smtp %s: not delivered to=<%.*s>: %s", x->id_text, STR_ARG(r.address), why);
    }
    if (!dsn_wanted(origin->notify, r.action))
        return;
    y->failure |= why != NULL;
    y->told[y->count++] = r;
}

static void tell(struct telling *y) {
    struct acceptance *x = y->x;
    const struct mta *m = x->s->mta;
    struct dsn d = {.sender = x->t->sender,
                    .id = x->id_text,
                    .envid = x->t->envid,
                    .arrived_at = x->now,
                    .recipient = y->told,
                    .count = y->count,
                    .private = x->t->require_tls};
    struct str ret = x->t->body_binary ? STR("HDRS") : x->t->ret; /* a notification is text */
    uint64_t bytes = dsn_original_bytes(x->whole.n, ret, y->failure, &d.complete);
    d.original = dsn_original(str_sub(x->whole, 0, bytes), d.complete);
    struct dsn_mail mail;
    bool temporary;
    struct err err = {""};
    if (!dsn_make(m, x->a, &d, &mail, &temporary)) {
        if (temporary)
            log_error("smtp %s: the sender is not told: the directory is away", x->id_text);
        return;
    }
    if (store_deliver(m->store, mail.message, -1, mail.card, mail.plan.delivery, mail.plan.delivery_count, mail.queued,
                      &err) != STORE_OK)
        log_error("smtp %s: the sender is not told: %s", x->id_text, err.text);
    else
        notification_trace(m, mail.queued ? mail.queued->id : 0, &mail.plan);
    if (mail.queued)
        runner_wake(m->runner);
}

void acceptance_notify(struct acceptance *x) {
    if (!anything(x))
        return;
    struct telling y = {.x = x};
    y.told = arena_array(x->a, x->plan.delivery_count + x->t->count, sizeof *y.told);
    for (size_t i = 0; i < x->plan.delivery_count; i++)
        tell_of_delivery(&y, i);
    for (size_t i = 0; i < x->t->count; i++)
        if (is_expanded(&x->t->recipient[i]))
            y.told[y.count++] = (struct dsn_recipient){.address = x->t->recipient[i].address,
                                                       .original = STR(""),
                                                       .orcpt = x->t->recipient[i].orcpt,
                                                       .action = DSN_EXPANDED,
                                                       .status = STR("2.1.5"),
                                                       .last_attempt_at = x->now};
    if (y.count && x->t->sender.n)
        tell(&y);
    else if (y.failure)
        log_warn("smtp %s: nobody is told: the message is a notification itself", x->id_text);
}
