#include "directory/directory.h"

#include "base/clock.h"
#include "base/log.h"
#include "db/db.h"
#include "directory/address.h"
#include "directory/protocol.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/*
 * The cache holds *steps*: what one address (or setting) is, without following aliases. A route is put together from
 * steps, so a change of one alias can't leave a stale route behind. Everything is dropped at each notification: the
 * directory changes seldom and a look-up costs less than a millisecond.
 */
enum { BUCKETS = 16384, MAX_ENTRIES = 200000, LIFE_SECONDS = 60 };

struct step {
    bool domain_known, domain_active;
    char kind; /* of the domain: 'h'osted, 'a'lias, 'r'elay */
    int64_t domain_id, tenant_id;
    struct str target_domain, relay_host; /* of an alias or relay domain */
    int64_t account_id, quota_bytes;      /* 0: none */
    int64_t quota_messages;               /* 0: none */
    bool account_active, shared;
    struct str name, password;
    bool app_passwords_only;
    unsigned protocols_off, protocols_off_by_domain;
    struct str app_passwords, send_as; /* of the account, a line each */
    bool has_alias, alias_active;
    struct str *alias;
    size_t alias_count;
    struct str *catch_all;
    size_t catch_all_count;
    struct str value; /* of a setting */
};

struct entry {
    struct entry *next;
    uint64_t hash;
    int64_t until;
    struct str key;
    struct step step;
    struct arena arena; /* holds key and step's strings */
};

struct directory {
    struct db *db;
    struct db_listener *listener;
    pthread_rwlock_t lock;
    struct entry **bucket;
    size_t count;
    uint64_t generation; /* raised at each notification: an answer asked for before it is not kept */
    _Atomic uint64_t settings_generation;
    atomic_bool listening; /* while notifications can't arrive nothing is answered from the cache */
};

static const struct db_statement FIND_ADDRESS = {
    "directory_address",
    "SELECT left(d.kind::text, 1), d.id, d.tenant_id, d.active AND NOT t.suspended, target.name, d.relay_host,"
    "       a.id, a.active, coalesce(a.quota_bytes, -1), a.name, a.password, al.targets, al.active, ca.targets,"
    "       coalesce(a.app_passwords_only, false),"
    "       (SELECT string_agg(concat_ws(' ', p.id, array_to_string(p.scopes, ','), p.password), E'\\n')"
    "          FROM app_password p WHERE p.account_id = a.id),"
    "       (SELECT string_agg(s.address, E'\\n') FROM send_as s WHERE s.account_id = a.id),"
    "       d.protocols_off, a.protocols_off, coalesce(a.quota_messages, 0), coalesce(a.shared, false)"
    "  FROM domain d JOIN tenant t ON t.id = d.tenant_id LEFT JOIN domain target ON target.id = d.target_id"
    "  LEFT JOIN account a ON a.domain_id = d.id AND a.local_part = $2"
    "  LEFT JOIN alias al ON al.domain_id = d.id AND al.local_part = $2 AND $2 <> ''"
    "  LEFT JOIN alias ca ON ca.domain_id = d.id AND ca.local_part = '' AND ca.active"
    " WHERE d.name = $1"};
static const struct db_statement FIND_SETTING = {"directory_setting", "SELECT value FROM setting WHERE name = $1"};

/* ---- the cache ---- */

static uint64_t hash_of(struct str key) {
    uint64_t h = 1469598103934665603u;
    for (size_t i = 0; i < key.n; i++)
        h = (h ^ (unsigned char)key.p[i]) * 1099511628211u;
    return h ^ h >> 29;
}

static void clear(struct directory *d) {
    for (size_t i = 0; i < BUCKETS; i++)
        while (d->bucket[i]) {
            struct entry *e = d->bucket[i];
            d->bucket[i] = e->next;
            arena_free(&e->arena);
            free(e);
        }
    d->count = 0;
}

/* The payload is the table that has changed. */
static void on_notify(void *context, const char *channel, struct str payload) {
    struct directory *d = context;
    /* no address is cached with anything of these */
    bool apart = str_eq(payload, STR("access_list")) || str_eq(payload, STR("filter"));
    if (!apart) {
        pthread_rwlock_wrlock(&d->lock);
        clear(d);
        d->generation++;
        pthread_rwlock_unlock(&d->lock);
    }
    if (apart || !*channel || str_eq(payload, STR("setting")))
        atomic_fetch_add(&d->settings_generation, 1);
    if (!*channel)
        atomic_store(&d->listening, true);
}

