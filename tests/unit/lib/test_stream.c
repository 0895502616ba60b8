/* Streams against a peer that the test itself plays, byte by byte. TLS is in test_tls.c. */
#include "net/sockaddr.h"
#include "net/stream.h"
#include "server_fixture.h"

#include <sys/un.h>

struct pair {
    struct stream *stream;
    int listener, peer;
    struct sockaddr_storage address;
};

static struct stream *must(struct stream *s, const struct err *err) {
    if (!s)
        fail_msg("%s", err->text);
    return s;
}

static int start(void **state) {
    static struct pair p;
    struct err err;
    socklen_t n = sizeof p.address;
    assert_true(sockaddr_parse("127.0.0.1:0", &p.address, &err));
    p.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(p.listener, (struct sockaddr *)&p.address, sockaddr_length(&p.address)), 0);
    assert_int_equal(listen(p.listener, 5), 0);
    assert_int_equal(getsockname(p.listener, (struct sockaddr *)&p.address, &n), 0);
    p.stream = must(stream_connect(&p.address, NULL, 2000, &err), &err);
    p.peer = accept(p.listener, NULL, NULL);
    assert_true(p.peer >= 0);
    *state = &p;
    return 0;
}

static int stop(void **state) {
    struct pair *p = *state;
    stream_close(p->stream);
    close(p->peer);
    close(p->listener);
    return 0;
}

static void expect_line(struct pair *p, size_t max, struct str want) {
    struct err err;
    struct buf line = BUF_EMPTY;
    buf_add_c(&line, "kept ");
    if (!stream_read_line(p->stream, &line, max, 2000, &err))
        fail_msg("%s", err.text);
    assert_true(str_eq(str_sub(buf_str(&line), 0, 5), STR("kept ")));
    assert_true(str_eq(str_sub(buf_str(&line), 5, line.n), want));
    buf_free(&line);
}

static void expect_failure(struct pair *p, size_t max, int timeout_ms, const char *why) {
    struct err err;
    struct buf line = BUF_EMPTY;
    buf_add_c(&line, "kept ");
    assert_false(stream_read_line(p->stream, &line, max, timeout_ms, &err));
    assert_true(str_eq(buf_str(&line), STR("kept ")));
    if (!strstr(err.text, why) || !strstr(err.text, "127.0.0.1"))
        fail_msg("'%s' does not say '%s' and where", err.text, why);
    buf_free(&line);
}

static void lines_come_without_their_ends(void **state) {
    struct pair *p = *state;
    client_send(p->peer, STR("220 hello\r\n\r\nbare\n\rcr\r\r\nlast"));
    expect_line(p, 100, STR("220 hello"));
    expect_line(p, 100, STR(""));
    expect_line(p, 100, STR("bare"));
    expect_line(p, 100, STR("\rcr\r"));
    shutdown(p->peer, SHUT_WR);
    expect_failure(p, 100, 1000, "closed");
}

static void a_line_of_the_limit_passes_and_one_byte_more_fails(void **state) {
    struct pair *p = *state;
    client_send(p->peer, STR("12345678\r\n12345678\n"));
    expect_line(p, 8, STR("12345678"));
    expect_line(p, 8, STR("12345678"));
    client_send(p->peer, STR("12345678"));
    sleep_ms(20);
    client_send(p->peer, STR("\r\n123456789\r\n"));
    expect_line(p, 8, STR("12345678"));
    expect_failure(p, 8, 1000, "more than 8 bytes");
}

static void *flood(void *fd) {
    char block[4096];
    memset(block, 'x', sizeof block);
    while (send(*(int *)fd, block, sizeof block, MSG_NOSIGNAL) > 0)
        ;
    return NULL;
}

static void an_endless_line_ends_at_the_limit(void **state) {
    struct pair *p = *state;
    pthread_t t;
    pthread_create(&t, NULL, flood, &p->peer);
    expect_failure(p, 100000, 5000, "more than 100000 bytes");
    stream_close(p->stream);
    p->stream = NULL;
    pthread_join(t, NULL);
}

/* A byte now and then does not stretch the deadline. */
static void *drip(void *fd) {
    for (int i = 0; i < 20; i++) {
        if (send(*(int *)fd, "x", 1, MSG_NOSIGNAL) < 0)
            break;
        sleep_ms(50);
    }
    return NULL;
}

static void the_deadline_is_for_the_whole_call(void **state) {
    struct pair *p = *state;
    pthread_t t;
    int64_t begun = clock_monotonic();
    pthread_create(&t, NULL, drip, &p->peer);
    expect_failure(p, 1000, 300, "time out");
    assert_in_range(clock_monotonic() - begun, 290000, 900000);
    pthread_join(t, NULL);
}

static void exact_reads_take_what_lines_left_and_no_more(void **state) {
    struct pair *p = *state;
    struct err err;
    struct buf out = BUF_EMPTY, big = BUF_EMPTY;
    client_send(p->peer, STR("line\r\nabcdefg"));
    expect_line(p, 100, STR("line"));
    assert_true(stream_read_exact(p->stream, &out, 3, 1000, &err));
    assert_true(stream_read_exact(p->stream, &out, 0, 1000, &err));
    assert_true(str_eq(buf_str(&out), STR("abc")));
    for (int i = 0; i < 5000; i++)
        buf_printf(&big, "%08d\n", i);
    client_send(p->peer, buf_str(&big));
    buf_reset(&out);
    assert_true(stream_read_exact(p->stream, &out, 4, 1000, &err));
    assert_true(str_eq(buf_str(&out), STR("defg")));
    buf_reset(&out);
    assert_true(stream_read_exact(p->stream, &out, big.n, 5000, &err));
    assert_true(str_eq(buf_str(&out), buf_str(&big)));
    client_send(p->peer, STR("short"));
    shutdown(p->peer, SHUT_WR);
    buf_reset(&out);
    assert_false(stream_read_exact(p->stream, &out, 6, 1000, &err));
    assert_int_equal(out.n, 0);
    buf_free(&out), buf_free(&big);
}

