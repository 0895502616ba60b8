/*
 * dns_cache: answers kept in front of libunbound's own cache. Asking libunbound costs two changes of threads even where
 * it knows the answer; a mail server asks the same few names again and again. An answer is kept as long as its records
 * live, but a second at least and DNS_CACHE_SECONDS at most; and two seconds more for all but the first who asks for it
 * then. A name's place in the table is its hash; who comes later takes it. So it needs no upkeep, and its size is
 * bounded.
 */
#ifndef NET_DNS_CACHE_H
#define NET_DNS_CACHE_H

#include "net/dns.h"

enum {
    DNS_CACHE_PLACES = 4096,
    DNS_CACHE_BYTES = 4096, /* of one answer; larger ones are not kept */
    DNS_CACHE_SECONDS = 60,
};

struct dns_cache;

struct dns_answer {
    enum dns_status status; /* not DNS_TEMPORARY */
    bool secure;
    struct str *rdata;
    size_t count;
};

struct dns_cache *dns_cache_new(void);
void dns_cache_free(struct dns_cache *c);
/* The answer, copied into the arena; false where it is not there. */
bool dns_cache_find(struct dns_cache *c, struct arena *a, const char *name, int type, struct dns_answer *out);
void dns_cache_keep(struct dns_cache *c, const char *name, int type, const struct dns_answer *answer, int64_t seconds);

#endif
