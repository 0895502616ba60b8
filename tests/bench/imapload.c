/*
 * imapload: a load on an IMAP server that checks every answer. Blocking clients, a thread each.
 *
 *     imapload MODE ADDRESS CLIENTS SECONDS USER PASSWORD
 *
 *     fill    puts MESSAGES messages into the INBOX of each user, and ends
 *     mixed   commands of every kind on one INBOX that all clients have selected
 *     append  APPEND of 4 KiB to the client's own Sent
 *     fetch   whole bodies out of the client's own INBOX
 *     login   connect, log in, log out
 *     idle    opens CLIENTS connections, prints "open", and holds them until its input ends
 *
 * ADDRESS is a port on 127.0.0.1, tls:PORT for TLS from the first byte (any certificate will do), or the path of a UNIX
 * socket. USER may hold one %d, which is the client's number. Prints how many commands were answered in a second. What
 * is answered wrongly is printed, and the exit status is 1.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGES = 300, BODY_BYTES = 4096, LINE = 64, INPUT = 1 << 16, COMMAND = 8192 };

static struct {
    const char *mode, *address, *user, *password;
    int clients;
    double seconds;
} load;

static SSL_CTX *tls; /* NULL: none */
static atomic_bool over;
static atomic_long commands;

struct client {
    pthread_t thread;
    int number, fd;
    SSL *ssl;
    unsigned seed, tag;
    char in[INPUT];
    size_t start, end;
    char *answer; /* all of the last command's, NUL-terminated */
    size_t length, room;
    uint32_t first_uid;
};

static void give_up(const struct client *c, const char *fmt, ...) __attribute__((format(printf, 2, 3), noreturn));
static void give_up(const struct client *c, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "client %d: ", c->number);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    exit(1);
}

/* ---- the messages: each byte follows from the number ---- */

static size_t make_message(int number, char *out, size_t room) {
    int n = snprintf(out, room,
                     "From: Sender %d <sender%d@bench.test>\r\nTo: reader@bench.test\r\nSubject: message %d\r\n"
                     "Message-ID: <m%d@bench.test>\r\nDate: Sat, 21 Nov 2026 12:00:00 +0000\r\n\r\n",
                     number, number, number, number);
    size_t at = (size_t)n;
    while (at + LINE + 2 <= (size_t)BODY_BYTES) {
        for (int i = 0; i < LINE; i++)
            out[at++] = (char)('a' + (number + i) % 26);
        out[at++] = '\r', out[at++] = '\n';
    }
    return at;
}

/* ---- the wire ---- */

static void fill_input(struct client *c) {
    if (c->start == c->end)
        c->start = c->end = 0;
    if (c->end == INPUT) {
        memmove(c->in, c->in + c->start, c->end - c->start);
        c->end -= c->start;
        c->start = 0;
    }
    ssize_t n;
    do
        n = c->ssl ? SSL_read(c->ssl, c->in + c->end, (int)(INPUT - c->end))
                   : recv(c->fd, c->in + c->end, INPUT - c->end, 0);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        give_up(c, "the server closed the connection, or did not answer in time");
    c->end += (size_t)n;
}

static void keep(struct client *c, const char *p, size_t n) {
    if (c->length + n + 1 > c->room) {
        c->room = (c->length + n + 1) * 2;
        c->answer = realloc(c->answer, c->room);
        if (!c->answer)
            give_up(c, "out of memory");
    }
    memcpy(c->answer + c->length, p, n);
    c->length += n;
    c->answer[c->length] = 0;
}

/* Takes n bytes, or (n 0) a line, into the answer; gives where they begin in it. */
static size_t take(struct client *c, size_t n) {
    size_t begin = c->length;
    bool line = n == 0;
    for (;;) {
        size_t have = c->end - c->start;
        char *lf = line && have ? memchr(c->in + c->start, '\n', have) : NULL;
        size_t part = lf ? (size_t)(lf - (c->in + c->start)) + 1 : line || have < n ? have : n;
        keep(c, c->in + c->start, part);
        c->start += part;
        n -= line ? 0 : part;
        if (lf || (!line && n == 0))
            return begin;
        fill_input(c);
    }
}

