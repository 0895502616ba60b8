/*
 * plan: what a message's recipients amount to: each mailbox here once and each address elsewhere once, however many
 * recipients lead there, in the shape that store_deliver takes. Everything in the arena.
 */
#ifndef ROUTE_PLAN_H
#define ROUTE_PLAN_H

#include "directory/directory.h"
#include "mta.h"
#include "store/queue.h"

struct plan_slot;

/* The recipient that a target comes from. */
struct plan_origin {
    struct str address;       /* as the sender gave it */
    struct str notify, orcpt; /* DSN, p NULL: none */
};

struct plan {
    struct arena *arena;
    struct store_delivery *delivery; /* prefix is the caller's to fill in */
    struct str *address;             /* of each delivery: the account's */
    struct plan_origin *origin;      /* of each delivery: the first that leads there */
    size_t delivery_count, delivery_cap;
    struct store_queued_recipient *remote;
    size_t remote_count, remote_cap;
    int64_t tenant_id; /* that the remote recipients belong to; 0 where they belong to several, or to none */
    bool tenant_known;
    struct plan_slot *slot;
    size_t slots, used;
};

void plan_begin(struct plan *p, struct arena *a);
/* Adds a recipient's targets. Where they are several, the sender's wish to hear of success is met by saying so
 * ("expanded"), and goes no further (RFC 3461 section 5.2.7). */
void plan_add(struct plan *p, const struct directory_route *route, struct plan_origin origin);
/* The delivery to this account, which has been added. */
struct store_delivery *plan_delivery(const struct plan *p, int64_t account_id);
/* Fills in what goes to the queue: id, sender, recipients, expiry. NULL where nothing does. In the arena. */
struct store_queued *plan_queued(const struct plan *p, const struct mta *m, int64_t id, struct str sender);

#endif
