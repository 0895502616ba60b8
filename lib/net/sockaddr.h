/*
 * sockaddr: socket addresses as text. An IPv4 address that arrived mapped into IPv6 (::ffff:192.0.2.1) is always shown
 * and compared as the IPv4 address it is.
 */
#ifndef NET_SOCKADDR_H
#define NET_SOCKADDR_H

#include "base/err.h"
#include "base/str.h"

#include <sys/socket.h>

enum { SOCKADDR_TEXT = 48, SOCKADDR_PATH = 108 };

/* "127.0.0.1:2525" or "[::1]:2525" (numeric only; port 0 to 65535). False with err where it is neither. */
bool sockaddr_parse(const char *text, struct sockaddr_storage *out, struct err *err);
/* A numeric address without a port: "127.0.0.1", "::1", "[::1]". */
bool sockaddr_from_text(struct str text, uint16_t port, struct sockaddr_storage *out);
/* A UNIX socket's address; false with err where the path is too long. */
bool sockaddr_unix(const char *path, struct sockaddr_storage *out, struct err *err);
socklen_t sockaddr_length(const struct sockaddr_storage *a);
/* "192.0.2.1", "2001:db8::1" or "unix". */
void sockaddr_text(const struct sockaddr_storage *a, char out[SOCKADDR_TEXT]);
uint16_t sockaddr_port(const struct sockaddr_storage *a); /* 0 for UNIX sockets */
void sockaddr_set_port(struct sockaddr_storage *a, uint16_t port);
bool sockaddr_is_local(const struct sockaddr_storage *a); /* loopback or UNIX socket */
void sockaddr_unmap(struct sockaddr_storage *a);          /* ::ffff:192.0.2.1 becomes 192.0.2.1 */

#endif
