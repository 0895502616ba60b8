/* The parameters of MAIL and RCPT: what extensions add to the envelope. */
#include "base/clock.h"
#include "settings.h"
#include "smtpd/parse.h"
#include "smtpd/session.h"

enum {
    SUBMITTING = SERVICE_SUBMISSION | SERVICE_PICKUP,
    ANYWHERE = SERVICE_RELAY | SERVICE_LMTP | SUBMITTING,
};

/* Takes a value (p NULL: there is none). NULL, or the reply where it is wrong, in the transaction's arena. */
typedef const char *take(struct session *s, struct envelope_recipient *r, struct str value);

struct parameter {
    const char *name;
    take *take;
    unsigned services;
};

static const char wrong[] = "501 5.5.4 Malformed value of a parameter";

/* A decoded value; p NULL where it can't be decoded. */
static struct str decoded(struct session *s, struct str value, bool (*parse)(struct str value, struct buf *out)) {
    struct buf out = BUF_EMPTY;
    struct str kept = {NULL, 0};
    if (value.p && parse(value, &out))
        kept = arena_str(&s->transaction.arena, buf_str(&out));
    buf_free(&out);
    return kept;
}

/* ---- MAIL ---- */

static const char *take_size(struct session *s, struct envelope_recipient *r, struct str value) {
    struct transaction *t = &s->transaction;
    (void)r;
    if (!str_u64(value, &t->size))
        return wrong;
    if (t->size <= t->limit)
        return NULL;
    /* RFC 1870 section 6.1 */
    return arena_printf(&t->arena, "552 5.3.4 Message too big: the limit is %llu bytes", (unsigned long long)t->limit)
        .p;
}

static const char *take_body(struct session *s, struct envelope_recipient *r, struct str value) {
    struct transaction *t = &s->transaction;
    (void)r;
    t->body_binary = str_ieq(value, STR("BINARYMIME"));
    t->body_8bit = t->body_binary || str_ieq(value, STR("8BITMIME"));
    return t->body_8bit || str_ieq(value, STR("7BIT")) ? NULL : wrong;
}

/* RFC 4954 section 5: taken, and not relied on. */
static const char *take_auth(struct session *s, struct envelope_recipient *r, struct str value) {
    (void)s;
    (void)r;
    return value.p ? NULL : wrong;
}

static const char *take_smtputf8(struct session *s, struct envelope_recipient *r, struct str value) {
    (void)r;
    s->transaction.smtputf8 = true;
    return value.p ? wrong : NULL;
}

static const char *take_ret(struct session *s, struct envelope_recipient *r, struct str value) {
    (void)r;
    bool full = str_ieq(value, STR("FULL"));
    s->transaction.ret = full ? STR("FULL") : STR("HDRS");
    return full || str_ieq(value, STR("HDRS")) ? NULL : wrong;
}

static const char *take_envid(struct session *s, struct envelope_recipient *r, struct str value) {
    (void)r;
    s->transaction.envid = decoded(s, value, parse_envid);
    return s->transaction.envid.p ? NULL : wrong;
}

/* RFC 8689 section 2: the promise is worth something only where the message came under TLS. */
static const char *take_requiretls(struct session *s, struct envelope_recipient *r, struct str value) {
    (void)r;
    s->transaction.require_tls = true;
    if (!conn_is_tls(s->conn))
        return "530 5.7.0 REQUIRETLS needs TLS here, too";
    return value.p ? wrong : NULL;
}

/* ---- FUTURERELEASE (RFC 4865) ---- */

static const char *keep_until(struct session *s, int64_t at) {
    struct transaction *t = &s->transaction;
    int64_t most = settings_future_release(s->mta, &t->arena), now = clock_now();
    if (most == 0)
        return "555 5.5.4 Not supported: Parameters HOLDFOR and HOLDUNTIL";
    if (at > now + most)
        return arena_printf(&t->arena, "501 5.5.4 That is too far away: a message is kept for %lld seconds at the most",
                            (long long)(most / CLOCK_SECOND))
            .p;
    if (t->release_at)
        return "501 5.5.4 Either HOLDFOR or HOLDUNTIL";
    t->release_at = at > now ? at : 0;
    return NULL;
}

