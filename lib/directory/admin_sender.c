/* Who sent it: what follows from a sender that is not proved, and the keys that a domain's own mail is signed with. */
#include "base/clock.h"
#include "directory/admin_internal.h"
#include "dkim/dkim.h"

#include <openssl/crypto.h>
#include <time.h>

enum { RSA_BITS = 2048, SELECTOR_BYTES = 63, MAX_TRUSTED = 1000 };

static const struct db_statement SET_POLICY = {
    "admin_sender_policy_set",
    "INSERT INTO sender_policy AS p (tenant_id, domain_id, dmarc_reject, dmarc_quarantine, spf_fail, trusted_sealers) "
    "VALUES ($1, $2, coalesce($3, 'reject'), coalesce($4, 'junk'), coalesce($5, 'tag'), coalesce($6, '{}'::text[])) "
    "ON CONFLICT (domain_id) DO UPDATE SET dmarc_reject = coalesce($3, p.dmarc_reject), "
    "dmarc_quarantine = coalesce($4, p.dmarc_quarantine), spf_fail = coalesce($5, p.spf_fail), "
    "trusted_sealers = coalesce($6, p.trusted_sealers) RETURNING id"};
static const struct db_statement SET_DEFAULT = {
    "admin_sender_policy_default",
    "UPDATE sender_policy SET dmarc_reject = coalesce($1, dmarc_reject), "
    "dmarc_quarantine = coalesce($2, dmarc_quarantine), spf_fail = coalesce($3, spf_fail), "
    "trusted_sealers = coalesce($4, trusted_sealers) WHERE domain_id IS NULL"};
static const struct db_statement RESET_POLICY = {
    "admin_sender_policy_reset", "DELETE FROM sender_policy WHERE domain_id = (SELECT id FROM domain WHERE name = $1)"};
static const struct db_statement ADD_KEY = {
    "admin_dkim_add", "INSERT INTO dkim_key (tenant_id, domain_id, selector, algorithm, private_key, public_key) "
                      "VALUES ($1, $2, $3, $4, $5, $6) RETURNING id"};
static const struct db_statement ACTIVE_KEY = {
    "admin_dkim_active", "UPDATE dkim_key SET active = $3 WHERE selector = $2 AND domain_id = (SELECT id FROM domain "
                         "WHERE name = $1)"};
static const struct db_statement REMOVE_KEY = {
    "admin_dkim_remove",
    "DELETE FROM dkim_key WHERE selector = $2 AND domain_id = (SELECT id FROM domain WHERE name = $1)"};
static const struct admin_sentence KEY_SENTENCES[] = {
    {"dkim_key_domain_id_selector_key", "there is a key with the selector %.*s already"}, {NULL, NULL}};
static const struct admin_sentence NO_SENTENCES[] = {{NULL, NULL}};

/* The domain by the name that somebody typed. 1, or 0 and -1 as for admin_*(). */
static int64_t find_domain(struct db_conn *c, struct arena *a, struct str typed, struct str *name,
                           struct admin_domain *out, struct err *err) {
    if (!domain_to_ascii(a, str_trim(typed), name, err))
        return 0;
    return admin_find_domain(c, a, *name, out, err);
}

/* ---- policies ---- */

static bool action_check(struct str action, const char *what, struct err *err) {
    static const char *const known[] = {"reject", "junk", "tag", "ignore"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!action.p || str_eq(action, str_of(known[i])))
            return true;
    return err_set(err, "what to do %s must be reject, junk, tag or ignore", what);
}

