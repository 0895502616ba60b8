/* mansio-web: administration, helpdesk and webmail behind a web server that speaks FastCGI. mansio-web(8) */
#include "base/codec.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/privileges.h"
#include "directory/log_level.h"
#include "gateway.h"
#include "mail/mail.h"
#include "routes.h"
#include "session/login.h"
#include "static_version.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEFAULT_THREADS = 16, MAX_THREADS = 200, HASHING_THREADS = 2, MAX_DESCRIPTORS = 1020 };

static const char USAGE[] = "usage: mansio-web [-c FILE] [-i NAME]   serve the web application (mansio-web(8))\n"
                            "                                        NAME stands for %i in web_fastcgi\n"
                            "       mansio-web -V                    print the version\n";

/* libetpan waits with select(), which can't see descriptors beyond 1023: there must be none. */
static void limit_descriptors(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur > MAX_DESCRIPTORS) {
        limit.rlim_cur = MAX_DESCRIPTORS;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
            log_fatal("cannot limit the number of open files to %d", MAX_DESCRIPTORS);
    }
}

static const char *required(const struct conf *c, const char *name) {
    const char *value = conf_get(c, name, NULL);
    if (!value || !*value)
        log_fatal("the configuration sets no %s", name);
    return value;
}

/* Several processes share one configuration: %i in the address is the process's own name. */
static const char *own_address(const char *pattern, const char *name) {
    static char address[256];
    const char *at = strstr(pattern, "%i");
    if (!at)
        return pattern;
    if (snprintf(address, sizeof address, "%.*s%s%s", (int)(at - pattern), pattern, name, at + 2) >=
        (int)sizeof address)
        log_fatal("web_fastcgi = %s is too long", pattern);
    return address;
}

static void set_limits(struct web *web, const struct conf *c) {
    static char spool[4096];
    if (snprintf(spool, sizeof spool, "%s/spool", required(c, "state")) >= (int)sizeof spool)
        log_fatal("state = %s is too long", conf_get(c, "state", ""));
    web->limits.spool = spool;
    web->limits.form_bytes = (uint64_t)conf_number(c, "web_max_form_kib", 1024, 16, 65536) * 1024;
    web->limits.upload_bytes = (uint64_t)conf_number(c, "web_max_upload_mib", 64, 1, 1024) * 1024 * 1024;
}

static void open_parts(struct web *web, const struct conf *c, int threads) {
    struct err err;
    web->conf = c;
    web->hostname = str_of(conf_get(c, "hostname", "localhost"));
    web->routes = all_routes;
    set_limits(web, c);
    const char *folder = conf_get(c, "web_static", PREFIX "/share/mansio/static");
    web->static_version = str_of(static_version(folder));
    web->templates = templates_open(conf_get(c, "web_templates", PREFIX "/share/mansio/templates"), &err);
    if (!web->templates)
        log_fatal("%s", err.text);
    web->gate = login_gate_new(HASHING_THREADS, &err);
    if (!web->gate)
        log_fatal("%s", err.text);
    web->mail = mail_service_new(c, &err);
    if (!web->mail)
        log_fatal("%s", err.text);
    web->db = db_open(required(c, "db_web"), threads, &err);
    if (!web->db)
        log_fatal("%s", err.text);
}

static void close_parts(struct web *web) {
    db_close(web->db);
    mail_service_free(web->mail);
    login_gate_free(web->gate);
    templates_free(web->templates);
}

/* Waits for signals until one says to end. */
static void wait_for_end(struct web *web, const sigset_t *signals) {
    struct err err;
    for (;;) {
        int signal;
        if (sigwait(signals, &signal) != 0 || (signal != SIGHUP && signal != SIGUSR1))
            return;
        if (signal == SIGUSR1) {
            log_toggle_debug();
            continue;
        }
        if (templates_reload(web->templates, &err))
            log_info("templates read again");
        else
            log_error("the old templates stay: %s", err.text);
    }
}

static void serve(const struct conf *c, const char *name) {
    struct err err;
    struct web web = {0};
    const char *address = own_address(required(c, "web_fastcgi"), name);
    int threads = (int)conf_number(c, "web_threads", DEFAULT_THREADS, 1, MAX_THREADS);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    limit_descriptors();
    mem_share_heaps();
    int fd = gateway_listen(address, &err);
    if (fd < 0 || !privileges_drop(conf_get(c, "user", ""), &err))
        log_fatal("%s", err.text);
    open_parts(&web, c, threads);
    struct gateway *g = gateway_start(&web, fd, threads);
    struct log_follower *level = log_level_follow(required(c, "db_web"), &err);
    if (!level)
        log_fatal("%s", err.text);
    log_info("mansio-web " MANSIO_VERSION " serves on %s with %d threads", address, threads);
    wait_for_end(&web, &signals);
    gateway_stop(g);
    log_level_stop(level);
    close_parts(&web);
    log_info("stopped");
}

int main(int argc, char **argv) {
    const char *path = PREFIX "/etc/mansio/mansio.conf", *name = "1";
    for (int option; (option = getopt(argc, argv, "c:i:hV")) != -1;) {
        switch (option) {
        case 'c':
            path = optarg;
            break;
        case 'i':
            name = optarg;
            break;
        case 'V':
            puts("mansio-web " MANSIO_VERSION);
            return 0;
        default:
            fputs(USAGE, option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    struct err err;
    log_open("web");
    struct conf *c = conf_read(path, &err);
    if (!c)
        log_fatal("%s", err.text);
    if (!log_set_format(conf_get(c, "log_format", "text")))
        log_fatal("log_format is neither text nor json");
    if (!log_set_level(conf_get(c, "log_level", "info")))
        log_fatal("log_level = %s: expected debug, info, warn or error", conf_get(c, "log_level", ""));
    serve(c, name);
    conf_free(c);
    return 0;
}
