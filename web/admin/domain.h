/* domain: one domain as its pages show it: the row, the heading with its tabs. */
#ifndef ADMIN_DOMAIN_H
#define ADMIN_DOMAIN_H

#include "exchange.h"

struct domain {
    int64_t id, tenant_id;
    struct str name, display; /* A-labels, U-labels */
    struct str kind;          /* "hosted", "alias", "relay" */
    struct str tenant;
    struct str target; /* of an alias: the domain it stands for; of a relay: the host, "" for the MX */
    bool active;
    unsigned protocols_off;    /* bits of enum directory_protocol */
    int64_t max_accounts;      /* -1: no limit */
    int64_t accounts, aliases; /* counted to 1000; 1001: more */
    int64_t zone_id;           /* 0: its zone is not here */
    int64_t records;           /* the same */
    int64_t created_at;
};

enum domain_tab { DOMAIN_MAILBOXES, DOMAIN_ALIASES, DOMAIN_RECORDS, DOMAIN_SENDERS, DOMAIN_SETTINGS };

/* Reads the domain that the actor sees by this id. False: 404 or an error is in the reply. */
bool domain_load(struct exchange *x, int64_t id, struct domain *out);
bool domain_hosts(const struct domain *d);        /* of kind hosted: has mailboxes and aliases */
bool domain_may_change(const struct exchange *x); /* the role may change the domain itself, not only what is in it */
/* {{>HEAD}}: crumbs, name, state, tabs. */
void domain_head(struct exchange *x, struct dict *d, const struct domain *domain, enum domain_tab tab);

#endif
