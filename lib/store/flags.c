/*
 * Changing flags: a group commit (store/line.h). The leader locks the mailboxes of all that wait, reads their messages,
 * applies one change after another in memory, each with the next modseq of its mailbox, and writes what came of it in
 * one transaction. Two round trips a group, however many sessions are in it.
 *
 * \Seen of one who is not the owner of the mailbox is a row of its own (store/sharing.h), changed in the same
 * transaction and with the same modseq as what else was asked for.
 */
#include "store/store_internal.h"

#include "base/log.h"

#include <stdlib.h>

/* What one session asks for. */
struct work {
    struct line_work line; /* first; next is the next in the group */
    int64_t account, mailbox;
    const struct uid_range *range;
    size_t range_count;
    struct store_flag_change *change;
    struct arena *arena;
    uint64_t modseq; /* of what it changed; 0: nothing */
    enum store_status status;
    struct err err;
};

static struct work *next_in(const struct work *w) { return (struct work *)w->line.next; }

/* Range by range: the planner takes a range of unknown ends for a good part of the mailbox. */
static const struct db_statement SELECT_MESSAGES = {
    "flags_messages",
    "SELECT m.uid, m.flags, m.modseq, m.keywords, r.n"
    " FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::int8[]) WITH ORDINALITY AS r (a, b, low, high, n)"
    " CROSS JOIN LATERAL (SELECT uid, flags, modseq, keywords FROM message WHERE account_id = r.a AND mailbox_id = r.b"
    " AND uid BETWEEN r.low AND r.high ORDER BY uid LIMIT r.high - r.low + 1) m"};
static const struct db_statement SET_FLAGS = {"flags_set", "SELECT message_set_flags($1, $2, $3, $4, $5, $6, $7)"};
static const struct db_statement RAISE_MAILBOXES = {
    "flags_mailboxes", "UPDATE mailbox m SET highestmodseq = k.q, flags_modseq = greatest(m.flags_modseq, k.f),"
                       " unseen = m.unseen + k.u, deleted = m.deleted + k.d"
                       " FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::int8[], $5::int4[], $6::int4[])"
                       " AS k (a, b, q, f, u, d) WHERE m.account_id = k.a AND m.id = k.b"};
static const struct db_statement SELECT_SEEN = {
    "flags_seen",
    "SELECT s.account_id, s.mailbox_id, s.reader_id, s.uid, s.seen, s.modseq"
    " FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::int8[], $5::int8[]) AS r (a, b, reader, low, high)"
    " JOIN message_seen s ON s.account_id = r.a AND s.reader_id = r.reader AND s.mailbox_id = r.b"
    " AND s.uid BETWEEN r.low AND r.high"};
static const struct db_statement SET_SEEN = {
    "flags_set_seen",
    "INSERT INTO message_seen (account_id, mailbox_id, reader_id, uid, seen, modseq)"
    " SELECT a, b, r, u, s <> 0, q FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::int8[], $5::int4[], $6::int8[])"
    " AS e (a, b, r, u, s, q)"
    " ON CONFLICT (account_id, reader_id, mailbox_id, uid) DO UPDATE SET seen = excluded.seen, modseq = "
    "excluded.modseq"};

/* ---- one message ---- */

static bool has_keyword(const struct str *list, size_t n, struct str k) {
    for (size_t i = 0; i < n; i++)
        if (str_ieq(list[i], k))
            return true;
    return false;
}

static void add_keywords(struct arena *a, struct store_message *m, const struct str *keyword, size_t n) {
    struct str *list = arena_array(a, m->keyword_count + n, sizeof *list);
    size_t count = m->keyword_count;
    for (size_t i = 0; i < count; i++)
        list[i] = m->keyword[i];
    for (size_t i = 0; i < n; i++)
        if (!has_keyword(list, count, keyword[i]))
            list[count++] = arena_str(a, keyword[i]);
    m->keyword = list;
    m->keyword_count = count;
}

