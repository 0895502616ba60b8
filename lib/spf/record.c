#include "spf/record.h"

#include "spf/macro.h"

#include <arpa/inet.h>

enum { CIDR4_MAX = 32, CIDR6_MAX = 128 };

/* What may stand behind a mechanism's name. */
enum argument { NEVER, MAY, MUST };
static const struct mechanism {
    const char *name;
    enum spf_mechanism mechanism;
    enum argument domain, cidr;
} mechanisms[] = {
    {"all", SPF_ALL, NEVER, NEVER}, {"include", SPF_INCLUDE, MUST, NEVER}, {"a", SPF_A, MAY, MAY},
    {"mx", SPF_MX, MAY, MAY},       {"ptr", SPF_PTR, MAY, NEVER},          {"ip4", SPF_IP4, MUST, MAY},
    {"ip6", SPF_IP6, MUST, MAY},    {"exists", SPF_EXISTS, MUST, NEVER},
};

static const struct {
    char sign;
    enum spf_result result;
} qualifiers[] = {{'+', SPF_PASS}, {'-', SPF_FAIL}, {'~', SPF_SOFTFAIL}, {'?', SPF_NEUTRAL}};

bool spf_is_record(struct str text) {
    static const struct str version = {"v=spf1", 6};
    return str_istarts(text, version) && (text.n == version.n || text.p[version.n] == ' ');
}

/* ---- mechanisms ---- */

/* Takes "/" and digits off the end of *s. False where there are none; *ok false where they are no prefix length:
 * beyond `max`, or with a zero in front. */
static bool take_length(struct str *s, unsigned max, unsigned *length, bool *ok) {
    size_t at = s->n;
    uint32_t n;
    while (at > 0 && ascii_digit(s->p[at - 1]))
        at--;
    if (at == 0 || at == s->n || s->p[at - 1] != '/')
        return false;
    struct str digits = str_sub(*s, at, s->n);
    *ok = *ok && (digits.n == 1 || digits.p[0] != '0') && str_u32(digits, &n) && n <= max;
    *length = *ok ? n : 0;
    s->n = at - 1;
    return true;
}

/* dual-cidr-length. It is looked for from behind, for a domain-spec may hold slashes too. */
static bool take_cidr(struct str *s, struct spf_directive *d) {
    bool ok = true;
    struct str rest = *s;
    unsigned six;
    if (take_length(&rest, CIDR6_MAX, &six, &ok) && rest.n && rest.p[rest.n - 1] == '/') {
        rest.n--;
        d->cidr6 = six;
        *s = rest;
    } else {
        ok = true; /* not behind two slashes: it is the other kind */
    }
    take_length(s, CIDR4_MAX, &d->cidr4, &ok);
    return ok;
}

static bool read_network(struct str text, struct spf_directive *d, struct err *err) {
    bool six = d->mechanism == SPF_IP6, ok = true;
    char c[INET6_ADDRSTRLEN];
    take_length(&text, six ? CIDR6_MAX : CIDR4_MAX, six ? &d->cidr6 : &d->cidr4, &ok);
    ok = ok && str_to_c(text, c, sizeof c) && inet_pton(six ? AF_INET6 : AF_INET, c, d->network) == 1;
    return ok || err_set(err, "\"%.*s\" is no network", STR_ARG(d->text));
}

static bool read_arguments(const struct mechanism *m, struct str rest, struct spf_directive *d, struct err *err) {
    d->cidr4 = CIDR4_MAX;
    d->cidr6 = CIDR6_MAX;
    bool colon = rest.n && rest.p[0] == ':';
    if (m->mechanism == SPF_IP4 || m->mechanism == SPF_IP6)
        return read_network(colon ? str_sub(rest, 1, rest.n) : STR(""), d, err);
    if (m->cidr == MAY && !take_cidr(&rest, d))
        return err_set(err, "\"%.*s\" has a prefix length that can't be", STR_ARG(d->text));
    if (colon && m->domain != NEVER) {
        d->domain = str_sub(rest, 1, rest.n);
        return spf_macro_is_domain(d->domain, err);
    }
    if (rest.n)
        return err_set(err, "\"%.*s\" has what may not stand behind \"%s\"", STR_ARG(d->text), m->name);
    return m->domain != MUST || err_set(err, "\"%s\" has no domain", m->name);
}

static bool read_directive(struct str term, struct spf_directive *d, struct err *err) {
    *d = (struct spf_directive){.text = term, .result = SPF_PASS};
    for (size_t i = 0; i < sizeof qualifiers / sizeof *qualifiers; i++)
        if (term.p[0] == qualifiers[i].sign) {
            d->result = qualifiers[i].result;
            term = str_sub(term, 1, term.n);
            break;
        }
    size_t n = 0;
    while (n < term.n && term.p[n] != ':' && term.p[n] != '/')
        n++;
    for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++)
        if (str_ieq(str_sub(term, 0, n), str_of(mechanisms[i].name))) {
            d->mechanism = mechanisms[i].mechanism;
            return read_arguments(mechanisms + i, str_sub(term, n, term.n), d, err);
        }
    return err_set(err, "\"%.*s\" is no mechanism", STR_ARG(d->text));
}

/* ---- modifiers ---- */

/* The length of a modifier's name, 0 where the term is none (RFC 7208 4.6.1: "=" right behind the name). */
static size_t modifier_name(struct str term) {
    size_t n = 0;
    while (n < term.n && (ascii_alpha(term.p[n]) || (n && (ascii_digit(term.p[n]) || strchr("-_.", term.p[n])))))
        n++;
    return n < term.n && term.p[n] == '=' ? n : 0;
}

static bool read_modifier(struct str term, size_t name_length, struct spf_record *out, struct err *err) {
    struct str name = str_sub(term, 0, name_length), value = str_sub(term, name_length + 1, term.n);
    struct str *to = str_ieq(name, STR("redirect")) ? &out->redirect
                     : str_ieq(name, STR("exp"))    ? &out->explanation
                                                    : NULL;
    if (!to)
        return spf_macro_is_string(value, err); /* RFC 7208 6: unknown ones are ignored where they are well-formed */
    if (to->p)
        return err_set(err, "\"%.*s\" stands there twice", STR_ARG(name));
    *to = value;
    return spf_macro_is_domain(value, err);
}

/* ---- the whole ---- */

static bool is_visible(struct str term, struct err *err) {
    for (size_t i = 0; i < term.n; i++)
        if (term.p[i] <= ' ' || term.p[i] > '~')
            return err_set(err, "it has a byte that is no letter, digit or sign of ASCII");
    return true;
}

bool spf_record_parse(struct arena *a, struct str text, struct spf_record *out, struct err *err) {
    struct str rest = str_sub(text, 6, text.n), term;
    size_t terms = 0;
    for (size_t i = 0; i < rest.n; i++)
        terms += rest.p[i] == ' ';
    *out = (struct spf_record){.directive = arena_array(a, terms, sizeof *out->directive)};
    while (str_split(&rest, ' ', &term)) {
        if (term.n == 0)
            continue;
        if (!is_visible(term, err))
            return false;
        size_t name = modifier_name(term);
        if (name ? !read_modifier(term, name, out, err) : !read_directive(term, out->directive + out->count++, err))
            return false;
    }
    return true;
}
