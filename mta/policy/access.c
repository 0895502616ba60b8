#include "policy/access.h"

#include "base/clock.h"
#include "base/log.h"
#include "db/db.h"
#include "directory/address.h"
#include "directory/directory.h"
#include "net/network.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUCKETS = 1024, MAX_ENTRIES = 500000, LIFE_S = 60 };

struct entry {
    struct str domain; /* "": of the whole tenant */
    char kind;         /* 's'ender, 'n'etwork, 'h'elo, 'a'ny */
    struct str pattern;
    enum access_action action;
};

/* The networks of one domain, or of the tenant. */
struct scope {
    struct str domain;
    struct networks networks;
};

/* What a tenant has. */
struct lists {
    struct lists *next;
    _Atomic int references;
    int64_t tenant_id;
    uint64_t generation;
    int64_t until;
    struct arena arena;
    struct entry *entry; /* sorted by domain, kind, pattern */
    size_t count;
    struct scope *scope;
    size_t scopes;
};

struct access_keeper {
    const struct mta *mta;
    pthread_mutex_t lock;
    struct lists *bucket[BUCKETS];
    size_t entries;
};

static const struct db_statement READ = {
    "policy_access", "SELECT coalesce(d.name, ''), left(l.kind, 1), l.pattern, l.action FROM access_list l"
                     "  LEFT JOIN domain d ON d.id = l.domain_id WHERE l.tenant_id IS NOT DISTINCT FROM nullif($1, 0)"};

/* ---- reading ---- */

static int by_place(const void *a, const void *b) {
    const struct entry *x = a, *y = b;
    int order = str_cmp(x->domain, y->domain);
    if (order == 0)
        order = x->kind - y->kind;
    return order ? order : str_cmp(x->pattern, y->pattern);
}

static enum access_action action_of(struct str name) {
    if (str_eq(name, STR("allow")))
        return ACCESS_ALLOW;
    if (str_eq(name, STR("deny")))
        return ACCESS_DENY;
    return str_eq(name, STR("greylist")) ? ACCESS_GREYLIST : ACCESS_NO_GREYLIST;
}

/* Gathers the networks by domain; the entries are in order. */
static void make_scopes(struct lists *l) {
    l->scope = arena_array(&l->arena, l->count, sizeof *l->scope);
    for (size_t i = 0; i < l->count; i++) {
        struct network n;
        if (l->entry[i].kind != 'n' || !network_parse(l->entry[i].pattern, &n))
            continue;
        struct scope *s = l->scopes ? &l->scope[l->scopes - 1] : NULL;
        if (!s || !str_eq(s->domain, l->entry[i].domain)) {
            s = &l->scope[l->scopes++];
            *s = (struct scope){l->entry[i].domain, {arena_array(&l->arena, l->count - i, sizeof n), 0}};
        }
        s->networks.at[s->networks.count++] = n;
    }
    for (size_t i = 0; i < l->scopes; i++)
        networks_sort(&l->scope[i].networks);
}

/* NULL: PostgreSQL is away. */
static struct lists *lists_read(const struct mta *m, int64_t tenant_id) {
    struct err err;
    uint64_t generation = directory_settings_generation(m->directory);
    struct db_conn *c = db_acquire(m->db, &err);
    struct db_params p = {0};
    db_int8(&p, tenant_id);
    PGresult *r = c ? db_query(c, &READ, &p, &err) : NULL;
    struct lists *l = NULL;
    if (r) {
        l = mem_zero(sizeof *l);
        atomic_store(&l->references, 1);
        l->tenant_id = tenant_id;
        l->generation = generation;
        l->until = clock_monotonic() + LIFE_S * CLOCK_SECOND;
        l->count = (size_t)PQntuples(r);
        l->entry = arena_array(&l->arena, l->count, sizeof *l->entry);
        for (size_t i = 0; i < l->count; i++)
            l->entry[i] =
                (struct entry){arena_str(&l->arena, db_get_str(r, (int)i, 0)), db_get_str(r, (int)i, 1).p[0],
                               arena_str(&l->arena, db_get_str(r, (int)i, 2)), action_of(db_get_str(r, (int)i, 3))};
        if (l->count)
            qsort(l->entry, l->count, sizeof *l->entry, by_place);
        make_scopes(l);
    } else {
        log_warn("the access lists can't be read: %s", err.text);
    }
    PQclear(r);
    if (c)
        db_release(m->db, c);
    return l;
}

/* ---- keeping ---- */

static void lists_release(struct lists *l) {
    if (!l || atomic_fetch_sub(&l->references, 1) > 1)
        return;
    arena_free(&l->arena);
    free(l);
}

static void clear(struct access_keeper *k) {
    for (size_t i = 0; i < BUCKETS; i++)
        while (k->bucket[i]) {
            struct lists *l = k->bucket[i];
            k->bucket[i] = l->next;
            lists_release(l);
        }
    k->entries = 0;
}

struct access_keeper *access_keeper_new(const struct mta *m) {
    struct access_keeper *k = mem_zero(sizeof *k);
    k->mta = m;
    pthread_mutex_init(&k->lock, NULL);
    return k;
}

