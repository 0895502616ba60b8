/*
 * network: sets of IP networks, as people write them: "192.0.2.0/24", "2001:db8::/32", or one address. An IPv4 address
 * is the same as the one that is mapped into IPv6. UNIX sockets are in no network.
 */
#ifndef NET_NETWORK_H
#define NET_NETWORK_H

#include "base/err.h"
#include "base/memory.h"
#include "base/str.h"

#include <sys/socket.h>

enum { NETWORK_TEXT = 48 };

struct network {
    unsigned char byte[16]; /* IPv4: ::ffff:192.0.2.0; zero behind the prefix */
    uint8_t bits;           /* of the 128: an IPv4 /24 is 120 */
};

/* False where it is no network. Bits behind the prefix are cleared. */
bool network_parse(struct str text, struct network *out);
/* The network of this size around an address; false for a UNIX socket. */
bool network_of(const struct sockaddr_storage *address, unsigned ipv4_bits, unsigned ipv6_bits, struct network *out);
/* "192.0.2.0/24"; a single address has no "/". */
void network_text(const struct network *n, char out[NETWORK_TEXT]);

struct networks {
    struct network *at; /* the smallest first, then by their bytes */
    size_t count;
};
/* Puts the array, which the caller has filled in, in the order that finding needs. */
void networks_sort(struct networks *n);
/* Reads words separated by blanks, commas or line ends, into the arena. False with err where one is no network; the
 * others are there then. */
bool networks_parse(struct arena *a, struct str text, struct networks *out, struct err *err);
/* The smallest network that holds the address: its place, or -1. */
ptrdiff_t networks_find(const struct networks *n, const struct sockaddr_storage *address);

#endif
