/*
 * evaluate: check_host() (RFC 7208 4) over a resolver that the caller brings: the DNS in spf_check(), tables in tests.
 */
#ifndef SPF_EVALUATE_H
#define SPF_EVALUATE_H

#include "spf/spf.h"

struct spf_resolver {
    /* Raw rdata of all records of that type, as dns_query_until() gives them. */
    enum dns_status (*query)(void *context, struct arena *a, struct str name, int type, int64_t deadline,
                             struct str **rdata, size_t *count);
    void *context;
    int64_t time_limit; /* of the whole evaluation, microseconds */
};

void spf_check_by(const struct spf_resolver *resolver, struct arena *a, const struct spf_request *request,
                  struct spf_answer *out);

#endif