void access_keeper_free(struct access_keeper *k) {
    clear(k);
    pthread_mutex_destroy(&k->lock);
    free(k);
}

static struct lists **find(struct access_keeper *k, int64_t tenant_id) {
    struct lists **at = &k->bucket[(uint64_t)tenant_id % BUCKETS];
    while (*at && (*at)->tenant_id != tenant_id)
        at = &(*at)->next;
    return at;
}

static void keep(struct access_keeper *k, struct lists *l) {
    pthread_mutex_lock(&k->lock);
    if (k->entries > MAX_ENTRIES)
        clear(k);
    struct lists **at = find(k, l->tenant_id), *old = *at;
    l->next = old ? old->next : NULL;
    *at = l;
    k->entries += l->count + 1;
    k->entries -= old ? old->count + 1 : 0;
    lists_release(old);
    pthread_mutex_unlock(&k->lock);
}

/* With a reference for the caller; NULL: not there, and PostgreSQL is away. */
static struct lists *lists_get(struct access_keeper *k, int64_t tenant_id) {
    uint64_t generation = directory_settings_generation(k->mta->directory);
    pthread_mutex_lock(&k->lock);
    struct lists *l = *find(k, tenant_id);
    bool good = l && l->generation == generation && l->until > clock_monotonic();
    if (l)
        atomic_fetch_add(&l->references, 1);
    pthread_mutex_unlock(&k->lock);
    if (good)
        return l;
    struct lists *fresh = lists_read(k->mta, tenant_id);
    if (!fresh)
        return l; /* better old ones than none */
    lists_release(l);
    atomic_fetch_add(&fresh->references, 1);
    keep(k, fresh);
    return fresh;
}

/* ---- deciding ---- */

struct decision {
    const struct access_question *q;
    struct access_answer *out;
    const char *whose;
};

static void decide(struct decision *d, const struct entry *e, const char *what) {
    struct access_answer *out = d->out;
    if (e->action == ACCESS_GREYLIST || e->action == ACCESS_NO_GREYLIST) {
        if (out->greylist == ACCESS_NONE)
            out->greylist = e->action;
    } else if (out->action == ACCESS_NONE) {
        out->action = e->action;
        snprintf(out->why, sizeof out->why, "%s %.*s (list of %s)", what, STR_ARG(str_sub(e->pattern, 0, 48)),
                 d->whose);
    }
}

static void look_up(struct decision *d, const struct lists *l, struct str domain, char kind, struct str pattern,
                    const char *what) {
    struct entry wanted = {.domain = domain, .kind = kind, .pattern = pattern};
    const struct entry *e = bsearch(&wanted, l->entry, l->count, sizeof wanted, by_place);
    if (e)
        decide(d, e, what);
}

/* "b.example.org" itself, then ".example.org", ".org" for what is below those, and ".b.example.org" for neither. */
static void look_up_domain(struct decision *d, const struct lists *l, struct str domain, char kind, struct str name,
                           const char *what) {
    look_up(d, l, domain, kind, name, what);
    for (size_t i = 1; i < name.n; i++)
        if (name.p[i] == '.')
            look_up(d, l, domain, kind, str_sub(name, i, name.n), what);
}

static void look_up_network(struct decision *d, const struct lists *l, struct str domain) {
    for (size_t i = 0; i < l->scopes && d->q->client; i++) {
        if (!str_eq(l->scope[i].domain, domain))
            continue;
        ptrdiff_t at = networks_find(&l->scope[i].networks, d->q->client);
        char text[NETWORK_TEXT];
        if (at < 0)
            continue;
        network_text(&l->scope[i].networks.at[at], text);
        look_up(d, l, domain, 'n', str_of(text), "network");
    }
}

static void decide_scope(struct decision *d, const struct lists *l, struct str domain, const char *whose) {
    struct arena a = ARENA_EMPTY;
    struct str sender = address_fold(&a, d->q->sender), helo = arena_lower(&a, d->q->helo);
    ptrdiff_t at = str_rchr(sender, '@');
    d->whose = whose;
    if (at > 0) {
        look_up(d, l, domain, 's', sender, "sender");
        look_up_domain(d, l, domain, 's', str_sub(sender, (size_t)at + 1, sender.n), "sender");
    }
    look_up_network(d, l, domain);
    if (helo.n)
        look_up_domain(d, l, domain, 'h', helo, "HELO");
    look_up(d, l, domain, 'a', STR("*"), "any");
    arena_free(&a);
}

void access_decide(struct access_keeper *k, const struct access_question *q, struct access_answer *out) {
    *out = (struct access_answer){.action = ACCESS_NONE};
    struct decision d = {.q = q, .out = out};
    struct lists *l = q->tenant_id ? lists_get(k, q->tenant_id) : NULL;
    if (l && l->count) {
        decide_scope(&d, l, q->domain, "the domain");
        decide_scope(&d, l, STR(""), "the tenant");
    }
    lists_release(l);
    l = lists_get(k, 0);
    if (l && l->count)
        decide_scope(&d, l, STR(""), "the installation");
    lists_release(l);
}
