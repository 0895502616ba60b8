/*
 * protocol: the names of the ways to log in that can be switched off (enum directory_protocol), as people write them
 * and as the columns protocols_off have them.
 */
#ifndef DIRECTORY_PROTOCOL_H
#define DIRECTORY_PROTOCOL_H

#include "directory/directory.h"

enum { PROTOCOL_COUNT = 4 };

struct protocol_info {
    enum directory_protocol bit;
    const char *name;  /* "smtp": in columns, options and forms */
    const char *title; /* "Sending with mail programs (SMTP)" */
};
extern const struct protocol_info protocols[PROTOCOL_COUNT];

/* The bit, or 0 where there is none of that name. */
unsigned protocol_named(struct str name);
/* Bits of the names in a list, separated by commas or blanks; false with err where one is no protocol. */
bool protocols_parse(struct str list, unsigned *bits, struct err *err);
/* "IMAP", for sentences. */
const char *protocol_text(enum directory_protocol p);

#endif
