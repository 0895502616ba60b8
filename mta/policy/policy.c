#include "policy/policy.h"

#include "base/log.h"
#include "policy/finding.h"
#include "smtpd/stage.h"

#include <stdio.h>
#include <stdlib.h>

enum { RATE_PLACES = 65536, RATE_IPV4_BITS = 32, RATE_IPV6_BITS = 64, MAX_REFUSED = 100 };

/* What a finding holds for: it is forgotten with its subject. */
enum subject { OF_CLIENT, OF_HELO, OF_SENDER, OF_RECIPIENT };

/* The rules at RCPT, what costs least first. */
static const struct {
    enum rule_id rule;
    enum subject subject;
    void (*look)(struct session *s, struct finding *f);
} at_rcpt[] = {
    {RULE_HELO_SYNTAX, OF_HELO, helo_syntax_look},
    {RULE_HELO_OWN, OF_HELO, helo_own_look},
    {RULE_HELO_FQDN, OF_HELO, helo_fqdn_look},
    {RULE_SENDER_DOMAIN, OF_SENDER, sender_domain_look},
    {RULE_REVERSE_EXISTS, OF_CLIENT, reverse_exists_look},
    {RULE_REVERSE_MATCH, OF_CLIENT, reverse_match_look},
    {RULE_DNSBL, OF_CLIENT, dnsbl_look},
    {RULE_GREYLIST, OF_RECIPIENT, greylist_look},
};
enum { AT_RCPT = sizeof at_rcpt / sizeof *at_rcpt };

struct policy *policy_open(const struct mta *m) {
    struct policy *p = mem_zero(sizeof *p);
    p->mta = m;
    p->config = config_keeper_new(m);
    p->access = access_keeper_new(m);
    p->rates = rate_table_new(RATE_PLACES);
    return p;
}

void policy_close(struct policy *p) {
    if (!p)
        return;
    config_keeper_free(p->config);
    access_keeper_free(p->access);
    rate_table_free(p->rates);
    free(p);
}

/* ---- findings ---- */

void finding_against(struct finding *f, enum rule_id rule, const char *code, const char *fmt, ...) {
    va_list ap;
    f->against = true;
    int n = snprintf(f->reply, sizeof f->reply, "%s [%s] ", code, rules[rule].name);
    va_start(ap, fmt);
    vsnprintf(f->reply + n, sizeof f->reply - (size_t)n, fmt, ap);
    va_end(ap);
    for (char *c = f->reply; *c; c++) /* much of it is from elsewhere */
        if (*c < ' ' || *c > '~')
            *c = '?';
}

void policy_apply(struct session *s, enum rule_id rule, enum verdict_action action, const char *line,
                  struct verdict *v) {
    if (s->policy->config->mode[rule] == RULE_OFF)
        return;
    bool enforced = s->policy->config->mode[rule] == RULE_ENFORCE;
    session_note(s, rules[rule].name, enforced ? NOTE_REFUSE : NOTE_WARN, "%s", line);
    if (!enforced)
        return;
    v->action = action;
    v->rule = rules[rule].name;
    v->reply = str_of(line);
}

static void forget(struct session *s, enum subject from) {
    struct policy_session *p = s->policy;
    for (size_t i = 0; p->finding && i < AT_RCPT; i++)
        if (at_rcpt[i].subject >= from)
            p->finding[at_rcpt[i].rule].looked = false;
}

/* ---- the client ---- */

static void renew_config(struct policy_session *p) {
    struct policy_config *c = config_get(p->policy->config);
    config_release(p->config);
    p->config = c;
}

/* A trusted server in front of this one, as long as it does not name a client; or a filter that brings mail back, which
 * was judged when it first came. */
static bool is_own_server(const struct session *s) {
    return strcmp(s->client.address, conn_peer(s->conn)) == 0 && (policy_may_xclient(s) || policy_may_xforward(s));
}

static void judge_client(struct session *s) {
    struct policy_session *p = s->policy;
    bool listed = networks_find(&p->config->networks, &s->client.sockaddr) >= 0;
    p->relays = s->kind == SERVICE_RELAY && listed;
    p->spared = listed || s->client.sockaddr.ss_family == AF_UNIX ||
                networks_find(&p->config->spared, &s->client.sockaddr) >= 0 || is_own_server(s);
}

static void at_connect(struct session *s, struct verdict *v) {
    if (s->kind != SERVICE_RELAY && s->kind != SERVICE_SUBMISSION)
        return;
    struct policy_session *p = mem_zero(sizeof *p);
    s->policy = p;
    p->policy = s->mta->policy;
    p->in_network = network_of(&s->client.sockaddr, RATE_IPV4_BITS, RATE_IPV6_BITS, &p->network);
    renew_config(p);
    judge_client(s);
    rate_connect(s, v);
}

static void at_close(struct session *s) {
    struct policy_session *p = s->policy;
    if (!p)
        return;
    rate_close(s);
    config_release(p->config);
    free(p->finding);
    free(p);
    s->policy = NULL;
}

bool policy_may_relay(const struct session *s) { return s->policy && s->policy->relays; }

bool policy_may_slow_down(const struct session *s) { return s->policy && !s->policy->spared; }

bool policy_may_xclient(const struct session *s) {
    return s->policy && networks_find(&s->policy->config->xclient, conn_peer_address(s->conn)) >= 0;
}

bool policy_may_xforward(const struct session *s) {
    return s->policy && networks_find(&s->policy->config->xforward, conn_peer_address(s->conn)) >= 0;
}

/* ---- stages ---- */

static bool applies(const struct session *s) { return s->policy && s->kind == SERVICE_RELAY; }

