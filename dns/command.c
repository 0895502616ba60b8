#include "command.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_OUTPUT = 16 << 10 };

/* Starts it with the default signals; both outputs go into the pipe. */
static int start(char *const argv[], int out, pid_t *pid) {
    static char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, out, STDERR_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int code = posix_spawn(pid, argv[0], &files, &attributes, argv, environment);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    return code;
}

/* Reads until the program closes its end. False: the time is over. */
static bool gather(int in, int64_t deadline, struct buf *output) {
    char chunk[4096];
    for (;;) {
        int64_t left = (deadline - clock_monotonic()) / 1000;
        struct pollfd p = {in, POLLIN, 0};
        int ready = left > 0 ? poll(&p, 1, (int)left) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return false;
        ssize_t n = read(in, chunk, sizeof chunk);
        if (n <= 0)
            return true;
        size_t room = output->n < MAX_OUTPUT ? MAX_OUTPUT - output->n : 0;
        buf_add(output, chunk, (size_t)n < room ? (size_t)n : room);
    }
}

int command_run(char *const argv[], int timeout_ms, struct buf *output, struct err *err) {
    int fd[2], status = 0;
    pid_t pid;
    if (pipe2(fd, O_CLOEXEC) != 0)
        return err_errno(err, "cannot make a pipe for %s", argv[0]), -1;
    int code = start(argv, fd[1], &pid);
    close(fd[1]);
    if (code != 0) {
        close(fd[0]);
        errno = code;
        return err_errno(err, "cannot run %s", argv[0]), -1;
    }
    bool ended = gather(fd[0], clock_monotonic() + timeout_ms * INT64_C(1000), output);
    close(fd[0]);
    if (!ended)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!ended)
        return err_set(err, "%s did not end within %d seconds", argv[0], timeout_ms / 1000), -1;
    if (!WIFEXITED(status))
        return err_set(err, "%s was ended by signal %d", argv[0], WTERMSIG(status)), -1;
    return WEXITSTATUS(status);
}