static void remove_keywords(struct arena *a, struct store_message *m, const struct str *keyword, size_t n) {
    struct str *list = arena_array(a, m->keyword_count, sizeof *list);
    size_t count = 0;
    for (size_t i = 0; i < m->keyword_count; i++)
        if (!has_keyword(keyword, n, m->keyword[i]))
            list[count++] = m->keyword[i];
    m->keyword = list;
    m->keyword_count = count;
}

static bool differ(const struct store_message *before, const struct store_message *after) {
    if (after->flags != before->flags || after->keyword_count != before->keyword_count)
        return true;
    for (size_t i = 0; i < after->keyword_count; i++)
        if (!has_keyword(before->keyword, before->keyword_count, after->keyword[i]))
            return true;
    return false;
}

/* Applies the change to one message; true when its value is another one afterwards. */
static bool apply(struct arena *a, struct store_message *m, const struct store_flag_change *x) {
    struct store_message before = *m;
    uint32_t flags = x->flags;
    const struct str *keyword = x->keyword;
    size_t n = x->keyword_count;
    if (x->change == STORE_SET) {
        m->flags = (flags & ~x->keeps) | (m->flags & x->keeps);
        if (!x->keeps_keywords) {
            m->keyword_count = 0;
            add_keywords(a, m, keyword, n);
        }
    } else if (x->change == STORE_ADD) {
        m->flags |= flags;
        if (n)
            add_keywords(a, m, keyword, n);
    } else {
        m->flags &= ~flags;
        if (n)
            remove_keywords(a, m, keyword, n);
    }
    return differ(&before, m);
}

static struct str joined(struct arena *a, const struct store_message *m) {
    struct buf b = BUF_EMPTY;
    for (size_t i = 0; i < m->keyword_count; i++)
        buf_printf(&b, "%s%.*s", i ? " " : "", STR_ARG(m->keyword[i]));
    struct str s = b.n ? arena_str(a, buf_str(&b)) : STR("");
    buf_free(&b);
    return s;
}

/* ---- a group ---- */

struct box {
    int64_t account, id;
    uint64_t modseq, before; /* the highest one, now and before the group */
    uint64_t flags_modseq;   /* of the last change that all see; 0: none in the group */
    bool there;
    int32_t unseen, deleted; /* more than before */
};

/* A message that somebody in the group means. */
struct entry {
    int64_t account, mailbox;
    bool differs;
    struct store_message m;
};

/* A reader's \Seen of such a message. */
struct seen {
    int64_t account, mailbox, reader;
    bool differs;
    struct store_seen is;
};

struct group {
    struct arena *arena;
    struct work *work;
    struct box *box;
    size_t boxes;
    struct entry *entry; /* by account, mailbox and UID */
    size_t entries;
    struct seen *seen; /* by account, mailbox, reader and UID */
    size_t seens;
};

static int compare_ids(int64_t a1, int64_t b1, int64_t a2, int64_t b2) {
    if (a1 != a2)
        return a1 < a2 ? -1 : 1;
    return (b1 > b2) - (b1 < b2);
}

static int compare_box(const void *a, const void *b) {
    const struct box *x = a, *y = b;
    return compare_ids(x->account, x->id, y->account, y->id);
}

static int compare_entry(const void *a, const void *b) {
    const struct entry *x = a, *y = b;
    int c = compare_ids(x->account, x->mailbox, y->account, y->mailbox);
    return c ? c : (x->m.uid > y->m.uid) - (x->m.uid < y->m.uid);
}

static int compare_seen(const void *a, const void *b) {
    const struct seen *x = a, *y = b;
    int c = compare_ids(x->account, x->mailbox, y->account, y->mailbox);
    return c ? c : compare_ids(x->reader, x->is.uid, y->reader, y->is.uid);
}

static struct box *find_box(const struct group *g, int64_t account, int64_t id) {
    struct box key = {.account = account, .id = id};
    return bsearch(&key, g->box, g->boxes, sizeof key, compare_box);
}

static void collect_boxes(struct group *g) {
    size_t n = 0;
    for (struct work *w = g->work; w; w = next_in(w))
        n++;
    g->box = arena_array(g->arena, n, sizeof *g->box);
    for (struct work *w = g->work; w; w = next_in(w)) {
        struct box b = {.account = w->account, .id = w->mailbox};
        size_t i = 0;
        while (i < g->boxes && compare_box(&g->box[i], &b) != 0)
            i++;
        if (i == g->boxes)
            g->box[g->boxes++] = b;
    }
    qsort(g->box, g->boxes, sizeof *g->box, compare_box);
}

