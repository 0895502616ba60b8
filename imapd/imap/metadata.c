#include "imap/metadata.h"

#include "directory/directory.h"
#include "imap/access.h"
#include "imap/command.h"
#include "mime/mime.h"

enum { INFINITE = -1 }; /* DEPTH */

/* ---- parsing ---- */

/* RFC 5464 section 3.2: "/shared" or "/private" and what is below, without wildcards and empty levels, in ASCII. The
 * two alone are good for GETMETADATA's DEPTH. */
static bool valid_entry(struct str e, bool alone) {
    bool private = str_istarts(e, STR("/private")), shared = str_istarts(e, STR("/shared"));
    size_t root = private ? 8 : 7;
    if ((!private && !shared) || e.n > METADATA_ENTRY_BYTES || (e.n == root && !alone) ||
        (e.n > root && e.p[root] != '/') || e.p[e.n - 1] == '/')
        return false;
    for (size_t i = 0; i < e.n; i++)
        if ((unsigned char)e.p[i] < 0x20 || (unsigned char)e.p[i] >= 0x7f || e.p[i] == '*' || e.p[i] == '%' ||
            (i && e.p[i] == '/' && e.p[i - 1] == '/'))
            return false;
    return true;
}

static bool take_entry(struct parser *p, bool alone, struct str *entry) {
    if (!parse_astring(p, entry))
        return false;
    if (!valid_entry(*entry, alone))
        return parse_fail(p, "That is no name of an entry");
    *entry = arena_lower(p->arena, *entry);
    return true;
}

bool metadata_parse_entries(struct parser *p, struct metadata_list *l) {
    l->entry = arena_array(p->arena, METADATA_MAX_ENTRIES, sizeof *l->entry);
    l->count = 0;
    bool several = parse_peek(p) == '(';
    p->at += several;
    do {
        if (l->count == METADATA_MAX_ENTRIES)
            return parse_fail(p, "Too many entries");
        if ((l->count && !parse_space(p)) || !take_entry(p, true, &l->entry[l->count]))
            return false;
        l->count++;
    } while (several && parse_peek(p) == ' ');
    return !several || parse_byte(p, ')');
}

struct options {
    bool max_given;
    uint32_t max;
    int depth;
};

static bool take_option(struct parser *p, void *x) {
    struct options *o = x;
    if (parse_skip_word(p, STR("MAXSIZE"))) {
        o->max_given = true;
        return parse_space(p) && parse_number(p, &o->max);
    }
    struct str depth;
    if (!parse_skip_word(p, STR("DEPTH")))
        return parse_fail(p, "Unknown option");
    if (!parse_space(p) || !parse_atom(p, &depth))
        return false;
    o->depth = str_eq(depth, STR("0")) ? 0 : str_eq(depth, STR("1")) ? 1 : INFINITE;
    return o->depth != INFINITE || str_ieq(depth, STR("infinity")) || parse_fail(p, "DEPTH is 0, 1 or infinity");
}

/* "(MAXSIZE 1024 DEPTH infinity)" */
static bool take_options(struct parser *p, struct options *o) { return parse_parenthesized(p, take_option, o); }

/* The mailbox's name; "" is the server. */
static bool take_mailbox(struct parser *p, struct str *name) {
    if (parse_skip_word(p, STR("\"\""))) {
        *name = STR("");
        return true;
    }
    return parse_mailbox(p, name);
}

/* Whether a list of options follows, not one of entries, which begin with a slash. The examples of section 4.2 have the
 * options behind the mailbox, its syntax (section 5) before it. */
static bool options_follow(const struct parser *p) {
    return parse_peek(p) == '(' && p->at + 1 < p->in.n &&
           (p->in.p[p->at + 1] == 'M' || p->in.p[p->at + 1] == 'm' || p->in.p[p->at + 1] == 'D' ||
            p->in.p[p->at + 1] == 'd');
}

static bool take_value(struct parser *p, struct str *value) {
    if (parse_peek(p) == '~') /* literal8 */
        return parse_literal8(p, value);
    return parse_nstring(p, value); /* NIL: p NULL */
}

