#include "client/client.h"

#include "base/log.h"
#include "client/reply.h"
#include "client/session.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    CONNECT_MS = 30 * 1000,
    GREETING_MS = 300 * 1000, /* RFC 5321 4.5.3.2.1 */
    COMMAND_MS = 300 * 1000,  /* 4.5.3.2.2, 4.5.3.2.3 */
    TLS_MS = 60 * 1000,
    QUIT_MS = 5 * 1000,
};

/* "RCPTMAX=100 MAILMAX=10" (RFC 9422 section 3) */
static void read_limits(struct client *c, struct str values) {
    struct str word, name;
    while (values.p && str_split(&values, ' ', &word)) {
        uint32_t n;
        if (!str_split(&word, '=', &name) || !word.p || !str_u32(word, &n))
            continue;
        if (str_ieq(name, STR("MAILMAX")))
            c->limits.mails = n;
        else if (str_ieq(name, STR("RCPTMAX")))
            c->limits.rcpts = n;
        else if (str_ieq(name, STR("RCPTDOMAINMAX")))
            c->limits.domains = n;
    }
}

/* What the server can, by its answer to EHLO. */
static void read_extensions(struct client *c) {
    static const struct {
        const char *name;
        enum client_extension is;
    } known[] = {
        {"PIPELINING", CLIENT_PIPELINING}, {"8BITMIME", CLIENT_8BITMIME}, {"SIZE", CLIENT_SIZE},
        {"STARTTLS", CLIENT_STARTTLS},     {"CHUNKING", CLIENT_CHUNKING}, {"BINARYMIME", CLIENT_BINARYMIME},
        {"SMTPUTF8", CLIENT_SMTPUTF8},     {"DSN", CLIENT_DSN},           {"REQUIRETLS", CLIENT_REQUIRETLS},
    };
    struct str lines = buf_str(&c->reply.text), line, word;
    c->extensions = 0;
    c->max_size = 0;
    c->limits = (struct client_limits){0};
    str_split(&lines, '\n', &line);
    while (str_split(&lines, '\n', &line)) {
        struct str rest = str_trim(line);
        str_split(&rest, ' ', &word);
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            if (str_ieq(word, str_of(known[i].name)))
                c->extensions |= known[i].is;
        if (str_ieq(word, STR("SIZE")) && rest.p && !str_u64(str_trim(rest), &c->max_size))
            c->max_size = 0;
        if (str_ieq(word, STR("LIMITS")))
            read_limits(c, rest);
    }
}

bool client_command(struct client *c, const char *command, int timeout_ms, struct err *err) {
    buf_reset(&c->out);
    buf_add_c(&c->out, command);
    buf_add_c(&c->out, "\r\n");
    return stream_write(c->stream, buf_str(&c->out), timeout_ms, err) &&
           reply_read(c->stream, &c->reply, timeout_ms, err);
}

struct client_reply client_said(struct client *c, struct arena *a) {
    struct client_reply r = {.code = c->reply.code, .said = true};
    r.text = arena_str(a, str_sub(buf_str(&c->reply.whole), 0, 1000));
    if (c->reply.status[0])
        r.status = arena_str(a, str_of(c->reply.status));
    else
        r.status = c->reply.code >= 500 ? STR("5.0.0") : c->reply.code >= 400 ? STR("4.0.0") : STR("2.0.0");
    return r;
}

static struct client_reply happened(struct arena *a, const char *status, const char *text) {
    return (struct client_reply){.status = str_of(status), .text = arena_str(a, str_of(text))};
}

/* EHLO, or HELO for a server that knows no extensions (RFC 5321 section 3.2). False: *why is set. */
static bool greet(struct client *c, struct arena *a, struct client_reply *why) {
    char line[300];
    struct err err;
    snprintf(line, sizeof line, "EHLO %s", c->mta->hostname);
    bool heard = client_command(c, line, COMMAND_MS, &err);
    if (heard && c->reply.code >= 500) {
        snprintf(line, sizeof line, "HELO %s", c->mta->hostname);
        heard = client_command(c, line, COMMAND_MS, &err);
        buf_reset(&c->reply.text); /* one line, and nothing on it is an extension */
    }
    if (!heard) {
        *why = happened(a, "4.4.2", err.text);
        return false;
    }
    if (c->reply.code >= 300) {
        *why = client_said(c, a);
        return false;
    }
    struct str text = buf_str(&c->reply.whole), name;
    text = str_sub(text, 4, text.n);
    str_split(&text, ' ', &name);
    if (str_ieq(name, str_of(c->mta->hostname))) {
        *why = happened(a, "5.4.6", "mail for this destination loops back to this server");
        return false;
    }
    read_extensions(c);
    return true;
}

