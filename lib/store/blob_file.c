/*
 * The file driver of the blob store.
 *
 * A segment is a file `<16 hex digits>.seg`, appended to by the one process that made it until it is SEGMENT_BYTES
 * long, and then read-only. A record is a header of 40 bytes and the blob's bytes; the blob's id is the segment's
 * number (64 bits) and the record's offset (64 bits, a multiple of 8) plus its kind. Deleting punches a hole where the
 * bytes were and marks the header; a closed segment whose records are all deleted is unlinked.
 *
 *     magic 4 | state 4 | length 8 | written_at 8 (microseconds) | crc of the bytes 4 | crc of the header so far 4 |
 * kind 8 (where it is not 0 the header's crc goes on over it)
 *
 * A crash can leave a torn record at the end of a segment: no row names it, and listing stops there. After a restart a
 * process begins a new segment, so that torn ends are never appended to.
 */
#include "store/blob_driver.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { HEADER_BYTES = 40, OPEN_SEGMENTS = 64, COPY_BYTES = 1 << 20 };
static const uint64_t SEGMENT_BYTES = UINT64_C(256) << 20;
static const uint32_t MAGIC = 0x4d424c42, LIVE = 1, DELETED = 2;

struct header {
    uint32_t magic, state;
    uint64_t length;
    int64_t written_at;
    uint32_t bytes_crc, header_crc;
    uint64_t kind;
};
_Static_assert(sizeof(struct header) == HEADER_BYTES, "the header is as the format says");

struct open_segment {
    uint64_t number; /* 0: free */
    int fd;
    int users;
    uint64_t used_at;
};

struct segments {
    char *folder;
    int folder_fd;
    pthread_mutex_t write_lock; /* the segment being written */
    uint64_t number, end;       /* 0: none yet */
    int fd;
    bool unsynced_folder;    /* a segment was made and its directory entry is not durable */
    uint64_t writes, synced; /* counts, so that a sync that another thread did is not done again */
    pthread_mutex_t sync_lock;
    pthread_mutex_t open_lock; /* segments open for reading */
    struct open_segment open[OPEN_SEGMENTS];
    uint64_t clock;
};

static void segment_name(uint64_t number, char name[32]) { snprintf(name, 32, "%016" PRIx64 ".seg", number); }

static void make_id(blob_id id, uint64_t segment, uint64_t offset, uint64_t kind) {
    uint64_t wire[2] = {htobe64(segment), htobe64(offset | kind)};
    memcpy(id, wire, sizeof wire);
}

static void split_id(const blob_id id, uint64_t *segment, uint64_t *offset) {
    uint64_t wire[2];
    memcpy(wire, id, sizeof wire);
    *segment = be64toh(wire[0]);
    *offset = be64toh(wire[1]) & ~(uint64_t)BLOB_KIND_MASK;
}

static void file_close(void *at) {
    struct segments *b = at;
    for (size_t i = 0; i < OPEN_SEGMENTS; i++)
        if (b->open[i].number)
            close(b->open[i].fd);
    if (b->fd >= 0)
        close(b->fd);
    close(b->folder_fd);
    pthread_mutex_destroy(&b->write_lock);
    pthread_mutex_destroy(&b->sync_lock);
    pthread_mutex_destroy(&b->open_lock);
    free(b->folder);
    free(b);
}

/* ---- writing ---- */

/* After a failed sync the kernel may call the pages clean and the next sync succeeds although the bytes are lost. So
 * nothing that was not yet acknowledged may be acknowledged by this process any more: it ends, and senders try again.
 * (PostgreSQL does the same.) */
static void sync_or_die(int fd, const char *folder) {
    if (fdatasync(fd) < 0)
        log_fatal("messages in %s can't be made durable: %s", folder, strerror(errno));
}

/* Makes sure that there is a segment with room. Called with write_lock. The number grows with time and is random below,
 * so that processes and nodes that share the folder do not meet; O_EXCL settles the rest. */
