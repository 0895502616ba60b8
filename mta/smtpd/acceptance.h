/*
 * acceptance: what accept.c (the end of the data: checks, delivery, reply) and notify.c (what the sender hears by mail)
 * share about a message.
 */
#ifndef SMTPD_ACCEPTANCE_H
#define SMTPD_ACCEPTANCE_H

#include "hops/hops.h"
#include "route/plan.h"
#include "smtpd/session.h"

struct acceptance {
    struct session *s;
    struct transaction *t;
    struct arena *a;
    int64_t id, now;
    char id_text[16];
    struct hops_header header;
    struct str whole; /* the message with our header lines in front */
    uint64_t kept;    /* its bytes in a mailbox (deposit/deposit.h) */
    struct plan plan;
    struct store_queued *queued;
    size_t delivered;
    bool close; /* the connection ends with the reply */
    bool *told; /* LMTP: of each delivery, that a reply said that it failed */
};

/* accept.c: what a delivery that did not happen means to the sender; NULL: it happened. */
const char *acceptance_trouble(const struct acceptance *x, const struct store_delivery *d);
/* notify.c: tells the sender by mail of what no reply says: mailboxes that did not take the message while others did,
 * and what was asked for with NOTIFY (RFC 3461). Costs nothing where there is nothing to tell. */
void acceptance_notify(struct acceptance *x);

#endif
