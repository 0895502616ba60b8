#include "imap/search.h"

#include "base/clock.h"
#include "imap/limit.h"
#include "imap/progress.h"
#include "imap/search_index.h"
#include "mime/mime.h"
#include "view/cards.h"

enum { BATCH = 256 };

/* UNKNOWN: what has been looked at so far does not say. */
enum answer { NO, YES, UNKNOWN };

struct search {
    struct session *s;
    int64_t now;
    struct arena arena;   /* of one message */
    struct searched text; /* with the status of all */
    struct buf scratch;
    struct search_indexed indexed;
    uint64_t done; /* messages looked at */

    /* the message at hand */
    uint32_t seq;
    const struct view_message *m;
    const struct card *card; /* NULL: not asked for yet */
    const struct mime_card *structure;
    const struct lookup_answer *answer; /* what the index says; NULL: nothing */
    bool scored;                        /* the messages found get scores */
    uint8_t score[BATCH];
};

/* ---- by the view ---- */

static bool in_ranges(const struct sequence *set, uint32_t n) {
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set->range[middle].last < n)
            low = middle + 1;
        else
            high = middle;
    }
    return low < set->count && set->range[low].first <= n;
}

static int64_t day_of(int64_t t) {
    const int64_t day = INT64_C(86400) * 1000000;
    return t >= 0 ? t / day : -((-t + day - 1) / day);
}

static bool by_view(const struct search *x, const struct search_key *k) {
    switch (k->kind) {
    case SEARCH_ALL:
        return true;
    case SEARCH_MESSAGES:
    case SEARCH_UIDS: /* both are sequence numbers by now */
        return in_ranges(&k->set, x->seq);
    case SEARCH_FLAG:
        return (x->m->flags & k->number) == k->number;
    case SEARCH_RECENT:
        return !x->s->rev2 && view_is_recent(x->s->client, x->m->uid);
    case SEARCH_KEYWORD:
        return keyword_set_has(x->m->keywords, k->text);
    case SEARCH_BEFORE:
        return day_of(x->m->internal_date) < k->day;
    case SEARCH_ON:
        return day_of(x->m->internal_date) == k->day;
    case SEARCH_SINCE:
        return day_of(x->m->internal_date) >= k->day;
    case SEARCH_LARGER:
        return x->m->size > k->number;
    case SEARCH_SMALLER:
        return x->m->size < k->number;
    case SEARCH_MODSEQ:
        return x->m->modseq >= k->number;
    case SEARCH_YOUNGER:
        return k->number > INT64_MAX / 1000000 || x->m->internal_date >= x->now - (int64_t)k->number * 1000000;
    default:
        return false;
    }
}

/* ---- by the card ---- */

/* The zone of a Date field, "... +0200", in minutes: the day that counts is the sender's (RFC 3501 section 6.4.4). */
static int64_t zone_minutes(struct str date) {
    for (size_t i = 0; i + 5 <= date.n; i++) {
        uint32_t zone;
        if ((date.p[i] == '+' || date.p[i] == '-') && str_u32(str_sub(date, i + 1, 4), &zone)) {
            int64_t minutes = zone / 100 * 60 + zone % 100;
            return date.p[i] == '-' ? -minutes : minutes;
        }
    }
    return 0;
}

static bool by_sent_date(const struct search *x, const struct search_key *k) {
    if (x->structure->sent_at == INT64_MIN)
        return false;
    int64_t day = day_of(x->structure->sent_at + zone_minutes(x->structure->envelope->date) * 60 * 1000000);
    return k->kind == SEARCH_SENTBEFORE ? day < k->day : k->kind == SEARCH_SENTON ? day == k->day : day >= k->day;
}

static bool by_card(struct search *x, const struct search_key *k) {
    int64_t saved = day_of(x->card->of.saved_at);
    switch (k->kind) {
    case SEARCH_SAVEDBEFORE:
        return saved < k->day;
    case SEARCH_SAVEDON:
        return saved == k->day;
    case SEARCH_SAVEDSINCE:
        return saved >= k->day;
    case SEARCH_EMAILID:
        return (uint64_t)x->card->of.email_id == k->number;
    default:
        return by_sent_date(x, k);
    }
}

/* ---- by text ---- */

struct finding {
    const struct needle *needle;
    struct buf *scratch;
};

static bool finds(void *context, struct str name, struct str text) {
    (void)name;
    const struct finding *f = context;
    return match_contains(f->needle, text, f->scratch);
}

struct likening {
    const struct fuzzy *fuzzy;
    struct fuzzy_found found;
    struct buf *scratch;
};

static bool likens(void *context, struct str name, struct str text) {
    (void)name;
    struct likening *l = context;
    buf_reset(l->scratch);
    match_fold(text, l->scratch);
    return fuzzy_look(l->fuzzy, buf_str(l->scratch), &l->found);
}