static bool have_segment(struct segments *b, struct err *err) {
    if (b->fd >= 0 && b->end < SEGMENT_BYTES)
        return true;
    if (b->fd >= 0) {
        sync_or_die(b->fd, b->folder);
        close(b->fd);
        b->fd = -1;
    }
    char name[32];
    for (int tries = 0; tries < 10; tries++) {
        uint32_t noise;
        random_bytes(&noise, sizeof noise);
        uint64_t number = ((uint64_t)(clock_now() / CLOCK_SECOND) << 28) | (noise & 0xfffffff);
        segment_name(number, name);
        b->fd = openat(b->folder_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (b->fd >= 0) {
            flock(b->fd,
                  LOCK_EX | LOCK_NB); /* says that it is being written, until it is closed: see unlink_if_empty */
            b->number = number;
            b->end = 0;
            b->unsynced_folder = true;
            return true;
        }
        if (errno != EEXIST)
            break;
    }
    return err_errno(err, "cannot make the message segment %s/%s", b->folder, name);
}

static bool write_all(int fd, const struct iovec *part, int parts, uint64_t offset) {
    struct iovec v[2];
    memcpy(v, part, (size_t)parts * sizeof *v);
    struct iovec *at = v;
    while (parts) {
        ssize_t n = pwritev(fd, at, parts, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        offset += (uint64_t)n;
        while (parts && (size_t)n >= at->iov_len) {
            n -= (ssize_t)at->iov_len;
            at++, parts--;
        }
        if (parts) {
            at->iov_base = (char *)at->iov_base + n;
            at->iov_len -= (size_t)n;
        }
    }
    return true;
}

static uint32_t header_sum(const struct header *h) {
    uint32_t sum = crc32c(0, h, offsetof(struct header, header_crc));
    return h->kind ? crc32c(sum, &h->kind, sizeof h->kind) : sum;
}

static struct header make_header(uint64_t length, uint32_t crc, uint64_t kind) {
    struct header h = {MAGIC, LIVE, length, clock_now(), crc, 0, kind};
    h.header_crc = header_sum(&h);
    return h;
}

static bool file_put(void *at, struct str bytes, int fd, unsigned kind, blob_id id, struct err *err) {
    struct segments *b = at;
    void *mapped = NULL;
    if (!bytes.p && bytes.n) {
        mapped = mmap(NULL, bytes.n, PROT_READ, MAP_PRIVATE, fd, 0);
        if (mapped == MAP_FAILED)
            return err_errno(err, "cannot read the spooled message");
        bytes.p = mapped;
    }
    struct header h =
        make_header(bytes.n, crc32c(0, bytes.p, bytes.n), kind); /* the sum is taken outside of the lock */
    struct iovec part[2] = {{&h, sizeof h}, {(void *)(uintptr_t)bytes.p, bytes.n}};
    pthread_mutex_lock(&b->write_lock);
    bool good = have_segment(b, err);
    if (good) {
        good = write_all(b->fd, part, bytes.n ? 2 : 1, b->end);
        if (!good) {
            err_errno(err, "cannot write the message to segment %016" PRIx64, b->number);
            if (ftruncate(b->fd, (off_t)b->end) < 0) { /* a torn record must stand at the end: no more after it */
                log_error("segment %016" PRIx64 " is closed after a failed write", b->number);
                b->end = SEGMENT_BYTES;
            }
        }
    }
    if (good) {
        make_id(id, b->number, b->end, kind);
        b->end += (sizeof h + bytes.n + 7) & ~UINT64_C(7);
        b->writes++;
    }
    pthread_mutex_unlock(&b->write_lock);
    if (mapped)
        munmap(mapped, bytes.n);
    return good;
}

static void sync_folder(struct segments *b) {
    if (fsync(b->folder_fd) < 0)
        log_fatal("the folder %s can't be made durable: %s", b->folder, strerror(errno));
    pthread_mutex_lock(&b->write_lock);
    b->unsynced_folder = false;
    pthread_mutex_unlock(&b->write_lock);
}

static bool file_sync(void *at, struct err *err) {
    struct segments *b = at;
    pthread_mutex_lock(&b->write_lock);
    uint64_t wanted = b->writes;
    pthread_mutex_unlock(&b->write_lock);
    pthread_mutex_lock(&b->sync_lock);
    bool good = true;
    if (b->synced < wanted) { /* else another thread's sync, begun after these writes, has covered them */
        pthread_mutex_lock(&b->write_lock);
        uint64_t covers = b->writes;
        bool folder = b->unsynced_folder;
        int fd = b->fd >= 0 ? dup(b->fd) : -1; /* a full segment is synced when the next one is begun */
        pthread_mutex_unlock(&b->write_lock);
        if (fd < 0) {
            good = err_errno(err, "cannot make messages durable");
        } else {
            sync_or_die(fd, b->folder);
            close(fd);
            if (folder)
                sync_folder(b);
            b->synced = covers;
        }
    }
    pthread_mutex_unlock(&b->sync_lock);
    return good;
}

/* ---- reading ---- */

/* A descriptor for the segment, kept open for others; give it back with leave(). Slot, or -1 with errno. */
static int enter(struct segments *b, uint64_t number, int *fd) {
    pthread_mutex_lock(&b->open_lock);
    int slot = -1;
    for (int i = 0; i < OPEN_SEGMENTS; i++) {
        if (b->open[i].number == number) {
            slot = i;
            break;
        }
        if (b->open[i].users == 0 && (slot < 0 || b->open[i].used_at < b->open[slot].used_at))
            slot = i;
    }
    if (slot >= 0 && b->open[slot].number != number) {
        char name[32];
        segment_name(number, name);
        int opened = openat(b->folder_fd, name, O_RDWR | O_CLOEXEC);
        if (opened < 0) {
            slot = -1;
        } else {
            if (b->open[slot].number)
                close(b->open[slot].fd);
            b->open[slot] = (struct open_segment){number, opened, 0, 0};
        }
    } else if (slot < 0) {
        errno = EMFILE;
    }
    if (slot >= 0) {
        b->open[slot].users++;
        b->open[slot].used_at = ++b->clock;
        *fd = b->open[slot].fd;
    }
    int saved = errno;
    pthread_mutex_unlock(&b->open_lock);
    errno = saved;
    return slot;
}

static void leave(struct segments *b, int slot) {
    pthread_mutex_lock(&b->open_lock);
    b->open[slot].users--;
    pthread_mutex_unlock(&b->open_lock);
}

static bool read_exact(int fd, void *p, size_t n, uint64_t offset) {
    char *at = p;
    while (n) {
        ssize_t got = pread(fd, at, n, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            if (got == 0)
                errno = ENODATA;
            return false;
        }
        at += got;
        n -= (size_t)got;
        offset += (uint64_t)got;
    }
    return true;
}

static bool header_good(const struct header *h) {
    struct header as_written = *h;
    as_written.state = LIVE; /* the sum was taken when it was written; deleting changes the state alone */
    return h->magic == MAGIC && h->kind <= BLOB_KIND_MASK && h->header_crc == header_sum(&as_written);
}

static bool file_get(void *store, const blob_id id, uint64_t offset, uint64_t n, struct buf *out, struct err *err) {
    struct segments *b = store;
    uint64_t segment, at;
    split_id(id, &segment, &at);
    int fd, slot = enter(b, segment, &fd);
    if (slot < 0)
        return err_errno(err, "cannot open message segment %016" PRIx64, segment);
    struct header h;
    bool good = read_exact(fd, &h, sizeof h, at);
    if (!good)
        err_errno(err, "cannot read the message at %016" PRIx64 ":%" PRIu64, segment, at);
    else if (!header_good(&h) || h.state != LIVE)
        good = err_set(err, "the message at %016" PRIx64 ":%" PRIu64 " is %s", segment, at,
                       header_good(&h) ? "deleted" : "damaged: restore it from a backup");
    if (good && offset < h.length) {
        uint64_t take = n < h.length - offset ? n : h.length - offset;
        size_t before = out->n;
        buf_reserve(out, take);
        good = read_exact(fd, out->p + out->n, take, at + sizeof h + offset);
        if (!good)
            err_errno(err, "cannot read the message at %016" PRIx64 ":%" PRIu64, segment, at);
        else
            out->n += take;
        if (good && offset == 0 && take == h.length && crc32c(0, out->p + before, take) != h.bytes_crc) {
            out->n = before;
            good = err_set(err, "the message at %016" PRIx64 ":%" PRIu64 " is damaged: restore it from a backup",
                           segment, at);
        }
        if (out->p)
            out->p[out->n] = 0;
    }
    leave(b, slot);
    return good;
}

/* ---- deleting and listing ---- */

/* Calls each for every record until it returns false, or the segment ends (or is torn). */
static void each_record(int fd, uint64_t segment,
                        bool (*each)(void *context, uint64_t segment, uint64_t offset, const struct header *h),
                        void *context) {
    struct header h;
    for (uint64_t at = 0; read_exact(fd, &h, sizeof h, at) && header_good(&h);
         at += (sizeof h + h.length + 7) & ~UINT64_C(7))
        if (!each(context, segment, at, &h))
            return;
}

static bool stop_at_live(void *context, uint64_t segment, uint64_t offset, const struct header *h) {
    (void)segment, (void)offset;
    bool *any = context;
    *any = h->state == LIVE;
    return !*any;
}

/* Unlinks a segment that nobody writes any more and that holds nothing. */
static void unlink_if_empty(struct segments *b, int fd, uint64_t segment) {
    bool any = false;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return;
    each_record(fd, segment, stop_at_live, &any);
    char name[32];
    segment_name(segment, name);
    if (!any && unlinkat(b->folder_fd, name, 0) < 0 && errno != ENOENT)
        log_warn("cannot remove the empty segment %s: %s", name, strerror(errno));
    flock(fd, LOCK_UN);
}

/* Nothing of the bytes is left, where the file system can't punch holes by zeros in their place. */
static bool wipe(int fd, uint64_t at, uint64_t n) {
    static const char zeros[64 * 1024];
    if (n == 0 || fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)n) == 0)
        return true;
    if (errno != EOPNOTSUPP)
        return false;
    while (n) {
        struct iovec part = {(void *)(uintptr_t)zeros, n < sizeof zeros ? n : sizeof zeros};
        if (!write_all(fd, &part, 1, at))
            return false;
        at += part.iov_len;
        n -= part.iov_len;
    }
    return true;
}

