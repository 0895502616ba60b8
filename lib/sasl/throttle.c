#include "sasl/throttle.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/memory.h"
#include "db/db.h"

#include <arpa/inet.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    KEY_BYTES = 32,
    FAILURE_SLOTS = 8192,
    FAILURE_SECONDS = 600,  /* a count of failures starts anew after so long without one */
    PAIR_FAILURES = 10,     /* of one account from one address */
    PEER_FAILURES = 50,     /* of one address */
    ACCOUNT_FAILURES = 200, /* of one account: high, or strangers could lock it */
    BAN_SECONDS = 600,      /* until the table says how long */
    BAN_SLOTS = 16384,
    MAX_BANS = 8000, /* that are kept in memory */
    MAX_JOBS = 1024,
    MAX_LOGIN = 320,
};

enum kind { PAIR, ADDRESS, ACCOUNT, KINDS };
static const struct {
    const char *name;
    uint32_t failures;
} kinds[KINDS] = {{"pair", PAIR_FAILURES}, {"address", PEER_FAILURES}, {"account", ACCOUNT_FAILURES}};

struct failure {
    uint64_t key;
    int64_t last;
    uint32_t count;
};

struct ban {
    uint64_t key; /* 0: none */
    int64_t until;
};

struct job {
    struct job *next;
    void (*run)(struct db *db, void *context);
    void (*end)(void *context);
    void *context;
};

struct throttle {
    struct db *db;
    struct db_listener *listener;
    unsigned char key[KEY_BYTES];
    pthread_mutex_t lock;
    pthread_cond_t work;
    pthread_t writer;
    bool stopping, has_writer;
    struct job *first, **last;
    size_t jobs;
    struct failure failure[FAILURE_SLOTS];
    struct ban *ban; /* open hash of BAN_SLOTS */
    size_t bans;
};

static const struct db_statement READ_BANS = {
    "throttle_read", "SELECT kind, login, address, until FROM login_ban WHERE until > now() ORDER BY until DESC "
                     "LIMIT 8000"};
static const struct db_statement ADD_BAN = {"throttle_add", "SELECT login_ban_add($1, $2, $3, $4, $5)"};

void throttle_network(const char *peer, char out[THROTTLE_NETWORK_BYTES]) {
    struct in6_addr v6;
    char text[INET6_ADDRSTRLEN];
    if (inet_pton(AF_INET6, peer, &v6) == 1) {
        memset(v6.s6_addr + 8, 0, 8);
        inet_ntop(AF_INET6, &v6, text, sizeof text);
        snprintf(out, THROTTLE_NETWORK_BYTES, "%s/64", text);
    } else {
        snprintf(out, THROTTLE_NETWORK_BYTES, "%s", peer);
    }
}

/* Keyed, so that nobody can find a name that is counted as another. */
static uint64_t key_of(const struct throttle *t, enum kind kind, struct str login, struct str network) {
    unsigned char mac[EVP_MAX_MD_SIZE];
    struct arena arena = ARENA_EMPTY;
    struct str text = arena_printf(&arena, "%d\n%.*s\n%.*s", (int)kind,
                                   STR_ARG(kind == ADDRESS ? STR("") : arena_lower(&arena, login)),
                                   STR_ARG(kind == ACCOUNT ? STR("") : network));
    HMAC(EVP_sha256(), t->key, KEY_BYTES, (const unsigned char *)text.p, text.n, mac, NULL);
    arena_free(&arena);
    uint64_t key;
    memcpy(&key, mac, sizeof key);
    return key | 1;
}

/* ---- bans, under the lock ---- */

static struct ban *find_ban(struct throttle *t, uint64_t key) {
    size_t i = key % BAN_SLOTS;
    while (t->ban[i].key && t->ban[i].key != key)
        i = (i + 1) % BAN_SLOTS;
    return &t->ban[i];
}

static void put_ban(struct throttle *t, uint64_t key, int64_t until) {
    struct ban *b = find_ban(t, key);
    if (!b->key && t->bans >= MAX_BANS)
        return;
    t->bans += !b->key;
    *b = (struct ban){key, until};
}

