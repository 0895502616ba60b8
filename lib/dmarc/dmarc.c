#include "dmarc/dmarc.h"

#include "base/codec.h"

const char *dmarc_result_name(enum dmarc_result r) {
    static const char *const name[] = {[DMARC_NONE] = "none",
                                       [DMARC_PASS] = "pass",
                                       [DMARC_FAIL] = "fail",
                                       [DMARC_TEMPERROR] = "temperror",
                                       [DMARC_PERMERROR] = "permerror"};
    return name[r];
}

const char *dmarc_policy_name(enum dmarc_policy p) {
    static const char *const name[] = {
        [DMARC_POLICY_NONE] = "none", [DMARC_POLICY_QUARANTINE] = "quarantine", [DMARC_POLICY_REJECT] = "reject"};
    return name[p];
}

/* What is known while one message is checked. */
struct check {
    struct dns *dns;
    struct arena *a;
    const struct dmarc_request *request;
};

static enum dns_status ask(const struct check *c, struct str name, struct str **text, size_t *count) {
    if (c->request->txt)
        return c->request->txt(c->request->txt_context, c->a, name, text, count);
    return dns_txt(c->dns, c->a, name, text, count, NULL);
}

/* ---- finding the record (RFC 7489 section 6.6.3) ---- */

enum found { FOUND, FOUND_NOTHING, FOUND_BAD, FOUND_SEVERAL, FOUND_NO_ANSWER };

static enum found look_at(const struct check *c, struct str domain, struct dmarc_answer *out) {
    struct str *text;
    size_t count = 0, records = 0;
    enum dmarc_grammar grammar = DMARC_OTHER_RECORD;
    enum dns_status status = ask(c, arena_printf(c->a, "_dmarc.%.*s", STR_ARG(domain)), &text, &count);
    if (status == DNS_TEMPORARY)
        return FOUND_NO_ANSWER;
    for (size_t i = 0; status == DNS_OK && i < count; i++) {
        struct dmarc_record record;
        struct str reason;
        enum dmarc_grammar g = dmarc_record_read(text[i], &record, &reason);
        if (g == DMARC_OTHER_RECORD)
            continue;
        grammar = g;
        out->record = record;
        out->reason = reason;
        if (++records > 1)
            return FOUND_SEVERAL;
    }
    if (!records)
        return FOUND_NOTHING;
    out->record_domain = domain;
    return grammar == DMARC_RECORD ? FOUND : FOUND_BAD;
}

static enum found discover(const struct check *c, struct dmarc_answer *out) {
    enum found found = look_at(c, out->domain, out);
    struct str organization = dmarc_organization(out->domain);
    return found == FOUND_NOTHING && organization.n < out->domain.n ? look_at(c, organization, out) : found;
}

/* ---- alignment ---- */

static bool spf_is_aligned(const struct check *c, const struct dmarc_answer *out, enum spf_result result) {
    const struct spf_answer *spf = c->request->spf;
    return spf && spf->result == result && dmarc_aligned(spf->domain, out->domain, out->record.strict_spf);
}

static const struct dkim_signature *aligned_signature(const struct check *c, const struct dmarc_answer *out,
                                                      enum dkim_result result) {
    for (size_t i = 0; i < c->request->signatures; i++) {
        const struct dkim_signature *s = &c->request->signature[i];
        if (s->result == result && dmarc_aligned(s->domain, out->domain, out->record.strict_dkim))
            return s;
    }
    return NULL;
}

/* Why nothing that passed is good for this domain. */
static struct str failure(const struct check *c, const struct dmarc_answer *out) {
    struct buf why = BUF_EMPTY;
    const struct spf_answer *spf = c->request->spf;
    if (!spf)
        buf_add_c(&why, "SPF was not asked");
    else if (spf->result == SPF_PASS)
        buf_printf(&why, "SPF passes for %.*s, which is not aligned", STR_ARG(spf->domain));
    else
        buf_printf(&why, "SPF gives %s", spf_result_text(spf->result));
    const struct dkim_signature *passed = NULL, *own = NULL;
    for (size_t i = 0; i < c->request->signatures; i++) {
        const struct dkim_signature *s = &c->request->signature[i];
        if (s->result == DKIM_PASS)
            passed = s;
        else if (!own && dmarc_aligned(s->domain, out->domain, out->record.strict_dkim))
            own = s;
    }
    if (own)
        buf_printf(&why, ", the signature of %.*s gives %s", STR_ARG(own->domain), dkim_result_name(own->result));
    else if (passed)
        buf_printf(&why, ", DKIM passes for %.*s, which is not aligned", STR_ARG(passed->domain));
    else
        buf_add_c(&why, c->request->signatures ? ", no signature passes" : ", there is no DKIM signature");
    struct str text = arena_str(c->a, buf_str(&why));
    buf_free(&why);
    return text;
}

