/* Needs a database with the schema (MANSIO_TEST_DB, as its owner) in which it is alone; the nameserver is one that only
 * remembers. */
#include "exporter.h"

#include "base/memory.h"
#include "files.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- a nameserver that reads the files as a real one does ---- */

struct served {
    char name[256];
    uint32_t serial;
};

static struct fake {
    char include[256], folder[256];
    struct served zone[64];
    size_t count;
    bool down;   /* its control fails */
    bool refuse; /* its check refuses */
    bool frozen; /* takes orders and does nothing */
    int configured, reloaded;
} fake;

static struct nameserver *fake_open(const struct conf *conf, struct err *err) {
    (void)conf, (void)err;
    return (struct nameserver *)&fake;
}

static void fake_close(struct nameserver *n) { (void)n; }

static bool fake_check(struct nameserver *n, struct str zone, const char *path, struct err *err) {
    (void)n, (void)zone;
    return (!fake.refuse && access(path, R_OK) == 0) || err_set(err, "the fake does not like it");
}

static uint32_t serial_in(const char *path) {
    char line[512];
    unsigned serial = 0;
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f) && sscanf(line, "@ IN SOA %*s %*s %u", &serial) != 1)
        ;
    if (f)
        fclose(f);
    return serial;
}

static void load_zone(struct str name) {
    struct buf path = BUF_EMPTY;
    files_zone_path(str_of(fake.folder), name, &path);
    size_t i = 0;
    while (i < fake.count && !str_eq(name, str_of(fake.zone[i].name)))
        i++;
    assert_true(i < 64 && str_to_c(name, fake.zone[i].name, sizeof fake.zone[i].name));
    fake.zone[i].serial = serial_in(path.p);
    if (i == fake.count)
        fake.count++;
    buf_free(&path);
}

static bool fake_configure(struct nameserver *n, struct err *err) {
    (void)n;
    if (fake.down)
        return err_set(err, "the fake is down");
    fake.configured++;
    struct names names = {NULL, 0, 0};
    assert_true(files_read_include(fake.include, &names, NULL));
    fake.count = 0;
    for (size_t i = 0; i < names.count && !fake.frozen; i++)
        load_zone(str_of(names.name[i]));
    names_free(&names);
    return true;
}

static bool fake_reload(struct nameserver *n, const struct str *zone, size_t count, struct err *err) {
    (void)n;
    if (fake.down)
        return err_set(err, "the fake is down");
    fake.reloaded += (int)count;
    for (size_t i = 0; i < count && !fake.frozen; i++)
        load_zone(zone[i]);
    return true;
}

static enum soa_answer fake_serial(struct nameserver *n, struct str zone, uint32_t *serial, struct err *err) {
    (void)n;
    for (size_t i = 0; i < fake.count; i++)
        if (str_eq(zone, str_of(fake.zone[i].name))) {
            *serial = fake.zone[i].serial;
            return SOA_SERVES;
        }
    err_set(err, "the fake does not serve it");
    return SOA_REFUSES;
}

static const struct nameserver_driver driver = {
    "fake", fake_open, fake_close, fake_check, fake_configure, fake_reload, fake_serial,
};

/* ---- the test's world ---- */

static const char *conninfo;
static PGconn *pg;
static struct db *db;
static struct conf *conf;
static struct exporter *e;
static char place[64];

static void sql(const char *text) {
    PGresult *r = PQexec(pg, text);
    if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", text, PQerrorMessage(pg));
    PQclear(r);
}

static const char *value(const char *text) {
    static char out[512];
    PGresult *r = PQexec(pg, text);
    if (PQresultStatus(r) != PGRES_TUPLES_OK || PQntuples(r) != 1)
        fail_msg("%s: %s", text, PQerrorMessage(pg));
    snprintf(out, sizeof out, "%s", PQgetvalue(r, 0, 0));
    PQclear(r);
    return out;
}

static void add_zone(const char *name) {
    char text[512];
    snprintf(text, sizeof text,
             "WITH z AS (INSERT INTO zone (tenant_id, name, primary_ns, contact) SELECT id, '%s', 'ns.example.net', "
             "'a@example.net' "
             "FROM tenant LIMIT 1 RETURNING id, tenant_id) INSERT INTO record (tenant_id, zone_id, name, type, rdata) "
             "SELECT tenant_id, id, '@', 'NS', 'ns.example.net.' FROM z",
             name);
    sql(text);
}

static void add_record(const char *zone, const char *name, const char *type, const char *rdata) {
    char text[512];
    snprintf(text, sizeof text,
             "INSERT INTO record (tenant_id, zone_id, name, type, rdata) SELECT tenant_id, id, '%s', '%s', '%s' FROM "
             "zone WHERE name = '%s'",
             name, type, rdata, zone);
    sql(text);
}

static uint32_t serial_of(const char *zone) {
    uint32_t serial = 0;
    return fake_serial(NULL, str_of(zone), &serial, NULL) == SOA_SERVES ? serial : 0;
}

