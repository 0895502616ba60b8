#include "dkim/verify.h"
#include "authres/authres.h"

#include "arc/chain.h"
#include <stdio.h>

const char *arc_status_name(enum arc_status s) {
    static const char *const name[] = {"none", "pass", "fail"};
    return (size_t)s < sizeof name / sizeof *name ? name[s] : "none";
}

/* What verifying a set needs beside struct arc_set. */
struct link {
    struct dkim_parsed message, seal;
    bool message_ok, seal_ok; /* could be read, and has nothing against it so far */
    unsigned char seal_digest[DKIM_DIGEST];
};

static bool fail(struct arc_chain *c, struct str reason) {
    c->status = ARC_FAIL;
    c->reason = reason;
    return false;
}

/* ---- reading the sets ---- */

static struct str id_of(struct arena *a, struct str payload) {
    size_t n = 0;
    while (n < payload.n && !strchr("; \t\r\n(", payload.p[n]))
        n++;
    return arena_lower(a, str_sub(payload, 0, n));
}

static size_t index_of(const struct dkim_verifier *v, const struct dkim_field *f) {
    return (size_t)(f - v->message.field);
}

static void read_set(struct dkim_verifier *v, const struct arc_fields *f, unsigned instance, struct arc_set *set,
                     struct link *link) {
    unsigned same;
    set->instance = instance;
    set->authentication_results = arc_results_payload(f->results->body, &same);
    set->authserv_id = id_of(v->a, set->authentication_results);
    link->message_ok = dkim_signature_read(v->a, &v->message, index_of(v, f->message), DKIM_KIND_ARC_MESSAGE, v->now,
                                           &set->message, &link->message);
    link->seal_ok = dkim_signature_read(v->a, &v->message, index_of(v, f->seal), DKIM_KIND_ARC_SEAL, v->now, &set->seal,
                                        &link->seal);
}

/* Section 4.1.3 on cv=, and step 3 of section 5.2: none for the first, pass for the others. */
static bool check_cv(struct dkim_verifier *v, struct arc_chain *c, struct arc_set *set, const struct link *link) {
    struct str cv = dkim_tag_value(&link->seal.tags, "cv");
    if (!arc_status_parse(cv, &set->cv))
        return fail(c, arena_printf(v->a, "the seal of i=%u has no valid cv=", set->instance));
    if (set->cv == ARC_FAIL)
        return fail(c, arena_printf(v->a, "the chain had failed before: the seal of i=%u says cv=fail", set->instance));
    if (set->cv != (set->instance == 1 ? ARC_NONE : ARC_PASS))
        return fail(c, arena_printf(v->a, "the seal of i=%u says cv=%s", set->instance, arc_status_name(set->cv)));
    return true;
}

/* ---- seals ---- */

static void add_field(struct dkim_verifier *v, EVP_MD_CTX *running, const struct dkim_field *f) {
    buf_reset(&v->scratch);
    dkim_canonical_field(DKIM_RELAXED, f->raw, &v->scratch);
    dkim_hash_add(running, buf_str(&v->scratch));
}

/* Each seal is over all sets up to its own, in order, and itself without its b= (section 5.1.1). One pass. */
static void digest_seals(struct dkim_verifier *v, const struct arc_structure *s, struct link *link) {
    EVP_MD_CTX *running = dkim_hash_new();
    dkim_hash_start(running);
    for (unsigned i = 1; i <= s->highest; i++) {
        const struct dkim_parsed *p = &link[i].seal;
        add_field(v, running, s->set[i].results);
        add_field(v, running, s->set[i].message);
        buf_reset(&v->scratch);
        dkim_canonical_signature(DKIM_RELAXED, p->field, p->b_from, p->b_to, &v->scratch);
        dkim_hash_peek(running, v->hash, buf_str(&v->scratch), link[i].seal_digest);
        add_field(v, running, s->set[i].seal);
    }
    dkim_hash_free(running);
}

/* ---- the chain ---- */

static void verify_message(struct dkim_verifier *v, struct arc_set *set, struct link *link) {
    if (link->message_ok)
        dkim_verify_message(v, &set->message, &link->message);
    link->message_ok = false; /* once */
}

