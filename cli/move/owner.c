#include "move/owner.h"

#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool keep_reading(void) {
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    data[0].effective = data[0].permitted = UINT32_C(1) << CAP_DAC_READ_SEARCH;
    return syscall(SYS_capset, &head, data) == 0;
}

bool owner_become(const char *folder, struct err *err) {
    struct stat st;
    char above[520];
    if (geteuid() != 0)
        return true;
    snprintf(above, sizeof above, "%s", folder);
    if (stat(folder, &st) < 0 && (errno != ENOENT || stat(dirname(above), &st) < 0))
        return err_errno(err, "can't look at the folder for messages %s", folder);
    if (st.st_uid == 0)
        return true;
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || setgroups(1, &st.st_gid) != 0 ||
        setresgid(st.st_gid, st.st_gid, st.st_gid) != 0 || setresuid(st.st_uid, st.st_uid, st.st_uid) != 0 ||
        !keep_reading())
        return err_errno(err, "can't become the owner of %s", folder);
    return true;
}
