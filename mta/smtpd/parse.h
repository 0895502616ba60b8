/*
 * parse: the grammar of SMTP commands (RFC 5321 section 4.1.2). Pure: views into the line, nothing allocated.
 */
#ifndef SMTPD_PARSE_H
#define SMTPD_PARSE_H

#include "base/str.h"

#include <stdint.h>

/* Splits a command line (without its line end) into the verb and what follows the blank after it, trimmed. */
void parse_command(struct str line, struct str *verb, struct str *argument);

/* Reads "FROM:<path>" or "TO:<path>" (keyword with its colon) and leaves behind it the parameters in *rest. *path is
 * what stands between the angle brackets, without a source route (RFC 5321 appendix C: ignored). False: not of that
 * form. */
bool parse_path(struct str argument, struct str keyword, struct str *path, struct str *rest);

enum parse_parameter { PARAMETER_END, PARAMETER_FOUND, PARAMETER_BAD };
/* Takes the next "KEYWORD" or "KEYWORD=value" of *rest; value.p is NULL where there is no "=". */
enum parse_parameter parse_parameter(struct str *rest, struct str *keyword, struct str *value);

/* The name a client gives at HELO, EHLO and LHLO: a domain name, loosely (underscores and single labels are common), or
 * an address literal. What passes can stand in a Received line as it is. */
bool parse_helo(struct str argument);

/* xtext (RFC 3461 section 4): appends what it stands for; false where it is none. */
bool parse_xtext(struct str text, struct buf *out);

/* The argument of BDAT (RFC 3030 section 2): a number of octets, and "LAST" behind the last chunk. */
bool parse_chunk(struct str argument, uint64_t *octets, bool *last);

/* The value of NOTIFY (RFC 3461 section 4.1): "NEVER", or a list of SUCCESS, FAILURE and DELAY. Appends it in upper
 * case. */
bool parse_notify(struct str value, struct buf *out);
/* The value of ORCPT (RFC 3461 section 4.2, RFC 6533 section 3): appends "rfc822;local@domain",
 * "utf-8;local@domain" or another type with its address, decoded. */
bool parse_orcpt(struct str value, struct buf *out);
/* The value of ENVID (RFC 3461 section 4.4): appends what it stands for, printable ASCII. */
bool parse_envid(struct str value, struct buf *out);

/* A point in time (RFC 3339 section 5.6), microseconds since 1970. */
bool parse_timestamp(struct str text, int64_t *at);

#endif
