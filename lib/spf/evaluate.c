#include "spf/evaluate.h"

#include "base/clock.h"
#include "net/sockaddr.h"
#include "spf/lookup.h"
#include "spf/macro.h"
#include "spf/record.h"

#include <idn2.h>
#include <netinet/in.h>

enum { LABEL_MAX = 63, DOMAIN_MAX = 253 }; /* RFC 1035 2.3.4 */

struct evaluation {
    struct spf_lookup lookup;
    struct spf_values values; /* .domain is that of the policy being evaluated */
    struct sockaddr_storage client;
    char client_text[SOCKADDR_TEXT];
    struct err why; /* the reason of the result so far */
    struct str mechanism;
    struct str explanation; /* exp= of the policy whose mechanism matched last: values.domain is its */
};

enum match { NO_MATCH, MATCH, MATCH_TEMPERROR, MATCH_PERMERROR };

static enum spf_result check_host(struct evaluation *e, struct str domain);

/* ---- addresses ---- */

static bool same_network(const unsigned char *a, const unsigned char *b, unsigned bits) {
    unsigned bytes = bits / 8, rest = bits % 8;
    return memcmp(a, b, bytes) == 0 && (rest == 0 || (a[bytes] ^ b[bytes]) >> (8 - rest) == 0);
}

static bool client_is_six(const struct evaluation *e) { return e->client.ss_family == AF_INET6; }

static const unsigned char *client_bytes(const struct evaluation *e) {
    if (client_is_six(e))
        return ((const struct sockaddr_in6 *)&e->client)->sin6_addr.s6_addr;
    return (const unsigned char *)&((const struct sockaddr_in *)&e->client)->sin_addr;
}

static bool client_is_in(const struct evaluation *e, const struct spf_directive *d, const void *network) {
    return same_network(client_bytes(e), network, client_is_six(e) ? d->cidr6 : d->cidr4);
}

/* ---- mechanisms (RFC 7208 5) ---- */

static enum match match_found(enum spf_found found) {
    return found == SPF_FOUND_TEMPORARY ? MATCH_TEMPERROR : found == SPF_FOUND_TOO_MANY ? MATCH_PERMERROR : NO_MATCH;
}

static enum match match_host(struct evaluation *e, const struct spf_directive *d, struct str host) {
    struct str *address;
    size_t n;
    enum spf_found found = spf_lookup_addresses(&e->lookup, host, e->client.ss_family, &address, &n, &e->why);
    for (size_t i = 0; found == SPF_FOUND && i < n; i++)
        if (client_is_in(e, d, address[i].p))
            return MATCH;
    return match_found(found);
}

static enum match match_mx(struct evaluation *e, const struct spf_directive *d, struct str domain) {
    struct str *host;
    size_t n;
    enum match m = match_found(spf_lookup_mx(&e->lookup, domain, &host, &n, &e->why));
    for (size_t i = 0; m == NO_MATCH && i < n; i++)
        m = match_host(e, d, host[i]);
    return m;
}

static bool is_below(struct str name, struct str domain) {
    return name.n > domain.n && str_iends(name, domain) && name.p[name.n - domain.n - 1] == '.';
}

static enum match match_ptr(struct evaluation *e, const struct spf_directive *d, struct str domain) {
    (void)d;
    const struct str *name;
    size_t n;
    spf_lookup_validated(&e->lookup, &name, &n);
    for (size_t i = 0; i < n; i++)
        if (str_ieq(name[i], domain) || is_below(name[i], domain))
            return MATCH;
    return NO_MATCH;
}

/* RFC 7208 5.7: whatever the client's family, it is about an A record. */
static enum match match_exists(struct evaluation *e, const struct spf_directive *d, struct str domain) {
    (void)d;
    struct str *address;
    size_t n;
    enum spf_found found = spf_lookup_addresses(&e->lookup, domain, AF_INET, &address, &n, &e->why);
    return found == SPF_FOUND ? MATCH : match_found(found);
}

/* The table of RFC 7208 5.2. */
static enum match match_include(struct evaluation *e, const struct spf_directive *d, struct str domain) {
    (void)d;
    struct str outer = e->values.domain;
    enum spf_result r = check_host(e, domain);
    e->values.domain = outer;
    switch (r) {
    case SPF_PASS:
        return MATCH;
    case SPF_TEMPERROR:
        return MATCH_TEMPERROR;
    case SPF_NONE:
    case SPF_PERMERROR:
        return MATCH_PERMERROR;
    default:
        return NO_MATCH;
    }
}

