/*
 * pop3: INBOX for programs that fetch and delete (RFC 1939, RFC 2449, RFC 2595, RFC 5034). A session sees the messages
 * that were there when it logged in; what it deletes goes when it says QUIT, and only then.
 */
#ifndef POP3_POP3_H
#define POP3_POP3_H

#include "net/server.h"

extern const struct protocol pop3_protocol;

#endif
