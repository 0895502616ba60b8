#include "filter/endpoint.h"

#include "base/clock.h"

#include <netdb.h>
#include <stdio.h>

static bool take_path(struct str path, struct endpoint *out, struct err *err) {
    if (path.n == 0 || path.p[0] != '/')
        return err_set(err, "write the full path of the socket: unix:/run/...");
    if (!str_to_c(path, out->path, sizeof out->path))
        return err_set(err, "the path of the socket is too long: %d characters are possible", ENDPOINT_PATH - 1);
    return true;
}

static bool take_host(struct str host, struct str port, struct endpoint *out, struct err *err) {
    uint32_t number;
    if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        host = str_sub(host, 1, host.n - 2);
    if (host.n == 0 || !str_to_c(host, out->host, sizeof out->host))
        return err_set(err, "write the host and the port: inet:127.0.0.1:11332");
    for (size_t i = 0; i < host.n; i++)
        if (host.p[i] <= ' ' || host.p[i] > '~' || host.p[i] == '/' || host.p[i] == '@')
            return err_set(err, "\"%s\" is not the name or address of a host", out->host);
    if (!str_u32(port, &number) || number < 1 || number > 65535)
        return err_set(err, "the port is a number from 1 to 65535: inet:%s:11332", out->host);
    snprintf(out->port, sizeof out->port, "%u", number);
    return true;
}

bool endpoint_parse(struct str text, struct endpoint *out, struct err *err) {
    *out = (struct endpoint){0};
    text = str_trim(text);
    if (str_istarts(text, STR("unix:")))
        return take_path(str_sub(text, 5, text.n), out, err);
    if (str_istarts(text, STR("local:")))
        return take_path(str_sub(text, 6, text.n), out, err);
    if (str_istarts(text, STR("inet:")) || str_istarts(text, STR("inet6:")))
        text = str_sub(text, (size_t)str_chr(text, ':') + 1, text.n);
    ptrdiff_t at = str_chr(text, '@');
    if (at >= 0)
        return take_host(str_sub(text, (size_t)at + 1, text.n), str_sub(text, 0, (size_t)at), out, err);
    ptrdiff_t colon = str_rchr(text, ':');
    if (colon < 0)
        return err_set(err, "write inet:host:port or unix:/path");
    return take_host(str_sub(text, 0, (size_t)colon), str_sub(text, (size_t)colon + 1, text.n), out, err);
}

struct stream *endpoint_connect(const struct endpoint *e, int timeout_ms, struct err *err) {
    if (*e->path)
        return stream_connect_unix(e->path, timeout_ms, err);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *list = NULL;
    int failure = getaddrinfo(e->host, e->port, &hints, &list);
    if (failure != 0) {
        err_set(err, "the host %s is not known: %s", e->host, gai_strerror(failure));
        return NULL;
    }
    struct stream *s = NULL;
    int64_t deadline = clock_monotonic() + (int64_t)timeout_ms * 1000;
    for (struct addrinfo *a = list; a && !s; a = a->ai_next) {
        struct sockaddr_storage to = {0};
        int64_t left = (deadline - clock_monotonic()) / 1000;
        memcpy(&to, a->ai_addr, a->ai_addrlen);
        struct err why;
        if (left > 0 || a == list)
            s = stream_connect(&to, NULL, left > 0 ? (int)left : 1, &why);
        if (!s)
            err_set(err, "port %s: %s", e->port, why.text);
    }
    freeaddrinfo(list);
    return s;
}
