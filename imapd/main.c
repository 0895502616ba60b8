/*
 * mansio-imapd: the IMAP and POP3 server. Reads the configuration, opens what it listens on, gives up privileges, opens
 * what it works with, and serves until it is told to stop.
 */
#include "base/conf.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/privileges.h"
#include "db/db.h"
#include "directory/directory.h"
#include "directory/log_level.h"
#include "imap/session.h"
#include "index/indexer.h"
#include "limits.h"
#include "measure.h"
#include "net/server.h"
#include "net/tls.h"
#include "pop3/hold.h"
#include "pop3/pop3.h"
#include "quota/quota.h"
#include "sasl/auth.h"
#include "service.h"
#include "store/store.h"
#include "sweeper.h"
#include "view/cards.h"
#include "view/view.h"
#include "watch/watch.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAX_WORKERS = 128,
    MAX_CONNECTIONS = 100000,
    DB_CONNECTIONS = 24,
    STOP_MS = 10000,         /* for commands that are under way */
    IDLE_MESSAGES = 4000000, /* in views that nobody uses; some 28 bytes each */
};

struct daemon {
    const struct conf *conf;
    struct service service;
    struct endpoint endpoint[5];
    struct db *db;
    struct tls_context *tls;
    struct sweeper *sweeper;
    struct quota_warner *warner;
    const char *conninfo;
    size_t listeners;
    struct metrics_server *metrics;
    struct log_follower *log_level;
    sigset_t signals;
};

static const char usage[] = "usage: mansio-imapd [-hV] [-c file]\n"
                            "  -c file  configuration (default " PREFIX "/etc/mansio/mansio.conf)\n"
                            "  -h       this\n"
                            "  -V       version\n";

static const char *parse_arguments(int argc, char **argv) {
    const char *path = PREFIX "/etc/mansio/mansio.conf";
    int option;
    while ((option = getopt(argc, argv, "c:hV")) != -1)
        switch (option) {
        case 'c':
            path = optarg;
            break;
        case 'h':
            fputs(usage, stdout);
            exit(0);
        case 'V':
            puts("mansio-imapd " MANSIO_VERSION);
            exit(0);
        default:
            fputs(usage, stderr);
            exit(64);
        }
    if (optind < argc) {
        fputs(usage, stderr);
        exit(64);
    }
    return path;
}

/* ---- listening ---- */

static const struct {
    const char *setting;
    const struct protocol *protocol;
    bool tls, implicit_tls, trusted;
    const char *busy;
} offered[] = {
    {"imapd_imap", &imap_protocol, true, false, false, "* BYE [UNAVAILABLE] Too many connections\r\n"},
    {"imapd_imaps", &imap_protocol, true, true, false, "* BYE [UNAVAILABLE] Too many connections\r\n"},
    {"imapd_local", &imap_protocol, false, false, true, "* BYE [UNAVAILABLE] Too many connections\r\n"},
    {"imapd_pop3", &pop3_protocol, true, false, false, "-ERR [SYS/TEMP] Too many connections\r\n"},
    {"imapd_pop3s", &pop3_protocol, true, true, false, "-ERR [SYS/TEMP] Too many connections\r\n"},
};

static void open_tls(struct daemon *d) {
    struct err err;
    const char *certificate = conf_get(d->conf, "tls_certificate", ""), *key = conf_get(d->conf, "tls_key", "");
    const char *folder = conf_get(d->conf, "tls_certificates", "");
    if (*certificate && !(d->tls = tls_server_new(certificate, key, &err)))
        log_fatal("%s", err.text);
    if (*folder && d->tls && !tls_server_folder(d->tls, folder, &err))
        log_fatal("tls_certificates: %s", err.text);
}

