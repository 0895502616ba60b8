#include "dkim/signature.h"

#include "base/clock.h"
#include "dkim/public_suffix.h"

#include <idn2.h>

bool dkim_decide(struct dkim_signature *s, enum dkim_result result, struct str reason) {
    s->result = result;
    s->reason = reason;
    return false;
}

static bool broken(struct dkim_signature *s, const char *why) { return dkim_decide(s, DKIM_PERMERROR, str_of(why)); }

/* ---- domains ---- */

enum { MAX_NAME = 253, MAX_LABEL = 63 };

/* Labels of letters, digits, hyphens and (in selectors) underscores. */
static bool is_domain_name(struct str name) {
    struct str label;
    if (name.n == 0 || name.n > MAX_NAME)
        return false;
    while (str_split(&name, '.', &label)) {
        if (label.n == 0 || label.n > MAX_LABEL)
            return false;
        for (size_t i = 0; i < label.n; i++)
            if (!ascii_alpha(label.p[i]) && !ascii_digit(label.p[i]) && label.p[i] != '-' && label.p[i] != '_')
                return false;
    }
    return true;
}

struct str dkim_domain(struct arena *a, struct str name) {
    static const struct str none = {NULL, 0};
    if (str_is_ascii(name))
        return is_domain_name(name) ? arena_lower(a, name) : none;
    char *text = NULL;
    if (name.n > MAX_NAME || !str_is_utf8(name) ||
        idn2_to_ascii_8z(arena_c(a, name), &text, IDN2_NONTRANSITIONAL) != IDN2_OK)
        return none;
    struct str ascii = arena_lower(a, str_of(text));
    idn2_free(text);
    return is_domain_name(ascii) ? ascii : none;
}

/* Whether it is the other one, or below it. */
static bool is_within(struct str name, struct str domain) {
    return str_eq(name, domain) ||
           (name.n > domain.n && str_ends(name, domain) && name.p[name.n - domain.n - 1] == '.');
}

/* ---- the tags, one by one ---- */

static bool read_version(struct dkim_signature *s, const struct dkim_parsed *p) {
    struct str v = dkim_tag_value(&p->tags, "v");
    if (p->kind != DKIM_KIND_SIGNATURE)
        return true; /* not there in ARC, and without a meaning */
    if (v.p == NULL)
        return broken(s, "v= is missing");
    return str_eq(v, STR("1")) || broken(s, "v= is not 1");
}

static bool read_algorithm(struct dkim_signature *s, const struct dkim_parsed *p) {
    static const enum dkim_algorithm known[] = {DKIM_RSA_SHA256, DKIM_ED25519_SHA256, DKIM_RSA_SHA1};
    s->algorithm_text = dkim_tag_value(&p->tags, "a");
    s->algorithm = DKIM_ALGORITHM_UNKNOWN;
    if (s->algorithm_text.n == 0)
        return broken(s, "a= is missing");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_ieq(s->algorithm_text, str_of(dkim_algorithm_name(known[i]))))
            s->algorithm = known[i];
    if (s->algorithm == DKIM_ALGORITHM_UNKNOWN)
        return dkim_decide(s, DKIM_NEUTRAL, STR("the algorithm is not known"));
    return s->algorithm != DKIM_RSA_SHA1 ||
           dkim_decide(s, DKIM_POLICY, STR("rsa-sha1 is not trusted any more (RFC 8301)"));
}

static bool canonicalization_of(struct str word, enum dkim_canonicalization *out) {
    *out = str_ieq(word, STR("relaxed")) ? DKIM_RELAXED : DKIM_SIMPLE;
    return *out == DKIM_RELAXED || str_ieq(word, STR("simple"));
}

