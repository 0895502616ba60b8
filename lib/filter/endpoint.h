/*
 * endpoint: where a filter listens, as an administrator writes it: "inet:host:port" ("inet:[::1]:8891",
 * "inet:8891@host" as Sendmail has it, and "host:port" too) or "unix:/path" ("local:/path" too).
 */
#ifndef FILTER_ENDPOINT_H
#define FILTER_ENDPOINT_H

#include "base/err.h"
#include "base/str.h"
#include "net/stream.h"

enum { ENDPOINT_HOST = 256, ENDPOINT_PATH = 108 };

struct endpoint {
    char path[ENDPOINT_PATH]; /* of a UNIX socket, else "" */
    char host[ENDPOINT_HOST]; /* a name or a numeric address without brackets */
    char port[8];
};

/* False with err, a sentence for the administrator. */
bool endpoint_parse(struct str text, struct endpoint *out, struct err *err);
/* Connects, trying each address of the host within the time. A host name is asked of the system's resolver, so that
 * /etc/hosts counts. NULL with err. */
struct stream *endpoint_connect(const struct endpoint *e, int timeout_ms, struct err *err);

#endif