static bool take_values(struct parser *p, struct store_annotation **set, size_t *count) {
    *set = arena_array(p->arena, METADATA_MAX_ENTRIES, sizeof **set);
    *count = 0;
    if (!parse_byte(p, '('))
        return false;
    do {
        struct store_annotation *x = &(*set)[*count];
        if (*count == METADATA_MAX_ENTRIES)
            return parse_fail(p, "Too many entries");
        if ((*count && !parse_space(p)) || !take_entry(p, false, &x->entry) || !parse_space(p) ||
            !take_value(p, &x->value))
            return false;
        ++*count;
    } while (parse_peek(p) == ' ');
    return parse_byte(p, ')');
}

/* ---- answering ---- */

void metadata_write_entry(struct str entry, struct buf *out) {
    bool plain = true;
    for (size_t i = 0; i < entry.n; i++)
        plain = plain && (ascii_alpha(entry.p[i]) || ascii_digit(entry.p[i]) || strchr("/-_.:@$+#=", entry.p[i]));
    if (plain)
        buf_add_str(out, entry);
    else
        mime_render_nstring(entry, out);
}

/* A value with a NUL in it needs a literal8 (RFC 3516). */
static void write_value(struct str value, struct buf *out) {
    if (!value.p || str_chr(value, 0) < 0) {
        mime_render_nstring(value, out);
        return;
    }
    buf_printf(out, "~{%zu}\r\n", value.n);
    buf_add_str(out, value);
}

struct response {
    struct session *s;
    struct str mailbox;
    const struct options *options;
    bool begun;
    size_t longest; /* of those that MAXSIZE left out */
};

static void tell(struct response *r, struct str entry, struct str value) {
    struct buf *out = session_out(r->s);
    if (value.p && r->options && r->options->max_given && value.n > r->options->max) {
        r->longest = value.n > r->longest ? value.n : r->longest;
        return;
    }
    if (!r->begun) {
        buf_add_c(out, "* METADATA ");
        session_mailbox_name(r->s, r->mailbox, out);
    }
    buf_add_c(out, r->begun ? " " : " (");
    r->begun = true;
    metadata_write_entry(entry, out);
    buf_add_byte(out, ' ');
    write_value(value, out);
}

static void end_response(struct response *r) {
    if (r->begun)
        buf_add_c(session_out(r->s), ")\r\n");
}

/* Whether the entry is the one asked for, or as deep below it as wanted. */
static bool fits(struct str entry, struct str wanted, int depth) {
    if (!str_starts(entry, wanted))
        return false;
    struct str below = str_sub(entry, wanted.n, entry.n);
    if (below.n == 0)
        return true;
    if (below.p[0] != '/' || depth == 0)
        return false;
    return depth == INFINITE || str_chr(str_sub(below, 1, below.n), '/') < 0;
}

static void tell_wanted(struct response *r, struct str wanted, int depth, const struct store_annotation *found,
                        size_t count) {
    bool any = false;
    for (size_t i = 0; i < count; i++)
        if (fits(found[i].entry, wanted, depth)) {
            tell(r, found[i].entry, found[i].value);
            any = true;
        }
    if (!any && depth == 0)
        tell(r, wanted, (struct str){NULL, 0});
}

/* The server's /shared entries are settings. */
static enum store_status add_settings(struct session *s, struct store_annotation **found, size_t *count) {
    static const struct {
        const char *entry, *setting;
    } known[] = {{"/shared/admin", "imap.admin"}, {"/shared/comment", "imap.comment"}};
    struct store_annotation *all = arena_array(&s->arena, *count + 2, sizeof *all);
    size_t n = *count;
    if (n)
        memcpy(all, *found, n * sizeof *all);
    for (size_t i = 0; i < 2; i++) {
        struct str value;
        if (directory_setting(s->service->directory, &s->arena, str_of(known[i].setting), &value) != DIRECTORY_OK)
            return STORE_TEMPORARY;
        if (value.n)
            all[n++] = (struct store_annotation){0, str_of(known[i].entry), value};
    }
    *found = all;
    *count = n;
    return STORE_OK;
}

/* ---- the commands ---- */

/* The mailbox that the name means; id 0 with the session's own account for the server. In others' mailboxes who sees
 * them and may do something there has annotations, too (RFC 5464 section 3). */
static enum store_status find(struct session *s, struct str name, struct store_mailbox *m, struct err *err) {
    const unsigned any = RIGHT_READ | RIGHT_SEEN | RIGHT_WRITE | RIGHT_INSERT | RIGHT_POST;
    *m = (struct store_mailbox){.account_id = s->account};
    if (!name.n)
        return STORE_OK;
    enum store_status status = access_find(s, name, RIGHT_LOOKUP, m, NULL, err);
    return status == STORE_OK && !(m->rights & any) ? STORE_DENIED : status;
}