static bool read_canonicalization(struct dkim_signature *s, const struct dkim_parsed *p) {
    struct str c = dkim_tag_value(&p->tags, "c");
    if (p->kind == DKIM_KIND_ARC_SEAL) { /* RFC 8617 section 4.1.3 */
        s->header_canonicalization = DKIM_RELAXED;
        return true;
    }
    s->header_canonicalization = s->body_canonicalization = DKIM_SIMPLE;
    if (c.p == NULL)
        return true;
    ptrdiff_t slash = str_chr(c, '/');
    struct str header = slash < 0 ? c : str_sub(c, 0, (size_t)slash);
    if (canonicalization_of(header, &s->header_canonicalization) &&
        (slash < 0 || canonicalization_of(str_sub(c, (size_t)slash + 1, c.n), &s->body_canonicalization)))
        return true;
    return dkim_decide(s, DKIM_NEUTRAL, STR("the canonicalization is not known"));
}

static bool read_names(struct arena *a, struct dkim_signature *s, const struct dkim_parsed *p) {
    struct str d = dkim_tag_value(&p->tags, "d"), selector = dkim_tag_value(&p->tags, "s");
    if (d.p)
        s->domain = dkim_domain(a, d);
    if (selector.p)
        s->selector = dkim_domain(a, selector);
    if (d.n == 0)
        return broken(s, "d= is missing");
    if (selector.n == 0)
        return broken(s, "s= is missing");
    if (!s->domain.p)
        return broken(s, "d= is not a domain name");
    if (!s->selector.p)
        return broken(s, "s= is not a selector");
    return true;
}

/* i= is the domain or below it, written as quoted-printable of DKIM, whose local part is nobody's business here. */
static bool read_identity(struct arena *a, struct dkim_signature *s, const struct dkim_parsed *p) {
    struct str i = dkim_tag_value(&p->tags, "i");
    s->identity = arena_printf(a, "@%.*s", STR_ARG(s->domain));
    if (p->kind != DKIM_KIND_SIGNATURE || i.p == NULL)
        return true; /* in ARC it is the number of the set */
    s->identity = i;
    ptrdiff_t at = str_rchr(i, '@');
    struct str domain = at < 0 ? (struct str){NULL, 0} : dkim_domain(a, str_sub(i, (size_t)at + 1, i.n));
    if (domain.p == NULL)
        return broken(s, "i= is not an address");
    return is_within(domain, s->domain) || broken(s, "i= is not within d=");
}

static bool read_seconds(struct str value, int64_t *out) {
    uint64_t seconds;
    if (value.n == 0 || value.n > 12 || !str_u64(value, &seconds)) /* sig-t-tag = 1*12DIGIT */
        return false;
    *out = (int64_t)seconds;
    return true;
}

static bool read_times(struct dkim_signature *s, const struct dkim_parsed *p, int64_t now) {
    struct str t = dkim_tag_value(&p->tags, "t"), x = dkim_tag_value(&p->tags, "x");
    s->signed_at = s->expires_at = -1;
    if (t.p && !read_seconds(t, &s->signed_at))
        return broken(s, "t= is not a time");
    if (!t.p && p->kind == DKIM_KIND_ARC_SEAL) /* a seal has all its tags: validators agree on that */
        return broken(s, "t= is missing");
    if (p->kind == DKIM_KIND_ARC_SEAL || x.p == NULL)
        return true;
    if (!read_seconds(x, &s->expires_at))
        return broken(s, "x= is not a time");
    if (s->signed_at >= 0 && s->expires_at <= s->signed_at)
        return broken(s, "x= is before t=");
    return now / CLOCK_SECOND <= s->expires_at || broken(s, "the signature has expired");
}

/* A query method that is known: "dns/txt". */
static bool read_query(struct dkim_signature *s, const struct dkim_parsed *p) {
    struct str q = dkim_tag_value(&p->tags, "q");
    return q.p == NULL || p->kind == DKIM_KIND_ARC_SEAL || dkim_tag_has_word(q, "dns/txt") ||
           dkim_tag_has_word(q, "dns") || dkim_decide(s, DKIM_NEUTRAL, STR("the query method is not known"));
}

