#include "index/lookup.h"

#include "base/log.h"
#include "db/db.h"
#include "index/filter.h"
#include "index/text.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { DENSE = 8 }; /* where more than one of so many UIDs is wanted, all between are read */

static const struct db_statement BEGIN = {"lookup_begin", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"};
static const struct db_statement INDEXED_TO = {"lookup_indexed_to",
                                               "SELECT indexed_to FROM search_account WHERE account_id = $1"
                                               " AND enabled AND version = $2"};
static const struct db_statement MESSAGES = {
    "lookup_messages", "SELECT uid, email_id, prefix FROM unnest($3::bigint[]) AS u (n) CROSS JOIN LATERAL"
                       " (SELECT uid, email_id, prefix FROM message WHERE account_id = $1 AND mailbox_id = $2"
                       " AND uid = u.n LIMIT 1) m"};
static const struct db_statement FILTERS = {
    "lookup_filters", "SELECT id, (SELECT string_agg(substring(filter FROM h * 8 + 1 FOR 8), '' ORDER BY n)"
                      " FROM unnest($2::int[]) WITH ORDINALITY AS t (h, n)) FROM search_segment"
                      " WHERE account_id = $1 ORDER BY id"};

/* A message, found by its email. */
struct wanted {
    int64_t email;
    uint32_t index; /* in the lookup's arrays */
    int32_t place;  /* its block; -1: none */
};

struct place { /* a block */
    int64_t id, segment;
    int slot;
    uint32_t excluded; /* keys that are not in it */
    uint32_t beside;   /* keys that are in the prefixes of its messages */
    bool read;
};

struct looking {
    struct lookup *l;
    struct db_conn *c;
    struct arena arena; /* of one row */
    struct wanted *wanted;
    size_t wanted_count;
    bool sorted;
    struct place *place;
    size_t places, room;
    size_t at; /* in uid, while messages are read */
    struct block block;
    struct buf scratch;
    bool prefixes; /* some key looks at the header */
};

/* ---- one text ---- */

struct finding {
    const struct lookup_key *key;
    struct buf *scratch;
};

static bool finds(void *context, struct str name, struct str text) {
    (void)name;
    const struct finding *f = context;
    return match_contains(&f->key->needle, text, f->scratch);
}

/* What the recipient's own header lines have. */
static uint32_t in_prefix(struct looking *x, struct str prefix) {
    uint32_t yes = 0;
    for (size_t i = 0; i < x->l->keys && prefix.n; i++) {
        const struct lookup_key *k = &x->l->key[i];
        struct finding f = {k, &x->scratch};
        if (!k->fuzzy && k->sections & 1u << SEARCHED_HEADER &&
            searched_fields_of(&x->arena, prefix, k->field, finds, &f))
            yes |= 1u << i;
    }
    return yes;
}

static bool section_has(const struct needle *n, struct str section) {
    return n->folded.n == 0 ? section.n > 0 : str_find(section, n->folded) >= 0;
}

/* Behind "name: " where the text is of that field. */
static bool field_body(struct str text, struct str name, struct str *body) {
    if (text.n < name.n + 2 || !str_ieq(str_sub(text, 0, name.n), name) || text.p[name.n] != ':')
        return false;
    *body = str_sub(text, name.n + 2, text.n);
    return true;
}

/* A name with other characters is no field's, and could be taken for a name and the start of a body. */
static bool is_field_name(struct str name) {
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] <= ' ' || name.p[i] >= 0x7f || name.p[i] == ':')
            return false;
    return name.n > 0;
}

static bool field_has(const struct lookup_key *k, struct str section) {
    struct str text, body;
    if (!is_field_name(k->field))
        return false;
    while (section.n && str_split(&section, 0, &text))
        if (field_body(text, k->field, &body) && (k->needle.folded.n == 0 || str_find(body, k->needle.folded) >= 0))
            return true;
    return false;
}

static unsigned email_score(const struct lookup_key *k, const struct block_email *e) {
    struct fuzzy_found found = {0};
    for (unsigned i = 0; i < SEARCHED_SECTIONS; i++)
        if (k->sections & 1u << i && fuzzy_look(k->fuzzy, e->section[i], &found))
            break;
    return fuzzy_score(k->fuzzy, &found);
}