/* Listens on each of the addresses in a setting. */
static void listen_on(struct daemon *d, size_t which, const char *addresses) {
    d->endpoint[which] = (struct endpoint){&d->service, offered[which].trusted};
    struct listener_options o = {
        .protocol = offered[which].protocol,
        .context = &d->endpoint[which],
        .tls = offered[which].tls ? d->tls : NULL,
        .implicit_tls = offered[which].implicit_tls,
        .max_input = MAX_INPUT,
        .busy_reply = offered[which].busy,
    };
    if (o.implicit_tls && !o.tls)
        log_fatal("%s is set, and tls_certificate is not", offered[which].setting);
    struct str rest = str_of(addresses), address;
    while (str_split(&rest, ' ', &address)) {
        struct err err;
        char *text = str_dup(address);
        if (offered[which].trusted && *text && !str_starts(address, STR("unix:")))
            log_fatal("%s: %s is no UNIX socket: nothing else is trusted without TLS", offered[which].setting, text);
        if (*text && !server_listen(d->service.server, text, &o, &err))
            log_fatal("%s: %s", offered[which].setting, err.text);
        d->listeners += *text != 0;
        free(text);
    }
}

static void open_listeners(struct daemon *d) {
    struct server_options o = {.max_workers = MAX_WORKERS, .max_connections = MAX_CONNECTIONS};
    d->service.server = server_new(&o);
    for (size_t i = 0; i < sizeof offered / sizeof *offered; i++)
        listen_on(d, i, conf_get(d->conf, offered[i].setting, ""));
    struct err err;
    d->metrics = metrics_listen(measure_set(d->service.server, &d->db), conf_get(d->conf, "imapd_metrics", ""), &err);
    if (!d->metrics && *err.text)
        log_fatal("imapd_metrics: %s", err.text);
    if (!d->listeners)
        log_fatal("nothing to listen on: set imapd_imap, imapd_imaps, imapd_local, imapd_pop3 or imapd_pop3s");
}

/* ---- what it works with ---- */

/* A folder of the state, made where it is not there. */
static char *folder(const char *state, const char *name) {
    struct buf path = BUF_EMPTY;
    buf_printf(&path, "%s/%s", state, name);
    if (mkdir(path.p, 0700) != 0 && errno != EEXIST)
        log_fatal("cannot make the folder %s: %m", path.p);
    return path.p;
}

static void wake(void *context, uint64_t who) {
    const struct service *s = context;
    server_wake(s->server, who);
}

/* What the store says goes to the selected mailboxes and to the accounts that are watched. */
static void on_changed(void *context, int64_t account, int64_t mailbox, uint64_t modseq, bool own) {
    const struct service *s = context;
    views_changed(s->views, account, mailbox, modseq, own);
    watches_changed(s->watches, account, mailbox);
}

static void on_flags(void *context, int64_t account, int64_t mailbox, uint64_t modseq,
                     const struct store_flag_change *change) {
    const struct service *s = context;
    views_flags(s->views, account, mailbox, modseq, change);
    watches_changed(s->watches, account, mailbox);
}

static void on_annotated(void *context, const struct store_annotated *what) {
    const struct service *s = context;
    watches_annotated(s->watches, what);
}

static void open_modules(struct daemon *d) {
    struct service *s = &d->service;
    struct err err;
    const char *state = conf_get(d->conf, "state", "/var/lib/mansio");
    s->spool = folder(state, "spool");
    char *blobs = folder(state, "blobs");
    if (!(d->db = db_open(d->conninfo, DB_CONNECTIONS, &err)) ||
        !(s->directory = directory_open(d->db, d->conninfo, &err)) ||
        !(s->store = store_open(d->db, d->conninfo, blobs, &err)) ||
        !(s->auth = auth_new(s->directory, d->db, d->conninfo, &err)) ||
        !(s->holds = holds_open(d->db, d->conninfo, &err)))
        log_fatal("%s", err.text);
    free(blobs);
    s->db = d->db;
    s->limits = limits_new(s->directory);
    s->cards = cards_new(s->store, (size_t)conf_number(d->conf, "imapd_cache_mb", 64, 1, 1 << 20) << 20);
    struct views_options o = {.store = s->store, .wake = wake, .context = s, .idle_messages = IDLE_MESSAGES};
    s->views = views_new(&o);
    s->watches = watches_new(s->store, wake, s);
    store_watch(s->store, &(struct store_watcher){on_changed, on_flags, on_annotated, s});
    d->sweeper = sweeper_start(s->store, (int)conf_number(d->conf, "imapd_sweep_seconds", 600, 1, 86400));
    if (conf_number(d->conf, "imapd_search_index", 1, 0, 1) &&
        !(s->indexer = indexer_start(s->store, d->conninfo, &err)))
        log_fatal("%s", err.text);
    if (!(d->warner = quota_warner_start(d->db, s->directory, s->store, s->hostname, &err)))
        log_fatal("%s", err.text);
}