static bool send_locks(struct group *g, struct db_conn *c, struct err *err) {
    struct db_params p = {0};
    int64_t *account = arena_array(g->arena, g->boxes, 8), *id = arena_array(g->arena, g->boxes, 8);
    for (size_t i = 0; i < g->boxes; i++) {
        account[i] = g->box[i].account;
        id[i] = g->box[i].id;
    }
    db_int8_array(&p, account, g->boxes);
    db_int8_array(&p, id, g->boxes);
    return db_send(c, &STORE_LOCK_MAILBOXES, &p, err);
}

/* All ranges, one behind another as the works are. */
static bool send_select(struct group *g, struct db_conn *c, struct err *err) {
    size_t n = 0, at = 0;
    for (const struct work *w = g->work; w; w = next_in(w))
        n += w->range_count;
    int64_t *account = arena_array(g->arena, n, 8), *id = arena_array(g->arena, n, 8),
            *low = arena_array(g->arena, n, 8), *high = arena_array(g->arena, n, 8);
    for (const struct work *w = g->work; w; w = next_in(w))
        for (size_t i = 0; i < w->range_count; i++, at++) {
            account[at] = w->account, id[at] = w->mailbox;
            low[at] = w->range[i].first, high[at] = w->range[i].last;
        }
    struct db_params p = {0};
    db_int8_array(&p, account, n), db_int8_array(&p, id, n), db_int8_array(&p, low, n), db_int8_array(&p, high, n);
    return db_send(c, &SELECT_MESSAGES, &p, err);
}

/* With nobody but owners there is nothing to ask. */
static bool send_select_seen(struct group *g, struct db_conn *c, struct err *err) {
    size_t n = 0, at = 0;
    for (const struct work *w = g->work; w; w = next_in(w))
        n += w->change->reader ? w->range_count : 0;
    if (n == 0)
        return true;
    int64_t *account = arena_array(g->arena, n, 8), *id = arena_array(g->arena, n, 8),
            *reader = arena_array(g->arena, n, 8), *low = arena_array(g->arena, n, 8),
            *high = arena_array(g->arena, n, 8);
    for (const struct work *w = g->work; w; w = next_in(w))
        for (size_t i = 0; w->change->reader && i < w->range_count; i++, at++) {
            account[at] = w->account, id[at] = w->mailbox, reader[at] = w->change->reader;
            low[at] = w->range[i].first, high[at] = w->range[i].last;
        }
    struct db_params p = {0};
    db_int8_array(&p, account, n), db_int8_array(&p, id, n), db_int8_array(&p, reader, n);
    db_int8_array(&p, low, n), db_int8_array(&p, high, n);
    return db_send(c, &SELECT_SEEN, &p, err);
}

static bool receive_locks(struct group *g, struct db_conn *c, struct err *err) {
    PGresult *r = db_receive(c, err);
    for (int i = 0; r && i < PQntuples(r); i++) {
        struct box *b = find_box(g, db_get_int8(r, i, 0), db_get_int8(r, i, 1));
        if (!b)
            log_panic("a mailbox was locked that nobody asked for");
        b->there = true;
        b->modseq = b->before = (uint64_t)db_get_int8(r, i, 3);
    }
    bool good = r != NULL;
    PQclear(r);
    return good;
}

/* The work that each of the ranges belongs to, as send_select() has put them. */
static const struct work **range_owners(struct group *g) {
    size_t n = 0;
    for (const struct work *w = g->work; w; w = next_in(w))
        n += w->range_count;
    const struct work **owner = arena_array(g->arena, n, sizeof *owner);
    for (const struct work *w = g->work; w; w = next_in(w))
        for (size_t i = 0; i < w->range_count; i++)
            *owner++ = w;
    return owner - n;
}

