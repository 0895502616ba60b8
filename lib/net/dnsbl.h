/*
 * dnsbl: lists in the DNS of clients that send spam, or that never do (RFC 5782), each with a weight. Written as words
 *
 *     domain[=filter][*weight]        bad.example.org   bad.example.org=127.0.0.[2..11]*3   good.example.net*-2
 *
 * A filter says which answers count: four numbers, or in brackets numbers and ranges with semicolons between them
 * ("127.0.[0;2].[2..4;10]"). Without one any answer in 127.0.0.0/8 counts. The weight is 1 where it is not given; that
 * of a list of good clients is negative.
 */
#ifndef NET_DNSBL_H
#define NET_DNSBL_H

#include "net/dns.h"

enum { DNSBL_MAX_LISTS = 32 };

struct dnsbl_list {
    struct str domain;
    bool filtered;
    uint64_t allowed[4][4]; /* for each number of an answer, the 256 values it may have */
    int32_t weight;
};
struct dnsbl {
    struct dnsbl_list *list;
    size_t count;
};

/* Reads words separated by blanks, commas or line ends, into the arena. False with err where one can't be understood;
 * the others are there then. */
bool dnsbl_parse(struct arena *a, struct str text, struct dnsbl *out, struct err *err);
/* Whether an answer (an A record) counts. */
bool dnsbl_matches(const struct dnsbl_list *l, const unsigned char answer[4]);

struct dnsbl_result {
    int32_t score;                  /* the sum of the weights */
    const struct dnsbl_list *worst; /* of the highest positive weight; NULL: on no such list */
    struct str text; /* what it says about the client (TXT), as printable ASCII; "" where it says nothing */
};
/* Asks all lists about the client at the same time, for timeout_ms at the most; who gives no answer does not count. */
void dnsbl_check(const struct dnsbl *lists, struct dns *dns, struct arena *a, const struct sockaddr_storage *client,
                 int timeout_ms, struct dnsbl_result *out);

#endif
