#include "files.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_INCLUDE = 256 << 20 };

void files_zone_path(struct str folder, struct str zone, struct buf *out) {
    buf_add_str(out, folder);
    buf_add_byte(out, '/');
    for (size_t i = 0; i < zone.n; i++)
        if (zone.p[i] == '/')
            buf_add_c(out, "%2f");
        else
            buf_add_byte(out, zone.p[i]);
    buf_add_c(out, ".zone");
}

static bool write_all(int fd, struct str content) {
    while (content.n) {
        ssize_t n = write(fd, content.p, content.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        content = str_sub(content, (size_t)n, content.n);
    }
    return true;
}

bool files_prepare(const char *path, struct str content, struct buf *temporary, struct err *err) {
    buf_printf(temporary, "%s.new", path);
    int fd = open(temporary->p, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return err_errno(err, "cannot write %s", temporary->p);
    /* Zones are public, and the nameserver is another user: whatever the umask says. */
    bool good = write_all(fd, content) && fchmod(fd, 0644) == 0 && fsync(fd) == 0;
    if (!good)
        err_errno(err, "cannot write %s", temporary->p);
    close(fd);
    if (!good)
        unlink(temporary->p);
    return good;
}

bool files_commit(const char *temporary, const char *path, struct err *err) {
    if (rename(temporary, path) == 0)
        return true;
    err_errno(err, "cannot put %s in its place", path);
    unlink(temporary);
    return false;
}

bool files_sync(const char *folder, struct err *err) {
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;
    if (!good)
        err_errno(err, "cannot sync the folder %s", folder);
    if (fd >= 0)
        close(fd);
    return good;
}

/* ---- the include file ---- */

/* Names come here checked by lib/zone, so they have no quote in them. */
bool files_write_include(const char *path, struct str folder, const struct names *zones, struct err *err) {
    struct buf text = BUF_EMPTY, temporary = BUF_EMPTY;
    buf_add_c(&text, "// Written by mansio-dns: the zones of the database. Changes are lost.\n");
    for (size_t i = 0; i < zones->count; i++) {
        buf_printf(&text, "zone \"%s\" { type primary; file \"", zones->name[i]);
        files_zone_path(folder, str_of(zones->name[i]), &text);
        buf_add_c(&text, "\"; };\n");
    }
    char *copy = str_dup(str_of(path));
    bool good = files_prepare(path, buf_str(&text), &temporary, err) && files_commit(temporary.p, path, err) &&
                files_sync(dirname(copy), err);
    free(copy);
    buf_free(&text);
    buf_free(&temporary);
    return good;
}

static bool read_file(const char *path, struct buf *out, struct err *err) {
    FILE *f = fopen(path, "re");
    if (!f)
        return errno == ENOENT || err_errno(err, "cannot read %s", path);
    char chunk[65536];
    size_t n;
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0 && out->n < MAX_INCLUDE)
        buf_add(out, chunk, n);
    bool good = !ferror(f) || err_errno(err, "cannot read %s", path);
    fclose(f);
    return good;
}

bool files_read_include(const char *path, struct names *zones, struct err *err) {
    struct buf text = BUF_EMPTY;
    bool good = read_file(path, &text, err);
    struct str rest = buf_str(&text), line, *found = NULL;
    size_t count = 0, room = 0;
    while (good && rest.n && str_split(&rest, '\n', &line)) {
        if (!str_starts(line, STR("zone \"")))
            continue;
        struct str name = str_sub(line, 6, line.n);
        ptrdiff_t quote = str_chr(name, '"');
        if (quote <= 0)
            continue;
        if (count == room) {
            room = room ? 2 * room : 1024;
            found = mem_resize(found, room * sizeof *found);
        }
        found[count++] = str_sub(name, 0, (size_t)quote);
    }
    names_free(zones);
    names_add(zones, found, count);
    free(found);
    buf_free(&text);
    return good;
}

uint64_t files_include_version(const char *path) {
    struct stat st;
    if (stat(path, &st) != 0)
        return 0;
    return (uint64_t)st.st_ino * 1000003u + (uint64_t)st.st_mtim.tv_sec * UINT64_C(1000000000) +
           (uint64_t)st.st_mtim.tv_nsec + 1;
}
