/*
 * mansio-imapd: the IMAP and POP3 server. Reads the configuration, opens what it listens on, gives up privileges, opens
 * what it works with, and serves until it is told to stop.
 */
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
#include "net/daemon.h"
#include "net/server.h"
#include "net/tls.h"
#include "pop3/hold.h"
#include "pop3/pop3.h"
#include "quota/quota.h"
#include "sasl/auth.h"
#include "service.h"
#include "store/blob.h"
#include "store/store.h"
#include "sweeper.h"
#include "view/cards.h"
#include "view/view.h"
#include "watch/watch.h"

#include <stdlib.h>

enum {
    MAX_WORKERS = 128,
    MAX_CONNECTIONS = 100000,
    DB_CONNECTIONS = 24,
    STOP_MS = 10000,         /* for commands that are under way */
    IDLE_MESSAGES = 4000000, /* in views that nobody uses; some 28 bytes each */
};

struct imapd {
    struct daemon base;
    struct service service;
    struct endpoint endpoint[5];
    struct db *db;
    struct sweeper *sweeper;
    struct quota_warner *warner;
    const char *conninfo;
    struct metrics_server *metrics;
    struct log_follower *log_level;
};

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

/* Listens on each of the addresses in a setting. */
static size_t listen_on(struct imapd *d, size_t which) {
    d->endpoint[which] = (struct endpoint){&d->service, offered[which].trusted};
    struct listener_options o = {
        .protocol = offered[which].protocol,
        .context = &d->endpoint[which],
        .tls = offered[which].tls ? d->base.tls : NULL,
        .implicit_tls = offered[which].implicit_tls,
        .max_input = MAX_INPUT,
        .busy_reply = offered[which].busy,
    };
    struct str rest = str_of(conf_get(d->base.conf, offered[which].setting, "")), address;
    while (offered[which].trusted && str_split(&rest, ' ', &address))
        if (address.n && !str_starts(address, STR("unix:")))
            log_fatal("%s: %.*s is no UNIX socket: nothing else is trusted without TLS", offered[which].setting,
                      STR_ARG(address));
    return daemon_listen(&d->base, offered[which].setting, &o);
}

static void open_listeners(struct imapd *d) {
    struct server_options o = {.max_workers = MAX_WORKERS, .max_connections = MAX_CONNECTIONS};
    size_t listeners = 0;
    struct err err;
    d->base.server = d->service.server = server_new(&o);
    for (size_t i = 0; i < sizeof offered / sizeof *offered; i++)
        listeners += listen_on(d, i);
    d->metrics =
        metrics_listen(measure_set(d->service.server, &d->db), conf_get(d->base.conf, "imapd_metrics", ""), &err);
    if (!d->metrics && *err.text)
        log_fatal("imapd_metrics: %s", err.text);
    if (!listeners)
        log_fatal("nothing to listen on: set imapd_imap, imapd_imaps, imapd_local, imapd_pop3 or imapd_pop3s");
}

/* ---- what it works with ---- */

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

static void open_modules(struct imapd *d) {
    struct service *s = &d->service;
    struct err err;
    s->spool = daemon_folder(&d->base, "spool");
    struct blob_options blobs;
    if (!blob_options_read(d->base.conf, &blobs, &err) || !(d->db = db_open(d->conninfo, DB_CONNECTIONS, &err)) ||
        !(s->directory = directory_open(d->db, d->conninfo, &err)) ||
        !(s->store = store_open(d->db, d->conninfo, &blobs, &err)) ||
        !(s->auth = auth_new(s->directory, d->db, d->conninfo, &err)) ||
        !(s->holds = holds_open(d->db, d->conninfo, &err)))
        log_fatal("%s", err.text);
    s->db = d->db;
    s->limits = limits_new(s->directory);
    s->cards = cards_new(s->store, (size_t)conf_number(d->base.conf, "imapd_cache_mb", 64, 1, 1 << 20) << 20);
    struct views_options o = {.store = s->store, .wake = wake, .context = s, .idle_messages = IDLE_MESSAGES};
    s->views = views_new(&o);
    s->watches = watches_new(s->store, wake, s);
    store_watch(s->store, &(struct store_watcher){on_changed, on_flags, on_annotated, s});
    d->sweeper = sweeper_start(s->store, (int)conf_number(d->base.conf, "imapd_sweep_seconds", 600, 1, 86400));
    if (conf_number(d->base.conf, "imapd_search_index", 1, 0, 1) &&
        !(s->indexer = indexer_start(s->store, d->conninfo, &err)))
        log_fatal("%s", err.text);
    if (!(d->warner = quota_warner_start(d->db, s->directory, s->store, s->hostname, &err)))
        log_fatal("%s", err.text);
}

static void close_modules(struct imapd *d) {
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
    tls_free(d->base.tls);
}

/* Another process serves now. */
static void leave(void *context) {
    struct imapd *d = context;
    metrics_retire(d->metrics);
}

static void configure(struct imapd *d) {
    const struct conf *c = d->base.conf;
    d->service.hostname = daemon_setting(&d->base, "hostname");
    d->conninfo = daemon_setting(&d->base, "db_imapd");
    d->service.message_limit = (uint32_t)conf_number(c, "imapd_message_limit", 1000000, 0, UINT32_MAX);
    d->service.unauthenticate = conf_number(c, "imapd_unauthenticate", 1, 0, 1);
    d->service.save_limit = (uint32_t)conf_number(c, "imapd_save_limit", 0, 0, UINT32_MAX);
    d->service.progress_ms = (int)conf_number(c, "imapd_progress_ms", 10000, 1, 1800000);
    d->service.append_limit = (uint64_t)conf_number(c, "imapd_append_limit", 100 << 20, 1024, UINT32_MAX);
}

int main(int argc, char **argv) {
    static struct imapd d;
    struct err err;
    mem_share_heaps();
    daemon_begin(&d.base, "imapd", argc, argv);
    configure(&d);
    daemon_open_tls(&d.base);
    open_listeners(&d);
    if (!privileges_drop(conf_get(d.base.conf, "user", ""), &err))
        log_fatal("%s", err.text);
    open_modules(&d);
    if (!metrics_serve(d.metrics, &err) || !(d.log_level = log_level_follow(d.conninfo, &err)))
        log_fatal("%s", err.text);
    bool clean = daemon_serve(&d.base, STOP_MS, leave, &d);
    metrics_stop(d.metrics);
    log_level_stop(d.log_level);
    sweeper_stop(d.sweeper);
    if (clean) { /* else somebody still uses it, and the process ends anyway */
        quota_warner_stop(d.warner);
        close_modules(&d);
    }
    log_info("stopped");
    return clean ? 0 : 1;
}
