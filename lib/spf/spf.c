#include "spf/spf.h"

#include "base/clock.h"
#include "spf/evaluate.h"

static enum dns_status query(void *context, struct arena *a, struct str name, int type, int64_t deadline,
                             struct str **rdata, size_t *count) {
    return dns_query_until(context, a, name, type, deadline, rdata, count);
}

void spf_check(struct dns *d, struct arena *a, const struct spf_request *request, struct spf_answer *out) {
    struct spf_resolver resolver = {query, d, SPF_TIME_LIMIT_S * CLOCK_SECOND};
    spf_check_by(&resolver, a, request, out);
}

const char *spf_result_text(enum spf_result r) {
    static const char *const text[] = {
        [SPF_NONE] = "none",         [SPF_NEUTRAL] = "neutral",     [SPF_PASS] = "pass",          [SPF_FAIL] = "fail",
        [SPF_SOFTFAIL] = "softfail", [SPF_TEMPERROR] = "temperror", [SPF_PERMERROR] = "permerror"};
    return text[r];
}
