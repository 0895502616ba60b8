/*
 * proxy: version 2 of the PROXY protocol (haproxy.org, proxy-protocol.txt, section 2.2), by which a TCP balancer in
 * front of us says whom a connection really comes from: a binary header before everything else, TLS included.
 */
#ifndef NET_PROXY_H
#define NET_PROXY_H

#include "base/str.h"

#include <sys/socket.h>

enum { PROXY_HEADER_MAX = 4096 };

enum proxy_result { PROXY_MORE, PROXY_DONE, PROXY_BAD };

/* Looks at the first bytes of a connection. PROXY_MORE: *length of them are needed, as far as is known. PROXY_DONE: the
 * first *length were the header, and *peer is the client's address; unchanged where the balancer speaks for itself
 * (health checks) or the client did not come by TCP. PROXY_BAD: that is no such header. */
enum proxy_result proxy_parse(struct str bytes, size_t *length, struct sockaddr_storage *peer);

#endif
