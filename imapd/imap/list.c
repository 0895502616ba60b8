/* LIST with its extensions (RFC 5258, RFC 5819, RFC 6154, RFC 3348) and LSUB. */
#include "imap/access.h"
#include "imap/acl.h"
#include "imap/command.h"
#include "imap/mailbox.h"
#include "imap/metadata.h"
#include "imap/tree.h"
#include "mime/utf7.h"

enum {
    MAX_PATTERNS = 50,
    MAX_PATTERN_BYTES = 2000,
};

enum option {
    SUBSCRIBED = 1,
    REMOTE = 2,
    RECURSIVEMATCH = 4,
    SPECIAL_USE = 8,
    CHILDREN = 16,
    STATUS = 32,
    METADATA = 64,
    MYRIGHTS = 128,
};

struct request {
    struct str reference;
    struct str pattern[MAX_PATTERNS];
    size_t patterns;
    unsigned select, wanted; /* selection and return options */
    unsigned status;         /* items for STATUS */
    struct metadata_list metadata;
    bool extended;
};

/* ---- parsing ---- */

static unsigned option_named(struct str name) {
    static const struct {
        const char *name;
        unsigned option;
    } known[] = {
        {"SUBSCRIBED", SUBSCRIBED},   {"REMOTE", REMOTE},     {"RECURSIVEMATCH", RECURSIVEMATCH},
        {"SPECIAL-USE", SPECIAL_USE}, {"CHILDREN", CHILDREN}, {"STATUS", STATUS},
        {"METADATA", METADATA},       {"MYRIGHTS", MYRIGHTS},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_ieq(name, str_of(known[i].name)))
            return known[i].option;
    return 0;
}

/* "(" [option *(SP option)] ")" */
static bool take_options(struct parser *p, unsigned allowed, unsigned *options, struct request *r) {
    struct str name;
    *options = 0;
    if (!parse_byte(p, '('))
        return false;
    for (bool first = true; parse_peek(p) != ')'; first = false) {
        if ((!first && !parse_space(p)) || !parse_atom(p, &name))
            return false;
        unsigned option = option_named(name);
        if (!(option & allowed))
            return parse_fail(p, "Unknown LIST option");
        if (option == STATUS && (!parse_space(p) || !status_parse_items(p, &r->status)))
            return false;
        if (option == METADATA && (!parse_space(p) || !metadata_parse_entries(p, &r->metadata)))
            return false;
        *options |= option;
    }
    return parse_byte(p, ')');
}

/* In the arena: the command's bytes may go before the answer is complete. */
static bool take_pattern(struct parser *p, struct request *r) {
    struct str s;
    if (!parse_list_mailbox(p, &s))
        return false;
    if (r->patterns == MAX_PATTERNS || s.n + r->reference.n > MAX_PATTERN_BYTES)
        return parse_fail(p, "Too many patterns, or one is too long");
    r->pattern[r->patterns++] = arena_printf(p->arena, "%.*s%.*s", STR_ARG(r->reference), STR_ARG(s));
    return true;
}

static bool take_patterns(struct parser *p, struct request *r) {
    if (parse_peek(p) != '(')
        return take_pattern(p, r);
    r->extended = true;
    p->at++;
    if (!take_pattern(p, r))
        return false;
    while (parse_peek(p) == ' ') {
        p->at++;
        if (!take_pattern(p, r))
            return false;
    }
    return parse_byte(p, ')');
}

static bool take_request(struct parser *p, struct request *r) {
    *r = (struct request){0};
    if (!parse_space(p))
        return false;
    if (parse_peek(p) == '(') {
        r->extended = true;
        if (!take_options(p, SUBSCRIBED | REMOTE | RECURSIVEMATCH | SPECIAL_USE, &r->select, r) || !parse_space(p))
            return false;
    }
    if (!parse_astring(p, &r->reference) || !parse_space(p) || !take_patterns(p, r))
        return false;
    if (parse_peek(p) == ' ') {
        r->extended = true;
        p->at++;
        if (!parse_skip_word(p, STR("RETURN")) || !parse_space(p))
            return parse_fail(p, "Expected RETURN");
        if (!take_options(p, SUBSCRIBED | SPECIAL_USE | CHILDREN | STATUS | METADATA | MYRIGHTS, &r->wanted, r))
            return false;
    }
    if (r->select & RECURSIVEMATCH && !(r->select & (SUBSCRIBED | SPECIAL_USE)))
        return parse_fail(p, "RECURSIVEMATCH needs another selection option");
    return parse_end(p);
}

/* ---- answering ---- */

