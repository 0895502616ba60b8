#include "server_fixture.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>

/* A line protocol with a command for each thing that a protocol can do. */
struct session {
    conn_id id;
    size_t long_left; /* of the answer to "long" */
    int timeouts;
};

static atomic_int sessions, at_work, wakes;
static atomic_uint_fast64_t last_id;
static atomic_bool release_workers;
static atomic_size_t most_pending;

static void *line_open(struct conn *c, void *context) {
    (void)context;
    struct session *s = mem_zero(sizeof *s);
    s->id = conn_get_id(c);
    atomic_store(&last_id, s->id);
    atomic_fetch_add(&sessions, 1);
    return s;
}

static void line_close(struct conn *c, void *session) {
    (void)c;
    free(session);
    atomic_fetch_sub(&sessions, 1);
}

static enum step produce(struct conn *c, struct session *s) {
    char block[8192];
    memset(block, 'x', sizeof block);
    while (s->long_left && conn_output_pending(c) < 256 << 10) {
        size_t n = s->long_left < sizeof block ? s->long_left : sizeof block;
        conn_write(c, str_n(block, n));
        s->long_left -= n;
    }
    size_t pending = conn_output_pending(c), most = atomic_load(&most_pending);
    if (pending > most)
        atomic_store(&most_pending, pending);
    return s->long_left ? STEP_DRAIN : STEP_WAIT;
}

static enum step command(struct conn *c, struct session *s, struct str line) {
    uint32_t n;
    if (str_starts(line, STR("echo ")))
        conn_printf(c, "%.*s\n", STR_ARG(str_sub(line, 5, line.n)));
    else if (str_starts(line, STR("timeout ")) && str_u32(str_sub(line, 8, line.n), &n))
        conn_set_timeout(c, (int)n);
    else if (str_starts(line, STR("long ")) && str_u32(str_sub(line, 5, line.n), &n)) {
        s->long_left = n;
        return produce(c, s);
    } else if (str_eq(line, STR("block"))) {
        atomic_fetch_add(&at_work, 1);
        while (!atomic_load(&release_workers))
            sleep_ms(1);
        atomic_fetch_sub(&at_work, 1);
        conn_write(c, STR("unblocked\n"));
    } else if (str_eq(line, STR("wake"))) {
        server_wake(conn_server(c), conn_get_id(c));
        server_wake(conn_server(c), conn_get_id(c));
    } else if (str_eq(line, STR("peer")))
        conn_printf(c, "%s %d\n", conn_peer(c), conn_is_local(c));
    else if (str_eq(line, STR("quit"))) {
        conn_write(c, STR("bye\n"));
        return STEP_CLOSE;
    }
    return STEP_WAIT;
}

static enum step lines(struct conn *c, struct session *s) {
    for (;;) {
        struct str in = conn_input(c);
        ptrdiff_t end = str_chr(in, '\n');
        if (end < 0 && conn_input_full(c)) {
            conn_write(c, STR("too long\n"));
            return STEP_CLOSE;
        }
        if (end < 0)
            return STEP_WAIT;
        char line[256];
        struct str l = str_sub(in, 0, (size_t)end < sizeof line ? (size_t)end : sizeof line);
        memcpy(line, l.p, l.n);
        conn_consume(c, (size_t)end + 1);
        enum step step = command(c, s, str_n(line, l.n));
        if (step != STEP_WAIT)
            return step;
    }
}

static enum step line_step(struct conn *c, void *session, enum event event) {
    struct session *s = session;
    switch (event) {
    case EVENT_OPEN:
        conn_write(c, STR("hello\n"));
        return STEP_WAIT;
    case EVENT_INPUT:
        return lines(c, s);
    case EVENT_DRAINED:
        return produce(c, s);
    case EVENT_WAKE:
        atomic_fetch_add(&wakes, 1);
        conn_write(c, STR("woken\n"));
        return STEP_WAIT;
    case EVENT_TIMEOUT:
        if (conn_closing(c)) {
            conn_write(c, STR("shutting down\n"));
            return STEP_CLOSE;
        }
        s->timeouts++;
        conn_printf(c, "timeout %d\n", s->timeouts);
        return s->timeouts == 2 ? STEP_CLOSE : STEP_WAIT;
    case EVENT_EOF:
        conn_printf(c, "eof %zu\n", conn_input(c).n);
        return STEP_CLOSE;
    }
    return STEP_CLOSE;
}

