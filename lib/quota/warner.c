/* Following what is committed, and sending the warnings. */
#include "quota/quota.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "db/db.h"
#include "directory/directory.h"
#include "mime/mime.h"
#include "store/store.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum {
    MAX_PENDING = 1000, /* accounts; of more the next look at all hears */
    LOOK_SECONDS = 300, /* at all accounts */
    BATCH = 500,
    NOTICED_FROM = 50, /* percent; below it no account is looked at after a commit */
};

struct pending {
    struct pending *next;
    int64_t account, percent_before;
    bool refused;
};

struct quota_warner {
    struct db *db;
    struct directory *directory;
    struct store *store;
    const char *hostname;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct pending *pending;
    size_t count;
    bool stop;
};

/* Whoever looks at an account keeps others from it until it is done: a warning is written once. */
static const struct db_statement LOCK = {"quota_lock",
                                         "SELECT pg_advisory_xact_lock(hashtextextended('quota.warning', $1))"};
static const struct db_statement LOOK = {
    "quota_look",
    "SELECT a.local_part || '@' || d.name, a.name, d.name, u.bytes, coalesce(a.quota_bytes, -1), u.messages,"
    " coalesce(a.quota_messages, 0),"
    " coalesce(quota_percent(u.bytes, a.quota_bytes, u.messages, a.quota_messages), 0), u.warned"
    " FROM account_usage u JOIN account a ON a.id = u.account_id JOIN domain d ON d.id = a.domain_id"
    " WHERE u.account_id = $1"};
static const struct db_statement REMEMBER = {"quota_remember",
                                             "UPDATE account_usage SET warned = $2 WHERE account_id = $1"};
/* Those whose level is another one than what was told. */
static const struct db_statement ALL = {
    "quota_all",
    "SELECT account_id FROM (SELECT u.account_id, u.warned,"
    " coalesce(quota_percent(u.bytes, a.quota_bytes, u.messages, a.quota_messages), 0) AS percent"
    " FROM account_usage u JOIN account a ON a.id = u.account_id"
    " WHERE u.account_id > $1 AND (u.warned > 0 OR a.quota_bytes IS NOT NULL OR a.quota_messages IS NOT NULL)) AS x"
    " WHERE warned <> (SELECT coalesce(max(l), 0) FROM unnest($2::int8[]) AS l WHERE l <= percent)"
    " ORDER BY account_id LIMIT $3"};

/* ---- what was committed ---- */

static int64_t percent_of(int64_t bytes, int64_t messages, const struct store_quota *q) {
    int64_t size = q->bytes < 0 ? 0 : q->bytes == 0 ? 100 : (int64_t)((double)bytes * 100 / (double)q->bytes);
    int64_t number = q->messages > 0 ? messages * 100 / q->messages : 0;
    return size > number ? size : number;
}

