/* Who sends on where RFC 2920 section 3.1 has it wait for an answer plays back a script. Applied at DATA, when the
 * recipients are known; what follows could not be told from commands, so the connection ends. */
#include "policy/finding.h"

void pipelining_data(struct session *s, struct verdict *v) {
    if (s->pipelined_early && s->policy->unexcused)
        policy_apply(s, RULE_PIPELINING, VERDICT_CLOSE,
                     "554 5.5.0 [pipelining] You sent on without waiting for the answer", v);
}