static bool failed_on(struct dkim_verifier *v, struct arc_chain *c, const char *what, const struct arc_set *set,
                      const struct dkim_signature *s) {
    c->temporary = s->result == DKIM_TEMPERROR;
    return fail(c, arena_printf(v->a, "the %s of i=%u: %.*s", what, set->instance, STR_ARG(s->reason)));
}

/* Steps 4 and 6 of section 5.2: the newest message signature, and all seals from the newest down. */
static bool verify_chain(struct dkim_verifier *v, const struct arc_structure *s, struct arc_chain *c,
                         struct link *link) {
    struct arc_set *newest = &c->set[c->count - 1];
    for (size_t i = 0; i < c->count; i++)
        if (link[c->set[i].instance].seal_ok)
            dkim_verifier_want(v, &c->set[i].seal);
    verify_message(v, newest, &link[newest->instance]);
    if (newest->message.result != DKIM_PASS)
        return failed_on(v, c, "message signature", newest, &newest->message);
    digest_seals(v, s, link);
    for (size_t i = c->count; i-- > 0;) {
        struct arc_set *set = &c->set[i];
        if (link[set->instance].seal_ok)
            dkim_verify_digest(v, &set->seal, &link[set->instance].seal, link[set->instance].seal_digest);
        if (set->seal.result != DKIM_PASS)
            return failed_on(v, c, "seal", set, &set->seal);
    }
    return true;
}

/* Step 5: how far back the message is as it was. */
static unsigned oldest_pass(struct dkim_verifier *v, struct arc_chain *c, struct link *link) {
    for (size_t i = c->count - 1; i-- > 0;) {
        verify_message(v, &c->set[i], &link[c->set[i].instance]);
        if (c->set[i].message.result != DKIM_PASS)
            return c->set[i].instance + 1;
    }
    return 0;
}

static void validate(struct dkim_verifier *v, const struct arc_structure *s, struct arc_chain *c) {
    struct link *link = arena_array(v->a, s->highest + 1, sizeof *link);
    c->set = arena_array(v->a, s->highest, sizeof *c->set);
    c->count = s->highest;
    for (unsigned i = 1; i <= s->highest; i++)
        read_set(v, &s->set[i], i, &c->set[i - 1], &link[i]);
    for (unsigned i = s->highest; i > 0; i--)
        if (!check_cv(v, c, &c->set[i - 1], &link[i]))
            return;
    if (!verify_chain(v, s, c, link))
        return;
    c->status = ARC_PASS;
    c->reason = arena_printf(v->a, "%u set%s, all seals are right", s->highest, s->highest == 1 ? "" : "s");
    c->oldest_pass = oldest_pass(v, c, link);
}

void arc_verify(struct dns *dns, struct arena *a, struct str message, const struct dkim_options *options,
                struct arc_chain *out) {
    struct dkim_verifier v;
    struct arc_structure s;
    *out = (struct arc_chain){.reason = STR("the message has no chain")};
    dkim_verifier_begin(&v, dns, a, message, options);
    arc_structure_read(a, &v.message, &s);
    out->instance = s.highest;
    out->closed = s.closed;
    if (v.message.too_many)
        (void)fail(out, STR("the message has too many header fields"));
    else if (s.broken)
        (void)fail(out, str_of(s.broken));
    else if (s.any)
        validate(&v, &s, out);
    dkim_verifier_end(&v);
}

void arc_authentication_results(const struct arc_chain *chain, struct buf *out) {
    char number[16];
    authres_method(out, "arc", arc_status_name(chain->status));
    if (chain->instance) {
        snprintf(number, sizeof number, "i=%u", chain->instance);
        authres_comment(out, str_of(number));
    }
    if (chain->status == ARC_FAIL)
        authres_reason(out, chain->reason);
    if (chain->status != ARC_PASS)
        return;
    snprintf(number, sizeof number, "%u", chain->oldest_pass);
    authres_property(out, "header", "oldest-pass", str_of(number));
}
