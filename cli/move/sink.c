#include "move/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct sink *sink_open(struct str uri, bool tree, struct err *err) {
    if (str_istarts(uri, STR("maildir:")) && uri.n > 8)
        return sink_maildir_open(str_sub(uri, 8, uri.n), tree, err);
    if (str_istarts(uri, STR("mbox:")) && uri.n > 5)
        return sink_mbox_open(str_sub(uri, 5, uri.n), err);
    err_set(err, "--to \"%.*s\": write maildir:PATH or mbox:PATH", STR_ARG(uri));
    return NULL;
}

void sink_close(struct sink *s) {
    if (s)
        s->kind->close(s);
}

bool sink_make_directory(const char *path, struct err *err) {
    char *copy = str_dup(str_of(path));
    bool good = true;
    for (char *p = copy + 1; good; p++) {
        if (*p && *p != '/')
            continue;
        char c = *p;
        *p = 0;
        good = mkdir(copy, 0700) == 0 || errno == EEXIST || err_errno(err, "can't make the directory %s", copy);
        *p = c;
        if (!c)
            break;
    }
    free(copy);
    return good;
}

bool sink_write_file(const char *path, struct str bytes, struct err *err) {
    char *part = NULL;
    if (asprintf(&part, "%s.part", path) < 0)
        mem_panic();
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = fd >= 0;
    while (good && bytes.n) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        good = n > 0 || (n < 0 && errno == EINTR);
        bytes = str_sub(bytes, n > 0 ? (size_t)n : 0, bytes.n);
    }
    good = good && fsync(fd) == 0;
    if (fd >= 0)
        good = close(fd) == 0 && good;
    good = good && rename(part, path) == 0;
    if (!good)
        err_errno(err, "can't write %s", path);
    free(part);
    return good;
}
