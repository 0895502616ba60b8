/* What the server says: tagged replies, and what others changed. */
#include "imap/command.h"
#include "imap/condstore.h"
#include "imap/context.h"
#include "imap/limit.h"
#include "imap/notify.h"
#include "imap/pipeline.h"
#include "imap/search.h"
#include "imap/session.h"
#include "mime/utf7.h"
#include "store/sharing.h"

#include <stdio.h>

/* Another look at the store, where nothing was heard for so long. */
enum { LOOK_AGAIN_MS = 30 * 1000 };

/* Says that a command was limited: in its own answer, unless that has a response code already. */
static void tell_limit(struct session *s, const char *what, const char *fmt, va_list ap) {
    struct buf text = BUF_EMPTY, *out = session_out(s);
    buf_vprintf(&text, fmt, ap);
    bool has_code = text.n && text.p[0] == '[';
    if (has_code) {
        buf_add_c(out, "* NO ");
        limit_code(s, out);
        buf_add_c(out, "Not all of these messages\r\n");
    }
    buf_add_str(out, s->tag);
    buf_add_c(out, what);
    if (!has_code)
        limit_code(s, out);
    buf_add_str(out, buf_str(&text));
    buf_add_c(out, "\r\n");
    buf_free(&text);
}

static enum outcome tagged(struct session *s, const char *what, const char *fmt, va_list ap) {
    struct buf *out = session_out(s);
    if (s->limited_at) {
        tell_limit(s, what, fmt, ap);
        return COMMAND_DONE;
    }
    buf_add_str(out, s->tag);
    buf_add_c(out, what);
    buf_vprintf(out, fmt, ap);
    buf_add_c(out, "\r\n");
    return COMMAND_DONE;
}

bool session_may_expunge(struct session *s) { return !view_renumbered(s->client) || !pipeline_uses_sequence(s); }

static void announce_others(struct session *s) {
    if (s->state != SELECTED || !notify_hears_selected(s))
        return;
    bool keeps = s->command && s->command->flags & KEEPS_SEQUENCE;
    struct err err;
    /* Where the store is away now, the next command tells. */
    if (!keeps && view_refresh(s->client, LOOK_AGAIN_MS, &err) != STORE_OK)
        return;
    session_announce(s, !keeps && session_may_expunge(s));
}

enum outcome session_ok(struct session *s, const char *fmt, ...) {
    va_list ap;
    announce_others(s);
    notify_others(s);
    va_start(ap, fmt);
    tagged(s, " OK ", fmt, ap);
    va_end(ap);
    return COMMAND_DONE;
}

enum outcome session_no(struct session *s, const char *fmt, ...) {
    va_list ap;
    announce_others(s);
    notify_others(s);
    va_start(ap, fmt);
    tagged(s, " NO ", fmt, ap);
    va_end(ap);
    return COMMAND_DONE;
}

enum outcome session_bad(struct session *s, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    tagged(s, " BAD ", fmt, ap);
    va_end(ap);
    return COMMAND_DONE;
}

enum outcome session_syntax(struct session *s, const struct parser *p) {
    if (p->unavailable)
        return session_refused(s, STORE_TEMPORARY, NULL, NULL);
    return session_bad(s, "%s (at byte %zu)", p->error ? p->error : "Syntax error", p->at);
}

enum outcome session_refused(struct session *s, enum store_status status, const char *code, const struct err *err) {
    static const char *const of[] = {
        [STORE_OK] = "SERVERBUG",    [STORE_NOT_FOUND] = "NONEXISTENT", [STORE_EXISTS] = "ALREADYEXISTS",
        [STORE_QUOTA] = "OVERQUOTA", [STORE_INVALID] = "CANNOT",        [STORE_TEMPORARY] = "UNAVAILABLE",
        [STORE_DENIED] = "NOPERM",
    };
    static const char *const text[] = {
        [STORE_OK] = "Internal error",
        [STORE_NOT_FOUND] = "No such mailbox",
        [STORE_EXISTS] = "The mailbox exists already",
        [STORE_QUOTA] = "Not enough room: the quota would be exceeded",
        [STORE_INVALID] = "Not possible",
        [STORE_DENIED] = "You have no right to do that there",
        [STORE_TEMPORARY] = "The mail store can't be reached at the moment, try again later",
    };
    /* What PostgreSQL said is for the log; why a name was refused is for the user. */
    const char *why = status == STORE_INVALID && err && *err->text ? err->text : text[status];
    return session_no(s, "[%s] %s", code ? code : of[status], why);
}

/* ---- changes ---- */

