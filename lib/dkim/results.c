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

/* ---- Authentication-Results (RFC 8601) ---- */

/* Characters of an RFC 2045 token, which a value may be without quotes. */
static bool is_token(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || strchr("()<>@,;:\\\"/[]?=", s.p[i]))
            return false;
    return s.n > 0;
}

static void add_property(struct buf *out, const char *name, struct str value) {
    if (value.n == 0)
        return;
    buf_printf(out, is_token(value) ? " %s=%.*s" : " %s=\"%.*s\"", name, STR_ARG(value));
}

/* [[local-part] "@"] domain-name; a local part that would need care is left out. */
static void add_identity(struct buf *out, struct str identity, struct str domain) {
    ptrdiff_t at = str_rchr(identity, '@');
    if (at < 0 || domain.n == 0)
        return;
    struct str local = str_sub(identity, 0, (size_t)at), host = str_sub(identity, (size_t)at + 1, identity.n);
    if (is_token(host))
        buf_printf(out, " header.i=%.*s@%.*s", is_token(local) ? (int)local.n : 0, local.p, STR_ARG(host));
}

/* What is safe between quotes of a header field. */
static bool is_plain(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < ' ' || s.p[i] > '~' || s.p[i] == '"' || s.p[i] == '\\')
            return false;
    return true;
}

static void add_one(struct buf *out, const struct dkim_signature *s) {
    buf_printf(out, "dkim=%s", dkim_result_name(s->result));
    if (s->result != DKIM_PASS && s->reason.n && is_plain(s->reason))
        buf_printf(out, " reason=\"%.*s\"", STR_ARG(s->reason));
    add_property(out, "header.d", s->domain);
    add_identity(out, s->identity, s->domain);
    add_property(out, "header.s", s->selector);
    if (is_token(s->algorithm_text))
        add_property(out, "header.a", s->algorithm_text);
    if (is_plain(s->b))
        add_property(out, "header.b", s->b);
}

void dkim_authentication_results(const struct dkim_signature *signature, size_t count, struct buf *out) {
    if (count == 0)
        buf_add_c(out, "dkim=none");
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_add_c(out, ";\r\n\t");
        add_one(out, &signature[i]);
    }
}
