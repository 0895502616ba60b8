/*
 * rdata: a record's data in presentation format, by type. A type is a row of a table (types.c): its fields in order,
 * and what must hold between them. What is read is written anew from the values, so that nothing of the typed text
 * reaches a zone file by itself.
 */
#ifndef ZONE_RDATA_H
#define ZONE_RDATA_H

#include "zone/name.h"

enum { RDATA_MAX_FIELDS = 7, RDATA_MAX_BYTES = 16384 };

enum rdata_field_kind {
    RDATA_END,
    RDATA_U8,
    RDATA_U16,
    RDATA_NAME,
    RDATA_HOST,         /* a machine's name */
    RDATA_HOST_OR_ROOT, /* or "." for none */
    RDATA_STRING,       /* one string of at most 255 bytes, written with quotes */
    RDATA_LONG_STRING,  /* one string without that limit (CAA, URI) */
    RDATA_TEXT,         /* all that follows: strings, or text without quotes (TXT) */
    RDATA_WORD,         /* letters and digits, in lower case (CAA's tag) */
    RDATA_IP4,
    RDATA_IP6,
    RDATA_HEX,    /* all that follows */
    RDATA_BASE64, /* all that follows */
    RDATA_CUSTOM, /* all that follows, by the type's own function */
};

struct rdata_field {
    enum rdata_field_kind kind;
    const char *what; /* for error sentences: "the preference" */
};

/* What was read. */
struct rdata {
    struct str text; /* normalised */
    struct str wire; /* as it goes over the wire, names uncompressed; p NULL: not known for this type */
    uint32_t number[RDATA_MAX_FIELDS]; /* in the order of the number fields */
    struct zone_name name[2];          /* in the order of the name fields */
    size_t numbers, names;
    struct str bytes;     /* of the last string, hex or base64 field */
    struct str string[4]; /* in the order of the string fields */
    size_t strings;
};

struct rdata_reader {
    struct arena *a;
    struct str text;
    size_t at;
    const struct zone_name *owner, *origin;
    struct buf out, wire;
    bool no_wire;
    struct rdata *got;
    struct err *err;
};

enum rdata_flags {
    RDATA_OWNER_HOST =
        1, /* the owner is a machine's name, or a wildcard (what BIND's check-names asks of primary zones) */
    RDATA_NOT_AT_APEX = 2,
    RDATA_SINGLE = 4,       /* one record at most in the rrset */
    RDATA_ALONE = 8,        /* no other data at the name (CNAME) */
    RDATA_TARGET = 16,      /* the last name should exist where it is within the zone */
    RDATA_TARGET_HOST = 32, /* and must have addresses, and be no alias (RFC 2181 section 10.3) */
};

struct rdata_type {
    const char *name;
    uint16_t number;
    struct rdata_field field[RDATA_MAX_FIELDS];
    unsigned flags;
    const char *example;
    bool (*custom)(struct rdata_reader *r);
    bool (*check)(const struct rdata *d, const struct zone_name *owner,
                  struct err *err); /* what must hold between the fields */
};

extern const struct rdata_type rdata_types[]; /* ends with name NULL */
/* By name, also "TYPE123" (RFC 3597). NULL with the reason. */
const struct rdata_type *rdata_type_named(struct str name, struct err *err);

/* Reads the data of one record. Results in the arena. */
bool rdata_parse(struct arena *a, const struct rdata_type *type, const struct zone_name *owner,
                 const struct zone_name *origin, struct str text, struct rdata *out, struct err *err);

/* ---- for the types' own functions ---- */

struct rdata_token {
    struct str raw;   /* as written, with escapes */
    struct str value; /* what it stands for */
    bool quoted;      /* had quotes somewhere */
};
/* 1: a token; 0: nothing follows; -1: err is set. */
int rdata_token(struct rdata_reader *r, struct rdata_token *out);
void rdata_add_string(struct buf *out, struct str s); /* with quotes and escapes */
bool rdata_read_name(struct rdata_reader *r, struct str raw, struct zone_name *out);
bool rdata_svcb_params(struct rdata_reader *r); /* RFC 9460 section 2.1 */
bool rdata_loc(struct rdata_reader *r);         /* RFC 1876 section 3 */
bool rdata_generic(struct rdata_reader *r);     /* RFC 3597 section 5 */

#endif
