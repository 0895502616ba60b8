/* The macros that milters are told, by Sendmail's and Postfix's names. */
#include "filtering/state.h"

struct answer {
    struct str (*value)(struct question *q);
    const char *name;
};

static struct str host(struct question *q) { return str_of(q->s->mta->hostname); }
static struct str version(struct question *q) {
    (void)q;
    return STR("Mansio " MANSIO_VERSION);
}

static struct str daemon_name(struct question *q) {
    switch (q->s->kind) {
    case SERVICE_SUBMISSION:
        return STR("submission");
    case SERVICE_LMTP:
        return STR("lmtp");
    case SERVICE_PICKUP:
        return STR("pickup");
    default:
        return STR("relay");
    }
}

static struct str daemon_address(struct question *q) {
    uint16_t port;
    return fact_local_address(q, &port);
}

static struct str daemon_port(struct question *q) {
    uint16_t port;
    fact_local_address(q, &port);
    return arena_printf(q->arena, "%u", port);
}

static struct str client_address(struct question *q) { return str_of(fact_address(q->s)); }
static struct str client_port(struct question *q) { return arena_printf(q->arena, "%u", fact_port(q->s)); }
static struct str client_ptr(struct question *q) { return str_of(fact_reverse(q)); }

/* Sendmail's way: the address in brackets where there is no name. */
static struct str client_name(struct question *q) {
    const char *name = fact_name(q);
    return strcmp(name, "unknown") == 0 ? arena_printf(q->arena, "[%s]", fact_address(q->s)) : str_of(name);
}

static struct str client_resolved(struct question *q) {
    return strcmp(fact_reverse(q), "unknown") == 0 ? STR("FAIL")
           : strcmp(fact_name(q), "unknown") == 0  ? STR("FORGED")
                                                   : STR("OK");
}

static struct str validated_client(struct question *q) {
    return arena_printf(q->arena, "%.*s [%s]", STR_ARG(client_name(q)), fact_address(q->s));
}

static struct str helo(struct question *q) { return str_of(q->s->helo); }
static struct str protocol(struct question *q) { return str_of(fact_protocol(q->s)); }
static struct str tls_version(struct question *q) { return str_of(conn_tls_version(q->s->conn)); }
static struct str cipher(struct question *q) { return str_of(conn_tls_cipher(q->s->conn)); }
static struct str cipher_bits(struct question *q) { return str_of(fact_cipher_bits(q->s)); }
/* No certificate is asked of a client: there is no {cert_subject} nor {cert_issuer} to tell. */
static struct str verified(struct question *q) { return conn_is_tls(q->s->conn) ? STR("NO") : STR(""); }

static struct str domain_of(struct str address) {
    ptrdiff_t at = str_rchr(address, '@');
    return at < 0 ? STR("") : str_sub(address, (size_t)at + 1, address.n);
}

static struct str login(struct question *q) { return str_of(fact_login(q->s)); }
static struct str login_method(struct question *q) { return str_of(fact_login_method(q->s)); }
static struct str sender(struct question *q) { return q->s->transaction.sender; }
static struct str sender_host(struct question *q) { return domain_of(q->s->transaction.sender); }
static struct str sender_mailer(struct question *q) {
    struct str domain = domain_of(q->s->transaction.sender);
    bool here = domain.n && directory_domain(q->s->mta->directory, domain) == DIRECTORY_OK;
    return here ? STR("local") : STR("esmtp");
}

/* Of a refused one: the sentence, the code, and "error" (as Sendmail has it). */
static struct str recipient(struct question *q) {
    if (q->f->refusal_code.p)
        return q->f->refusal_text;
    return q->s->candidate ? q->s->candidate->address : STR("");
}

static struct str recipient_host(struct question *q) {
    return q->f->refusal_code.p ? q->f->refusal_code : domain_of(recipient(q));
}

static struct str recipient_mailer(struct question *q) {
    const struct envelope_recipient *r = q->s->candidate;
    return !r || r->route.count == 0 ? STR("error") : r->route.target[0].account_id ? STR("local") : STR("esmtp");
}

