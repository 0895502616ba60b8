/*
 * route: where a recipient's mail goes. The directory knows the addresses that are hosted here; this adds what the
 * protocol asks for besides: the postmaster (RFC 5321 section 4.5.1), users of the machine itself, and relaying for
 * those who may.
 */
#ifndef ROUTE_ROUTE_H
#define ROUTE_ROUTE_H

#include "directory/directory.h"
#include "mta.h"

/* The route of local@domain (as from address_parse). may_relay: a domain that is not ours is a target like any other.
 *
 * Mail for postmaster at a domain here that has no such address, or at our own host name, goes to the setting
 * mta.postmaster, or, where that is unset, to postmaster at the hosted domain that our host name belongs to. The same
 * holds for any user at our own host name where may_relay is set (programs on this machine: cron's mail to root). */
enum directory_status route_recipient_of(const struct mta *m, struct arena *a, struct str local, struct str domain,
                                         bool may_relay, struct directory_route *out);

#endif
