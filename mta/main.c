/*
 * mansio-mta: the SMTP server and the queue. Reads the configuration, opens what it listens on, gives up privileges,
 * opens what it works with, and serves until it is told to stop.
 */
#include "base/conf.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/privileges.h"
#include "db/db.h"
#include "directory/directory.h"
#include "directory/log_level.h"
#include "filtering/table.h"
#include "measure/measure.h"
#include "mta.h"
#include "net/dns.h"
#include "net/server.h"
#include "net/tls.h"
#include "policy/policy.h"
#include "queue/owner.h"
#include "queue/runner.h"
#include "quota/quota.h"
#include "sasl/auth.h"
#include "sender/book.h"
#include "smtpd/smtpd.h"
#include "store/store.h"
#include "trace/trace.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAX_WORKERS = 128,
    MAX_CONNECTIONS = 10000,
    DB_CONNECTIONS = 24,
    STOP_MS = 15000,      /* for transactions that are under way */
    QUEUE_STOP_MS = 5000, /* and then for the queue's sessions */
    INPUT_BYTES = 128 << 10,
};

struct daemon {
    const struct conf *conf;
    struct mta mta;
    struct server *server;
    struct metrics_server *metrics;
    struct log_follower *log_level;
    struct quota_warner *warner;
    struct tls_context *tls;
    struct service service[5];
    size_t services;
    sigset_t signals;
};

static const char usage[] = "usage: mansio-mta [-hV] [-c file]\n"
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
            puts("mansio-mta " MANSIO_VERSION);
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
    enum service_kind kind;
    bool tls, implicit_tls;
} offered[] = {
    {"mta_smtp", SERVICE_RELAY, true, false},
    {"mta_submission", SERVICE_SUBMISSION, true, false},
    {"mta_submissions", SERVICE_SUBMISSION, true, true},
    {"mta_lmtp", SERVICE_LMTP, true, false},
    {"mta_pickup", SERVICE_PICKUP, false, false},
};

static void open_tls(struct daemon *d) {
    struct err err;
    const char *certificate = conf_get(d->conf, "tls_certificate", ""), *key = conf_get(d->conf, "tls_key", "");
    const char *ca = conf_get(d->conf, "tls_ca", "");
    const char *folder = conf_get(d->conf, "tls_certificates", "");
    if (*certificate && !(d->tls = tls_server_new(certificate, key, &err)))
        log_fatal("%s", err.text);
    if (*folder && d->tls && !tls_server_folder(d->tls, folder, &err))
        log_fatal("tls_certificates: %s", err.text);
    if (!(d->mta.tls_client = tls_client_new(*ca ? ca : NULL, &err)))
        log_fatal("%s", err.text);
}

/* Listens on each of the addresses in a setting. */
static void listen_on(struct daemon *d, size_t which, const char *addresses) {
    struct service *service = &d->service[d->services++];
    *service = (struct service){&d->mta, offered[which].kind};
    struct listener_options o = {
        .protocol = &smtpd_protocol,
        .context = service,
        .tls = offered[which].tls ? d->tls : NULL,
        .implicit_tls = offered[which].implicit_tls,
        .max_input = INPUT_BYTES,
        .busy_reply = "421 4.7.0 Too many connections, come back later\r\n",
    };
    if (o.implicit_tls && !o.tls)
        log_fatal("%s is set, and tls_certificate is not", offered[which].setting);
    struct str rest = str_of(addresses), address;
    while (str_split(&rest, ' ', &address)) {
        struct err err;
        char *text = str_dup(address);
        if (*text && !server_listen(d->server, text, &o, &err))
            log_fatal("%s: %s", offered[which].setting, err.text);
        free(text);
    }
}

