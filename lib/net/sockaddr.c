#include "net/sockaddr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/un.h>

bool sockaddr_from_text(struct str text, uint16_t port, struct sockaddr_storage *out) {
    char host[SOCKADDR_TEXT];
    memset(out, 0, sizeof *out);
    if (text.n > 2 && text.p[0] == '[' && text.p[text.n - 1] == ']')
        text = str_sub(text, 1, text.n - 2);
    if (!str_to_c(text, host, sizeof host))
        return false;
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        return true;
    }
    if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        return true;
    }
    return false;
}

bool sockaddr_parse(const char *text, struct sockaddr_storage *out, struct err *err) {
    struct str s = str_of(text);
    ptrdiff_t colon = str_rchr(s, ':');
    uint32_t port;
    bool bracketed = s.n && s.p[0] == '[';
    if (colon < 0 || !str_u32(str_sub(s, (size_t)colon + 1, s.n), &port) || port > UINT16_MAX ||
        !sockaddr_from_text(str_sub(s, 0, (size_t)colon), (uint16_t)port, out) ||
        bracketed != (out->ss_family == AF_INET6))
        return err_set(err, "'%s' is no address: write 127.0.0.1:25, [::1]:25 or unix:/path", text);
    return true;
}

bool sockaddr_unix(const char *path, struct sockaddr_storage *out, struct err *err) {
    struct sockaddr_un *u = (struct sockaddr_un *)out;
    memset(out, 0, sizeof *out);
    if (!*path || !str_to_c(str_of(path), u->sun_path, sizeof u->sun_path))
        return err_set(err, "the socket path '%s' is empty or longer than %zu bytes", path, sizeof u->sun_path - 1);
    u->sun_family = AF_UNIX;
    return true;
}

socklen_t sockaddr_length(const struct sockaddr_storage *a) {
    switch (a->ss_family) {
    case AF_INET:
        return sizeof(struct sockaddr_in);
    case AF_INET6:
        return sizeof(struct sockaddr_in6);
    case AF_UNIX:
        return sizeof(struct sockaddr_un);
    default:
        return sizeof *a;
    }
}

void sockaddr_unmap(struct sockaddr_storage *a) {
    struct sockaddr_in6 v6;
    if (a->ss_family != AF_INET6)
        return;
    memcpy(&v6, a, sizeof v6);
    if (!IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
        return;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = v6.sin6_port};
    memcpy(&v4.sin_addr, v6.sin6_addr.s6_addr + 12, 4);
    memset(a, 0, sizeof *a);
    memcpy(a, &v4, sizeof v4);
}

void sockaddr_text(const struct sockaddr_storage *a, char out[SOCKADDR_TEXT]) {
    struct sockaddr_storage plain = *a;
    sockaddr_unmap(&plain);
    snprintf(out, SOCKADDR_TEXT, "unix");
    if (plain.ss_family == AF_INET)
        inet_ntop(AF_INET, &((struct sockaddr_in *)&plain)->sin_addr, out, SOCKADDR_TEXT);
    else if (plain.ss_family == AF_INET6)
        inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&plain)->sin6_addr, out, SOCKADDR_TEXT);
}

uint16_t sockaddr_port(const struct sockaddr_storage *a) {
    if (a->ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)a)->sin_port);
    if (a->ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)a)->sin6_port);
    return 0;
}

void sockaddr_set_port(struct sockaddr_storage *a, uint16_t port) {
    if (a->ss_family == AF_INET)
        ((struct sockaddr_in *)a)->sin_port = htons(port);
    else if (a->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)a)->sin6_port = htons(port);
}

bool sockaddr_is_local(const struct sockaddr_storage *a) {
    struct sockaddr_storage plain = *a;
    sockaddr_unmap(&plain);
    if (plain.ss_family == AF_INET)
        return ntohl(((struct sockaddr_in *)&plain)->sin_addr.s_addr) >> 24 == 127;
    if (plain.ss_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)&plain)->sin6_addr);
    return plain.ss_family == AF_UNIX;
}