static const struct protocol line_protocol = {"line", line_open, line_step, line_close};
static const struct server_options options = {.max_workers = 400, .max_connections = 5000};

static int start(void **state) {
    static struct fixture f;
    atomic_store(&release_workers, false);
    atomic_store(&wakes, 0);
    struct listener_options lo = {
        .protocol = &line_protocol, .max_input = 4096, .max_connections = 3000, .busy_reply = "busy\n"};
    fixture_start(&f, &options, &lo);
    *state = &f;
    return 0;
}

static int stop(void **state) {
    struct fixture *f = *state;
    atomic_store(&release_workers, true);
    fixture_stop(f, 2000);
    assert_int_equal(atomic_load(&sessions), 0);
    return 0;
}

static int greeted(const struct fixture *f) {
    int fd = client_connect(f);
    client_expect(fd, STR("hello\n"));
    return fd;
}

static void pipelined_lines_are_answered_in_order(void **state) {
    int fd = greeted(*state);
    struct buf in = BUF_EMPTY, out = BUF_EMPTY;
    for (int i = 0; i < 5000; i++) {
        buf_printf(&in, "echo %d\n", i);
        buf_printf(&out, "%d\n", i);
    }
    client_send(fd, buf_str(&in));
    client_expect(fd, buf_str(&out));
    buf_free(&in), buf_free(&out);
    close(fd);
}

static void a_line_in_single_bytes_is_put_together(void **state) {
    int fd = greeted(*state);
    for (const char *p = "echo abc\nec"; *p; p++) {
        client_send(fd, str_n(p, 1));
        sleep_ms(2);
    }
    client_expect(fd, STR("abc\n"));
    client_send(fd, STR("ho rest\n"));
    client_expect(fd, STR("rest\n"));
    close(fd);
}

static void input_beyond_the_limit_is_left_to_the_protocol_to_refuse(void **state) {
    int fd = greeted(*state);
    char block[8000];
    memset(block, 'a', sizeof block);
    client_send(fd, str_n(block, sizeof block));
    /* The answer arrives although more was sent than was ever read. */
    client_expect(fd, STR("too long\n"));
    client_expect_end(fd);
    close(fd);
}

static void the_last_reply_survives_input_that_nobody_reads(void **state) {
    int fd = greeted(*state);
    struct buf in = BUF_EMPTY;
    buf_add_c(&in, "quit\n");
    for (int i = 0; i < 20000; i++)
        buf_add_c(&in, "echo unread unread unread unread unread\n");
    client_send(fd, buf_str(&in));
    sleep_ms(50);
    client_expect(fd, STR("bye\n"));
    client_expect_end(fd);
    buf_free(&in);
    close(fd);
}

static void a_wake_during_a_step_comes_once_and_afterwards(void **state) {
    int fd = greeted(*state);
    client_send(fd, STR("wake\necho after\n"));
    client_expect(fd, STR("after\nwoken\n"));
    client_expect_silence(fd, 50);
    close(fd);
}

static void a_wake_from_another_thread_reaches_a_parked_connection(void **state) {
    struct fixture *f = *state;
    int fd = greeted(f);
    for (int i = 0; i < 200; i++) {
        server_wake(f->server, atomic_load(&last_id));
        client_expect(fd, STR("woken\n"));
    }
    /* Input still arrives after wakes that left the descriptor armed. */
    client_send(fd, STR("echo x\n"));
    client_expect(fd, STR("x\n"));
    close(fd);
}

static void a_wake_for_a_gone_connection_does_nothing(void **state) {
    struct fixture *f = *state;
    int fd = greeted(f);
    conn_id old = atomic_load(&last_id);
    client_send(fd, STR("quit\n"));
    client_expect(fd, STR("bye\n"));
    client_expect_end(fd);
    close(fd);
    wait_until(atomic_load(&sessions) == 0 && server_connections(f->server) == 0);
    fd = greeted(f); /* in the same place */
    assert_int_equal((uint32_t)old, (uint32_t)atomic_load(&last_id));
    server_wake(f->server, old);
    server_wake(f->server, 0);
    server_wake(f->server, UINT64_MAX);
    client_expect_silence(fd, 50);
    close(fd);
}

struct waker {
    struct server *server;
    conn_id id;
    atomic_bool *stop;
};

static void *wake_always(void *p) {
    struct waker *w = p;
    while (!atomic_load(w->stop))
        server_wake(w->server, w->id);
    return NULL;
}

