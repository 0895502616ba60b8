/* Needs a database with the schema (MANSIO_TEST_DB, as its owner); makes a tenant of its own and removes it. */
#include "base/clock.h"
#include "base/codec.h"
#include "base/password.h"
#include "db/db.h"
#include "directory/directory.h"
#include "sasl/sasl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <unistd.h>

static const char *conninfo;
static struct db *db;
static struct directory *directory;
static struct arena arena;
static char domain[64], tenant[64];

static void sql(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void sql(const char *fmt, ...) {
    struct buf text = BUF_EMPTY;
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    PGconn *pg = PQconnectdb(conninfo);
    PGresult *r = PQexec(pg, text.p);
    if (PQresultStatus(r) != PGRES_COMMAND_OK)
        fail_msg("%s: %s", text.p, PQerrorMessage(pg));
    PQclear(r);
    PQfinish(pg);
    buf_free(&text);
}

static int setup(void **state) {
    (void)state;
    if (!conninfo)
        return 0;
    struct err err;
    db = db_open(conninfo, 4, &err);
    directory = directory_open(db, conninfo, &err);
    char token[16];
    random_token(token, sizeof token, 6);
    for (char *c = token; *c; c++)
        *c = *c == '-' || *c == '_' ? 'x' : ascii_lower(*c);
    snprintf(domain, sizeof domain, "d%s.example", token);
    snprintf(tenant, sizeof tenant, "tenant %s", token);
    sql("INSERT INTO tenant (name) VALUES ('%s');"
        "INSERT INTO domain (tenant_id, name, display) SELECT id, '%s', '%s' FROM tenant WHERE name = '%s';"
        "INSERT INTO domain (tenant_id, name, display, kind, target_id) SELECT tenant_id, 'alias-%s', 'x', 'alias', id "
        "FROM domain WHERE name = '%s';"
        "INSERT INTO domain (tenant_id, name, display, kind, relay_host) SELECT tenant_id, 'relay-%s', 'x', 'relay', "
        "'mx.test:2526' FROM domain WHERE name = '%s';"
        "INSERT INTO account (tenant_id, domain_id, local_part, password, quota_bytes)"
        "  SELECT tenant_id, id, l, '', 1000 FROM domain, unnest(ARRAY['anna','bob','off']) l WHERE name = '%s';"
        "UPDATE account SET active = false WHERE local_part = 'off' AND domain_id = (SELECT id FROM domain WHERE name "
        "= '%s')",
        tenant, domain, domain, tenant, domain, domain, domain, domain, domain, domain);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    if (!conninfo)
        return 0;
    sql("DELETE FROM tenant WHERE name = '%s'", tenant);
    directory_close(directory);
    db_close(db);
    arena_free(&arena);
    return 0;
}

static void needs_database(void) {
    if (!conninfo)
        skip();
}

static void alias(const char *local, const char *targets) {
    struct str list = str_of(targets), one;
    struct buf array = BUF_EMPTY;
    while (str_split(&list, ' ', &one))
        buf_printf(&array, "%s'%.*s'", array.n ? "," : "", STR_ARG(one));
    sql("INSERT INTO alias (tenant_id, domain_id, local_part, targets) SELECT tenant_id, id, '%s', ARRAY[%s] FROM "
        "domain WHERE name = '%s'"
        " ON CONFLICT (domain_id, local_part) DO UPDATE SET targets = excluded.targets",
        local, array.p, domain);
    buf_free(&array);
}

/* Resolves until the answer has this form, as the notification of a change takes a moment; the answer is
 * "status:target,target". */
static void resolves(const char *address, const char *want) {
    struct buf got = BUF_EMPTY;
    for (int64_t until = clock_monotonic() + 2 * CLOCK_SECOND; clock_monotonic() < until; usleep(5000)) {
        struct directory_route route;
        buf_reset(&got);
        buf_printf(&got, "%d:", directory_resolve(directory, &arena, str_of(address), &route));
        for (size_t i = 0; i < route.count; i++)
            buf_printf(&got, "%s%s%.*s%s%.*s", i ? "," : "", route.target[i].account_id ? "local " : "",
                       STR_ARG(route.target[i].address), route.target[i].next_hop.n ? " via " : "",
                       STR_ARG(route.target[i].next_hop));
        if (strcmp(got.p, want) == 0)
            break;
    }
    assert_string_equal(got.p, want);
    buf_free(&got);
}

static void an_account_is_found_without_case_and_with_a_detail(void **state) {
    (void)state;
    needs_database();
    resolves(arena_printf(&arena, "ANNA@%s", domain).p, arena_printf(&arena, "0:local anna@%s", domain).p);
    resolves(arena_printf(&arena, "anna+lists@%s", domain).p, arena_printf(&arena, "0:local anna@%s", domain).p);
    resolves(arena_printf(&arena, "nobody@%s", domain).p, "2:");
    resolves(arena_printf(&arena, "off@%s", domain).p, "3:");
    resolves("x@elsewhere.example", "1:");
}

static void an_alias_with_several_targets_reaches_each_once(void **state) {
    (void)state;
    needs_database();
    alias("team", arena_printf(&arena, "anna@%s bob@%s x@elsewhere.example team2@%s", domain, domain, domain).p);
    alias("team2", arena_printf(&arena, "bob@%s X@elsewhere.example", domain).p);
    resolves(arena_printf(&arena, "team@%s", domain).p,
             arena_printf(&arena, "0:local anna@%s,local bob@%s,x@elsewhere.example", domain, domain).p);
}

static void an_alias_that_names_itself_keeps_a_copy(void **state) {
    (void)state;
    needs_database();
    alias("anna", arena_printf(&arena, "anna@%s away@elsewhere.example", domain).p);
    resolves(arena_printf(&arena, "anna@%s", domain).p,
             arena_printf(&arena, "0:local anna@%s,away@elsewhere.example", domain).p);
    sql("DELETE FROM alias WHERE local_part = 'anna' AND domain_id = (SELECT id FROM domain WHERE name = '%s')",
        domain);
    resolves(arena_printf(&arena, "anna@%s", domain).p, arena_printf(&arena, "0:local anna@%s", domain).p);
}

static void a_loop_is_found(void **state) {
    (void)state;
    needs_database();
    alias("ping", arena_printf(&arena, "pong@%s", domain).p);
    alias("pong", arena_printf(&arena, "ping@%s", domain).p);
    resolves(arena_printf(&arena, "ping@%s", domain).p, "4:");
}

static void alias_domains_relay_domains_and_the_catch_all_lead_on(void **state) {
    (void)state;
    needs_database();
    resolves(arena_printf(&arena, "bob@alias-%s", domain).p, arena_printf(&arena, "0:local bob@%s", domain).p);
    resolves(arena_printf(&arena, "Any@relay-%s", domain).p,
             arena_printf(&arena, "0:Any@relay-%s via mx.test:2526", domain).p);
    alias("", arena_printf(&arena, "bob@%s", domain).p);
    resolves(arena_printf(&arena, "nobody@%s", domain).p, arena_printf(&arena, "0:local bob@%s", domain).p);
    resolves(arena_printf(&arena, "nobody@alias-%s", domain).p, arena_printf(&arena, "0:local bob@%s", domain).p);
    sql("DELETE FROM alias WHERE local_part = '' AND domain_id = (SELECT id FROM domain WHERE name = '%s')", domain);
}

static void a_password_that_was_changed_is_refused_at_once(void **state) {
    (void)state;
    needs_database();
    struct err err;
    struct auth *auth = auth_new(directory, db, conninfo, &err);
    assert_non_null(auth);
    struct directory_account account;
    struct str login = arena_printf(&arena, "bob@%s", domain);
    const char *passwords[] = {"first secret", "second secret"};
    for (int i = 0; i < 2; i++) {
        struct buf hash = BUF_EMPTY;
        assert_true(password_hash(str_of(passwords[i]), &hash, &err));
        sql("UPDATE account SET password = '%s' WHERE local_part = 'bob' AND domain_id = (SELECT id FROM domain WHERE "
            "name = '%s')",
            hash.p, domain);
        buf_free(&hash);
        enum auth_result got = AUTH_FAILED;
        for (int tries = 0; got != AUTH_OK && tries < 20; tries++, usleep(20000)) {
            char peer[32];
            snprintf(peer, sizeof peer, "192.0.2.%d", tries + 1);
            got = auth_check(auth, AUTH_IMAP, &arena, login, str_of(passwords[i]), peer, &account);
        }
        assert_int_equal(got, AUTH_OK);
        assert_int_equal(auth_check(auth, AUTH_IMAP, &arena, login, str_of(passwords[1 - i]), "192.0.2.200", &account),
                         AUTH_FAILED);
    }
    for (int i = 0; i < 10; i++)
        auth_check(auth, AUTH_IMAP, &arena, login, STR("wrong"), "192.0.2.99", &account);
    assert_int_equal(auth_check(auth, AUTH_IMAP, &arena, login, str_of(passwords[1]), "192.0.2.99", &account),
                     AUTH_THROTTLED);
    assert_int_equal(auth_check(auth, AUTH_IMAP, &arena, login, str_of(passwords[1]), "192.0.2.98", &account), AUTH_OK);
    assert_int_equal(
        auth_check(auth, AUTH_IMAP, &arena, STR("nobody@nowhere.example"), STR("wrong"), "192.0.2.97", &account),
        AUTH_FAILED);
    auth_free(auth);
}

static void hashes_of_other_servers_are_understood(void **state) {
    (void)state;
    struct str password = STR("correct horse");
    struct err err;
    struct buf own = BUF_EMPTY;
    assert_true(password_hash(password, &own, &err));
    assert_true(password_verify(buf_str(&own), password));
    assert_false(password_verify(buf_str(&own), STR("correct Horse")));
    buf_free(&own);
    const char *stored[] = {
        "$6$mansio$6//DmsVk6C9nreZgu1QhrojrxXo1NXIeJHP7xub0yRaI8dqnynIjs5tqxt9J.W0NSsWayf6P5EagiWibXdn6n.",
        ("{SHA512-CRYPT}$6$mansio$6//"
         "DmsVk6C9nreZgu1QhrojrxXo1NXIeJHP7xub0yRaI8dqnynIjs5tqxt9J.W0NSsWayf6P5EagiWibXdn6n."),
        "{SHA256-CRYPT}$5$mansio$Jzj49J7fc3nnIGc/5JNfhs/Xpar9VB/BEJpFZIv71U/",
        "{CRYPT}$1$mansio$nQcp/ZnGPQtlY.ZsFw439/",
        "{BLF-CRYPT}$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2",
    };
    for (size_t i = 0; i < sizeof stored / sizeof *stored; i++) {
        assert_true(password_verify(str_of(stored[i]), password));
        assert_false(password_verify(str_of(stored[i]), STR("wrong horse")));
    }
    assert_false(password_verify(STR("{UNKNOWN}x"), password));
    assert_false(password_verify(STR(""), STR("")));
    assert_false(password_acceptable(STR("short"), STR("a@b.example"), &err));
    assert_false(password_acceptable(STR("longlocalpart"), STR("longlocalpart@b.example"), &err));
    assert_true(password_acceptable(STR("long enough"), STR("a@b.example"), &err));
}

static void sasl_plain_takes_three_fields_and_no_other_identity(void **state) {
    (void)state;
    struct str user, password;
    assert_true(sasl_plain_parse(str_n("\0a@b\0pw", 7), &user, &password));
    assert_true(str_eq(user, STR("a@b")) && str_eq(password, STR("pw")));
    assert_true(sasl_plain_parse(str_n("a@b\0a@b\0pw", 10), &user, &password));
    assert_false(sasl_plain_parse(str_n("root\0a@b\0pw", 11), &user, &password));
    assert_false(sasl_plain_parse(str_n("\0a@b\0pw\0x", 9), &user, &password));
    assert_false(sasl_plain_parse(str_n("\0a@b\0", 5), &user, &password));
    assert_false(sasl_plain_parse(STR(""), &user, &password));
}

int main(void) {
    conninfo = getenv("MANSIO_TEST_DB");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_account_is_found_without_case_and_with_a_detail),
        cmocka_unit_test(an_alias_with_several_targets_reaches_each_once),
        cmocka_unit_test(an_alias_that_names_itself_keeps_a_copy),
        cmocka_unit_test(a_loop_is_found),
        cmocka_unit_test(alias_domains_relay_domains_and_the_catch_all_lead_on),
        cmocka_unit_test(a_password_that_was_changed_is_refused_at_once),
        cmocka_unit_test(hashes_of_other_servers_are_understood),
        cmocka_unit_test(sasl_plain_takes_three_fields_and_no_other_identity),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
