/*
 * throttle: who is kept out for a while because logging in failed too often: an address (an IPv6 /64 counts as one), an
 * account, or an account from one address. Failures are counted in memory. When there are too many, the ban is in force
 * here at once, and is written to the table login_ban by a thread, from where all daemons know it, people see it
 * (`mansio ban`, the admin pages), and may lift it: a notification carries that to all daemons at once.
 *
 * The same thread does other small writes that need not be waited for.
 */
#ifndef SASL_THROTTLE_H
#define SASL_THROTTLE_H

#include "base/err.h"
#include "base/str.h"

struct db;
struct throttle;

struct throttle *throttle_new(struct db *db, const char *conninfo, struct err *err);
void throttle_free(struct throttle *t);
/* `peer` is an address, or "unix", which is never counted: the webmail throttles its own logins. */
bool throttle_is_banned(struct throttle *t, struct str login, const char *peer);
void throttle_count(struct throttle *t, struct str login, const char *peer, const char *why);
/* Runs the function with the database some time soon, in the throttle's thread; then frees the context with `end`. */
void throttle_later(struct throttle *t, void (*run)(struct db *db, void *context), void (*end)(void *context),
                    void *context);
/* The address or network that failures of this peer are counted for: "192.0.2.1", "2001:db8::/64". */
enum { THROTTLE_NETWORK_BYTES = 64 };
void throttle_network(const char *peer, char out[THROTTLE_NETWORK_BYTES]);

#endif