static void writing_to_who_does_not_read_times_out(void **state) {
    struct pair *p = *state;
    struct err err;
    char block[65536] = {0};
    bool ok = true;
    for (int i = 0; ok && i < 1000; i++)
        ok = stream_write(p->stream, str_n(block, sizeof block), 200, &err);
    assert_false(ok);
    assert_non_null(strstr(err.text, "time out while sending"));
}

static void writing_to_who_has_gone_fails_without_a_signal(void **state) {
    struct pair *p = *state;
    struct err err;
    struct linger now = {1, 0};
    setsockopt(p->peer, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(p->peer);
    p->peer = -1;
    sleep_ms(20);
    bool ok = stream_write(p->stream, STR("x"), 1000, &err) && stream_write(p->stream, STR("x"), 1000, &err);
    assert_false(ok);
}

static void a_refused_or_unanswered_connection_says_whereto(void **state) {
    (void)state;
    struct err err;
    struct sockaddr_storage a, from;
    assert_true(sockaddr_parse("127.0.0.1:1", &a, &err));
    assert_null(stream_connect(&a, NULL, 1000, &err));
    assert_non_null(strstr(err.text, "127.0.0.1: Connection refused"));
    assert_null(stream_connect_unix("/does/not/exist", 1000, &err));
    assert_non_null(strstr(err.text, "/does/not/exist"));
    /* A source address that is not ours (RFC 5737). */
    assert_true(sockaddr_from_text(STR("192.0.2.1"), 0, &from));
    assert_null(stream_connect(&a, &from, 1000, &err));
    assert_non_null(strstr(err.text, "192.0.2.1"));
    /* A full backlog: nobody answers. */
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t n = sizeof a;
    assert_true(sockaddr_parse("127.0.0.1:0", &a, &err));
    assert_int_equal(bind(listener, (struct sockaddr *)&a, sockaddr_length(&a)), 0);
    assert_int_equal(listen(listener, 0), 0);
    getsockname(listener, (struct sockaddr *)&a, &n);
    struct stream *s[8] = {NULL};
    int64_t begun = clock_monotonic();
    for (int i = 0; i < 8 && (i == 0 || s[i - 1]); i++)
        s[i] = stream_connect(&a, NULL, 300, &err);
    assert_non_null(strstr(err.text, "time out while connecting"));
    assert_in_range(clock_monotonic() - begun, 290000, 1500000);
    for (int i = 0; i < 8; i++)
        stream_close(s[i]);
    close(listener);
}

static void a_source_address_is_used(void **state) {
    struct pair *p = *state;
    struct err err;
    struct sockaddr_storage from, seen;
    socklen_t n = sizeof seen;
    assert_true(sockaddr_from_text(STR("127.0.0.7"), 0, &from));
    struct stream *s = must(stream_connect(&p->address, &from, 1000, &err), &err);
    int fd = accept(p->listener, (struct sockaddr *)&seen, &n);
    char text[SOCKADDR_TEXT];
    sockaddr_text(&seen, text);
    assert_string_equal(text, "127.0.0.7");
    assert_string_equal(stream_local(s), "127.0.0.7");
    assert_string_equal(stream_peer(s), "127.0.0.1");
    assert_string_equal(stream_tls_version(s), "");
    stream_close(s);
    close(fd);
}

static void a_unix_socket_works_alike(void **state) {
    (void)state;
    struct err err;
    char path[64];
    struct sockaddr_storage a;
    snprintf(path, sizeof path, "/tmp/test_stream.%d", (int)getpid());
    assert_true(sockaddr_unix(path, &a, &err));
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&a, sockaddr_length(&a)), 0);
    assert_int_equal(listen(listener, 5), 0);
    struct pair p = {.stream = must(stream_connect_unix(path, 1000, &err), &err)};
    p.peer = accept(listener, NULL, NULL);
    client_send(p.peer, STR("hello\r\n"));
    expect_line(&p, 100, STR("hello"));
    assert_string_equal(stream_peer(p.stream), "unix");
    stream_close(p.stream);
    close(p.peer), close(listener);
    unlink(path);
    stream_close(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_come_without_their_ends, start, stop),
        cmocka_unit_test_setup_teardown(a_line_of_the_limit_passes_and_one_byte_more_fails, start, stop),
        cmocka_unit_test_setup_teardown(an_endless_line_ends_at_the_limit, start, stop),
        cmocka_unit_test_setup_teardown(the_deadline_is_for_the_whole_call, start, stop),
        cmocka_unit_test_setup_teardown(exact_reads_take_what_lines_left_and_no_more, start, stop),
        cmocka_unit_test_setup_teardown(writing_to_who_does_not_read_times_out, start, stop),
        cmocka_unit_test_setup_teardown(writing_to_who_has_gone_fails_without_a_signal, start, stop),
        cmocka_unit_test(a_refused_or_unanswered_connection_says_whereto),
        cmocka_unit_test_setup_teardown(a_source_address_is_used, start, stop),
        cmocka_unit_test(a_unix_socket_works_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
