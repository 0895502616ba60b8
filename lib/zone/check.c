/* What only the whole zone shows. */
#include "zone/rdata.h"
#include "zone/zone.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_PROBLEMS = 100 };

struct entry {
    struct str owner;  /* key */
    struct str target; /* key of the name that must exist; p NULL: none */
    struct str target_text;
    const struct zone_record *record;
    const struct rdata_type *type;
    struct str value; /* of a TXT record */
};

struct check {
    struct arena *a;
    const struct zone *z;
    struct zone_name origin;
    struct str apex; /* key */
    struct entry *entry;
    size_t count;
    struct str *problem;
    size_t problems;
};

static void problem(struct check *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void problem(struct check *c, const char *fmt, ...) {
    if (c->problems == MAX_PROBLEMS)
        return;
    struct err sentence;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(sentence.text, sizeof sentence.text, fmt, ap);
    va_end(ap);
    c->problem[c->problems++] = arena_str(c->a, str_of(sentence.text));
}

/* ---- loading ---- */

static int by_owner(const void *a, const void *b) {
    const struct entry *x = a, *y = b;
    int order = str_cmp(x->owner, y->owner);
    if (!order)
        order = str_cmp(x->record->type, y->record->type);
    return order ? order : str_cmp(x->record->rdata, y->record->rdata);
}

static bool load_one(struct check *c, const struct zone_record *record, struct entry *e, struct err *err) {
    struct zone_name owner;
    struct rdata data;
    e->record = record;
    e->type = rdata_type_named(record->type, err);
    if (!e->type || !zone_name_parse(c->a, record->name, &c->origin, &owner, err) ||
        !rdata_parse(c->a, e->type, &owner, &c->origin, record->rdata, &data, err))
        return false;
    e->owner = zone_name_key(c->a, &owner);
    e->value = data.bytes;
    if ((e->type->flags & RDATA_TARGET) && data.names) {
        const struct zone_name *target = data.name + data.names - 1;
        if (target->n > 1 && zone_name_within(target, &c->origin)) {
            e->target = zone_name_key(c->a, target);
            struct str text = zone_name_text(c->a, target);
            e->target_text = str_sub(text, 0, text.n - 1);
        }
    }
    return true;
}

static void load(struct check *c) {
    struct err why;
    c->entry = arena_array(c->a, c->z->count + 1, sizeof *c->entry);
    for (size_t i = 0; i < c->z->count; i++) {
        const struct zone_record *r = c->z->record + i;
        if (load_one(c, r, c->entry + c->count, &why))
            c->count++;
        else
            problem(c, "%.*s: %s", STR_ARG(r->name), why.text);
    }
    qsort(c->entry, c->count, sizeof *c->entry, by_owner);
}

/* ---- finding ---- */

/* The first entry whose owner is not before the key. */
static size_t lower_bound(const struct check *c, struct str key) {
    size_t low = 0, high = c->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (str_cmp(c->entry[middle].owner, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct found {
    bool exists, address, alias;
};

static struct found at_name(const struct check *c, struct str key) {
    struct found f = {false, false, false};
    for (size_t i = lower_bound(c, key); i < c->count && str_eq(c->entry[i].owner, key); i++) {
        const char *type = c->entry[i].type->name;
        f.exists = true;
        f.address = f.address || strcmp(type, "A") == 0 || strcmp(type, "AAAA") == 0;
        f.alias = f.alias || strcmp(type, "CNAME") == 0;
    }
    return f;
}

static struct str parent_key(struct str key) {
    size_t n = key.n ? key.n - 1 : 0;
    while (n > 0 && key.p[n - 1] != 0)
        n--;
    return str_sub(key, 0, n);
}

/* The wildcard that answers for a name that does not exist (RFC 4592): at the closest name above it that does. */
static struct found by_wildcard(const struct check *c, struct str key) {
    while (key.n > c->apex.n) {
        key = parent_key(key);
        size_t i = lower_bound(c, key);
        if (i < c->count && str_starts(c->entry[i].owner, key))
            break;
    }
    char *wildcard = arena_alloc(c->a, key.n + 2);
    memcpy(wildcard, key.p, key.n);
    memcpy(wildcard + key.n, "*", 2);
    return at_name(c, str_n(wildcard, key.n + 2));
}

static bool has_type(const struct check *c, struct str key, const char *type) {
    for (size_t i = lower_bound(c, key); i < c->count && str_eq(c->entry[i].owner, key); i++)
        if (strcmp(c->entry[i].type->name, type) == 0)
            return true;
    return false;
}

/* Whether another zone answers for the name: it is at or below a delegation, or below a DNAME. */
static bool is_elsewhere(const struct check *c, struct str name) {
    for (struct str key = name; key.n >= c->apex.n && key.n > 0; key = parent_key(key))
        if ((key.n > c->apex.n && has_type(c, key, "NS")) || (key.n < name.n && has_type(c, key, "DNAME")))
            return true;
    return false;
}

/* ---- the rules ---- */

static void check_target(struct check *c, const struct entry *e) {
    bool glue = strcmp(e->type->name, "NS") == 0 && e->owner.n > c->apex.n && str_starts(e->target, e->owner);
    struct found f = at_name(c, e->target);
    if (!f.exists && !glue) {
        if (is_elsewhere(c, e->target))
            return;
        f = by_wildcard(c, e->target);
    }
    if (!f.exists) {
        problem(c,
                "the %s record of %.*s points to %.*s, which is not in this zone: add it first, or, where it is a name "
                "elsewhere, "
                "end it with a dot",
                e->type->name, STR_ARG(e->record->name), STR_ARG(e->target_text));
        return;
    }
    if (!(e->type->flags & RDATA_TARGET_HOST))
        return;
    if (f.alias)
        problem(c, "the %s record of %.*s points to %.*s, which is an alias (CNAME): name the machine itself",
                e->type->name, STR_ARG(e->record->name), STR_ARG(e->target_text));
    else if (!f.address && (glue || !is_elsewhere(c, e->target)))
        problem(c, "the %s record of %.*s points to %.*s, which has no address (A or AAAA record)", e->type->name,
                STR_ARG(e->record->name), STR_ARG(e->target_text));
}

static int64_t ttl_of(const struct check *c, const struct entry *e) {
    return e->record->ttl < 0 ? (int64_t)c->z->ttl : e->record->ttl;
}

/* Records of one type at one name: [from, to). */
static void check_rrset(struct check *c, size_t from, size_t to) {
    const struct entry *first = c->entry + from;
    const char *type = first->type->name;
    if ((first->type->flags & RDATA_SINGLE) && to - from > 1)
        problem(c, "%.*s has more than one %s record", STR_ARG(first->record->name), type);
    size_t spf = 0, dmarc = 0;
    bool txt = strcmp(type, "TXT") == 0;
    for (size_t i = from; i < to; i++) {
        const struct entry *e = c->entry + i;
        if (ttl_of(c, e) != ttl_of(c, first)) { /* RFC 2181 section 5.2 */
            problem(c, "the %s records of %.*s must have the same TTL", type, STR_ARG(first->record->name));
            break;
        }
        if (i > from && str_eq(e->record->rdata, e[-1].record->rdata))
            problem(c, "%.*s has the same %s record twice", STR_ARG(first->record->name), type);
        spf += txt && (str_ieq(e->value, STR("v=spf1")) || str_istarts(e->value, STR("v=spf1 ")));
        dmarc += txt && str_starts(first->record->name, STR("_dmarc")) && str_starts(e->value, STR("v=DMARC1"));
    }
    if (spf > 1) /* RFC 7208 section 4.5 */
        problem(c, "%.*s has %zu SPF records (v=spf1): receivers take that for an error; make them one",
                STR_ARG(first->record->name), spf);
    if (dmarc > 1) /* RFC 7489 section 6.6.3 */
        problem(c, "%.*s has %zu DMARC records: receivers ignore all of them; make them one",
                STR_ARG(first->record->name), dmarc);
}

/* Records of one name: [from, to). */
static void check_name(struct check *c, size_t from, size_t to) {
    size_t alone = 0;
    for (size_t i = from; i < to; i++)
        alone += (c->entry[i].type->flags & RDATA_ALONE) != 0;
    if (alone && alone < to - from) /* RFC 1034 section 3.6.2 */
        problem(c, "%.*s has a CNAME record and others beside it: an alias can have nothing else",
                STR_ARG(c->entry[from].record->name));
    for (size_t i = from, next; i < to; i = next) {
        for (next = i + 1; next < to && str_eq(c->entry[next].record->type, c->entry[i].record->type);)
            next++;
        check_rrset(c, i, next);
    }
}

/* What answers instead of the names below this one: "NS", "DNAME", or NULL. */
static const char *cut_at(const struct check *c, struct str key) {
    if (has_type(c, key, "DNAME"))
        return "DNAME";
    return key.n > c->apex.n && has_type(c, key, "NS") ? "NS" : NULL;
}

/* Below a delegation only the addresses of its nameservers count; at it, NS and DS too. Below a DNAME there is nothing.
 */
static void check_cuts(struct check *c) {
    struct str cut = {NULL, 0};
    const char *by = NULL;
    for (size_t i = 0; i < c->count; i++) {
        const struct entry *e = c->entry + i;
        const char *type = e->type->name;
        if (!by || !str_starts(e->owner, cut)) {
            cut = e->owner;
            by = cut_at(c, cut);
        }
        if (!by)
            continue;
        bool delegated = by[0] == 'N', below = e->owner.n > cut.n;
        bool glue = delegated && (strcmp(type, "A") == 0 || strcmp(type, "AAAA") == 0);
        if (below && !glue)
            problem(c, "%.*s %s is below a name that is %s: it would never be seen", STR_ARG(e->record->name), type,
                    delegated ? "delegated (NS)" : "redirected (DNAME)");
        else if (!below && delegated && !glue && strcmp(type, "NS") != 0 && strcmp(type, "DS") != 0)
            problem(c, "%.*s is delegated (NS): its %s record would never be seen", STR_ARG(e->record->name), type);
    }
}

static void check_apex(struct check *c) {
    struct err why;
    struct str contact;
    struct zone_name ns;
    if (!has_type(c, c->apex, "NS"))
        problem(c, "the zone has no NS record for itself (@)");
    if (!zone_name_parse(c->a, c->z->primary_ns, NULL, &ns, &why) || !zone_name_is_host(&ns, false) || ns.n == 1)
        problem(c, "the zone's primary nameserver is not a machine's name");
    if (!zone_contact_name(c->a, c->z->contact, &contact, &why))
        problem(c, "%s", why.text);
}

size_t zone_problems(struct arena *a, const struct zone *z, struct str **out) {
    struct check c = {.a = a, .z = z};
    struct err why;
    c.problem = *out = arena_array(a, MAX_PROBLEMS, sizeof **out);
    if (!zone_name_parse(a, z->name, NULL, &c.origin, &why)) {
        problem(&c, "%s", why.text);
        return c.problems;
    }
    c.apex = zone_name_key(a, &c.origin);
    load(&c);
    check_apex(&c);
    for (size_t i = 0, next; i < c.count; i = next) {
        for (next = i + 1; next < c.count && str_eq(c.entry[next].owner, c.entry[i].owner);)
            next++;
        check_name(&c, i, next);
    }
    check_cuts(&c);
    for (size_t i = 0; i < c.count; i++)
        if (c.entry[i].target.p)
            check_target(&c, c.entry + i);
    return c.problems;
}

bool zone_check(struct arena *a, const struct zone *z, struct err *err) {
    struct str *found;
    return zone_problems(a, z, &found) == 0 || err_set(err, "%.*s", STR_ARG(found[0]));
}
