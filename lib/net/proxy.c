#include "net/proxy.h"

#include <netinet/in.h>

enum { FIXED_BYTES = 16, IPV4_BYTES = 12, IPV6_BYTES = 36 };

static const char signature[12] = "\r\n\r\n\0\r\nQUIT\n";

static void set_ipv4(const char *p, struct sockaddr_storage *peer) {
    struct sockaddr_in a = {.sin_family = AF_INET};
    memcpy(&a.sin_addr, p, 4);
    memcpy(&a.sin_port, p + 8, 2);
    memset(peer, 0, sizeof *peer);
    memcpy(peer, &a, sizeof a);
}

static void set_ipv6(const char *p, struct sockaddr_storage *peer) {
    struct sockaddr_in6 a = {.sin6_family = AF_INET6};
    memcpy(&a.sin6_addr, p, 16);
    memcpy(&a.sin6_port, p + 32, 2);
    memset(peer, 0, sizeof *peer);
    memcpy(peer, &a, sizeof a);
}

enum proxy_result proxy_parse(struct str bytes, size_t *length, struct sockaddr_storage *peer) {
    size_t known = bytes.n < sizeof signature ? bytes.n : sizeof signature;
    *length = FIXED_BYTES;
    if (known && memcmp(bytes.p, signature, known) != 0)
        return PROXY_BAD;
    if (bytes.n < FIXED_BYTES)
        return PROXY_MORE;
    unsigned char version = (unsigned char)bytes.p[12], family = (unsigned char)bytes.p[13];
    size_t rest = (size_t)(unsigned char)bytes.p[14] << 8 | (unsigned char)bytes.p[15];
    *length += rest;
    if (version >> 4 != 2 || (version & 15) > 1 || rest > PROXY_HEADER_MAX - FIXED_BYTES)
        return PROXY_BAD;
    bool is_local = (version & 15) == 0; /* LOCAL: the balancer itself */
    if (!is_local && ((family == 0x11 && rest < IPV4_BYTES) || (family == 0x21 && rest < IPV6_BYTES)))
        return PROXY_BAD;
    if (bytes.n < *length)
        return PROXY_MORE;
    if (!is_local && family == 0x11)
        set_ipv4(bytes.p + FIXED_BYTES, peer);
    if (!is_local && family == 0x21)
        set_ipv6(bytes.p + FIXED_BYTES, peer);
    return PROXY_DONE;
}
