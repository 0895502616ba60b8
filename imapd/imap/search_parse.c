#include "imap/fuzzy.h"
#include "imap/search.h"

#include "imap/fetch.h"
#include "index/lookup.h"

enum { MAX_KEYS = 4000 };

struct builder {
    struct parser *p;
    int depth, keys;
    unsigned texts, fuzzy, scored; /* fuzzy: so many FUZZY are around the key */
    bool any_fuzzy;
    bool modseq, numbers;
};

enum argument { NOTHING, STRING, ATOM, NUMBER, DATE, SET, OBJECT, ABOVE, BELOW };

/* The keys that are one word with one argument at most. `flag`: for SEARCH_FLAG; negative: its opposite. */
static const struct word {
    const char *name;
    enum search_kind kind;
    enum argument argument;
    bool negative;
    uint32_t flag;
} words[] = {
    {"ALL", SEARCH_ALL, NOTHING, false, 0},
    {"ANSWERED", SEARCH_FLAG, NOTHING, false, STORE_ANSWERED},
    {"BCC", SEARCH_BCC, STRING, false, 0},
    {"BEFORE", SEARCH_BEFORE, DATE, false, 0},
    {"BODY", SEARCH_BODY, STRING, false, 0},
    {"CC", SEARCH_CC, STRING, false, 0},
    {"DELETED", SEARCH_FLAG, NOTHING, false, STORE_DELETED},
    {"DRAFT", SEARCH_FLAG, NOTHING, false, STORE_DRAFT},
    {"EMAILID", SEARCH_EMAILID, OBJECT, false, 0},
    {"FLAGGED", SEARCH_FLAG, NOTHING, false, STORE_FLAGGED},
    {"FROM", SEARCH_FROM, STRING, false, 0},
    {"KEYWORD", SEARCH_KEYWORD, ATOM, false, 0},
    {"LARGER", SEARCH_LARGER, NUMBER, false, 0},
    {"OLD", SEARCH_RECENT, NOTHING, true, 0},
    {"OLDER", SEARCH_YOUNGER, NUMBER, true, 0},
    {"ON", SEARCH_ON, DATE, false, 0},
    {"RECENT", SEARCH_RECENT, NOTHING, false, 0},
    {"SAVEDATESUPPORTED", SEARCH_ALL, NOTHING, false, 0},
    {"SAVEDBEFORE", SEARCH_SAVEDBEFORE, DATE, false, 0},
    {"SAVEDON", SEARCH_SAVEDON, DATE, false, 0},
    {"SAVEDSINCE", SEARCH_SAVEDSINCE, DATE, false, 0},
    {"SEEN", SEARCH_FLAG, NOTHING, false, STORE_SEEN},
    {"SENTBEFORE", SEARCH_SENTBEFORE, DATE, false, 0},
    {"SENTON", SEARCH_SENTON, DATE, false, 0},
    {"SENTSINCE", SEARCH_SENTSINCE, DATE, false, 0},
    {"SINCE", SEARCH_SINCE, DATE, false, 0},
    {"SMALLER", SEARCH_SMALLER, NUMBER, false, 0},
    {"SUBJECT", SEARCH_SUBJECT, STRING, false, 0},
    {"TEXT", SEARCH_TEXT, STRING, false, 0},
    {"THREADID", SEARCH_THREADID, OBJECT, false, 0},
    {"TO", SEARCH_TO, STRING, false, 0},
    {"UID", SEARCH_UIDS, SET, false, 0},
    {"UIDAFTER", SEARCH_UIDS, ABOVE, false, 0},
    {"UIDBEFORE", SEARCH_UIDS, BELOW, false, 0},
    {"UNANSWERED", SEARCH_FLAG, NOTHING, true, STORE_ANSWERED},
    {"UNDELETED", SEARCH_FLAG, NOTHING, true, STORE_DELETED},
    {"UNDRAFT", SEARCH_FLAG, NOTHING, true, STORE_DRAFT},
    {"UNFLAGGED", SEARCH_FLAG, NOTHING, true, STORE_FLAGGED},
    {"UNKEYWORD", SEARCH_KEYWORD, ATOM, true, 0},
    {"UNSEEN", SEARCH_FLAG, NOTHING, true, STORE_SEEN},
    {"YOUNGER", SEARCH_YOUNGER, NUMBER, false, 0},
};

