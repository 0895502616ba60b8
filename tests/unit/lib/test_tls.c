#include "certificate_fixture.h"
#include "net/stream.h"
#include "net/tls.h"
#include "server_fixture.h"

#include <fcntl.h>
#include <openssl/ssl.h>
#include <sys/wait.h>

/* A line protocol: "starttls", "tls" (tells what is on), "long N", "quit", anything else is echoed. */
struct session {
    size_t long_left;
};

static void *open_session(struct conn *c, void *context) {
    (void)c, (void)context;
    return mem_zero(sizeof(struct session));
}

static void close_session(struct conn *c, void *session) {
    (void)c;
    free(session);
}

static enum step produce(struct conn *c, struct session *s) {
    char block[8192];
    memset(block, 'x', sizeof block);
    while (s->long_left && conn_output_pending(c) < 256 << 10) {
        size_t n = s->long_left < sizeof block ? s->long_left : sizeof block;
        conn_write(c, str_n(block, n));
        s->long_left -= n;
    }
    return s->long_left ? STEP_DRAIN : STEP_WAIT;
}

static enum step step(struct conn *c, void *session, enum event event) {
    struct session *s = session;
    uint32_t n;
    if (event == EVENT_OPEN)
        conn_write(c, STR("hello\n"));
    if (event == EVENT_DRAINED)
        return produce(c, s);
    if (event == EVENT_TIMEOUT || event == EVENT_EOF)
        return STEP_CLOSE;
    if (event != EVENT_INPUT)
        return STEP_WAIT;
    for (ptrdiff_t end; (end = str_chr(conn_input(c), '\n')) >= 0;) {
        struct str line = str_sub(conn_input(c), 0, (size_t)end);
        if (str_eq(line, STR("starttls")) && conn_tls_available(c)) {
            /* What follows in the same packet stays in the input on purpose. */
            conn_consume(c, (size_t)end + 1);
            conn_write(c, STR("go ahead\n"));
            return STEP_TLS;
        }
        if (str_eq(line, STR("tls"))) {
            conn_printf(c, "%d %s %s\n", conn_is_tls(c), conn_tls_version(c), *conn_tls_cipher(c) ? "cipher" : "");
        } else if (str_eq(line, STR("quit"))) {
            conn_write(c, STR("bye\n"));
            return STEP_CLOSE;
        } else if (str_starts(line, STR("long ")) && str_u32(str_sub(line, 5, line.n), &n)) {
            s->long_left = n;
            conn_consume(c, (size_t)end + 1);
            return produce(c, s);
        } else {
            conn_printf(c, "%.*s\n", STR_ARG(line));
        }
        conn_consume(c, (size_t)end + 1);
    }
    return STEP_WAIT;
}

static const struct protocol protocol = {"test", open_session, step, close_session};
static struct authority authority;
static struct tls_context *server_tls, *client_tls;
static struct fixture plain, implicit;

static const char *file(const char *name) {
    static char path[4][200];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", authority.folder, name);
    return path[turn];
}

static int start(void **state) {
    (void)state;
    struct err err;
    authority_make(&authority);
    /* The clients' first choice is an elliptic curve: other's certificate must be the only one to choose from. */
    authority_issue(&authority, "mail", "mail.example.org", false);
    authority_issue(&authority, "other", "other.example.net", true);
    authority_issue(&authority, "wild", "*.example.com", false);
    server_tls = tls_server_new(file("mail.crt"), file("mail.key"), &err);
    client_tls = tls_client_new(authority.path, &err);
    if (!server_tls || !client_tls)
        fail_msg("%s", err.text);
    assert_true(tls_server_add(server_tls, "Other.example.net", file("other.crt"), file("other.key"), &err));
    assert_true(tls_server_add(server_tls, "*.example.com", file("wild.crt"), file("wild.key"), &err));
    struct server_options so = {.max_workers = 50, .max_connections = 3000};
    struct listener_options lo = {.protocol = &protocol, .tls = server_tls, .max_input = 8192};
    fixture_start(&plain, &so, &lo);
    lo.implicit_tls = true;
    fixture_start(&implicit, &so, &lo);
    return 0;
}