static const struct answer answers[] = {
    {host, "j"},
    {version, "v"},
    {validated_client, "_"},
    {fact_queue_id, "i"},
    {helo, "s"},
    {protocol, "r"},
    {sender, "f"},
    {daemon_name, "daemon_name"},
    {daemon_address, "daemon_addr"},
    {daemon_port, "daemon_port"},
    {daemon_address, "if_addr"},
    {host, "if_name"},
    {client_address, "client_addr"},
    {client_name, "client_name"},
    {client_port, "client_port"},
    {client_ptr, "client_ptr"},
    {client_resolved, "client_resolve"},
    {tls_version, "tls_version"},
    {cipher, "cipher"},
    {cipher_bits, "cipher_bits"},
    {verified, "verify"},
    {login, "auth_authen"},
    {login, "auth_author"},
    {login_method, "auth_type"},
    {sender, "mail_addr"},
    {sender_host, "mail_host"},
    {sender_mailer, "mail_mailer"},
    {recipient, "rcpt_addr"},
    {recipient_host, "rcpt_host"},
    {recipient_mailer, "rcpt_mailer"},
};

/* Told where a milter does not name what it wants: what Postfix and Sendmail tell between them. */
static const char *const usual[MILTER_STAGES] = {
    [MILTER_AT_CONNECT] = ("j _ v {daemon_name} {daemon_addr} {daemon_port} {if_name} {if_addr} {client_addr} "
                           "{client_name} {client_port} {client_ptr} {client_resolve}"),
    [MILTER_AT_HELO] = "{tls_version} {cipher} {cipher_bits} {verify}",
    [MILTER_AT_MAIL] = "i {auth_type} {auth_authen} {auth_author} {mail_addr} {mail_host} {mail_mailer}",
    [MILTER_AT_RCPT] = "i {rcpt_addr} {rcpt_host} {rcpt_mailer}",
    [MILTER_AT_DATA] = "i",
    [MILTER_AT_END] = "i",
    [MILTER_AT_END_HEADER] = "i",
};

static int stage_of(enum milter_command command) {
    switch (command) {
    case MILTER_CONNECT:
        return MILTER_AT_CONNECT;
    case MILTER_HELO:
        return MILTER_AT_HELO;
    case MILTER_MAIL:
        return MILTER_AT_MAIL;
    case MILTER_RCPT:
        return MILTER_AT_RCPT;
    case MILTER_DATA:
        return MILTER_AT_DATA;
    case MILTER_END:
        return MILTER_AT_END;
    case MILTER_END_HEADER:
        return MILTER_AT_END_HEADER;
    default:
        return -1;
    }
}

static const struct answer *find(struct str name) {
    if (name.n > 2 && name.p[0] == '{' && name.p[name.n - 1] == '}')
        name = str_sub(name, 1, name.n - 2);
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        if (str_eq(name, str_of(answers[i].name)))
            return &answers[i];
    return NULL;
}

/* Whether it can be told by now: `i` and `f` from MAIL on, and so on. */
static bool is_known(const struct question *q, const struct answer *a) {
    bool of_message =
        a->value == fact_queue_id || a->value == sender || a->value == sender_host || a->value == sender_mailer;
    return !of_message || q->stage >= STAGE_MAIL;
}

static void add(struct question *q, struct str name, struct buf *out) {
    const struct answer *a = find(name);
    if (!a || !is_known(q, a))
        return;
    struct str value = a->value(q);
    if (value.n == 0)
        return; /* as Sendmail and Postfix: what there is not is not told */
    buf_add_str(out, name);
    buf_add_byte(out, 0);
    buf_add_str(out, value);
    buf_add_byte(out, 0);
}

void macros_put(struct question *q, enum milter_command command) {
    int stage = stage_of(command);
    if (stage < 0)
        return;
    struct milter *m = q->talk->milter;
    struct str list = m->terms.macros[stage].p ? m->terms.macros[stage] : str_of(usual[stage]);
    struct buf out = BUF_EMPTY;
    buf_add_byte(&out, (char)command);
    size_t at = 0;
    while (at < list.n) {
        size_t end = at;
        while (end < list.n && list.p[end] != ' ' && list.p[end] != ',' && list.p[end] != '\t')
            end++;
        if (end > at)
            add(q, str_sub(list, at, end - at), &out);
        at = end + 1;
    }
    milter_put(m, MILTER_MACROS, buf_str(&out), STR(""));
    buf_free(&out);
}