static bool file_remove(void *store, const blob_id id, struct err *err) {
    struct segments *b = store;
    uint64_t segment, at;
    split_id(id, &segment, &at);
    int fd, slot = enter(b, segment, &fd);
    if (slot < 0)
        return errno == ENOENT ? true : err_errno(err, "cannot open message segment %016" PRIx64, segment);
    struct header h;
    bool good = true;
    if (read_exact(fd, &h, sizeof h, at) && header_good(&h) && h.state == LIVE) {
        h.state = DELETED;
        if (pwrite(fd, &h, sizeof h, (off_t)at) != (ssize_t)sizeof h)
            good = err_errno(err, "cannot mark the message at %016" PRIx64 ":%" PRIu64 " deleted", segment, at);
        else if (!wipe(fd, at + sizeof h, h.length))
            good = err_errno(err, "cannot free the message at %016" PRIx64 ":%" PRIu64, segment, at);
        unlink_if_empty(b, fd, segment);
    }
    leave(b, slot);
    return good;
}

struct listing {
    blob_found *found;
    void *context;
    bool stopped;
};

static bool list_one(void *context, uint64_t segment, uint64_t offset, const struct header *h) {
    struct listing *l = context;
    blob_id id;
    if (h->state != LIVE)
        return true;
    make_id(id, segment, offset, h->kind);
    l->stopped = !l->found(l->context, id, h->length, h->written_at);
    return !l->stopped;
}