static void send_all(struct client *c, const char *p, size_t n) {
    while (n) {
        ssize_t done = c->ssl ? SSL_write(c->ssl, p, (int)n) : send(c->fd, p, n, MSG_NOSIGNAL);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            give_up(c, "the server does not take what is sent");
        p += done;
        n -= (size_t)done;
    }
}

/* The length of the literal that the line at `at` announces, or 0. */
static size_t literal_behind(const struct client *c, size_t at) {
    const char *end = c->answer + c->length;
    if (end - (c->answer + at) < 5 || memcmp(end - 3, "}\r\n", 3) != 0)
        return 0;
    const char *p = end - 4;
    while (p > c->answer + at && *p != '{')
        p--;
    return strtoul(p + 1, NULL, 10);
}

/* Reads up to the tagged reply, which must be OK. */
static void finish(struct client *c) {
    char tag[16];
    size_t tag_length = (size_t)snprintf(tag, sizeof tag, "t%u ", c->tag);
    c->length = 0;
    for (;;) {
        size_t at = take(c, 0), n, from = at;
        while ((n = literal_behind(c, from)) > 0) {
            take(c, n);
            from = take(c, 0);
        }
        if (strncmp(c->answer + at, tag, tag_length) != 0)
            continue;
        if (strncmp(c->answer + at + tag_length, "OK", 2) != 0)
            give_up(c, "refused: %s", c->answer + at);
        atomic_fetch_add_explicit(&commands, 1, memory_order_relaxed);
        return;
    }
}