static struct str *copy_list(struct arena *a, const struct str *list, size_t n) {
    struct str *out = arena_array(a, n, sizeof *out);
    for (size_t i = 0; i < n; i++)
        out[i] = arena_str(a, list[i]);
    return out;
}

static struct str copy_str(struct arena *a, struct str s) { return s.p ? arena_str(a, s) : s; }

static void copy_step(struct arena *a, const struct step *from, struct step *to) {
    *to = *from;
    to->target_domain = copy_str(a, from->target_domain);
    to->relay_host = copy_str(a, from->relay_host);
    to->name = copy_str(a, from->name);
    to->password = copy_str(a, from->password);
    to->app_passwords = copy_str(a, from->app_passwords);
    to->send_as = copy_str(a, from->send_as);
    to->value = copy_str(a, from->value);
    to->alias = copy_list(a, from->alias, from->alias_count);
    to->catch_all = copy_list(a, from->catch_all, from->catch_all_count);
}

static bool cached(struct directory *d, struct arena *a, struct str key, uint64_t hash, struct step *out,
                   uint64_t *generation) {
    bool found = false;
    pthread_rwlock_rdlock(&d->lock);
    *generation = d->generation;
    if (atomic_load_explicit(&d->listening, memory_order_relaxed))
        for (const struct entry *e = d->bucket[hash % BUCKETS]; e && !found; e = e->next)
            if (e->hash == hash && str_eq(e->key, key) && e->until > clock_monotonic()) {
                copy_step(a, &e->step, out);
                found = true;
            }
    pthread_rwlock_unlock(&d->lock);
    return found;
}

static void keep(struct directory *d, struct str key, uint64_t hash, const struct step *step, uint64_t generation) {
    struct entry *e = mem_zero(sizeof *e);
    e->hash = hash;
    e->key = arena_str(&e->arena, key);
    e->until = clock_monotonic() + LIFE_SECONDS * CLOCK_SECOND;
    copy_step(&e->arena, step, &e->step);
    pthread_rwlock_wrlock(&d->lock);
    bool wanted = d->generation == generation;
    if (wanted) {
        if (d->count >= MAX_ENTRIES)
            clear(d);
        struct entry **at = &d->bucket[hash % BUCKETS];
        while (*at && !(e->hash == (*at)->hash && str_eq((*at)->key, key)))
            at = &(*at)->next;
        struct entry *old = *at; /* out of date, or put there meanwhile by another thread */
        e->next = old ? old->next : NULL;
        *at = e;
        d->count += !old;
        if (old) {
            arena_free(&old->arena);
            free(old);
        }
    }
    pthread_rwlock_unlock(&d->lock);
    if (!wanted) {
        arena_free(&e->arena);
        free(e);
    }
}

/* ---- steps ---- */

static bool unavailable(const struct err *err) {
    log_warn("directory: %s", err->text);
    return false;
}

static unsigned read_protocols(const PGresult *r, int column, struct arena *a) {
    struct str *name;
    unsigned bits = 0;
    for (size_t n = db_get_texts(r, 0, column, a, &name); n > 0; n--)
        bits |= protocol_named(name[n - 1]);
    return bits;
}

static void read_address(const PGresult *r, struct arena *a, struct step *out) {
    out->domain_known = true;
    out->kind = db_get_str(r, 0, 0).p[0];
    out->domain_id = db_get_int8(r, 0, 1);
    out->tenant_id = db_get_int8(r, 0, 2);
    out->domain_active = db_get_bool(r, 0, 3);
    out->target_domain = copy_str(a, db_get_str(r, 0, 4));
    out->relay_host = copy_str(a, db_get_str(r, 0, 5));
    out->account_id = db_get_int8(r, 0, 6);
    out->account_active = db_get_bool(r, 0, 7);
    out->quota_bytes = db_get_int8(r, 0, 8);
    out->quota_messages = db_get_int8(r, 0, 19);
    out->name = copy_str(a, db_get_str(r, 0, 9));
    out->password = copy_str(a, db_get_str(r, 0, 10));
    struct str *list;
    out->has_alias = !db_get_null(r, 0, 11);
    out->alias_count = db_get_texts(r, 0, 11, a, &list);
    out->alias = copy_list(a, list, out->alias_count);
    out->alias_active = db_get_bool(r, 0, 12);
    out->catch_all_count = db_get_texts(r, 0, 13, a, &list);
    out->catch_all = copy_list(a, list, out->catch_all_count);
    out->app_passwords_only = db_get_bool(r, 0, 14);
    out->app_passwords = copy_str(a, db_get_str(r, 0, 15));
    out->send_as = copy_str(a, db_get_str(r, 0, 16));
    out->protocols_off_by_domain = read_protocols(r, 17, a);
    out->protocols_off = out->protocols_off_by_domain | read_protocols(r, 18, a);
    out->shared = db_get_bool(r, 0, 20);
}

