#include "smtpd/message.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    POOL_BUFFERS = 64,
    POOL_BYTES = 256 << 10,  /* larger buffers are freed, not kept */
    WRITE_BYTES = 256 << 10, /* to the spool file at once */
};

/* ---- the pool of buffers: a message that arrives costs no malloc, a connection at rest no memory ---- */

static struct {
    pthread_mutex_t lock;
    struct buf buffer[POOL_BUFFERS];
    size_t count;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct buf take_buffer(void) {
    struct buf b = BUF_EMPTY;
    pthread_mutex_lock(&pool.lock);
    if (pool.count)
        b = pool.buffer[--pool.count];
    pthread_mutex_unlock(&pool.lock);
    if (!b.p)
        buf_reserve(&b, 2 * MESSAGE_FRONT + 8192);
    buf_reset(&b);
    return b;
}

static void give_buffer(struct buf *b) {
    if (b->p && b->cap <= POOL_BYTES) {
        pthread_mutex_lock(&pool.lock);
        if (pool.count < POOL_BUFFERS) {
            pool.buffer[pool.count++] = *b;
            *b = BUF_EMPTY;
        }
        pthread_mutex_unlock(&pool.lock);
    }
    buf_free(b);
}

/* ---- the message ---- */

void message_begin(struct message *m) {
    *m = (struct message){.fd = -1, .bytes = take_buffer()};
    m->bytes.n = MESSAGE_FRONT;
}

void message_end(struct message *m) {
    if (m->map)
        munmap(m->map, m->map_bytes);
    buf_free(&m->copy);
    if (m->bytes.p) {
        if (m->fd >= 0)
            close(m->fd);
        give_buffer(&m->bytes);
    }
    *m = (struct message){.fd = -1};
}

static int open_spool(const char *folder) {
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
        return fd;
    /* a file system that knows no nameless files */
    struct buf path = BUF_EMPTY;
    buf_printf(&path, "%s/incoming.XXXXXX", folder);
    fd = mkostemp(path.p, O_CLOEXEC);
    if (fd >= 0)
        unlink(path.p);
    buf_free(&path);
    return fd;
}

static bool write_all(int fd, const char *p, size_t n) {
    while (n) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return false;
        p += done;
        n -= (size_t)done;
    }
    return true;
}

/* Moves what is in memory to the file. */
static bool spill(struct message *m, const char *spool) {
    if (m->fd < 0 && (m->fd = open_spool(spool)) < 0)
        return err_errno(&m->err, "cannot make a file in %s for a large message", spool);
    if (!write_all(m->fd, m->bytes.p, m->bytes.n))
        return err_errno(&m->err, "cannot write a large message to %s", spool);
    buf_reset(&m->bytes);
    return true;
}

void message_appended(struct message *m, size_t before, uint64_t limit, const char *spool) {
    m->size += m->bytes.n - before;
    if (m->size > limit)
        m->over_limit = true;
    if (!m->over_limit && !m->failed && m->bytes.n > (m->fd < 0 ? MESSAGE_IN_MEMORY : WRITE_BYTES))
        m->failed = !spill(m, spool);
    if (m->over_limit || m->failed)
        m->bytes.n = before < MESSAGE_FRONT ? before : MESSAGE_FRONT;
}

/* Maps the spool file, all of it written. Private: the front is written into the map only. */
static bool map_file(struct message *m, struct err *err) {
    if (m->map)
        return true;
    if (!write_all(m->fd, m->bytes.p, m->bytes.n))
        return err_errno(err, "cannot write a large message to the spool folder");
    buf_reset(&m->bytes);
    m->map_bytes = MESSAGE_FRONT + (size_t)m->size;
    m->map = mmap(NULL, m->map_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, m->fd, 0);
    if (m->map != MAP_FAILED)
        return true;
    m->map = NULL;
    return err_errno(err, "cannot map a large message into memory");
}

bool message_text(struct message *m, struct str *text, struct err *err) {
    if (m->fd >= 0 && !map_file(m, err))
        return false;
    char *base = m->fd >= 0 ? m->map : m->bytes.p;
    *text = str_n(base + MESSAGE_FRONT, (size_t)m->size);
    return true;
}

/* Puts bytes before the start, and moves everything where there is no room for them. */
static void put_before(struct message *m, struct str bytes) {
    if (bytes.n > m->room) {
        struct buf moved = BUF_EMPTY;
        size_t room = bytes.n + MESSAGE_FRONT;
        buf_reserve(&moved, room + m->finished);
        moved.n = room;
        buf_add(&moved, m->start, m->finished);
        buf_free(&m->copy);
        m->copy = moved;
        m->start = moved.p + room;
        m->room = room;
    }
    m->start -= bytes.n;
    m->room -= bytes.n;
    m->finished += bytes.n;
    if (bytes.n)
        memcpy(m->start, bytes.p, bytes.n);
}

/* The changed header takes the place of the one before the body, and the body stays where it is. */
static void put_edited(struct message *m, struct str text, struct edit *edit) {
    struct str header = edit_header(edit); /* a copy: its place is overwritten */
    if (edit->body_changed) {
        buf_reserve(&m->copy, MESSAGE_FRONT + edit->body.n);
        m->copy.n = MESSAGE_FRONT;
        buf_add_str(&m->copy, edit->body);
        m->start = m->copy.p + MESSAGE_FRONT;
        m->room = MESSAGE_FRONT;
    } else {
        m->start += text.n - edit->body.n;
        m->room += text.n - edit->body.n;
    }
    m->finished = edit->body.n;
    put_before(m, header);
}

bool message_finish(struct message *m, struct str front, struct edit *edit, struct str *whole, struct err *err) {
    struct str text;
    if (!message_text(m, &text, err))
        return false;
    m->start = (m->fd >= 0 ? (char *)m->map : m->bytes.p) + MESSAGE_FRONT;
    m->room = MESSAGE_FRONT;
    m->finished = text.n;
    if (edit->changed)
        put_edited(m, text, edit);
    message_prepend(m, front, whole);
    return true;
}

void message_prepend(struct message *m, struct str more, struct str *whole) {
    put_before(m, more);
    *whole = str_n(m->start, m->finished);
}