static struct search_key *make(struct builder *b, enum search_kind kind) {
    if (++b->keys > MAX_KEYS) {
        parse_fail(b->p, "Too many search keys");
        return NULL;
    }
    struct search_key *k = arena_alloc(b->p->arena, sizeof *k);
    k->kind = kind;
    k->cost = kind >= SEARCH_AND           ? COST_VIEW
              : kind >= SEARCH_HEADER      ? COST_BYTES
              : kind >= SEARCH_SAVEDBEFORE ? COST_CARD
                                           : COST_VIEW;
    return k;
}

/* Puts it among the children behind all that cost no more. */
static void adopt(struct search_key *parent, struct search_key *child) {
    struct search_key **at = &parent->child;
    while (*at && (*at)->cost <= child->cost)
        at = &(*at)->next;
    child->next = *at;
    *at = child;
    if (child->cost > parent->cost)
        parent->cost = child->cost;
}

static bool take_needle(struct builder *b, struct search_key *k) {
    struct str s;
    if (!parse_astring(b->p, &s))
        return false;
    k->needle = match_needle(b->p->arena, s);
    if (b->texts < LOOKUP_MAX_KEYS)
        k->slot = ++b->texts;
    if (b->fuzzy && k->kind != SEARCH_HEADER) /* fields of a name are Message-IDs and the like */
        k->fuzzy = fuzzy_make(b->p->arena, k->needle.folded);
    if (k->fuzzy && b->scored < LOOKUP_SCORES)
        k->scored = ++b->scored;
    return true;
}

/* "M12" (RFC 8474 section 7). One that is not of ours is nobody's: 0. */
static bool take_object(struct parser *p, struct search_key *k) {
    struct str id;
    if (!parse_atom(p, &id))
        return false;
    if (id.n < 2 || id.p[0] != 'M' || id.p[1] == '0' || !str_u64(str_sub(id, 1, id.n), &k->number))
        k->number = 0;
    return true;
}

/* UIDAFTER and UIDBEFORE (RFC 9738 section 3.3) as sets of UIDs, which may be empty. */
static bool take_open_range(struct parser *p, struct search_key *k, bool above) {
    uint32_t uid;
    if (!parse_number(p, &uid))
        return false;
    k->set.range = arena_array(p->arena, 1, sizeof *k->set.range);
    k->set.range[0] = above ? (struct uid_range){uid + 1, UINT32_MAX} : (struct uid_range){1, uid - 1};
    k->set.count = above ? uid < UINT32_MAX : uid > 1;
    return true;
}

static bool take_argument(struct builder *b, const struct word *w, struct search_key *k) {
    struct str s;
    if (w->argument == NOTHING)
        return true;
    if (!parse_space(b->p))
        return false;
    switch (w->argument) {
    case STRING:
        return take_needle(b, k);
    case ATOM:
        if (!parse_atom(b->p, &s))
            return false;
        k->text = arena_str(b->p->arena, s);
        return true;
    case NUMBER:
        return parse_number64(b->p, &k->number);
    case OBJECT:
        return take_object(b->p, k);
    case ABOVE:
    case BELOW:
        return take_open_range(b->p, k, w->argument == ABOVE);
    case DATE:
        return parse_date(b->p, &k->day);
    default:
        b->numbers = b->numbers || parse_peek(b->p) == '$';
        return parse_sequence(b->p, &k->set);
    }
}

static struct search_key *negate(struct builder *b, struct search_key *k) {
    struct search_key *not = k ? make(b, SEARCH_NOT) : NULL;
    if (not )
        adopt(not, k);
    return not ;
}

static struct search_key *take_key(struct builder *b);

/* "(" key *(SP key) ")", or the same to the end of the command. */
static struct search_key *take_list(struct builder *b) {
    struct search_key *all = make(b, SEARCH_AND), *k;
    for (;;) {
        k = all ? take_key(b) : NULL;
        if (!k)
            return NULL;
        adopt(all, k);
        if (parse_peek(b->p) != ' ')
            return all;
        b->p->at++;
    }
}

static struct search_key *take_or(struct builder *b) {
    struct search_key * or = make(b, SEARCH_OR);
    for (int i = 0; or &&i < 2; i++) {
        struct search_key *k = parse_space(b->p) ? take_key(b) : NULL;
        if (!k)
            return NULL;
        adopt(or, k);
    }
    return or ;
}