static void input_is_not_starved_by_wakes(void **state) {
    struct fixture *f = *state;
    int fd = greeted(f);
    atomic_bool end = false;
    struct waker w = {f->server, atomic_load(&last_id), &end};
    pthread_t t[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, wake_always, &w);
    client_send(fd, STR("quit\n"));
    char tail[5] = "", c;
    while (client_read(fd, &c, 1) == 1) {
        memmove(tail, tail + 1, 3);
        tail[3] = c;
    }
    atomic_store(&end, true);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    assert_string_equal(tail, "bye\n");
    close(fd);
}

static void the_timeout_fires_and_input_restarts_it(void **state) {
    int fd = greeted(*state);
    client_send(fd, STR("timeout 300\n"));
    for (int i = 0; i < 4; i++) {
        sleep_ms(150);
        client_send(fd, STR("echo still here\n"));
        client_expect(fd, STR("still here\n"));
    }
    int64_t t = clock_monotonic();
    client_expect(fd, STR("timeout 1\n"));
    assert_in_range(clock_monotonic() - t, 200000, 2000000);
    client_expect(fd, STR("timeout 2\n")); /* again, as the first one's step went on waiting */
    client_expect_end(fd);
    close(fd);
}

static void a_shorter_timeout_replaces_a_longer_one(void **state) {
    int fd = greeted(*state);
    client_send(fd, STR("timeout 600000\n"));
    sleep_ms(20);
    client_send(fd, STR("timeout 50\n"));
    client_expect(fd, STR("timeout 1\n"));
    client_send(fd, STR("timeout 0\n"));
    client_expect_silence(fd, 200);
    close(fd);
}

static void a_slow_reader_of_a_long_answer_keeps_memory_bounded(void **state) {
    struct fixture *f = *state;
    enum { LONG = 50 << 20 };
    int fd = client_connect_to(f->port, 4096);
    client_expect(fd, STR("hello\n"));
    atomic_store(&most_pending, 0);
    long before = resident_kib();
    client_send(fd, STR("long 52428800\necho done\n"));
    sleep_ms(100); /* until nothing fits anywhere any more */
    size_t got = 0;
    long most = 0;
    char block[65536];
    while (got < LONG) {
        size_t want = LONG - got < sizeof block ? LONG - got : sizeof block;
        size_t n = client_read(fd, block, want);
        assert_true(n == want && block[0] == 'x' && block[n - 1] == 'x');
        got += n;
        long now = resident_kib() - before;
        most = now > most ? now : most;
    }
    client_expect(fd, STR("done\n"));
    assert_true(atomic_load(&most_pending) < 300 << 10);
    if (!SANITIZED)
        assert_true(most < 8 << 10);
    close(fd);
}

static void a_reader_that_never_reads_times_out(void **state) {
    struct fixture *f = *state;
    int fd = client_connect_to(f->port, 4096);
    client_expect(fd, STR("hello\n"));
    client_send(fd, STR("timeout 200\nlong 52428800\n"));
    wait_until(server_connections(f->server) == 1);
    /* Two timeouts, then the step closes; the output is given CLOSING_MS more, which is too long for a test: the
     * session is gone before. */
    wait_until(atomic_load(&sessions) == 0);
    close(fd);
    wait_until(server_connections(f->server) == 0);
}

static void two_hundred_blocked_steps_have_a_worker_each(void **state) {
    enum { BLOCKED = 200 };
    struct fixture *f = *state;
    int fds[BLOCKED];
    for (int i = 0; i < BLOCKED; i++) {
        fds[i] = greeted(f);
        client_send(fds[i], STR("block\n"));
    }
    wait_until(atomic_load(&at_work) == BLOCKED);
    assert_in_range(server_workers(f->server), BLOCKED + 1, BLOCKED + 8);
    /* And others are served meanwhile. */
    int fd = greeted(f);
    client_send(fd, STR("echo alive\n"));
    client_expect(fd, STR("alive\n"));
    close(fd);
    atomic_store(&release_workers, true);
    for (int i = 0; i < BLOCKED; i++) {
        client_expect(fds[i], STR("unblocked\n"));
        close(fds[i]);
    }
}

