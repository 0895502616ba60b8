/*
 * signature: the fields that hold signatures, read and judged by themselves: DKIM-Signature (RFC 6376 section 3.5) and
 * the two of ARC that are made like it (RFC 8617 sections 4.1.2 and 4.1.3).
 */
#ifndef DKIM_SIGNATURE_H
#define DKIM_SIGNATURE_H

#include "dkim/dkim.h"
#include "dkim/message.h"
#include "dkim/tags.h"

enum dkim_kind { DKIM_KIND_SIGNATURE, DKIM_KIND_ARC_MESSAGE, DKIM_KIND_ARC_SEAL };

/* What verifying needs beside struct dkim_signature. */
struct dkim_parsed {
    enum dkim_kind kind;
    const struct dkim_field *field;
    struct dkim_tags tags;
    struct str headers;   /* h= */
    struct str b, bh;     /* decoded */
    struct str b_text;    /* b= without white space; n 0: there is none */
    size_t b_from, b_to;  /* the value of b= in the field's body */
    uint64_t body_length; /* l=; UINT64_MAX: none */
};

enum { DKIM_MAX_NAMES = 1000 /* in h= */ };

/* Reads the field at `index` of the message into both. False where that decides the result already, which then stands
 * in *s with its reason; else s->result is DKIM_NONE. `now` is in microseconds. */
bool dkim_signature_read(struct arena *a, const struct dkim_message *m, size_t index, enum dkim_kind kind, int64_t now,
                         struct dkim_signature *s, struct dkim_parsed *p);
/* A domain name in lower case and A-labels (RFC 8616 section 4); p NULL where it is none. */
struct str dkim_domain(struct arena *a, struct str name);
/* Sets the result and returns false. */
bool dkim_decide(struct dkim_signature *s, enum dkim_result result, struct str reason);

#endif