static struct exporter_result look(bool full, enum exporter_state want) {
    struct exporter_result result;
    struct err err = {""};
    enum exporter_state state = exporter_look(e, full, &result, &err);
    if (state != want)
        fail_msg("state %d, not %d: %s", state, want, err.text);
    return result;
}

static void reopen(bool force) {
    struct err err;
    exporter_close(e);
    e = exporter_open(conf, db, &driver, force, &err);
    if (!e)
        fail_msg("%s", err.text);
}

static int begin(void **state) {
    (void)state;
    struct err err;
    sql("DELETE FROM tenant");
    sql("DELETE FROM zone_removed");
    sql("INSERT INTO tenant (name) VALUES ('exporter')");
    snprintf(place, sizeof place, "/tmp/mansio-exporter-XXXXXX");
    assert_non_null(mkdtemp(place));
    fake = (struct fake){.down = false};
    snprintf(fake.folder, sizeof fake.folder, "%s/zones", place);
    snprintf(fake.include, sizeof fake.include, "%s/zones.conf", place);
    char path[128];
    snprintf(path, sizeof path, "%s/conf", place);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f, "dns_zones = %s\ndns_conf = %s\n", fake.folder, fake.include);
    fclose(f);
    conf = conf_read(path, &err);
    assert_non_null(conf);
    e = NULL;
    reopen(false);
    return 0;
}

static int end(void **state) {
    (void)state;
    char command[128];
    exporter_close(e);
    conf_free(conf);
    snprintf(command, sizeof command, "rm -rf %s", place);
    return system(command);
}

/* ---- what it must do ---- */

static void a_new_zone_is_served_and_remembered(void **state) {
    (void)state;
    add_zone("a.example");
    assert_int_equal(look(false, EXPORTER_DONE).exported, 1);
    assert_true(serial_of("a.example") > 2026000000);
    assert_int_equal(strtoul(value("SELECT serial FROM zone"), NULL, 10), serial_of("a.example"));
    assert_string_equal(value("SELECT count(*) FROM zone_history WHERE content LIKE '%a.example%'"), "1");
    assert_string_equal(value("SELECT problem IS NULL AND exported_at IS NOT NULL FROM zone"), "t");
}

static void only_changed_zones_are_touched(void **state) {
    (void)state;
    add_zone("a.example");
    add_zone("b.example");
    look(true, EXPORTER_DONE);
    uint32_t a = serial_of("a.example"), b = serial_of("b.example");
    int configured = fake.configured;
    assert_int_equal(look(true, EXPORTER_DONE).exported, 0);
    add_record("a.example", "www", "A", "192.0.2.1");
    assert_int_equal(look(false, EXPORTER_DONE).exported, 1);
    assert_int_equal(serial_of("a.example"), a + 1);
    assert_int_equal(serial_of("b.example"), b);
    assert_int_equal(fake.configured, configured);
    assert_int_equal(fake.reloaded, 1);
}

static void a_change_that_is_taken_back_raises_no_serial(void **state) {
    (void)state;
    add_zone("a.example");
    look(false, EXPORTER_DONE);
    uint32_t a = serial_of("a.example");
    add_record("a.example", "www", "A", "192.0.2.1");
    sql("DELETE FROM record WHERE name = 'www'");
    assert_int_equal(look(false, EXPORTER_DONE).exported, 0);
    assert_int_equal(serial_of("a.example"), a);
    assert_string_equal(value("SELECT revision = exported FROM zone_export"), "t");
}

static void a_wrong_zone_keeps_its_old_version(void **state) {
    (void)state;
    add_zone("a.example");
    look(false, EXPORTER_DONE);
    uint32_t a = serial_of("a.example");
    add_record("a.example", "www", "A", "not an address");
    assert_int_equal(look(false, EXPORTER_DONE).refused, 1);
    assert_int_equal(serial_of("a.example"), a);
    assert_non_null(strstr(value("SELECT problem FROM zone"), "IPv4"));
    assert_int_equal(look(false, EXPORTER_DONE).refused, 0); /* once is enough */
    sql("UPDATE record SET rdata = '192.0.2.1' WHERE name = 'www'");
    assert_int_equal(look(false, EXPORTER_DONE).exported, 1);
    assert_string_equal(value("SELECT problem IS NULL FROM zone"), "t");
}

static void what_the_nameservers_check_refuses_never_reaches_it(void **state) {
    (void)state;
    fake.refuse = true;
    add_zone("a.example");
    assert_int_equal(look(false, EXPORTER_DONE).refused, 1);
    struct buf path = BUF_EMPTY;
    files_zone_path(str_of(fake.folder), STR("a.example"), &path);
    assert_int_not_equal(access(path.p, F_OK), 0);
    buf_add_c(&path, ".new");
    assert_int_not_equal(access(path.p, F_OK), 0);
    buf_free(&path);
}

