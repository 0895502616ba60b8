#include "net/daemon.h"

#include "base/log.h"
#include "base/memory.h"
#include "net/handover.h"
#include "net/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { USAGE = 64, DRAIN_SECONDS = 600 };

/* ---- options ---- */

struct arguments {
    const char *conf;
    bool take_over, detach;
};

static void print_usage(const char *name, FILE *to) {
    fprintf(to,
            "usage: mansio-%s [-hV] [-c file] [--take-over] [--detach]\n"
            "  -c file      configuration (default " PREFIX "/etc/mansio/mansio.conf)\n"
            "  --take-over  take the place of the process that runs, refusing no connection\n"
            "  --detach     go on in the background once it serves\n"
            "  -h           this\n"
            "  -V           version\n",
            name);
}

static struct arguments parse_arguments(const char *name, int argc, char **argv) {
    static const struct option options[] = {
        {"take-over", no_argument, NULL, 't'}, {"detach", no_argument, NULL, 'd'}, {NULL, 0, NULL, 0}};
    struct arguments a = {.conf = PREFIX "/etc/mansio/mansio.conf"};
    int option;
    while ((option = getopt_long(argc, argv, "c:hV", options, NULL)) != -1)
        switch (option) {
        case 'c':
            a.conf = optarg;
            break;
        case 't':
            a.take_over = true;
            break;
        case 'd':
            a.detach = true;
            break;
        case 'h':
            print_usage(name, stdout);
            exit(0);
        case 'V':
            printf("mansio-%s %s\n", name, MANSIO_VERSION);
            exit(0);
        default:
            print_usage(name, stderr);
            exit(USAGE);
        }
    if (optind < argc) {
        print_usage(name, stderr);
        exit(USAGE);
    }
    return a;
}

/* ---- beginning ---- */

/* The parent waits until the child serves, and tells by its exit whether it does. */
static int detach(void) {
    int ends[2];
    char byte;
    if (pipe2(ends, O_CLOEXEC) != 0)
        log_fatal("cannot make a pipe: %m");
    pid_t child = fork();
    if (child < 0)
        log_fatal("cannot go into the background: %m");
    if (child == 0) {
        close(ends[0]);
        setsid();
        return ends[1];
    }
    close(ends[1]);
    exit(read(ends[0], &byte, 1) == 1 ? 0 : 1);
}

