/*
 * handover: listening sockets go from a running process to the one that takes its place, so that an upgrade refuses no
 * connection. Both have the same sockets for a moment; what comes in meanwhile waits in their queue.
 *
 *   the new process                        the old one, which has called handover_offer()
 *   handover_take(path)        ----->      sends its listening sockets (SCM_RIGHTS), and serves on
 *   server_listen(...)                     (finds them instead of making new ones)
 *   handover_offer(path, ...)  ----->      `leave` is called: it stops accepting, its sessions go on for a while
 *
 * Where the new process ends before that, the old one serves on as if nothing had been. `path` is a UNIX socket that
 * only the same user, or root, is answered on. Sockets that systemd passes (LISTEN_FDS) are found, too.
 */
#ifndef NET_HANDOVER_H
#define NET_HANDOVER_H

#include "base/err.h"
#include "base/str.h"

#include <sys/socket.h>

/* Asks the process that serves at `path` for its sockets. False with err where something is there that does not give
 * them; true with *taken false where nobody is there. */
bool handover_take(const char *path, bool *taken, struct err *err);
/* From now on this process is the one that serves at `path`; the one that was taken over from is told to leave, and
 * sockets that nobody has asked for are closed. `leave` is called once, in a thread of its own, when the next one
 * comes. Where another process serves at `path` that was not taken over from, this one can't be taken over; that is
 * logged. */
bool handover_offer(const char *path, void (*leave)(void *context), void *context, struct err *err);
/* Ends that; before the process ends in order. */
void handover_end(void);

/* ---- for those who listen ---- */

/* A listening socket for this address that was passed to this process, or -1. *unlinks: its file, if it has one, is
 * this process's to remove at the end. */
int handover_claim(const struct sockaddr_storage *address, bool *unlinks);
/* This socket is passed on to the next process, until it is withdrawn (before it is closed). */
void handover_pass(int fd, bool unlinks);
void handover_withdraw(int fd);

/* ---- systemd (sd_notify(3)) ---- */

/* Says something like "READY=1" to systemd, where it listens. */
void handover_tell_systemd(const char *state);

#endif
