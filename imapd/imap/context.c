#include "imap/context.h"

#include "base/log.h"
#include "imap/command.h"
#include "imap/copy.h"
#include "imap/fetch.h"

#include <stdlib.h>

enum {
    MAX_CONTEXTS = 10,
    BATCH = 256,
    MOST_PENDING = 8 << 20, /* bytes of new messages that the client did not take yet */
};

struct context {
    struct context *next;
    char *tag;
    bool uid;
    char *keys; /* as they came, to the end of the command */
    size_t keys_bytes;
    char *fetch;     /* what is told of new messages; NULL: nothing */
    uint32_t *found; /* UIDs, ascending */
    size_t count;
    uint64_t modseq;   /* what changed up to here is in it */
    uint32_t last_uid; /* and what was there up to here */
};

static void context_free(struct context *c) {
    free(c->tag);
    free(c->keys);
    free(c->fetch);
    free(c->found);
    free(c);
}

void context_forget_all(struct session *s) {
    while (s->contexts) {
        struct context *c = s->contexts;
        s->contexts = c->next;
        context_free(c);
    }
}

static struct context **find(struct session *s, struct str tag) {
    struct context **at = &s->contexts;
    while (*at && !str_eq(str_of((*at)->tag), tag))
        at = &(*at)->next;
    return at;
}

bool context_exists(const struct session *s) {
    for (const struct context *c = s->contexts; c; c = c->next)
        if (str_eq(str_of(c->tag), s->tag))
            return true;
    return false;
}

static uint32_t last_uid(const struct session *s) {
    return s->client->count ? view_uid(s->client, s->client->count) : 0;
}

/* ---- beginning ---- */

static const char *why_not(const struct session *s, const struct search_request *r) {
    size_t n = 0;
    for (const struct context *c = s->contexts; c; c = c->next)
        n++;
    if (n >= MAX_CONTEXTS)
        return "Too many searches are kept up to date";
    return r->numbers ? "Search by UIDs to be kept up to date" : NULL;
}

void context_begin(struct session *s, const struct search_request *r, const struct search_found *f, uint64_t modseq) {
    const char *why = why_not(s, r);
    if (why) {
        conn_printf(s->conn, "* NO [NOUPDATE \"%.*s\"] %s\r\n", STR_ARG(s->tag), why);
        return;
    }
    struct context *c = mem_zero(sizeof *c);
    c->tag = str_dup(s->tag);
    c->uid = s->uid;
    c->keys = mem_alloc(r->keys.n);
    memcpy(c->keys, r->keys.p, r->keys.n);
    c->keys_bytes = r->keys.n;
    c->fetch = r->fetch.n ? str_dup(r->fetch) : NULL;
    c->found = mem_alloc((f->count ? f->count : 1) * sizeof *c->found);
    c->count = f->count;
    for (size_t i = 0; i < f->count; i++)
        c->found[i] = view_uid(s->client, f->seq[i]);
    c->modseq = modseq;
    c->last_uid = last_uid(s);
    c->next = s->contexts;
    s->contexts = c;
}

/* ---- telling ---- */

/* Numbers or UIDs, ascending. The order of a search's result is that of the mailbox: position 0. */
static void tell(struct session *s, const struct context *c, const char *what, const uint32_t *n, size_t count) {
    struct buf *out = session_out(s);
    if (count == 0)
        return;
    buf_printf(out, "* ESEARCH (TAG \"%s\")%s %s (0 ", c->tag, c->uid ? " UID" : "", what);
    copy_write_uids(n, count, out);
    buf_add_c(out, ")\r\n");
}

/* The numbers before the expunges are those that the client has while it reads this. */
static void remove_expunged(struct session *s, struct context *c, const struct view_changes *ch) {
    uint32_t *gone = arena_array(&s->arena, ch->expunged_count, sizeof *gone);
    size_t n = 0, kept = 0;
    uint32_t e = 0;
    for (size_t i = 0; i < c->count; i++) {
        while (e < ch->expunged_count && ch->expunged_uid[e] < c->found[i])
            e++;
        if (e < ch->expunged_count && ch->expunged_uid[e] == c->found[i])
            gone[n++] = c->uid ? c->found[i] : ch->expunged[e] + e;
        else
            c->found[kept++] = c->found[i];
    }
    c->count = kept;
    tell(s, c, "REMOVEFROM", gone, n);
}

void context_expunged(struct session *s, const struct view_changes *ch) {
    for (struct context *c = s->contexts; c && ch->expunged_count; c = c->next)
        remove_expunged(s, c, ch);
}

