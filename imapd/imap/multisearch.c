/* ESEARCH: one search over several mailboxes (RFC 7377). Each is looked at in turn, without selecting it. */
#include "imap/access.h"
#include "imap/command.h"
#include "imap/condstore.h"
#include "imap/progress.h"
#include "imap/search.h"

enum { MAX_SOURCES = 1000 };

enum source_kind { SELECTED_ONE, INBOXES, PERSONAL, SUBSCRIBED, SUBTREE, SUBTREE_ONE, MAILBOXES };

struct source {
    enum source_kind kind;
    struct str name;
    struct source *next;
};

struct multisearch {
    struct search_request r; /* keys: parsed anew for each mailbox */
    struct source *sources;
    size_t count; /* of sources */
    bool others;  /* than the selected mailbox */
    struct store_mailbox *box;
    size_t boxes, at;
    uint64_t passed; /* messages in the mailboxes before */
};

/* ---- where to look ---- */

static bool add_source(struct parser *p, struct multisearch *x, enum source_kind kind, struct str name) {
    if (++x->count > MAX_SOURCES)
        return parse_fail(p, "Too many mailboxes");
    struct source *source = arena_alloc(p->arena, sizeof *source);
    *source = (struct source){kind, name, x->sources};
    x->sources = source;
    x->others = x->others || kind != SELECTED_ONE;
    return true;
}

/* "name" or "(name name)" */
static bool take_names(struct parser *p, struct multisearch *x, enum source_kind kind) {
    struct str name;
    if (parse_peek(p) != '(')
        return parse_mailbox(p, &name) && add_source(p, x, kind, name);
    for (p->at++;;) {
        if (!parse_mailbox(p, &name) || !add_source(p, x, kind, name))
            return false;
        if (parse_peek(p) == ')')
            return parse_byte(p, ')');
        if (!parse_space(p))
            return false;
    }
}

static bool take_source(struct parser *p, struct multisearch *x) {
    static const char *const words[] = {
        [SELECTED_ONE] = "selected", [INBOXES] = "inboxes", [PERSONAL] = "personal",
        [SUBSCRIBED] = "subscribed", [SUBTREE] = "subtree", [SUBTREE_ONE] = "subtree-one",
        [MAILBOXES] = "mailboxes",
    };
    struct str word;
    if (!parse_atom(p, &word))
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!str_ieq(word, str_of(words[i])))
            continue;
        enum source_kind kind = (enum source_kind)i;
        if (kind < SUBTREE)
            return add_source(p, x, kind, STR(""));
        return parse_space(p) && take_names(p, x, kind);
    }
    return parse_fail(p, "Unknown source of mailboxes");
}

/* "IN (subtree a mailboxes (b c)) ", where it is there. */
static bool take_sources(struct parser *p, struct multisearch *x) {
    if (!parse_skip_word(p, STR("IN ")))
        return add_source(p, x, SELECTED_ONE, STR(""));
    if (!parse_byte(p, '('))
        return false;
    do {
        if ((x->count && !parse_space(p)) || !take_source(p, x))
            return false;
    } while (parse_peek(p) == ' ');
    return parse_byte(p, ')') && parse_space(p);
}

static bool take_request(struct parser *p, struct multisearch *x) {
    if (!parse_space(p) || !take_sources(p, x) || !search_parse_return(p, &x->r))
        return false;
    if (parse_skip_word(p, STR("CHARSET ")) && !search_parse_charset(p, &x->r))
        return false;
    if (!search_parse_keys(p, &x->r))
        return false;
    x->r.keys = arena_str(p->arena, x->r.keys);
    x->r.extended = true;
    if (!x->r.returns)
        x->r.returns = SEARCH_RETURN_ALL;
    if (x->r.returns & SEARCH_RETURN_UPDATE)
        return parse_fail(p, "Only SEARCH is kept up to date");
    if (x->others && (x->r.numbers || x->r.returns & SEARCH_RETURN_SAVE)) /* RFC 7377 section 2.1 */
        return parse_fail(p, "Sequence numbers and SAVE are for the selected mailbox alone");
    return true;
}

/* ---- looking ---- */

/* Whether `name` is below `top`; one_level: directly. */
static bool is_below(struct str name, struct str top, bool one_level) {
    if (!str_starts(name, top) || name.n <= top.n || name.p[top.n] != '/')
        return false;
    return !one_level || str_chr(str_sub(name, top.n + 1, name.n), '/') < 0;
}