static bool is_separator(char c) { return c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/* A list of domains as people type it. */
static bool read_domains(struct arena *a, struct str typed, struct str **out, size_t *count, struct err *err) {
    *out = arena_array(a, MAX_TRUSTED, sizeof **out);
    *count = 0;
    for (size_t i = 0; i < typed.n;) {
        size_t start = i;
        while (i < typed.n && !is_separator(typed.p[i]))
            i++;
        struct str word = str_sub(typed, start, i - start), name;
        i += i < typed.n;
        if (word.n == 0)
            continue;
        if (!domain_to_ascii(a, word, &name, err))
            return false;
        if (*count == MAX_TRUSTED)
            return err_set(err, "at most %d domains can be trusted", MAX_TRUSTED);
        (*out)[(*count)++] = name;
    }
    return true;
}

static void policy_params(struct db_params *p, const struct admin_sender_policy *policy, const struct str *trusted,
                          size_t count) {
    db_text(p, policy->dmarc_reject);
    db_text(p, policy->dmarc_quarantine);
    db_text(p, policy->spf_fail);
    if (policy->trusted.p)
        db_text_array(p, trusted, count);
    else
        db_null(p);
}

int64_t admin_sender_policy_set(struct db_conn *c, struct str domain, const struct admin_sender_policy *policy,
                                struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct str *trusted = NULL, name;
    struct admin_domain found;
    struct db_params p = {0};
    size_t count = 0;
    int64_t result = action_check(policy->dmarc_reject, "with p=reject", err) &&
                     action_check(policy->dmarc_quarantine, "with p=quarantine", err) &&
                     action_check(policy->spf_fail, "when SPF fails", err) &&
                     (!policy->trusted.p || read_domains(&a, policy->trusted, &trusted, &count, err));
    if (result && domain.n == 0) {
        policy_params(&p, policy, trusted, count);
        result = admin_touch(c, &SET_DEFAULT, &p, err, "you may not change what holds for all domains");
    } else if (result && (result = find_domain(c, &a, domain, &name, &found, err)) == 1) {
        db_int8(&p, found.tenant_id);
        db_int8(&p, found.id);
        policy_params(&p, policy, trusted, count);
        result = admin_insert(c, &SET_POLICY, &p, NO_SENTENCES, name, err);
    }
    arena_free(&a);
    return result;
}

int64_t admin_sender_policy_reset(struct db_conn *c, struct str domain, struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct str name;
    struct admin_domain found;
    int64_t result = find_domain(c, &a, domain, &name, &found, err);
    if (result == 1) {
        struct db_params p = {0};
        db_text(&p, name);
        result = admin_touch(c, &RESET_POLICY, &p, err, "%.*s has no policy of its own", STR_ARG(name));
    }
    arena_free(&a);
    return result;
}

bool admin_sender_setting_check(struct str name, struct str value, struct err *err) {
    uint32_t v;
    if (str_eq(name, STR("sender.check")))
        return str_eq(value, STR("on")) || str_eq(value, STR("off")) || err_set(err, "on or off is needed");
    if (!str_eq(name, STR("sender.timeout")))
        return true;
    bool minutes = str_ends(value, STR("m"));
    return ((minutes || str_ends(value, STR("s"))) && str_u32(str_sub(value, 0, value.n - 1), &v) && v >= 1 &&
            v <= (minutes ? 5 : 300)) ||
           err_set(err, "a time from 1s to 5m is needed");
}

/* ---- keys ---- */

static bool selector_check(struct arena *a, struct str typed, struct str algorithm, struct str *out, struct err *err) {
    typed = str_trim(typed);
    if (typed.n == 0) {
        time_t now = (time_t)(clock_now() / CLOCK_SECOND);
        struct tm t;
        gmtime_r(&now, &t);
        *out = arena_printf(a, "%s%04d%02d%02d", str_eq(algorithm, STR("rsa")) ? "r" : "e", t.tm_year + 1900,
                            t.tm_mon + 1, t.tm_mday);
        return true;
    }
    *out = arena_lower(a, typed);
    bool good = out->n <= SELECTOR_BYTES && out->p[0] != '-' && out->p[out->n - 1] != '-';
    for (size_t i = 0; i < out->n; i++)
        good = good && (ascii_alpha(out->p[i]) || ascii_digit(out->p[i]) || out->p[i] == '-');
    return good || err_set(err, "a selector has letters, digits and hyphens, at most %d", SELECTOR_BYTES);
}

/* The part of a key record behind p=. */
static struct str public_half(struct str record) {
    ptrdiff_t at = str_find(record, STR("p="));
    return str_sub(record, at < 0 ? record.n : (size_t)at + 2, record.n);
}

static bool make_key(struct str algorithm, struct buf *pem, struct buf *record, struct err *err) {
    bool rsa = str_eq(algorithm, STR("rsa"));
    if (!rsa && !str_eq(algorithm, STR("ed25519")))
        return err_set(err, "the algorithm of a key must be rsa or ed25519");
    if (!dkim_key_generate(rsa ? DKIM_RSA_SHA256 : DKIM_ED25519_SHA256, RSA_BITS, pem, err))
        return false;
    struct dkim_key *key = dkim_key_read(buf_str(pem), err);
    if (!key)
        return false;
    dkim_key_record(key, record);
    dkim_key_free(key);
    return true;
}

int64_t admin_dkim_add(struct db_conn *c, struct str domain, struct str selector, struct str algorithm,
                       struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct buf pem = BUF_EMPTY, record = BUF_EMPTY;
    struct str name, checked;
    struct admin_domain found;
    int64_t result = find_domain(c, &a, domain, &name, &found, err);
    if (result == 1)
        result = selector_check(&a, selector, algorithm, &checked, err) && make_key(algorithm, &pem, &record, err);
    if (result == 1) {
        struct db_params p = {0};
        db_int8(&p, found.tenant_id);
        db_int8(&p, found.id);
        db_text(&p, checked);
        db_text(&p, algorithm);
        db_text(&p, buf_str(&pem));
        db_text(&p, public_half(buf_str(&record)));
        result = admin_insert(c, &ADD_KEY, &p, KEY_SENTENCES, checked, err);
    }
    if (pem.p)
        OPENSSL_cleanse(pem.p, pem.cap);
    buf_free(&pem);
    buf_free(&record);
    arena_free(&a);
    return result;
}

/* A change to the key that a domain has under a selector. */
static int64_t touch_key(struct db_conn *c, const struct db_statement *s, struct str domain, struct str selector,
                         const bool *active, struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct str name, checked = arena_lower(&a, str_trim(selector));
    struct admin_domain found;
    int64_t result = find_domain(c, &a, domain, &name, &found, err);
    if (result == 1) {
        struct db_params p = {0};
        db_text(&p, name);
        db_text(&p, checked);
        if (active)
            db_bool(&p, *active);
        result = admin_touch(c, s, &p, err, "%.*s has no key with the selector %.*s", STR_ARG(name), STR_ARG(checked));
    }
    arena_free(&a);
    return result;
}

int64_t admin_dkim_active(struct db_conn *c, struct str domain, struct str selector, bool active, struct err *err) {
    return touch_key(c, &ACTIVE_KEY, domain, selector, &active, err);
}

int64_t admin_dkim_remove(struct db_conn *c, struct str domain, struct str selector, struct err *err) {
    return touch_key(c, &REMOVE_KEY, domain, selector, NULL, err);
}
