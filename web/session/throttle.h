/*
 * throttle: slows down the guessing of passwords. Failures are counted in the database (table login_failure), so that
 * all processes and machines see them, by login name and by address (an IPv6 /64 counts as one address).
 *
 * Five failures of a login within an hour are free; each further one doubles the wait, from 2 seconds to 15 minutes. An
 * address has thirty. While it waits, a login is refused without looking at the password: also a right one.
 */
#ifndef SESSION_THROTTLE_H
#define SESSION_THROTTLE_H

#include "exchange.h"

/* Seconds to wait until the next try (0: now), or -1 with err set. On the given connection, outside of the actor's
 * rights. */
int64_t throttle_wait(struct db_conn *c, struct str login, struct str address, struct err *err);
bool throttle_failed(struct db_conn *c, struct str login, struct str address, struct err *err);
/* A right password forgives the login's failures (not those of the address). */
bool throttle_succeeded(struct db_conn *c, struct str login, struct err *err);
/* The wait for that many failures, in seconds: what the table above says. */
int64_t throttle_delay(int64_t failures, int64_t free);

#endif
