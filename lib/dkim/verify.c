#include "dkim/verify.h"

#include "base/clock.h"
#include "dkim/public_key.h"

#include <arpa/nameser.h>

enum {
    MAX_AT_ONCE = 16, /* keys that are asked for at the same time */
    MAX_RECORDS = 8,  /* key records at one name that are tried (section 6.1.2 leaves it to us) */
    MAX_BODIES = 64,  /* body hashes of one message: as many as signatures at most */
};

struct dkim_records {
    struct dkim_records *next;
    struct str name;
    enum dns_status status;
    bool asked, late;
    struct str *text;
    size_t count;
};

void dkim_verifier_begin(struct dkim_verifier *v, struct dns *dns, struct arena *a, struct str message,
                         const struct dkim_options *options) {
    static const struct dkim_options defaults;
    const struct dkim_options *o = options ? options : &defaults;
    unsigned seconds = o->seconds ? o->seconds : DKIM_LOOKUP_SECONDS;
    *v = (struct dkim_verifier){.dns = dns,
                                .a = a,
                                .options = o,
                                .now = o->now ? o->now : clock_now(),
                                .deadline = clock_monotonic() + (int64_t)seconds * CLOCK_SECOND,
                                .hash = dkim_hash_new(),
                                .body = arena_array(a, MAX_BODIES, sizeof(struct dkim_body_hash))};
    dkim_message_split(a, message, &v->message);
}

void dkim_verifier_end(struct dkim_verifier *v) {
    dkim_hash_free(v->hash);
    buf_free(&v->scratch);
}

/* ---- keys ---- */

static struct str name_of_key(struct dkim_verifier *v, const struct dkim_signature *s) {
    return arena_printf(v->a, "%.*s._domainkey.%.*s", STR_ARG(s->selector), STR_ARG(s->domain));
}

/* The place for what is at a name. */
static struct dkim_records *records_for(struct dkim_verifier *v, struct str name) {
    for (struct dkim_records *r = v->records; r; r = r->next)
        if (str_eq(r->name, name))
            return r;
    struct dkim_records *r = arena_alloc(v->a, sizeof *r);
    r->name = name;
    r->status = DNS_TEMPORARY;
    r->next = v->records;
    v->records = r;
    return r;
}

void dkim_verifier_want(struct dkim_verifier *v, const struct dkim_signature *s) {
    (void)records_for(v, name_of_key(v, s));
}

static void take_answer(struct dkim_verifier *v, struct dkim_records *r, const struct dns_question *q) {
    r->status = q->status;
    r->count = q->count;
    r->text = arena_array(v->a, q->count + 1, sizeof *r->text);
    for (size_t i = 0; i < q->count; i++)
        r->text[i] = dns_rdata_text(v->a, q->rdata[i]);
}

/* Asks for this one and, at the same time, for others that are wanted. */
static void ask_with_others(struct dkim_verifier *v, struct dkim_records *first) {
    struct dns_question q[MAX_AT_ONCE] = {{.name = first->name, .type = ns_t_txt}};
    struct dkim_records *of[MAX_AT_ONCE] = {first};
    size_t n = 1;
    for (struct dkim_records *r = v->records; r && n < MAX_AT_ONCE; r = r->next)
        if (!r->asked && r != first) {
            q[n] = (struct dns_question){.name = r->name, .type = ns_t_txt};
            of[n++] = r;
        }
    dns_query_all(v->dns, v->a, q, n, v->deadline);
    for (size_t i = 0; i < n; i++) {
        of[i]->asked = true;
        take_answer(v, of[i], &q[i]);
    }
}

static const struct dkim_records *records_at(struct dkim_verifier *v, struct str name) {
    struct dkim_records *r = records_for(v, name);
    if (r->asked)
        return r;
    r->late = clock_monotonic() >= v->deadline;
    r->asked = true;
    if (r->late)
        return r;
    if (v->options->txt)
        r->status = v->options->txt(v->options->txt_context, v->a, r->name, &r->text, &r->count);
    else if (v->dns)
        ask_with_others(v, r);
    return r;
}

