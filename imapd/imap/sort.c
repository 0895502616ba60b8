/* SORT (RFC 5256; by display names RFC 5957; RETURN RFC 5267). */
#include "imap/collate.h"
#include "imap/command.h"
#include "imap/condstore.h"
#include "imap/gather.h"
#include "imap/limit.h"
#include "imap/progress.h"

#include <stdlib.h>

enum { MAX_CRITERIA = 20 };

enum sort_kind {
    SORT_ARRIVAL,
    SORT_SIZE,
    SORT_RELEVANCY, /* RFC 6203 section 6 */
    /* by the card */
    SORT_DATE,
    SORT_CC, /* from here on text */
    SORT_FROM,
    SORT_SUBJECT,
    SORT_TO,
    SORT_DISPLAYFROM,
    SORT_DISPLAYTO,
};

struct criterion {
    enum sort_kind kind;
    bool reverse;
};

union value {
    int64_t number;
    struct str text;
};

struct sorting {
    struct criterion by[MAX_CRITERIA];
    size_t count;
    struct arena arena; /* of the values' texts */
    union value *value; /* `count` for each message */
    uint32_t *order;    /* indices of messages */
    const struct search_found *found;
};

/* ---- what to sort by ---- */

static bool take_criterion(struct parser *p, void *into) {
    struct sorting *x = into;
    static const char *const names[] = {
        [SORT_ARRIVAL] = "ARRIVAL",     [SORT_SIZE] = "SIZE", [SORT_RELEVANCY] = "RELEVANCY",
        [SORT_DATE] = "DATE",           [SORT_CC] = "CC",     [SORT_FROM] = "FROM",
        [SORT_SUBJECT] = "SUBJECT",     [SORT_TO] = "TO",     [SORT_DISPLAYFROM] = "DISPLAYFROM",
        [SORT_DISPLAYTO] = "DISPLAYTO",
    };
    struct str name;
    struct criterion c = {0};
    if (!parse_atom(p, &name))
        return false;
    if (str_ieq(name, STR("REVERSE"))) {
        c.reverse = true;
        if (!parse_space(p) || !parse_atom(p, &name))
            return false;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!str_ieq(name, str_of(names[i])))
            continue;
        if (x->count == MAX_CRITERIA)
            return parse_fail(p, "Too many sort criteria");
        c.kind = (enum sort_kind)i;
        x->by[x->count++] = c;
        return true;
    }
    return parse_fail(p, "Unknown sort criterion");
}

/* "[RETURN (options) ](SUBJECT REVERSE DATE) UTF-8 keys" */
static bool take_request(struct parser *p, struct sorting *x, struct search_request *r) {
    *r = (struct search_request){0};
    if (!parse_space(p) || !search_parse_return(p, r) || !parse_parenthesized(p, take_criterion, x) ||
        !parse_space(p) || !search_parse_charset(p, r) || !search_parse_keys(p, r))
        return false;
    for (size_t i = 0; i < x->count; i++)
        if (x->by[i].kind == SORT_RELEVANCY && !r->fuzzy)
            return parse_fail(p, "RELEVANCY is for FUZZY keys"); /* RFC 6203 section 6 */
    return true;
}

/* ---- values ---- */

/* "addr-mailbox" of the first address; a group's name where that comes first. */
static struct str first_mailbox(const struct mime_addresses *list) {
    return list->count && list->at[0].mailbox.p ? list->at[0].mailbox : STR("");
}

/* RFC 5957 section 3: the display name, or else the address. */
static struct str display_name(const struct mime_addresses *list, struct arena *scratch) {
    if (list->count == 0)
        return STR("");
    const struct mime_address *at = &list->at[0];
    if (at->name.n)
        return mime_decode_words(scratch, at->name);
    if (!at->host.p)
        return first_mailbox(list);
    return arena_printf(scratch, "%.*s@%.*s", STR_ARG(at->mailbox), STR_ARG(at->host));
}

static struct str text_of(enum sort_kind kind, const struct mime_card *card, struct arena *scratch) {
    const struct mime_envelope *e = card->envelope;
    switch (kind) {
    case SORT_CC:
        return first_mailbox(&e->cc);
    case SORT_FROM:
        return first_mailbox(&e->from);
    case SORT_TO:
        return first_mailbox(&e->to);
    case SORT_DISPLAYFROM:
        return display_name(&e->from, scratch);
    case SORT_DISPLAYTO:
        return display_name(&e->to, scratch);
    default:
        return card->base_subject;
    }
}