bool throttle_is_banned(struct throttle *t, struct str login, const char *peer) {
    char network[THROTTLE_NETWORK_BYTES];
    if (strcmp(peer, "unix") == 0)
        return false;
    throttle_network(peer, network);
    bool yes = false;
    int64_t now = clock_monotonic();
    for (int k = 0; k < KINDS && !yes; k++) {
        uint64_t key = key_of(t, (enum kind)k, login, str_of(network));
        pthread_mutex_lock(&t->lock);
        const struct ban *b = find_ban(t, key);
        yes = b->key == key && b->until > now;
        pthread_mutex_unlock(&t->lock);
    }
    return yes;
}

/* ---- work for later ---- */

void throttle_later(struct throttle *t, void (*run)(struct db *db, void *context), void (*end)(void *context),
                    void *context) {
    struct job *j = mem_zero(sizeof *j);
    *j = (struct job){.run = run, .end = end, .context = context};
    pthread_mutex_lock(&t->lock);
    bool taken = t->jobs < MAX_JOBS && !t->stopping;
    if (taken) {
        *t->last = j;
        t->last = &j->next;
        t->jobs++;
        pthread_cond_signal(&t->work);
    }
    pthread_mutex_unlock(&t->lock);
    if (!taken) {
        end(context);
        free(j);
    }
}