static void the_pool_stops_growing_at_its_limit_and_goes_on_later(void **state) {
    (void)state;
    struct fixture f;
    struct server_options so = {.max_workers = 3, .max_connections = 100};
    struct listener_options lo = {.protocol = &line_protocol};
    atomic_store(&release_workers, false);
    fixture_start(&f, &so, &lo);
    int fds[3];
    for (int i = 0; i < 3; i++) {
        fds[i] = greeted(&f);
        client_send(fds[i], STR("block\n"));
    }
    wait_until(atomic_load(&at_work) == 3);
    int fd = client_connect(&f);
    client_expect_silence(fd, 50);
    assert_int_equal(server_workers(f.server), 3);
    atomic_store(&release_workers, true);
    client_expect(fd, STR("hello\n"));
    for (int i = 0; i < 3; i++) {
        client_expect(fds[i], STR("unblocked\n"));
        close(fds[i]);
    }
    close(fd);
    fixture_stop(&f, 1000);
}

static void eof_is_offered_after_the_input_before_it(void **state) {
    int fd = greeted(*state);
    client_send(fd, STR("echo one\necho tw"));
    shutdown(fd, SHUT_WR);
    client_expect(fd, STR("one\neof 7\n"));
    client_expect_end(fd);
    close(fd);
}

static void a_peer_that_resets_is_forgotten(void **state) {
    struct fixture *f = *state;
    int fd = greeted(f);
    struct linger now = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
    wait_until(server_connections(f->server) == 0 && atomic_load(&sessions) == 0);
}

static void a_peer_that_resets_during_a_long_answer_is_forgotten(void **state) {
    struct fixture *f = *state;
    int fd = client_connect_to(f->port, 4096);
    client_expect(fd, STR("hello\n"));
    client_send(fd, STR("long 52428800\n"));
    sleep_ms(50);
    struct linger now = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
    wait_until(server_connections(f->server) == 0 && atomic_load(&sessions) == 0);
}

static void idle_connections_cost_no_thread(void **state) {
    enum { IDLE = 2000 };
    struct fixture *f = *state;
    static int fds[IDLE];
    for (int i = 0; i < IDLE; i++)
        fds[i] = greeted(f);
    assert_int_equal(server_connections(f->server), IDLE);
    assert_in_range(server_workers(f->server), 1, 12);
    for (int i = 0; i < IDLE; i += 7) {
        client_send(fds[i], STR("echo there\n"));
        client_expect(fds[i], STR("there\n"));
    }
    for (int i = 0; i < IDLE; i++)
        close(fds[i]);
    wait_until(server_connections(f->server) == 0);
}

static void over_the_limit_a_connection_is_told(void **state) {
    (void)state;
    struct fixture f;
    struct server_options so = {.max_workers = 8, .max_connections = 100};
    struct listener_options lo = {.protocol = &line_protocol, .max_connections = 2, .busy_reply = "busy\n"};
    fixture_start(&f, &so, &lo);
    int a = greeted(&f), b = greeted(&f), c = client_connect(&f);
    client_expect(c, STR("busy\n"));
    client_expect_end(c);
    close(a), close(c);
    wait_until(server_connections(f.server) == 1);
    a = greeted(&f);
    close(a), close(b);
    fixture_stop(&f, 1000);
}

