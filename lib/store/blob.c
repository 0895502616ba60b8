#include "store/blob.h"

#include "base/conf.h"
#include "store/blob_driver.h"
#include "store/blob_frame.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    KIND_PLAIN = 0,
    KIND_FRAME = 1,
    SMALL = 512,         /* fewer bytes are not worth it */
    IN_MEMORY = 4 << 20, /* larger ones are compressed into a file */
    WORTH_PERCENT = 95,  /* of its size: what does not get smaller than that stays as it is */
};

struct blob_store {
    struct blob_driver driver;
    char *folder;
    bool compress;
};

/* ---- opening ---- */

bool blob_options_read(const struct conf *conf, struct blob_options *out, struct err *err) {
    struct str driver = str_of(conf_get(conf, "blob", "file")),
               compress = str_of(conf_get(conf, "blob_compress", "no"));
    *out = (struct blob_options){.compress = str_eq(compress, STR("zstd"))};
    if (!out->compress && !str_eq(compress, STR("no")))
        return err_set(err, "blob_compress is neither zstd nor no");
    if (!str_eq(driver, STR("file")) && !str_eq(driver, STR("s3")))
        return err_set(err, "blob is neither file nor s3");
    const char *state = conf_get(conf, "state", "/var/lib/mansio");
    if (snprintf(out->folder, sizeof out->folder, "%s/blobs", state) >= (int)sizeof out->folder)
        return err_set(err, "the name of the folder state is too long");
    if (str_eq(driver, STR("file")))
        return true;
    out->s3.endpoint = conf_get(conf, "s3_endpoint", NULL);
    out->s3.bucket = conf_get(conf, "s3_bucket", NULL);
    out->s3.key_file = conf_get(conf, "s3_key_file", NULL);
    out->s3.region = conf_get(conf, "s3_region", "us-east-1");
    out->s3.prefix = conf_get(conf, "s3_prefix", "mail/");
    out->s3.ca = conf_get(conf, "tls_ca", "");
    if (!out->s3.endpoint || !out->s3.bucket || !out->s3.key_file)
        return err_set(err, "blob = s3 needs s3_endpoint, s3_bucket and s3_key_file");
    return true;
}

struct blob_store *blob_open(const struct blob_options *o, struct err *err) {
    if (mkdir(o->folder, 0700) != 0 && errno != EEXIST) {
        err_errno(err, "cannot make the folder for messages %s", o->folder);
        return NULL;
    }
    struct blob_store *b = mem_zero(sizeof *b);
    bool good = o->s3.endpoint ? blob_s3_open(o, &b->driver, err) : blob_file_open(o->folder, &b->driver, err);
    if (!good) {
        free(b);
        return NULL;
    }
    b->compress = o->compress;
    b->folder = str_dup(str_of(o->folder));
    return b;
}

void blob_close(struct blob_store *b) {
    if (!b)
        return;
    b->driver.close(b->driver.at);
    free(b->folder);
    free(b);
}

/* ---- writing ---- */

static bool to_memory(void *context, uint64_t offset, struct str bytes, struct err *err) {
    struct buf *out = context;
    (void)err;
    if (offset + bytes.n > out->n) {
        buf_reserve(out, (size_t)offset + bytes.n - out->n);
        memset(out->p + out->n, 0, (size_t)offset + bytes.n - out->n);
        out->n = (size_t)offset + bytes.n;
    }
    memcpy(out->p + offset, bytes.p, bytes.n);
    return true;
}

static bool to_file(void *context, uint64_t offset, struct str bytes, struct err *err) {
    int fd = *(int *)context;
    while (bytes.n) {
        ssize_t n = pwrite(fd, bytes.p, bytes.n, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_errno(err, "cannot write the compressed message");
        offset += (uint64_t)n;
        bytes = str_sub(bytes, (size_t)n, bytes.n);
    }
    return true;
}

static bool worth_it(uint64_t packed, uint64_t plain) { return packed * 100 < plain * WORTH_PERCENT; }

static bool put_in_memory(struct blob_store *b, struct str bytes, blob_id id, struct err *err) {
    struct buf packed = BUF_EMPTY;
    struct frame_sink sink = {to_memory, &packed};
    uint64_t size;
    bool good = frame_write(bytes, &sink, &size, err);
    if (good && worth_it(size, bytes.n))
        good = b->driver.put(b->driver.at, buf_str(&packed), -1, KIND_FRAME, id, err);
    else if (good)
        good = b->driver.put(b->driver.at, bytes, -1, KIND_PLAIN, id, err);
    buf_free(&packed);
    return good;
}

static bool put_by_file(struct blob_store *b, struct str bytes, blob_id id, struct err *err) {
    int fd = open(b->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, "cannot make a file for the compressed message in %s", b->folder);
    struct frame_sink sink = {to_file, &fd};
    uint64_t size;
    bool good = frame_write(bytes, &sink, &size, err);
    if (good && worth_it(size, bytes.n))
        good = b->driver.put(b->driver.at, str_n(NULL, (size_t)size), fd, KIND_FRAME, id, err);
    else if (good)
        good = b->driver.put(b->driver.at, bytes, -1, KIND_PLAIN, id, err);
    close(fd);
    return good;
}

bool blob_put(struct blob_store *b, struct str bytes, int fd, blob_id id, struct err *err) {
    if (!b->compress || bytes.n < SMALL)
        return b->driver.put(b->driver.at, bytes, fd, KIND_PLAIN, id, err);
    void *mapped = NULL;
    if (!bytes.p) {
        mapped = mmap(NULL, bytes.n, PROT_READ, MAP_PRIVATE, fd, 0);
        if (mapped == MAP_FAILED)
            return err_errno(err, "cannot read the spooled message");
        bytes.p = mapped;
    }
    bool good = bytes.n <= IN_MEMORY ? put_in_memory(b, bytes, id, err) : put_by_file(b, bytes, id, err);
    if (mapped)
        munmap(mapped, bytes.n);
    return good;
}

bool blob_sync(struct blob_store *b, struct err *err) { return b->driver.sync(b->driver.at, err); }

/* ---- reading and the rest ---- */

struct stored {
    struct blob_store *b;
    const unsigned char *id;
};

static bool read_stored(void *context, uint64_t offset, uint64_t n, struct buf *out, struct err *err) {
    const struct stored *s = context;
    return s->b->driver.get(s->b->driver.at, s->id, offset, n, out, err);
}

bool blob_get(struct blob_store *b, const blob_id id, uint64_t offset, uint64_t n, struct buf *out, struct err *err) {
    struct stored stored = {b, id};
    struct frame_source source = {read_stored, &stored};
    switch (blob_kind(id)) {
    case KIND_PLAIN:
        return b->driver.get(b->driver.at, id, offset, n, out, err);
    case KIND_FRAME:
        return frame_read(&source, offset, n, out, err);
    default:
        return err_set(err, "the message is stored in a way that this version does not know");
    }
}

bool blob_delete(struct blob_store *b, const blob_id id, struct err *err) {
    return b->driver.remove(b->driver.at, id, err);
}

bool blob_list(struct blob_store *b, blob_found *found, void *context, struct err *err) {
    return b->driver.list(b->driver.at, found, context, err);
}
