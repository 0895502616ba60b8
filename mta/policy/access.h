/*
 * access: the allow and deny lists (table access_list), kept in memory by tenant until the directory says that they
 * have changed. An entry of the recipient's domain goes before one of its tenant, and that before one of the
 * installation; within each, what is said of the sender (the address, its domain, the domains above) goes before what
 * is said of the client's network (the smallest), and that before the HELO name.
 */
#ifndef POLICY_ACCESS_H
#define POLICY_ACCESS_H

#include "mta.h"

#include <sys/socket.h>

enum access_action { ACCESS_NONE, ACCESS_ALLOW, ACCESS_DENY, ACCESS_GREYLIST, ACCESS_NO_GREYLIST };

struct access_question {
    int64_t tenant_id;                     /* of the recipient; 0: the installation's own lists only */
    struct str domain;                     /* of the recipient, A-labels in lower case */
    struct str sender;                     /* "" for the null sender, for which no sender entry holds */
    const struct sockaddr_storage *client; /* NULL: not asked */
    struct str helo;
};

struct access_answer {
    enum access_action action;   /* NONE, ALLOW or DENY */
    enum access_action greylist; /* NONE: as the rule says */
    char why[96];                /* of the action: "sender .example.org (list of the domain)" */
};

struct access_keeper;
struct access_keeper *access_keeper_new(const struct mta *m);
void access_keeper_free(struct access_keeper *k);
/* While PostgreSQL is away, lists that are not in memory count as empty. */
void access_decide(struct access_keeper *k, const struct access_question *q, struct access_answer *out);

#endif
