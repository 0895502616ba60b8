/*
 * record: the text of a policy, "v=spf1 ...", taken apart (RFC 7208 4.6.1 and 12). The whole of it is looked at before
 * anything is evaluated, so that an error anywhere in it counts (4.6).
 */
#ifndef SPF_RECORD_H
#define SPF_RECORD_H

#include "spf/spf.h"

enum spf_mechanism { SPF_ALL, SPF_INCLUDE, SPF_A, SPF_MX, SPF_PTR, SPF_IP4, SPF_IP6, SPF_EXISTS };

struct spf_directive {
    enum spf_mechanism mechanism;
    enum spf_result result;    /* what follows from a match: the qualifier */
    struct str text;           /* as the policy has it */
    struct str domain;         /* domain-spec, macros and all; p NULL: none */
    unsigned cidr4, cidr6;     /* prefix lengths; 32 and 128 where there are none */
    unsigned char network[16]; /* of ip4 (4 bytes) and ip6 */
};

struct spf_record {
    struct spf_directive *directive;
    size_t count;
    struct str redirect, explanation; /* domain-specs of redirect= and exp=; p NULL: none */
};

/* The text is a policy, well-formed or not (RFC 7208 4.5). */
bool spf_is_record(struct str text);
/* False with err saying what is wrong with it. The record points into the text. */
bool spf_record_parse(struct arena *a, struct str text, struct spf_record *out, struct err *err);

#endif
