/*
 * hold: a POP3 session has its mailbox for itself (RFC 1939 section 8), whichever process of whichever machine it is
 * in. Who has it is a row of the table pop3_hold (sql/0017_protocols.sql), which names the process; the process proves
 * that it lives by an advisory lock that it keeps on a connection of its own. So thousands of sessions need one lock
 * and one connection, and what a killed process held is free at once.
 *
 * Where that connection breaks, others may take what we hold. That is why each hold has a token, and deleting asks
 * within its transaction whether the token is still there (store_remove).
 */
#ifndef POP3_HOLD_H
#define POP3_HOLD_H

#include "base/err.h"
#include "base/str.h"

struct db;
struct holds;

/* db: the pool for taking and giving; conninfo: for the connection of its own. */
struct holds *holds_open(struct db *db, const char *conninfo, struct err *err);
void holds_close(struct holds *h);

enum hold_status {
    HOLD_TAKEN,     /* *token is to be given back */
    HOLD_IN_USE,    /* another session has it */
    HOLD_TOO_EARLY, /* *token is how many seconds are left of the delay */
    HOLD_TEMPORARY, /* PostgreSQL is away */
};
enum hold_status hold_take(struct holds *h, int64_t account, int32_t delay_seconds, int64_t *token, struct err *err);
/* Also while PostgreSQL is away: then it is done as soon as that is back. */
void hold_give(struct holds *h, int64_t account, int64_t token);

#endif
