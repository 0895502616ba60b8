#include "imap/search.h"

#include "base/clock.h"
#include "imap/limit.h"
#include "imap/progress.h"
#include "mime/mime.h"
#include "view/cards.h"

enum {
    BATCH = 256,
    MAX_PART = 16 << 20, /* bytes of a part, as they are in the message, that are looked at */
    MAX_HEADER = 4 << 20,
};

/* UNKNOWN: what has been looked at so far does not say. */
enum answer { NO, YES, UNKNOWN };

struct search {
    struct session *s;
    int64_t now;
    struct arena arena; /* of one message */
    struct buf bytes, decoded, text, scratch;
    enum store_status status;
    struct err err;
    uint64_t done; /* messages looked at */

    /* the message at hand */
    uint32_t seq;
    const struct view_message *m;
    const struct card *card; /* NULL: not asked for yet */
    const struct mime_card *structure;
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

static bool by_addresses(struct search *x, const struct search_key *k, const struct mime_addresses *list) {
    for (size_t i = 0; i < list->count; i++) {
        const struct mime_address *at = &list->at[i];
        buf_reset(&x->text);
        if (at->name.p)
            buf_add_str(&x->text, mime_decode_words(&x->arena, at->name));
        buf_printf(&x->text, " <%.*s%s%.*s>", STR_ARG(at->mailbox), at->host.p ? "@" : "", STR_ARG(at->host));
        if (match_contains(&k->needle, buf_str(&x->text), &x->scratch))
            return true;
    }
    return k->needle.folded.n == 0 && list->count > 0;
}

static bool by_card(struct search *x, const struct search_key *k) {
    const struct mime_envelope *e = x->structure->envelope;
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
    case SEARCH_FROM:
        return by_addresses(x, k, &e->from);
    case SEARCH_TO:
        return by_addresses(x, k, &e->to);
    case SEARCH_CC:
        return by_addresses(x, k, &e->cc);
    case SEARCH_BCC:
        return by_addresses(x, k, &e->bcc);
    case SEARCH_SUBJECT:
        return e->subject.p && match_contains(&k->needle, x->structure->subject, &x->scratch);
    default:
        return by_sent_date(x, k);
    }
}

/* ---- by the bytes ---- */

/* Reads into x->bytes. */
static bool read_bytes(struct search *x, uint64_t offset, uint64_t n, uint64_t most) {
    buf_reset(&x->bytes);
    if (x->status == STORE_OK)
        x->status = store_read(x->s->service->store, &x->card->of, offset, n < most ? n : most, &x->bytes, &x->err);
    return x->status == STORE_OK;
}

static bool field_contains(struct search *x, const struct search_key *k, struct str body) {
    return match_contains(&k->needle, mime_decode_words(&x->arena, body), &x->scratch);
}

/* The fields of a header: those of one name, or (name.p NULL) all with their names. */
static bool header_contains(struct search *x, const struct search_key *k, struct str header, struct str name) {
    struct mime_field field;
    while (mime_next_field(&header, &field)) {
        if (name.p && !str_ieq(field.name, name))
            continue;
        struct str text = field.body;
        if (!name.p)
            text = arena_printf(&x->arena, "%.*s: %.*s", STR_ARG(field.name), STR_ARG(field.body));
        if (field_contains(x, k, text))
            return true;
    }
    return false;
}

static bool by_header(struct search *x, const struct search_key *k) {
    uint64_t n = x->card->of.prefix.n + x->structure->root->header_bytes;
    struct str id = x->structure->envelope->message_id;
    if (str_ieq(k->text, STR("Message-ID")) && id.p) /* asked for often, and at hand */
        return match_contains(&k->needle, id, &x->scratch);
    struct str name = k->text.p ? k->text : STR("");
    return read_bytes(x, 0, n, MAX_HEADER) && header_contains(x, k, buf_str(&x->bytes), name);
}

/* What a reader sees of a part without opening it. */
static bool label_contains(struct search *x, const struct search_key *k, const struct mime_part *part) {
    struct str name = mime_part_filename(part);
    return (name.p && match_contains(&k->needle, name, &x->scratch)) ||
           (part->description.p && field_contains(x, k, part->description));
}