static int stop(void **state) {
    (void)state;
    fixture_stop(&plain, 2000);
    fixture_stop(&implicit, 2000);
    tls_free(server_tls);
    tls_free(client_tls);
    authority_remove(&authority);
    return 0;
}

static struct stream *connect_to(const struct fixture *f) {
    struct err err;
    struct sockaddr_storage a = {0};
    struct sockaddr_in v4 = {
        .sin_family = AF_INET, .sin_port = htons(f->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    memcpy(&a, &v4, sizeof v4);
    struct stream *s = stream_connect(&a, NULL, 5000, &err);
    if (!s)
        fail_msg("%s", err.text);
    return s;
}

static void say(struct stream *s, struct str line) {
    struct err err;
    if (!stream_write(s, line, 5000, &err))
        fail_msg("%s", err.text);
}

static void expect_line(struct stream *s, struct str want) {
    struct err err;
    struct buf line = BUF_EMPTY;
    if (!stream_read_line(s, &line, 1000, 10000, &err))
        fail_msg("%s", err.text);
    if (!str_eq(buf_str(&line), want))
        fail_msg("expected '%.*s', got '%.*s'", STR_ARG(want), (int)line.n, line.p);
    buf_free(&line);
}

static struct stream *tls_stream(const char *host, bool verify) {
    struct err err;
    struct stream *s = connect_to(&implicit);
    if (!stream_start_tls(s, client_tls, host, verify, 5000, &err))
        fail_msg("%s", err.text);
    expect_line(s, STR("hello"));
    return s;
}

static void implicit_tls_greets_after_the_handshake(void **state) {
    (void)state;
    struct stream *s = tls_stream("mail.example.org", true);
    say(s, STR("tls\n"));
    expect_line(s, STR("1 TLSv1.3 cipher"));
    assert_string_equal(stream_tls_version(s), "TLSv1.3");
    assert_true(stream_tls_verified(s) && *stream_tls_cipher(s));
    assert_string_equal(stream_peer(s), "127.0.0.1");
    assert_string_equal(stream_local(s), "127.0.0.1");
    stream_close(s);
}

static void starttls_throws_away_what_was_sent_in_plain_text(void **state) {
    (void)state;
    struct err err;
    struct stream *s = connect_to(&plain);
    expect_line(s, STR("hello"));
    say(s, STR("tls\n"));
    expect_line(s, STR("0  "));
    say(s, STR("starttls\ninjected\n"));
    expect_line(s, STR("go ahead"));
    assert_true(stream_start_tls(s, client_tls, "mail.example.org", true, 5000, &err));
    say(s, STR("mine\n"));
    expect_line(s, STR("mine")); /* and not "injected" */
    say(s, STR("starttls\n"));
    expect_line(s, STR("starttls")); /* no TLS within TLS */
    say(s, STR("quit\n"));
    expect_line(s, STR("bye"));
    stream_close(s);
}

static void a_client_throws_away_what_the_server_sent_in_plain_text(void **state) {
    (void)state;
    struct err err;
    struct stream *s = connect_to(&plain);
    expect_line(s, STR("hello"));
    say(s, STR("forged\nstarttls\n"));
    expect_line(s, STR("forged"));
    sleep_ms(50);
    /* "go ahead" lies in the client's buffer, unread. */
    expect_line(s, STR("go ahead"));
    assert_true(stream_start_tls(s, client_tls, "mail.example.org", true, 5000, &err));
    say(s, STR("x\n"));
    expect_line(s, STR("x"));
    stream_close(s);
}

static void the_certificate_follows_the_name_asked_for(void **state) {
    (void)state;
    const char *good[] = {"mail.example.org", "other.example.net", "OTHER.example.net", "a.example.com",
                          "bb.example.com"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct stream *s = tls_stream(good[i], true);
        assert_true(stream_tls_verified(s));
        stream_close(s);
    }
}

static void a_wrong_name_fails_only_where_it_must_be_verified(void **state) {
    (void)state;
    struct err err;
    const char *bad[] = {"unknown.example.org", "a.b.example.com", "example.com", "127.0.0.1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct stream *s = connect_to(&implicit);
        assert_false(stream_start_tls(s, client_tls, bad[i], true, 5000, &err));
        assert_non_null(strstr(err.text, "certificate"));
        stream_close(s);
        s = tls_stream(bad[i], false);
        assert_false(stream_tls_verified(s));
        stream_close(s);
    }
    struct stream *s = tls_stream("", false);
    assert_false(stream_tls_verified(s));
    stream_close(s);
}

static void an_unknown_authority_is_not_verified(void **state) {
    (void)state;
    struct err err;
    struct tls_context *system = tls_client_new(NULL, &err);
    assert_non_null(system);
    struct stream *s = connect_to(&implicit);
    assert_false(stream_start_tls(s, system, "mail.example.org", true, 5000, &err));
    stream_close(s);
    s = connect_to(&implicit);
    assert_true(stream_start_tls(s, system, "mail.example.org", false, 5000, &err));
    assert_false(stream_tls_verified(s));
    stream_close(s);
    tls_free(system);
}

static void a_long_answer_and_pipelined_input_go_through_tls(void **state) {
    (void)state;
    struct err err;
    struct buf in = BUF_EMPTY, out = BUF_EMPTY;
    struct stream *s = tls_stream("mail.example.org", true);
    for (int i = 0; i < 3000; i++)
        buf_printf(&in, "line %d of many\n", i);
    say(s, buf_str(&in));
    assert_true(stream_read_exact(s, &out, in.n, 10000, &err));
    assert_true(str_eq(buf_str(&in), buf_str(&out)));
    /* One record of more than the server takes at once: the rest waits inside of TLS, where epoll can't see it. */
    buf_reset(&out);
    in.n = 15000;
    in.p[in.n - 1] = '\n';
    say(s, buf_str(&in));
    assert_true(stream_read_exact(s, &out, in.n, 10000, &err));
    assert_true(str_eq(buf_str(&in), buf_str(&out)));
    buf_reset(&out);
    say(s, STR("long 20000000\nend\n"));
    sleep_ms(100);
    assert_true(stream_read_exact(s, &out, 20000000, 20000, &err));
    expect_line(s, STR("end"));
    buf_free(&in), buf_free(&out);
    stream_close(s);
}

/* A raw client that sends two application records, or a handshake's end and the first command, in one packet. */
static void bytes_that_come_with_the_handshake_are_not_forgotten(void **state) {
    (void)state;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(ctx);
    int fd = client_connect(&implicit);
    BIO *collect = BIO_new(BIO_s_mem()), *from = BIO_new_socket(fd, BIO_NOCLOSE);
    SSL_set_bio(ssl, from, collect);
    SSL_set_connect_state(ssl);
    fcntl(fd, F_SETFL, O_NONBLOCK); /* so that OpenSSL comes back and its output can be sent */
    char *p;
    for (int done = 0; !done;) {
        done = SSL_do_handshake(ssl) == 1;
        if (done) {
            SSL_write(ssl, "one\n", 4);
            SSL_write(ssl, "two\n", 4);
            SSL_write(ssl, "three\n", 6);
        }
        long n = BIO_get_mem_data(collect, &p);
        client_send(fd, str_n(p, (size_t)n));
        (void)BIO_reset(collect);
        struct pollfd pf = {.fd = fd, .events = POLLIN};
        assert_true(done || poll(&pf, 1, 5000) == 1);
    }
    fcntl(fd, F_SETFL, 0);
    char got[64];
    int n = 0;
    while (n < 20) {
        int r = SSL_read(ssl, got + n, (int)sizeof got - n);
        assert_true(r > 0);
        n += r;
    }
    assert_true(str_eq(str_n(got, (size_t)n), STR("hello\none\ntwo\nthree\n")));
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    close(fd);
}

static void tls_begins_behind_a_proxy_header(void **state) {
    (void)state;
    struct err err;
    struct fixture f;
    struct server_options so = {.max_workers = 4, .max_connections = 10};
    struct listener_options lo = {.protocol = &protocol, .tls = server_tls, .implicit_tls = true, .proxy = true};
    fixture_start(&f, &so, &lo);
    struct stream *s = connect_to(&f);
    say(s, STR("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\2\7\x7f\0\0\1\x12\x34\0\x19"));
    assert_true(stream_start_tls(s, client_tls, "mail.example.org", true, 5000, &err));
    expect_line(s, STR("hello"));
    stream_close(s);
    fixture_stop(&f, 1000);
}

static void garbage_instead_of_a_handshake_ends_the_connection(void **state) {
    (void)state;
    for (int i = 0; i < 20; i++) {
        int fd = client_connect(&implicit);
        client_send(fd, STR("EHLO this is not TLS\r\n"));
        char block[256];
        while (client_read(fd, block, sizeof block) == sizeof block)
            ;
        close(fd);
    }
    int fd = client_connect(&implicit);
    close(fd);
    wait_until(server_connections(implicit.server) == 0);
}

static void a_session_is_resumed_from_its_ticket(void **state) {
    (void)state;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL_SESSION *ticket = NULL;
    for (int round = 0; round < 2; round++) {
        int fd = client_connect(&implicit);
        SSL *ssl = SSL_new(ctx);
        char hello[6];
        SSL_set_fd(ssl, fd);
        if (ticket)
            SSL_set_session(ssl, ticket);
        assert_int_equal(SSL_connect(ssl), 1);
        assert_int_equal(SSL_read(ssl, hello, 6), 6); /* takes the ticket off as well */
        assert_int_equal(SSL_session_reused(ssl), round);
        SSL_SESSION_free(ticket);
        ticket = SSL_get1_session(ssl);
        SSL_shutdown(ssl);
        SSL_free(ssl);
        close(fd);
    }
    SSL_SESSION_free(ticket);
    SSL_CTX_free(ctx);
}

static void old_protocol_versions_are_refused(void **state) {
    (void)state;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(ctx, 0);
    SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION);
    int fd = client_connect(&implicit);
    SSL *ssl = SSL_new(ctx);
    SSL_set_fd(ssl, fd);
    assert_int_not_equal(SSL_connect(ssl), 1);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    close(fd);
}

static long serial_of(const char *host) {
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    int fd = client_connect(&implicit);
    SSL *ssl = SSL_new(ctx);
    SSL_set_fd(ssl, fd);
    SSL_set_tlsext_host_name(ssl, host);
    assert_int_equal(SSL_connect(ssl), 1);
    long serial = ASN1_INTEGER_get(X509_get0_serialNumber(SSL_get0_peer_certificate(ssl)));
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    close(fd);
    return serial;
}

static void a_reload_takes_new_certificates_and_keeps_what_it_cant_read(void **state) {
    (void)state;
    struct err err;
    struct stream *before = tls_stream("mail.example.org", true);
    authority_issue(&authority, "mail", "mail.example.org", true);
    long mail = authority.serial, other = serial_of("other.example.net");
    assert_int_equal(truncate(file("other.crt"), 10), 0);
    assert_false(tls_server_reload(server_tls, &err));
    assert_non_null(strstr(err.text, "other.crt"));
    assert_int_equal(serial_of("mail.example.org"), mail);
    assert_int_equal(serial_of("other.example.net"), other);
    authority_issue(&authority, "other", "other.example.net", false);
    assert_true(tls_server_reload(server_tls, &err));
    assert_int_equal(serial_of("other.example.net"), authority.serial);
    say(before, STR("still there\n"));
    expect_line(before, STR("still there"));
    stream_close(before);
}

static void bad_files_are_refused_with_their_name(void **state) {
    (void)state;
    struct err err;
    assert_null(tls_server_new(file("missing.crt"), file("mail.key"), &err));
    assert_non_null(strstr(err.text, "missing.crt"));
    assert_null(tls_server_new(file("mail.crt"), file("other.key"), &err));
    assert_non_null(strstr(err.text, "does not belong"));
    assert_null(tls_server_new(file("mail.key"), file("mail.key"), &err));
    assert_null(tls_client_new(file("mail.key"), &err));
    assert_false(tls_server_add(server_tls, "", file("mail.crt"), file("mail.key"), &err));
}

static void *reload_often(void *stop_flag) {
    struct err err;
    while (!atomic_load((atomic_bool *)stop_flag))
        tls_server_reload(server_tls, &err);
    return NULL;
}

static void handshakes_go_on_during_reloads(void **state) {
    (void)state;
    atomic_bool end = false;
    pthread_t t;
    pthread_create(&t, NULL, reload_often, &end);
    for (int i = 0; i < 100; i++)
        stream_close(tls_stream(i % 2 ? "a.example.com" : "mail.example.org", true));
    atomic_store(&end, true);
    pthread_join(t, NULL);
}

/* Holds connections open in a process of its own, so that only the server's side counts here: connects, shakes hands
 * where told to, reads the greeting, says so on standard output, and waits for the end of standard input. */
static int hold_connections(uint16_t to, int count, bool tls) {
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    for (int i = 0; i < count; i++) {
        char hello[6];
        int fd = client_connect_to(to, 0);
        SSL *ssl = tls ? SSL_new(ctx) : NULL;
        if (ssl && (SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1 || SSL_read(ssl, hello, 6) != 6))
            return 1;
        if (!ssl && client_read(fd, hello, 6) != 6)
            return 1;
    }
    return write(STDOUT_FILENO, "ready", 5) == 5 && read(STDIN_FILENO, &count, 1) == 0 ? 0 : 1;
}

/* Resident KiB of this process for each of `count` idle connections. */
static double kib_each(const struct fixture *f, int count, bool tls) {
    int to_child[2], from_child[2];
    char port[16], number[16], ready[5];
    snprintf(port, sizeof port, "%d", f->port);
    snprintf(number, sizeof number, "%d", count);
    assert_true(pipe2(to_child, O_CLOEXEC) == 0 && pipe2(from_child, O_CLOEXEC) == 0);
    long before = resident_kib();
    pid_t pid = fork();
    if (pid == 0) {
        dup2(to_child[0], STDIN_FILENO);
        dup2(from_child[1], STDOUT_FILENO);
        execl("/proc/self/exe", "test_tls", "hold", port, number, tls ? "tls" : "plain", (char *)NULL);
        _exit(127);
    }
    close(from_child[1]);
    assert_int_equal(read(from_child[0], ready, sizeof ready), sizeof ready);
    wait_until(server_connections(f->server) == (uint32_t)count);
    sleep_ms(3000); /* until the workers have given their buffers back */
    double each = (double)(resident_kib() - before) / count;
    int status;
    close(to_child[1]), close(to_child[0]), close(from_child[0]);
    assert_true(waitpid(pid, &status, 0) == pid && status == 0);
    wait_until(server_connections(f->server) == 0);
    return each;
}

static void an_idle_connection_is_small(void **state) {
    (void)state;
    if (SANITIZED)
        skip();
    double plain_kib = kib_each(&plain, 2000, false), tls_kib = kib_each(&implicit, 2000, true);
    print_message("an idle connection takes %.1f KiB, with TLS %.1f KiB\n", plain_kib, tls_kib);
    assert_true(plain_kib < 12 && tls_kib < 40);
}

int main(int argc, char **argv) {
    if (argc == 5 && strcmp(argv[1], "hold") == 0)
        return hold_connections((uint16_t)atoi(argv[2]), atoi(argv[3]), strcmp(argv[4], "tls") == 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(implicit_tls_greets_after_the_handshake),
        cmocka_unit_test(starttls_throws_away_what_was_sent_in_plain_text),
        cmocka_unit_test(a_client_throws_away_what_the_server_sent_in_plain_text),
        cmocka_unit_test(the_certificate_follows_the_name_asked_for),
        cmocka_unit_test(a_wrong_name_fails_only_where_it_must_be_verified),
        cmocka_unit_test(an_unknown_authority_is_not_verified),
        cmocka_unit_test(a_long_answer_and_pipelined_input_go_through_tls),
        cmocka_unit_test(bytes_that_come_with_the_handshake_are_not_forgotten),
        cmocka_unit_test(tls_begins_behind_a_proxy_header),
        cmocka_unit_test(garbage_instead_of_a_handshake_ends_the_connection),
        cmocka_unit_test(a_session_is_resumed_from_its_ticket),
        cmocka_unit_test(old_protocol_versions_are_refused),
        cmocka_unit_test(a_reload_takes_new_certificates_and_keeps_what_it_cant_read),
        cmocka_unit_test(bad_files_are_refused_with_their_name),
        cmocka_unit_test(handshakes_go_on_during_reloads),
        cmocka_unit_test(an_idle_connection_is_small),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