static bool email_has(const struct lookup_key *k, const struct block_email *e) {
    if (k->sections & 1u << SEARCHED_MESSAGE_ID && e->section[SEARCHED_MESSAGE_ID].n)
        return section_has(&k->needle, e->section[SEARCHED_MESSAGE_ID]);
    if (k->field.p)
        return field_has(k, e->section[SEARCHED_HEADER]);
    for (unsigned i = 0; i < SEARCHED_SECTIONS; i++)
        if (k->sections & 1u << i && section_has(&k->needle, e->section[i]))
            return true;
    return false;
}

/* ---- messages ---- */

static void take_message(void *context, const struct str *column) {
    struct looking *x = context;
    struct lookup *l = x->l;
    uint32_t uid = (uint32_t)db_value_int8(column[0]);
    while (x->at < l->count && l->uid[x->at] < uid)
        x->at++;
    if (x->at == l->count || l->uid[x->at] != uid)
        return;
    struct wanted *w = &x->wanted[x->wanted_count];
    *w = (struct wanted){db_value_int8(column[1]), (uint32_t)x->at, -1};
    struct str prefix = x->prefixes ? column[2] : STR("");
    if (!index_plain_prefix(prefix))
        return; /* not in wanted: it will be read */
    l->answer[x->at].yes = in_prefix(x, prefix);
    l->answer[x->at].known = l->answer[x->at].yes;
    x->sorted = x->sorted && (x->wanted_count == 0 || w[-1].email <= w->email);
    x->wanted_count++;
    arena_reset(&x->arena);
}

static bool read_sparse(struct looking *x, struct err *err) {
    struct db_params p = {0};
    int64_t *uid = mem_alloc(x->l->count * sizeof *uid);
    for (size_t i = 0; i < x->l->count; i++)
        uid[i] = x->l->uid[i];
    db_int8(&p, x->l->account), db_int8(&p, x->l->mailbox);
    db_int8_array(&p, uid, x->l->count);
    free(uid);
    PGresult *r = db_query(x->c, &MESSAGES, &p, err);
    for (int i = 0; r && i < PQntuples(r); i++) {
        struct str column[] = {db_get_str(r, i, 0), db_get_str(r, i, 1), db_get_str(r, i, 2)};
        x->at = 0; /* in any order */
        size_t low = 0, high = x->l->count;
        uint32_t wanted = (uint32_t)db_value_int8(column[0]);
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (x->l->uid[middle] < wanted)
                low = middle + 1;
            else
                high = middle;
        }
        x->at = low;
        take_message(x, column);
    }
    bool good = r != NULL;
    PQclear(r);
    return good;
}

static int by_email(const void *a, const void *b) {
    const struct wanted *x = a, *y = b;
    return (x->email > y->email) - (x->email < y->email);
}

static bool read_messages(struct looking *x, struct err *err) {
    struct lookup *l = x->l;
    uint32_t first = l->uid[0], last = l->uid[l->count - 1];
    char query[256];
    bool good;
    x->wanted = mem_alloc(l->count * sizeof *x->wanted);
    x->sorted = true;
    if ((uint64_t)l->count * DENSE < (uint64_t)last - first) {
        good = read_sparse(x, err);
    } else {
        snprintf(query, sizeof query,
                 "SELECT uid, email_id, %s FROM message WHERE account_id = %" PRId64 " AND mailbox_id = %" PRId64
                 " AND uid BETWEEN %u AND %u ORDER BY uid",
                 x->prefixes ? "prefix" : "NULL::bytea", l->account, l->mailbox, first, last);
        good = db_scan(x->c, query, 3, take_message, x, err);
    }
    if (!x->sorted)
        qsort(x->wanted, x->wanted_count, sizeof *x->wanted, by_email);
    return good;
}