static void a_nameserver_that_is_down_is_tried_again_with_the_same_serial(void **state) {
    (void)state;
    add_zone("a.example");
    fake.down = true;
    assert_int_equal(look(false, EXPORTER_FAILED).failed, 1);
    uint32_t reserved = (uint32_t)strtoul(value("SELECT serial FROM zone"), NULL, 10);
    assert_non_null(strstr(value("SELECT problem FROM zone"), "down"));
    assert_int_equal(look(false, EXPORTER_FAILED).failed, 1);
    fake.down = false;
    assert_int_equal(look(false, EXPORTER_DONE).exported, 1);
    assert_int_equal(serial_of("a.example"), reserved);
    assert_string_equal(value("SELECT problem IS NULL FROM zone"), "t");
}

static void a_lost_file_and_a_lost_include_file_come_back(void **state) {
    (void)state;
    add_zone("a.example");
    look(true, EXPORTER_DONE);
    uint32_t a = serial_of("a.example");
    struct buf path = BUF_EMPTY;
    files_zone_path(str_of(fake.folder), STR("a.example"), &path);
    unlink(path.p);
    assert_int_equal(look(true, EXPORTER_DONE).exported, 1);
    assert_int_equal(access(path.p, F_OK), 0);
    assert_int_equal(serial_of("a.example"), a);
    unlink(fake.include);
    fake.count = 0;
    reopen(false);
    assert_int_equal(look(true, EXPORTER_DONE).exported, 1);
    assert_int_equal(serial_of("a.example"), a);
    buf_free(&path);
}

static void a_nameserver_that_is_ahead_gets_a_later_serial(void **state) {
    (void)state;
    add_zone("a.example");
    look(false, EXPORTER_DONE);
    fake.zone[0].serial += 1000; /* the database was restored from a backup */
    uint32_t ahead = fake.zone[0].serial;
    add_record("a.example", "www", "A", "192.0.2.1");
    look(false, EXPORTER_DONE);
    assert_int_equal(serial_of("a.example"), ahead + 1);
}

static void a_zone_that_is_gone_leaves_the_nameserver(void **state) {
    (void)state;
    add_zone("a.example");
    add_zone("b.example");
    look(true, EXPORTER_DONE);
    sql("DELETE FROM zone WHERE name = 'a.example'");
    assert_int_equal(look(false, EXPORTER_DONE).removed, 1);
    assert_int_equal(serial_of("a.example"), 0);
    assert_int_not_equal(serial_of("b.example"), 0);
    struct buf path = BUF_EMPTY;
    files_zone_path(str_of(fake.folder), STR("a.example"), &path);
    assert_int_not_equal(access(path.p, F_OK), 0);
    buf_free(&path);
    assert_string_equal(value("SELECT count(*) FROM zone_removed"), "0");
}

static void most_zones_gone_at_once_is_taken_for_an_accident(void **state) {
    (void)state;
    char name[32];
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "z%d.example", i);
        add_zone(name);
    }
    look(true, EXPORTER_DONE);
    sql("DELETE FROM zone WHERE name <> 'z0.example'");
    assert_true(look(false, EXPORTER_DONE).removal_refused);
    sql("DELETE FROM zone_removed"); /* not even the note of it is left */
    assert_true(look(true, EXPORTER_DONE).removal_refused);
    assert_int_equal(fake.count, 20);
    reopen(true);
    assert_int_equal(look(true, EXPORTER_DONE).removed, 19);
    assert_int_equal(fake.count, 1);
}

static void one_exporter_works_at_a_time(void **state) {
    (void)state;
    sql("SELECT pg_advisory_lock(hashtext('mansio-dns export'))");
    look(false, EXPORTER_BUSY);
    sql("SELECT pg_advisory_unlock(hashtext('mansio-dns export'))");
    look(false, EXPORTER_DONE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_new_zone_is_served_and_remembered, begin, end),
        cmocka_unit_test_setup_teardown(only_changed_zones_are_touched, begin, end),
        cmocka_unit_test_setup_teardown(a_change_that_is_taken_back_raises_no_serial, begin, end),
        cmocka_unit_test_setup_teardown(a_wrong_zone_keeps_its_old_version, begin, end),
        cmocka_unit_test_setup_teardown(what_the_nameservers_check_refuses_never_reaches_it, begin, end),
        cmocka_unit_test_setup_teardown(a_nameserver_that_is_down_is_tried_again_with_the_same_serial, begin, end),
        cmocka_unit_test_setup_teardown(a_lost_file_and_a_lost_include_file_come_back, begin, end),
        cmocka_unit_test_setup_teardown(a_nameserver_that_is_ahead_gets_a_later_serial, begin, end),
        cmocka_unit_test_setup_teardown(a_zone_that_is_gone_leaves_the_nameserver, begin, end),
        cmocka_unit_test_setup_teardown(most_zones_gone_at_once_is_taken_for_an_accident, begin, end),
        cmocka_unit_test_setup_teardown(one_exporter_works_at_a_time, begin, end),
    };
    conninfo = getenv("MANSIO_TEST_DB");
    if (!conninfo) {
        print_message("MANSIO_TEST_DB is not set: skipped\n");
        return 0;
    }
    struct err err;
    pg = PQconnectdb(conninfo);
    db = db_open(conninfo, 1, &err);
    if (PQstatus(pg) != CONNECTION_OK || !db)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    db_close(db);
    PQfinish(pg);
    return failed;
}
