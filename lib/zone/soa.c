#include "zone/soa.h"

#include "base/clock.h"
#include "base/codec.h"
#include "zone/name.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

enum { HEADER = 12, TYPE_SOA = 6, CLASS_IN = 1, TRIES = 3, TRY_MS = 400 };

bool soa_server_parse(const char *text, struct soa_server *out, struct err *err) {
    struct str s = str_of(text);
    ptrdiff_t at = str_rchr(s, '@');
    uint32_t port = 53;
    char host[64];
    struct sockaddr_in *v4 = (struct sockaddr_in *)&out->address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&out->address;
    *out = (struct soa_server){.length = sizeof *v4};
    if ((at >= 0 && (!str_u32(str_sub(s, (size_t)at + 1, s.n), &port) || port < 1 || port > 65535)) ||
        !str_to_c(at < 0 ? s : str_sub(s, 0, (size_t)at), host, sizeof host))
        return err_set(err, "dns_server = %s: expected an address and port like 127.0.0.1@53", text);
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        return true;
    }
    out->length = sizeof *v6;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons((uint16_t)port);
    return inet_pton(AF_INET6, host, &v6->sin6_addr) == 1 ||
           err_set(err, "dns_server = %s: expected an address and port like 127.0.0.1@53", text);
}

/* ---- messages ---- */

static uint32_t get16(const unsigned char *p) { return (uint32_t)p[0] << 8 | p[1]; }
static uint32_t get32(const unsigned char *p) { return get16(p) << 16 | get16(p + 2); }

size_t soa_question(struct str zone, uint16_t id, unsigned char out[512]) {
    struct arena a = ARENA_EMPTY;
    struct zone_name name;
    bool good = zone_name_parse(&a, zone, NULL, &name, NULL);
    arena_free(&a);
    if (!good)
        return 0;
    const unsigned char header[HEADER] = {(unsigned char)(id >> 8), (unsigned char)id, 0, 0, 0, 1}; /* one question */
    memcpy(out, header, HEADER);
    memcpy(out + HEADER, name.byte, name.n);
    const unsigned char tail[4] = {0, TYPE_SOA, 0, CLASS_IN};
    memcpy(out + HEADER + name.n, tail, sizeof tail);
    return HEADER + name.n + sizeof tail;
}

/* Moves *at behind a name, compressed or not (RFC 1035 section 4.1.4). */
static bool skip_name(const unsigned char *m, size_t n, size_t *at) {
    while (*at < n) {
        unsigned char length = m[*at];
        if (length >= 0xc0) {
            *at += 2;
            return *at <= n;
        }
        if (length > 63)
            return false;
        *at += length + 1u;
        if (length == 0)
            return *at <= n;
    }
    return false;
}

/* The serial in a SOA record's data, which is at [at, end). */
static bool read_serial(const unsigned char *m, size_t at, size_t end, uint32_t *serial) {
    for (int names = 0; names < 2; names++) /* MNAME, RNAME */
        if (!skip_name(m, end, &at))
            return false;
    if (end - at != 20)
        return false;
    *serial = get32(m + at);
    return true;
}

static bool find_serial(const unsigned char *m, size_t n, size_t at, uint32_t count, uint32_t *serial) {
    while (count--) {
        if (!skip_name(m, n, &at) || n - at < 10)
            return false;
        uint32_t type = get16(m + at), length = get16(m + at + 8);
        at += 10;
        if (length > n - at)
            return false;
        if (type == TYPE_SOA)
            return read_serial(m, at, at + length, serial);
        at += length;
    }
    return false;
}

bool soa_read(const unsigned char *question, size_t question_bytes, const unsigned char *m, size_t n,
              enum soa_answer *answer, uint32_t *serial) {
    if (n < question_bytes || memcmp(m, question, 2) != 0 || !(m[2] & 0x80) || get16(m + 4) != 1)
        return false;
    for (size_t i = HEADER; i < question_bytes; i++) /* the same question, letters without case */
        if (ascii_lower((char)m[i]) != ascii_lower((char)question[i]))
            return false;
    bool authoritative = m[2] & 0x04;
    *answer = SOA_REFUSES;
    if ((m[3] & 0x0f) == 0 && authoritative && find_serial(m, n, question_bytes, get16(m + 6), serial))
        *answer = SOA_SERVES;
    return true;
}

/* ---- asking ---- */

/* Waits for the answer to this question; anything else that comes is passed over. */
static bool receive(int fd, const unsigned char *question, size_t question_bytes, enum soa_answer *answer,
                    uint32_t *serial) {
    unsigned char message[4096];
    int64_t deadline = clock_monotonic() + TRY_MS * INT64_C(1000);
    for (;;) {
        int64_t left = (deadline - clock_monotonic()) / 1000;
        struct pollfd p = {fd, POLLIN, 0};
        int ready = left > 0 ? poll(&p, 1, (int)left) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return false;
        ssize_t n = recv(fd, message, sizeof message, 0);
        if (n < 0)
            return false; /* nobody listens there */
        if (soa_read(question, question_bytes, message, (size_t)n, answer, serial))
            return true;
    }
}

enum soa_answer soa_ask(const struct soa_server *server, struct str zone, uint32_t *serial, struct err *err) {
    unsigned char question[512];
    uint16_t id;
    random_bytes(&id, sizeof id);
    size_t n = soa_question(zone, id, question);
    enum soa_answer answer = SOA_SILENT;
    int fd = n ? socket(server->address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
    bool asked = fd >= 0 && connect(fd, (const struct sockaddr *)&server->address, server->length) == 0;
    for (int i = 0; asked && i < TRIES; i++)
        if (send(fd, question, n, 0) == (ssize_t)n && receive(fd, question, n, &answer, serial))
            break;
    if (fd >= 0)
        close(fd);
    if (answer == SOA_SILENT)
        err_set(err, "the nameserver does not answer");
    else if (answer == SOA_REFUSES)
        err_set(err, "the nameserver does not serve %.*s", STR_ARG(zone));
    return answer;
}
