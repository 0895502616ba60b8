/* finding: what the rules' files share about a session. */
#ifndef POLICY_FINDING_H
#define POLICY_FINDING_H

#include "policy/access.h"
#include "policy/config.h"
#include "policy/rate_table.h"
#include "smtpd/session.h"

struct policy {
    const struct mta *mta;
    struct config_keeper *config;
    struct access_keeper *access;
    struct rate_table *rates;
    _Atomic int64_t greylist_swept; /* monotonic */
};

/* What a rule has to say, good for as long as its subject is the same. */
struct finding {
    bool looked;
    bool against;
    bool told;       /* to the log and the trace */
    char reply[400]; /* "550 5.7.1 [rule] sentence", where it is against */
};

/* What is kept for a session that the rules apply to. */
struct policy_session {
    struct policy *policy;
    struct policy_config *config;
    struct network network;  /* that its rates are counted by */
    bool in_network;         /* false for a UNIX socket */
    bool counted;            /* as a connection of its network */
    bool spared;             /* from all rules: it is on this machine, in mta.spared_networks or in mta.networks */
    bool relays;             /* it is in mta.networks */
    struct finding *finding; /* RULE_COUNT of them, once the first is needed */
    uint32_t unexcused;      /* recipients that were not spared the rules */
    int32_t dnsbl_score;
};

/* Looked at, and against: composes the reply. code is "550 5.7.1". */
void finding_against(struct finding *f, enum rule_id rule, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The rules that are asked at RCPT: each sets f->against. */
void helo_syntax_look(struct session *s, struct finding *f);
void helo_fqdn_look(struct session *s, struct finding *f);
void helo_own_look(struct session *s, struct finding *f);
void sender_domain_look(struct session *s, struct finding *f);
void reverse_exists_look(struct session *s, struct finding *f);
void reverse_match_look(struct session *s, struct finding *f);
void dnsbl_look(struct session *s, struct finding *f);
void greylist_look(struct session *s, struct finding *f);

/* rate.c: the verdict stays VERDICT_PASS where nothing is wrong. */
void rate_connect(struct session *s, struct verdict *v);
void rate_mail(struct session *s, struct verdict *v);
void rate_rcpt(struct session *s, struct verdict *v);
void rate_close(struct session *s);
/* pipelining.c */
void pipelining_data(struct session *s, struct verdict *v);
/* Turns a sentence against into a verdict, as the rule's mode says: notes it, and refuses or passes. The line must live
 * as long as the verdict. */
void policy_apply(struct session *s, enum rule_id rule, enum verdict_action action, const char *line,
                  struct verdict *v);

#endif
