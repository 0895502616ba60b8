#include "imap/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { IN_MEMORY = 256 * 1024 };

void spool_init(struct spool *s, const char *folder) { *s = (struct spool){.folder = folder, .fd = -1}; }

static void forget_view(struct spool *s) {
    if (s->map)
        munmap(s->map, s->mapped);
    s->map = NULL;
}

void spool_free(struct spool *s) {
    forget_view(s);
    if (s->fd >= 0)
        close(s->fd);
    buf_free(&s->memory);
    spool_init(s, s->folder);
}

static bool write_all(struct spool *s, struct str bytes, struct err *err) {
    while (bytes.n) {
        ssize_t n = pwrite(s->fd, bytes.p, bytes.n, (off_t)s->n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_errno(err, "cannot keep %zu more bytes in %s", bytes.n, s->folder);
        bytes = str_sub(bytes, (size_t)n, bytes.n);
        s->n += (uint64_t)n;
    }
    return true;
}

static bool to_file(struct spool *s, struct err *err) {
    s->fd = open(s->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (s->fd < 0)
        return err_errno(err, "cannot make a file in %s", s->folder);
    s->n = 0;
    bool good = write_all(s, buf_str(&s->memory), err);
    buf_free(&s->memory);
    return good;
}

bool spool_add(struct spool *s, struct str bytes, struct err *err) {
    forget_view(s);
    if (s->fd < 0 && s->n + bytes.n <= IN_MEMORY) {
        buf_add_str(&s->memory, bytes);
        s->n += bytes.n;
        return true;
    }
    return (s->fd >= 0 || to_file(s, err)) && write_all(s, bytes, err);
}

bool spool_cut(struct spool *s, uint64_t n, struct err *err) {
    forget_view(s);
    if (s->fd < 0)
        s->memory.n = (size_t)n;
    else if (ftruncate(s->fd, (off_t)n) < 0)
        return err_errno(err, "cannot shorten a file in %s", s->folder);
    s->n = n;
    return true;
}

bool spool_read(struct spool *s, uint64_t offset, uint64_t n, struct buf *out, struct err *err) {
    if (s->fd < 0) {
        buf_add_str(out, str_sub(buf_str(&s->memory), (size_t)offset, (size_t)n));
        return true;
    }
    buf_reserve(out, (size_t)n);
    while (n) {
        ssize_t got = pread(s->fd, out->p + out->n, (size_t)n, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return err_errno(err, "cannot read a file in %s", s->folder);
        out->n += (size_t)got, offset += (uint64_t)got, n -= (uint64_t)got;
        out->p[out->n] = 0;
    }
    return true;
}

bool spool_view(struct spool *s, struct str *all, struct err *err) {
    *all = buf_str(&s->memory);
    if (s->fd < 0)
        return true;
    forget_view(s);
    void *p = mmap(NULL, (size_t)s->n, PROT_READ, MAP_SHARED, s->fd, 0);
    if (p == MAP_FAILED)
        return err_errno(err, "cannot map %llu bytes of a file in %s", (unsigned long long)s->n, s->folder);
    s->map = p;
    s->mapped = (size_t)s->n;
    *all = str_n(p, s->mapped);
    return true;
}