static void without_descriptors_connections_are_told_and_later_ones_served(void **state) {
    (void)state;
    struct fixture f;
    struct server_options so = {.max_workers = 4, .max_connections = 10};
    struct listener_options lo = {.protocol = &line_protocol, .busy_reply = "busy\n"};
    fixture_start(&f, &so, &lo);
    int held = greeted(&f), late = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct rlimit old, none;
    getrlimit(RLIMIT_NOFILE, &old);
    none = old;
    none.rlim_cur = (rlim_t)late + 1; /* all below are taken */
    int fill[64], n = 0;
    while (n < 64 && (fill[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0 && fill[n] < late)
        n++;
    if (n < 64 && fill[n] >= 0)
        close(fill[n]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(f.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(late, (struct sockaddr *)&a, sizeof a), 0);
    client_expect(late, STR("busy\n"));
    client_expect_end(late);
    setrlimit(RLIMIT_NOFILE, &old);
    close(late);
    while (n > 0)
        close(fill[--n]);
    /* While the server is still at refusing, the next one is refused too. */
    char got[5] = "";
    for (int i = 0; i < 50 && memcmp(got, "hello", 5) != 0; i++) {
        late = client_connect(&f);
        client_read(late, got, 5);
        close(late);
    }
    assert_memory_equal(got, "hello", 5);
    close(held);
    fixture_stop(&f, 1000);
}

static void stopping_says_goodbye_to_each_connection(void **state) {
    (void)state;
    struct fixture f;
    struct listener_options lo = {.protocol = &line_protocol};
    fixture_start(&f, &options, &lo);
    int fds[50];
    for (int i = 0; i < 50; i++)
        fds[i] = greeted(&f);
    server_stop(f.server, 3000);
    for (int i = 0; i < 50; i++) {
        client_expect(fds[i], STR("shutting down\n"));
        client_expect_end(fds[i]);
        close(fds[i]);
    }
    int64_t t = clock_monotonic();
    pthread_join(f.thread, NULL);
    assert_true(clock_monotonic() - t < CLOCK_SECOND && f.clean);
    server_free(f.server);
    assert_int_equal(atomic_load(&sessions), 0);
}

static void stopping_cuts_off_who_does_not_go_within_the_grace(void **state) {
    (void)state;
    struct fixture f;
    struct listener_options lo = {.protocol = &line_protocol};
    fixture_start(&f, &options, &lo);
    int fd = client_connect_to(f.port, 4096);
    client_expect(fd, STR("hello\n"));
    client_send(fd, STR("long 52428800\n"));
    sleep_ms(50);
    int64_t t = clock_monotonic();
    fixture_stop(&f, 200);
    assert_in_range(clock_monotonic() - t, 200000, 2000000);
    assert_int_equal(atomic_load(&sessions), 0);
    close(fd);
}

static struct server *signalled;
static void on_signal(int number) {
    (void)number;
    server_stop(signalled, 1000);
}

static void a_signal_handler_may_stop_it(void **state) {
    (void)state;
    struct fixture f;
    struct listener_options lo = {.protocol = &line_protocol};
    fixture_start(&f, &options, &lo);
    signalled = f.server;
    signal(SIGUSR1, on_signal);
    pthread_kill(f.thread, SIGUSR1);
    pthread_join(f.thread, NULL);
    signal(SIGUSR1, SIG_DFL);
    assert_true(f.clean);
    server_free(f.server);
}

static void it_listens_on_ipv6_and_unix_sockets(void **state) {
    (void)state;
    struct fixture f;
    struct err err;
    char path[64], address[80];
    snprintf(path, sizeof path, "/tmp/test_server.%d", (int)getpid());
    snprintf(address, sizeof address, "unix:%s", path);
    struct listener_options lo = {.protocol = &line_protocol};
    f.server = server_new(&options);
    bool v6 = server_listen(f.server, "[::1]:0", &lo, &err);
    assert_true(server_listen(f.server, address, &lo, &err));
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0666);
    pthread_create(&f.thread, NULL, fixture_main, &f);
    struct sockaddr_un u = {.sun_family = AF_UNIX};
    snprintf(u.sun_path, sizeof u.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&u, sizeof u), 0);
    client_send(fd, STR("peer\n"));
    client_expect(fd, STR("hello\nunix 1\n"));
    close(fd);
    if (v6) {
        struct sockaddr_in6 a = {
            .sin6_family = AF_INET6, .sin6_port = htons(server_port(f.server, 0)), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
        fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
        client_send(fd, STR("peer\n"));
        client_expect(fd, STR("hello\n::1 1\n"));
        close(fd);
    }
    /* A second server finds the socket in use; after the first is gone it takes it over. */
    struct server *second = server_new(&options);
    assert_false(server_listen(second, address, &lo, &err));
    server_free(second);
    fixture_stop(&f, 1000);
    assert_int_equal(access(path, F_OK), -1);
}

static void bad_addresses_are_refused_with_a_reason(void **state) {
    (void)state;
    struct err err;
    struct listener_options lo = {.protocol = &line_protocol};
    struct server *s = server_new(&options);
    const char *bad[] = {"127.0.0.1",    "127.0.0.1:65536", "::1:25", "[127.0.0.1]:25",
                         "localhost:25", "unix:",           ":25",    "192.0.2.1:1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        err.text[0] = 0;
        assert_false(server_listen(s, bad[i], &lo, &err));
        assert_true(err.text[0] != 0);
    }
    lo.implicit_tls = true;
    assert_false(server_listen(s, "127.0.0.1:0", &lo, &err));
    server_free(s);
}

/* Many clients that open, speak and close at once: no answer is lost and nothing is left over. */
struct client_thread {
    pthread_t thread;
    const struct fixture *f;
    int rounds;
};

static void *client_loop(void *p) {
    struct client_thread *t = p;
    for (int i = 0; i < t->rounds; i++) {
        int fd = client_connect(t->f);
        client_expect(fd, STR("hello\n"));
        for (int k = 0; k < 10; k++) {
            client_send(fd, STR("echo a\nwake\necho b\n"));
            client_expect(fd, STR("a\nb\nwoken\n"));
        }
        client_send(fd, STR("quit\n"));
        client_expect(fd, STR("bye\n"));
        close(fd);
    }
    return NULL;
}

static void concurrent_clients_get_all_their_answers(void **state) {
    struct fixture *f = *state;
    struct client_thread t[16];
    for (int i = 0; i < 16; i++) {
        t[i] = (struct client_thread){.f = f, .rounds = 20};
        pthread_create(&t[i].thread, NULL, client_loop, &t[i]);
    }
    for (int i = 0; i < 16; i++)
        pthread_join(t[i].thread, NULL);
    assert_int_equal(atomic_load(&wakes), 16 * 20 * 10);
    wait_until(server_connections(f->server) == 0);
}

#define PROXY_SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

static void a_proxy_header_says_who_the_peer_is(void **state) {
    (void)state;
    struct fixture f;
    struct listener_options lo = {.protocol = &line_protocol, .proxy = true};
    const struct {
        struct str header, peer;
    } good[] = {
        {STR(PROXY_SIGNATURE "\x21\x11\0\x0c\xc0\0\2\7\x7f\0\0\1\x12\x34\0\x19"), STR("192.0.2.7 0\n")},
        {STR(PROXY_SIGNATURE
             "\x21\x21\0\x24"
             "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\5\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x12\x34\0\x19"),
         STR("2001:db8::5 0\n")},
        {STR(PROXY_SIGNATURE "\x21\x21\0\x27"
                             "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\x9\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\x12\x34\0\x19"
                             "\4\0\0"),
         STR("192.0.2.9 0\n")}, /* mapped, and with a type-length-value behind it */
        {STR(PROXY_SIGNATURE "\x20\0\0\0"), STR("127.0.0.1 1\n")},
        {STR(PROXY_SIGNATURE "\x21\0\0\3xyz"), STR("127.0.0.1 1\n")},
    };
    fixture_start(&f, &options, &lo);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int fd = client_connect(&f);
        client_send(fd, str_sub(good[i].header, 0, 9));
        client_expect_silence(fd, 20); /* no greeting before the header is complete */
        client_send(fd, str_sub(good[i].header, 9, good[i].header.n));
        client_expect(fd, STR("hello\n"));
        client_send(fd, STR("peer\n"));
        client_expect(fd, good[i].peer);
        close(fd);
    }
    /* In one packet with what follows it. */
    int fd = client_connect(&f);
    client_send(fd, good[0].header);
    client_send(fd, STR("peer\n"));
    client_expect(fd, STR("hello\n192.0.2.7 0\n"));
    close(fd);
    const struct str bad[] = {STR("EHLO a\r\n"),
                              STR(PROXY_SIGNATURE "\x11\x11\0\x0c"),
                              STR(PROXY_SIGNATURE "\x21\x11\0\x0b"),
                              STR(PROXY_SIGNATURE "\x21\x11\xff\xff"),
                              STR(PROXY_SIGNATURE "\x22\x11\0\x0c"),
                              STR("\r\n\r\nx")};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fd = client_connect(&f);
        client_send(fd, bad[i]);
        char c;
        assert_int_equal(client_read(fd, &c, 1), 0);
        close(fd);
    }
    fixture_stop(&f, 1000);
    assert_int_equal(atomic_load(&sessions), 0);
}

