/*
 * policy: the rules for mail that strangers bring in to the relay port (lib/directory/rules.h has their names and what
 * they are for). One file a rule; policy.c has the table of those that are asked at RCPT and is the examiner for
 * smtpd/stage.h.
 *
 * What is found out about the client, its HELO and the sender is applied at RCPT, for each recipient: so that the trace
 * has sender and recipient, postmaster and abuse can be reached by everybody, and a tenant's own lists can overrule.
 * What is about the connection (rates, talking too early, talking ahead) ends it at once. Clients on this machine
 * (UNIX sockets, and the loopback networks of mta.spared_networks), those in the setting mta.networks, and servers that
 * may use XCLIENT or XFORWARD, while they name no client, are spared all of it.
 *
 *     config.c       the settings, made ready for use; one copy for all sessions until one changes
 *     access.c       allow and deny lists           rate.c, rate_table.c  rates per client network
 *     early_talker.c the pause before the greeting  pipelining.c          talking ahead
 *     helo.c         sender_domain.c  reverse.c     dnsbl.c  greylist.c   findings at RCPT
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "mta.h"

struct conn;
struct examiner;
struct policy;
struct session;

/* NULL is never returned: while PostgreSQL is away the rules have their defaults. */
struct policy *policy_open(const struct mta *m);
void policy_close(struct policy *p);

extern const struct examiner policy_examiner;

/* The client may send to everybody without logging in (mta.networks). */
bool policy_may_relay(const struct session *s);
/* Before the greeting, in ms; 0: greet at once. The one who waited it out is remembered. */
int policy_greet_delay(const struct session *s);
void policy_has_waited(struct session *s);
/* It talked before it was greeted. True: the reply is written, the connection ends. */
bool policy_early_talker(struct session *s);
/* Errors of this client may be answered slowly. */
bool policy_may_slow_down(const struct session *s);
/* The client may use XCLIENT, XFORWARD. */
bool policy_may_xclient(const struct session *s);
bool policy_may_xforward(const struct session *s);

#endif