/* local is '' for the domain alone. False: PostgreSQL is away. */
static bool find_step(struct directory *d, struct arena *a, struct str local, struct str domain, struct step *out) {
    struct str key = arena_printf(a, "%.*s@%.*s", STR_ARG(local), STR_ARG(domain));
    uint64_t hash = hash_of(key), generation;
    if (cached(d, a, key, hash, out, &generation))
        return true;
    memset(out, 0, sizeof *out);
    struct err err;
    struct db_conn *c = db_acquire(d->db, &err);
    if (!c)
        return unavailable(&err);
    struct db_params p = {0};
    db_text(&p, domain);
    db_text(&p, local);
    PGresult *r = db_query(c, &FIND_ADDRESS, &p, &err);
    if (r && PQntuples(r) == 1)
        read_address(r, a, out);
    bool good = r != NULL;
    PQclear(r);
    db_release(d->db, c);
    if (!good)
        return unavailable(&err);
    keep(d, key, hash, out, generation);
    return true;
}

/* ---- routes ---- */

struct expansion {
    struct directory *d;
    struct arena *a;
    struct directory_target *target;
    size_t count, cap;
    struct str *visited; /* addresses whose aliases are followed already: each leads somewhere once */
    size_t visited_count, visited_cap;
    bool saw_disabled, saw_loop;
};

static bool add_target(struct expansion *x, struct directory_target t) {
    for (size_t i = 0; i < x->count; i++)
        if (t.account_id ? x->target[i].account_id == t.account_id
                         : !x->target[i].account_id && str_ieq(x->target[i].address, t.address))
            return true;
    if (x->count == DIRECTORY_MAX_TARGETS) {
        x->saw_loop = true;
        return true;
    }
    if (x->count == x->cap) {
        size_t cap = x->cap ? x->cap * 2 : 4;
        struct directory_target *grown = arena_array(x->a, cap, sizeof *grown);
        if (x->count)
            memcpy(grown, x->target, x->count * sizeof *grown);
        x->target = grown;
        x->cap = cap;
    }
    x->target[x->count++] = t;
    return true;
}

static bool already_visited(struct expansion *x, struct str address) {
    for (size_t i = 0; i < x->visited_count; i++)
        if (str_eq(x->visited[i], address))
            return true;
    if (x->visited_count == x->visited_cap) {
        size_t cap = x->visited_cap ? x->visited_cap * 2 : 8;
        struct str *grown = arena_array(x->a, cap, sizeof *grown);
        if (x->visited_count)
            memcpy(grown, x->visited, x->visited_count * sizeof *grown);
        x->visited = grown;
        x->visited_cap = cap;
    }
    x->visited[x->visited_count++] = address;
    return false;
}

static bool expand(struct expansion *x, struct str address, int64_t tenant_id, int depth,
                   enum directory_status *status);

static bool expand_list(struct expansion *x, const struct step *s, struct str self, const struct str *list, size_t n,
                        int depth) {
    for (size_t i = 0; i < n; i++) {
        enum directory_status ignored;
        if (s->account_id && s->account_active && str_ieq(list[i], self)) {
            add_target(x, (struct directory_target){s->account_id, s->tenant_id, s->quota_bytes, self, STR(""),
                                                    s->quota_messages});
            continue;
        }
        if (!expand(x, list[i], s->tenant_id, depth + 1, &ignored))
            return false;
    }
    return true;
}

/* Finds what the address is, "user+detail" being "user" where the longer name is not there. */
static bool find_recipient(struct expansion *x, struct str *local, struct str domain, struct step *out) {
    if (!find_step(x->d, x->a, *local, domain, out))
        return false;
    ptrdiff_t plus = str_chr(*local, '+');
    if (plus > 0 && out->domain_known && out->kind == 'h' && !out->account_id && !out->has_alias) {
        struct step base;
        struct str name = str_sub(*local, 0, (size_t)plus);
        if (!find_step(x->d, x->a, name, domain, &base))
            return false;
        if (base.account_id || base.has_alias) {
            *out = base;
            *local = name;
        }
    }
    return true;
}