struct storm {
    const struct fixture *f;
    pthread_t thread;
    unsigned seed;
    int64_t until;
};

/* Does anything at any time: speaks in pieces, sets tiny timeouts, resets, closes half, leaves answers unread. */
static void *storm_client(void *p) {
    struct storm *t = p;
    static const char *const words[] = {"echo a\n", "timeout 1\n", "wake\n",     "long 300000\n",
                                        "quit\n",   "ec",          "timeout 0\n"};
    while (clock_monotonic() < t->until) {
        int fd = client_connect_to(t->f->port, 2048);
        char block[4096];
        for (int i = rand_r(&t->seed) % 6; i > 0; i--) {
            struct str word = str_of(words[(unsigned)rand_r(&t->seed) % 7]);
            if (send(fd, word.p, word.n, MSG_NOSIGNAL) < 0)
                break;
            if (rand_r(&t->seed) % 2 && recv(fd, block, sizeof block, MSG_DONTWAIT) == 0)
                break;
            if (rand_r(&t->seed) % 8 == 0)
                sleep_ms(2);
        }
        struct linger now = {1, 0};
        if (rand_r(&t->seed) % 3 == 0)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        else if (rand_r(&t->seed) % 2)
            shutdown(fd, SHUT_WR);
        close(fd);
    }
    return NULL;
}