static void *write_things(void *context) {
    struct throttle *t = context;
    pthread_mutex_lock(&t->lock);
    while (!t->stopping || t->first) {
        struct job *j = t->first;
        if (!j) {
            pthread_cond_wait(&t->work, &t->lock);
            continue;
        }
        t->first = j->next;
        if (!t->first)
            t->last = &t->first;
        t->jobs--;
        bool run = !t->stopping;
        pthread_mutex_unlock(&t->lock);
        if (run)
            j->run(t->db, j->context);
        j->end(j->context);
        free(j);
        pthread_mutex_lock(&t->lock);
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

/* ---- failures ---- */

struct new_ban {
    enum kind kind;
    uint32_t failures;
    char login[MAX_LOGIN + 1], network[THROTTLE_NETWORK_BYTES], why[80];
};

static void write_ban(struct db *db, void *context) {
    const struct new_ban *b = context;
    struct err err;
    struct db_conn *c = db_acquire(db, &err);
    if (!c) {
        log_warn("auth: a ban is known to this process alone: %s", err.text);
        return;
    }
    struct db_params p = {0};
    db_text(&p, str_of(kinds[b->kind].name));
    db_text(&p, str_of(b->kind == ADDRESS ? "" : b->login));
    db_text(&p, str_of(b->kind == ACCOUNT ? "" : b->network));
    db_int4(&p, (int32_t)b->failures);
    db_text(&p, str_of(b->why));
    PGresult *r = db_query(c, &ADD_BAN, &p, &err);
    if (!r)
        log_warn("auth: a ban is known to this process alone: %s", err.text);
    PQclear(r);
    db_release(db, c);
}

static void begin_ban(struct throttle *t, enum kind kind, uint32_t failures, struct str login, const char *network,
                      const char *why) {
    struct new_ban *b = mem_zero(sizeof *b);
    b->kind = kind;
    b->failures = failures;
    struct arena a = ARENA_EMPTY;
    if (!str_is_utf8(login) || !str_to_c(arena_lower(&a, login), b->login, sizeof b->login))
        snprintf(b->login, sizeof b->login, "?");
    arena_free(&a);
    snprintf(b->network, sizeof b->network, "%s", network);
    snprintf(b->why, sizeof b->why, "%s", why);
    log_info("auth: banned %s login=<%s> client=[%s] after %u failures, the last one %s", kinds[kind].name,
             kind == ADDRESS ? "" : b->login, kind == ACCOUNT ? "" : network, failures, why);
    throttle_later(t, write_ban, free, b);
}

/* Counts under the lock; the number of failures where they are too many now, else 0. */
static uint32_t count_one(struct throttle *t, uint64_t key, enum kind kind) {
    struct failure *f = &t->failure[key % FAILURE_SLOTS];
    int64_t now = clock_monotonic();
    bool known = f->key == key && f->last + FAILURE_SECONDS * CLOCK_SECOND > now;
    *f = (struct failure){key, now, known ? f->count + 1 : 1};
    if (f->count < kinds[kind].failures)
        return 0;
    uint32_t failures = f->count;
    f->count = 0;
    put_ban(t, key, now + BAN_SECONDS * CLOCK_SECOND);
    return failures;
}

void throttle_count(struct throttle *t, struct str login, const char *peer, const char *why) {
    char network[THROTTLE_NETWORK_BYTES];
    if (strcmp(peer, "unix") == 0)
        return;
    throttle_network(peer, network);
    /* Behind this very machine's address are its own programs, somebody else's webmail say, with all who use them. */
    bool own = strcmp(peer, "127.0.0.1") == 0 || strcmp(peer, "::1") == 0;
    for (int k = 0; k < KINDS; k++) {
        if (k == ADDRESS ? own : login.n == 0)
            continue;
        uint64_t key = key_of(t, (enum kind)k, login, str_of(network));
        pthread_mutex_lock(&t->lock);
        uint32_t failures = count_one(t, key, (enum kind)k);
        pthread_mutex_unlock(&t->lock);
        if (failures)
            begin_ban(t, (enum kind)k, failures, login, network, why);
    }
}

/* ---- what the table says ---- */

static void read_bans(struct throttle *t) {
    struct err err;
    struct db_conn *c = db_acquire(t->db, &err);
    PGresult *r = c ? db_query(c, &READ_BANS, NULL, &err) : NULL;
    if (r) {
        int64_t now = clock_now(), monotonic = clock_monotonic();
        pthread_mutex_lock(&t->lock);
        memset(t->ban, 0, BAN_SLOTS * sizeof *t->ban);
        t->bans = 0;
        for (int i = 0; i < PQntuples(r); i++)
            for (int k = 0; k < KINDS; k++)
                if (str_eq(db_get_str(r, i, 0), str_of(kinds[k].name)))
                    put_ban(t, key_of(t, (enum kind)k, db_get_str(r, i, 1), db_get_str(r, i, 2)),
                            monotonic + (db_get_time(r, i, 3) - now));
        pthread_mutex_unlock(&t->lock);
    } else {
        log_warn("auth: bans can't be read: %s", err.text);
    }
    PQclear(r);
    if (c)
        db_release(t->db, c);
}

/* "lifted KIND ADDRESS LOGIN": what was counted for it is forgotten. */
static void forget(struct throttle *t, struct str payload) {
    struct str word, kind, address;
    if (!str_split(&payload, ' ', &word) || !str_eq(word, STR("lifted")) || !str_split(&payload, ' ', &kind) ||
        !str_split(&payload, ' ', &address))
        return;
    if (str_eq(address, STR("-")))
        address = STR("");
    for (int k = 0; k < KINDS; k++)
        if (str_eq(kind, str_of(kinds[k].name))) {
            uint64_t key = key_of(t, (enum kind)k, payload.p ? payload : STR(""), address);
            pthread_mutex_lock(&t->lock);
            struct failure *f = &t->failure[key % FAILURE_SLOTS];
            if (f->key == key)
                f->count = 0;
            pthread_mutex_unlock(&t->lock);
        }
}

static void on_notify(void *context, const char *channel, struct str payload) {
    (void)channel;
    struct throttle *t = context;
    forget(t, payload);
    read_bans(t);
}

/* ---- opening ---- */

struct throttle *throttle_new(struct db *db, const char *conninfo, struct err *err) {
    static const char *const channels[] = {"login_ban", NULL};
    struct throttle *t = mem_zero(sizeof *t);
    t->db = db;
    t->last = &t->first;
    t->ban = mem_zero(BAN_SLOTS * sizeof *t->ban);
    random_bytes(t->key, sizeof t->key);
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->work, NULL);
    t->has_writer = pthread_create(&t->writer, NULL, write_things, t) == 0;
    if (!t->has_writer)
        err_set(err, "cannot start a thread");
    else
        t->listener = db_listen(conninfo, channels, on_notify, t, err);
    if (t->listener)
        return t;
    throttle_free(t);
    return NULL;
}

void throttle_free(struct throttle *t) {
    if (!t)
        return;
    if (t->listener)
        db_listener_stop(t->listener);
    if (t->has_writer) {
        pthread_mutex_lock(&t->lock);
        t->stopping = true;
        pthread_cond_signal(&t->work);
        pthread_mutex_unlock(&t->lock);
        pthread_join(t->writer, NULL);
    }
    pthread_cond_destroy(&t->work);
    pthread_mutex_destroy(&t->lock);
    free(t->ban);
    free(t);
}
