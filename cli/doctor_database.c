/* The database: each program's role, the schema, settings that were never set, the queue, the clock. */
#include "base/clock.h"
#include "db/migrate.h"
#include "doctor.h"
#include "findings.h"

#include <stdlib.h>

static const struct db_statement WHO = {
    "doctor_who",
    "SELECT current_user::text, (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user)"};
static const struct db_statement NOW = {"doctor_now", "SELECT clock_timestamp()"};
static const struct db_statement UNSET = {
    "doctor_unset", "SELECT name FROM setting WHERE name IN ('mail.hostname', 'dns.nameservers', 'dns.contact') "
                    "AND value LIKE '%localhost.localdomain%' ORDER BY name"};
static const struct db_statement MAIL_HOST = {"doctor_mail_host",
                                              "SELECT value FROM setting WHERE name = 'mail.hostname'"};
static const struct db_statement PROVIDERS = {"doctor_providers",
                                              "SELECT count(*) FROM operator WHERE role = 'provider' AND NOT disabled"};
static const struct db_statement QUEUE = {"doctor_queue",
                                          "SELECT count(*), count(*) FILTER (WHERE status = 'held'), "
                                          "coalesce(extract(epoch FROM now() - min(m.received_at))::bigint, 0) / 3600 "
                                          "FROM queue_recipient r JOIN queue_message m ON m.id = r.message_id"};

static const struct {
    const char *setting, *role;
} roles[] = {{"db_admin", "mansio_owner"},
             {"db_mta", "mansio_mta"},
             {"db_imapd", "mansio_imapd"},
             {"db_web", "mansio_web"},
             {"db_dns", "mansio_dns"}};

static void check_role(struct cli *cli, const char *setting, const char *role) {
    struct err err;
    const char *conninfo = conf_get(cli->conf, setting, NULL);
    struct db *db = conninfo ? db_open(conninfo, 1, &err) : NULL;
    struct db_conn *c = db ? db_acquire(db, &err) : NULL;
    PGresult *r = c ? db_query(c, &WHO, NULL, &err) : NULL;
    if (r && !str_eq(db_get_str(r, 0, 0), str_of(role)))
        finding(cli, FINDING_WARN, setting, "connects as %.*s, not as %s, whose rights are made for it",
                STR_ARG(db_get_str(r, 0, 0)), role);
    else if (r && db_get_bool(r, 0, 1))
        finding(cli, FINDING_FAIL, setting,
                "%s is a superuser or goes past row security: tenants would not be kept apart", role);
    else if (r)
        finding(cli, FINDING_OK, setting, "connected as %s", role);
    else if (conninfo)
        finding(cli, FINDING_FAIL, setting, "%s", err.text);
    PQclear(r);
    if (c)
        db_release(db, c);
    db_close(db);
}

static void check_schema(struct cli *cli) {
    struct migration *m;
    size_t count = 0, missing = 0, wrong = 0;
    const char *folder = conf_get(cli->conf, "sql", PREFIX "/share/mansio/sql");
    if (migrate_status(cli->conn, folder, &cli->arena, &m, &count, &cli->err) != MIGRATE_OK) {
        finding(cli, FINDING_FAIL, "schema", "%s", cli->err.text);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        missing += !m[i].applied;
        wrong += m[i].changed || !m[i].sql.p;
    }
    if (wrong)
        finding(cli, FINDING_FAIL, "schema",
                "%zu migrations are not those that were applied: see mansio migrate --status", wrong);
    else if (missing)
        finding(cli, FINDING_FAIL, "schema", "%zu migrations are to be applied: mansio migrate", missing);
    else
        finding(cli, FINDING_OK, "schema", "%zu migrations, up to date", count);
}

static void check_settings(struct cli *cli) {
    PGresult *r = db_query(cli->conn, &UNSET, NULL, &cli->err);
    for (int i = 0; r && i < PQntuples(r); i++)
        finding(cli, FINDING_WARN, "settings",
                "%.*s was never set, and new zones get nonsense from it: mansio setting set %.*s ...",
                STR_ARG(db_get_str(r, i, 0)), STR_ARG(db_get_str(r, i, 0)));
    PQclear(r);
    r = db_query(cli->conn, &MAIL_HOST, NULL, &cli->err);
    const char *hostname = conf_get(cli->conf, "hostname", "");
    if (r && PQntuples(r) && !str_ieq(db_get_str(r, 0, 0), str_of(hostname)))
        finding(cli, FINDING_WARN, "settings", "mail.hostname is %.*s, and this machine's hostname is %s: on purpose?",
                STR_ARG(db_get_str(r, 0, 0)), hostname);
    PQclear(r);
    r = db_query(cli->conn, &PROVIDERS, NULL, &cli->err);
    if (r && db_get_int8(r, 0, 0) == 0)
        finding(cli, FINDING_WARN, "operators",
                "nobody can administer it all: mansio operator add NAME --role provider");
    PQclear(r);
}

static void check_clock(struct cli *cli) {
    PGresult *r = db_query(cli->conn, &NOW, NULL, &cli->err);
    if (!r)
        return;
    long long apart = llabs((long long)(db_get_time(r, 0, 0) - clock_now()) / CLOCK_SECOND);
    if (apart > 5)
        finding(cli, FINDING_WARN, "clock", "the database's clock and this machine's are %lld seconds apart", apart);
    else
        finding(cli, FINDING_OK, "clock", "agrees with the database's");
    PQclear(r);
}

static void check_queue(struct cli *cli) {
    PGresult *r = db_query(cli->conn, &QUEUE, NULL, &cli->err);
    if (!r) {
        finding(cli, FINDING_FAIL, "queue", "%s", cli->err.text);
        return;
    }
    long long waiting = db_get_int8(r, 0, 0), held = db_get_int8(r, 0, 1), hours = db_get_int8(r, 0, 2);
    finding(cli, hours >= 24 || waiting > 10000 ? FINDING_WARN : FINDING_OK, "queue",
            "%lld recipients are waiting, %lld of them held; the oldest for %lld hours", waiting, held, hours);
    PQclear(r);
}

void doctor_database(struct cli *cli) {
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        check_role(cli, roles[i].setting, roles[i].role);
    if (!cli_connect(cli))
        return; /* said above */
    check_schema(cli);
    check_settings(cli);
    check_clock(cli);
    check_queue(cli);
}
