#include "move/imap_client.h"

#include "base/codec.h"
#include "move/imap_parse.h"
#include "net/stream.h"
#include "net/tls.h"

#include <netdb.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    CONNECT_MS = 30 * 1000,
    ANSWER_MS = 300 * 1000,
    MAX_LINE = 1 << 20,
    MAX_RESPONSE = 1 << 30, /* with its literals */
    MAX_LITERALS = 10000,   /* in one response */
    TEXT = 200,             /* of what a server says, in an error */
};

struct imap_client {
    struct stream *stream;
    struct tls_context *tls;
    uint32_t sent; /* number of the last command */
    struct {
        uint32_t number; /* 0: free */
        bool good;
        struct err why;
    } ended[IMAP_AHEAD]; /* before one that was sent earlier */
    bool broken;
    struct buf response;
    char *capabilities; /* " A B C " */
};

bool imap_is_broken(const struct imap_client *c) { return c->broken; }

bool imap_can(const struct imap_client *c, const char *capability) {
    char word[64];
    int n = snprintf(word, sizeof word, " %s ", capability);
    struct str all = str_of(c->capabilities);
    for (size_t i = 0; n > 0 && i + (size_t)n <= all.n; i++)
        if (str_ieq(str_sub(all, i, (size_t)n), str_n(word, (size_t)n)))
            return true;
    return false;
}

/* ---- responses ---- */

/* One response into c->response, its literals with it; without the last line end. */
static bool read_response(struct imap_client *c, struct err *err) {
    buf_reset(&c->response);
    for (int literals = 0; literals < MAX_LITERALS; literals++) {
        size_t start = c->response.n;
        uint64_t size;
        if (!stream_read_line(c->stream, &c->response, MAX_LINE, ANSWER_MS, err))
            return !(c->broken = true);
        if (!imap_literal_at_end(str_n(c->response.p + start, c->response.n - start), &size))
            return true;
        if (size > MAX_RESPONSE - c->response.n)
            break;
        buf_add_c(&c->response, "\r\n");
        if (!stream_read_exact(c->stream, &c->response, (size_t)size, ANSWER_MS, err))
            return !(c->broken = true);
    }
    c->broken = true;
    return err_set(err, "the server's answer is larger than this can take");
}

static void take_capabilities(struct imap_client *c, struct str list) {
    free(c->capabilities);
    if (asprintf(&c->capabilities, " %.*s ", STR_ARG(str_trim(list))) < 0)
        mem_panic();
}

/* "[CAPABILITY ...]" in a status response, or "CAPABILITY ..." by itself. */
static void look_for_capabilities(struct imap_client *c, struct str response) {
    ptrdiff_t at = str_find(response, STR("[CAPABILITY "));
    if (at >= 0) {
        struct str list = str_sub(response, (size_t)at + 12, response.n);
        ptrdiff_t end = str_chr(list, ']');
        take_capabilities(c, str_sub(list, 0, end < 0 ? list.n : (size_t)end));
    } else if (str_istarts(response, STR("CAPABILITY "))) {
        take_capabilities(c, str_sub(response, 11, response.n));
    }
}

/* What a server says, fit to be shown: control characters gone, and not too long. */
static bool set_said(struct err *err, const char *what, struct str said) {
    char text[TEXT + 1];
    size_t n = said.n < TEXT ? said.n : TEXT;
    for (size_t i = 0; i < n; i++)
        text[i] = (unsigned char)said.p[i] < 0x20 || said.p[i] == 0x7f ? '?' : said.p[i];
    text[n] = 0;
    return err_set(err, "%s: %s", what, text);
}

bool imap_send(struct imap_client *c, struct str command, uint32_t *number, struct err *err) {
    struct buf line = BUF_EMPTY;
    *number = ++c->sent;
    buf_printf(&line, "m%u ", *number);
    buf_add_str(&line, command);
    buf_add_c(&line, "\r\n");
    bool good = stream_write(c->stream, buf_str(&line), ANSWER_MS, err);
    OPENSSL_cleanse(line.p, line.n);
    buf_free(&line);
    c->broken = c->broken || !good;
    return good;
}

/* "m12 OK ...": its number, and *response behind it; 0: no such line. */
static uint32_t take_tag(struct str *response) {
    struct str rest = *response, tag;
    uint32_t number;
    if (!str_split(&rest, ' ', &tag) || tag.n < 2 || *tag.p != 'm' || !str_u32(str_sub(tag, 1, tag.n), &number) ||
        !rest.p)
        return 0;
    *response = rest;
    return number;
}

static bool result(struct str response, struct err *err) {
    return str_istarts(response, STR("OK")) || set_said(err, "the server refused it", response);
}