static bool is_wanted(const struct session *s, const struct multisearch *x, const struct store_mailbox *m) {
    if (!(m->rights & RIGHT_READ))
        return false;
    for (const struct source *source = x->sources; source; source = source->next) {
        bool same = str_eq(m->name, source->name);
        if ((source->kind == SELECTED_ONE && s->client && m->id == s->mailbox) ||
            (source->kind == INBOXES && str_eq(m->name, STR("INBOX"))) || (source->kind == PERSONAL && !m->reader) ||
            (source->kind == SUBSCRIBED && m->subscribed) || (source->kind == MAILBOXES && same) ||
            (source->kind == SUBTREE && (same || is_below(m->name, source->name, false))) ||
            (source->kind == SUBTREE_ONE && (same || is_below(m->name, source->name, true))))
            return true;
    }
    return false;
}

/* Searches what s->client shows, and tells where something is found. */
static enum store_status search_here(struct session *s, struct multisearch *x, const struct store_mailbox *m,
                                     struct err *err) {
    struct parser p = {.in = x->r.keys, .arena = &s->arena, .utf8 = s->utf8};
    struct search_request r = x->r;
    struct search_found f;
    if (!search_parse_keys(&p, &r))
        return STORE_INVALID; /* it was parsed before */
    r.box = m;
    search_resolve(s, r.key);
    enum store_status status = search_run(s, r.key, &f, err);
    progress_base(s, x->passed += s->client->count);
    if (status == STORE_OK && (f.count || r.returns & SEARCH_RETURN_SAVE))
        search_tell(s, &r, "SEARCH", &f);
    return status;
}

/* The session's mailbox is another one for as long as this takes. */
static enum store_status search_elsewhere(struct session *s, struct multisearch *x, const struct store_mailbox *m,
                                          struct err *err) {
    enum store_status status;
    struct view_client *selected = s->client;
    int64_t owner = s->owner, mailbox = s->mailbox;
    struct view_client *client = view_open(s->service->views, m, conn_get_id(s->conn), true, &status, err);
    if (!client)
        return status == STORE_NOT_FOUND ? STORE_OK : status; /* deleted meanwhile */
    s->client = client;
    s->owner = m->account_id;
    s->mailbox = m->id;
    status = search_here(s, x, m, err);
    s->client = selected;
    s->owner = owner;
    s->mailbox = mailbox;
    view_close(client);
    return status;
}

static enum outcome go_on(struct session *s) {
    struct multisearch *x = s->job;
    bool uid = s->uid;
    enum store_status status = STORE_OK;
    struct err err;
    s->uid = true;
    for (; x->at < x->boxes && status == STORE_OK; x->at++) {
        const struct store_mailbox *m = &x->box[x->at];
        if (conn_output_pending(s->conn) > OUTPUT_HIGH) {
            s->uid = uid;
            s->resume = go_on;
            return COMMAND_MORE;
        }
        if (is_wanted(s, x, m))
            status = s->client && s->mailbox == m->id ? search_here(s, x, m, &err) : search_elsewhere(s, x, m, &err);
    }
    s->uid = uid;
    progress_end(s);
    return status == STORE_OK ? session_ok(s, "Done") : session_refused(s, status, NULL, &err);
}

enum outcome command_esearch(struct session *s, struct parser *p) {
    struct multisearch *x = arena_alloc(&s->arena, sizeof *x);
    struct err err;
    if (!take_request(p, x))
        return session_syntax(s, p);
    if (!x->others && !s->client)
        return session_bad(s, "No mailbox is selected: say IN which ones");
    if (x->r.bad_charset)
        return session_no(s, "[BADCHARSET (US-ASCII UTF-8)] Search in UTF-8");
    if (x->r.modseq)
        condstore_enable(s);
    enum store_status status = access_list(s, false, &x->box, &x->boxes, &err);
    if (status != STORE_OK)
        return session_refused(s, status, NULL, &err);
    s->job = x;
    uint64_t messages = 0;
    for (size_t i = 0; i < x->boxes; i++)
        messages += is_wanted(s, x, &x->box[i]) ? x->box[i].messages : 0;
    progress_begin(s, messages);
    return go_on(s);
}