/* Follows one address. status: what it is by itself. False: PostgreSQL is away. */
static bool expand(struct expansion *x, struct str address, int64_t tenant_id, int depth,
                   enum directory_status *status) {
    *status = DIRECTORY_OK;
    ptrdiff_t at = str_rchr(address, '@');
    if (at <= 0) {
        *status = DIRECTORY_UNKNOWN_RECIPIENT;
        return true;
    }
    struct str local = address_fold(x->a, str_sub(address, 0, (size_t)at));
    struct str domain = arena_lower(x->a, str_sub(address, (size_t)at + 1, address.n));
    struct step s;
    if (!find_recipient(x, &local, domain, &s))
        return false;
    if (!s.domain_known) {
        *status = DIRECTORY_UNKNOWN_DOMAIN;
        if (depth > 0) /* an alias leads elsewhere */
            add_target(x, (struct directory_target){0, tenant_id, -1, arena_str(x->a, address), STR(""), 0});
        return true;
    }
    if (!s.domain_active || (s.has_alias && !s.alias_active) || (s.account_id && !s.account_active && !s.has_alias)) {
        x->saw_disabled = true;
        *status = DIRECTORY_DISABLED;
        return true;
    }
    struct str self = arena_printf(x->a, "%.*s@%.*s", STR_ARG(local), STR_ARG(domain));
    if (s.account_id && !s.has_alias) {
        add_target(
            x, (struct directory_target){s.account_id, s.tenant_id, s.quota_bytes, self, STR(""), s.quota_messages});
        return true;
    }
    if (depth >= DIRECTORY_MAX_DEPTH || already_visited(x, self)) {
        x->saw_loop = true;
        return true;
    }
    if (s.has_alias)
        return expand_list(x, &s, self, s.alias, s.alias_count, depth);
    if (s.kind == 'a') {
        struct str there = arena_printf(x->a, "%.*s@%.*s", (int)at, address.p, STR_ARG(s.target_domain));
        return expand(x, there, s.tenant_id, depth + 1, status);
    }
    if (s.kind == 'r') {
        add_target(x, (struct directory_target){0, s.tenant_id, -1, arena_str(x->a, address),
                                                s.relay_host.p ? s.relay_host : STR(""), 0});
        return true;
    }
    if (s.catch_all_count)
        return expand_list(x, &s, self, s.catch_all, s.catch_all_count, depth);
    *status = DIRECTORY_UNKNOWN_RECIPIENT;
    return true;
}

enum directory_status directory_resolve(struct directory *d, struct arena *a, struct str address,
                                        struct directory_route *out) {
    struct expansion x = {.d = d, .a = a};
    enum directory_status status;
    memset(out, 0, sizeof *out);
    if (!expand(&x, address, 0, 0, &status))
        return DIRECTORY_TEMPORARY;
    out->target = x.target;
    out->count = x.count;
    out->tenant_id = x.count ? x.target[0].tenant_id : 0;
    if (x.count)
        return DIRECTORY_OK;
    if (status != DIRECTORY_OK)
        return status;
    return x.saw_disabled ? DIRECTORY_DISABLED : x.saw_loop ? DIRECTORY_LOOP : DIRECTORY_UNKNOWN_RECIPIENT;
}

enum directory_status directory_domain(struct directory *d, struct str domain) {
    struct arena a = ARENA_EMPTY;
    struct step s;
    enum directory_status status = DIRECTORY_TEMPORARY;
    if (find_step(d, &a, STR(""), arena_lower(&a, domain), &s))
        status = !s.domain_known ? DIRECTORY_UNKNOWN_DOMAIN : !s.domain_active ? DIRECTORY_DISABLED : DIRECTORY_OK;
    arena_free(&a);
    return status;
}

