/* The object store. What needs a running one is told of it by MANSIO_TEST_S3 ("endpoint bucket key-file"); see
 * tests/protocol/test_store_s3.py. */
#include "base/clock.h"
#include "base/codec.h"
#include "store/blob.h"
#include "store/s3.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

static struct err err;
static char endpoint[200], bucket[100], key_file[300], folder[] = "/tmp/mansio-test-s3-XXXXXX";

static struct blob_options options(void) {
    struct blob_options o = {.s3 = {endpoint, bucket, "us-east-1", "mail/", key_file, ""}};
    snprintf(o.folder, sizeof o.folder, "%s", folder);
    return o;
}

static void write_keys(const char *path, const char *text, mode_t mode) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void a_listing_is_taken_apart(void **state) {
    (void)state;
    struct str xml =
        STR("<?xml version=\"1.0\"?><ListBucketResult><Name>mail</Name><Contents><Key>mail/a1</Key><Size>12</Size>"
            "</Contents><Contents><Key>odd&amp;name</Key><Size>1</Size></Contents><Contents><Size>7</Size>"
            "<Key>mail/b2</Key></Contents><Contents><Key>cut");
    struct str key;
    uint64_t size;
    assert_true(s3_next_object(&xml, &key, &size) && str_eq(key, STR("mail/a1")) && size == 12);
    assert_true(s3_next_object(&xml, &key, &size) && str_eq(key, STR("mail/b2")) && size == 7);
    assert_false(s3_next_object(&xml, &key, &size));
}

static void keys_that_others_may_read_are_refused(void **state) {
    (void)state;
    struct blob_options o = options();
    char path[300];
    snprintf(path, sizeof path, "%s/keys", folder);
    o.s3.endpoint = "http://127.0.0.1:1", o.s3.bucket = "b", o.s3.key_file = path;
    write_keys(path, "AK\nverysecret\n", 0644);
    assert_null(s3_open(&o, &err));
    assert_non_null(strstr(err.text, "chmod 640"));
    assert_null(strstr(err.text, "verysecret"));
    write_keys(path, "# of the cluster\nAK\n", 0600);
    assert_null(s3_open(&o, &err));
    assert_non_null(strstr(err.text, "two lines"));
    write_keys(path, "AK\nverysecret\n", 0640);
    o.s3.endpoint = "ftp://127.0.0.1";
    assert_null(s3_open(&o, &err));
    o.s3.endpoint = "http://127.0.0.1:1";
    struct s3 *s = s3_open(&o, &err);
    assert_non_null(s);
    s3_close(s);
}

static void a_store_that_does_not_answer_is_an_error_in_bounded_time(void **state) {
    (void)state;
    struct blob_options o = options();
    char path[300];
    snprintf(path, sizeof path, "%s/keys", folder);
    o.s3.endpoint = "http://127.0.0.1:1", o.s3.bucket = "b", o.s3.key_file = path;
    write_keys(path, "AK\nverysecret\n", 0600);
    struct blob_store *b = blob_open(&o, &err);
    blob_id id;
    int64_t start = clock_monotonic();
    assert_false(blob_put(b, STR("text"), -1, id, &err));
    assert_true(clock_monotonic() - start < 20 * CLOCK_SECOND);
    assert_non_null(strstr(err.text, "does not answer"));
    assert_null(strstr(err.text, "verysecret"));
    blob_close(b);
}

/* ---- with one that runs ---- */

static struct buf noise(size_t n) {
    struct buf b = BUF_EMPTY;
    buf_reserve(&b, n);
    random_bytes(b.p, n);
    b.n = n;
    return b;
}

static void what_is_put_is_read_in_any_range(void **state) {
    (void)state;
    struct blob_options o = options();
    for (int compress = 0; compress < 2; compress++) {
        o.compress = compress;
        struct blob_store *b = blob_open(&o, &err);
        struct buf text = noise(700000), out = BUF_EMPTY;
        for (size_t i = 0; i < text.n; i++)
            text.p[i] = (char)('a' + (text.p[i] & 7));
        blob_id id, none;
        assert_true(blob_put(b, buf_str(&text), -1, id, &err) && blob_sync(b, &err));
        assert_true(blob_get(b, id, 0, UINT64_MAX, &out, &err) && str_eq(buf_str(&out), buf_str(&text)));
        static const uint64_t at[][2] = {{0, 1},      {5, 100},    {131070, 10}, {699990, 100},
                                         {699999, 1}, {700000, 5}, {800000, 1},  {3, 0}};
        for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
            buf_reset(&out);
            assert_true(blob_get(b, id, at[i][0], at[i][1], &out, &err));
            struct str expected = str_sub(buf_str(&text), (size_t)at[i][0], (size_t)at[i][1]);
            assert_true(str_eq(buf_str(&out), expected));
        }
        assert_true(blob_put(b, STR(""), -1, none, &err) && blob_delete(b, none, &err));
        assert_true(blob_delete(b, id, &err) && blob_delete(b, id, &err));
        assert_false(blob_get(b, id, 0, 1, &out, &err));
        assert_non_null(strstr(err.text, "not in the object store"));
        blob_close(b);
        buf_free(&text);
        buf_free(&out);
    }
}