static void close_modules(struct daemon *d) {
    struct service *s = &d->service;
    indexer_stop(s->indexer);
    server_free(s->server);
    auth_free(s->auth);
    holds_close(s->holds);
    limits_free(s->limits);
    directory_close(s->directory);
    store_close(s->store);
    views_free(s->views);
    watches_free(s->watches);
    cards_free(s->cards);
    db_close(d->db);
    tls_free(d->tls);
}

/* ---- signals, in a thread of their own ---- */

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
    server_stop(d->service.server, STOP_MS);
    return NULL;
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

static void configure(struct daemon *d, const char *path) {
    struct err err;
    d->conf = conf_read(path, &err);
    if (!d->conf)
        log_fatal("%s", err.text);
    if (!log_set_format(conf_get(d->conf, "log_format", "text")))
        log_fatal("log_format is neither text nor json");
    if (!log_set_level(conf_get(d->conf, "log_level", "info")))
        log_fatal("log_level is none of debug, info, warn and error");
    d->service.hostname = conf_get(d->conf, "hostname", NULL);
    d->conninfo = conf_get(d->conf, "db_imapd", NULL);
    if (!d->service.hostname || !d->conninfo)
        log_fatal("the configuration sets no %s", d->service.hostname ? "db_imapd" : "hostname");
    d->service.message_limit = (uint32_t)conf_number(d->conf, "imapd_message_limit", 1000000, 0, UINT32_MAX);
    d->service.save_limit = (uint32_t)conf_number(d->conf, "imapd_save_limit", 0, 0, UINT32_MAX);
    d->service.progress_ms = (int)conf_number(d->conf, "imapd_progress_ms", 10000, 1, 1800000);
    d->service.append_limit = (uint64_t)conf_number(d->conf, "imapd_append_limit", 100 << 20, 1024, UINT32_MAX);
}

int main(int argc, char **argv) {
    static struct daemon d;
    struct err err;
    pthread_t signals;
    mem_share_heaps();
    log_open("imapd");
    configure(&d, parse_arguments(argc, argv));
    block_signals(&d);
    open_tls(&d);
    open_listeners(&d);
    if (!privileges_drop(conf_get(d.conf, "user", ""), &err))
        log_fatal("%s", err.text);
    open_modules(&d);
    if (!metrics_serve(d.metrics, &err) || !(d.log_level = log_level_follow(d.conninfo, &err)))
        log_fatal("%s", err.text);
    if (pthread_create(&signals, NULL, take_signals, &d) != 0)
        log_fatal("cannot start a thread");
    log_info("mansio-imapd " MANSIO_VERSION " serves as %s", d.service.hostname);
    bool clean = server_run(d.service.server);
    metrics_stop(d.metrics);
    log_level_stop(d.log_level);
    sweeper_stop(d.sweeper);
    if (clean)
        quota_warner_stop(d.warner);
    if (clean) { /* else somebody still uses it, and the process ends anyway */
        pthread_join(signals, NULL);
        close_modules(&d);
    }
    log_info("stopped");
    return clean ? 0 : 1;
}