static enum match match_directive(struct evaluation *e, const struct spf_directive *d) {
    static enum match (*const by_lookup[])(struct evaluation *, const struct spf_directive *, struct str) = {
        [SPF_INCLUDE] = match_include, [SPF_A] = match_host,        [SPF_MX] = match_mx,
        [SPF_PTR] = match_ptr,         [SPF_EXISTS] = match_exists,
    };
    struct str domain = e->values.domain;
    if (d->mechanism == SPF_ALL)
        return MATCH;
    if (d->mechanism == SPF_IP4 || d->mechanism == SPF_IP6)
        return client_is_six(e) == (d->mechanism == SPF_IP6) && client_is_in(e, d, d->network) ? MATCH : NO_MATCH;
    if (!spf_lookup_term(&e->lookup, &e->why))
        return MATCH_PERMERROR;
    if (d->domain.p && !spf_macro_domain(e->lookup.arena, d->domain, &e->values, &domain))
        return NO_MATCH;
    return by_lookup[d->mechanism](e, d, domain);
}

/* ---- %{p} ---- */

/* RFC 7208 7.3: the domain itself, else a name below it, else any. */
static struct str validated_name(void *context, struct str domain) {
    struct evaluation *e = context;
    const struct str *name;
    size_t n, below = SIZE_MAX;
    spf_lookup_validated(&e->lookup, &name, &n);
    for (size_t i = 0; i < n; i++) {
        if (str_ieq(name[i], domain))
            return name[i];
        if (below == SIZE_MAX && is_below(name[i], domain))
            below = i;
    }
    return n == 0 ? STR("unknown") : name[below == SIZE_MAX ? 0 : below];
}

/* ---- policies ---- */

/* RFC 7208 4.4, 4.5. SPF_PASS: there is one. */
static enum spf_result find_record(struct evaluation *e, struct str domain, struct str *record) {
    struct str *txt;
    size_t n, records = 0;
    if (spf_lookup_txt(&e->lookup, domain, &txt, &n, &e->why) == SPF_FOUND_TEMPORARY)
        return SPF_TEMPERROR;
    for (size_t i = 0; i < n; i++)
        if (spf_is_record(txt[i])) {
            *record = txt[i];
            records++;
        }
    if (records == 1)
        return SPF_PASS;
    err_set(&e->why, records ? "%.*s has more than one SPF record" : "%.*s has no SPF record", STR_ARG(domain));
    return records ? SPF_PERMERROR : SPF_NONE;
}

/* The result of an error within a term, whose reason is in e->why. */
static enum spf_result failed(struct evaluation *e, enum spf_result r, struct str domain, struct str term) {
    struct err inner = e->why;
    e->mechanism = STR("");
    err_set(&e->why, "\"%.*s\" of %.*s: %s", STR_ARG(term), STR_ARG(domain), inner.text);
    return r;
}

static enum spf_result redirected(struct evaluation *e, struct str spec, struct str domain) {
    struct str to = STR("");
    if (!spf_lookup_term(&e->lookup, &e->why))
        return failed(e, SPF_PERMERROR, domain, STR("redirect"));
    enum spf_result r = spf_macro_domain(e->lookup.arena, spec, &e->values, &to) ? check_host(e, to) : SPF_NONE;
    return r == SPF_NONE ? failed(e, SPF_PERMERROR, domain, STR("redirect")) : r; /* RFC 7208 6.1 */
}

static enum spf_result matched(struct evaluation *e, const struct spf_record *record, const struct spf_directive *d,
                               struct str domain) {
    err_set(&e->why, "%s matches \"%.*s\" of %.*s", e->client_text, STR_ARG(d->text), STR_ARG(domain));
    e->mechanism = d->text;
    e->explanation = record->explanation; /* what an included policy left there is replaced (RFC 7208 6.2) */
    return d->result;
}

static enum spf_result evaluate(struct evaluation *e, const struct spf_record *record, struct str domain) {
    for (size_t i = 0; i < record->count; i++) {
        const struct spf_directive *d = record->directive + i;
        enum match m = match_directive(e, d);
        if (m == MATCH)
            return matched(e, record, d, domain);
        if (m != NO_MATCH)
            return failed(e, m == MATCH_TEMPERROR ? SPF_TEMPERROR : SPF_PERMERROR, domain, d->text);
        /* Some look-ups may fail; but not all of the time be used up (RFC 7208 4.6.4). */
        if (clock_monotonic() >= e->lookup.deadline) {
            err_set(&e->why, "the time for it is over");
            return failed(e, SPF_TEMPERROR, domain, d->text);
        }
    }
    if (record->redirect.p)
        return redirected(e, record->redirect, domain);
    err_set(&e->why, "nothing in the policy of %.*s matches %s", STR_ARG(domain), e->client_text);
    e->mechanism = STR("");
    return SPF_NEUTRAL; /* RFC 7208 4.7 */
}

/* RFC 7208 4.3: labels of a length that can be, and more than one. */
static bool is_domain(struct str domain) {
    struct str rest = domain, label;
    size_t labels = 0;
    while (str_split(&rest, '.', &label)) {
        if (label.n == 0 || label.n > LABEL_MAX)
            return false;
        labels++;
    }
    return labels > 1 && domain.n <= DOMAIN_MAX;
}

