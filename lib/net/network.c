#include "net/network.h"

#include "net/sockaddr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

enum { IPV4_OFFSET = 96, ALL_BITS = 128 };

static void clear_behind(struct network *n) {
    for (unsigned i = n->bits; i < ALL_BITS; i++)
        n->byte[i / 8] &= (unsigned char)~(0x80 >> i % 8);
}

/* The address as 16 bytes; false for what is none. */
static bool bytes_of(const struct sockaddr_storage *address, unsigned char out[16], bool *ipv4) {
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (address->ss_family == AF_INET) {
        memcpy(out, mapped, sizeof mapped);
        memcpy(out + sizeof mapped, &((const struct sockaddr_in *)address)->sin_addr, 4);
    } else if (address->ss_family == AF_INET6) {
        memcpy(out, &((const struct sockaddr_in6 *)address)->sin6_addr, 16);
    } else {
        return false;
    }
    *ipv4 = memcmp(out, mapped, sizeof mapped) == 0;
    return true;
}

bool network_parse(struct str text, struct network *out) {
    struct sockaddr_storage address;
    text = str_trim(text);
    ptrdiff_t slash = str_chr(text, '/');
    uint32_t bits = ALL_BITS;
    bool ipv4;
    if (!sockaddr_from_text(slash < 0 ? text : str_sub(text, 0, (size_t)slash), 0, &address))
        return false;
    unsigned offset = address.ss_family == AF_INET ? IPV4_OFFSET : 0;
    if (slash >= 0) {
        if (!str_u32(str_sub(text, (size_t)slash + 1, text.n), &bits) || bits > ALL_BITS - offset)
            return false;
        bits += offset;
    }
    bytes_of(&address, out->byte, &ipv4);
    out->bits = (uint8_t)bits;
    clear_behind(out);
    return true;
}

bool network_of(const struct sockaddr_storage *address, unsigned ipv4_bits, unsigned ipv6_bits, struct network *out) {
    bool ipv4;
    if (!bytes_of(address, out->byte, &ipv4))
        return false;
    out->bits = (uint8_t)(ipv4 ? ipv4_bits + IPV4_OFFSET : ipv6_bits);
    clear_behind(out);
    return true;
}

void network_text(const struct network *n, char out[NETWORK_TEXT]) {
    struct in6_addr address;
    char text[INET6_ADDRSTRLEN] = "";
    memcpy(&address, n->byte, sizeof address);
    bool ipv4 = n->bits >= IPV4_OFFSET && IN6_IS_ADDR_V4MAPPED(&address);
    if (ipv4)
        inet_ntop(AF_INET, n->byte + 12, text, sizeof text);
    else
        inet_ntop(AF_INET6, n->byte, text, sizeof text);
    if (n->bits == ALL_BITS)
        snprintf(out, NETWORK_TEXT, "%s", text);
    else
        snprintf(out, NETWORK_TEXT, "%.40s/%d", text, ipv4 ? n->bits - IPV4_OFFSET : n->bits);
}

static int by_size(const void *a, const void *b) {
    const struct network *x = a, *y = b;
    if (x->bits != y->bits)
        return x->bits > y->bits ? -1 : 1;
    return memcmp(x->byte, y->byte, sizeof x->byte);
}

void networks_sort(struct networks *n) {
    if (n->count)
        qsort(n->at, n->count, sizeof *n->at, by_size);
}

bool networks_parse(struct arena *a, struct str text, struct networks *out, struct err *err) {
    bool good = true;
    size_t words = 0;
    struct str word;
    for (struct str rest = text; str_word(&rest, &word);)
        words++;
    *out = (struct networks){.at = arena_array(a, words, sizeof *out->at)};
    while (str_word(&text, &word)) {
        if (network_parse(word, &out->at[out->count]))
            out->count++;
        else
            good = err_set(err, "\"%.*s\" is no network: write 192.0.2.0/24, 2001:db8::/32 or a single address",
                           STR_ARG(str_sub(word, 0, 60)));
    }
    networks_sort(out);
    return good;
}

ptrdiff_t networks_find(const struct networks *n, const struct sockaddr_storage *address) {
    struct network wanted;
    bool ipv4;
    size_t from = 0;
    if (n->count == 0 || !bytes_of(address, wanted.byte, &ipv4))
        return -1;
    while (from < n->count) { /* one search for each size that there is */
        size_t end = from, left = n->count - from;
        wanted.bits = n->at[from].bits;
        clear_behind(&wanted);
        struct network beyond = {.bits = wanted.bits};
        memset(beyond.byte, 0xff, sizeof beyond.byte);
        while (left > 0) { /* the first one that is smaller than all of this size */
            size_t half = left / 2;
            if (by_size(&n->at[end + half], &beyond) <= 0) {
                end += half + 1;
                left -= half + 1;
            } else {
                left = half;
            }
        }
        const struct network *found = bsearch(&wanted, n->at + from, end - from, sizeof *n->at, by_size);
        if (found)
            return found - n->at;
        from = end;
    }
    return -1;
}
