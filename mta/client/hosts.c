#include "client/hosts.h"

#include "net/dns.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static bool none(struct hosts *out, const char *status, struct str reason) {
    out->permanent = status[0] == '5';
    out->status = str_of(status);
    out->reason = reason;
    return false;
}

static bool parse_port(struct str s, uint16_t *port) {
    uint32_t v;
    if (!str_u32(s, &v) || v == 0 || v > 65535)
        return false;
    *port = (uint16_t)v;
    return true;
}

bool hosts_parse_next_hop(struct str next_hop, struct str *host, uint16_t *port) {
    ptrdiff_t end = next_hop.n && next_hop.p[0] == '[' ? str_chr(next_hop, ']') + 1 : str_chr(next_hop, ':');
    if (end == 0) /* "[" without "]", or ":port" */
        return false;
    *host = end < 0 ? next_hop : str_sub(next_hop, 0, (size_t)end);
    struct str rest = str_sub(next_hop, host->n, next_hop.n);
    return host->n && (rest.n == 0 || (rest.p[0] == ':' && parse_port(str_sub(rest, 1, rest.n), port)));
}

static void set_port(struct sockaddr_storage *address, uint16_t port) {
    if (address->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)address)->sin6_port = htons(port);
    else
        ((struct sockaddr_in *)address)->sin_port = htons(port);
}

/* "[192.0.2.1]", "[2001:db8::1]" or "[IPv6:2001:db8::1]" */
static bool parse_literal(struct arena *a, struct str s, struct sockaddr_storage *out) {
    *out = (struct sockaddr_storage){0};
    if (s.n < 3 || s.p[0] != '[' || s.p[s.n - 1] != ']')
        return false;
    struct str inside = str_sub(s, 1, s.n - 2);
    if (str_istarts(inside, STR("IPv6:")))
        inside = str_sub(inside, 5, inside.n);
    const char *text = arena_c(a, inside);
    if (inet_pton(AF_INET, text, &((struct sockaddr_in *)out)->sin_addr) == 1)
        out->ss_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &((struct sockaddr_in6 *)out)->sin6_addr) == 1)
        out->ss_family = AF_INET6;
    return out->ss_family != AF_UNSPEC;
}

static void add(struct hosts *out, struct str name, const struct sockaddr_storage *address, uint16_t port) {
    if (out->count == HOSTS_MAX)
        return;
    struct host *h = &out->host[out->count++];
    h->name = name;
    h->address = *address;
    set_port(&h->address, port);
}

static enum dns_status add_addresses(const struct mta *m, struct arena *a, struct str name, uint16_t port,
                                     struct hosts *out) {
    struct dns_address *address;
    size_t n = 0;
    enum dns_status status = dns_addresses(m->dns, a, name, &address, &n, NULL);
    for (size_t i = 0; status == DNS_OK && i < n; i++)
        add(out, name, &address[i].address, port);
    return status;
}

/* One name, without MX: a next hop, or a domain that has no MX (RFC 5321 section 5.1: it is its own). */
static bool find_host(const struct mta *m, struct arena *a, struct str name, uint16_t port, struct hosts *out) {
    if (str_ieq(name, str_of(m->hostname)))
        return none(out, "5.4.6", arena_printf(a, "mail for %.*s loops back to this server", STR_ARG(name)));
    enum dns_status status = add_addresses(m, a, name, port, out);
    if (out->count)
        return true;
    if (status == DNS_TEMPORARY)
        return none(out, "4.4.3", arena_printf(a, "the address of %.*s can't be looked up just now", STR_ARG(name)));
    return none(out, status == DNS_NODATA ? "5.4.4" : "5.1.2",
                arena_printf(a, "%.*s has no address: %s", STR_ARG(name), dns_status_text(status)));
}

/* The MX hosts that are better than ourselves (RFC 5321 section 5.1). */
static size_t better_than_us(const struct mta *m, const struct dns_mx *mx, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (str_ieq(mx[i].host, str_of(m->hostname))) {
            size_t k = 0;
            while (mx[k].preference < mx[i].preference)
                k++;
            return k;
        }
    return n;
}

static bool find_mx(const struct mta *m, struct arena *a, struct str domain, const struct dns_mx *mx, size_t n,
                    struct hosts *out) {
    bool temporary = false;
    if (n == 1 && mx[0].host.n == 0) /* RFC 7505 section 4.1 */
        return none(out, "5.1.10", arena_printf(a, "%.*s does not take mail (null MX)", STR_ARG(domain)));
    size_t usable = better_than_us(m, mx, n);
    if (usable == 0)
        return none(out, "5.4.6", arena_printf(a, "mail for %.*s loops back to this server", STR_ARG(domain)));
    for (size_t i = 0; i < usable; i++)
        if (mx[i].host.n && add_addresses(m, a, mx[i].host, m->remote_port, out) == DNS_TEMPORARY)
            temporary = true;
    if (out->count)
        return true;
    if (temporary)
        return none(out, "4.4.3",
                    arena_printf(a, "the mail servers of %.*s can't be looked up just now", STR_ARG(domain)));
    return none(out, "5.4.4", arena_printf(a, "none of the mail servers of %.*s has an address", STR_ARG(domain)));
}

static bool find_domain(const struct mta *m, struct arena *a, struct str domain, struct hosts *out) {
    struct dns_mx *mx;
    size_t n = 0;
    switch (dns_mx(m->dns, a, domain, &mx, &n, &out->trusted)) {
    case DNS_OK:
        return find_mx(m, a, domain, mx, n, out);
    case DNS_NODATA:
        out->trusted = true;
        return find_host(m, a, domain, m->remote_port, out);
    case DNS_NXDOMAIN:
        return none(out, "5.1.2", arena_printf(a, "the domain %.*s does not exist", STR_ARG(domain)));
    case DNS_BAD_NAME:
        return none(out, "5.1.2", arena_printf(a, "%.*s is no domain name", STR_ARG(domain)));
    default:
        return none(out, "4.4.3",
                    arena_printf(a, "the mail servers of %.*s can't be looked up just now", STR_ARG(domain)));
    }
}

bool hosts_find(const struct mta *m, struct arena *a, struct str next_hop, struct str domain, struct hosts *out) {
    struct sockaddr_storage address;
    struct str name = domain;
    uint16_t port = m->remote_port;
    *out = (struct hosts){.trusted = next_hop.n > 0};
    if (next_hop.n && !hosts_parse_next_hop(next_hop, &name, &port))
        return none(out, "5.3.5", arena_printf(a, "\"%.*s\" is set as the relay host and is none", STR_ARG(next_hop)));
    if (parse_literal(a, name, &address)) {
        add(out, name, &address, port);
        return true;
    }
    return next_hop.n ? find_host(m, a, name, port, out) : find_domain(m, a, name, out);
}