static bool part_contains(struct search *x, const struct search_key *k, const struct mime_part *part) {
    if (label_contains(x, k, part))
        return true;
    uint64_t prefix = x->card->of.prefix.n;
    if (part->parent && part->envelope && part->header_bytes && str_eq(part->parent->type, STR("message"))) {
        if (!read_bytes(x, prefix + part->header_offset, part->header_bytes, MAX_HEADER))
            return false;
        if (header_contains(x, k, buf_str(&x->bytes), (struct str){NULL, 0}))
            return true;
    }
    if (part->child || !str_eq(part->type, STR("text")))
        return false;
    if (!read_bytes(x, prefix + part->body_offset, part->body_bytes, MAX_PART))
        return false;
    buf_reset(&x->decoded);
    buf_reset(&x->text);
    mime_decode_transfer(part->encoding, buf_str(&x->bytes), &x->decoded);
    struct str charset = mime_parameter_get(part->parameter, part->parameter_count, STR("charset"));
    mime_decode_charset(charset, buf_str(&x->decoded), &x->text);
    return match_contains(&k->needle, buf_str(&x->text), &x->scratch);
}

/* Walks the tree without recursion. */
static bool body_contains(struct search *x, const struct search_key *k) {
    const struct mime_part *part = x->structure->root;
    while (part) {
        if (part_contains(x, k, part))
            return true;
        if (part->child) {
            part = part->child;
            continue;
        }
        while (part && !part->next)
            part = part->parent;
        part = part ? part->next : NULL;
    }
    return false;
}

static bool by_bytes(struct search *x, const struct search_key *k) {
    if (k->kind == SEARCH_HEADER)
        return by_header(x, k);
    if (k->kind == SEARCH_TEXT) {
        uint64_t n = x->card->of.prefix.n + x->structure->root->header_bytes;
        if (!read_bytes(x, 0, n, MAX_HEADER))
            return false;
        if (header_contains(x, k, buf_str(&x->bytes), (struct str){NULL, 0}))
            return true;
    }
    return body_contains(x, k);
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
    if (!x->card)
        return UNKNOWN;
    return (k->cost == COST_CARD ? by_card(x, k) : by_bytes(x, k)) ? YES : NO;
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
    x->status = cards_get(x->s->service->cards, x->s->account, x->s->mailbox, uid, count, card, &x->err);
    for (uint32_t i = 0; i < count && x->status == STORE_OK; i++) {
        x->card = card[i];
        x->structure = card[i] ? mime_card_decode(&x->arena, card[i]->of.card) : NULL;
        x->m = &m[index[i]];
        x->seq = first_seq + index[i];
        answer[index[i]] = x->structure ? evaluate(x, key) : NO;
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
    for (uint64_t seq = r.first; seq <= r.last && x->status == STORE_OK; seq += BATCH) {
        uint32_t first = (uint32_t)seq, n = r.last - first + 1 < BATCH ? r.last - first + 1 : BATCH;
        view_read(x->s->client, first, n, m);
        for (uint32_t i = 0; i < n; i++) {
            x->m = &m[i];
            x->seq = first + i;
            answer[i] = m[i].gone ? NO : evaluate(x, key);
        }
        if (key->cost > COST_VIEW)
            decide_by_cards(x, key, m, first, answer, n);
        for (uint32_t i = 0; i < n; i++)
            if (answer[i] == YES)
                search_add(x->s, f, first + i, m[i].modseq);
        x->done += n;
        if (x->status == STORE_OK && !progress_tick(x->s, x->done))
            x->status = STORE_TEMPORARY;
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

static void search_all(struct search *x, const struct search_key *key, struct search_found *f) {
    struct sequence set = search_scope(x->s, key);
    for (size_t i = 0; i < set.count; i++)
        search_range(x, key, set.range[i], f);
}

enum store_status search_run(struct session *s, const struct search_key *key, struct search_found *f, struct err *err) {
    struct search x = {.s = s, .now = clock_now(), .status = STORE_OK};
    *f = (struct search_found){0};
    search_all(&x, key, f);
    arena_free(&x.arena);
    buf_free(&x.bytes), buf_free(&x.decoded), buf_free(&x.text), buf_free(&x.scratch);
    *err = x.err;
    return x.status;
}
