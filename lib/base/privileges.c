#include "base/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

static const int forbidden[] = {
    SYS_execve, /* these two first: see EXEC_CALLS */
    SYS_execveat,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_setns,
    SYS_unshare,
    SYS_kexec_load,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_add_key,
    SYS_request_key,
    SYS_keyctl,
    SYS_userfaultfd,
    SYS_reboot,
    SYS_swapon,
    SYS_swapoff,
    SYS_acct,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_syslog,
    SYS_quotactl,
    SYS_personality,
    SYS_open_by_handle_at,
};
enum { FORBIDDEN = sizeof forbidden / sizeof *forbidden, EXEC_CALLS = 2 };

/* Forbidden calls fail with EPERM instead of killing: a library that tries one in vain is no reason to lose a session.
 */
static bool filter_calls(size_t first, struct err *err) {
#ifdef ARCHITECTURE
    struct sock_filter code[FORBIDDEN + 8];
    size_t n = 0;
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    /* The x32 numbers of x86-64 would be a way around the list. */
    code[n++] =
        (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, (unsigned char)(FORBIDDEN - first + 1), 0);
    for (size_t i = first; i < FORBIDDEN; i++)
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)forbidden[i],
                                                 (unsigned char)(FORBIDDEN - i), 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    struct sock_fprog program = {.len = (unsigned short)n, .filter = code};
    /* A kernel built without seccomp filters is no reason to refuse service. */
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0 && errno != EINVAL)
        return err_errno(err, "cannot install the filter of system calls");
#else
    (void)first, (void)err;
#endif
    return true;
}

static bool become(const char *user, struct err *err) {
    errno = 0;
    const struct passwd *pw = getpwnam(user);
    if (!pw)
        return errno ? err_errno(err, "cannot look up the user \"%s\"", user)
                     : err_set(err, "there is no user \"%s\": create it, or set \"user\" in the configuration", user);
    if (pw->pw_uid == 0)
        return err_set(err, "\"user = %s\" in the configuration is root: name an unprivileged user", user);
    if (initgroups(user, pw->pw_gid) != 0 || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) != 0 ||
        setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) != 0)
        return err_errno(err, "cannot become the user \"%s\"", user);
    if (setuid(0) == 0)
        return err_set(err, "became root again after becoming \"%s\": the kernel did not drop all privileges", user);
    return true;
}

static bool drop(const char *user, size_t first, struct err *err) {
    if (user && *user && geteuid() == 0 && !become(user, err))
        return false;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return err_errno(err, "cannot give up new privileges");
    return filter_calls(first, err);
}

bool privileges_drop(const char *user, struct err *err) { return drop(user, 0, err); }

bool privileges_drop_but_exec(const char *user, struct err *err) { return drop(user, EXEC_CALLS, err); }