/* How well the message fits a fuzzy key; 0: not. */
static unsigned likeness(struct search *x, const struct search_key *k) {
    struct lookup_key what;
    struct likening l = {.fuzzy = k->fuzzy, .scratch = &x->scratch};
    search_looks_at(k, &what);
    x->text.of = &x->card->of;
    x->text.card = x->structure;
    x->text.without_prefix = true;
    for (unsigned i = 0; i < SEARCHED_SECTIONS; i++)
        if (what.sections & 1u << i && searched_each(&x->text, (enum searched_section)i, likens, &l))
            break;
    x->text.without_prefix = false;
    return fuzzy_score(k->fuzzy, &l.found);
}

static bool by_text(struct search *x, const struct search_key *k) {
    struct lookup_key what;
    struct finding f = {&k->needle, &x->scratch};
    if (k->fuzzy)
        return likeness(x, k) > 0;
    search_looks_at(k, &what);
    x->text.of = &x->card->of;
    x->text.card = x->structure;
    if (what.sections & 1u << SEARCHED_MESSAGE_ID && x->structure->envelope->message_id.p)
        return searched_each(&x->text, SEARCHED_MESSAGE_ID, finds, &f);
    if (what.field.p)
        return searched_field(&x->text, what.field, finds, &f);
    for (unsigned i = 0; i < SEARCHED_SECTIONS; i++)
        if (what.sections & 1u << i && searched_each(&x->text, (enum searched_section)i, finds, &f))
            return true;
    return false;
}

/* ---- the tree ---- */

static enum answer evaluate(struct search *x, const struct search_key *k);

static enum answer evaluate_list(struct search *x, const struct search_key *k, enum answer decides) {
    enum answer so_far = decides == NO ? YES : NO;
    for (const struct search_key *child = k->child; child; child = child->next) {
        enum answer a = evaluate(x, child);
        if (a == decides)
            return a;
        if (a == UNKNOWN)
            so_far = UNKNOWN;
    }
    return so_far;
}

static enum answer evaluate(struct search *x, const struct search_key *k) {
    enum answer a;
    switch (k->kind) {
    case SEARCH_AND:
        return evaluate_list(x, k, NO);
    case SEARCH_OR:
        return evaluate_list(x, k, YES);
    case SEARCH_NOT:
        a = evaluate(x, k->child);
        return a == UNKNOWN ? UNKNOWN : a == YES ? NO : YES;
    default:
        break;
    }
    if (k->cost == COST_VIEW)
        return by_view(x, k) ? YES : NO;
    if (k->slot && x->answer && x->answer->known >> (k->slot - 1) & 1)
        return x->answer->yes >> (k->slot - 1) & 1 ? YES : NO;
    if (!x->card)
        return UNKNOWN;
    return (search_is_text(k) ? by_text(x, k) : by_card(x, k)) ? YES : NO;
}

/* ---- how good it is (RFC 6203 section 4) ---- */

struct scoring {
    unsigned sum, count; /* of the fuzzy keys that it fits */
    bool unknown;
};

static void score_keys(struct search *x, const struct search_key *k, struct scoring *g) {
    for (; k; k = k->next) {
        score_keys(x, k->child, g);
        if (!k->scored)
            continue;
        unsigned score = 0;
        if (k->slot && x->answer && x->answer->known >> (k->slot - 1) & 1)
            score = x->answer->score[k->scored - 1];
        else if (x->card)
            score = likeness(x, k);
        else
            g->unknown = true;
        g->sum += score;
        g->count += score > 0;
    }
}

/* Of the message at hand, which was found; 0: more must be read to know. */
static uint8_t score_of(struct search *x, const struct search_key *key) {
    struct scoring g = {0};
    score_keys(x, key, &g);
    return g.unknown ? 0 : g.count ? (uint8_t)(g.sum / g.count) : 100;
}

/* ---- all messages ---- */

void search_add(struct session *s, struct search_found *f, uint32_t seq, uint64_t modseq) {
    if (modseq > f->modseq)
        f->modseq = modseq;
    if (f->count == f->room) {
        size_t room = f->room ? f->room * 2 : 64;
        uint32_t *more = arena_array(&s->arena, room, sizeof *more);
        if (f->count)
            memcpy(more, f->seq, f->count * sizeof *more);
        f->seq = more;
        if (f->score) {
            uint8_t *scores = arena_array(&s->arena, room, 1);
            memcpy(scores, f->score, f->count);
            f->score = scores;
        }
        f->room = room;
    }
    f->seq[f->count++] = seq;
}

/* Those that the view alone could not decide: first[i] of them is 0. */
static void decide_by_cards(struct search *x, const struct search_key *key, const struct view_message *m,
                            uint32_t first_seq, enum answer *answer, uint32_t n) {
    uint32_t uid[BATCH], index[BATCH], count = 0;
    struct card *card[BATCH];
    for (uint32_t i = 0; i < n; i++)
        if (answer[i] == UNKNOWN) {
            index[count] = i;
            uid[count++] = m[i].uid;
        }
    if (count == 0)
        return;
    x->text.status = cards_get(x->s->service->cards, x->s->owner, x->s->mailbox, uid, count, card, &x->text.err);
    for (uint32_t i = 0; i < count && x->text.status == STORE_OK; i++) {
        x->card = card[i];
        x->structure = card[i] ? mime_card_decode(&x->arena, card[i]->of.card) : NULL;
        x->m = &m[index[i]];
        x->seq = first_seq + index[i];
        x->answer = search_index_answer(&x->indexed, uid[i]);
        answer[index[i]] = x->structure ? evaluate(x, key) : NO;
        if (x->scored && answer[index[i]] == YES)
            x->score[index[i]] = score_of(x, key);
        arena_reset(&x->arena);
    }
    x->card = NULL;
    x->structure = NULL;
    for (uint32_t i = 0; i < count; i++)
        card_release(card[i]);
}