static bool read_length(struct dkim_signature *s, struct dkim_parsed *p) {
    struct str l = dkim_tag_value(&p->tags, "l");
    p->body_length = UINT64_MAX;
    if (l.p == NULL || p->kind == DKIM_KIND_ARC_SEAL)
        return true;
    for (size_t i = 0; i < l.n; i++)
        if (!ascii_digit(l.p[i]))
            return broken(s, "l= is not a length");
    if (l.n == 0 || l.n > 76)
        return broken(s, "l= is not a length");
    if (!str_u64(l, &p->body_length)) /* up to 76 digits are right: more than any body has */
        p->body_length = UINT64_MAX - 1;
    return true;
}

static size_t count_names(struct str h) {
    size_t n = 1;
    for (size_t i = 0; i < h.n; i++)
        n += h.p[i] == ':';
    return n;
}

/* RFC 6376 section 5.4: From must be signed. RFC 8617 section 4.1.2 leaves what is signed to the host, but a seal is
 * never covered by a message signature. */
static bool read_headers(struct dkim_signature *s, struct dkim_parsed *p) {
    p->headers = dkim_tag_value(&p->tags, "h");
    if (p->kind == DKIM_KIND_ARC_SEAL)
        return p->headers.p == NULL || broken(s, "a seal must not have h=");
    if (p->headers.p == NULL)
        return broken(s, "h= is missing");
    if (count_names(p->headers) > DKIM_MAX_NAMES)
        return dkim_decide(s, DKIM_NEUTRAL, STR("h= has too many names"));
    if (p->kind == DKIM_KIND_ARC_MESSAGE)
        return !dkim_tag_has_word(p->headers, "ARC-Seal") || broken(s, "h= has ARC-Seal");
    return dkim_tag_has_word(p->headers, "From") || broken(s, "h= does not have From");
}

static bool read_signature(struct arena *a, struct dkim_signature *s, struct dkim_parsed *p) {
    const struct dkim_tag *b = dkim_tag_find(&p->tags, "b");
    struct str bh = dkim_tag_value(&p->tags, "bh");
    if (!b || b->value.n == 0)
        return broken(s, "b= is missing");
    p->b_from = b->from;
    p->b_to = b->to;
    p->b_text = dkim_tag_plain(a, b->value);
    s->b = str_sub(p->b_text, 0, 8);
    if (!dkim_tag_base64(a, b->value, &p->b))
        return broken(s, "b= is not base64");
    if (p->kind == DKIM_KIND_ARC_SEAL)
        return true; /* signs no body */
    if (bh.n == 0)
        return broken(s, "bh= is missing");
    return dkim_tag_base64(a, bh, &p->bh) || broken(s, "bh= is not base64");
}

/* Section 6.1.1: nobody signs for "co.uk". */
static bool check_suffix(struct dkim_signature *s) {
    return !dkim_is_public_suffix(s->domain) ||
           dkim_decide(s, DKIM_POLICY, STR("the signing domain is a public suffix"));
}

bool dkim_signature_read(struct arena *a, const struct dkim_message *m, size_t index, enum dkim_kind kind, int64_t now,
                         struct dkim_signature *s, struct dkim_parsed *p) {
    const char *problem = "";
    *s = (struct dkim_signature){
        .field = index, .algorithm = DKIM_ALGORITHM_UNKNOWN, .signed_at = -1, .expires_at = -1, .reason = STR("")};
    *p = (struct dkim_parsed){.kind = kind, .field = &m->field[index]};
    if (!dkim_tags_parse(a, p->field->body, &p->tags, &problem))
        return dkim_decide(s, DKIM_PERMERROR, arena_printf(a, "the tag list is not valid: %s", problem));
    return read_names(a, s, p) && read_identity(a, s, p) && read_version(s, p) && read_signature(a, s, p) &&
           read_algorithm(s, p) && read_canonicalization(s, p) && read_headers(s, p) && read_length(s, p) &&
           read_times(s, p, now) && read_query(s, p) && check_suffix(s);
}
