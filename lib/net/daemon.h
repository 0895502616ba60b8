/*
 * daemon: what all of our daemons that have a net/server do alike: options, the configuration file, the log, signals,
 * TLS, listening, and giving the sockets to the process that takes their place (net/handover.h).
 *
 *     struct daemon d;
 *     daemon_begin(&d, "imapd", argc, argv);        // may end the program
 *     d.server = server_new(...);
 *     daemon_open_tls(&d);
 *     daemon_listen(&d, "imapd_imap", &options);
 *     privileges_drop(...); ...
 *     bool clean = daemon_serve(&d, STOP_MS, leave, context);
 *
 * Options: -c FILE, -h, -V; --take-over: take the sockets of the process that runs, and let its sessions end in their
 * own time; --detach: return as soon as the daemon serves, which goes on in the background (for systemd's ExecReload).
 * Signals: SIGTERM and SIGINT end it, SIGHUP has it read its certificates again, SIGUSR1 turns debugging on and off.
 */
#ifndef NET_DAEMON_H
#define NET_DAEMON_H

#include "base/conf.h"
#include "net/server.h"

#include <pthread.h>
#include <signal.h>

struct daemon {
    const char *name; /* "imapd": in the log, in /run/mansio/imapd.handover */
    struct conf *conf;
    struct tls_context *tls; /* NULL: there is no certificate */
    struct server *server;
    bool took_over; /* the sockets are another process's, which still serves until daemon_serve() */
    /* its own */
    int started; /* a pipe to the process that waits for a detached one, -1: none */
    int stop_ms, drain_ms;
    char handover[256];
    void (*leave)(void *context);
    void *context;
    sigset_t signals;
    pthread_t thread;
};

/* name: what follows "mansio-". Signals are blocked in this thread and those that it makes. */
void daemon_begin(struct daemon *d, const char *name, int argc, char **argv);
/* A setting that must be there; ends the program where it is not. */
const char *daemon_setting(const struct daemon *d, const char *name);
/* A folder of `state`, made where it is not there. The caller's to free. */
char *daemon_folder(const struct daemon *d, const char *name);
/* tls_certificate, tls_key, tls_certificates */
void daemon_open_tls(struct daemon *d);
/* Listens on each of the addresses in a setting; how many there are. Ends the program where that can't be. */
size_t daemon_listen(struct daemon *d, const char *setting, const struct listener_options *o);
/* Serves until it is told to stop, or until the sessions have ended after another process took over: `leave` (may be
 * NULL) is called then, in a thread of its own, when that process is ready. Gives what server_run() gives. */
bool daemon_serve(struct daemon *d, int stop_ms, void (*leave)(void *context), void *context);

#endif
