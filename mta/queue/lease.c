#include "queue/lease.h"

static const struct db_statement RELEASE = {
    "lease_release", "UPDATE queue_recipient SET lease_until = NULL, lease_owner = NULL, next_attempt_at = now()"
                     " WHERE lease_owner = $1"};

bool lease_release(struct db *db, const char *owner, struct err *err) {
    struct db_conn *c = db_acquire(db, err);
    if (!c)
        return false;
    struct db_params p = {0};
    db_text(&p, str_of(owner));
    bool good = db_exec(c, &RELEASE, &p, err) >= 0;
    db_release(db, c);
    return good;
}
