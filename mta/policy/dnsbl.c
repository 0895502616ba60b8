/* Lists in the DNS (net/dnsbl.h). */
#include "net/dnsbl.h"
#include "policy/finding.h"

enum { TIMEOUT_MS = 5000 };

void dnsbl_look(struct session *s, struct finding *f) {
    struct policy_session *p = s->policy;
    struct arena a = ARENA_EMPTY;
    struct dnsbl_result found;
    dnsbl_check(&p->config->dnsbl, s->mta->dns, &a, &s->client.sockaddr, TIMEOUT_MS, &found);
    p->dnsbl_score = found.score;
    if (found.worst && found.score >= p->config->dnsbl_threshold)
        finding_against(f, RULE_DNSBL, "554 5.7.1", "your address %s is listed by %.*s%s%.*s", s->client.address,
                        STR_ARG(found.worst->domain), found.text.n ? ": " : "", STR_ARG(found.text));
    arena_free(&a);
}
