/*
 * parse: the grammar of SMTP commands (RFC 5321 section 4.1.2). Pure: views into the line, nothing allocated.
 */
#ifndef SMTPD_PARSE_H
#define SMTPD_PARSE_H

#include "base/str.h"

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

#endif
