/* name: mailbox names between the wire's modified UTF-7 (RFC 3501 section 5.1.3) and UTF-8. */
#ifndef MAIL_IMAP_NAME_H
#define MAIL_IMAP_NAME_H

#include "base/memory.h"
#include "base/str.h"

/* For reading. What is not modified UTF-7 stays as it is, with bytes that are no text replaced. */
struct str name_decode(struct arena *a, struct str wire);
/* For the wire. utf8 must be valid UTF-8. */
struct str name_encode(struct arena *a, struct str utf8);

#endif