static bool matches(const struct session *s, const struct request *r, struct str name) {
    struct buf wire = BUF_EMPTY;
    if (!s->utf8) {
        utf7_encode(name, &wire);
        name = buf_str(&wire);
    }
    bool fits = false;
    for (size_t i = 0; i < r->patterns && !fits; i++)
        fits = tree_match(r->pattern[i], name);
    buf_free(&wire);
    return fits;
}

/* Whether the node itself meets the selection options. */
static bool selected(const struct request *r, const struct tree_node *n) {
    if (r->select & SUBSCRIBED && !(n->box && n->box->subscribed))
        return false;
    if (r->select & SPECIAL_USE && !(n->box && n->box->special_use.p))
        return false;
    return true;
}

static bool selected_below(const struct request *r, const struct tree_node *n) {
    return r->select & RECURSIVEMATCH && (!(r->select & SUBSCRIBED) || n->subscribed_below) &&
           (!(r->select & SPECIAL_USE) || n->special_below);
}

static void write_node(struct session *s, struct request *r, const struct tree_node *n, bool below) {
    struct buf *out = session_out(s);
    buf_add_c(out, "* LIST (");
    if (!n->box)
        buf_add_c(out, "\\NonExistent \\Noselect ");
    buf_add_c(out, n->children ? "\\HasChildren" : "\\HasNoChildren");
    if ((r->select | r->wanted) & SUBSCRIBED && n->box && n->box->subscribed)
        buf_add_c(out, " \\Subscribed");
    if (n->box && n->box->special_use.p)
        buf_printf(out, " %.*s", STR_ARG(n->box->special_use));
    buf_add_c(out, ") \"/\" ");
    session_mailbox_name(s, n->name, out);
    if (below && r->select & SUBSCRIBED)
        buf_add_c(out, " (\"CHILDINFO\" (\"SUBSCRIBED\"))");
    buf_add_c(out, "\r\n");
    if (r->wanted & MYRIGHTS && n->box) /* RFC 8440 */
        acl_write_myrights(s, n->box);
    if (r->wanted & STATUS && n->box && n->box->rights & RIGHT_READ)
        status_reply(s, n->box, r->status);
    if (r->wanted & METADATA && n->box)
        metadata_list_reply(s, &r->metadata, n->box);
}

static enum store_status read_tree(struct session *s, unsigned status_items, struct tree *t, struct err *err) {
    struct store_mailbox *box;
    size_t count;
    enum store_status status = access_list(s, status_items & STATUS_UNSEEN, &box, &count, err);
    if (status == STORE_OK)
        *t = tree_build(&s->arena, box, count);
    return status;
}

enum outcome command_list(struct session *s, struct parser *p) {
    struct request *r = arena_alloc(&s->arena, sizeof *r);
    struct tree t;
    struct err err;
    if (!take_request(p, r))
        return session_syntax(s, p);
    if (!r->extended && r->pattern[0].n == r->reference.n) { /* an empty pattern asks for the separator */
        conn_write(s->conn, STR("* LIST (\\Noselect) \"/\" \"\"\r\n"));
        return session_ok(s, "Done");
    }
    enum store_status status = read_tree(s, r->status, &t, &err);
    if (status != STORE_OK)
        return session_refused(s, status, NULL, &err);
    for (size_t i = 0; i < t.count; i++) {
        const struct tree_node *n = &t.node[i];
        bool below = selected_below(r, n);
        if ((selected(r, n) || below) && matches(s, r, n->name))
            write_node(s, r, n, below);
    }
    return session_ok(s, "Done");
}

/* RFC 3501 section 6.3.9: with a final "%" a level that is not subscribed itself but has something below that is shows
 * as \Noselect. */
enum outcome command_lsub(struct session *s, struct parser *p) {
    struct request r = {0};
    struct tree t;
    struct err err;
    if (!parse_space(p) || !parse_astring(p, &r.reference) || !parse_space(p) || !take_pattern(p, &r) || !parse_end(p))
        return session_syntax(s, p);
    enum store_status status = read_tree(s, 0, &t, &err);
    if (status != STORE_OK)
        return session_refused(s, status, NULL, &err);
    struct str pattern = r.pattern[0];
    bool levels = pattern.n && pattern.p[pattern.n - 1] == '%';
    struct buf *out = session_out(s);
    for (size_t i = 0; i < t.count; i++) {
        const struct tree_node *n = &t.node[i];
        bool itself = n->box && n->box->subscribed;
        if ((!itself && !(levels && n->subscribed_below)) || !matches(s, &r, n->name))
            continue;
        buf_printf(out, "* LSUB (%s) \"/\" ", itself ? "" : "\\Noselect");
        session_mailbox_name(s, n->name, out);
        buf_add_c(out, "\r\n");
    }
    return session_ok(s, "Done");
}