static void at_helo(struct session *s, struct verdict *v) {
    (void)v;
    if (applies(s))
        forget(s, OF_HELO);
}

static void at_mail(struct session *s, struct verdict *v) {
    if (!s->policy)
        return;
    renew_config(s->policy);
    judge_client(s);
    if (applies(s))
        rate_mail(s, v);
}

static bool is_contact(struct str local) { return str_ieq(local, STR("postmaster")) || str_ieq(local, STR("abuse")); }

/* What the lists say; true: it is decided. */
static bool listed(struct session *s, enum access_action *greylist, struct verdict *v) {
    struct policy_session *p = s->policy;
    struct str address = s->candidate->address;
    ptrdiff_t at = str_rchr(address, '@');
    struct access_question q = {.tenant_id = s->candidate->route.tenant_id,
                                .domain = str_sub(address, (size_t)at + 1, address.n),
                                .sender = s->transaction.sender,
                                .client = &s->client.sockaddr,
                                .helo = str_of(s->helo)};
    struct access_answer answer;
    *greylist = ACCESS_NONE;
    if (p->config->mode[RULE_ACCESS] == RULE_OFF)
        return false;
    access_decide(p->policy->access, &q, &answer);
    *greylist = answer.greylist;
    if (answer.action == ACCESS_ALLOW) {
        session_note(s, rules[RULE_ACCESS].name, NOTE_PASS, "allowed: %s", answer.why);
        return true;
    }
    if (answer.action == ACCESS_DENY) {
        struct finding f = {0};
        finding_against(&f, RULE_ACCESS, "554 5.7.1", "this recipient takes no mail from you: %s", answer.why);
        policy_apply(s, RULE_ACCESS, VERDICT_REFUSE, arena_c(&s->transaction.arena, str_of(f.reply)), v);
    }
    return v->action != VERDICT_PASS;
}

static enum rule_mode mode_of(const struct policy_session *p, enum rule_id rule, enum access_action greylist) {
    if (rule != RULE_GREYLIST || greylist == ACCESS_NONE)
        return p->config->mode[rule];
    return greylist == ACCESS_GREYLIST ? RULE_ENFORCE : RULE_OFF;
}

/* Asks one rule; true: it refuses. */
static bool refuses(struct session *s, size_t i, enum rule_mode mode, struct verdict *v) {
    enum rule_id rule = at_rcpt[i].rule;
    struct finding *f = &s->policy->finding[rule];
    if (mode == RULE_OFF)
        return false;
    if (!f->looked || at_rcpt[i].subject == OF_RECIPIENT) {
        *f = (struct finding){.looked = true};
        at_rcpt[i].look(s, f);
    }
    if (f->against && (!f->told || mode == RULE_ENFORCE))
        session_note(s, rules[rule].name, mode == RULE_ENFORCE ? NOTE_REFUSE : NOTE_WARN, "%s", f->reply);
    else if (!f->told)
        session_note(s, rules[rule].name, NOTE_PASS, "nothing against it");
    f->told = true;
    if (!f->against || mode != RULE_ENFORCE)
        return false;
    v->action = VERDICT_REFUSE;
    v->rule = rules[rule].name;
    v->reply = arena_str(&s->transaction.arena, str_of(f->reply));
    return true;
}

static void log_refusal(struct session *s, struct verdict *v) {
    log_event(LOG_LEVEL_INFO, "smtp", "refused", LOG_ADDRESS("to", s->candidate->address),
              LOG_ADDRESS("from", s->transaction.sender), LOG_CLIENT(s->client.address),
              LOG_WORD("helo", str_of(s->helo)), LOG_REPLY(v->reply));
    if (v->reply.p[0] != '5' || ++s->refused_recipients < MAX_REFUSED)
        return;
    v->action = VERDICT_CLOSE;
    v->reply = STR("421 4.7.0 Too many refused recipients");
}

static void at_rcpt_stage(struct session *s, struct verdict *v) {
    struct policy_session *p = s->policy;
    enum access_action greylist;
    if (!applies(s) || p->spared)
        return;
    rate_rcpt(s, v);
    ptrdiff_t at = str_rchr(s->candidate->address, '@');
    if (v->action != VERDICT_PASS || is_contact(str_sub(s->candidate->address, 0, (size_t)at)))
        return;
    if (!p->finding)
        p->finding = mem_zero(RULE_COUNT * sizeof *p->finding);
    bool decided = listed(s, &greylist, v);
    for (size_t i = 0; !decided && i < AT_RCPT; i++)
        decided = refuses(s, i, mode_of(p, at_rcpt[i].rule, greylist), v);
    if (v->action != VERDICT_PASS)
        log_refusal(s, v);
    else
        p->unexcused += !decided;
}

static void at_data(struct session *s, struct verdict *v) {
    if (!applies(s) || s->policy->spared)
        return;
    pipelining_data(s, v);
    if (v->action != VERDICT_PASS)
        log_event(LOG_LEVEL_INFO, "smtp", "refused", LOG_ADDRESS("from", s->transaction.sender),
                  LOG_CLIENT(s->client.address), LOG_WORD("helo", str_of(s->helo)), LOG_REPLY(v->reply));
}

static void at_end(struct session *s) {
    if (!s->policy)
        return;
    forget(s, OF_SENDER);
    s->policy->unexcused = 0;
}

const struct examiner policy_examiner = {
    .name = "policy",
    .examine = {[STAGE_CONNECT] = at_connect,
                [STAGE_HELO] = at_helo,
                [STAGE_MAIL] = at_mail,
                [STAGE_RCPT] = at_rcpt_stage,
                [STAGE_DATA] = at_data},
    .end_transaction = at_end,
    .close = at_close,
};