enum outcome command_getmetadata(struct session *s, struct parser *p) {
    struct options o = {0};
    struct str name;
    struct metadata_list l;
    struct store_mailbox m;
    struct store_annotation *found = NULL;
    size_t count;
    struct err err;
    bool good = parse_space(p);
    if (good && parse_peek(p) == '(')
        good = take_options(p, &o) && parse_space(p);
    good = good && take_mailbox(p, &name) && parse_space(p);
    if (good && options_follow(p))
        good = take_options(p, &o) && parse_space(p);
    if (!good || !metadata_parse_entries(p, &l) || !parse_end(p))
        return session_syntax(s, p);
    enum store_status status = find(s, name, &m, &err);
    if (status == STORE_OK)
        status = store_annotations(s->service->store, &s->arena, m.account_id, m.id, s->account, &found, &count, &err);
    if (status == STORE_OK && !name.n)
        status = add_settings(s, &found, &count);
    if (status != STORE_OK)
        return session_refused(s, status, NULL, &err);
    struct response r = {.s = s, .mailbox = name.n ? m.name : name, .options = &o};
    for (size_t i = 0; i < l.count; i++)
        tell_wanted(&r, l.entry[i], o.depth, found, count);
    end_response(&r);
    if (r.longest)
        return session_ok(s, "[METADATA LONGENTRIES %zu] Done", r.longest);
    return session_ok(s, "Done");
}

enum outcome command_setmetadata(struct session *s, struct parser *p) {
    struct str name;
    struct store_mailbox m;
    struct store_annotation *set;
    size_t count;
    struct err err;
    if (!parse_space(p) || !take_mailbox(p, &name) || !parse_space(p) || !take_values(p, &set, &count) || !parse_end(p))
        return session_syntax(s, p);
    for (size_t i = 0; i < count; i++) {
        if (set[i].value.n > STORE_ANNOTATION_BYTES)
            return session_no(s, "[METADATA MAXSIZE %d] A value is too large", STORE_ANNOTATION_BYTES);
        if (!name.n && str_starts(set[i].entry, STR("/shared/")))
            return session_no(s, "[NOPERM] What the server tells everybody is set by its administrators");
    }
    enum store_status status = find(s, name, &m, &err);
    if (status == STORE_OK)
        status =
            store_annotate(s->service->store, m.account_id, m.id, s->account, set, count, conn_get_id(s->conn), &err);
    if (status == STORE_QUOTA)
        return session_no(s, "[METADATA TOOMANY] There would be too many entries");
    return status == STORE_OK ? session_ok(s, "Done") : session_refused(s, status, NULL, &err);
}

/* ---- LIST ---- */

static size_t first_of(const struct metadata_list *l, int64_t mailbox) {
    size_t low = 0, high = l->found_count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (l->found[mid].mailbox < mailbox)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Of one mailbox of another account. */
static void list_shared(struct session *s, const struct metadata_list *l, const struct store_mailbox *m) {
    struct store_annotation *found;
    size_t count;
    struct err err;
    if (store_annotations(s->service->store, &s->arena, m->account_id, m->id, s->account, &found, &count, &err) !=
        STORE_OK)
        return;
    struct response r = {.s = s, .mailbox = m->name};
    for (size_t i = 0; i < l->count; i++) {
        struct str value = {NULL, 0};
        for (size_t k = 0; k < count; k++)
            if (str_eq(found[k].entry, l->entry[i]))
                value = found[k].value;
        tell(&r, l->entry[i], value);
    }
    end_response(&r);
}

void metadata_list_reply(struct session *s, struct metadata_list *l, const struct store_mailbox *m) {
    struct err err;
    if (m->reader) {
        list_shared(s, l, m);
        return;
    }
    if (!l->read && store_annotations_named(s->service->store, &s->arena, s->account, s->account, l->entry, l->count,
                                            &l->found, &l->found_count, &err) != STORE_OK)
        return;
    l->read = true;
    struct response r = {.s = s, .mailbox = m->name};
    for (size_t i = 0; i < l->count; i++) {
        struct str value = {NULL, 0};
        for (size_t k = first_of(l, m->id); k < l->found_count && l->found[k].mailbox == m->id; k++)
            if (str_eq(l->found[k].entry, l->entry[i]))
                value = l->found[k].value;
        tell(&r, l->entry[i], value);
    }
    end_response(&r);
}