static bool no_records(struct dkim_verifier *v, struct dkim_signature *s, const struct dkim_records *r) {
    switch (r->status) {
    case DNS_OK:
        return false;
    case DNS_TEMPORARY:
        (void)dkim_decide(s, DKIM_TEMPERROR,
                          r->late ? STR("no time was left to ask for the key")
                                  : arena_printf(v->a, "no answer for the key at %.*s", STR_ARG(r->name)));
        return true;
    default:
        (void)dkim_decide(s, DKIM_PERMERROR, arena_printf(v->a, "there is no key at %.*s", STR_ARG(r->name)));
        return true;
    }
}

/* Section 3.6.1 on t=s: i= is then for d= itself. In ARC i= is something else. */
static bool identity_fits(const struct dkim_public_key *key, const struct dkim_signature *s,
                          const struct dkim_parsed *p) {
    struct str domain = str_sub(s->identity, (size_t)str_rchr(s->identity, '@') + 1, s->identity.n);
    return !key->strict_identity || p->kind != DKIM_KIND_SIGNATURE || dkim_tag_value(&p->tags, "i").p == NULL ||
           str_ieq(domain, dkim_tag_value(&p->tags, "d"));
}

static void judge_by(const struct dkim_public_key *key, struct dkim_signature *s, const struct dkim_parsed *p,
                     const unsigned char *digest) {
    s->key_bits = key->bits;
    s->testing = key->testing;
    if (key->refusal != DKIM_PASS)
        (void)dkim_decide(s, key->refusal, str_of(key->reason));
    else if (key->algorithm != s->algorithm)
        (void)dkim_decide(s, DKIM_PERMERROR, STR("the key is of another type than the signature"));
    else if (!identity_fits(key, s, p))
        (void)dkim_decide(s, DKIM_PERMERROR, STR("i= is not d= itself, as the key asks for"));
    else if (!dkim_public_key_verifies(key, digest, p->b))
        (void)dkim_decide(s, DKIM_FAIL, STR("the signature does not fit the header"));
    else
        (void)dkim_decide(s, DKIM_PASS, STR("the signature is right"));
}

/* Where there are several keys, the one that fits counts, else the first. */
void dkim_verify_digest(struct dkim_verifier *v, struct dkim_signature *s, const struct dkim_parsed *p,
                        const unsigned char digest[DKIM_DIGEST]) {
    struct str name = name_of_key(v, s);
    const struct dkim_records *r = records_at(v, name);
    bool found = false;
    if (no_records(v, s, r))
        return;
    for (size_t i = 0; i < r->count && i < MAX_RECORDS && s->result != DKIM_PASS; i++) {
        struct dkim_public_key *key = dkim_public_key_get(r->text[i]);
        struct dkim_signature by_this = *s;
        if (key->refusal != DKIM_NONE)
            judge_by(key, &by_this, p, digest);
        if (key->refusal != DKIM_NONE && (!found || by_this.result == DKIM_PASS)) {
            *s = by_this;
            found = true;
        }
        dkim_public_key_put(key);
    }
    if (!found)
        (void)dkim_decide(s, DKIM_PERMERROR, arena_printf(v->a, "the record at %.*s is not a key", STR_ARG(name)));
}

/* ---- header and body ---- */

static void gather_header(struct dkim_verifier *v, const struct dkim_signature *s, const struct dkim_parsed *p) {
    buf_reset(&v->scratch);
    dkim_gather(v->a, &v->message, p->headers, p->field, s->header_canonicalization, &v->scratch);
    dkim_canonical_signature(s->header_canonicalization, p->field, p->b_from, p->b_to, &v->scratch);
}

static const struct dkim_body_hash *body_hash(struct dkim_verifier *v, enum dkim_canonicalization c, uint64_t limit) {
    for (size_t i = 0; i < v->bodies; i++)
        if (v->body[i].canonicalization == c && v->body[i].limit == limit)
            return &v->body[i];
    struct dkim_body_hash *h = &v->body[v->bodies < MAX_BODIES ? v->bodies++ : MAX_BODIES - 1];
    *h = (struct dkim_body_hash){.canonicalization = c, .limit = limit};
    dkim_hash_body(v->hash, v->message.body, h);
    return h;
}

static bool names_cover_from(struct str names, size_t fields) {
    struct str name;
    size_t named = 0;
    while (str_split(&names, ':', &name))
        named += str_ieq(str_trim(name), STR("From"));
    return named >= fields;
}