/* NEW: recent and not seen. */
static struct search_key *make_new(struct builder *b) {
    struct search_key *all = make(b, SEARCH_AND), *recent = make(b, SEARCH_RECENT), *seen = make(b, SEARCH_FLAG);
    if (!all || !recent || !seen)
        return NULL;
    seen->number = STORE_SEEN;
    struct search_key *unseen = negate(b, seen);
    if (!unseen)
        return NULL;
    adopt(all, recent);
    adopt(all, unseen);
    return all;
}

static struct search_key *take_header(struct builder *b) {
    struct search_key *k = make(b, SEARCH_HEADER);
    struct str name;
    if (!k || !parse_space(b->p) || !parse_astring(b->p, &name) || !parse_space(b->p) || !take_needle(b, k))
        return NULL;
    k->text = arena_str(b->p->arena, name);
    return k;
}

/* "MODSEQ [entry-name entry-type] n"; there is one mod-sequence a message, whatever the entry. */
static struct search_key *take_modseq(struct builder *b) {
    struct search_key *k = make(b, SEARCH_MODSEQ);
    struct str s;
    b->modseq = true;
    if (!k || !parse_space(b->p))
        return NULL;
    if (parse_peek(b->p) == '"' &&
        (!parse_string(b->p, &s) || !parse_space(b->p) || !parse_atom(b->p, &s) || !parse_space(b->p)))
        return NULL;
    return parse_number64(b->p, &k->number) ? k : NULL;
}

static struct search_key *take_word(struct builder *b, const struct word *w) {
    struct search_key *k = make(b, w->kind);
    if (!k || !take_argument(b, w, k))
        return NULL;
    if (w->flag)
        k->number = w->flag;
    return w->negative ? negate(b, k) : k;
}

/* RFC 6203 section 3: any key; those without text are as always. */
static struct search_key *take_fuzzy(struct builder *b) {
    b->any_fuzzy = true;
    b->fuzzy++;
    struct search_key *k = parse_space(b->p) ? take_key(b) : NULL;
    b->fuzzy--;
    return k;
}

static struct search_key *take_named(struct builder *b) {
    struct str name;
    if (!parse_atom(b->p, &name))
        return NULL;
    if (str_ieq(name, STR("NOT")))
        return parse_space(b->p) ? negate(b, take_key(b)) : NULL;
    if (str_ieq(name, STR("OR")))
        return take_or(b);
    if (str_ieq(name, STR("HEADER")))
        return take_header(b);
    if (str_ieq(name, STR("FUZZY")))
        return take_fuzzy(b);
    if (str_ieq(name, STR("NEW")))
        return make_new(b);
    if (str_ieq(name, STR("MODSEQ")))
        return take_modseq(b);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_ieq(name, str_of(words[i].name)))
            return take_word(b, &words[i]);
    parse_fail(b->p, "Unknown search key");
    return NULL;
}

static struct search_key *take_key(struct builder *b) {
    struct search_key *k = NULL;
    char c = parse_peek(b->p);
    if (++b->depth > PARSE_MAX_DEPTH) {
        parse_fail(b->p, "Search keys are nested too deep");
    } else if (c == '(') {
        b->p->at++;
        k = take_list(b);
        if (k && !parse_byte(b->p, ')'))
            k = NULL;
    } else if (ascii_digit(c) || c == '*' || c == '$') {
        k = c == '$' || parse_numbers_allowed(b->p) ? make(b, SEARCH_MESSAGES) : NULL;
        b->numbers = true;
        if (k && !parse_sequence(b->p, &k->set))
            k = NULL;
    } else {
        k = take_named(b);
    }
    b->depth--;
    return k;
}

/* ---- what to return ---- */

static bool take_page_end(struct parser *p, bool from_end, uint32_t *n) {
    if (from_end && !parse_byte(p, '-'))
        return false;
    return parse_number(p, n) && (*n > 0 || parse_fail(p, "Results are counted from 1"));
}

