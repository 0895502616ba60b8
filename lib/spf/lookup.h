/*
 * lookup: what an evaluation asks the DNS, and how much of that it may (RFC 7208 4.6.4).
 */
#ifndef SPF_LOOKUP_H
#define SPF_LOOKUP_H

#include "spf/evaluate.h"

struct spf_lookup {
    const struct spf_resolver *resolver;
    struct arena *arena;
    const struct sockaddr_storage *client; /* never IPv4 in IPv6 */
    int64_t deadline;                      /* clock_monotonic() */
    unsigned terms, voids;                 /* so far */
    bool term_is_void;                     /* a look-up of the present term found nothing: it counts once */
    bool validated_known;
    struct str validated[SPF_MAX_HOSTS]; /* the client's names, see spf_lookup_validated() */
    size_t validated_count;
};

enum spf_found {
    SPF_FOUND,
    SPF_FOUND_NOTHING,   /* or a name that the DNS can't hold */
    SPF_FOUND_TEMPORARY, /* no answer, or the time is over; err is set */
    SPF_FOUND_TOO_MANY,  /* beyond a limit; err is set */
};

/* Another term that asks the DNS. False with err set: one too many. */
bool spf_lookup_term(struct spf_lookup *l, struct err *err);
/* The texts of a name. Counts no void: for policies and explanations. */
enum spf_found spf_lookup_txt(struct spf_lookup *l, struct str name, struct str **txt, size_t *count, struct err *err);
/* A name's addresses of a family (AF_INET, AF_INET6) as raw bytes. */
enum spf_found spf_lookup_addresses(struct spf_lookup *l, struct str name, int family, struct str **address,
                                    size_t *count, struct err *err);
/* The hosts of a domain's MX. */
enum spf_found spf_lookup_mx(struct spf_lookup *l, struct str name, struct str **host, size_t *count, struct err *err);
/* The client's names that lead back to its address (5.5): at most SPF_MAX_HOSTS are tried. Asked for once; what the DNS
 * doesn't answer is no name. */
void spf_lookup_validated(struct spf_lookup *l, const struct str **name, size_t *count);

#endif
