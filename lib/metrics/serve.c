/* GET /metrics over HTTP/1.1 (RFC 9112), one request a connection. */
#include "base/memory.h"
#include "metrics/metrics.h"
#include "net/server.h"

#include <errno.h>
#include <stdlib.h>

enum { MAX_REQUEST = 8192, REQUEST_MS = 10000, MAX_WORKERS = 2, MAX_CONNECTIONS = 20, STOP_MS = 1000 };

struct metrics_server {
    const struct metrics_set *set;
    struct server *server;
    pthread_t thread;
    bool serving;
};

static void answer(struct conn *c, const char *status, const char *type, struct str body, bool with_body) {
    conn_printf(c, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", status, type,
                body.n);
    if (with_body)
        conn_write(c, body);
}

/* "GET /metrics HTTP/1.1" */
static void respond(struct conn *c, const struct metrics_set *set, struct str line) {
    static const char plain[] = "text/plain; charset=utf-8";
    struct str rest = line, method = {NULL, 0}, target = {NULL, 0}, path = {NULL, 0};
    str_split(&rest, ' ', &method);
    str_split(&rest, ' ', &target);
    str_split(&target, '?', &path);
    bool head = str_eq(method, STR("HEAD"));
    if (!rest.p || !str_starts(rest, STR("HTTP/1."))) {
        answer(c, "400 Bad Request", plain, STR("This is no HTTP request.\n"), true);
    } else if (!head && !str_eq(method, STR("GET"))) {
        answer(c, "405 Method Not Allowed", plain, STR("Only GET.\n"), true);
    } else if (!str_eq(path, STR("/metrics"))) {
        answer(c, "404 Not Found", plain, STR("The metrics are at /metrics.\n"), !head);
    } else {
        struct buf body = BUF_EMPTY;
        metrics_write(set, &body);
        answer(c, "200 OK", "text/plain; version=0.0.4; charset=utf-8", buf_str(&body), !head);
        buf_free(&body);
    }
}

static void *open_session(struct conn *c, void *context) {
    conn_set_timeout(c, REQUEST_MS);
    return context;
}

static enum step step(struct conn *c, void *session, enum event event) {
    const struct metrics_server *s = session;
    struct str in = conn_input(c), line = {NULL, 0};
    if (event == EVENT_OPEN && !conn_closing(c))
        return STEP_WAIT;
    if (event != EVENT_INPUT)
        return STEP_CLOSE;
    if (str_find(in, STR("\r\n\r\n")) < 0) {
        if (!conn_input_full(c))
            return STEP_WAIT;
        answer(c, "431 Request Header Fields Too Large", "text/plain", STR(""), true);
        return STEP_CLOSE;
    }
    str_split(&in, '\r', &line);
    respond(c, s->set, line);
    conn_consume(c, conn_input(c).n);
    return STEP_CLOSE;
}

static void close_session(struct conn *c, void *session) {
    (void)c;
    (void)session;
}

static const struct protocol protocol = {"metrics", open_session, step, close_session};

static void *serve(void *context) {
    struct metrics_server *s = context;
    server_run(s->server);
    return NULL;
}

struct metrics_server *metrics_listen(const struct metrics_set *set, const char *addresses, struct err *err) {
    struct str rest = str_of(addresses), address;
    err_set(err, "%s", "");
    if (!*addresses)
        return NULL;
    struct metrics_server *s = mem_zero(sizeof *s);
    struct server_options o = {.max_workers = MAX_WORKERS, .max_connections = MAX_CONNECTIONS};
    struct listener_options l = {.protocol = &protocol, .context = s, .max_input = MAX_REQUEST};
    s->set = set;
    s->server = server_new(&o);
    bool good = true;
    while (good && str_split(&rest, ' ', &address)) {
        char *text = str_dup(address);
        good = !*text || server_listen(s->server, text, &l, err);
        free(text);
    }
    if (good)
        return s;
    server_free(s->server);
    free(s);
    return NULL;
}

bool metrics_serve(struct metrics_server *s, struct err *err) {
    if (!s)
        return true;
    errno = pthread_create(&s->thread, NULL, serve, s);
    s->serving = errno == 0;
    return s->serving || err_errno(err, "cannot start the thread that serves metrics");
}

void metrics_retire(struct metrics_server *s) {
    if (s && s->serving)
        server_retire(s->server, STOP_MS, STOP_MS);
}

void metrics_stop(struct metrics_server *s) {
    if (!s)
        return;
    if (s->serving) {
        server_stop(s->server, STOP_MS);
        pthread_join(s->thread, NULL);
    }
    server_free(s->server);
    free(s);
}
