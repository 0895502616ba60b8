/*
 * authres: the Authentication-Results field (RFC 8601): what a server found out about who sent a message, for the
 * programs behind it. Building one whose grammar holds whatever the values are (they come from strangers), and
 * recognising those that claim to be of a certain server, for these must not be let in from outside (section 5).
 *
 *     authres_begin(&out, "mx.example.org");
 *     authres_method(&out, "spf", "fail");
 *     authres_reason(&out, STR("192.0.2.1 may not send for example.com"));
 *     authres_property(&out, "smtp", "mailfrom", STR("livia@example.com"));
 *     authres_end(&out);
 *
 * gives the value of the field (what is behind the colon), folded: no line is longer than 78 where it can be helped.
 */
#ifndef AUTHRES_AUTHRES_H
#define AUTHRES_AUTHRES_H

#include "base/memory.h"
#include "base/str.h"

enum { AUTHRES_MAX_VALUE = 512 }; /* bytes of a reason, comment or property; longer ones are cut */

/* Appends the id of the server that speaks (section 2.5). */
void authres_begin(struct buf *out, const char *authserv_id);
/* Appends a method with its result (section 2.7), on a line of its own. Both are words of ours. */
void authres_method(struct buf *out, const char *method, const char *result);
/* The same for methods that are written already, ";" in front: as dkim_authentication_results() gives them. */
void authres_methods(struct buf *out, struct str text);
/* Appends a comment; p NULL or empty: nothing. */
void authres_comment(struct buf *out, struct str text);
/* Appends reason="text"; empty: nothing. */
void authres_reason(struct buf *out, struct str text);
/* Appends "smtp.mailfrom=value": as it is where the grammar has it so (a token, a domain, an address), else quoted.
 * An empty value: nothing. */
void authres_property(struct buf *out, const char *type, const char *property, struct str value);
/* Ends the value: "; none" where no method was appended (section 2.2, no-result). */
void authres_end(struct buf *out);

/* The id at the start of a field's value, unquoted, its case as written, in the arena. False where there is none: the
 * value is empty, or begins with what is neither a token nor a quoted string; or a comment or quote is never closed. */
bool authres_id(struct arena *a, struct str value, struct str *id);
/* Whether a field's value is to be taken as one of this server: it has its id (without case, and whatever version
 * follows), or its id can't be made out and the name occurs somewhere, which another reader may understand better. */
bool authres_claims(struct str value, const char *authserv_id);

/* What a value says of a method: its first result, in lower case, and of that result's properties the one named
 * ("header.from"; p NULL: not there), both in the arena. False where the method is not in it, or the value can't be
 * read. */
bool authres_find(struct arena *a, struct str value, const char *method, const char *property, struct str *result,
                  struct str *found);

#endif
