/*
 * gateway: FastCGI (libfcgi) with a number of threads on one listening socket, each serving one request at a time. The
 * web server opens a connection for each request (fastcgi_keep_conn off, nginx's default): a kept connection would hold
 * its thread.
 */
#ifndef GATEWAY_H
#define GATEWAY_H

#include "exchange.h"

struct gateway;

/* Listens on "unix:/path" (anybody on the machine may connect; the folder's permissions decide) or "127.0.0.1:9000",
 * "[::1]:9000". -1 with err set. */
int gateway_listen(const char *address, struct err *err);
/* Starts the threads. */
struct gateway *gateway_start(struct web *web, int fd, int threads);
/* Takes no more requests, waits for those under way, frees it. */
void gateway_stop(struct gateway *g);

#endif