static void note(struct quota_warner *w, int64_t account, int64_t percent_before, bool refused) {
    pthread_mutex_lock(&w->lock);
    struct pending *p = w->pending;
    while (p && p->account != account)
        p = p->next;
    if (!p && w->count < MAX_PENDING) {
        p = mem_zero(sizeof *p);
        *p = (struct pending){w->pending, account, percent_before, refused};
        w->pending = p;
        w->count++;
    } else if (p) {
        p->percent_before = percent_before < p->percent_before ? percent_before : p->percent_before;
        p->refused = p->refused || refused;
    }
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

/* What it held before tells that it had been emptied only where its owner had been told of more by then: else the
 * warning may have been written since, by who looked after this commit. */
static void on_filled(void *context, const struct store_filled *f) {
    int64_t before = percent_of(f->bytes_before, f->messages_before, &f->quota);
    int64_t now = percent_of(f->bytes, f->messages, &f->quota);
    if (now >= NOTICED_FROM && (f->refused || now != before))
        note(context, f->account, f->refused || before < f->warned ? before : INT64_MAX, f->refused);
}

/* ---- the mail ---- */

static struct str size_text(struct arena *a, int64_t bytes) {
    static const char *const unit[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    size_t i = 0;
    double v = (double)bytes;
    for (; v >= 1024 && i + 1 < sizeof unit / sizeof *unit; i++)
        v /= 1024;
    return arena_printf(a, i && v < 100 ? "%.1f %s" : "%.0f %s", v, unit[i]);
}

struct mail {
    struct quota_words words;
    struct str domain;
    const char *what; /* "warning" or "full": which settings have its text */
};

static bool setting(struct quota_warner *w, struct arena *a, const char *what, const char *part, struct str *out) {
    struct str name = arena_printf(a, "quota.%s_%s", what, part);
    return directory_setting(w->directory, a, name, out) == DIRECTORY_OK;
}

/* The sender is the postmaster of the account's own domain, which leads to whoever runs it (RFC 5321 section 4.5.1). */
static bool compose(struct quota_warner *w, struct arena *a, const struct mail *m, struct buf *out) {
    struct str subject, text;
    struct buf filled = BUF_EMPTY;
    char token[24];
    if (!setting(w, a, m->what, "subject", &subject) || !setting(w, a, m->what, "text", &text))
        return false;
    random_token(token, sizeof token, 15);
    buf_printf(out, "From: Postmaster <postmaster@%.*s>\r\nTo: <%.*s>\r\nDate: ", STR_ARG(m->domain),
               STR_ARG(m->words.address));
    clock_rfc5322(clock_now(), out);
    buf_printf(out, "\r\nMessage-ID: <quota.%s@%s>\r\nSubject: ", token, w->hostname);
    quota_fill_in(subject, &m->words, &filled);
    mime_encode_words(buf_str(&filled), out);
    buf_add_c(out, "\r\nAuto-Submitted: auto-generated\r\nImportance: high\r\nMIME-Version: 1.0\r\n"
                   "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n");
    buf_reset(&filled);
    quota_fill_in(text, &m->words, &filled);
    buf_add_c(&filled, "\r\n");
    mime_encode_quoted_printable(buf_str(&filled), out);
    buf_free(&filled);
    return true;
}

static bool deliver(struct quota_warner *w, struct arena *a, int64_t account, const struct mail *m) {
    struct buf message = BUF_EMPTY, card = BUF_EMPTY;
    struct store_delivery d = {
        .account_id = account,
        .quota_bytes = -1, /* there is always room for this */
        .prefix = arena_printf(a, "Return-Path: <>\r\nDelivered-To: %.*s\r\n", STR_ARG(m->words.address)),
    };
    struct err err = {""};
    bool good = compose(w, a, m, &message);
    if (good) {
        mime_card_encode(mime_parse(a, buf_str(&message)), &card);
        good = store_deliver(w->store, buf_str(&message), -1, buf_str(&card), &d, 1, NULL, &err) == STORE_OK &&
               d.status == STORE_OK;
    }
    if (good)
        log_event(LOG_LEVEL_INFO, "quota", "warned", LOG_ADDRESS("user", m->words.address),
                  LOG_NUMBER("percent", m->words.percent));
    else
        log_warn("quota: no warning could be sent to %.*s, it will be later: %s", STR_ARG(m->words.address), err.text);
    buf_free(&message);
    buf_free(&card);
    return good;
}

/* ---- one account ---- */

static struct mail mail_for(struct arena *a, const PGresult *r, int16_t level) {
    int64_t bytes = db_get_int8(r, 0, 3), quota_bytes = db_get_int8(r, 0, 4);
    int64_t messages = db_get_int8(r, 0, 5), quota_messages = db_get_int8(r, 0, 6);
    struct str address = arena_str(a, db_get_str(r, 0, 0)), name = arena_str(a, db_get_str(r, 0, 1));
    struct store_quota size = {quota_bytes, 0}, number = {-1, quota_messages};
    bool by_size = quota_bytes >= 0 && percent_of(bytes, 0, &size) >= percent_of(0, messages, &number);
    return (struct mail){
        .words = {.address = address,
                  .name = name.n ? name : address,
                  .percent = db_get_int8(r, 0, 7),
                  .used = by_size ? size_text(a, bytes) : arena_printf(a, "%lld", (long long)messages),
                  .limit = by_size ? size_text(a, quota_bytes)
                                   : arena_printf(a, "%lld messages", (long long)quota_messages)},
        .domain = arena_str(a, db_get_str(r, 0, 2)),
        .what = level == 100 ? "full" : "warning",
    };
}

/* In a transaction that holds the account's lock. The mail goes first: what kills the process between the two has it
 * written twice, not never. */
static bool look_at(struct quota_warner *w, struct arena *a, struct db_conn *c, const struct pending *p,
                    const struct quota_levels *levels, struct err *err) {
    struct db_params params = {0};
    db_int8(&params, p->account);
    PGresult *r = db_query(c, &LOCK, &params, err);
    if (!r)
        return false;
    PQclear(r);
    db_int8(&params, p->account);
    if (!(r = db_query(c, &LOOK, &params, err)))
        return false;
    bool good = true, tell = false;
    if (PQntuples(r) == 1) {
        struct quota_state s = {.percent = db_get_int8(r, 0, 7), .refused = p->refused};
        s.warned = (int16_t)db_get_int8(r, 0, 8);
        s.percent_before = p->percent_before < s.percent ? p->percent_before : s.percent;
        int16_t level = quota_next_level(levels, &s, &tell);
        struct mail mail = mail_for(a, r, level);
        good = !tell || deliver(w, a, p->account, &mail);
        if (good && level != s.warned) {
            db_int8(&params, p->account), db_int4(&params, level);
            good = db_exec(c, &REMEMBER, &params, err) >= 0;
        }
    }
    PQclear(r);
    return good;
}

static bool read_levels(struct quota_warner *w, struct arena *a, struct quota_levels *levels) {
    struct str text;
    struct err err;
    if (directory_setting(w->directory, a, STR("quota.warnings"), &text) != DIRECTORY_OK)
        return false;
    if (!quota_levels_parse(text, levels, &err)) {
        log_warn("the setting quota.warnings is of no use: %s", err.text);
        return false;
    }
    return true;
}

static void check(struct quota_warner *w, const struct pending *p) {
    struct arena a = ARENA_EMPTY;
    struct quota_levels levels;
    struct err err = {""};
    struct db_conn *c = read_levels(w, &a, &levels) ? db_acquire(w->db, &err) : NULL;
    if (c && (!db_begin(c, &err) || !look_at(w, &a, c, p, &levels, &err) || !db_commit(c, &err)) && *err.text)
        log_warn("quota: %s", err.text);
    db_release(w->db, c);
    arena_free(&a);
}

/* ---- all accounts ---- */

/* The next ones behind *last whose level has changed; how many. */
static size_t next_batch(struct quota_warner *w, int64_t *last, int64_t account[BATCH]) {
    struct arena a = ARENA_EMPTY;
    struct quota_levels levels;
    struct err err = {""};
    int64_t wide[QUOTA_MAX_LEVELS];
    PGresult *r = NULL;
    struct db_conn *c = read_levels(w, &a, &levels) ? db_acquire(w->db, &err) : NULL;
    if (c) {
        struct db_params p = {0};
        for (size_t i = 0; i < levels.count; i++)
            wide[i] = levels.percent[i];
        db_int8(&p, *last), db_int8_array(&p, wide, levels.count), db_int8(&p, BATCH);
        r = db_query(c, &ALL, &p, &err);
    }
    if (*err.text)
        log_warn("quota: %s", err.text);
    size_t n = r ? (size_t)PQntuples(r) : 0;
    for (size_t i = 0; i < n; i++)
        *last = account[i] = db_get_int8(r, (int)i, 0);
    PQclear(r);
    db_release(w->db, c);
    arena_free(&a);
    return n;
}

static bool stopping(struct quota_warner *w) {
    pthread_mutex_lock(&w->lock);
    bool stop = w->stop;
    pthread_mutex_unlock(&w->lock);
    return stop;
}

static void check_all(struct quota_warner *w) {
    int64_t last = 0, account[BATCH];
    size_t n = BATCH;
    while (n == BATCH && !stopping(w)) {
        n = next_batch(w, &last, account);
        for (size_t i = 0; i < n && !stopping(w); i++)
            check(w, &(struct pending){NULL, account[i], INT64_MAX, false});
    }
}

/* ---- the thread ---- */

/* Waits for something to do: the accounts to look at, or NULL when it is time for all of them, or to stop. */
static struct pending *wait_for_some(struct quota_warner *w, const struct timespec *until, bool *stop) {
    pthread_mutex_lock(&w->lock);
    while (!w->pending && !w->stop)
        if (pthread_cond_timedwait(&w->changed, &w->lock, until) != 0)
            break;
    struct pending *list = w->pending;
    w->pending = NULL;
    w->count = 0;
    *stop = w->stop;
    pthread_mutex_unlock(&w->lock);
    return list;
}

static void *run(void *context) {
    struct quota_warner *w = context;
    struct timespec until;
    bool stop = false;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += LOOK_SECONDS / 10;
    while (!stop) {
        struct timespec now;
        struct pending *list = wait_for_some(w, &until, &stop);
        while (list) {
            struct pending *p = list;
            list = p->next;
            if (!stop)
                check(w, p);
            free(p);
        }
        clock_gettime(CLOCK_REALTIME, &now);
        if (!stop && now.tv_sec >= until.tv_sec) {
            check_all(w);
            until.tv_sec = now.tv_sec + LOOK_SECONDS;
        }
    }
    return NULL;
}

struct quota_warner *quota_warner_start(struct db *db, struct directory *directory, struct store *store,
                                        const char *hostname, struct err *err) {
    struct quota_warner *w = mem_zero(sizeof *w);
    w->db = db;
    w->directory = directory;
    w->store = store;
    w->hostname = hostname;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    store_on_filled(store, on_filled, w); /* before the thread is there, which stores mail itself */
    if (pthread_create(&w->thread, NULL, run, w) != 0) {
        err_set(err, "cannot start the thread that warns of full mailboxes");
        store_on_filled(store, NULL, NULL);
        pthread_cond_destroy(&w->changed);
        pthread_mutex_destroy(&w->lock);
        free(w);
        return NULL;
    }
    return w;
}

void quota_warner_stop(struct quota_warner *w) {
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    store_on_filled(w->store, NULL, NULL); /* not before: the thread may have been storing a warning */
    while (w->pending) {
        struct pending *p = w->pending;
        w->pending = p->next;
        free(p);
    }
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