static enum spf_result check_host(struct evaluation *e, struct str domain) {
    struct str text;
    struct spf_record record;
    struct err err;
    e->values.domain = domain;
    e->mechanism = STR("");
    if (!is_domain(domain)) {
        err_set(&e->why, "\"%.*s\" is no domain with a policy", STR_ARG(domain));
        return SPF_NONE;
    }
    enum spf_result r = find_record(e, domain, &text);
    if (r != SPF_PASS)
        return r;
    if (!spf_record_parse(e->lookup.arena, text, &record, &err)) {
        err_set(&e->why, "the SPF record of %.*s has an error: %s", STR_ARG(domain), err.text);
        return SPF_PERMERROR;
    }
    return evaluate(e, &record, domain);
}

/* RFC 7208 6.2: exactly one text, without an error, or there is none. */
static struct str explain(struct evaluation *e) {
    struct str name, *txt, out = {NULL, 0};
    size_t n;
    if (e->explanation.p && spf_macro_domain(e->lookup.arena, e->explanation, &e->values, &name) &&
        spf_lookup_txt(&e->lookup, name, &txt, &n, NULL) == SPF_FOUND && n == 1 &&
        spf_macro_is_explanation(txt[0], NULL) && !spf_macro_explanation(e->lookup.arena, txt[0], &e->values, &out))
        out = (struct str){NULL, 0};
    return out;
}

/* ---- who is asked about ---- */

/* A-labels in lower case (RFC 7208 4.3), without a last dot; empty where it is no name of a host. */
static struct str domain_of(struct arena *a, struct str given) {
    struct str d = given;
    uint8_t *ascii = NULL;
    if (d.n && d.p[d.n - 1] == '.')
        d.n--;
    if (d.n > 4 * DOMAIN_MAX || memchr(d.n ? d.p : "", 0, d.n))
        return STR("");
    if (!str_is_ascii(d)) {
        if (idn2_lookup_u8((const uint8_t *)arena_c(a, d), &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
            return STR("");
        d = arena_str(a, str_of((const char *)ascii));
        idn2_free(ascii);
    }
    for (size_t i = 0; i < d.n; i++)
        if (!ascii_alpha(d.p[i]) && !ascii_digit(d.p[i]) && !strchr("-_.", d.p[i]))
            return STR("");
    return d.n > DOMAIN_MAX ? STR("") : arena_lower(a, d);
}

/* RFC 7208 4.3: postmaster where there is no local part; 2.4: and at the helo name where there is no sender. */
static struct str set_sender(struct evaluation *e, const struct spf_request *request, bool *helo) {
    struct arena *a = e->lookup.arena;
    struct spf_values *v = &e->values;
    struct str sender = request->sender;
    ptrdiff_t at = str_rchr(sender, '@');
    *helo = sender.n == 0;
    v->helo = request->helo;
    v->local = at > 0 ? str_sub(sender, 0, (size_t)at) : STR("postmaster");
    v->sender_domain = *helo ? request->helo : str_sub(sender, (size_t)(at + 1), sender.n);
    struct str domain = domain_of(a, v->sender_domain);
    if (domain.n && !str_is_ascii(v->sender_domain))
        v->sender_domain = domain;
    v->sender = arena_printf(a, "%.*s@%.*s", STR_ARG(v->local), STR_ARG(v->sender_domain));
    return domain;
}

/* One line of printable ASCII, whatever it quotes. */
static struct str printable(struct arena *a, const char *text) {
    char *p = arena_c(a, str_of(text));
    for (size_t i = 0; p[i]; i++)
        if (p[i] < ' ' || p[i] > '~')
            p[i] = '?';
    return str_of(p);
}

void spf_check_by(const struct spf_resolver *resolver, struct arena *a, const struct spf_request *request,
                  struct spf_answer *out) {
    struct evaluation e = {.client = *request->client};
    bool helo;
    sockaddr_unmap(&e.client);
    sockaddr_text(&e.client, e.client_text);
    e.lookup = (struct spf_lookup){
        .resolver = resolver, .arena = a, .client = &e.client, .deadline = clock_monotonic() + resolver->time_limit};
    e.values = (struct spf_values){
        .receiver = str_of(request->receiver), .client = &e.client, .validated = validated_name, .context = &e};
    struct str domain = set_sender(&e, request, &helo);
    *out = (struct spf_answer){.result = SPF_NONE, .domain = domain, .helo = helo};
    if (e.client.ss_family != AF_INET && e.client.ss_family != AF_INET6)
        err_set(&e.why, "the client has no address of IPv4 or IPv6");
    else if (domain.n == 0)
        err_set(&e.why, "\"%.*s\" is no domain with a policy", STR_ARG(e.values.sender_domain));
    else
        out->result = check_host(&e, domain);
    if (out->result == SPF_FAIL)
        out->explanation = explain(&e);
    out->mechanism = e.mechanism;
    out->reason = printable(a, e.why.text);
}
