#include "imap/fetch.h"

enum { MAX_ITEMS = 200 };

static struct fetch_item *add(struct parser *p, struct fetch_request *r, enum fetch_kind kind) {
    if (kind < FETCH_SECTION) /* once is enough */
        for (size_t i = 0; i < r->count; i++)
            if (r->item[i].kind == kind)
                return &r->item[i];
    if (r->count == MAX_ITEMS) {
        parse_fail(p, "Too many items");
        return NULL;
    }
    if (r->count == r->room) {
        r->room = r->room ? r->room * 2 : 4;
        struct fetch_item *more = arena_array(p->arena, r->room, sizeof *more);
        if (r->count)
            memcpy(more, r->item, r->count * sizeof *more);
        r->item = more;
    }
    struct fetch_item *item = &r->item[r->count++];
    *item = (struct fetch_item){.kind = kind};
    if (kind >= FETCH_SAVEDATE)
        r->cards = true;
    if (kind >= FETCH_ENVELOPE && kind != FETCH_SECTION)
        r->structure = true;
    return item;
}

/* "<from.most>" */
static bool take_partial(struct parser *p, struct fetch_item *item) {
    if (parse_peek(p) != '<')
        return true;
    p->at++;
    item->partial = true;
    if (!parse_number64(p, &item->from) || !parse_byte(p, '.') || !parse_number64(p, &item->most) ||
        !parse_byte(p, '>'))
        return parse_fail(p, "A partial fetch is <from.bytes>");
    return item->most > 0 || parse_fail(p, "A partial fetch has at least one byte");
}

static void set_label(struct parser *p, struct fetch_item *item, const char *word, bool whole) {
    struct buf label = BUF_EMPTY;
    buf_add_c(&label, word);
    if (!whole)
        section_write(&item->section, &label);
    if (item->partial)
        buf_printf(&label, "<%llu>", (unsigned long long)item->from);
    item->label = arena_str(p->arena, buf_str(&label));
    buf_free(&label);
}

static bool add_section(struct parser *p, struct fetch_request *r, const char *word, const struct section *known) {
    struct fetch_item *item = add(p, r, FETCH_SECTION);
    if (!item)
        return false;
    if (known)
        item->section = *known;
    else if (!section_parse(p, &item->section) || !take_partial(p, item))
        return false;
    set_label(p, item, word, known != NULL);
    r->structure = r->structure || item->section.kind != SECTION_ALL || item->section.path_count;
    return true;
}

/* "RFC822" and so on: the message, its header or its text under old names. */
static bool take_rfc822(struct parser *p, struct fetch_request *r) {
    static const struct section all = {.kind = SECTION_ALL}, header = {.kind = SECTION_HEADER},
                                text = {.kind = SECTION_TEXT};
    if (parse_skip_word(p, STR(".SIZE")))
        return add(p, r, FETCH_SIZE);
    if (parse_skip_word(p, STR(".HEADER")))
        return add_section(p, r, "RFC822.HEADER", &header);
    r->sets_seen = true;
    if (parse_skip_word(p, STR(".TEXT")))
        return add_section(p, r, "RFC822.TEXT", &text);
    return add_section(p, r, "RFC822", &all);
}

static bool take_body(struct parser *p, struct fetch_request *r) {
    if (parse_skip_word(p, STR("STRUCTURE")))
        return add(p, r, FETCH_BODYSTRUCTURE);
    if (parse_skip_word(p, STR(".PEEK")))
        return add_section(p, r, "BODY", NULL);
    if (parse_peek(p) != '[')
        return add(p, r, FETCH_BODY);
    r->sets_seen = true;
    return add_section(p, r, "BODY", NULL);
}

/* RFC 3516 section 4.2 */
static bool take_binary(struct parser *p, struct fetch_request *r) {
    bool size = parse_skip_word(p, STR(".SIZE")), peek = !size && parse_skip_word(p, STR(".PEEK"));
    struct fetch_item *item = add(p, r, size ? FETCH_BINARY_SIZE : FETCH_BINARY);
    if (!item || !section_parse(p, &item->section) || (!size && !take_partial(p, item)))
        return false;
    if (item->section.kind != SECTION_ALL)
        return parse_fail(p, "BINARY takes the number of a part");
    set_label(p, item, size ? "BINARY.SIZE" : "BINARY", false);
    r->sets_seen = r->sets_seen || !(size || peek);
    return true;
}

