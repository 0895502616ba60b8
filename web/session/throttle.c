#include "session/throttle.h"

#include "base/clock.h"

enum { FREE_LOGIN = 5, FREE_ADDRESS = 50, FIRST_DELAY = 2, MAX_DELAY = 900 };

/* An IPv6 customer has a whole /64 to choose addresses from. */
#define NETWORK(text)                                                                                                  \
    "CASE family(nullif(" text ", '')::inet) WHEN 6 THEN set_masklen(" text "::inet, 64)::cidr::inet "                 \
    "ELSE nullif(" text ", '')::inet END"

static const struct db_statement COUNT = {
    "throttle_count", "SELECT (SELECT count(*) FROM login_failure WHERE login = $1 AND at > now() - interval '1 hour'),"
                      " (SELECT max(at) FROM login_failure WHERE login = $1 AND at > now() - interval '1 hour'),"
                      " (SELECT count(*) FROM login_failure WHERE address = " NETWORK(
                          "$2") " AND at > now() - interval '1 hour'),"
                                " (SELECT max(at) FROM login_failure WHERE address = " NETWORK(
                                    "$2") " AND at > now() - interval '1 hour'),"
                                          " login_banned($1, nullif($2, ''))"};
static const struct db_statement FAILED = {"throttle_failed",
                                           "INSERT INTO login_failure (login, address) VALUES ($1, " NETWORK("$2") ")"};
static const struct db_statement SWEEP = {"throttle_sweep",
                                          "DELETE FROM login_failure WHERE at < now() - interval '1 day'"};
static const struct db_statement SUCCEEDED = {"throttle_succeeded", "DELETE FROM login_failure WHERE login = $1"};

int64_t throttle_delay(int64_t failures, int64_t free) {
    if (failures < free)
        return 0;
    int64_t steps = failures - free;
    return steps >= 9                                  ? MAX_DELAY
           : (int64_t)FIRST_DELAY << steps < MAX_DELAY ? (int64_t)FIRST_DELAY << steps
                                                       : MAX_DELAY;
}

static int64_t wait_from(int64_t failures, int64_t last, int64_t free) {
    int64_t until = last + throttle_delay(failures, free) * CLOCK_SECOND, now = clock_now();
    return failures >= free && until > now ? (until - now + CLOCK_SECOND - 1) / CLOCK_SECOND : 0;
}

int64_t throttle_wait(struct db_conn *c, struct str login, struct str address, struct err *err) {
    struct db_params p = {0};
    db_text(&p, login);
    db_text(&p, address);
    PGresult *r = db_query(c, &COUNT, &p, err);
    if (!r)
        return -1;
    int64_t by_login = wait_from(db_get_int8(r, 0, 0), db_get_time(r, 0, 1), FREE_LOGIN);
    int64_t by_address = wait_from(db_get_int8(r, 0, 2), db_get_time(r, 0, 3), FREE_ADDRESS);
    /* what mail programs have done counts for browsers, too */
    int64_t banned = db_get_null(r, 0, 4) ? 0 : (db_get_time(r, 0, 4) - clock_now()) / CLOCK_SECOND + 1;
    PQclear(r);
    by_login = by_login > banned ? by_login : banned;
    return by_login > by_address ? by_login : by_address;
}

bool throttle_failed(struct db_conn *c, struct str login, struct str address, struct err *err) {
    struct db_params p = {0};
    db_text(&p, login);
    db_text(&p, address);
    return db_exec(c, &FAILED, &p, err) >= 0 && db_exec(c, &SWEEP, NULL, err) >= 0;
}

bool throttle_succeeded(struct db_conn *c, struct str login, struct err *err) {
    struct db_params p = {0};
    db_text(&p, login);
    return db_exec(c, &SUCCEEDED, &p, err) >= 0;
}
