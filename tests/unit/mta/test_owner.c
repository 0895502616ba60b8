#include "queue/owner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static char folder[] = "/tmp/mansio-owner-XXXXXX";

/* The name as a process of its own gets it; "" where it is refused. */
static void in_child(char name[OWNER_BYTES]) {
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char owner[OWNER_BYTES] = "";
        struct err err;
        if (!owner_take(folder, "mail.example.org", owner, &err))
            owner[0] = 0;
        _exit(write(pipes[1], owner, OWNER_BYTES) != OWNER_BYTES);
    }
    close(pipes[1]);
    assert_int_equal(read(pipes[0], name, OWNER_BYTES), OWNER_BYTES);
    close(pipes[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void the_name_survives_the_process_and_only_one_has_it(void **state) {
    (void)state;
    char first[OWNER_BYTES], second[OWNER_BYTES], mine[OWNER_BYTES], third[OWNER_BYTES];
    struct err err;
    assert_non_null(mkdtemp(folder));
    in_child(first);
    in_child(second);
    assert_true(strlen(first) > 20);
    assert_string_equal(first, second);
    assert_true(owner_take(folder, "mail.example.org", mine, &err));
    assert_string_equal(first, mine);
    in_child(third);
    assert_string_equal(third, "");
    char path[128];
    snprintf(path, sizeof path, "%s/mta.owner", folder);
    unlink(path);
    rmdir(folder);
}

static void a_process_beside_another_has_a_name_of_its_own(void **state) {
    (void)state;
    char one[OWNER_BYTES], two[OWNER_BYTES];
    owner_beside("mail.example.org", one);
    owner_beside("mail.example.org", two);
    assert_true(strncmp(one, "mail.example.org/", 17) == 0 && strlen(one) > 30);
    assert_string_not_equal(one, two);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_name_survives_the_process_and_only_one_has_it),
                                       cmocka_unit_test(a_process_beside_another_has_a_name_of_its_own)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
