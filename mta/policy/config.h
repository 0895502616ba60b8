/*
 * config: the settings of the rules in the form in which they are used. Read when the directory says that a setting has
 * changed, and after a minute in any case; sessions keep the copy they began a message with.
 */
#ifndef POLICY_CONFIG_H
#define POLICY_CONFIG_H

#include "directory/rules.h"
#include "mta.h"
#include "net/dnsbl.h"
#include "net/network.h"

#include <stdatomic.h>

struct policy_config {
    _Atomic int references;
    uint64_t generation;
    int64_t until;
    struct arena arena;
    enum rule_mode mode[RULE_COUNT];
    struct networks networks, spared, xclient, xforward; /* mta.networks ... */
    uint32_t connections, connection_rate, message_rate, recipient_rate;
    int64_t greet_delay; /* microseconds, as all times here */
    struct dnsbl dnsbl;
    int32_t dnsbl_threshold, dnswl_threshold;
    int64_t greylist_delay, greylist_window, greylist_lifetime;
    uint32_t greylist_clients;
};

struct config_keeper;
struct config_keeper *config_keeper_new(const struct mta *m);
void config_keeper_free(struct config_keeper *k);
/* The copy in force now, with a reference for the caller. */
struct policy_config *config_get(struct config_keeper *k);
void config_release(struct policy_config *c);

#endif