static bool take_algorithm(struct parser *p, void *x) {
    struct str word;
    (void)x;
    if (!parse_atom(p, &word))
        return false;
    if (!str_ieq(word, STR("FUZZY")) && !str_ieq(word, STR("LAZY")) && !str_ieq(word, STR("LAZY=FUZZY")))
        return parse_fail(p, "The only algorithm for snippets is FUZZY");
    return true;
}

/* " (FUZZY LAZY=FUZZY LAZY)": algorithms in the order the client likes them; there is one, and it is at hand. */
static bool take_snippet(struct parser *p) {
    if (!str_starts(str_sub(p->in, p->at, 2), STR(" (")))
        return true;
    p->at++;
    return parse_parenthesized(p, take_algorithm, NULL);
}

static bool take_item(struct parser *p, void *x) {
    struct fetch_request *r = x;
    if (parse_skip_word(p, STR("BODY")))
        return take_body(p, r);
    if (parse_skip_word(p, STR("RFC822")))
        return take_rfc822(p, r);
    if (parse_skip_word(p, STR("BINARY")))
        return take_binary(p, r);
    if (parse_skip_word(p, STR("FLAGS")))
        return add(p, r, FETCH_FLAGS);
    if (parse_skip_word(p, STR("UID")))
        return add(p, r, FETCH_UID);
    if (parse_skip_word(p, STR("INTERNALDATE")))
        return add(p, r, FETCH_INTERNALDATE);
    if (parse_skip_word(p, STR("ENVELOPE")))
        return add(p, r, FETCH_ENVELOPE);
    if (parse_skip_word(p, STR("SAVEDATE")))
        return add(p, r, FETCH_SAVEDATE);
    if (parse_skip_word(p, STR("EMAILID")))
        return add(p, r, FETCH_EMAILID);
    if (parse_skip_word(p, STR("THREADID")))
        return add(p, r, FETCH_THREADID);
    if (parse_skip_word(p, STR("MODSEQ"))) {
        r->modseq = true;
        return add(p, r, FETCH_MODSEQ);
    }
    if (parse_skip_word(p, STR("PREVIEW"))) { /* LAZY or not, it is at hand */
        if (str_istarts(str_sub(p->in, p->at, p->in.n), STR(" (LAZY)")))
            p->at += 7;
        return add(p, r, FETCH_PREVIEW);
    }
    if (parse_skip_word(p, STR("SNIPPET")))
        return take_snippet(p) && add(p, r, FETCH_SNIPPET);
    return parse_fail(p, "Unknown FETCH item");
}

/* ALL, FAST and FULL. */
static bool take_macro(struct parser *p, struct fetch_request *r) {
    bool all = parse_skip_word(p, STR("ALL")), full = !all && parse_skip_word(p, STR("FULL"));
    if (!all && !full && !parse_skip_word(p, STR("FAST")))
        return false;
    add(p, r, FETCH_FLAGS), add(p, r, FETCH_INTERNALDATE), add(p, r, FETCH_SIZE);
    if (all || full)
        add(p, r, FETCH_ENVELOPE);
    if (full)
        add(p, r, FETCH_BODY);
    return true;
}

bool fetch_want(struct parser *p, struct fetch_request *r, enum fetch_kind kind) { return add(p, r, kind); }

static bool take_modifier(struct parser *p, void *x) {
    struct fetch_request *r = x;
    if (parse_skip_word(p, STR("CHANGEDSINCE"))) {
        r->since_given = r->modseq = true;
        return parse_space(p) && parse_number64(p, &r->since);
    }
    if (parse_skip_word(p, STR("PARTIAL")))
        return parse_space(p) && search_parse_page(p, &r->page);
    if (!parse_skip_word(p, STR("VANISHED")))
        return parse_fail(p, "Unknown FETCH modifier");
    r->vanished = true;
    return true;
}

bool fetch_parse_modifiers(struct parser *p, struct fetch_request *r) {
    if (parse_peek(p) != ' ')
        return true;
    p->at++;
    if (!parse_parenthesized(p, take_modifier, r))
        return false;
    return !r->vanished || r->since_given || parse_fail(p, "VANISHED needs CHANGEDSINCE");
}

bool fetch_parse(struct parser *p, bool with_uid, struct fetch_request *r) {
    *r = (struct fetch_request){0};
    if (with_uid)
        add(p, r, FETCH_UID);
    if (parse_peek(p) != '(')
        return take_macro(p, r) || take_item(p, r);
    return parse_parenthesized(p, take_item, r);
}