static void open_listeners(struct daemon *d) {
    struct server_options o = {.max_workers = MAX_WORKERS, .max_connections = MAX_CONNECTIONS};
    d->server = server_new(&o);
    for (size_t i = 0; i < sizeof offered / sizeof *offered; i++) {
        const char *addresses = conf_get(d->conf, offered[i].setting, "");
        if (*addresses)
            listen_on(d, i, addresses);
    }
    struct err err;
    d->metrics = metrics_listen(measure_set(&d->mta, d->server), conf_get(d->conf, "mta_metrics", ""), &err);
    if (!d->metrics && *err.text)
        log_fatal("mta_metrics: %s", err.text);
    if (!d->services)
        log_fatal("nothing to listen on: set mta_smtp, mta_submission, mta_submissions, mta_lmtp or mta_pickup");
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

static void open_modules(struct daemon *d) {
    struct mta *m = &d->mta;
    struct err err;
    const char *state = conf_get(d->conf, "state", "/var/lib/mansio");
    char owner[OWNER_BYTES];
    m->spool = folder(state, "spool");
    char *blobs = folder(state, "blobs");
    if (!owner_take(state, m->hostname, owner, &err) || !(m->db = db_open(m->db_conninfo, DB_CONNECTIONS, &err)) ||
        !(m->directory = directory_open(m->db, m->db_conninfo, &err)) ||
        !(m->store = store_open(m->db, m->db_conninfo, blobs, &err)) ||
        !(m->auth = auth_new(m->directory, m->db, m->db_conninfo, &err)) ||
        !(m->dns = dns_new(conf_get(d->conf, "resolver", ""), &err)))
        log_fatal("%s", err.text);
    free(blobs);
    m->book = book_new(m);
    m->trace = trace_new(m);
    m->policy = policy_open(m);
    m->filters = filter_table_new(m);
    m->runner = runner_new(m, owner);
    if (!(d->warner = quota_warner_start(m->db, m->directory, m->store, m->hostname, &err)))
        log_fatal("%s", err.text);
    if (!trace_start(m->trace, &err) || !runner_start(m->runner, &err) || !metrics_serve(d->metrics, &err) ||
        !(d->log_level = log_level_follow(m->db_conninfo, &err)))
        log_fatal("%s", err.text);
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
    server_stop(d->server, STOP_MS);
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

static void close_modules(struct daemon *d) {
    struct mta *m = &d->mta;
    quota_warner_stop(d->warner);
    server_free(d->server);
    auth_free(m->auth);
    book_free(m->book);
    policy_close(m->policy);
    dns_free(m->dns);
    filter_table_free(m->filters);
    directory_close(m->directory);
    store_close(m->store);
    db_close(m->db);
    tls_free(d->tls);
    tls_free(m->tls_client);
}

int main(int argc, char **argv) {
    static struct daemon d;
    struct err err;
    pthread_t signals;
    log_open("mta");
    mem_share_heaps();
    d.conf = conf_read(parse_arguments(argc, argv), &err);
    if (!d.conf)
        log_fatal("%s", err.text);
    if (!log_set_format(conf_get(d.conf, "log_format", "text")))
        log_fatal("log_format is neither text nor json");
    if (!log_set_level(conf_get(d.conf, "log_level", "info")))
        log_fatal("log_level is none of debug, info, warn and error");
    d.mta.hostname = conf_get(d.conf, "hostname", NULL);
    d.mta.db_conninfo = conf_get(d.conf, "db_mta", NULL);
    if (!d.mta.hostname || !d.mta.db_conninfo)
        log_fatal("the configuration sets no %s", d.mta.hostname ? "db_mta" : "hostname");
    d.mta.remote_port = (uint16_t)conf_number(d.conf, "mta_smtp_port", 25, 1, 65535);
    block_signals(&d);
    open_tls(&d);
    open_listeners(&d);
    if (!privileges_drop(conf_get(d.conf, "user", ""), &err))
        log_fatal("%s", err.text);
    open_modules(&d);
    if (pthread_create(&signals, NULL, take_signals, &d) != 0)
        log_fatal("cannot start a thread");
    log_info("mansio-mta " MANSIO_VERSION " serves as %s", d.mta.hostname);
    bool clean = server_run(d.server); /* until take_signals has called server_stop */
    pthread_join(signals, NULL);
    metrics_stop(d.metrics);
    log_level_stop(d.log_level);
    bool idle = runner_stop(d.mta.runner, QUEUE_STOP_MS);
    trace_stop(d.mta.trace);
    if (clean && idle) /* else somebody still uses it, and the process ends anyway */
        close_modules(&d);
    log_info("stopped");
    return clean ? 0 : 1;
}
