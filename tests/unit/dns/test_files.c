#include "command.h"
#include "files.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char place[] = "/tmp/mansio-files-XXXXXX";

static void names_are_a_sorted_set(void **state) {
    (void)state;
    struct names n = {NULL, 0, 0};
    const struct str some[] = {STR("b"), STR("a"), STR("b")}, more[] = {STR("c"), STR("a")}, known[] = {STR("a")};
    assert_true(names_add(&n, some, 3));
    assert_true(names_add(&n, more, 2));
    assert_false(names_add(&n, known, 1));
    assert_int_equal(n.count, 3);
    assert_string_equal(n.name[0], "a");
    assert_string_equal(n.name[2], "c");
    assert_true(names_remove(&n, STR("b")));
    assert_false(names_remove(&n, STR("b")));
    assert_true(names_has(&n, STR("c")) && !names_has(&n, STR("b")));
    names_free(&n);
}

static void the_include_file_is_read_as_it_was_written(void **state) {
    (void)state;
    char path[64];
    struct err err;
    struct names n = {NULL, 0, 0}, back = {NULL, 0, 0};
    const struct str names[] = {STR("example.org"), STR("0/25.2.0.192.in-addr.arpa"), STR("a.example")};
    names_add(&n, names, 3);
    snprintf(path, sizeof path, "%s/zones.conf", place);
    assert_true(files_read_include(path, &back, &err)); /* not there yet */
    assert_int_equal(back.count, 0);
    assert_int_equal(files_include_version(path), 0);
    assert_true(files_write_include(path, STR("/zones"), &n, &err));
    uint64_t version = files_include_version(path);
    assert_true(files_read_include(path, &back, &err));
    assert_int_equal(back.count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(n.name[i], back.name[i]);
    assert_true(files_write_include(path, STR("/zones"), &n, &err));
    assert_true(files_include_version(path) != version);
    names_free(&n);
    names_free(&back);
}

static void a_file_appears_whole_and_readable_by_all(void **state) {
    (void)state;
    char path[64];
    struct err err;
    struct buf temporary = BUF_EMPTY;
    struct stat st;
    umask(077);
    snprintf(path, sizeof path, "%s/a.zone", place);
    assert_true(files_prepare(path, STR("content"), &temporary, &err));
    assert_int_not_equal(access(path, F_OK), 0);
    assert_true(files_commit(temporary.p, path, &err) && files_sync(place, &err));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
    assert_int_equal(st.st_size, 7);
    buf_reset(&temporary);
    assert_false(files_prepare("/nonexistent/a.zone", STR("x"), &temporary, &err));
    assert_non_null(strstr(err.text, "/nonexistent"));
    buf_free(&temporary);
}

static void a_slash_in_a_name_stays_in_the_folder(void **state) {
    (void)state;
    struct buf path = BUF_EMPTY;
    files_zone_path(STR("/zones"), STR("0/25.2.0.192.in-addr.arpa"), &path);
    assert_string_equal(path.p, "/zones/0%2f25.2.0.192.in-addr.arpa.zone");
    buf_free(&path);
}

static void commands_give_their_status_and_output_and_end_in_time(void **state) {
    (void)state;
    struct buf output = BUF_EMPTY;
    struct err err;
    char *echo[] = {(char *)"/bin/sh", (char *)"-c", (char *)"echo out; echo bad >&2; exit 3", NULL};
    assert_int_equal(command_run(echo, 5000, &output, &err), 3);
    assert_string_equal(output.p, "out\nbad\n");
    char *sleep[] = {(char *)"/bin/sleep", (char *)"30", NULL};
    assert_int_equal(command_run(sleep, 100, &output, &err), -1);
    assert_non_null(strstr(err.text, "did not end"));
    char *missing[] = {(char *)"/nonexistent/rndc", NULL};
    assert_int_equal(command_run(missing, 100, &output, &err), -1);
    char *flood[] = {(char *)"/bin/sh", (char *)"-c", (char *)"head -c 1000000 /dev/zero", NULL};
    buf_reset(&output);
    assert_int_equal(command_run(flood, 5000, &output, &err), 0);
    assert_true(output.n <= 16384);
    buf_free(&output);
}

static int make_place(void **state) {
    (void)state;
    return mkdtemp(place) ? 0 : -1;
}

static int remove_place(void **state) {
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", place);
    return system(command);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_a_sorted_set),
        cmocka_unit_test(the_include_file_is_read_as_it_was_written),
        cmocka_unit_test(a_file_appears_whole_and_readable_by_all),
        cmocka_unit_test(a_slash_in_a_name_stays_in_the_folder),
        cmocka_unit_test(commands_give_their_status_and_output_and_end_in_time),
    };
    return cmocka_run_group_tests(tests, make_place, remove_place);
}
