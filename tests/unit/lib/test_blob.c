/* The store of bytes: segments, and frames of compressed blocks. */
#include "base/codec.h"
#include "store/blob.h"
#include "store/blob_frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static struct err err;
static struct blob_options options;

static int setup(void **state) {
    (void)state;
    memset(&options, 0, sizeof options);
    snprintf(options.folder, sizeof options.folder, "/tmp/mansio-test-blob-XXXXXX");
    return mkdtemp(options.folder) ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    struct buf command = BUF_EMPTY;
    buf_printf(&command, "rm -rf '%s'", options.folder);
    int code = system(command.p);
    buf_free(&command);
    return code;
}

/* Text that gets smaller, of n bytes, another for each seed. */
static struct buf some_text(size_t n, unsigned seed) {
    struct buf b = BUF_EMPTY;
    buf_reserve(&b, n);
    for (unsigned i = 0; b.n < n; i++)
        buf_printf(&b, "line %u of %u: arma virumque cano, Troiae qui primus ab oris\r\n", i * 7919 % 10007, seed);
    b.n = n;
    b.p[n] = 0;
    return b;
}

static bool to_buf(void *context, uint64_t offset, struct str bytes, struct err *e) {
    struct buf *out = context;
    (void)e;
    while (out->n < offset + bytes.n)
        buf_add_byte(out, 0);
    memcpy(out->p + offset, bytes.p, bytes.n);
    return true;
}

static size_t bytes_read;

static bool from_buf(void *context, uint64_t offset, uint64_t n, struct buf *out, struct err *e) {
    const struct buf *b = context;
    (void)e;
    if (offset < b->n) {
        struct str part = str_sub(buf_str(b), (size_t)offset, n > b->n ? b->n : (size_t)n);
        buf_add_str(out, part);
        bytes_read += part.n;
    }
    return true;
}

static struct buf framed(struct str bytes) {
    struct buf out = BUF_EMPTY;
    struct frame_sink sink = {to_buf, &out};
    uint64_t size;
    assert_true(frame_write(bytes, &sink, &size, &err));
    assert_int_equal(size, out.n);
    return out;
}

static void any_range_of_a_frame_reads_as_it_was(void **state) {
    (void)state;
    size_t sizes[] = {
        0, 1, 1000, FRAME_BLOCK - 1, FRAME_BLOCK, FRAME_BLOCK + 1, 3 * FRAME_BLOCK + 17, 40 * FRAME_BLOCK};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        struct buf text = some_text(sizes[k], (unsigned)k), frame = framed(buf_str(&text));
        struct frame_source source = {from_buf, &frame};
        struct buf out = BUF_EMPTY;
        assert_true(frame_read(&source, 0, UINT64_MAX, &out, &err));
        assert_int_equal(out.n, text.n);
        assert_memory_equal(out.p ? out.p : "", text.p ? text.p : "", text.n);
        for (int i = 0; i < 200; i++) {
            uint32_t r[2];
            random_bytes(r, sizeof r);
            uint64_t offset = r[0] % (sizes[k] + 2), n = i % 3 ? r[1] % 500 : r[1] % (sizes[k] + 10);
            struct str expected = str_sub(buf_str(&text), (size_t)offset, (size_t)n);
            buf_reset(&out);
            buf_add_c(&out, "before");
            assert_true(frame_read(&source, offset, n, &out, &err));
            assert_int_equal(out.n, 6 + expected.n);
            assert_memory_equal(out.p + 6, expected.p ? expected.p : "", expected.n);
        }
        buf_free(&text);
        buf_free(&frame);
        buf_free(&out);
    }
}

static void a_part_is_read_without_the_rest(void **state) {
    (void)state;
    struct buf text = some_text(64 * FRAME_BLOCK, 1);
    for (size_t i = 0; i < text.n; i += 3) { /* so that it does not get too small */
        uint32_t noise;
        random_bytes(&noise, sizeof noise);
        text.p[i] = (char)noise;
    }
    struct buf frame = framed(buf_str(&text)), out = BUF_EMPTY;
    struct frame_source source = {from_buf, &frame};
    bytes_read = 0;
    assert_true(frame_read(&source, 33 * FRAME_BLOCK + 5, 100, &out, &err));
    assert_memory_equal(out.p, text.p + 33 * FRAME_BLOCK + 5, 100);
    assert_in_range(bytes_read, 1, 2 * FRAME_BLOCK);
    buf_free(&text);
    buf_free(&frame);
    buf_free(&out);
}

static void a_damaged_frame_is_an_error_and_nothing_else(void **state) {
    (void)state;
    struct buf text = some_text(3 * FRAME_BLOCK, 2), frame = framed(buf_str(&text)), out = BUF_EMPTY;
    struct frame_source source = {from_buf, &frame};
    for (size_t i = 0; i < frame.n; i += i < 40 ? 1 : 97) {
        frame.p[i] = (char)(frame.p[i] ^ 0x20);
        buf_reset(&out);
        if (frame_read(&source, 0, UINT64_MAX, &out, &err)) /* where it did not matter, the bytes are right */
            assert_true(str_eq(buf_str(&out), buf_str(&text)));
        else
            assert_int_equal(out.n, 0);
        frame.p[i] = (char)(frame.p[i] ^ 0x20);
    }
    for (size_t n = 0; n < frame.n; n += 1 + n / 10) {
        struct buf cut = frame;
        cut.n = n;
        struct frame_source of_cut = {from_buf, &cut};
        buf_reset(&out);
        assert_false(frame_read(&of_cut, 0, UINT64_MAX, &out, &err));
        assert_int_equal(out.n, 0);
    }
    buf_free(&text);
    buf_free(&frame);
    buf_free(&out);
}