static void search_range(struct search *x, const struct search_key *key, struct uid_range r, struct search_found *f) {
    struct view_message m[BATCH];
    enum answer answer[BATCH];
    for (uint64_t seq = r.first; seq <= r.last && x->text.status == STORE_OK; seq += BATCH) {
        uint32_t first = (uint32_t)seq, n = r.last - first + 1 < BATCH ? r.last - first + 1 : BATCH;
        view_read(x->s->client, first, n, m);
        for (uint32_t i = 0; i < n; i++) {
            x->m = &m[i];
            x->seq = first + i;
            x->answer = search_index_answer(&x->indexed, m[i].uid);
            answer[i] = m[i].gone ? NO : evaluate(x, key);
            if (x->scored && answer[i] == YES && !(x->score[i] = score_of(x, key)))
                answer[i] = UNKNOWN;
        }
        if (key->cost > COST_VIEW)
            decide_by_cards(x, key, m, first, answer, n);
        for (uint32_t i = 0; i < n; i++)
            if (answer[i] == YES) {
                search_add(x->s, f, first + i, m[i].modseq);
                if (x->scored)
                    f->score[f->count - 1] = x->score[i];
            }
        x->done += n;
        if (x->text.status == STORE_OK && !progress_tick(x->s, x->done))
            x->text.status = STORE_TEMPORARY;
    }
}

/* Numbers that do not exist are passed over here: a search is a question. */
void search_resolve(struct session *s, struct search_key *k) {
    struct parser p = {.arena = &s->arena};
    for (; k; k = k->next) {
        if (k->kind == SEARCH_UIDS || (k->kind == SEARCH_MESSAGES && k->set.saved))
            session_messages(s, &p, &k->set, true);
        else if (k->kind == SEARCH_MESSAGES)
            sequence_resolve(&k->set, s->client->count);
        search_resolve(s, k->child);
    }
}

struct sequence search_scope(struct session *s, const struct search_key *key) {
    struct sequence set = {arena_array(&s->arena, 1, sizeof *set.range), s->client->count ? 1 : 0, false};
    set.range[0] = (struct uid_range){1, s->client->count};
    for (const struct search_key *k = key->child; k; k = k->next) /* the key is an AND: a set in it limits the work */
        if ((k->kind == SEARCH_UIDS || k->kind == SEARCH_MESSAGES) && limit_count(&k->set) <= limit_count(&set))
            set = k->set;
    return set;
}

void search_narrow(struct session *s, struct search_key *key, const struct sequence *scope) {
    struct search_key *these = arena_alloc(&s->arena, sizeof *these);
    these->kind = SEARCH_MESSAGES;
    these->set = *scope;
    these->next = key->child;
    key->child = these;
}

/* Those that the view can't decide, for the index. */
static void collect_range(struct search *x, const struct search_key *key, struct uid_range r) {
    struct view_message m[BATCH];
    for (uint64_t seq = r.first; seq <= r.last; seq += BATCH) {
        uint32_t first = (uint32_t)seq, n = r.last - first + 1 < BATCH ? r.last - first + 1 : BATCH;
        view_read(x->s->client, first, n, m);
        for (uint32_t i = 0; i < n; i++) {
            x->m = &m[i];
            x->seq = first + i;
            if (!m[i].gone && evaluate(x, key) == UNKNOWN)
                search_index_want(&x->indexed, m[i].uid);
        }
    }
}

static void search_all(struct search *x, const struct search_key *key, struct search_found *f) {
    struct sequence set = search_scope(x->s, key);
    for (size_t i = 0; key->cost > COST_VIEW && i < set.count; i++)
        collect_range(x, key, set.range[i]);
    search_index_ask(&x->indexed, x->s, key);
    for (size_t i = 0; i < set.count; i++)
        search_range(x, key, set.range[i], f);
}

static bool has_scores(const struct search_key *k) {
    for (; k; k = k->next)
        if (k->scored || has_scores(k->child))
            return true;
    return false;
}

enum store_status search_run(struct session *s, const struct search_key *key, struct search_found *f, struct err *err) {
    struct search x = {.s = s, .now = clock_now()};
    x.text = (struct searched){.store = s->service->store, .arena = &x.arena, .status = STORE_OK};
    *f = (struct search_found){0};
    if ((x.scored = has_scores(key->child)))
        f->score = arena_array(&s->arena, 1, 1);
    search_all(&x, key, f);
    search_index_free(&x.indexed);
    searched_free(&x.text);
    arena_free(&x.arena);
    buf_free(&x.scratch);
    *err = x.text.err;
    return x.text.status;
}