void session_flag_list(const struct session *s, const struct view_message *m, struct buf *out) {
    static const struct {
        uint32_t flag;
        const char *name;
    } system[] = {
        {STORE_SEEN, "\\Seen "},       {STORE_ANSWERED, "\\Answered "}, {STORE_FLAGGED, "\\Flagged "},
        {STORE_DELETED, "\\Deleted "}, {STORE_DRAFT, "\\Draft "},
    };
    buf_add_byte(out, '(');
    size_t from = out->n;
    for (size_t i = 0; i < sizeof system / sizeof *system; i++)
        if (m->flags & system[i].flag)
            buf_add_c(out, system[i].name);
    if (!s->rev2 && s->client->recent_ranges && view_is_recent(s->client, m->uid))
        buf_add_c(out, "\\Recent ");
    if (m->keywords->count)
        buf_add_str(out, m->keywords->text);
    else if (out->n > from)
        out->n--; /* the last blank */
    buf_add_byte(out, ')');
}

void session_modseq(const struct view_message *m, struct buf *out) {
    buf_add_c(out, " MODSEQ (");
    buf_add_u64(out, m->modseq);
    buf_add_byte(out, ')');
}

void session_fetch(const struct session *s, uint32_t seq, uint32_t uid, struct buf *out) {
    buf_add_c(out, "* ");
    buf_add_u64(out, s->uid_only ? uid : seq);
    buf_add_c(out, s->uid_only ? " UIDFETCH (" : " FETCH (");
}

void session_flags(struct session *s, uint32_t seq, const struct view_message *m, bool with_uid) {
    struct buf *out = session_out(s);
    session_fetch(s, seq, m->uid, out);
    buf_add_c(out, "FLAGS ");
    session_flag_list(s, m, out);
    if ((with_uid || s->qresync || s->rev2) && !s->uid_only) {
        buf_add_c(out, " UID ");
        buf_add_u64(out, m->uid);
    }
    if (s->condstore)
        session_modseq(m, out);
    buf_add_c(out, ")\r\n");
}

static void announce_flags(struct session *s, const struct view_changes *ch) {
    for (uint32_t i = 0; i < ch->changed_count; i++) {
        struct view_message m;
        view_read(s->client, ch->changed[i], 1, &m);
        if (!m.gone)
            session_flags(s, ch->changed[i], &m, s->uid || s->notify);
    }
}

static void announce_number(struct session *s, uint32_t n, const char *what) {
    struct buf *out = session_out(s);
    buf_add_c(out, "* ");
    buf_add_u64(out, n);
    buf_add_c(out, what);
}

void session_announce(struct session *s, bool expunges) {
    struct view_changes ch;
    uint32_t known = s->client->count;
    view_changes(s->client, &s->arena, expunges, &ch);
    context_expunged(s, &ch);
    bool vanished = s->qresync || s->uid_only;
    if (vanished)
        vanished_write(s, ch.expunged_uid, ch.expunged_count, false);
    for (uint32_t i = 0; i < ch.expunged_count && !vanished; i++)
        announce_number(s, ch.expunged[i], " EXPUNGE\r\n");
    if (ch.grown) {
        announce_number(s, s->client->count, " EXISTS\r\n");
        if (!s->rev2)
            announce_number(s, view_recent_count(s->client), " RECENT\r\n");
    }
    session_keywords(s, false);
    if (notify_hears_flags(s))
        announce_flags(s, &ch);
    context_changed(s);
    if (ch.grown)
        notify_fetch_new(s, known - ch.expunged_count + 1);
}

/* RFC 9051 section 2.3.2: those that every client may count on. */
static const char *const predefined[] = {"$Forwarded", "$MDNSent", "$Junk", "$NotJunk", "$Phishing"};
enum { PREDEFINED = sizeof predefined / sizeof *predefined };

static bool is_predefined(struct str keyword) {
    for (size_t i = 0; i < PREDEFINED; i++)
        if (str_ieq(keyword, str_of(predefined[i])))
            return true;
    return false;
}

static void add_keywords(const struct session *s, const struct str *keyword, size_t count, struct buf *out) {
    for (size_t i = 0; s->rev2 && i < PREDEFINED; i++)
        buf_printf(out, " %s", predefined[i]);
    for (size_t i = 0; i < count; i++)
        if (!s->rev2 || !is_predefined(keyword[i]))
            buf_printf(out, " %.*s", STR_ARG(keyword[i]));
}

/* Those that the session may change (RFC 4314 section 5.1.1). */
static void add_permanent(const struct session *s, const struct str *keyword, size_t count, struct buf *out) {
    static const struct {
        unsigned right;
        const char *flags;
    } groups[] = {{RIGHT_WRITE, "\\Answered \\Flagged"},
                  {RIGHT_DELETE, "\\Deleted"},
                  {RIGHT_SEEN, "\\Seen"},
                  {RIGHT_WRITE, "\\Draft"}};
    size_t from = out->n;
    for (size_t i = 0; i < sizeof groups / sizeof *groups && !s->read_only; i++)
        if (s->rights & groups[i].right)
            buf_printf(out, "%s%s", out->n > from ? " " : "", groups[i].flags);
    if (s->read_only || !(s->rights & RIGHT_WRITE))
        return;
    add_keywords(s, keyword, count, out);
    buf_add_c(out, " \\*");
}