enum directory_status directory_account(struct directory *d, struct arena *a, struct str login,
                                        struct directory_account *out) {
    memset(out, 0, sizeof *out);
    ptrdiff_t at = str_rchr(login, '@');
    if (at <= 0 || !str_is_utf8(login) || str_chr(login, 0) >= 0)
        return DIRECTORY_UNKNOWN_RECIPIENT;
    struct str local = address_fold(a, str_sub(login, 0, (size_t)at)), domain;
    if (!domain_to_ascii(a, str_sub(login, (size_t)at + 1, login.n), &domain, NULL))
        return DIRECTORY_UNKNOWN_DOMAIN;
    struct str address = arena_printf(a, "%.*s@%.*s", STR_ARG(local), STR_ARG(domain));
    struct step s;
    if (!find_step(d, a, local, domain, &s))
        return DIRECTORY_TEMPORARY;
    if (!s.domain_known)
        return DIRECTORY_UNKNOWN_DOMAIN;
    if (!s.account_id)
        return DIRECTORY_UNKNOWN_RECIPIENT;
    if (!s.domain_active || !s.account_active)
        return DIRECTORY_DISABLED;
    *out = (struct directory_account){.id = s.account_id,
                                      .tenant_id = s.tenant_id,
                                      .domain_id = s.domain_id,
                                      .quota_bytes = s.quota_bytes,
                                      .quota_messages = s.quota_messages,
                                      .address = address,
                                      .name = s.name,
                                      .password = s.password,
                                      .app_passwords = s.app_passwords,
                                      .shared = s.shared,
                                      .app_passwords_only = s.app_passwords_only,
                                      .protocols_off = s.protocols_off,
                                      .protocols_off_by_domain = s.protocols_off_by_domain,
                                      .send_as = s.send_as};
    return DIRECTORY_OK;
}

/* An administrator allows it: the address itself, or all of its domain. */
static bool delegated(struct str list, struct str address) {
    struct str line;
    ptrdiff_t at = str_rchr(address, '@');
    while (at >= 0 && str_split(&list, '\n', &line))
        if (str_ieq(line, address) ||
            (line.n && line.p[0] == '@' && str_ieq(line, str_sub(address, (size_t)at, address.n))))
            return true;
    return false;
}

enum directory_status directory_may_send_as(struct directory *d, const struct directory_account *account,
                                            struct str address, bool *allowed) {
    *allowed = str_ieq(address, account->address);
    if (*allowed)
        return DIRECTORY_OK;
    struct arena a = ARENA_EMPTY;
    struct directory_route route;
    struct directory_account now; /* what it may send as can change while it is logged in */
    enum directory_status status = directory_account(d, &a, account->address, &now);
    if (status == DIRECTORY_OK && now.send_as.p && delegated(now.send_as, address))
        *allowed = true;
    if (status != DIRECTORY_TEMPORARY && !*allowed)
        status = directory_resolve(d, &a, address, &route);
    for (size_t i = 0; status == DIRECTORY_OK && !*allowed && i < route.count; i++)
        if (route.target[i].account_id == account->id)
            *allowed = true;
    arena_free(&a);
    return status == DIRECTORY_TEMPORARY ? status : DIRECTORY_OK;
}

enum directory_status directory_setting(struct directory *d, struct arena *a, struct str name, struct str *value) {
    struct step s;
    uint64_t hash = hash_of(name), generation;
    *value = STR("");
    if (!cached(d, a, name, hash, &s, &generation)) { /* a setting's name has no @, so it is no address's key */
        memset(&s, 0, sizeof s);
        struct err err;
        struct db_conn *c = db_acquire(d->db, &err);
        if (!c)
            return unavailable(&err), DIRECTORY_TEMPORARY;
        struct db_params p = {0};
        db_text(&p, name);
        PGresult *r = db_query(c, &FIND_SETTING, &p, &err);
        if (r && PQntuples(r) == 1)
            s.value = arena_str(a, db_get_str(r, 0, 0));
        bool good = r != NULL;
        PQclear(r);
        db_release(d->db, c);
        if (!good)
            return unavailable(&err), DIRECTORY_TEMPORARY;
        keep(d, name, hash, &s, generation);
    }
    if (s.value.p)
        *value = s.value;
    return DIRECTORY_OK;
}

bool directory_generation(struct directory *d, uint64_t *generation) {
    pthread_rwlock_rdlock(&d->lock);
    *generation = d->generation;
    pthread_rwlock_unlock(&d->lock);
    return atomic_load(&d->listening);
}

uint64_t directory_settings_generation(const struct directory *d) { return atomic_load(&d->settings_generation); }

/* ---- opening ---- */

struct directory *directory_open(struct db *db, const char *conninfo, struct err *err) {
    static const char *const channels[] = {"directory", NULL};
    struct directory *d = mem_zero(sizeof *d);
    d->db = db;
    d->bucket = mem_zero(BUCKETS * sizeof(struct entry *));
    pthread_rwlock_init(&d->lock, NULL);
    d->listener = db_listen(conninfo, channels, on_notify, d, err);
    if (d->listener)
        return d;
    directory_close(d);
    return NULL;
}

void directory_close(struct directory *d) {
    if (!d)
        return;
    db_listener_stop(d->listener);
    clear(d);
    pthread_rwlock_destroy(&d->lock);
    free(d->bucket);
    free(d);
}
