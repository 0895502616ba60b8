#include "base/privileges.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Runs act in a child, since nothing given up comes back; its exit status. */
static int in_child(int (*act)(void)) {
    pid_t pid = fork();
    if (pid == 0)
        _exit(act());
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int run_a_program(void) {
    struct err err;
    if (!privileges_drop("", &err))
        return 2;
    char *argv[] = {(char *)"true", NULL};
    execv("/bin/true", argv);
    return errno == EPERM ? 0 : 3;
}

static int become_nobody(void) {
    struct err err;
    if (!privileges_drop("nobody", &err))
        return 2;
    return geteuid() != 0 && setuid(0) != 0 ? 0 : 3;
}

static int become_a_stranger(void) {
    struct err err;
    return privileges_drop("no-such-user-here", &err) ? 2 : 0;
}

static void a_daemon_cannot_run_programs(void **state) {
    (void)state;
    assert_int_equal(in_child(run_a_program), 0);
}

static void root_is_left_for_good(void **state) {
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(in_child(become_nobody), 0);
}

static void an_unknown_user_is_refused(void **state) {
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(in_child(become_a_stranger), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_daemon_cannot_run_programs),
        cmocka_unit_test(root_is_left_for_good),
        cmocka_unit_test(an_unknown_user_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