static void command(struct client *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void command(struct client *c, const char *fmt, ...) {
    char text[COMMAND];
    va_list ap;
    int n = snprintf(text, sizeof text, "t%u ", ++c->tag);
    va_start(ap, fmt);
    n += vsnprintf(text + n, sizeof text - (size_t)n - 2, fmt, ap);
    va_end(ap);
    memcpy(text + n, "\r\n", 2);
    send_all(c, text, (size_t)n + 2);
    finish(c);
}

static int dial(void) {
    struct sockaddr_in ip = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    const char *address = strncmp(load.address, "tls:", 4) == 0 ? load.address + 4 : load.address;
    bool path = address[0] == '/';
    int on = 1, fd = socket(path ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
    ip.sin_port = htons((uint16_t)strtoul(address, NULL, 10));
    snprintf(local.sun_path, sizeof local.sun_path, "%s", address);
    const struct sockaddr *to = path ? (const struct sockaddr *)&local : (const struct sockaddr *)&ip;
    if (fd >= 0 && connect(fd, to, path ? sizeof local : sizeof ip) != 0) {
        close(fd);
        return -1;
    }
    if (!path)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static void open_connection(struct client *c) {
    struct timeval patience = {60, 0};
    for (int attempt = 0; (c->fd = dial()) < 0; attempt++) { /* a UNIX socket's backlog may be full for a moment */
        if (errno != EAGAIN || attempt == 10000)
            give_up(c, "cannot connect: %s", strerror(errno));
        usleep(1000);
    }
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (tls) {
        c->ssl = SSL_new(tls);
        if (!c->ssl || !SSL_set_fd(c->ssl, c->fd) || SSL_connect(c->ssl) != 1)
            give_up(c, "no TLS");
    }
    c->start = c->end = c->length = 0;
    take(c, 0);
    if (strncmp(c->answer, "* OK", 4) != 0)
        give_up(c, "greeting: %s", c->answer);
}

static void log_in(struct client *c) {
    char user[256];
    const char *place = strstr(load.user, "%d");
    if (place)
        snprintf(user, sizeof user, "%.*s%d%s", (int)(place - load.user), load.user, c->number, place + 2);
    else
        snprintf(user, sizeof user, "%s", load.user);
    open_connection(c);
    command(c, "LOGIN \"%s\" \"%s\"", user, load.password);
}

static void must_hold(const struct client *c, const char *wanted) {
    if (!strcasestr(c->answer, wanted))
        give_up(c, "no \"%s\" in: %s", wanted, c->answer);
}

/* ---- what is done ---- */

static void append(struct client *c, const char *mailbox, int number) {
    char message[BODY_BYTES + 512], head[128];
    size_t n = make_message(number, message, sizeof message);
    int h = snprintf(head, sizeof head, "t%u APPEND %s {%zu+}\r\n", ++c->tag, mailbox, n);
    send_all(c, head, (size_t)h);
    memcpy(message + n, "\r\n", 2);
    send_all(c, message, n + 2);
    finish(c);
    must_hold(c, "[APPENDUID ");
}

/* The INBOX must hold what fill put there. */
static void select_inbox(struct client *c) {
    command(c, "SELECT INBOX");
    must_hold(c, "* 300 EXISTS");
    command(c, "FETCH 1 (UID)");
    const char *uid = strstr(c->answer, "UID ");
    c->first_uid = uid ? (uint32_t)strtoul(uid + 4, NULL, 10) : 0;
    if (!c->first_uid)
        give_up(c, "no UID in: %s", c->answer);
}

static int random_message(struct client *c) { return 1 + (int)((unsigned)rand_r(&c->seed) % MESSAGES); }

static void fetch_body(struct client *c) {
    char expected[BODY_BYTES + 512];
    int number = random_message(c);
    size_t n = make_message(number, expected, sizeof expected);
    command(c, "UID FETCH %u (BODY.PEEK[])", c->first_uid + (unsigned)number - 1);
    const char *brace = strstr(c->answer, "BODY[] {"), *text = brace ? strchr(brace, '\n') : NULL;
    if (!text || strtoul(brace + 8, NULL, 10) != n || memcmp(text + 1, expected, n) != 0)
        give_up(c, "message %d is another one: %.200s", number, c->answer);
}

static void fetch_header(struct client *c) {
    char wanted[64];
    int number = random_message(c);
    command(c, "FETCH %d (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])", number);
    snprintf(wanted, sizeof wanted, "Subject: message %d\r\n", number);
    must_hold(c, wanted);
}

static void fetch_envelope(struct client *c) {
    char wanted[64];
    int number = random_message(c);
    command(c, "FETCH %d (ENVELOPE BODYSTRUCTURE FLAGS INTERNALDATE RFC822.SIZE)", number);
    snprintf(wanted, sizeof wanted, "\"message %d\"", number);
    must_hold(c, wanted);
    must_hold(c, "\"TEXT\" \"PLAIN\"");
}

static void fetch_flags(struct client *c) {
    command(c, "FETCH 1:* (UID FLAGS)");
    int lines = 0;
    for (const char *p = c->answer; (p = strstr(p, " FETCH (")); p++)
        lines++;
    if (lines < MESSAGES)
        give_up(c, "%d answers instead of %d", lines, MESSAGES);
}

static void store(struct client *c) {
    static const char *const flags[] = {"\\Seen", "\\Flagged", "\\Answered", "bench"};
    const char *flag = flags[(unsigned)rand_r(&c->seed) % 4];
    bool add = rand_r(&c->seed) % 2;
    command(c, "STORE %d %cFLAGS (%s)", random_message(c), add ? '+' : '-', flag); /* others change the same ones */
}

static void search(struct client *c) {
    char wanted[64];
    int number = random_message(c);
    command(c, "SEARCH SUBJECT \"message %d\" LARGER 100", number);
    snprintf(wanted, sizeof wanted, " %d", number);
    must_hold(c, "* SEARCH");
    must_hold(c, wanted);
}

static void status(struct client *c) {
    command(c, "STATUS Drafts (MESSAGES UIDNEXT UNSEEN)");
    must_hold(c, "MESSAGES 0");
}

/* Of a hundred commands, as programs send them. */
static void mixed(struct client *c) {
    static const struct {
        int share;
        void (*run)(struct client *c);
    } kind[] = {{25, fetch_header}, {20, fetch_envelope}, {10, fetch_body}, {5, fetch_flags},
                {15, store},        {5, search},          {10, status}};
    int at = (int)((unsigned)rand_r(&c->seed) % 100);
    for (size_t i = 0; i < sizeof kind / sizeof *kind; i++) {
        if (at < kind[i].share) {
            kind[i].run(c);
            return;
        }
        at -= kind[i].share;
    }
    command(c, "NOOP");
}

static void run_mixed(struct client *c) {
    log_in(c);
    select_inbox(c);
    while (!atomic_load(&over))
        mixed(c);
}

static void run_append(struct client *c) {
    log_in(c);
    for (int n = 1; !atomic_load(&over); n++)
        append(c, "Sent", n);
}

static void run_fetch(struct client *c) {
    log_in(c);
    select_inbox(c);
    while (!atomic_load(&over))
        fetch_body(c);
}

static void run_login(struct client *c) {
    while (!atomic_load(&over)) {
        log_in(c);
        command(c, "LOGOUT");
        SSL_free(c->ssl);
        close(c->fd);
    }
}

static void run_fill(struct client *c) {
    log_in(c);
    for (int i = 1; i <= MESSAGES; i++)
        append(c, "INBOX", i);
}

static const struct {
    const char *mode;
    void (*run)(struct client *c);
    bool once;
    int commands; /* that make one unit of the rate */
} modes[] = {{"fill", run_fill, true, 1},
             {"mixed", run_mixed, false, 1},
             {"append", run_append, false, 1},
             {"fetch", run_fetch, false, 1},
             {"login", run_login, false, 2}};

static size_t mode;

static void *work(void *context) {
    modes[mode].run(context);
    return NULL;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void run_threads(struct client *client) {
    double start = now(), warm;
    for (int i = 0; i < load.clients; i++)
        pthread_create(&client[i].thread, NULL, work, &client[i]);
    if (!modes[mode].once) {
        usleep((useconds_t)(load.seconds * 0.2e6)); /* logins and what is cold are not counted */
        warm = now();
        long before = atomic_load(&commands);
        usleep((useconds_t)(load.seconds * 1e6));
        double took = now() - warm;
        long done = atomic_load(&commands) - before;
        atomic_store(&over, true);
        printf("%.0f\n", (double)done / modes[mode].commands / took);
    }
    for (int i = 0; i < load.clients; i++)
        pthread_join(client[i].thread, NULL);
    if (modes[mode].once)
        printf("%.0f\n", (double)atomic_load(&commands) / (now() - start));
}

/* Connections that log in, select, and then say nothing. */
static void hold(struct client *client) {
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
        r.rlim_cur = r.rlim_max;
        setrlimit(RLIMIT_NOFILE, &r);
    }
    for (int i = 0; i < load.clients; i++) {
        struct client *c = &client[0];
        c->number = i + 1;
        log_in(c);
        command(c, "SELECT INBOX");
    }
    puts("open");
    fflush(stdout);
    while (getchar() != EOF)
        ;
}

int main(int argc, char **argv) {
    if (argc != 7) {
        fputs("usage: imapload fill|mixed|append|fetch|login|idle ADDRESS CLIENTS SECONDS USER PASSWORD\n", stderr);
        return 64;
    }
    load.mode = argv[1], load.user = argv[5], load.password = argv[6];
    load.address = argv[2], load.clients = (int)strtol(argv[3], NULL, 10);
    load.seconds = strtod(argv[4], NULL);
    if (strncmp(load.address, "tls:", 4) == 0) {
        tls = SSL_CTX_new(TLS_client_method());
        if (!tls)
            return 1;
        SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
    }
    signal(SIGPIPE, SIG_IGN);
    bool idle = strcmp(load.mode, "idle") == 0;
    struct client *client = calloc((size_t)(idle ? 1 : load.clients), sizeof *client);
    if (!client || load.clients < 1)
        return 64;
    for (int i = 0; i < (idle ? 1 : load.clients); i++)
        client[i].number = i + 1, client[i].seed = (unsigned)i;
    if (idle) {
        hold(client);
        return 0;
    }
    while (mode < sizeof modes / sizeof *modes && strcmp(modes[mode].mode, load.mode) != 0)
        mode++;
    if (mode == sizeof modes / sizeof *modes)
        return 64;
    run_threads(client);
    return 0;
}