static void block_signals(struct daemon *d) {
    sigemptyset(&d->signals);
    sigaddset(&d->signals, SIGTERM);
    sigaddset(&d->signals, SIGINT);
    sigaddset(&d->signals, SIGHUP);
    sigaddset(&d->signals, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &d->signals, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void take_sockets(struct daemon *d) {
    struct err err;
    if (!handover_take(d->handover, &d->took_over, &err))
        log_fatal("%s", err.text);
    if (!d->took_over)
        log_info("there is no process to take over from");
}

void daemon_begin(struct daemon *d, const char *name, int argc, char **argv) {
    struct arguments a = parse_arguments(name, argc, argv);
    struct err err;
    *d = (struct daemon){.name = name, .started = a.detach ? detach() : -1};
    log_open(name);
    if (!(d->conf = conf_read(a.conf, &err)))
        log_fatal("%s", err.text);
    if (!log_set_format(conf_get(d->conf, "log_format", "text")))
        log_fatal("log_format is neither text nor json");
    if (!log_set_level(conf_get(d->conf, "log_level", "info")))
        log_fatal("log_level is none of debug, info, warn and error");
    d->drain_ms = 1000 * (int)conf_number(d->conf, "handover_seconds", DRAIN_SECONDS, 0, 86400);
    snprintf(d->handover, sizeof d->handover, "%s/%s.handover", conf_get(d->conf, "runtime", "/run/mansio"), name);
    block_signals(d);
    if (a.take_over)
        take_sockets(d);
}

const char *daemon_setting(const struct daemon *d, const char *name) {
    const char *value = conf_get(d->conf, name, NULL);
    if (!value || !*value)
        log_fatal("the configuration sets no %s", name);
    return value;
}

char *daemon_folder(const struct daemon *d, const char *name) {
    struct buf path = BUF_EMPTY;
    buf_printf(&path, "%s/%s", conf_get(d->conf, "state", "/var/lib/mansio"), name);
    if (mkdir(path.p, 0700) != 0 && errno != EEXIST)
        log_fatal("cannot make the folder %s: %m", path.p);
    return path.p;
}

void daemon_open_tls(struct daemon *d) {
    struct err err;
    const char *certificate = conf_get(d->conf, "tls_certificate", ""), *key = conf_get(d->conf, "tls_key", "");
    const char *folder = conf_get(d->conf, "tls_certificates", "");
    if (*certificate && !(d->tls = tls_server_new(certificate, key, &err)))
        log_fatal("%s", err.text);
    if (*folder && d->tls && !tls_server_folder(d->tls, folder, &err))
        log_fatal("tls_certificates: %s", err.text);
}

size_t daemon_listen(struct daemon *d, const char *setting, const struct listener_options *o) {
    struct str rest = str_of(conf_get(d->conf, setting, "")), address;
    size_t count = 0;
    while (str_split(&rest, ' ', &address)) {
        struct err err;
        if (address.n == 0)
            continue;
        if (o->implicit_tls && !o->tls)
            log_fatal("%s is set, and tls_certificate is not", setting);
        char *text = str_dup(address);
        if (!server_listen(d->server, text, o, &err))
            log_fatal("%s: %s", setting, err.text);
        free(text);
        count++;
    }
    return count;
}

/* ---- serving ---- */

static void *take_signals(void *context) {
    struct daemon *d = context;
    struct err err;
    for (int number = 0;;) {
        if (sigwait(&d->signals, &number) != 0)
            continue;
        if (number == SIGUSR1) {
            log_toggle_debug();
            continue;
        }
        if (number != SIGHUP)
            break;
        if (d->tls && !tls_server_reload(d->tls, &err))
            log_error("the certificates in force stay: %s", err.text);
        else
            log_info("certificates read again");
    }
    log_info("stopping");
    server_stop(d->server, d->stop_ms);
    return NULL;
}

/* In the thread of net/handover. */
static void leave(void *context) {
    struct daemon *d = context;
    log_info("another process serves now; the sessions of this one may go on for %d seconds", d->drain_ms / 1000);
    server_retire(d->server, d->drain_ms, d->stop_ms);
    if (d->leave)
        d->leave(d->context);
}

/* To the process that was taken over from, to systemd, and to the one that waits for us. */
static void tell_ready(struct daemon *d) {
    struct err err;
    char text[64];
    if (!handover_offer(d->handover, leave, d, &err))
        log_warn("no other process will be able to take over from this one: %s", err.text);
    snprintf(text, sizeof text, "READY=1\nMAINPID=%ld", (long)getpid());
    handover_tell_systemd(text);
    if (d->started >= 0 && write(d->started, "", 1) < 0)
        log_warn("whoever has started this process is gone");
    if (d->started >= 0)
        close(d->started);
}

bool daemon_serve(struct daemon *d, int stop_ms, void (*leaves)(void *context), void *context) {
    d->stop_ms = stop_ms;
    d->leave = leaves;
    d->context = context;
    if (pthread_create(&d->thread, NULL, take_signals, d) != 0)
        log_fatal("cannot start a thread");
    tell_ready(d);
    log_info("mansio-%s %s serves as %s", d->name, MANSIO_VERSION, conf_get(d->conf, "hostname", ""));
    bool clean = server_run(d->server);
    pthread_kill(d->thread, SIGINT); /* it may still wait for one, where another process has taken over */
    pthread_join(d->thread, NULL);
    handover_end();
    return clean;
}