static const char *take_holdfor(struct session *s, struct envelope_recipient *r, struct str value) {
    uint32_t seconds;
    (void)r;
    if (value.n > 9 || !str_u32(value, &seconds))
        return wrong;
    return keep_until(s, clock_now() + seconds * CLOCK_SECOND);
}

static const char *take_holduntil(struct session *s, struct envelope_recipient *r, struct str value) {
    int64_t at;
    (void)r;
    return parse_timestamp(value, &at) ? keep_until(s, at) : wrong;
}

/* ---- RCPT ---- */

static const char *take_notify(struct session *s, struct envelope_recipient *r, struct str value) {
    r->notify = decoded(s, value, parse_notify);
    return r->notify.p ? NULL : wrong;
}

static const char *take_orcpt(struct session *s, struct envelope_recipient *r, struct str value) {
    r->orcpt = decoded(s, value, parse_orcpt);
    return r->orcpt.p && value.n <= 500 ? NULL : wrong;
}

/* ---- the tables ---- */

static const struct parameter of_mail[] = {
    {"SIZE", take_size, ANYWHERE},
    {"BODY", take_body, ANYWHERE},
    {"AUTH", take_auth, ANYWHERE},
    {"SMTPUTF8", take_smtputf8, ANYWHERE},
    {"RET", take_ret, ANYWHERE},
    {"ENVID", take_envid, ANYWHERE},
    {"REQUIRETLS", take_requiretls, ANYWHERE},
    {"HOLDFOR", take_holdfor, SUBMITTING},
    {"HOLDUNTIL", take_holduntil, SUBMITTING},
    {NULL, NULL, 0},
};
static const struct parameter of_rcpt[] = {
    {"NOTIFY", take_notify, ANYWHERE},
    {"ORCPT", take_orcpt, ANYWHERE},
    {NULL, NULL, 0},
};

static const char *take_one(struct session *s, const struct parameter *table, struct envelope_recipient *r,
                            struct str keyword, struct str value, unsigned *seen) {
    for (unsigned i = 0; table[i].name; i++)
        if (str_ieq(keyword, str_of(table[i].name)) && (table[i].services & s->kind)) {
            if (*seen & 1u << i)
                return "501 5.5.4 A parameter stands there twice";
            *seen |= 1u << i;
            return table[i].take(s, r, value);
        }
    return arena_printf(&s->transaction.arena, "555 5.5.4 Not supported: Parameter %.*s", STR_ARG(shown(keyword))).p;
}

static bool take_all(struct session *s, const struct parameter *table, struct envelope_recipient *r, struct str rest,
                     enum step *step) {
    struct str keyword, value;
    const char *refusal = NULL;
    enum parse_parameter p = PARAMETER_END;
    unsigned seen = 0;
    while (!refusal && (p = parse_parameter(&rest, &keyword, &value)) == PARAMETER_FOUND)
        refusal = take_one(s, table, r, keyword, value, &seen);
    if (p == PARAMETER_BAD)
        refusal = "501 5.5.4 Malformed parameter";
    if (!refusal)
        return true;
    conn_printf(s->conn, "%s\r\n", refusal);
    *step = strncmp(refusal, "552", 3) == 0 ? STEP_WAIT : session_error(s); /* too big is no mistake */
    return false;
}

bool parameters_of_mail(struct session *s, struct str rest, enum step *step) {
    return take_all(s, of_mail, NULL, rest, step);
}

bool parameters_of_rcpt(struct session *s, struct str rest, struct envelope_recipient *r, enum step *step) {
    return take_all(s, of_rcpt, r, rest, step);
}