static struct entry read_entry(const PGresult *r, int row, struct arena *a, const struct work *const *owner) {
    const struct work *w = owner[db_get_int8(r, row, 4) - 1];
    struct entry e = {.account = w->account,
                      .mailbox = w->mailbox,
                      .m = {.uid = (uint32_t)db_get_int8(r, row, 0),
                            .flags = (uint32_t)db_get_int8(r, row, 1),
                            .modseq = (uint64_t)db_get_int8(r, row, 2)}};
    e.m.keyword_count = store_get_keywords(r, row, 3, a, &e.m.keyword);
    return e;
}

/* The messages of all ranges, each once. */
static bool receive_messages(struct group *g, struct db_conn *c, struct err *err) {
    PGresult *r = db_receive(c, err);
    if (!r)
        return false;
    const struct work **owner = range_owners(g);
    size_t n = (size_t)PQntuples(r), kept = 0;
    bool sorted = true;
    g->entry = arena_array(g->arena, n, sizeof *g->entry);
    for (size_t i = 0; i < n; i++) {
        g->entry[i] = read_entry(r, (int)i, g->arena, owner);
        sorted = sorted && (i == 0 || compare_entry(&g->entry[i - 1], &g->entry[i]) < 0);
    }
    PQclear(r);
    if (!sorted)
        qsort(g->entry, n, sizeof *g->entry, compare_entry);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || compare_entry(&g->entry[kept - 1], &g->entry[i]) != 0)
            g->entry[kept++] = g->entry[i];
    g->entries = kept;
    return true;
}

