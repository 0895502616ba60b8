#include "move/source.h"

#include "move/keyword.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct source *source_open(struct str uri, const struct source_options *options, struct err *err) {
    if (str_istarts(uri, STR("maildir:")))
        return source_maildir_open(str_sub(uri, 8, uri.n), options, err);
    if (str_istarts(uri, STR("mbox:")))
        return source_mbox_open(str_sub(uri, 5, uri.n), options, err);
    if (str_istarts(uri, STR("imap://")) || str_istarts(uri, STR("imaps://")))
        return source_imap_open(uri, options, err);
    err_set(err, "\"%.*s\" is no source: write maildir:PATH, mbox:PATH, imaps://HOST or imap://HOST", STR_ARG(uri));
    return NULL;
}

void source_close(struct source *s) {
    if (s)
        s->kind->close(s);
}

/* ---- helpers ---- */

static bool hexadecimal(struct str *rest) {
    if (!str_starts(*rest, STR("08X")) && !str_starts(*rest, STR("08x")))
        return false;
    *rest = str_sub(*rest, 3, rest->n);
    return true;
}

struct str source_uidl(struct arena *a, struct str format, uint32_t uid, uint32_t uidvalidity) {
    struct buf out = BUF_EMPTY;
    while (format.n) {
        char c = *format.p;
        format = str_sub(format, 1, format.n);
        if (c != '%' || !format.n) {
            buf_add_byte(&out, c);
            continue;
        }
        bool hex = hexadecimal(&format);
        c = format.n ? *format.p : '%';
        format = str_sub(format, 1, format.n);
        if (c == 'u' || c == 'v')
            buf_printf(&out, hex ? "%08x" : "%u", c == 'u' ? uid : uidvalidity);
        else
            buf_add_byte(&out, c);
    }
    struct str s = arena_str(a, buf_str(&out));
    buf_free(&out);
    return s;
}

struct str source_keyword(struct arena *a, struct str name) {
    struct str copy = arena_str(a, str_sub(name, 0, KEYWORD_MAX));
    for (size_t i = 0; i < copy.n; i++)
        if (!keyword_byte(copy.p[i]))
            ((char *)(uintptr_t)copy.p)[i] = '_';
    return copy;
}

bool source_read_file(int folder, const char *path, struct buf *out, struct err *err) {
    int fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, "can't open %s", path);
    struct stat st;
    bool good = fstat(fd, &st) == 0;
    if (good && !S_ISREG(st.st_mode)) {
        close(fd);
        return err_set(err, "%s is not a file", path);
    }
    if (good)
        buf_reserve(out, (size_t)st.st_size + 1);
    while (good) {
        buf_reserve(out, 64 * 1024);
        ssize_t n = read(fd, out->p + out->n, out->cap - out->n - 1);
        if (n == 0)
            break;
        good = n > 0 || errno == EINTR;
        out->n += n > 0 ? (size_t)n : 0;
    }
    if (!good)
        err_errno(err, "can't read %s", path);
    close(fd);
    return good;
}