static void a_large_message_goes_by_file(void **state) {
    (void)state;
    struct blob_options o = options();
    struct blob_store *b = blob_open(&o, &err);
    struct buf text = noise(20 << 20), out = BUF_EMPTY;
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, text.p, text.n), text.n);
    blob_id id;
    assert_true(blob_put(b, str_n(NULL, text.n), fd, id, &err));
    assert_true(blob_get(b, id, 0, UINT64_MAX, &out, &err) && str_eq(buf_str(&out), buf_str(&text)));
    assert_true(blob_delete(b, id, &err));
    close(fd);
    blob_close(b);
    buf_free(&text);
    buf_free(&out);
}

enum { MANY = 1100, THREADS = 8 };
static struct blob_store *shared;

static void *put_many(void *context) {
    blob_id *id = context;
    struct err e;
    for (int i = 0; i < MANY / THREADS + 1; i++)
        if (!blob_put(shared, STR("one of many"), -1, id[i], &e))
            return (void *)1;
    return NULL;
}

struct seen {
    size_t n;
    int64_t last;
    bool in_order;
};

static bool see(void *context, const blob_id id, uint64_t size, int64_t written_at) {
    struct seen *s = context;
    (void)id;
    s->in_order = s->in_order && written_at >= s->last && size == 11;
    s->last = written_at;
    s->n++;
    return true;
}

static void more_than_a_page_is_listed_in_order_of_age(void **state) {
    (void)state;
    struct blob_options o = options();
    static blob_id id[THREADS][MANY / THREADS + 1];
    pthread_t thread[THREADS];
    o.s3.prefix = "listed/";
    shared = blob_open(&o, &err);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, put_many, id[i]);
    for (int i = 0; i < THREADS; i++) {
        void *bad;
        pthread_join(thread[i], &bad);
        assert_null(bad);
    }
    struct seen seen = {0, 0, true};
    assert_true(blob_list(shared, see, &seen, &err));
    assert_int_equal(seen.n, THREADS * (MANY / THREADS + 1));
    assert_true(seen.in_order);
    blob_close(shared);
}

static void wrong_keys_are_refused_and_not_told(void **state) {
    (void)state;
    struct blob_options o = options();
    char path[300];
    snprintf(path, sizeof path, "%s/wrong", folder);
    write_keys(path, "AKnobody\nverysecret\n", 0600);
    o.s3.key_file = path;
    struct blob_store *b = blob_open(&o, &err);
    blob_id id;
    assert_false(blob_put(b, STR("text"), -1, id, &err));
    assert_non_null(strstr(err.text, "403"));
    assert_null(strstr(err.text, "verysecret"));
    blob_close(b);
}

int main(void) {
    const struct CMUnitTest alone[] = {
        cmocka_unit_test(a_listing_is_taken_apart),
        cmocka_unit_test(keys_that_others_may_read_are_refused),
        cmocka_unit_test(a_store_that_does_not_answer_is_an_error_in_bounded_time),
    };
    const struct CMUnitTest with_store[] = {
        cmocka_unit_test(what_is_put_is_read_in_any_range),
        cmocka_unit_test(a_large_message_goes_by_file),
        cmocka_unit_test(more_than_a_page_is_listed_in_order_of_age),
        cmocka_unit_test(wrong_keys_are_refused_and_not_told),
    };
    const char *where = getenv("MANSIO_TEST_S3");
    if (!mkdtemp(folder))
        return 1;
    int failed = 1;
    if (!where)
        failed = cmocka_run_group_tests(alone, NULL, NULL);
    else if (sscanf(where, "%199s %99s %299s", endpoint, bucket, key_file) == 3)
        failed = cmocka_run_group_tests(with_store, NULL, NULL);
    struct buf command = BUF_EMPTY;
    buf_printf(&command, "rm -rf '%s'", folder);
    failed += system(command.p) != 0;
    buf_free(&command);
    return failed;
}
