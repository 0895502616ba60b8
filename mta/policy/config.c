#include "policy/config.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/quantity.h"
#include "db/db.h"
#include "directory/directory.h"
#include "settings.h"

#include <pthread.h>
#include <stdlib.h>

enum { LIFE_S = 60, RETRY_S = 2 };

struct config_keeper {
    const struct mta *mta;
    pthread_mutex_t lock;
    struct policy_config *current;
    bool reading; /* somebody reads anew; the others go on with what there is */
};

static const struct db_statement READ = {"policy_settings",
                                         "SELECT name, value FROM setting WHERE name LIKE 'policy.%' OR name IN"
                                         " ('mta.networks', 'mta.spared_networks', 'mta.xclient_networks',"
                                         " 'mta.xforward_networks')"};

/* ---- values ---- */

static void read_number(struct str name, struct str value, uint32_t *out) {
    if (!str_u32(str_trim(value), out))
        log_warn("the setting %.*s is \"%.*s\", which is no number", STR_ARG(name), STR_ARG(value));
}

static void read_score(struct str name, struct str value, int32_t *out) {
    uint32_t v;
    value = str_trim(value);
    bool negative = value.n && value.p[0] == '-';
    if (str_u32(negative ? str_sub(value, 1, value.n) : value, &v) && v <= INT32_MAX)
        *out = negative ? -(int32_t)v : (int32_t)v;
    else
        log_warn("the setting %.*s is \"%.*s\", which is no number", STR_ARG(name), STR_ARG(value));
}

static void read_duration(struct str name, struct str value, int64_t *out) {
    if (!quantity_duration(value, out))
        log_warn("the setting %.*s is \"%.*s\", which is no time like 90s, 5m, 4h or 2d", STR_ARG(name),
                 STR_ARG(value));
}

static void read_networks(struct policy_config *c, struct str name, struct str value, struct networks *out) {
    struct err err;
    if (!networks_parse(&c->arena, value, out, &err))
        log_warn("the setting %.*s: %s", STR_ARG(name), err.text);
}

static void read_value(struct policy_config *c, struct str name, struct str value) {
    struct err err;
    const struct {
        const char *name;
        uint32_t *number;
        int64_t *duration;
        int32_t *score;
        struct networks *networks;
    } known[] = {
        {"policy.connections", &c->connections, NULL, NULL, NULL},
        {"policy.connection_rate", &c->connection_rate, NULL, NULL, NULL},
        {"policy.message_rate", &c->message_rate, NULL, NULL, NULL},
        {"policy.recipient_rate", &c->recipient_rate, NULL, NULL, NULL},
        {"policy.greylist_clients", &c->greylist_clients, NULL, NULL, NULL},
        {"policy.greet_delay", NULL, &c->greet_delay, NULL, NULL},
        {"policy.greylist_delay", NULL, &c->greylist_delay, NULL, NULL},
        {"policy.greylist_window", NULL, &c->greylist_window, NULL, NULL},
        {"policy.greylist_lifetime", NULL, &c->greylist_lifetime, NULL, NULL},
        {"policy.dnsbl_threshold", NULL, NULL, &c->dnsbl_threshold, NULL},
        {"policy.dnswl_threshold", NULL, NULL, &c->dnswl_threshold, NULL},
        {"mta.networks", NULL, NULL, NULL, &c->networks},
        {"mta.spared_networks", NULL, NULL, NULL, &c->spared},
        {"mta.xclient_networks", NULL, NULL, NULL, &c->xclient},
        {"mta.xforward_networks", NULL, NULL, NULL, &c->xforward},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!str_eq(name, str_of(known[i].name)))
            continue;
        if (known[i].number)
            read_number(name, value, known[i].number);
        else if (known[i].duration)
            read_duration(name, value, known[i].duration);
        else if (known[i].score)
            read_score(name, value, known[i].score);
        else
            read_networks(c, name, value, known[i].networks);
        return;
    }
    for (int i = 0; i < RULE_COUNT; i++)
        if (str_eq(name, str_of(rules[i].setting)) && !rule_mode_parse(value, &c->mode[i]))
            log_warn("the setting %.*s is \"%.*s\", which is none of off, warn and enforce", STR_ARG(name),
                     STR_ARG(value));
    if (str_eq(name, STR("policy.dnsbl_lists")) && !dnsbl_parse(&c->arena, value, &c->dnsbl, &err))
        log_warn("the setting policy.dnsbl_lists: %s", err.text);
}

/* What holds before the settings could be read: nothing that refuses. */
static struct policy_config *config_new(void) {
    struct policy_config *c = mem_zero(sizeof *c);
    atomic_store(&c->references, 1);
    c->dnsbl_threshold = 1;
    c->dnswl_threshold = -1;
    c->greylist_delay = 5 * 60 * CLOCK_SECOND;
    c->greylist_window = 2 * 86400 * CLOCK_SECOND;
    c->greylist_lifetime = 35 * 86400 * CLOCK_SECOND;
    c->greylist_clients = 5;
    return c;
}

/* NULL: PostgreSQL is away. */
static struct policy_config *config_read(const struct mta *m) {
    struct err err;
    uint64_t generation = directory_settings_generation(m->directory);
    struct db_conn *db = db_acquire(m->db, &err);
    PGresult *r = db ? db_query(db, &READ, NULL, &err) : NULL;
    struct policy_config *c = NULL;
    if (r) {
        c = config_new();
        c->generation = generation;
        c->until = clock_monotonic() + LIFE_S * CLOCK_SECOND;
        for (int i = 0; i < PQntuples(r); i++)
            read_value(c, db_get_str(r, i, 0), db_get_str(r, i, 1));
    } else {
        log_warn("the rules for incoming mail stay as they are: %s", err.text);
    }
    PQclear(r);
    if (db)
        db_release(m->db, db);
    return c;
}

/* ---- keeping ---- */

struct config_keeper *config_keeper_new(const struct mta *m) {
    struct config_keeper *k = mem_zero(sizeof *k);
    k->mta = m;
    pthread_mutex_init(&k->lock, NULL);
    k->current = config_new();
    return k;
}

void config_release(struct policy_config *c) {
    if (!c || atomic_fetch_sub(&c->references, 1) > 1)
        return;
    arena_free(&c->arena);
    free(c);
}

void config_keeper_free(struct config_keeper *k) {
    config_release(k->current);
    pthread_mutex_destroy(&k->lock);
    free(k);
}

static void renew(struct config_keeper *k) {
    struct policy_config *c = config_read(k->mta), *old = NULL;
    pthread_mutex_lock(&k->lock);
    k->reading = false;
    if (c) {
        old = k->current;
        k->current = c;
    } else {
        k->current->until = clock_monotonic() + RETRY_S * CLOCK_SECOND;
    }
    pthread_mutex_unlock(&k->lock);
    config_release(old);
}

struct policy_config *config_get(struct config_keeper *k) {
    uint64_t generation = directory_settings_generation(k->mta->directory);
    pthread_mutex_lock(&k->lock);
    bool stale = k->current->generation != generation || k->current->until < clock_monotonic();
    bool mine = stale && !k->reading;
    k->reading |= mine;
    pthread_mutex_unlock(&k->lock);
    if (mine)
        renew(k);
    pthread_mutex_lock(&k->lock);
    struct policy_config *c = k->current;
    atomic_fetch_add(&c->references, 1);
    pthread_mutex_unlock(&k->lock);
    return c;
}
