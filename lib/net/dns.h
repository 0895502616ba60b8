/*
 * dns: look-ups through libunbound: cached, DNSSEC-validating where a trust anchor is configured, bounded in time and
 * in number at once. One resolver a process, safe for all threads.
 */
#ifndef NET_DNS_H
#define NET_DNS_H

#include "base/err.h"
#include "base/memory.h"

#include <sys/socket.h>

struct dns;

/* resolver: NULL or "" for recursion from the root servers on (validating where Debian's dns-root-data is installed);
 * "system" for /etc/resolv.conf and /etc/hosts; else words separated by blanks: "addr@port" to forward to (any number),
 * "anchor=/path" (DNSKEY or DS records in zone file form) to validate by, "timeout=SECONDS" for an answer (15).
 * NULL with err set where that can't be done. 512 questions are under way at once, more wait for their turn. */
struct dns *dns_new(const char *resolver, struct err *err);
void dns_free(struct dns *d);

enum dns_status {
    DNS_OK,        /* records were found */
    DNS_NODATA,    /* the name exists (or may), but has none of this type */
    DNS_NXDOMAIN,  /* the name does not exist */
    DNS_TEMPORARY, /* no answer, server failure, time out, bogus DNSSEC: try again later */
    DNS_BAD_NAME,  /* not a domain name */
};

struct dns_mx {
    uint16_t preference;
    struct str host; /* lower case, no trailing dot; "" is the null MX (RFC 7505) */
};
struct dns_address {
    struct sockaddr_storage address; /* port 0 */
};

/* Results live in the arena; `secure` (may be NULL) says that DNSSEC proved the answer. A name is an A-label domain
 * name. */
enum dns_status dns_mx(struct dns *d, struct arena *a, struct str domain, struct dns_mx **out, size_t *count,
                       bool *secure); /* sorted, shuffled within a preference */
enum dns_status dns_addresses(struct dns *d, struct arena *a, struct str host, struct dns_address **out, size_t *count,
                              bool *secure); /* AAAA and A */
enum dns_status dns_txt(struct dns *d, struct arena *a, struct str name, struct str **out, size_t *count,
                        bool *secure); /* strings of a record joined */
enum dns_status dns_ptr(struct dns *d, struct arena *a, const struct sockaddr_storage *address, struct str **out,
                        size_t *count);
/* Any type: raw rdata. */
enum dns_status dns_query(struct dns *d, struct arena *a, struct str name, int type, struct str **rdata, size_t *count,
                          bool *secure);
/* The same for names that policies make up, which may hold any byte (RFC 2181 11), and not waited for beyond `deadline`
 * (clock_monotonic()). */
enum dns_status dns_query_until(struct dns *d, struct arena *a, struct str name, int type, int64_t deadline,
                                struct str **rdata, size_t *count);
/* Several questions at the same time, all answered or given up at the deadline (monotonic microseconds). At most some
 * dozens: each holds one of the places for questions. */
struct dns_question {
    struct str name; /* as for dns_query_until */
    int type;
    enum dns_status status;
    struct str *rdata; /* raw, in the arena */
    size_t count;
};
void dns_query_all(struct dns *d, struct arena *a, struct dns_question *q, size_t n, int64_t deadline);
/* The name that PTR records stand at; "" where the address is neither IPv4 nor IPv6. */
struct str dns_reverse_name(struct arena *a, const struct sockaddr_storage *address);
/* A name within raw rdata (that of NS, PTR; of MX behind its preference), in lower case without its last dot; false
 * where it can't be a host name in text form. */
bool dns_rdata_name(struct arena *a, struct str rdata, struct str *out);
/* The strings of a TXT record's raw rdata, one behind the other. */
struct str dns_rdata_text(struct arena *a, struct str rdata);
/* Until when the calling thread's look-ups wait, whatever their own time would be (monotonic microseconds; 0: no
 * limit): for work of many look-ups, which together have a bound. */
void dns_limit(int64_t until);
const char *dns_status_text(enum dns_status s);

#endif