static uint64_t allocated(void) {
    uint64_t sum = 0;
    struct dirent **entry;
    int n = scandir(options.folder, &entry, NULL, NULL);
    for (int i = 0; i < n; i++) {
        char path[1024];
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", options.folder, entry[i]->d_name);
        if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
            sum += (uint64_t)st.st_blocks * 512;
        free(entry[i]);
    }
    free(entry);
    return sum;
}

static void reads_as(struct blob_store *b, const blob_id id, struct str expected) {
    struct buf out = BUF_EMPTY;
    assert_true(blob_get(b, id, 0, UINT64_MAX, &out, &err));
    assert_int_equal(out.n, expected.n);
    assert_memory_equal(out.p, expected.p, expected.n);
    buf_reset(&out);
    assert_true(blob_get(b, id, expected.n / 2, 33, &out, &err));
    assert_true(str_eq(buf_str(&out), str_sub(expected, expected.n / 2, 33)));
    buf_free(&out);
}

static void compressed_and_plain_blobs_lie_side_by_side(void **state) {
    (void)state;
    struct buf text = some_text(300000, 3), noise = BUF_EMPTY, large = some_text(6 << 20, 4);
    buf_reserve(&noise, 300000);
    random_bytes(noise.p, 300000);
    noise.n = 300000;
    blob_id old, packed, random, small, big, spooled;
    struct blob_store *b = blob_open(&options, &err);
    assert_true(blob_put(b, buf_str(&text), -1, old, &err) && blob_sync(b, &err));
    blob_close(b);
    uint64_t before = allocated();
    assert_true(before >= 300000);
    options.compress = true;
    b = blob_open(&options, &err);
    assert_true(blob_put(b, buf_str(&text), -1, packed, &err) && blob_put(b, buf_str(&noise), -1, random, &err) &&
                blob_put(b, STR("small"), -1, small, &err) && blob_put(b, buf_str(&large), -1, big, &err));
    int fd = open(options.folder, O_TMPFILE | O_RDWR, 0600);
    assert_int_equal(write(fd, large.p, large.n), large.n);
    assert_true(blob_put(b, str_n(NULL, large.n), fd, spooled, &err) && blob_sync(b, &err));
    close(fd);
    assert_true(allocated() - before < 300000 + 4000000);
    options.compress = false;
    blob_close(b);
    b = blob_open(&options, &err); /* it reads what is there, whatever it writes itself */
    reads_as(b, old, buf_str(&text));
    reads_as(b, packed, buf_str(&text));
    reads_as(b, random, buf_str(&noise));
    reads_as(b, big, buf_str(&large));
    reads_as(b, spooled, buf_str(&large));
    blob_close(b);
    buf_free(&text);
    buf_free(&noise);
    buf_free(&large);
}

struct seen {
    blob_id id[8];
    size_t n;
};

static bool see(void *context, const blob_id id, uint64_t size, int64_t written_at) {
    struct seen *s = context;
    (void)size, (void)written_at;
    memcpy(s->id[s->n++], id, sizeof(blob_id));
    return true;
}

static void a_listing_names_blobs_as_their_rows_do_and_deleting_leaves_no_bytes(void **state) {
    (void)state;
    options.compress = true;
    struct buf text = some_text(50000, 5);
    blob_id one, two;
    struct blob_store *b = blob_open(&options, &err);
    assert_true(blob_put(b, buf_str(&text), -1, one, &err) && blob_put(b, STR("tiny"), -1, two, &err) &&
                blob_sync(b, &err));
    struct seen seen = {.n = 0};
    assert_true(blob_list(b, see, &seen, &err));
    assert_int_equal(seen.n, 2);
    assert_memory_equal(seen.id[0], one, sizeof one);
    assert_memory_equal(seen.id[1], two, sizeof two);
    assert_true(blob_delete(b, one, &err) && blob_delete(b, one, &err));
    seen.n = 0;
    assert_true(blob_list(b, see, &seen, &err) && seen.n == 1);
    struct buf out = BUF_EMPTY;
    assert_false(blob_get(b, one, 0, 10, &out, &err));
    reads_as(b, two, STR("tiny"));
    blob_close(b);
    buf_free(&out);
    buf_free(&text);
}

static void a_blob_that_was_damaged_on_disk_says_so(void **state) {
    (void)state;
    options.compress = true;
    struct buf text = some_text(400000, 6), out = BUF_EMPTY;
    blob_id id;
    struct blob_store *b = blob_open(&options, &err);
    assert_true(blob_put(b, buf_str(&text), -1, id, &err) && blob_sync(b, &err));
    struct dirent **entry;
    int n = scandir(options.folder, &entry, NULL, NULL);
    for (int i = 0; i < n; i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", options.folder, entry[i]->d_name);
        int fd = str_ends(str_of(path), STR(".seg")) ? open(path, O_RDWR) : -1;
        if (fd >= 0) {
            assert_int_equal(pwrite(fd, "\xff\xff\xff\xff", 4, 3000), 4);
            close(fd);
        }
        free(entry[i]);
    }
    free(entry);
    assert_false(blob_get(b, id, 0, UINT64_MAX, &out, &err));
    assert_non_null(strstr(err.text, "damaged"));
    assert_int_equal(out.n, 0);
    blob_close(b);
    buf_free(&text);
    buf_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_range_of_a_frame_reads_as_it_was),
        cmocka_unit_test(a_part_is_read_without_the_rest),
        cmocka_unit_test(a_damaged_frame_is_an_error_and_nothing_else),
        cmocka_unit_test_setup_teardown(compressed_and_plain_blobs_lie_side_by_side, setup, teardown),
        cmocka_unit_test_setup_teardown(a_listing_names_blobs_as_their_rows_do_and_deleting_leaves_no_bytes, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_blob_that_was_damaged_on_disk_says_so, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
