/*
 * zone: DNS zones and records in presentation format (RFC 1035 section 5), checked before they reach a nameserver. Used
 * by the forms (web, cli through directory/admin) and by the exporter (dns/). Owner names are relative to the zone,
 * lower case,
 * "@" for the apex; rdata names may be relative or absolute (trailing dot).
 */
#ifndef ZONE_ZONE_H
#define ZONE_ZONE_H

#include "base/err.h"
#include "base/memory.h"
#include "base/str.h"

struct zone_record {
    struct str name;  /* relative, lower case, "@" */
    struct str type;  /* upper case */
    int64_t ttl;      /* -1: the zone's */
    struct str rdata; /* normalised presentation format */
};

struct zone {
    struct str name; /* A-labels, lower case, no trailing dot */
    struct str primary_ns, contact;
    uint32_t refresh, retry, expire, minimum, ttl;
    uint32_t serial;
    struct zone_record *record;
    size_t count;
};

/* Checks and normalises one record as typed: name, type, and rdata for that type (A, AAAA, NS, MX, TXT, CNAME, SRV,
 * CAA, PTR, TLSA, SSHFP, DS, SVCB, HTTPS, NAPTR, LOC ...). False with a sentence a person can act on. TXT text without
 * quotes is quoted and split into strings of 255 bytes. */
bool zone_record_check(struct arena *a, struct str zone, struct str name, struct str type, struct str rdata,
                       struct zone_record *out, struct err *err);
/* All records anew, as zone_record_check does: whatever wrote them to the database. False with the first that is wrong.
 */
bool zone_normalise(struct arena *a, struct zone *z, struct err *err);
/* What only the whole zone shows: CNAME beside other data (RFC 1034 section 3.6.2), differing TTLs in an rrset, MX, NS
 * or SRV that point to a CNAME or to nothing within the zone, no NS at the apex, names below a delegation. */
bool zone_check(struct arena *a, const struct zone *z, struct err *err);
/* The same, all that is wrong: up to 100 sentences in a fixed order. */
size_t zone_problems(struct arena *a, const struct zone *z, struct str **out);
/* A name for a zone as typed (domain name, IDN, reverse zone) to A-labels without the trailing dot. */
bool zone_name_check(struct arena *a, struct str typed, struct str *name, struct err *err);
/* A mail address as the name in the SOA record (RFC 1035 section 8), with the trailing dot. */
bool zone_contact_name(struct arena *a, struct str address, struct str *name, struct err *err);
/* The zone file (master file format, fixed order: equal zones give equal bytes apart from the serial). Appends. */
void zone_write(const struct zone *z, struct buf *out);
/* RFC 1912 2.2 serial: the next after `old`, date-based where that is greater, in serial arithmetic (RFC 1982). */
uint32_t zone_next_serial(uint32_t old, int64_t now);
/* x is later than y in serial arithmetic (RFC 1982 section 3.2). */
bool zone_serial_later(uint32_t x, uint32_t y);
/* The record as a nameserver sends it: the type's number, the owner's absolute name (without the trailing dot), the
 * data with names in lower case and uncompressed. False for types whose wire format is not known here. */
bool zone_record_wire(struct arena *a, struct str zone, const struct zone_record *r, int *type, struct str *owner,
                      struct str *rdata);
/* Types that zone_record_check knows, NULL-terminated, for forms. */
const char *const *zone_types(void);

#endif