/* Another command than the one that is waited for has ended. */
static bool remember_end(struct imap_client *c, uint32_t number, struct str response, struct err *err) {
    for (int i = 0; i < IMAP_AHEAD; i++)
        if (!c->ended[i].number) {
            c->ended[i].number = number;
            c->ended[i].good = result(response, &c->ended[i].why);
            return true;
        }
    c->broken = true;
    return err_set(err, "the server ends commands that were not sent");
}

static bool has_ended(struct imap_client *c, uint32_t number, bool *good, struct err *err) {
    for (int i = 0; i < IMAP_AHEAD; i++)
        if (c->ended[i].number == number) {
            *good = c->ended[i].good;
            if (!*good)
                *err = c->ended[i].why;
            c->ended[i].number = 0;
            return true;
        }
    return false;
}

/* One response while a command is waited for. */
static bool take_untagged(struct imap_client *c, struct str response, imap_untagged *each, void *context,
                          struct err *err) {
    look_for_capabilities(c, response);
    if (str_istarts(response, STR("BYE"))) {
        c->broken = true;
        return set_said(err, "the server closed the connection", response);
    }
    return !each || each(context, response) || !(c->broken = true); /* the rest of the answer is not read */
}

bool imap_wait(struct imap_client *c, uint32_t number, imap_untagged *each, void *context, struct err *err) {
    bool good;
    if (has_ended(c, number, &good, err))
        return good;
    for (;;) {
        if (!read_response(c, err))
            return false;
        struct str response = buf_str(&c->response);
        if (str_starts(response, STR("* "))) {
            if (!take_untagged(c, str_sub(response, 2, response.n), each, context, err))
                return false;
            continue;
        }
        uint32_t ended = take_tag(&response);
        if (ended == number) {
            look_for_capabilities(c, response);
            return result(response, err);
        }
        if (ended ? !remember_end(c, ended, response, err) : !str_starts(response, STR("+"))) {
            if (!c->broken)
                set_said(err, "this is no answer of an IMAP server", response);
            c->broken = true;
            return false;
        }
    }
}

bool imap_command(struct imap_client *c, struct str command, imap_untagged *each, void *context, struct err *err) {
    uint32_t number;
    return imap_send(c, command, &number, err) && imap_wait(c, number, each, context, err);
}

bool imap_add_quoted(struct buf *out, struct str s) {
    size_t before = out->n;
    buf_add_byte(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\r' || s.p[i] == '\n' || !s.p[i]) {
            out->n = before;
            return false;
        }
        if (s.p[i] == '"' || s.p[i] == '\\')
            buf_add_byte(out, '\\');
        buf_add_byte(out, s.p[i]);
    }
    buf_add_byte(out, '"');
    return true;
}

/* ---- logging in ---- */

static bool ask_capabilities(struct imap_client *c, struct err *err) {
    free(c->capabilities);
    c->capabilities = NULL;
    return imap_command(c, STR("CAPABILITY"), NULL, NULL, err);
}

/* AUTHENTICATE with one answer, sent at once where the server takes it so (RFC 4959). */
static bool authenticate(struct imap_client *c, const char *mechanism, struct str answer, struct err *err) {
    struct buf command = BUF_EMPTY, encoded = BUF_EMPTY;
    uint32_t number;
    base64_encode(answer, &encoded);
    buf_printf(&command, "AUTHENTICATE %s", mechanism);
    bool at_once = imap_can(c, "SASL-IR");
    if (at_once)
        buf_printf(&command, " %.*s", STR_ARG(buf_str(&encoded)));
    bool good = imap_send(c, buf_str(&command), &number, err);
    while (good && !at_once) {
        good = read_response(c, err);
        struct str response = buf_str(&c->response);
        if (!good || !str_starts(response, STR("* ")))
            break;
    }
    if (good && !at_once) {
        buf_add_c(&encoded, "\r\n");
        good = str_starts(buf_str(&c->response), STR("+"))
                   ? stream_write(c->stream, buf_str(&encoded), ANSWER_MS, err)
                   : set_said(err, "the server does not take the login", buf_str(&c->response));
    }
    good = good && imap_wait(c, number, NULL, NULL, err);
    OPENSSL_cleanse(encoded.p, encoded.n), OPENSSL_cleanse(command.p, command.n);
    buf_free(&encoded), buf_free(&command);
    return good;
}

static bool authenticate_plain(struct imap_client *c, const struct source_options *o, struct err *err) {
    struct buf answer = BUF_EMPTY; /* authzid NUL authcid NUL password (RFC 4616) */
    if (o->master.p)
        buf_add_str(&answer, o->user);
    buf_add_byte(&answer, 0);
    buf_add_str(&answer, o->master.p ? o->master : o->user);
    buf_add_byte(&answer, 0);
    buf_add_str(&answer, o->password);
    bool good = authenticate(c, "PLAIN", buf_str(&answer), err);
    OPENSSL_cleanse(answer.p, answer.n);
    buf_free(&answer);
    return good;
}

