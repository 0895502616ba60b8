/*
 * mansio-dns: exports the zones of the database to the nameserver. It looks when PostgreSQL says that a zone changed,
 * once a minute in any case, and at everything when it starts, after it had lost PostgreSQL, and on SIGHUP.
 */
#include "base/conf.h"
#include "base/log.h"
#include "base/privileges.h"
#include "db/db.h"
#include "directory/log_level.h"
#include "exporter.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum {
    LOOK_MS = 60000,
    RETRY_MS = 5000,
    BUSY_MS = 1000,
    ONCE_BUSY_TRIES = 60,
    DB_CONNECTIONS = 1,
    EXIT_TEMPORARY = 75
};

struct arguments {
    const char *conf;
    bool once, force;
};

static const char usage[] =
    "usage: mansio-dns [-hV1] [-c file] [--once [--force]]\n"
    "  -c, --config file  configuration (default " PREFIX "/etc/mansio/mansio.conf)\n"
    "  -1, --once         one look at everything, then end: 0 all is served, 1 some zones are not\n"
    "                     as they should be, 75 try again later\n"
    "      --force        remove zones from the nameserver however many are gone\n"
    "  -h, --help         this\n"
    "  -V, --version      version\n";

static struct arguments parse_arguments(int argc, char **argv) {
    static const struct option options[] = {{"config", required_argument, NULL, 'c'}, {"once", no_argument, NULL, '1'},
                                            {"force", no_argument, NULL, 'f'},        {"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'V'},      {NULL, 0, NULL, 0}};
    struct arguments a = {.conf = PREFIX "/etc/mansio/mansio.conf"};
    int option;
    while ((option = getopt_long(argc, argv, "c:hV1", options, NULL)) != -1)
        switch (option) {
        case 'c':
            a.conf = optarg;
            break;
        case '1':
            a.once = true;
            break;
        case 'f':
            a.force = true;
            break;
        case 'h':
            fputs(usage, stdout);
            exit(0);
        case 'V':
            puts("mansio-dns " MANSIO_VERSION);
            exit(0);
        default:
            fputs(usage, stderr);
            exit(64);
        }
    if (optind < argc) {
        fputs(usage, stderr);
        exit(64);
    }
    return a;
}

static const struct nameserver_driver *driver_named(const char *name) {
    static const struct nameserver_driver *const drivers[] = {&nameserver_bind};
    for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++)
        if (strcmp(drivers[i]->name, name) == 0)
            return drivers[i];
    log_fatal("dns_driver = %s: there is no such driver (known: bind)", name);
}

/* ---- one look and out ---- */

static int look_once(struct exporter *e) {
    struct exporter_result result;
    struct err err;
    enum exporter_state state = exporter_look(e, true, &result, &err);
    for (int tries = 0; state == EXPORTER_BUSY && tries < ONCE_BUSY_TRIES; tries++) {
        nanosleep(&(struct timespec){.tv_sec = BUSY_MS / 1000}, NULL);
        state = exporter_look(e, true, &result, &err);
    }
    if (state != EXPORTER_DONE)
        log_error("%s", err.text);
    else
        log_info("%zu zones exported, %zu refused, %zu removed", result.exported, result.refused, result.removed);
    if (state == EXPORTER_DONE)
        return result.refused || result.removal_refused;
    return EXIT_TEMPORARY;
}

/* ---- the daemon ---- */

struct daemon {
    struct exporter *exporter;
    int wake; /* eventfd */
    atomic_bool full;
    int signals;
    char last_error[sizeof((struct err *)0)->text];
};

/* In the listener's thread. Channel "": connected anew, and what happened meanwhile was not heard. */
static void on_notified(void *context, const char *channel, struct str payload) {
    struct daemon *d = context;
    (void)payload;
    if (!*channel)
        atomic_store(&d->full, true);
    eventfd_write(d->wake, 1);
}

/* How long until the next look, where nobody asks for one. A failure is told once, not with each try. */
static int look(struct daemon *d) {
    struct exporter_result result;
    struct err err = {""};
    bool full = atomic_exchange(&d->full, false);
    enum exporter_state state = exporter_look(d->exporter, full, &result, &err);
    if (state == EXPORTER_DONE) {
        d->last_error[0] = 0;
        return LOOK_MS;
    }
    if (full)
        atomic_store(&d->full, true); /* what was not finished */
    if (strcmp(d->last_error, err.text) != 0) {
        if (state == EXPORTER_BUSY)
            log_info("%s, waiting", err.text);
        else
            log_error("%s", err.text);
        snprintf(d->last_error, sizeof d->last_error, "%s", err.text);
    }
    return state == EXPORTER_BUSY ? BUSY_MS : RETRY_MS;
}

/* False: told to stop. */
static bool wait_for_work(struct daemon *d, int ms) {
    struct pollfd p[2] = {{d->wake, POLLIN, 0}, {d->signals, POLLIN, 0}};
    if (poll(p, 2, ms) < 0 && errno != EINTR)
        log_fatal("poll: %m");
    if (p[0].revents & POLLIN) {
        eventfd_t count;
        eventfd_read(d->wake, &count);
    }
    struct signalfd_siginfo info;
    if (!(p[1].revents & POLLIN) || read(d->signals, &info, sizeof info) != sizeof info)
        return true;
    if (info.ssi_signo == SIGUSR1) {
        log_toggle_debug();
        return true;
    }
    if (info.ssi_signo != SIGHUP)
        return false;
    atomic_store(&d->full, true);
    return true;
}

static int serve(struct exporter *e, const char *conninfo) {
    static const char *const channels[] = {"zone", NULL};
    struct daemon d = {.exporter = e, .full = true, .wake = eventfd(0, EFD_CLOEXEC)};
    struct err err;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    d.signals = signalfd(-1, &set, SFD_CLOEXEC);
    if (d.wake < 0 || d.signals < 0)
        log_fatal("cannot wait for signals: %m");
    struct db_listener *listener = db_listen(conninfo, channels, on_notified, &d, &err);
    struct log_follower *level = log_level_follow(conninfo, &err);
    if (!listener || !level)
        log_fatal("%s", err.text);
    log_info("mansio-dns %s is ready", MANSIO_VERSION);
    while (wait_for_work(&d, look(&d)))
        ;
    log_info("stopping");
    db_listener_stop(listener);
    log_level_stop(level);
    close(d.signals);
    close(d.wake);
    return 0;
}

int main(int argc, char **argv) {
    struct arguments a = parse_arguments(argc, argv);
    struct err err;
    log_open("dns");
    signal(SIGPIPE, SIG_IGN);
    struct conf *conf = conf_read(a.conf, &err);
    if (!conf)
        log_fatal("%s", err.text);
    if (!log_set_format(conf_get(conf, "log_format", "text")))
        log_fatal("log_format is neither text nor json");
    if (!log_set_level(conf_get(conf, "log_level", "info")))
        log_fatal("log_level must be debug, info, warn or error");
    const char *conninfo = conf_get(conf, "db_dns", NULL);
    if (!conninfo)
        log_fatal("%s does not set db_dns, the connection string of the role mansio_dns", a.conf);
    if (!privileges_drop_but_exec(conf_get(conf, "user", ""), &err))
        log_fatal("%s", err.text);
    struct db *db = db_open(conninfo, DB_CONNECTIONS, &err);
    if (!db)
        log_fatal("%s", err.text);
    struct exporter *e = exporter_open(conf, db, driver_named(conf_get(conf, "dns_driver", "bind")), a.force, &err);
    if (!e)
        log_fatal("%s", err.text);
    int code = a.once ? look_once(e) : serve(e, conninfo);
    exporter_close(e);
    db_close(db);
    conf_free(conf);
    return code;
}