/* The first entry of the mailbox with a UID not less than uid. */
static size_t entry_at(const struct group *g, const struct work *w, uint32_t uid) {
    struct entry key = {.account = w->account, .mailbox = w->mailbox, .m.uid = uid};
    size_t low = 0, high = g->entries;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_entry(&g->entry[middle], &key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool belongs(const struct group *g, const struct work *w, size_t at, uint32_t last) {
    return at < g->entries && g->entry[at].account == w->account && g->entry[at].mailbox == w->mailbox &&
           g->entry[at].m.uid <= last;
}

/* For the asker's own arena: the group's is gone when it reads them. */
static struct store_message copied(struct arena *a, const struct store_message *m) {
    struct store_message copy = *m;
    if (!m->keyword_count)
        return copy;
    copy.keyword = arena_array(a, m->keyword_count, sizeof *copy.keyword);
    for (size_t i = 0; i < m->keyword_count; i++)
        copy.keyword[i] = arena_str(a, m->keyword[i]);
    return copy;
}

/* A place for the \Seen of each message that a reader means, filled with what is stored. */
static bool receive_seen(struct group *g, struct db_conn *c, struct err *err) {
    size_t n = 0, kept = 0;
    bool asked = false;
    for (const struct work *w = g->work; w; w = next_in(w))
        for (size_t i = 0; w->change->reader && i < w->range_count; i++) {
            asked = true;
            for (size_t at = entry_at(g, w, w->range[i].first); belongs(g, w, at, w->range[i].last); at++)
                n++;
        }
    if (!asked)
        return true;
    g->seen = arena_array(g->arena, n ? n : 1, sizeof *g->seen);
    for (const struct work *w = g->work; w; w = next_in(w))
        for (size_t i = 0; w->change->reader && i < w->range_count; i++)
            for (size_t at = entry_at(g, w, w->range[i].first); belongs(g, w, at, w->range[i].last); at++)
                g->seen[g->seens++] =
                    (struct seen){w->account, w->mailbox, w->change->reader, false, {g->entry[at].m.uid, false, 0}};
    qsort(g->seen, g->seens, sizeof *g->seen, compare_seen);
    for (size_t i = 0; i < g->seens; i++)
        if (kept == 0 || compare_seen(&g->seen[kept - 1], &g->seen[i]) != 0)
            g->seen[kept++] = g->seen[i];
    g->seens = kept;
    PGresult *r = db_receive(c, err);
    for (int i = 0; r && i < PQntuples(r); i++) {
        struct seen key = {
            .account = db_get_int8(r, i, 0),
            .mailbox = db_get_int8(r, i, 1),
            .reader = db_get_int8(r, i, 2),
            .is = {(uint32_t)db_get_int8(r, i, 3), db_get_bool(r, i, 4), (uint64_t)db_get_int8(r, i, 5)}};
        struct seen *found = g->seens ? bsearch(&key, g->seen, g->seens, sizeof key, compare_seen) : NULL;
        if (found) /* else its message is gone */
            found->is = key.is;
    }
    bool good = r != NULL;
    PQclear(r);
    return good;
}

static struct seen *find_seen(const struct group *g, const struct work *w, uint32_t uid) {
    struct seen key = {.account = w->account, .mailbox = w->mailbox, .reader = w->change->reader, .is.uid = uid};
    return bsearch(&key, g->seen, g->seens, sizeof key, compare_seen);
}

/* Changes what all see of the message, and what the reader alone does. */
static bool change_for_reader(struct group *g, const struct store_flag_change *x, struct entry *e, struct seen *own,
                              bool *common) {
    struct store_message m = e->m;
    uint32_t owners = m.flags & STORE_SEEN;
    m.flags = (m.flags & ~(uint32_t)STORE_SEEN) | (own->is.seen ? STORE_SEEN : 0);
    if (!apply(g->arena, &m, x))
        return *common = false;
    bool seen = m.flags & STORE_SEEN;
    m.flags = (m.flags & ~(uint32_t)STORE_SEEN) | owners;
    *common = differ(&e->m, &m);
    if (seen != own->is.seen)
        own->differs = true;
    own->is.seen = seen;
    e->m = m;
    return true;
}

static void change_one(struct group *g, struct work *w, struct box *b, struct entry *e) {
    struct store_flag_change *x = w->change;
    struct seen *own = x->reader ? find_seen(g, w, e->m.uid) : NULL;
    uint64_t modseq = own && own->is.modseq > e->m.modseq ? own->is.modseq : e->m.modseq;
    if (x->unchanged_since && modseq > x->unchanged_since) {
        x->failed[x->failed_count++] = e->m.uid;
        return;
    }
    uint32_t before = e->m.flags;
    bool was_seen = own && own->is.seen, common = true;
    if (own ? change_for_reader(g, x, e, own, &common) : apply(g->arena, &e->m, x)) {
        w->modseq = b->modseq + 1;
        if (own && own->is.seen != was_seen)
            own->is.modseq = w->modseq;
        if (common) {
            e->m.modseq = b->flags_modseq = w->modseq;
            e->differs = true;
        }
        b->unseen += (before & STORE_SEEN ? 1 : 0) - (e->m.flags & STORE_SEEN ? 1 : 0);
        b->deleted += (e->m.flags & STORE_DELETED ? 1 : 0) - (before & STORE_DELETED ? 1 : 0);
    }
    if (own)
        x->seen[x->count] = own->is;
    x->message[x->count++] = copied(w->arena, &e->m);
}

static void apply_work(struct group *g, struct work *w) {
    struct box *b = find_box(g, w->account, w->mailbox);
    size_t n = 0;
    if (!b->there) {
        err_set(&w->err, "the mailbox is gone");
        w->status = STORE_NOT_FOUND;
        return;
    }
    for (size_t i = 0; i < w->range_count; i++)
        for (size_t at = entry_at(g, w, w->range[i].first); belongs(g, w, at, w->range[i].last); at++)
            n++;
    w->change->message = arena_array(w->arena, n, sizeof *w->change->message);
    w->change->failed = arena_array(w->arena, n, sizeof *w->change->failed);
    if (w->change->reader)
        w->change->seen = arena_array(w->arena, n ? n : 1, sizeof *w->change->seen);
    for (size_t i = 0; i < w->range_count; i++)
        for (size_t at = entry_at(g, w, w->range[i].first); belongs(g, w, at, w->range[i].last); at++)
            change_one(g, w, b, &g->entry[at]);
    if (w->modseq)
        b->modseq = w->modseq;
}

/* Entries that differ and have the same value, without a gap in their UIDs: what lies in a gap was not read. */
struct run {
    const struct entry *first;
    struct str keywords; /* of all of them */
    uint32_t last;
};

static bool same_keywords(const struct store_message *x, const struct store_message *y) {
    if (x->keyword_count != y->keyword_count)
        return false;
    for (size_t i = 0; i < x->keyword_count; i++)
        if (!str_eq(x->keyword[i], y->keyword[i]))
            return false;
    return true;
}

static bool continues(const struct run *r, const struct entry *e) {
    const struct entry *f = r->first;
    return e->m.uid == r->last + 1 && e->account == f->account && e->mailbox == f->mailbox &&
           e->m.modseq == f->m.modseq && e->m.flags == f->m.flags && same_keywords(&e->m, &f->m);
}

static size_t make_runs(struct group *g, struct run **out) {
    struct run *run = arena_array(g->arena, g->entries, sizeof *run);
    size_t n = 0;
    for (const struct entry *e = g->entry; e < g->entry + g->entries; e++) {
        if (!e->differs)
            continue;
        if (n && continues(&run[n - 1], e))
            run[n - 1].last = e->m.uid;
        else
            run[n++] = (struct run){e, joined(g->arena, &e->m), e->m.uid};
    }
    *out = run;
    return n;
}

static bool send_flags(struct group *g, struct db_conn *c, struct err *err) {
    struct run *run;
    size_t n = make_runs(g, &run);
    int64_t *account = arena_array(g->arena, n, 8), *id = arena_array(g->arena, n, 8),
            *first = arena_array(g->arena, n, 8), *last = arena_array(g->arena, n, 8),
            *modseq = arena_array(g->arena, n, 8);
    int32_t *flags = arena_array(g->arena, n, 4);
    struct str *keywords = arena_array(g->arena, n, sizeof *keywords);
    for (size_t i = 0; i < n; i++) {
        const struct entry *e = run[i].first;
        account[i] = e->account, id[i] = e->mailbox, first[i] = e->m.uid, last[i] = run[i].last;
        modseq[i] = (int64_t)e->m.modseq, flags[i] = (int32_t)e->m.flags, keywords[i] = run[i].keywords;
    }
    struct db_params p = {0};
    db_int8_array(&p, account, n), db_int8_array(&p, id, n), db_int8_array(&p, first, n), db_int8_array(&p, last, n);
    db_int8_array(&p, modseq, n), db_int4_array(&p, flags, n), db_text_array(&p, keywords, n);
    return db_send(c, &SET_FLAGS, &p, err);
}

static bool send_mailboxes(struct group *g, struct db_conn *c, struct err *err) {
    size_t n = 0;
    int64_t *account = arena_array(g->arena, g->boxes, 8), *id = arena_array(g->arena, g->boxes, 8),
            *modseq = arena_array(g->arena, g->boxes, 8), *flags_modseq = arena_array(g->arena, g->boxes, 8);
    int32_t *unseen = arena_array(g->arena, g->boxes, 4), *deleted = arena_array(g->arena, g->boxes, 4);
    for (size_t i = 0; i < g->boxes; i++) {
        const struct box *b = &g->box[i];
        if (b->modseq == b->before)
            continue;
        account[n] = b->account, id[n] = b->id, modseq[n] = (int64_t)b->modseq;
        flags_modseq[n] = (int64_t)b->flags_modseq;
        unseen[n] = b->unseen, deleted[n++] = b->deleted;
    }
    struct db_params p = {0};
    db_int8_array(&p, account, n), db_int8_array(&p, id, n), db_int8_array(&p, modseq, n);
    db_int8_array(&p, flags_modseq, n), db_int4_array(&p, unseen, n), db_int4_array(&p, deleted, n);
    return db_send(c, &RAISE_MAILBOXES, &p, err);
}

static bool send_seen(struct group *g, struct db_conn *c, struct err *err) {
    size_t n = 0, at = 0;
    for (size_t i = 0; i < g->seens; i++)
        n += g->seen[i].differs;
    if (n == 0)
        return true;
    int64_t *account = arena_array(g->arena, n, 8), *id = arena_array(g->arena, n, 8),
            *reader = arena_array(g->arena, n, 8), *uid = arena_array(g->arena, n, 8),
            *modseq = arena_array(g->arena, n, 8);
    int32_t *seen = arena_array(g->arena, n, 4);
    for (size_t i = 0; i < g->seens; i++) {
        const struct seen *e = &g->seen[i];
        if (!e->differs)
            continue;
        account[at] = e->account, id[at] = e->mailbox, reader[at] = e->reader, uid[at] = e->is.uid;
        modseq[at] = (int64_t)e->is.modseq, seen[at++] = e->is.seen;
    }
    struct db_params p = {0};
    db_int8_array(&p, account, n), db_int8_array(&p, id, n), db_int8_array(&p, reader, n), db_int8_array(&p, uid, n);
    db_int4_array(&p, seen, n), db_int8_array(&p, modseq, n);
    return db_send(c, &SET_SEEN, &p, err);
}

/* The whole transaction. False: nothing of it is there (or the connection broke and that is not known). */
static bool commit_group(struct group *g, struct db_conn *c, struct err *err) {
    collect_boxes(g);
    if (!db_pipeline(c, err) || !db_send(c, &STORE_BEGIN, NULL, err) || !send_locks(g, c, err) ||
        !send_select(g, c, err) || !send_select_seen(g, c, err) || !db_sync(c, err))
        return false;
    PQclear(db_receive(c, err));
    if (!receive_locks(g, c, err) || !receive_messages(g, c, err) || !receive_seen(g, c, err))
        return false;
    bool changed = false;
    for (struct work *w = g->work; w; w = next_in(w)) {
        apply_work(g, w);
        changed = changed || w->modseq;
    }
    if (changed && (!send_flags(g, c, err) || !send_seen(g, c, err) || !send_mailboxes(g, c, err)))
        return false;
    return db_send(c, &STORE_COMMIT, NULL, err) && db_pipeline_end(c, err);
}

/* ---- the group's end ---- */

static void tell(struct store *s, const struct work *w) {
    const struct store_watcher *watcher = &s->watcher;
    if (!watcher->flags) {
        store_tell(s, w->account, w->mailbox, w->modseq);
        return;
    }
    watcher->flags(watcher->context, w->account, w->mailbox, w->modseq, w->change);
    store_notify(s, w->account, w->mailbox, w->modseq);
}

static bool change_group(struct store *s, struct work *list, struct err *err) {
    struct arena arena = ARENA_EMPTY;
    struct group g = {.arena = &arena, .work = list};
    for (struct work *w = list; w; w = next_in(w)) {
        w->change->count = w->change->failed_count = 0;
        w->modseq = 0;
        w->status = STORE_OK;
    }
    struct db_conn *c = db_acquire(s->db, err);
    bool good = c && commit_group(&g, c, err);
    db_release(s->db, c);
    arena_free(&arena);
    for (struct work *w = list; good && w; w = next_in(w))
        if (w->modseq)
            tell(s, w);
    return good;
}

static void fail(struct work *w, struct err *err) {
    w->err = *err;
    w->status = store_failed(err);
}

/* A group that failed is tried again one by one, so that one change's fault is not its neighbours'. */
static void change_list(void *context, struct line_work *group) {
    struct store *s = context;
    struct work *list = (struct work *)group;
    struct err err;
    if (change_group(s, list, &err))
        return;
    if (!list->line.next) {
        fail(list, &err);
        return;
    }
    log_warn("store: a group of flag changes failed, trying each alone: %s", err.text);
    for (struct work *w = list, *next; w; w = next) {
        next = next_in(w);
        w->line.next = NULL;
        if (!change_group(s, w, &err))
            fail(w, &err);
        w->line.next = next ? &next->line : NULL;
    }
}

void store_flags_init(struct store *s) { line_init(&s->flags, change_list, s); }

enum store_status store_change_flags(struct store *s, struct arena *a, int64_t account, int64_t mailbox,
                                     const struct uid_range *range, size_t range_count,
                                     struct store_flag_change *change, struct err *err) {
    struct work w = {.account = account,
                     .mailbox = mailbox,
                     .range = range,
                     .range_count = range_count,
                     .change = change,
                     .arena = a};
    line_join(&s->flags, &w.line);
    if (w.status != STORE_OK && err)
        *err = w.err;
    return w.status;
}