static bool authenticate_token(struct imap_client *c, const struct source_options *o, struct err *err) {
    struct buf answer = BUF_EMPTY;
    buf_printf(&answer,
               "user=%.*s\x01"
               "auth=Bearer %.*s\x01\x01",
               STR_ARG(o->user), STR_ARG(o->password));
    bool good = authenticate(c, "XOAUTH2", buf_str(&answer), err);
    OPENSSL_cleanse(answer.p, answer.n);
    buf_free(&answer);
    return good;
}

static bool log_in_plainly(struct imap_client *c, const struct source_options *o, struct err *err) {
    struct buf command = BUF_EMPTY;
    buf_add_c(&command, "LOGIN ");
    bool good = imap_add_quoted(&command, o->user);
    buf_add_byte(&command, ' ');
    good = good && imap_add_quoted(&command, o->password);
    good = good ? imap_command(c, buf_str(&command), NULL, NULL, err)
                : err_set(err, "LOGIN can't carry line ends in a name or password: try --auth plain");
    OPENSSL_cleanse(command.p, command.n);
    buf_free(&command);
    return good;
}

static bool log_in(struct imap_client *c, const struct source_options *o, struct err *err) {
    if (str_eq(o->mechanism, STR("xoauth2")))
        return authenticate_token(c, o, err);
    bool plain = o->mechanism.p ? str_eq(o->mechanism, STR("plain")) : imap_can(c, "AUTH=PLAIN") || o->master.p;
    if (plain)
        return authenticate_plain(c, o, err);
    if (o->master.p)
        return err_set(err, "--master needs --auth plain");
    if (imap_can(c, "LOGINDISABLED"))
        return err_set(err, "the server takes no password here (LOGINDISABLED); is it another port that does?");
    return log_in_plainly(c, o, err);
}

/* ---- connecting ---- */

static struct stream *dial(const char *host, uint16_t port, struct err *err) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *list = NULL;
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    int failure = getaddrinfo(host, service, &hints, &list);
    if (failure) {
        err_set(err, "can't find the host %s: %s", host, gai_strerror(failure));
        return NULL;
    }
    struct stream *s = NULL;
    for (struct addrinfo *a = list; a && !s; a = a->ai_next) {
        struct sockaddr_storage to = {0};
        memcpy(&to, a->ai_addr, a->ai_addrlen);
        s = stream_connect(&to, NULL, CONNECT_MS, err);
    }
    freeaddrinfo(list);
    return s;
}

static bool encrypt(struct imap_client *c, const char *host, const struct source_options *o, struct err *err) {
    c->tls = tls_client_new(o->ca, err);
    return c->tls && stream_start_tls(c->stream, c->tls, host, !o->unverified, CONNECT_MS, err);
}

static bool greet(struct imap_client *c, bool *preauth, struct err *err) {
    if (!read_response(c, err))
        return false;
    struct str response = buf_str(&c->response);
    *preauth = str_istarts(response, STR("* PREAUTH"));
    look_for_capabilities(c, response);
    return str_istarts(response, STR("* OK")) || *preauth || set_said(err, "the server does not welcome us", response);
}

static bool start_tls(struct imap_client *c, const char *host, const struct source_options *o, struct err *err) {
    if (!ask_capabilities(c, err))
        return false;
    if (!imap_can(c, "STARTTLS"))
        return o->plaintext ||
               err_set(err, "%s offers no STARTTLS: use imaps://, or say --plaintext where nobody can listen", host);
    return imap_command(c, STR("STARTTLS"), NULL, NULL, err) && encrypt(c, host, o, err);
}

/* PREAUTH leaves no way to STARTTLS (RFC 9051 section 6.2.1); somebody in between could have said it. */
static bool encrypted_or_allowed(struct imap_client *c, const char *host, bool preauth, const struct source_options *o,
                                 struct err *err) {
    if (!preauth)
        return start_tls(c, host, o, err);
    return o->plaintext || err_set(err, "%s logs us in without TLS: use imaps://, or say --plaintext", host);
}

struct imap_client *imap_open(const char *host, uint16_t port, bool implicit_tls, const struct source_options *o,
                              struct err *err) {
    struct imap_client *c = mem_zero(sizeof *c);
    bool preauth = false;
    c->stream = dial(host, port, err);
    if (c->stream && (!implicit_tls || encrypt(c, host, o, err)) && greet(c, &preauth, err) &&
        (implicit_tls || encrypted_or_allowed(c, host, preauth, o, err)) && ask_capabilities(c, err) &&
        (preauth || log_in(c, o, err)) && ask_capabilities(c, err))
        return c;
    imap_close(c);
    return NULL;
}

void imap_close(struct imap_client *c) {
    if (!c)
        return;
    struct err none;
    uint32_t number;
    if (c->stream && !c->broken)
        imap_send(c, STR("LOGOUT"), &number, &none);
    if (c->stream)
        stream_close(c->stream);
    tls_free(c->tls);
    buf_free(&c->response);
    free(c->capabilities);
    free(c);
}