enum handshake { HANDSHAKE_OK, HANDSHAKE_FAILED, HANDSHAKE_NO_SESSION };

static enum handshake encrypt(struct client *c, struct arena *a, struct client_reply *why) {
    struct err err;
    if (!client_command(c, "STARTTLS", COMMAND_MS, &err)) {
        *why = happened(a, "4.4.2", err.text);
        return HANDSHAKE_NO_SESSION;
    }
    if (c->reply.code != 220) /* offered and not meant: goes on without */
        return HANDSHAKE_OK;
    if (!stream_start_tls(c->stream, c->mta->tls_client, c->host, false, TLS_MS, &err)) {
        log_info("client: no TLS with %s: %s", c->description, err.text);
        return HANDSHAKE_FAILED;
    }
    return greet(c, a, why) ? HANDSHAKE_OK : HANDSHAKE_NO_SESSION;
}

static struct client *session_new(const struct mta *m, struct stream *stream, struct str host, uint16_t port) {
    struct client *c = mem_zero(sizeof *c);
    c->mta = m;
    c->stream = stream;
    c->usable = true;
    c->host = str_dup(host);
    struct buf text = BUF_EMPTY;
    buf_printf(&text, "%s[%s]:%u", c->host, stream_peer(stream), port);
    c->description = text.p;
    return c;
}

static uint16_t port_of(const struct sockaddr_storage *a) {
    return ntohs(a->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)a)->sin6_port
                                          : ((const struct sockaddr_in *)a)->sin_port);
}

/* One attempt; *no_tls: the handshake failed, another attempt without encryption may do. */
static struct client *try_open(const struct mta *m, struct arena *a, const struct host *host, bool with_tls,
                               bool *no_tls, struct client_reply *why) {
    struct err err;
    *no_tls = false;
    struct stream *stream = stream_connect(&host->address, NULL, CONNECT_MS, &err);
    if (!stream) {
        *why = happened(a, "4.4.1", err.text);
        return NULL;
    }
    struct client *c = session_new(m, stream, host->name, port_of(&host->address));
    if (!reply_read(stream, &c->reply, GREETING_MS, &err))
        *why = happened(a, "4.4.2", err.text);
    else if (c->reply.code >= 300)
        *why = client_said(c, a);
    else if (greet(c, a, why)) {
        enum handshake h = with_tls && (c->extensions & CLIENT_STARTTLS) ? encrypt(c, a, why) : HANDSHAKE_OK;
        if (h == HANDSHAKE_OK)
            return c;
        *no_tls = h == HANDSHAKE_FAILED;
        c->usable = false;
    }
    client_close(c);
    return NULL;
}

struct client *client_open(const struct mta *m, struct arena *a, const struct host *host, struct client_reply *why) {
    bool no_tls;
    struct client *c = try_open(m, a, host, true, &no_tls, why);
    if (!c && no_tls)
        c = try_open(m, a, host, false, &no_tls, why);
    return c;
}

void client_close(struct client *c) {
    if (!c)
        return;
    struct err err;
    if (c->usable) /* what it answers changes nothing */
        client_command(c, "QUIT", QUIT_MS, &err);
    stream_close(c->stream);
    reply_free(&c->reply);
    buf_free(&c->out);
    free(c->host);
    free(c->description);
    free(c);
}

const char *client_describe(const struct client *c) { return c->description; }

const char *client_host(const struct client *c) { return c->host; }

const char *client_tls(const struct client *c) { return stream_tls_version(c->stream); }

bool client_exhausted(const struct client *c) { return c->usable && c->limits.mails && c->mails >= c->limits.mails; }

bool client_usable(const struct client *c) { return c->usable && !client_exhausted(c); }
