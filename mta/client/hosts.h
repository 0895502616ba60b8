/*
 * hosts: the addresses to try, in order, for a domain or a given next hop (RFC 5321 section 5).
 */
#ifndef CLIENT_HOSTS_H
#define CLIENT_HOSTS_H

#include "base/memory.h"
#include "mta.h"

#include <sys/socket.h>

enum { HOSTS_MAX = 20 };

struct host {
    struct str name;
    struct sockaddr_storage address; /* with port */
};

struct hosts {
    struct host host[HOSTS_MAX];
    size_t count;
    bool trusted; /* their names are the right ones: proven by DNSSEC, set by hand, or the domain's own */
    /* where there are none: */
    bool permanent;
    struct str status; /* "5.1.2" (RFC 3463) */
    struct str reason;
};

/* next_hop "": the domain's MX. False: there is nobody to connect to, and out says why. Strings in the arena. */
bool hosts_find(const struct mta *m, struct arena *a, struct str next_hop, struct str domain, struct hosts *out);

/* Splits "host", "[address]", "host:port", "[address]:port". False: it is none of these. */
bool hosts_parse_next_hop(struct str next_hop, struct str *host, uint16_t *port);

#endif
