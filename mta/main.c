/*
 * mansio-mta: the SMTP server and the queue. Reads the configuration, opens what it listens on, gives up privileges,
 * opens what it works with, and serves until it is told to stop.
 */
#include "base/log.h"
#include "base/memory.h"
#include "base/privileges.h"
#include "db/db.h"
#include "directory/directory.h"
#include "directory/log_level.h"
#include "filtering/table.h"
#include "measure/measure.h"
#include "mta.h"
#include "net/daemon.h"
#include "net/dns.h"
#include "net/tls.h"
#include "policy/policy.h"
#include "queue/owner.h"
#include "queue/runner.h"
#include "quota/quota.h"
#include "sasl/auth.h"
#include "sender/book.h"
#include "smtpd/smtpd.h"
#include "store/blob.h"
#include "store/store.h"
#include "trace/trace.h"

#include <stdlib.h>

enum {
    MAX_WORKERS = 128,
    MAX_CONNECTIONS = 10000,
    DB_CONNECTIONS = 24,
    STOP_MS = 15000,      /* for transactions that are under way */
    QUEUE_STOP_MS = 5000, /* and then for the queue's sessions */
    INPUT_BYTES = 128 << 10,
};

struct mtad {
    struct daemon base;
    struct mta mta;
    struct metrics_server *metrics;
    struct log_follower *log_level;
    struct quota_warner *warner;
    struct service service[5];
    bool left; /* another process goes on with the queue */
};

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

/* Listens on each of the addresses in a setting. */
static size_t listen_on(struct mtad *d, size_t which) {
    struct service *service = &d->service[which];
    *service = (struct service){&d->mta, offered[which].kind};
    struct listener_options o = {
        .protocol = &smtpd_protocol,
        .context = service,
        .tls = offered[which].tls ? d->base.tls : NULL,
        .implicit_tls = offered[which].implicit_tls,
        .max_input = INPUT_BYTES,
        .busy_reply = "421 4.7.0 Too many connections, come back later\r\n",
    };
    return daemon_listen(&d->base, offered[which].setting, &o);
}

static void open_listeners(struct mtad *d) {
    struct server_options o = {.max_workers = MAX_WORKERS, .max_connections = MAX_CONNECTIONS};
    size_t listeners = 0;
    struct err err;
    d->base.server = server_new(&o);
    for (size_t i = 0; i < sizeof offered / sizeof *offered; i++)
        listeners += listen_on(d, i);
    d->metrics = metrics_listen(measure_set(&d->mta, d->base.server), conf_get(d->base.conf, "mta_metrics", ""), &err);
    if (!d->metrics && *err.text)
        log_fatal("mta_metrics: %s", err.text);
    if (!listeners)
        log_fatal("nothing to listen on: set mta_smtp, mta_submission, mta_submissions, mta_lmtp or mta_pickup");
}

/* ---- what it works with ---- */

/* The process that this one takes over from has the name, and still sends. */
static bool take_owner(const struct mtad *d, char owner[OWNER_BYTES], struct err *err) {
    const char *state = conf_get(d->base.conf, "state", "/var/lib/mansio");
    if (owner_take(state, d->mta.hostname, owner, err))
        return true;
    if (d->base.took_over)
        owner_beside(d->mta.hostname, owner);
    return d->base.took_over;
}

static void open_modules(struct mtad *d) {
    struct mta *m = &d->mta;
    struct err err;
    char owner[OWNER_BYTES];
    m->spool = daemon_folder(&d->base, "spool");
    struct blob_options blobs;
    if (!blob_options_read(d->base.conf, &blobs, &err) || !take_owner(d, owner, &err) ||
        !(m->db = db_open(m->db_conninfo, DB_CONNECTIONS, &err)) ||
        !(m->directory = directory_open(m->db, m->db_conninfo, &err)) ||
        !(m->store = store_open(m->db, m->db_conninfo, &blobs, &err)) ||
        !(m->auth = auth_new(m->directory, m->db, m->db_conninfo, &err)) ||
        !(m->dns = dns_new(conf_get(d->base.conf, "resolver", ""), &err)))
        log_fatal("%s", err.text);
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

static void close_modules(struct mtad *d) {
    struct mta *m = &d->mta;
    quota_warner_stop(d->warner);
    server_free(d->base.server);
    auth_free(m->auth);
    book_free(m->book);
    policy_close(m->policy);
    dns_free(m->dns);
    filter_table_free(m->filters);
    directory_close(m->directory);
    store_close(m->store);
    db_close(m->db);
    tls_free(d->base.tls);
    tls_free(m->tls_client);
}

/* Another process serves now, and goes on with the queue. */
static void leave(void *context) {
    struct mtad *d = context;
    metrics_retire(d->metrics);
    runner_leave(d->mta.runner);
    d->left = true;
}

int main(int argc, char **argv) {
    static struct mtad d;
    const char *ca;
    struct err err;
    mem_share_heaps();
    daemon_begin(&d.base, "mta", argc, argv);
    d.mta.hostname = daemon_setting(&d.base, "hostname");
    d.mta.db_conninfo = daemon_setting(&d.base, "db_mta");
    d.mta.remote_port = (uint16_t)conf_number(d.base.conf, "mta_smtp_port", 25, 1, 65535);
    ca = conf_get(d.base.conf, "tls_ca", "");
    daemon_open_tls(&d.base);
    if (!(d.mta.tls_client = tls_client_new(*ca ? ca : NULL, &err)))
        log_fatal("%s", err.text);
    open_listeners(&d);
    if (!privileges_drop(conf_get(d.base.conf, "user", ""), &err))
        log_fatal("%s", err.text);
    open_modules(&d);
    bool clean = daemon_serve(&d.base, STOP_MS, leave, &d);
    metrics_stop(d.metrics);
    log_level_stop(d.log_level);
    bool idle = runner_stop(d.mta.runner, d.left ? d.base.drain_ms : QUEUE_STOP_MS);
    trace_stop(d.mta.trace);
    if (clean && idle) /* else somebody still uses it, and the process ends anyway */
        close_modules(&d);
    log_info("stopped");
    return clean ? 0 : 1;
}
