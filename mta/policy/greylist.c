/*
 * Greylisting: what a network, a sender and a recipient have not exchanged yet is put off for some minutes. What
 * waited, and which networks are known, is in PostgreSQL, for all nodes (greylist_check() of sql/0008); a node
 * remembers for some minutes what passed, so that those who write often cost nothing.
 */
#include "base/clock.h"
#include "base/log.h"
#include "db/db.h"
#include "directory/address.h"
#include "policy/finding.h"
#include "sender/sender.h"

#include <openssl/sha.h>
#include <stdatomic.h>

enum { IPV4_BITS = 24, IPV6_BITS = 64, KEY_BYTES = 16, SLOTS = 16384 };
#define REMEMBERED (10 * 60 * CLOCK_SECOND)
#define SWEEP_EVERY (3600 * CLOCK_SECOND)

static const struct db_statement CHECK = {
    "policy_greylist", /* losing the last moments in a crash puts a few mails off once more */
    "SELECT greylist_check($1, $2::text::inet, $3, $4, $5, $6), set_config('synchronous_commit', 'off', true)"};
static const struct db_statement SWEEP = {"policy_greylist_sweep", "SELECT greylist_sweep($1, $2)"};

/* Keys that passed on this node: those of the three, and those of known networks. A key that falls on the place of
 * another takes it; the database is asked again then. */
static struct { _Atomic uint64_t key, until; } passed[SLOTS];

static uint64_t short_key(const unsigned char key[KEY_BYTES]) {
    uint64_t k;
    memcpy(&k, key, sizeof k);
    return k | 1;
}

static bool remembered(const unsigned char key[KEY_BYTES]) {
    uint64_t k = short_key(key);
    size_t i = k / 2 % SLOTS;
    return atomic_load(&passed[i].key) == k && atomic_load(&passed[i].until) > (uint64_t)clock_monotonic();
}

static void remember(const unsigned char key[KEY_BYTES]) {
    uint64_t k = short_key(key);
    size_t i = k / 2 % SLOTS;
    atomic_store(&passed[i].until, (uint64_t)(clock_monotonic() + REMEMBERED));
    atomic_store(&passed[i].key, k);
}

/* A recipient of "" stands for the network itself. */
static void make_key(const char *network, struct str sender, struct str recipient, unsigned char out[KEY_BYTES]) {
    struct arena a = ARENA_EMPTY;
    unsigned char digest[SHA256_DIGEST_LENGTH];
    struct str text = arena_printf(&a, "%s\n%.*s\n%.*s", network, STR_ARG(address_fold(&a, sender)),
                                   STR_ARG(address_fold(&a, recipient)));
    SHA256((const unsigned char *)text.p, text.n, digest);
    memcpy(out, digest, KEY_BYTES);
    arena_free(&a);
}

static int32_t seconds(int64_t t) { return (int32_t)(t / CLOCK_SECOND > INT32_MAX ? INT32_MAX : t / CLOCK_SECOND); }

/* One node an hour, while there is anything to do. */
static void sweep(struct session *s, struct db_conn *c) {
    struct policy *policy = s->policy->policy;
    const struct policy_config *config = s->policy->config;
    int64_t now = clock_monotonic(), last = atomic_load(&policy->greylist_swept);
    if (now - last < SWEEP_EVERY || !atomic_compare_exchange_strong(&policy->greylist_swept, &last, now))
        return;
    struct err err;
    struct db_params p = {0};
    db_int4(&p, seconds(config->greylist_window));
    db_int4(&p, seconds(config->greylist_lifetime));
    PGresult *r = db_query(c, &SWEEP, &p, &err);
    if (!r)
        log_warn("greylisting: what is old can't be removed: %s", err.text);
    PQclear(r);
}

/* Seconds left to wait, 0: passed, -1: the network is known, -2: the database is away. */
static int ask(struct session *s, const unsigned char key[KEY_BYTES], const char *network) {
    const struct policy_config *config = s->policy->config;
    struct err err;
    struct db_conn *c = db_acquire(s->mta->db, &err);
    struct db_params p = {0};
    db_bytes(&p, str_n(key, KEY_BYTES));
    db_text(&p, str_of(network));
    db_int4(&p, seconds(config->greylist_delay));
    db_int4(&p, seconds(config->greylist_window));
    db_int4(&p, seconds(config->greylist_lifetime));
    db_int4(&p, (int32_t)config->greylist_clients);
    PGresult *r = c ? db_query(c, &CHECK, &p, &err) : NULL;
    int left = r && PQntuples(r) == 1 ? (int)db_get_int8(r, 0, 0) : -2;
    if (!r)
        log_warn("greylisting: %s", err.text);
    else
        sweep(s, c);
    PQclear(r);
    if (c)
        db_release(s->mta->db, c);
    return left;
}

/* The sender's domain says that this client is its own: then waiting would tell nothing new. */
static bool spf_passes(struct session *s) { return sender_spf(s)->result == SPF_PASS; }

static void put_off(struct finding *f, int left) {
    bool minutes = left > 90;
    int n = minutes ? (left + 59) / 60 : left;
    finding_against(f, RULE_GREYLIST, "450 4.7.1", "first mail from you to this recipient, try again in %d %s%s", n,
                    minutes ? "minute" : "second", n == 1 ? "" : "s");
}

void greylist_look(struct session *s, struct finding *f) {
    struct network n;
    char network[NETWORK_TEXT];
    unsigned char key[KEY_BYTES], network_key[KEY_BYTES];
    if (!network_of(&s->client.sockaddr, IPV4_BITS, IPV6_BITS, &n) ||
        (s->policy->dnsbl_score < 0 && s->policy->dnsbl_score <= s->policy->config->dnswl_threshold))
        return;
    network_text(&n, network);
    make_key(network, STR(""), STR(""), network_key);
    make_key(network, s->transaction.sender, s->candidate->address, key);
    if (remembered(network_key) || remembered(key) || spf_passes(s))
        return;
    int left = ask(s, key, network);
    if (left > 0)
        put_off(f, left);
    else if (left >= -1)
        remember(left ? network_key : key);
}
