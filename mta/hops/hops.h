/*
 * hops: the header lines by which a message's way can be followed (RFC 5321 section 4.4), written and read: Received
 * for each hop, Return-Path and Delivered-To for each recipient here, and what is found of them in a message that comes
 * in.
 */
#ifndef HOPS_HOPS_H
#define HOPS_HOPS_H

#include "base/memory.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    HOPS_MAX = 100, /* Received lines over this: the message goes in circles (RFC 5321 section 6.3) */
};

struct hops_hop {
    const char *hostname;                 /* ours */
    struct str helo;                      /* as the client called itself, checked by parse_helo; "" where it did not */
    const char *peer;                     /* its address, "unix" for a local program */
    const char *name;                     /* of that address in the DNS, NULL where it is not known */
    bool hidden;                          /* who the client is stays with us: only that somebody was logged in */
    int64_t local_user;                   /* the user id of a local program, -1 where that is not known */
    const char *with;                     /* "ESMTPSA" (RFC 3848) */
    const char *tls_version, *tls_cipher; /* "" without TLS */
    const char *id;
    struct str recipient; /* the only one; p NULL where there are several (RFC 5321 section 7.6: they must not see each
                             other) */
    int64_t at;
};
/* Appends a Received field. */
void hops_received(const struct hops_hop *hop, struct buf *out);
/* "Return-Path: <sender>" CR LF "Delivered-To: recipient" CR LF, in the arena. */
struct str hops_prefix(struct arena *a, struct str sender, struct str recipient);

/* What an incoming message's header says. Views into the header, arrays in the arena. */
struct hops_header {
    uint32_t hops; /* Received lines */
    bool date, message_id;
    struct str message_id_text; /* its body */
    struct str *from;           /* bodies of From fields (Resent-From, where there are any) */
    size_t from_count;
    bool resent;
    struct str *delivered_to; /* addresses */
    size_t delivered_to_count;
};
void hops_read(struct arena *a, struct str message, struct hops_header *out);
/* The message was delivered to this address before: it goes in circles. */
bool hops_was_delivered_to(const struct hops_header *h, struct str address);

#endif
