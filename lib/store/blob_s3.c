/*
 * The s3 driver of the blob store: an object a blob, named by prefix and the id's 32 hexadecimal digits. The first 64
 * bits of an id are the time it was made (microseconds since 1970), so that a listing is in order of age; the others
 * are random but for the kind. An object is stored when the object store has said so, and a sync has nothing to do.
 */
#include "base/clock.h"
#include "base/codec.h"
#include "store/blob_driver.h"
#include "store/s3.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEY_BYTES = 300 };

struct bucket {
    struct s3 *s3;
    char *prefix;
};

static void key_of(const struct bucket *b, const blob_id id, char key[KEY_BYTES]) {
    int n = snprintf(key, KEY_BYTES - 33, "%s", b->prefix);
    for (int i = 0; i < 16; i++)
        snprintf(key + n + 2 * i, 3, "%02x", id[i]);
}

static int digit(char c) { return ascii_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

static bool id_of(const struct bucket *b, struct str key, blob_id id) {
    struct str prefix = str_of(b->prefix);
    if (key.n != prefix.n + 32 || !str_starts(key, prefix))
        return false;
    for (size_t i = 0; i < 16; i++) {
        int high = digit(key.p[prefix.n + 2 * i]), low = digit(key.p[prefix.n + 2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        id[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

static void bucket_close(void *at) {
    struct bucket *b = at;
    s3_close(b->s3);
    free(b->prefix);
    free(b);
}

static bool bucket_put(void *at, struct str bytes, int fd, unsigned kind, blob_id id, struct err *err) {
    const struct bucket *b = at;
    uint64_t made = htobe64((uint64_t)clock_now());
    char key[KEY_BYTES];
    memcpy(id, &made, sizeof made);
    random_bytes(id + 8, 8);
    id[15] = (unsigned char)((id[15] & ~BLOB_KIND_MASK) | kind);
    key_of(b, id, key);
    return s3_put(b->s3, key, bytes, fd, err);
}

static bool bucket_sync(void *at, struct err *err) {
    (void)at, (void)err;
    return true;
}

static bool bucket_get(void *at, const blob_id id, uint64_t offset, uint64_t n, struct buf *out, struct err *err) {
    const struct bucket *b = at;
    char key[KEY_BYTES];
    key_of(b, id, key);
    return s3_get(b->s3, key, offset, n, out, err);
}

static bool bucket_remove(void *at, const blob_id id, struct err *err) {
    const struct bucket *b = at;
    char key[KEY_BYTES];
    key_of(b, id, key);
    return s3_delete(b->s3, key, err);
}

static bool bucket_list(void *at, blob_found *found, void *context, struct err *err) {
    const struct bucket *b = at;
    struct buf xml = BUF_EMPTY;
    char last[KEY_BYTES];
    snprintf(last, sizeof last, "%s", b->prefix);
    bool good = true;
    for (bool more = true; good && more;) {
        buf_reset(&xml);
        good = s3_list(b->s3, b->prefix, last, &xml, err);
        more = false;
        struct str rest = buf_str(&xml), key;
        uint64_t size, made;
        while (good && s3_next_object(&rest, &key, &size)) {
            blob_id id;
            more = str_to_c(key, last, sizeof last);
            if (!id_of(b, key, id))
                continue;
            memcpy(&made, id, sizeof made);
            if (!found(context, id, size, (int64_t)be64toh(made))) {
                more = false;
                break;
            }
        }
    }
    buf_free(&xml);
    return good;
}

bool blob_s3_open(const struct blob_options *o, struct blob_driver *out, struct err *err) {
    if (strlen(o->s3.prefix) > 200)
        return err_set(err, "s3_prefix is too long");
    struct s3 *s3 = s3_open(o, err);
    if (!s3)
        return false;
    struct bucket *b = mem_zero(sizeof *b);
    b->s3 = s3;
    b->prefix = str_dup(str_of(o->s3.prefix));
    *out = (struct blob_driver){b, bucket_close, bucket_put, bucket_sync, bucket_get, bucket_remove, bucket_list};
    return true;
}
