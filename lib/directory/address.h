/*
 * address: mail addresses and domain names as typed by people or sent by programs. Results live in the arena.
 */
#ifndef DIRECTORY_ADDRESS_H
#define DIRECTORY_ADDRESS_H

#include "base/err.h"
#include "base/memory.h"
#include "base/str.h"

/* Splits local@domain and checks both (RFC 5321 section 4.1.2, with UTF-8 as RFC 6531 allows). A quoted local part is
 * unquoted; the domain becomes lower-case A-labels; address literals ("[192.0.2.1]") are kept as they are. The local
 * part keeps its case; what it has beyond ASCII is composed (NFC, RFC 6532 section 3.1), so that one name has one
 * spelling. */
bool address_parse(struct arena *a, struct str text, struct str *local, struct str *domain, struct err *err);
/* local@domain for a protocol: the local part quoted where it must be. */
struct str address_format(struct arena *a, struct str local, struct str domain);
/* The part behind the "@" of an address that was checked; empty where there is none. A view. */
struct str address_domain(struct str address);
/* A domain name as typed (U- or A-labels, any case, one trailing dot) to lower-case A-labels (IDNA2008, UTS 46). */
bool domain_to_ascii(struct arena *a, struct str typed, struct str *ascii, struct err *err);
/* How addresses here are kept and compared: lower case as all alphabets know it (Unicode's default mapping, whatever
 * the language), composed (NFC). Bytes that are no UTF-8 stay as they are. Of local parts; a domain of A-labels is
 * ASCII. */
struct str address_fold(struct arena *a, struct str s);
/* The same for reading: U-labels where the name has them. */
struct str domain_to_display(struct arena *a, struct str ascii);

#endif