static void take_values(void *context, size_t index, const struct view_message *m, const struct mime_card *card,
                        struct arena *scratch) {
    struct sorting *x = context;
    for (size_t i = 0; i < x->count; i++) {
        union value *v = &x->value[index * x->count + i];
        enum sort_kind kind = x->by[i].kind;
        if (kind == SORT_ARRIVAL)
            v->number = m->internal_date;
        else if (kind == SORT_SIZE)
            v->number = m->size;
        else if (kind == SORT_RELEVANCY) /* the best first */
            v->number = x->found->score ? -x->found->score[index] : 0;
        else if (kind == SORT_DATE)
            v->number = gather_date(m, card);
        else
            v->text = collate_key(&x->arena, text_of(kind, card, scratch));
    }
}

/* ---- sorting ---- */

/* Where all is equal, the sequence number decides, also with REVERSE (RFC 5256 section 3). */
static int compare(const void *a, const void *b, void *context) {
    const struct sorting *x = context;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    for (size_t k = 0; k < x->count; k++) {
        const union value *v = &x->value[i * x->count + k], *w = &x->value[j * x->count + k];
        int order =
            x->by[k].kind >= SORT_CC ? str_cmp(v->text, w->text) : (v->number > w->number) - (v->number < w->number);
        if (order)
            return x->by[k].reverse ? -order : order;
    }
    return (i > j) - (i < j);
}

static enum store_status sort(struct session *s, struct sorting *x, struct search_found *f, struct err *err) {
    struct gather g = {.each = take_values, .context = x};
    x->found = f;
    for (size_t i = 0; i < x->count; i++)
        g.cards = g.cards || x->by[i].kind >= SORT_DATE;
    size_t n = f->count ? f->count : 1;
    x->value = arena_array(&x->arena, n * x->count, sizeof *x->value);
    x->order = arena_array(&x->arena, n, sizeof *x->order);
    enum store_status status = gather_found(s, f, &g, err);
    if (status != STORE_OK)
        return status;
    uint8_t *score = arena_array(&x->arena, n, 1);
    for (uint32_t i = 0; i < f->count; i++)
        x->order[i] = i;
    qsort_r(x->order, f->count, sizeof *x->order, compare, x);
    for (size_t i = 0; i < f->count; i++) {
        score[i] = f->score ? f->score[x->order[i]] : 0;
        x->order[i] = f->seq[x->order[i]];
    }
    if (f->count)
        memcpy(f->seq, x->order, f->count * sizeof *f->seq);
    if (f->count && f->score)
        memcpy(f->score, score, f->count);
    return STORE_OK;
}

enum outcome command_sort(struct session *s, struct parser *p) {
    struct sorting *x = arena_alloc(&s->arena, sizeof *x);
    struct search_request r;
    struct search_found f;
    struct err err;
    if (!take_request(p, x, &r))
        return session_syntax(s, p);
    if (r.returns & SEARCH_RETURN_UPDATE)
        return session_bad(s, "Only SEARCH is kept up to date");
    if (r.modseq)
        condstore_enable(s);
    search_resolve(s, r.key);
    bool saves = r.returns & SEARCH_RETURN_SAVE;
    if (saves && r.bad_charset)
        search_forget_saved(s);
    if (r.bad_charset)
        return session_no(s, "[BADCHARSET (US-ASCII UTF-8)] Search in UTF-8");
    struct sequence scope = search_scope(s, r.key);
    uint64_t count = limit_count(&scope);
    if (limit_forbids(s, count))
        return limit_refuse(s);
    progress_begin(s, 2 * count); /* finding, then reading what was found */
    enum store_status status = search_run(s, r.key, &f, &err);
    progress_base(s, status == STORE_OK ? 2 * count - f.count : 0);
    if (status == STORE_OK)
        status = sort(s, x, &f, &err);
    progress_end(s);
    arena_free(&x->arena);
    if (status != STORE_OK && saves)
        search_forget_saved(s);
    if (status != STORE_OK)
        return session_refused(s, status, NULL, &err);
    search_tell(s, &r, "SORT", &f);
    return session_ok(s, "Done");
}