static bool file_list(void *at, blob_found *found, void *context, struct err *err) {
    struct segments *b = at;
    struct dirent **entry;
    int n = scandir(b->folder, &entry, NULL, alphasort);
    if (n < 0)
        return err_errno(err, "cannot list the folder %s", b->folder);
    struct listing l = {found, context, false};
    for (int i = 0; i < n; i++) {
        uint64_t segment;
        char tail[8];
        if (!l.stopped && sscanf(entry[i]->d_name, "%16" SCNx64 "%7s", &segment, tail) == 2 &&
            strcmp(tail, ".seg") == 0) {
            int fd, slot = enter(b, segment, &fd);
            if (slot >= 0) {
                each_record(fd, segment, list_one, &l);
                leave(b, slot);
            }
        }
        free(entry[i]);
    }
    free(entry);
    return true;
}

bool blob_file_open(const char *folder, struct blob_driver *out, struct err *err) {
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || faccessat(fd, ".", W_OK | X_OK, 0) < 0) {
        err_errno(err, "cannot use the folder for messages %s", folder);
        if (fd >= 0)
            close(fd);
        return false;
    }
    struct segments *b = mem_zero(sizeof *b);
    b->folder = str_dup(str_of(folder));
    b->folder_fd = fd;
    b->fd = -1;
    pthread_mutex_init(&b->write_lock, NULL);
    pthread_mutex_init(&b->sync_lock, NULL);
    pthread_mutex_init(&b->open_lock, NULL);
    *out = (struct blob_driver){b, file_close, file_put, file_sync, file_get, file_remove, file_list};
    return true;
}
