/* How much a client network may do (policy/rate_table.h). */
#include "base/clock.h"
#include "base/log.h"
#include "policy/finding.h"

static struct rate_limits limits_of(const struct policy_config *c) {
    return (struct rate_limits){
        .at_a_time = c->connections,
        .per_minute = {c->connection_rate, c->message_rate, c->recipient_rate},
    };
}

static bool applies(const struct policy_session *p) {
    return p->in_network && !p->spared && p->config->mode[RULE_RATE] != RULE_OFF;
}

void rate_connect(struct session *s, struct verdict *v) {
    struct policy_session *p = s->policy;
    if (!applies(p))
        return;
    struct rate_limits limits = limits_of(p->config);
    enum rate_verdict r = rate_table_enter(p->policy->rates, &p->network, &limits, clock_monotonic(), &p->counted);
    if (r == RATE_TOO_MANY_AT_A_TIME)
        policy_apply(s, RULE_RATE, VERDICT_CLOSE, "421 4.7.0 [rate] Too many connections from your network at a time",
                     v);
    else if (r == RATE_TOO_FAST)
        policy_apply(s, RULE_RATE, VERDICT_CLOSE, "421 4.7.0 [rate] Too many connections from your network in a minute",
                     v);
    if (v->action != VERDICT_PASS)
        log_event(LOG_LEVEL_INFO, "smtp", "refused", LOG_CLIENT(s->client.address), LOG_REPLY(v->reply));
}

static void take(struct session *s, enum rate which, const char *reply, struct verdict *v) {
    struct policy_session *p = s->policy;
    struct rate_limits limits = limits_of(p->config);
    if (applies(p) && !rate_table_take(p->policy->rates, &p->network, &limits, which, clock_monotonic()))
        policy_apply(s, RULE_RATE, VERDICT_REFUSE, reply, v);
}

void rate_mail(struct session *s, struct verdict *v) {
    take(s, RATE_MESSAGES, "450 4.7.1 [rate] Too many messages from your network in a minute, try again later", v);
}

void rate_rcpt(struct session *s, struct verdict *v) {
    take(s, RATE_RECIPIENTS, "450 4.7.1 [rate] Too many recipients from your network in a minute, try again later", v);
}

void rate_close(struct session *s) {
    struct policy_session *p = s->policy;
    if (p->counted)
        rate_table_leave(p->policy->rates, &p->network);
    p->counted = false;
}