bool search_parse_page(struct parser *p, struct search_page *page) {
    size_t from = p->at;
    bool again = page->given;
    *page = (struct search_page){.given = true, .from_end = parse_peek(p) == '-'};
    if (again)
        return parse_fail(p, "PARTIAL once is enough");
    if (!take_page_end(p, page->from_end, &page->first) || !parse_byte(p, ':') ||
        !take_page_end(p, page->from_end, &page->last))
        return parse_fail(p, "Expected a range as 1:100 or -1:-100");
    page->text = arena_str(p->arena, str_sub(p->in, from, p->at - from));
    if (page->first > page->last) {
        uint32_t first = page->first;
        page->first = page->last;
        page->last = first;
    }
    return true;
}

/* "(fetch-att ...)" behind UPDATE, where it is there. */
static bool take_fetch(struct parser *p, struct search_request *r) {
    struct fetch_request f = {0};
    if (parse_peek(p) != ' ' || p->at + 1 == p->in.n || p->in.p[p->at + 1] != '(')
        return true;
    size_t from = ++p->at;
    if (!fetch_parse(p, false, &f))
        return false;
    r->fetch = str_sub(p->in, from, p->at - from);
    return true;
}

static bool take_option(struct parser *p, struct search_request *r) {
    static const struct {
        const char *name;
        unsigned option;
    } known[] = {
        {"MIN", SEARCH_RETURN_MIN},         {"MAX", SEARCH_RETURN_MAX},         {"ALL", SEARCH_RETURN_ALL},
        {"COUNT", SEARCH_RETURN_COUNT},     {"SAVE", SEARCH_RETURN_SAVE},       {"UPDATE", SEARCH_RETURN_UPDATE},
        {"CONTEXT", SEARCH_RETURN_CONTEXT}, {"PARTIAL", SEARCH_RETURN_PARTIAL}, {"RELEVANCY", SEARCH_RETURN_RELEVANCY}};
    struct str name;
    unsigned option = 0;
    if (!parse_atom(p, &name))
        return false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_ieq(name, str_of(known[i].name)))
            option = known[i].option;
    if (!option)
        return parse_fail(p, "Unknown return option");
    r->returns |= option;
    if (option == SEARCH_RETURN_UPDATE)
        return take_fetch(p, r);
    return option != SEARCH_RETURN_PARTIAL || (parse_space(p) && search_parse_page(p, &r->page));
}

bool search_parse_return(struct parser *p, struct search_request *r) {
    if (!parse_skip_word(p, STR("RETURN")))
        return true;
    r->extended = true;
    if (!parse_space(p) || !parse_byte(p, '('))
        return false;
    for (bool first = true; parse_peek(p) != ')'; first = false)
        if ((!first && !parse_space(p)) || !take_option(p, r))
            return false;
    if (!(r->returns & (SEARCH_RETURN_RESULT | SEARCH_RETURN_SAVE)))
        r->returns |= SEARCH_RETURN_ALL;
    if (r->returns & SEARCH_RETURN_ALL && r->returns & SEARCH_RETURN_PARTIAL)
        return parse_fail(p, "ALL or PARTIAL, not both"); /* RFC 9394 section 3.1 */
    return parse_byte(p, ')') && parse_space(p);
}

bool search_parse_charset(struct parser *p, struct search_request *r) {
    struct str charset;
    if (!parse_astring(p, &charset) || !parse_space(p))
        return false;
    r->bad_charset = !str_ieq(charset, STR("UTF-8")) && !str_ieq(charset, STR("US-ASCII"));
    return true;
}

bool search_parse_keys(struct parser *p, struct search_request *r) {
    struct builder b = {.p = p};
    r->keys = str_sub(p->in, p->at, p->in.n);
    r->key = take_list(&b);
    r->modseq = b.modseq;
    r->numbers = b.numbers;
    r->fuzzy = b.any_fuzzy;
    if (r->key && r->returns & SEARCH_RETURN_RELEVANCY && !b.any_fuzzy)
        return parse_fail(p, "RELEVANCY is for FUZZY keys"); /* RFC 6203 section 4 */
    return r->key && parse_end(p);
}

bool search_parse(struct parser *p, struct search_request *r) {
    *r = (struct search_request){0};
    if (!parse_space(p) || !search_parse_return(p, r))
        return false;
    if (parse_skip_word(p, STR("CHARSET ")) && !search_parse_charset(p, r))
        return false;
    return search_parse_keys(p, r);
}
