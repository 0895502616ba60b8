#include "authres/authres.h"
#include "dkim/dkim.h"

const char *dkim_result_name(enum dkim_result r) {
    static const char *const name[] = {"none", "pass", "fail", "policy", "neutral", "temperror", "permerror"};
    return (size_t)r < sizeof name / sizeof *name ? name[r] : "none";
}

const char *dkim_algorithm_name(enum dkim_algorithm a) {
    static const char *const name[] = {"rsa-sha256", "ed25519-sha256", "rsa-sha1", "unknown"};
    return (size_t)a < sizeof name / sizeof *name ? name[a] : "unknown";
}

enum dkim_result dkim_overall(const struct dkim_signature *signature, size_t count) {
    static const enum dkim_result order[] = {DKIM_PASS,   DKIM_TEMPERROR, DKIM_FAIL,
                                             DKIM_POLICY, DKIM_PERMERROR, DKIM_NEUTRAL};
    for (size_t k = 0; k < sizeof order / sizeof *order; k++)
        for (size_t i = 0; i < count; i++)
            if (signature[i].result == order[k])
                return order[k];
    return DKIM_NONE;
}

static void add_one(struct buf *out, const struct dkim_signature *s) {
    authres_method(out, "dkim", dkim_result_name(s->result));
    if (s->result != DKIM_PASS)
        authres_reason(out, s->reason);
    authres_property(out, "header", "d", s->domain);
    authres_property(out, "header", "i", s->identity);
    authres_property(out, "header", "s", s->selector);
    authres_property(out, "header", "a", s->algorithm_text);
    authres_property(out, "header", "b", s->b);
}

void dkim_authentication_results(const struct dkim_signature *signature, size_t count, struct buf *out) {
    if (count == 0)
        authres_method(out, "dkim", "none");
    for (size_t i = 0; i < count; i++)
        add_one(out, &signature[i]);
}
