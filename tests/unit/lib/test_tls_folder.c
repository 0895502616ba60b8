#include "base/clock.h"
#include "certificate_fixture.h"
#include "net/tls_folder.h"

#include <sys/stat.h>
#include <time.h>

static struct authority authority;

static void run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *fmt, ...) {
    char command[700];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(command, sizeof command, fmt, ap);
    va_end(ap);
    assert_int_equal(system(command), 0);
}

/* A certificate for the host, as FOLDER/NAME.pem and .key. */
static void put(const char *name, const char *host) {
    authority_issue(&authority, "new", host, false);
    run("mv '%s/new.key' '%s/certs/%s.key' && mv '%s/new.crt' '%s/certs/%s.pem'", authority.folder, authority.folder,
        name, authority.folder, authority.folder, name);
}

static struct tls_folder *open_folder(void) {
    char path[128];
    struct err err;
    snprintf(path, sizeof path, "%s/certs", authority.folder);
    struct tls_folder *f = tls_folder_new(path, &err);
    assert_non_null(f);
    return f;
}

/* The serial number of what is found for the host; 0: nothing. */
static long found(struct tls_folder *f, const char *host) {
    struct identity i;
    if (!tls_folder_find(f, host, &i))
        return 0;
    long serial = ASN1_INTEGER_get(X509_get_serialNumber(i.leaf));
    identity_free(&i);
    return serial;
}

static void wait_a_second(void) {
    struct timespec t = {1, 50000000};
    nanosleep(&t, NULL);
}

static int set_up(void **state) {
    (void)state;
    authority_make(&authority);
    run("mkdir '%s/certs'", authority.folder);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    authority_remove(&authority);
    return 0;
}

static void names_are_found_in_both_layouts(void **state) {
    (void)state;
    put("flat.example.org", "flat.example.org");
    long flat = authority.serial;
    put("new", "deep.example.org");
    long deep = authority.serial;
    run("cd '%s/certs' && mkdir deep.example.org && mv new.pem deep.example.org/fullchain.pem && mv new.key "
        "deep.example.org/privkey.pem",
        authority.folder);
    struct tls_folder *f = open_folder();
    assert_int_equal(tls_folder_count(f), 0);
    assert_int_equal(found(f, "flat.example.org"), flat);
    assert_int_equal(found(f, "deep.example.org"), deep);
    assert_int_equal(found(f, "other.example.net"), 0);
    assert_int_equal(tls_folder_count(f), 2);
    tls_folder_release(f);
}

static void wildcards_stand_for_one_label_that_they_hold_for(void **state) {
    (void)state;
    put("*.wild.example", "*.wild.example");
    long wild = authority.serial;
    put("parent.example", "*.parent.example");
    long parent = authority.serial;
    put("single.example", "single.example");
    struct tls_folder *f = open_folder();
    assert_int_equal(found(f, "a.wild.example"), wild);
    assert_int_equal(found(f, "a.b.wild.example"), 0);
    assert_int_equal(found(f, "a.parent.example"), parent);
    assert_int_equal(found(f, "mail.single.example"), 0);
    tls_folder_release(f);
}

static void a_name_is_never_a_path(void **state) {
    (void)state;
    put("x.example", "x.example");
    struct tls_folder *f = open_folder();
    static const char *const bad[] = {
        "../certs/x.example", "certs/x.example", "./x.example", "x.example/", "..", "", ".",
        "*.wild.example",     "x..example",      "x.example\n", "%s.example"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(found(f, bad[i]), 0);
    tls_folder_release(f);
}

static void changed_files_are_read_again_and_broken_ones_are_not(void **state) {
    (void)state;
    put("c.example", "c.example");
    long first = authority.serial;
    struct tls_folder *f = open_folder();
    assert_int_equal(found(f, "c.example"), first);
    put("c.example", "c.example");
    long second = authority.serial;
    wait_a_second();
    assert_int_equal(found(f, "c.example"), second);
    run("echo broken > '%s/certs/c.example.pem'", authority.folder);
    wait_a_second();
    assert_int_equal(found(f, "c.example"), second);
    put("c.example", "c.example");
    tls_folder_forget(f); /* as SIGHUP does: no need to wait */
    assert_int_equal(found(f, "c.example"), authority.serial);
    run("rm '%s/certs/c.example.key'", authority.folder);
    tls_folder_forget(f);
    assert_int_equal(found(f, "c.example"), 0);
    tls_folder_release(f);
}

static void no_more_than_some_hundred_are_in_memory(void **state) {
    (void)state;
    put("m.example", "*.m.example");
    for (int i = 0; i < 300; i++)
        run("cd '%s/certs' && ln m.example.pem h%d.m.example.pem && ln m.example.key h%d.m.example.key",
            authority.folder, i, i);
    struct tls_folder *f = open_folder();
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 300; i++) {
            char host[40];
            snprintf(host, sizeof host, "h%d.m.example", i);
            assert_int_equal(found(f, host), authority.serial);
            assert_true(tls_folder_count(f) <= 256);
        }
    /* Names that are not there take no memory. */
    for (int i = 0; i < 10000; i++) {
        char host[40];
        snprintf(host, sizeof host, "nobody%d.n.example", i);
        assert_int_equal(found(f, host), 0);
    }
    assert_int_equal(tls_folder_count(f), 256);
    tls_folder_release(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_found_in_both_layouts),
        cmocka_unit_test(wildcards_stand_for_one_label_that_they_hold_for),
        cmocka_unit_test(a_name_is_never_a_path),
        cmocka_unit_test(changed_files_are_read_again_and_broken_ones_are_not),
        cmocka_unit_test(no_more_than_some_hundred_are_in_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
