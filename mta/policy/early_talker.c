/* Who talks before the greeting does not listen (RFC 5321 section 4.3.1: the client waits for it). */
#include "base/clock.h"
#include "base/log.h"
#include "policy/finding.h"
#include "policy/policy.h"

#define KNOWN_FOR (86400 * CLOCK_SECOND)

int policy_greet_delay(const struct session *s) {
    const struct policy_session *p = s->policy;
    if (!p || s->kind != SERVICE_RELAY || p->spared || !p->in_network || p->config->greet_delay <= 0 ||
        p->config->mode[RULE_EARLY_TALKER] == RULE_OFF ||
        rate_table_knows(p->policy->rates, &p->network, clock_monotonic()))
        return 0;
    struct access_question q = {.client = &s->client.sockaddr, .sender = STR(""), .helo = STR("")};
    struct access_answer answer;
    access_decide(p->policy->access, &q, &answer);
    return answer.action == ACCESS_ALLOW ? 0 : (int)(p->config->greet_delay / (CLOCK_SECOND / 1000));
}

void policy_has_waited(struct session *s) {
    const struct policy_session *p = s->policy;
    int64_t now = clock_monotonic();
    if (p && p->in_network)
        rate_table_know(p->policy->rates, &p->network, now, now + KNOWN_FOR);
}

bool policy_early_talker(struct session *s) {
    struct verdict v = {.action = VERDICT_PASS};
    policy_apply(s, RULE_EARLY_TALKER, VERDICT_CLOSE,
                 "554 5.5.0 [early_talker] You talked before you were greeted, and don't seem to listen", &v);
    if (v.action == VERDICT_PASS)
        return false;
    reply(s, v.reply);
    reply(s, STR("\r\n"));
    log_event(LOG_LEVEL_INFO, "smtp", "refused", LOG_CLIENT(s->client.address), LOG_REPLY(v.reply));
    return true;
}