/* The messages that may have come to another answer. */
static struct search_found candidates(struct session *s, const struct context *c) {
    struct view_message m[BATCH];
    struct search_found f = {0};
    for (uint64_t seq = 1; seq <= s->client->count; seq += BATCH) {
        uint32_t first = (uint32_t)seq, left = s->client->count - first + 1, n = left < BATCH ? left : BATCH;
        view_read(s->client, first, n, m);
        for (uint32_t i = 0; i < n; i++)
            if (!m[i].gone && (m[i].modseq > c->modseq || m[i].uid > c->last_uid))
                search_add(s, &f, first + i, m[i].modseq);
    }
    return f;
}

/* Those of the candidates that the keys mean now. */
static enum store_status ask_again(struct session *s, const struct context *c, const struct search_found *among,
                                   struct search_found *f, struct err *err) {
    struct parser p = {.in = str_n(c->keys, c->keys_bytes), .arena = &s->arena, .utf8 = s->utf8};
    struct search_request r = {0};
    struct search_key all = {.kind = SEARCH_AND}, these = {.kind = SEARCH_MESSAGES};
    if (!search_parse_keys(&p, &r))
        return STORE_TEMPORARY; /* it was parsed before */
    search_resolve(s, r.key);
    these.set = search_ranges(&s->arena, among->seq, among->count);
    these.next = r.key;
    all.child = &these;
    all.cost = r.key->cost;
    return search_run(s, &all, f, err);
}

struct difference {
    uint32_t *added, *removed; /* as they are told */
    size_t added_count, removed_count;
};

/* Walks over what was found, what may have changed, and what of that is found now; all ascending. */
static void compare(struct session *s, struct context *c, const struct search_found *among,
                    const struct search_found *now, struct difference *d) {
    size_t room = c->count + now->count, n = 0, old = 0, hit = 0;
    uint32_t *found = mem_alloc((room ? room : 1) * sizeof *found);
    d->added = arena_array(&s->arena, among->count, sizeof *d->added);
    d->removed = arena_array(&s->arena, among->count, sizeof *d->removed);
    for (size_t i = 0; i < among->count; i++) {
        uint32_t seq = among->seq[i], uid = view_uid(s->client, seq);
        while (old < c->count && c->found[old] < uid)
            found[n++] = c->found[old++];
        bool was = old < c->count && c->found[old] == uid, is = hit < now->count && now->seq[hit] == seq;
        if (is)
            found[n++] = uid;
        if (is && !was)
            d->added[d->added_count++] = c->uid ? uid : seq;
        if (was && !is)
            d->removed[d->removed_count++] = c->uid ? uid : seq;
        old += was;
        hit += is;
    }
    while (old < c->count)
        found[n++] = c->found[old++];
    free(c->found);
    c->found = found;
    c->count = n;
}

/* Of the messages that came since the last look and are found now, what the client wants to have of them. */
static void fetch_added(struct session *s, const struct context *c, const struct difference *d) {
    struct parser p = {.in = str_of(c->fetch), .arena = &s->arena, .utf8 = s->utf8, .uid_only = s->uid_only};
    struct fetch_request r = {0};
    if (!c->fetch || !fetch_parse(&p, false, &r))
        return; /* it was parsed before */
    r.sets_seen = false;
    for (size_t i = 0; i < d->added_count; i++) {
        uint32_t seq = c->uid ? view_seq_at(s->client, d->added[i]) : d->added[i], uid = view_uid(s->client, seq);
        bool own = uid >= s->own_messages.first && uid <= s->own_messages.last;
        if (uid > c->last_uid && !own && !fetch_untagged(s, &r, seq, MOST_PENDING))
            return; /* it can ask for them */
    }
}

static void bring_up(struct session *s, struct context *c) {
    struct search_found now;
    struct difference d = {0};
    struct err err;
    uint64_t modseq = view_modseq(s->client);
    uint32_t last = last_uid(s);
    if (modseq == c->modseq && last == c->last_uid)
        return;
    struct search_found among = candidates(s, c);
    if (among.count) {
        if (ask_again(s, c, &among, &now, &err) != STORE_OK) {
            log_debug("a search could not be brought up to date: it will be at the next change");
            return;
        }
        compare(s, c, &among, &now, &d);
        tell(s, c, "REMOVEFROM", d.removed, d.removed_count);
        fetch_added(s, c, &d);
        tell(s, c, "ADDTO", d.added, d.added_count);
    }
    c->modseq = modseq;
    c->last_uid = last > c->last_uid ? last : c->last_uid;
}

void context_changed(struct session *s) {
    for (struct context *c = s->contexts; c; c = c->next)
        bring_up(s, c);
}

/* ---- ending ---- */

enum outcome command_cancelupdate(struct session *s, struct parser *p) {
    struct str tag;
    do {
        if (!parse_space(p) || !parse_string(p, &tag))
            return session_syntax(s, p);
        struct context **at = find(s, tag), *c = *at;
        if (!c)
            return session_bad(s, "No search with that tag is kept up to date");
        *at = c->next;
        context_free(c);
    } while (parse_peek(p) == ' ');
    return parse_end(p) ? session_ok(s, "Done") : session_syntax(s, p);
}