/* ---- what follows from a failure ---- */

/* A name that is asked for and does not exist. */
static bool is_missing(const struct check *c, struct str domain) {
    struct str *text;
    size_t count;
    return ask(c, domain, &text, &count) == DNS_NXDOMAIN;
}

static enum dmarc_policy published(const struct check *c, const struct dmarc_answer *out) {
    const struct dmarc_record *r = &out->record;
    if (str_eq(out->record_domain, out->domain))
        return r->policy;
    if (r->has_missing_policy && r->missing_policy != r->subdomain_policy && is_missing(c, out->domain))
        return r->missing_policy;
    return r->subdomain_policy;
}

/* Section 6.6.4: what is not of the percentage gets the next milder policy. */
static void sample(const struct check *c, struct dmarc_answer *out) {
    uint32_t place = c->request->sample;
    if (!place && out->record.percent < 100) {
        uint16_t any;
        random_bytes(&any, sizeof any);
        place = any % 100 + 1;
    }
    out->policy = out->published;
    out->sampled_out = place > out->record.percent && out->published != DMARC_POLICY_NONE;
    if (out->sampled_out)
        out->policy = out->published == DMARC_POLICY_REJECT ? DMARC_POLICY_QUARANTINE : DMARC_POLICY_NONE;
}

static void judge(const struct check *c, struct dmarc_answer *out) {
    const struct dkim_signature *signature = aligned_signature(c, out, DKIM_PASS);
    out->spf_aligned = spf_is_aligned(c, out, SPF_PASS);
    out->dkim_aligned = signature != NULL;
    out->published = published(c, out);
    if (signature || out->spf_aligned) {
        out->result = DMARC_PASS;
        out->reason = signature ? arena_printf(c->a, "the signature of %.*s is aligned", STR_ARG(signature->domain))
                                : arena_printf(c->a, "SPF passes for %.*s", STR_ARG(c->request->spf->domain));
    } else if (spf_is_aligned(c, out, SPF_TEMPERROR) || aligned_signature(c, out, DKIM_TEMPERROR)) {
        out->result = DMARC_TEMPERROR;
        out->reason = arena_printf(c->a, "the DNS gave no answer about %.*s", STR_ARG(out->domain));
    } else {
        out->result = DMARC_FAIL;
        out->reason = failure(c, out);
        sample(c, out);
    }
}

static void check_domain(const struct check *c, struct str domain, struct dmarc_answer *out) {
    *out = (struct dmarc_answer){.domain = domain, .record_domain = STR("")};
    switch (discover(c, out)) {
    case FOUND:
        judge(c, out);
        return;
    case FOUND_NO_ANSWER:
        out->result = DMARC_TEMPERROR;
        out->reason = arena_printf(c->a, "the DNS did not say what the policy of %.*s is", STR_ARG(domain));
        return;
    case FOUND_BAD:
        out->result = DMARC_PERMERROR;
        return;
    case FOUND_SEVERAL:
        out->reason = arena_printf(c->a, "%.*s has several policies, which counts as none", STR_ARG(domain));
        return;
    default:
        out->reason = arena_printf(c->a, "%.*s has no policy", STR_ARG(domain));
    }
}

/* ---- From ---- */

/* Of several authors' answers the one that counts: what fails by its policy, and a pass only where all pass. */
static int weight(const struct dmarc_answer *x) {
    switch (x->result) {
    case DMARC_FAIL:
        return 10 + (int)x->policy * 3 + (int)x->published;
    case DMARC_TEMPERROR:
        return 4;
    case DMARC_PERMERROR:
        return 3;
    case DMARC_NONE:
        return 2;
    default:
        return 1;
    }
}

static void unusable_from(struct dmarc_answer *out, const char *why) {
    if (out->result == DMARC_FAIL || out->result == DMARC_TEMPERROR)
        return;
    out->result = DMARC_PERMERROR;
    out->reason = str_of(why);
}

void dmarc_check(struct dns *dns, struct arena *a, const struct dmarc_request *request, struct dmarc_answer *out) {
    const struct check c = {dns, a, request};
    size_t count, fields;
    bool odd;
    struct str *domain = dmarc_author_domains(a, request->message, &count, &fields, &odd);
    *out = (struct dmarc_answer){.domain = STR(""), .record_domain = STR("")};
    for (size_t i = 0; i < count; i++) {
        struct dmarc_answer one;
        check_domain(&c, domain[i], &one);
        if (i == 0 || weight(&one) > weight(out))
            *out = one;
    }
    out->from_fields = fields;
    if (fields == 0)
        unusable_from(out, "the message has no From field");
    else if (fields > 1) /* RFC 5322 section 3.6: nobody knows which of them is shown */
        unusable_from(out, "the message has several From fields");
    else if (odd || count == 0)
        unusable_from(out, "From names no domain that could be asked for, or too many");
}