/* The first of those wanted for this email or a later one. */
static size_t find_email(const struct looking *x, int64_t email) {
    size_t low = 0, high = x->wanted_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (x->wanted[middle].email < email)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- which blocks ---- */

static void take_place(void *context, const struct str *column) {
    struct looking *x = context;
    int64_t *email;
    struct place p = {.id = db_value_int8(column[0]),
                      .segment = db_value_int8(column[1]),
                      .slot = column[2].p ? (int)db_value_int8(column[2]) : -1};
    size_t n = db_value_int8s(column[3], &x->arena, &email);
    bool any = false;
    for (size_t i = 0; i < n; i++)
        for (size_t w = find_email(x, email[i]); w < x->wanted_count && x->wanted[w].email == email[i]; w++) {
            x->wanted[w].place = (int32_t)x->places;
            p.beside |= x->l->answer[x->wanted[w].index].yes;
            any = true;
        }
    arena_reset(&x->arena);
    if (!any)
        return;
    if (x->places == x->room) {
        x->room = x->room ? x->room * 2 : 256;
        x->place = mem_resize(x->place, x->room * sizeof *x->place);
    }
    x->place[x->places++] = p;
}

static bool read_places(struct looking *x, struct err *err) {
    char query[256];
    snprintf(query, sizeof query,
             "SELECT id, segment, slot, emails FROM search_block WHERE account_id = %" PRId64
             " AND last_email >= %" PRId64 " AND first_email <= %" PRId64 " ORDER BY id",
             x->l->account, x->wanted[0].email, x->wanted[x->wanted_count - 1].email);
    return db_scan(x->c, query, 4, take_place, x, err);
}

/* One segment's words for the hashes of one key: in which slots all of them are. */
static uint64_t slots_with_all(struct str words) {
    uint64_t all = UINT64_MAX, word;
    for (size_t i = 0; i + 8 <= words.n; i += 8) {
        memcpy(&word, words.p + i, sizeof word);
        all &= le64toh(word);
    }
    return all;
}

static void exclude(struct looking *x, unsigned key, int64_t segment, uint64_t slots) {
    for (size_t i = 0; i < x->places; i++)
        if (x->place[i].segment == segment && x->place[i].slot >= 0 && !(slots >> x->place[i].slot & 1))
            x->place[i].excluded |= 1u << key;
}

static bool ask_filters(struct looking *x, unsigned key, struct err *err) {
    struct db_params p = {0};
    uint32_t hash[FILTER_MAX];
    int32_t wanted[FILTER_MAX];
    size_t n = filter_hashes(x->l->key[key].needle.folded, hash);
    if (n == 0 || x->l->key[key].fuzzy)
        return true;
    for (size_t i = 0; i < n; i++)
        wanted[i] = (int32_t)hash[i];
    db_int8(&p, x->l->account);
    db_int4_array(&p, wanted, n);
    PGresult *r = db_query(x->c, &FILTERS, &p, err);
    for (int i = 0; r && i < PQntuples(r); i++)
        exclude(x, key, db_get_int8(r, i, 0), slots_with_all(db_get_str(r, i, 1)));
    bool good = r != NULL;
    PQclear(r);
    return good;
}

static bool has_segments(const struct looking *x) {
    for (size_t i = 0; i < x->places; i++)
        if (x->place[i].slot >= 0)
            return true;
    return false;
}

static int by_id(const void *a, const void *b) {
    const struct place *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static struct place *place_of(const struct looking *x, int64_t id) {
    struct place key = {.id = id};
    return x->places ? bsearch(&key, x->place, x->places, sizeof key, by_id) : NULL;
}

/* ---- the text ---- */

static void answer_email(struct looking *x, size_t w, uint32_t known, uint32_t yes, const uint8_t *score) {
    for (int64_t email = x->wanted[w].email; w < x->wanted_count && x->wanted[w].email == email; w++) {
        struct lookup_answer *a = &x->l->answer[x->wanted[w].index];
        a->known |= known;
        a->yes |= yes;
        memcpy(a->score, score, sizeof a->score);
    }
}

/* Keys whose needle is nowhere in the block: one look instead of one an email. */
static uint32_t absent(const struct looking *x, struct str text) {
    uint32_t none = 0;
    for (size_t i = 0; i < x->l->keys; i++)
        if (x->l->key[i].needle.folded.n && !x->l->key[i].fuzzy && str_find(text, x->l->key[i].needle.folded) < 0)
            none |= 1u << i;
    return none;
}

static uint32_t look_in(const struct looking *x, const struct block_email *e, uint32_t none, uint8_t *score) {
    uint32_t yes = 0;
    for (size_t i = 0; i < x->l->keys; i++) {
        const struct lookup_key *k = &x->l->key[i];
        if (none >> i & 1)
            continue;
        unsigned good = k->fuzzy ? email_score(k, e) : email_has(k, e);
        if (good)
            yes |= 1u << i;
        if (k->scored)
            score[k->scored - 1] = (uint8_t)good;
    }
    return yes;
}

static void take_text(void *context, const struct str *column) {
    struct looking *x = context;
    struct place *p = place_of(x, db_value_int8(column[0]));
    int64_t *email;
    size_t n = db_value_int8s(column[1], &x->arena, &email);
    uint32_t all = x->l->keys == 32 ? UINT32_MAX : (1u << x->l->keys) - 1;
    bool good = p && p->read && block_unpack(&x->block, column[2], n);
    uint32_t none = good ? absent(x, x->block.text) : 0;
    for (size_t i = 0; i < n && good; i++) {
        size_t w = find_email(x, email[i]);
        if (w == x->wanted_count || x->wanted[w].email != email[i] || !x->block.email[i].known)
            continue;
        uint8_t score[LOOKUP_SCORES] = {0};
        answer_email(x, w, all, look_in(x, &x->block.email[i], none, score), score);
    }
    arena_reset(&x->arena);
}

/* Decides which blocks have to be read. The number of them. */
static size_t choose(struct looking *x) {
    size_t n = 0;
    for (size_t i = 0; i < x->places; i++) {
        struct place *p = &x->place[i];
        p->read = p->excluded == 0 || x->l->open(x->l->context, p->excluded & ~p->beside);
        n += p->read;
    }
    for (size_t w = 0; w < x->wanted_count; w++)
        if (x->wanted[w].place >= 0)
            x->l->answer[x->wanted[w].index].known |= x->place[x->wanted[w].place].excluded;
    return n;
}

static bool read_texts(struct looking *x, size_t blocks, struct err *err) {
    struct buf query = BUF_EMPTY;
    buf_printf(&query, "SELECT id, emails, text FROM search_block WHERE account_id = %" PRId64, x->l->account);
    if (blocks * 2 < x->places) {
        buf_add_c(&query, " AND id = ANY ('{");
        for (size_t i = 0, n = 0; i < x->places; i++)
            if (x->place[i].read)
                buf_printf(&query, "%s%" PRId64, n++ ? "," : "", x->place[i].id);
        buf_add_c(&query, "}')");
    } else {
        buf_printf(&query, " AND id BETWEEN %" PRId64 " AND %" PRId64, x->place[0].id, x->place[x->places - 1].id);
    }
    bool good = db_scan(x->c, query.p, 3, take_text, x, err);
    buf_free(&query);
    return good;
}

/* ---- all of it ---- */

static bool look(struct looking *x, struct err *err) {
    if (!read_messages(x, err))
        return false;
    if (x->wanted_count == 0)
        return true;
    if (!read_places(x, err))
        return false;
    for (unsigned i = 0; i < x->l->keys && has_segments(x); i++)
        if (!ask_filters(x, i, err))
            return false;
    size_t blocks = choose(x);
    return blocks == 0 || read_texts(x, blocks, err);
}

static void note_missing(struct looking *x, int64_t indexed_to) {
    for (size_t w = 0; w < x->wanted_count && !x->l->missing; w++)
        if (x->wanted[w].place < 0 && x->wanted[w].email <= indexed_to)
            x->l->missing = x->wanted[w].email;
}

/* 0: nothing of the account is in the index. */
static int64_t indexed_to(struct looking *x, struct err *err) {
    struct db_params p = {0};
    db_int8(&p, x->l->account), db_int4(&p, INDEX_VERSION);
    PGresult *r = db_query(x->c, &INDEXED_TO, &p, err);
    int64_t to = !r ? -1 : PQntuples(r) ? db_get_int8(r, 0, 0) : 0;
    PQclear(r);
    return to;
}

bool lookup_run(struct lookup *l, struct err *err) {
    struct looking x = {.l = l};
    if (l->count == 0 || l->keys == 0 || l->keys > LOOKUP_MAX_KEYS)
        return true;
    for (size_t i = 0; i < l->keys; i++)
        x.prefixes = x.prefixes || l->key[i].sections & 1u << SEARCHED_HEADER;
    if (!(x.c = db_acquire(l->db, err)))
        return false;
    bool good = db_exec(x.c, &BEGIN, NULL, err) >= 0;
    int64_t to = good ? indexed_to(&x, err) : -1;
    good = to > 0 ? look(&x, err) : to == 0;
    if (good && to > 0)
        note_missing(&x, to);
    if (good)
        good = db_commit(x.c, err);
    else
        db_rollback(x.c);
    db_release(l->db, x.c);
    free(x.wanted);
    free(x.place);
    block_close(&x.block);
    buf_free(&x.scratch);
    arena_free(&x.arena);
    return good;
}