static void *storm_waker(void *p) {
    struct storm *t = p;
    while (clock_monotonic() < t->until) {
        conn_id last = atomic_load(&last_id);
        server_wake(t->f->server, last);
        server_wake(t->f->server, (last >> 32) << 32 | (unsigned)rand_r(&t->seed) % 64);
        if (rand_r(&t->seed) % 16 == 0)
            sleep_ms(1);
    }
    return NULL;
}

static void nothing_is_left_over_after_a_storm(void **state) {
    struct fixture *f = *state;
    struct storm t[10];
    for (int i = 0; i < 10; i++) {
        t[i] = (struct storm){.f = f, .seed = (unsigned)i, .until = clock_monotonic() + 2 * CLOCK_SECOND};
        pthread_create(&t[i].thread, NULL, i < 8 ? storm_client : storm_waker, &t[i]);
    }
    for (int i = 0; i < 10; i++)
        pthread_join(t[i].thread, NULL);
    wait_until(server_connections(f->server) == 0 && atomic_load(&sessions) == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pipelined_lines_are_answered_in_order, start, stop),
        cmocka_unit_test_setup_teardown(a_line_in_single_bytes_is_put_together, start, stop),
        cmocka_unit_test_setup_teardown(input_beyond_the_limit_is_left_to_the_protocol_to_refuse, start, stop),
        cmocka_unit_test_setup_teardown(the_last_reply_survives_input_that_nobody_reads, start, stop),
        cmocka_unit_test_setup_teardown(a_wake_during_a_step_comes_once_and_afterwards, start, stop),
        cmocka_unit_test_setup_teardown(a_wake_from_another_thread_reaches_a_parked_connection, start, stop),
        cmocka_unit_test_setup_teardown(a_wake_for_a_gone_connection_does_nothing, start, stop),
        cmocka_unit_test_setup_teardown(input_is_not_starved_by_wakes, start, stop),
        cmocka_unit_test_setup_teardown(the_timeout_fires_and_input_restarts_it, start, stop),
        cmocka_unit_test_setup_teardown(a_shorter_timeout_replaces_a_longer_one, start, stop),
        cmocka_unit_test_setup_teardown(a_slow_reader_of_a_long_answer_keeps_memory_bounded, start, stop),
        cmocka_unit_test_setup_teardown(a_reader_that_never_reads_times_out, start, stop),
        cmocka_unit_test_setup_teardown(two_hundred_blocked_steps_have_a_worker_each, start, stop),
        cmocka_unit_test(the_pool_stops_growing_at_its_limit_and_goes_on_later),
        cmocka_unit_test_setup_teardown(eof_is_offered_after_the_input_before_it, start, stop),
        cmocka_unit_test_setup_teardown(a_peer_that_resets_is_forgotten, start, stop),
        cmocka_unit_test_setup_teardown(a_peer_that_resets_during_a_long_answer_is_forgotten, start, stop),
        cmocka_unit_test_setup_teardown(idle_connections_cost_no_thread, start, stop),
        cmocka_unit_test(over_the_limit_a_connection_is_told),
        cmocka_unit_test(without_descriptors_connections_are_told_and_later_ones_served),
        cmocka_unit_test(stopping_says_goodbye_to_each_connection),
        cmocka_unit_test(stopping_cuts_off_who_does_not_go_within_the_grace),
        cmocka_unit_test(a_signal_handler_may_stop_it),
        cmocka_unit_test(it_listens_on_ipv6_and_unix_sockets),
        cmocka_unit_test(bad_addresses_are_refused_with_a_reason),
        cmocka_unit_test_setup_teardown(concurrent_clients_get_all_their_answers, start, stop),
        cmocka_unit_test(a_proxy_header_says_who_the_peer_is),
        cmocka_unit_test_setup_teardown(nothing_is_left_over_after_a_storm, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