void session_keywords(struct session *s, bool always) {
    uint32_t sets = view_keyword_sets(s->client);
    struct str *keyword;
    if (!always && sets == s->keyword_sets)
        return;
    s->keyword_sets = sets;
    size_t count = view_keywords(s->client, &s->arena, &keyword);
    if (!always && count == s->keywords)
        return;
    s->keywords = count;
    struct buf *out = session_out(s);
    buf_add_c(out, "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft");
    add_keywords(s, keyword, count, out);
    buf_add_c(out, ")\r\n* OK [PERMANENTFLAGS (");
    add_permanent(s, keyword, count, out);
    buf_printf(out, ")] %s\r\n",
               s->read_only              ? "No changes"
               : s->rights & RIGHT_WRITE ? "Any keyword is possible"
                                         : "What may be changed");
}

/* ---- small things ---- */

void session_list(struct session *s, struct str attributes, struct str name, struct str old_name) {
    struct buf *out = session_out(s);
    buf_printf(out, "* LIST (%.*s) \"/\" ", STR_ARG(attributes));
    session_mailbox_name(s, name, out);
    if (!str_eq(name, old_name)) {
        buf_add_c(out, " (\"OLDNAME\" (");
        session_mailbox_name(s, old_name, out);
        buf_add_c(out, "))");
    }
    buf_add_c(out, "\r\n");
}

/* Always quoted: every name can be, in modified UTF-7 as in UTF-8 (RFC 6855 section 3). */
void session_mailbox_name(const struct session *s, struct str name, struct buf *out) {
    struct buf wire = BUF_EMPTY;
    if (!s->utf8) {
        utf7_encode(name, &wire);
        name = buf_str(&wire);
    }
    buf_add_byte(out, '"');
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '"' || name.p[i] == '\\')
            buf_add_byte(out, '\\');
        buf_add_byte(out, name.p[i]);
    }
    buf_add_byte(out, '"');
    buf_free(&wire);
}

static bool numbers_exist(const struct sequence *set, uint32_t count) {
    for (size_t i = 0; i < set->count; i++)
        if (count == 0 || set->range[i].first > count || set->range[i].last > count)
            return false;
    return true;
}

bool session_meet(struct session *s, uint32_t uid) {
    uint32_t last = s->client->count ? view_uid(s->client, s->client->count) : 0;
    struct err err;
    if (uid <= last || !notify_hears_selected(s))
        return true;
    if (view_refresh(s->client, -1, &err) != STORE_OK)
        return false;
    bool numbers = s->command && s->command->flags & (USES_SEQUENCE | KEEPS_SEQUENCE);
    session_announce(s, !numbers && session_may_expunge(s));
    return true;
}

/* The greatest UID that is named; 0 is "*", and an open end names nobody. */
static uint32_t greatest(const struct sequence *set) {
    uint32_t named = 0;
    for (size_t i = 0; i < set->count; i++) {
        struct uid_range r = set->range[i];
        uint32_t high = r.first > r.last ? r.first : r.last;
        if (r.first && r.last && high != UINT32_MAX && high > named)
            named = high;
    }
    return named;
}

bool session_messages(struct session *s, struct parser *p, struct sequence *set, bool uids) {
    const struct view_client *c = s->client;
    if (set->saved) {
        *set = sequence_copy(&s->saved, p->arena);
        uids = true;
    } else if (uids && !session_meet(s, greatest(set))) {
        p->unavailable = true;
        return parse_fail(p, "The mail store can't be reached");
    }
    if (!uids && !numbers_exist(set, c->count))
        return parse_fail(p, "There is no message with that number");
    sequence_resolve(set, !uids ? c->count : c->count ? view_uid(c, c->count) : 0);
    size_t n = 0;
    for (size_t i = 0; uids && i < set->count; i++) {
        struct uid_range r = set->range[i];
        uint32_t first = view_seq_at(c, r.first);
        uint32_t behind = r.last == UINT32_MAX ? c->count + 1 : view_seq_at(c, r.last + 1);
        if (first < behind)
            set->range[n++] = (struct uid_range){first, behind - 1};
    }
    if (uids)
        set->count = n;
    return true;
}

struct sequence session_uids(struct session *s, const struct sequence *set) {
    struct sequence uids = {arena_array(&s->arena, set->count ? set->count : 1, sizeof *uids.range), set->count, false};
    for (size_t i = 0; i < set->count; i++)
        uids.range[i] =
            (struct uid_range){view_uid(s->client, set->range[i].first), view_uid(s->client, set->range[i].last)};
    return uids;
}

void session_unselect(struct session *s) {
    if (!s->client)
        return;
    view_close(s->client);
    s->client = NULL;
    s->state = AUTHENTICATED;
    search_forget_saved(s);
    context_forget_all(s);
    notify_selected(s);
}
