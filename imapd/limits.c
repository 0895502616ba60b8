#include "limits.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/quantity.h"
#include "directory/directory.h"
#include "sasl/throttle.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUCKETS = 4096, KEY_BYTES = THROTTLE_NETWORK_BYTES, RETRY_SECONDS = 5 };

#define MILLISECOND (CLOCK_SECOND / 1000)

/* ---- the settings, read again when they may have changed ---- */

enum value { ACCOUNT, ADDRESS, LOGIN_MS, IMAP_MS, POP3_MS, POP3_DELAY, VALUES };

static const struct {
    const char *setting;
    int64_t unit;      /* 0: a plain number; else microseconds */
    int64_t least;     /* what is less counts as this */
    int64_t otherwise; /* where it is not set, or can't be read */
} settings[VALUES] = {
    [ACCOUNT] = {"imapd.connections_account", 0, 0, 50},
    [ADDRESS] = {"imapd.connections_address", 0, 0, 200},
    [LOGIN_MS] = {"imapd.login_timeout", MILLISECOND, 1000, 2 * 60 * 1000},
    [IMAP_MS] = {"imapd.imap_timeout", MILLISECOND, 30 * 60 * 1000, 30 * 60 * 1000},
    [POP3_MS] = {"imapd.pop3_timeout", MILLISECOND, 10 * 60 * 1000, 10 * 60 * 1000},
    [POP3_DELAY] = {"imapd.pop3_login_delay", CLOCK_SECOND, 0, 0},
};

struct place {
    struct place *next;
    uint32_t count;
    char key[KEY_BYTES];
};

struct limits {
    struct directory *directory;
    _Atomic uint64_t seen;    /* the generation of the settings that the values are of */
    _Atomic int64_t retry_at; /* PostgreSQL was away: until then what is known stays */
    _Atomic int64_t value[VALUES];
    pthread_mutex_t lock;
    struct place *bucket[BUCKETS];
};

/* False: PostgreSQL is away. */
static bool read_value(struct limits *l, enum value which) {
    struct arena a = ARENA_EMPTY;
    struct str text;
    int64_t v = settings[which].otherwise;
    uint32_t number;
    bool there = directory_setting(l->directory, &a, str_of(settings[which].setting), &text) == DIRECTORY_OK;
    if (there && text.n) {
        bool good = settings[which].unit ? quantity_duration(text, &v) : str_u32(str_trim(text), &number);
        if (!good)
            log_warn("the setting %s is \"%.*s\", which can't be understood", settings[which].setting, STR_ARG(text));
        v = !good ? settings[which].otherwise : settings[which].unit ? v / settings[which].unit : (int64_t)number;
        if (v < settings[which].least)
            v = settings[which].least;
        if (v > INT32_MAX)
            v = INT32_MAX;
    }
    arena_free(&a);
    if (there)
        atomic_store(&l->value[which], v);
    return there;
}

static int64_t value(struct limits *l, enum value which) {
    uint64_t now = directory_settings_generation(l->directory) + 1, seen = atomic_load(&l->seen);
    if (seen != now && atomic_load(&l->retry_at) <= clock_monotonic() &&
        atomic_compare_exchange_strong(&l->seen, &seen, now))
        for (int i = 0; i < VALUES; i++)
            if (!read_value(l, (enum value)i)) {
                atomic_store(&l->retry_at, clock_monotonic() + RETRY_SECONDS * CLOCK_SECOND);
                atomic_store(&l->seen, 0);
                break;
            }
    return atomic_load(&l->value[which]);
}

int limits_login_ms(struct limits *l) { return (int)value(l, LOGIN_MS); }
int limits_imap_ms(struct limits *l) { return (int)value(l, IMAP_MS); }
int limits_pop3_ms(struct limits *l) { return (int)value(l, POP3_MS); }
int limits_pop3_delay(struct limits *l) { return (int)value(l, POP3_DELAY); }

/* ---- counting ---- */

static struct place **find(struct limits *l, const char *key) {
    uint64_t h = 1469598103934665603u;
    for (const char *p = key; *p; p++)
        h = (h ^ (unsigned char)*p) * 1099511628211u;
    struct place **at = &l->bucket[(h ^ h >> 29) % BUCKETS];
    while (*at && strcmp((*at)->key, key) != 0)
        at = &(*at)->next;
    return at;
}

static bool take(struct limits *l, const char *key, int64_t most) {
    pthread_mutex_lock(&l->lock);
    struct place **at = find(l, key);
    bool room = most == 0 || !*at || (*at)->count < most;
    if (room && !*at) {
        *at = mem_zero(sizeof **at);
        snprintf((*at)->key, sizeof(*at)->key, "%s", key);
    }
    if (room)
        (*at)->count++;
    pthread_mutex_unlock(&l->lock);
    return room;
}

static void give(struct limits *l, const char *key) {
    pthread_mutex_lock(&l->lock);
    struct place **at = find(l, key), *p = *at;
    if (!p)
        log_panic("a place of %s is given back that was not taken", key);
    else if (--p->count == 0) {
        *at = p->next;
        free(p);
    }
    pthread_mutex_unlock(&l->lock);
}

static bool is_counted(const char *peer) {
    return strcmp(peer, "unix") != 0 && strncmp(peer, "127.", 4) != 0 && strcmp(peer, "::1") != 0;
}

bool limits_take_address(struct limits *l, const char *peer) {
    char key[KEY_BYTES];
    if (!is_counted(peer))
        return true;
    throttle_network(peer, key);
    return take(l, key, value(l, ADDRESS));
}

void limits_give_address(struct limits *l, const char *peer) {
    char key[KEY_BYTES];
    if (!is_counted(peer))
        return;
    throttle_network(peer, key);
    give(l, key);
}

/* An address has a dot or a colon, so it is never a number's key. */
static void account_key(int64_t account, char key[KEY_BYTES]) { snprintf(key, KEY_BYTES, "%lld", (long long)account); }

bool limits_take_account(struct limits *l, int64_t account) {
    char key[KEY_BYTES];
    account_key(account, key);
    return take(l, key, value(l, ACCOUNT));
}

void limits_give_account(struct limits *l, int64_t account) {
    char key[KEY_BYTES];
    account_key(account, key);
    give(l, key);
}

struct limits *limits_new(struct directory *d) {
    struct limits *l = mem_zero(sizeof *l);
    l->directory = d;
    pthread_mutex_init(&l->lock, NULL);
    for (int i = 0; i < VALUES; i++)
        atomic_store(&l->value[i], settings[i].otherwise);
    return l;
}

void limits_free(struct limits *l) {
    if (!l)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        while (l->bucket[i]) {
            struct place *p = l->bucket[i];
            l->bucket[i] = p->next;
            free(p);
        }
    pthread_mutex_destroy(&l->lock);
    free(l);
}
