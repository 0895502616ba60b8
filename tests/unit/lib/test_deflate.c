/* Compressed connections (net/deflate.h), and the layer alone. The client's zlib is this test's. */
#include "net/deflate.h"
#include "server_fixture.h"

#define ZLIB_CONST
#include <zlib.h>

/* ---- the layer alone ---- */

static z_stream packer;

static struct str pack_by(z_stream *z, struct str plain, int flush, struct buf *out) {
    buf_reset(out);
    buf_reserve(out, plain.n + 1024);
    z->next_in = (const Bytef *)plain.p;
    z->avail_in = (uInt)plain.n;
    z->next_out = (Bytef *)out->p;
    z->avail_out = (uInt)out->cap;
    assert_true(deflate(z, flush) != Z_STREAM_ERROR);
    assert_true(z->avail_in == 0 && z->avail_out > 0);
    out->n = out->cap - z->avail_out;
    return buf_str(out);
}

static struct str pack(struct str plain, int flush, struct buf *out) { return pack_by(&packer, plain, flush, out); }

static void begin(void) { assert_int_equal(deflateInit2(&packer, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK); }

/* What is inflated of the bytes, in pieces of `room`. */
static void unpack(struct deflate *d, struct deflate_tools *tools, struct str raw, size_t room, struct buf *out) {
    char *to = mem_alloc(room);
    size_t n;
    deflate_feed(d, raw);
    while (deflate_pending(d)) {
        assert_true(deflate_read(d, tools, to, room, &n));
        buf_add(out, to, n);
    }
    free(to);
}

static void what_was_packed_comes_out_whatever_the_room_and_the_tools(void **state) {
    (void)state;
    static const int flushes[] = {Z_SYNC_FLUSH, Z_PARTIAL_FLUSH, Z_FULL_FLUSH, Z_BLOCK, Z_NO_FLUSH};
    struct deflate_tools tools[3] = {0};
    struct buf raw = BUF_EMPTY, want = BUF_EMPTY, got = BUF_EMPTY, line = BUF_EMPTY;
    struct deflate *d = deflate_new(STR(""));
    begin();
    for (int i = 0; i < 2000; i++) {
        buf_reset(&line);
        for (int k = 0; k < i % 37; k++)
            buf_printf(&line, "a%d UID FETCH %d:%d (FLAGS)\r\n", i, i * k % 977, k * k);
        buf_add_str(&want, buf_str(&line));
        deflate_borrow(d, &tools[i % 3]);
        unpack(d, &tools[i % 3], pack(buf_str(&line), i == 1999 ? Z_FINISH : flushes[i % 5], &raw),
               (size_t)(1 + i % 500), &got);
        if (i % 2)
            deflate_give_back(d, &tools[i % 3]);
    }
    assert_true(str_eq(buf_str(&want), buf_str(&got)));
    deflate_free(d);
    for (int i = 0; i < 3; i++)
        deflate_tools_free(&tools[i]);
    deflateEnd(&packer);
    buf_free(&raw), buf_free(&want), buf_free(&got), buf_free(&line);
}

static void reading_stops_behind_a_flush(void **state) {
    (void)state;
    struct deflate_tools tools = {0};
    struct buf raw = BUF_EMPTY, more = BUF_EMPTY;
    char to[1000];
    size_t n;
    struct deflate *d = deflate_new(STR(""));
    begin();
    pack(STR("first\n"), Z_SYNC_FLUSH, &raw);
    buf_add_str(&raw, pack(STR("second\n"), Z_SYNC_FLUSH, &more));
    buf_add_str(&raw, STR("and plain"));
    deflate_borrow(d, &tools);
    deflate_feed(d, buf_str(&raw));
    assert_true(deflate_read(d, &tools, to, sizeof to, &n));
    assert_true(str_eq(str_n(to, n), STR("first\n")));
    assert_true(deflate_read(d, &tools, to, sizeof to, &n));
    assert_true(str_eq(str_n(to, n), STR("second\n")));
    assert_true(str_eq(deflate_rest(d), STR("and plain")));
    deflate_free(d);
    deflate_tools_free(&tools);
    deflateEnd(&packer);
    buf_free(&raw), buf_free(&more);
}

static void output_of_many_connections_by_one_worker_can_be_read(void **state) {
    (void)state;
    enum { CONNECTIONS = 5, TURNS = 200 };
    struct deflate_tools tools[2] = {0};
    struct deflate *d[CONNECTIONS];
    z_stream reader[CONNECTIONS] = {0};
    struct buf got[CONNECTIONS] = {0}, want[CONNECTIONS] = {0};
    for (int i = 0; i < CONNECTIONS; i++) {
        d[i] = deflate_new(STR(""));
        assert_int_equal(inflateInit2(&reader[i], -15), Z_OK);
    }
    for (int turn = 0; turn < TURNS; turn++) {
        int i = turn * 7 % CONNECTIONS;
        struct deflate_tools *t = &tools[turn / 3 % 2];
        deflate_borrow(d[i], t);
        for (int piece = 0; piece < 3; piece++) {
            struct buf plain = BUF_EMPTY;
            for (int k = 0; k < turn * 5; k++)
                buf_printf(&plain, "* %d FETCH (FLAGS (\\Seen) UID %d)\r\n", k, k * turn);
            buf_add_c(&plain, ".");
            buf_add_str(&want[i], buf_str(&plain));
            deflate_write(d[i], t, buf_str(&plain));
            struct str wire = deflate_wire(d[i]);
            assert_true(wire.n < plain.n + 64);
            reader[i].next_in = (const Bytef *)wire.p;
            reader[i].avail_in = (uInt)wire.n;
            buf_reserve(&got[i], plain.n + 1);
            reader[i].next_out = (Bytef *)got[i].p + got[i].n;
            reader[i].avail_out = (uInt)plain.n;
            assert_true(inflate(&reader[i], Z_SYNC_FLUSH) >= 0);
            assert_int_equal(reader[i].avail_out, 0);
            got[i].n += plain.n;
            deflate_sent(d[i], wire.n);
            buf_free(&plain);
        }
        deflate_give_back(d[i], t);
    }
    for (int i = 0; i < CONNECTIONS; i++) {
        assert_true(str_eq(buf_str(&want[i]), buf_str(&got[i])));
        deflate_free(d[i]);
        inflateEnd(&reader[i]);
        buf_free(&got[i]), buf_free(&want[i]);
    }
    deflate_tools_free(&tools[0]), deflate_tools_free(&tools[1]);
}

static void garbage_is_refused(void **state) {
    (void)state;
    struct deflate_tools tools = {0};
    char to[1000];
    size_t n;
    struct deflate *d = deflate_new(STR("\xff\xff\xff\xff garbage"));
    deflate_borrow(d, &tools);
    assert_true(deflate_pending(d));
    assert_false(deflate_read(d, &tools, to, sizeof to, &n));
    deflate_free(d);
    deflate_tools_free(&tools);
}

/* ---- connections ---- */

/* Echoes lines; "Z" begins compression, "P" ends it. */
static void *echo_open(struct conn *c, void *context) {
    (void)c;
    return context;
}

static enum step echo_step(struct conn *c, void *session, enum event event) {
    (void)session;
    if (event == EVENT_EOF || event == EVENT_TIMEOUT)
        return STEP_CLOSE;
    for (;;) {
        struct str in = conn_input(c);
        ptrdiff_t end = str_chr(in, '\n');
        if (end < 0)
            return conn_input_full(c) ? STEP_CLOSE : STEP_WAIT;
        struct str line = str_sub(in, 0, (size_t)end + 1);
        conn_write(c, line);
        char first = line.p[0];
        conn_consume(c, line.n);
        if (first == 'Z')
            return STEP_DEFLATE;
        if (first == 'P')
            return STEP_PLAIN;
    }
}

static void echo_close(struct conn *c, void *session) { (void)c, (void)session; }

static const struct protocol echo = {"echo", echo_open, echo_step, echo_close};
static struct fixture server;

static int start(void **state) {
    (void)state;
    fixture_start(&server, &(struct server_options){.max_workers = 4},
                  &(struct listener_options){.protocol = &echo, .context = &server, .max_input = 64 << 10});
    return 0;
}

static int stop(void **state) {
    (void)state;
    fixture_stop(&server, 1000);
    return 0;
}

static int compressed(void) {
    int fd = client_connect(&server);
    client_send(fd, STR("Z\n"));
    client_expect(fd, STR("Z\n"));
    return fd;
}

static void expect_inflated(int fd, z_stream *z, struct str want) {
    char *got = mem_alloc(want.n);
    char c;
    z->next_out = (Bytef *)got;
    z->avail_out = (uInt)want.n;
    while (z->avail_out) {
        assert_int_equal(client_read(fd, &c, 1), 1);
        z->next_in = (const Bytef *)&c;
        z->avail_in = 1;
        assert_true(inflate(z, Z_SYNC_FLUSH) >= 0);
    }
    assert_memory_equal(got, want.p, want.n);
    free(got);
}

static void compression_begins_and_ends_within_a_connection(void **state) {
    (void)state;
    z_stream reader = {0};
    struct buf raw = BUF_EMPTY;
    assert_int_equal(inflateInit2(&reader, -15), Z_OK);
    begin();
    int fd = compressed();
    client_send(fd, pack(STR("one\ntwo\n"), Z_SYNC_FLUSH, &raw));
    expect_inflated(fd, &reader, STR("one\ntwo\n"));
    pack(STR("P\n"), Z_SYNC_FLUSH, &raw);
    buf_add_str(&raw, STR("plain\n"));
    client_send(fd, buf_str(&raw));
    expect_inflated(fd, &reader, STR("P\n"));
    char flush[5]; /* the end of the flush may still be on its way */
    assert_int_equal(client_read(fd, flush, reader.data_type & 128 ? 0 : 5) % 5, 0);
    client_expect(fd, STR("plain\n"));
    close(fd);
    inflateEnd(&reader);
    deflateEnd(&packer);
    buf_free(&raw);
}

static void what_follows_the_request_at_once_is_compressed(void **state) {
    (void)state;
    z_stream reader = {0};
    struct buf raw = BUF_EMPTY, all = BUF_EMPTY;
    assert_int_equal(inflateInit2(&reader, -15), Z_OK);
    begin();
    int fd = client_connect(&server);
    buf_add_c(&all, "Z\n");
    buf_add_str(&all, pack(STR("early\n"), Z_SYNC_FLUSH, &raw));
    client_send(fd, buf_str(&all));
    client_expect(fd, STR("Z\n"));
    expect_inflated(fd, &reader, STR("early\n"));
    close(fd);
    inflateEnd(&reader);
    deflateEnd(&packer);
    buf_free(&raw), buf_free(&all);
}

static void a_bomb_fills_the_input_buffer_and_no_more(void **state) {
    (void)state;
    if (SANITIZED)
        skip();
    struct buf raw = BUF_EMPTY;
    size_t size = 256 << 20;
    char *zeros = mem_zero(size);
    begin();
    pack(str_n(zeros, size), Z_SYNC_FLUSH, &raw);
    free(zeros);
    int fd = compressed();
    long before = resident_kib();
    client_send(fd, str_sub(buf_str(&raw), 0, raw.n / 2)); /* 128 MiB, and no line end among them */
    client_expect_end(fd);
    assert_true(resident_kib() - before < 4096);
    close(fd);
    deflateEnd(&packer);
    buf_free(&raw);
}

/* Resident KiB for each of `count` connections that have sent this and idle. */
static double kib_each(struct str line, int count) {
    struct buf raw = BUF_EMPTY;
    int *fd = mem_zero((size_t)count * sizeof *fd);
    char *echoed = mem_alloc(line.n);
    begin();
    pack(line, Z_SYNC_FLUSH, &raw);
    sleep_ms(3000);
    long before = resident_kib();
    for (int i = 0; i < count; i++) {
        fd[i] = compressed();
        client_send(fd[i], buf_str(&raw));
        assert_int_equal(client_read(fd[i], echoed, 1), 1);
    }
    sleep_ms(3000); /* until the workers have given their buffers back */
    double each = (double)(resident_kib() - before) / count;
    for (int i = 0; i < count; i++)
        close(fd[i]);
    wait_until(server_connections(server.server) == 0);
    free(fd), free(echoed);
    deflateEnd(&packer);
    buf_free(&raw);
    return each;
}

static void an_idle_connection_is_small(void **state) {
    (void)state;
    if (SANITIZED)
        skip();
    struct buf much = BUF_EMPTY;
    for (int i = 0; i < 60000; i++)
        buf_add_byte(&much, (char)('a' + i * i % 23));
    buf_add_byte(&much, '\n');
    double little_kib = kib_each(STR("1 SELECT INBOX with some words and more\n"), 500);
    double much_kib = kib_each(buf_str(&much), 200);
    print_message("an idle compressed connection takes %.1f KiB, one that has sent much %.1f KiB\n", little_kib,
                  much_kib);
    assert_true(little_kib < 4 && much_kib < 40);
    buf_free(&much);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_packed_comes_out_whatever_the_room_and_the_tools),
        cmocka_unit_test(reading_stops_behind_a_flush),
        cmocka_unit_test(output_of_many_connections_by_one_worker_can_be_read),
        cmocka_unit_test(garbage_is_refused),
        cmocka_unit_test(compression_begins_and_ends_within_a_connection),
        cmocka_unit_test(what_follows_the_request_at_once_is_compressed),
        cmocka_unit_test(a_bomb_fills_the_input_buffer_and_no_more),
        cmocka_unit_test(an_idle_connection_is_small),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