/* Whether there is nothing against a signature that is right. */
static void apply_policy(struct dkim_verifier *v, struct dkim_signature *s, const struct dkim_parsed *p) {
    if (s->result != DKIM_PASS)
        return;
    if (s->partly_signed)
        (void)dkim_decide(s, DKIM_POLICY, STR("only a part of the body is signed (l=)"));
    else if (p->kind == DKIM_KIND_SIGNATURE &&
             !names_cover_from(p->headers, dkim_message_count(&v->message, STR("From"))))
        (void)dkim_decide(s, DKIM_POLICY, STR("there is a From field that is not signed"));
}

void dkim_verify_message(struct dkim_verifier *v, struct dkim_signature *s, const struct dkim_parsed *p) {
    unsigned char digest[DKIM_DIGEST];
    gather_header(v, s, p);
    dkim_hash(v->hash, buf_str(&v->scratch), digest);
    dkim_verify_digest(v, s, p, digest);
    if (s->result != DKIM_PASS && s->result != DKIM_FAIL)
        return;
    const struct dkim_body_hash *h = body_hash(v, s->body_canonicalization, p->body_length);
    bool limited = p->body_length != UINT64_MAX;
    s->partly_signed = limited && h->length > p->body_length;
    if (limited && h->length < p->body_length)
        (void)dkim_decide(s, DKIM_FAIL, STR("the body is shorter than what was signed (l=)"));
    else if (!str_eq(p->bh, str_n(h->digest, DKIM_DIGEST)))
        (void)dkim_decide(s, DKIM_FAIL, STR("the body was changed after it was signed"));
    apply_policy(v, s, p);
}

/* ---- the message's signatures ---- */

/* RFC 6008: as much of b= as tells it from the others, and 8 characters at least. */
static void make_distinct(struct dkim_signature *s, const struct dkim_parsed *p, size_t count) {
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < count; k++)
            while (k != i && s[i].b.n < p[i].b_text.n && str_starts(p[k].b_text, s[i].b) &&
                   !str_eq(p[k].b_text, p[i].b_text))
                s[i].b.n++;
}

static size_t read_all(struct dkim_verifier *v, struct dkim_signature *s, struct dkim_parsed *p, bool *ok, size_t max) {
    static const struct str name = STR("DKIM-Signature");
    uint32_t hash = dkim_name_hash(name);
    size_t n = 0;
    for (size_t i = 0; i < v->message.count && n < max; i++) {
        if (!dkim_field_is(&v->message.field[i], hash, name))
            continue;
        ok[n] = dkim_signature_read(v->a, &v->message, i, DKIM_KIND_SIGNATURE, v->now, &s[n], &p[n]);
        if (ok[n])
            dkim_verifier_want(v, &s[n]);
        n++;
    }
    return n;
}

static size_t verify_all(struct dkim_verifier *v, struct dkim_signature *s, size_t max) {
    struct dkim_parsed *p = arena_array(v->a, max, sizeof *p);
    bool *ok = arena_array(v->a, max, sizeof *ok);
    size_t n = read_all(v, s, p, ok, max);
    for (size_t i = 0; i < n; i++)
        if (ok[i])
            dkim_verify_message(v, &s[i], &p[i]);
    make_distinct(s, p, n);
    return n;
}

void dkim_verify(struct dns *dns, struct arena *a, struct str message, const struct dkim_options *options,
                 struct dkim_signature **out, size_t *count) {
    struct dkim_verifier v;
    dkim_verifier_begin(&v, dns, a, message, options);
    size_t max = v.options->signatures ? v.options->signatures : DKIM_MAX_SIGNATURES;
    *out = arena_array(a, max, sizeof **out);
    *count = 0;
    if (v.message.too_many) {
        **out = (struct dkim_signature){.algorithm = DKIM_ALGORITHM_UNKNOWN, .signed_at = -1, .expires_at = -1};
        (void)dkim_decide(*out, DKIM_NEUTRAL, STR("the message has too many header fields"));
        *count = 1;
    } else {
        *count = verify_all(&v, *out, max);
    }
    dkim_verifier_end(&v);
}
