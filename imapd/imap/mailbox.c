/* Commands on mailboxes by name, and STATUS. */
#include "imap/mailbox.h"

#include "imap/access.h"
#include "imap/command.h"
#include "imap/notify.h"

#include <stdlib.h>
#include <uninorm.h>

static bool take_name(struct parser *p, struct str *name) { return parse_space(p) && parse_mailbox(p, name); }

static bool take_name_as_given(struct parser *p, struct str *name, struct str *as_given) {
    return parse_space(p) && parse_mailbox_as_given(p, name, as_given);
}

/* "x/" says that mailboxes are to be made below x (RFC 3501 section 6.3.3); here every mailbox can have some. */
static struct str without_last_slash(struct str name) {
    return name.n > 1 && name.p[name.n - 1] == '/' ? str_sub(name, 0, name.n - 1) : name;
}

/* With IMAP4rev2 names are Net-Unicode (RFC 9051 section 5.1): what looks the same is the same, and the client is told.
 */
static struct str composed(struct session *s, struct str name) {
    size_t n = 0;
    if (!s->rev2 || str_is_ascii(name))
        return name;
    uint8_t *p = u8_normalize(UNINORM_NFC, (const uint8_t *)name.p, name.n, NULL, &n);
    if (p)
        name = arena_str(&s->arena, str_n(p, n));
    free(p);
    return name;
}

/* Names that could not be given to LIST without meaning others too. */
static bool has_wildcard(struct str name) { return str_chr(name, '*') >= 0 || str_chr(name, '%') >= 0; }

/* "(USE (\Sent))", RFC 6154 section 3. */
static bool take_use(struct parser *p, struct str *use) {
    static const char *const known[] = {"\\Archive", "\\Drafts", "\\Flagged", "\\Junk", "\\Sent", "\\Trash"};
    struct str name;
    if (!parse_space(p) || !parse_byte(p, '(') || !parse_skip_word(p, STR("USE")) || !parse_space(p) ||
        !parse_byte(p, '(') || !parse_byte(p, '\\') || !parse_atom(p, &name) || !parse_byte(p, ')') ||
        !parse_byte(p, ')'))
        return parse_fail(p, "Expected (USE (attribute))");
    *use = STR("");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_ieq(name, str_of(known[i] + 1)))
            *use = str_of(known[i]);
    return true;
}

enum outcome command_create(struct session *s, struct parser *p) {
    struct str name, as_given, use = {NULL, 0};
    struct store_mailbox made;
    struct err err;
    if (!take_name_as_given(p, &name, &as_given) || (parse_peek(p) == ' ' && !take_use(p, &use)) || !parse_end(p))
        return session_syntax(s, p);
    if (use.p && use.n == 0)
        return session_no(s, "[USEATTR] That special use is not possible");
    if (has_wildcard(name))
        return session_no(s, "[CANNOT] A mailbox name has no * or %% in it");
    name = composed(s, without_last_slash(name));
    notify_own_mailbox(s, name);
    struct access_place place;
    enum store_status status = access_place(s, name, &place, &err);
    if (status == STORE_OK)
        status = access_may_create(s, &place, &err);
    if (status == STORE_OK)
        status = store_mailbox_create(s->service->store, place.account, place.name, use, &err);
    if (status == STORE_EXISTS && access_find(s, name, RIGHT_LOOKUP, &made, NULL, &err) != STORE_OK)
        status = STORE_DENIED; /* it is there, but the session is not to know */
    if (status == STORE_OK)
        status = store_mailbox_find(s->service->store, &s->arena, place.account, place.name, &made, &err);
    if (status != STORE_OK)
        return session_refused(s, status, NULL, &err);
    if (s->rev2 && !str_eq(name, as_given)) /* RFC 9051 section 6.3.4 */
        session_list(s, made.special_use, name, as_given);
    return session_ok(s, "[MAILBOXID (F%lld)] Created", (long long)made.id); /* RFC 8474 section 4.1 */
}

enum outcome command_delete(struct session *s, struct parser *p) {
    struct str name;
    struct store_mailbox m;
    struct access_place place;
    struct err err;
    if (!take_name(p, &name) || !parse_end(p))
        return session_syntax(s, p);
    notify_own_mailbox(s, name);
    enum store_status status = access_find(s, name, RIGHT_REMOVE, &m, &place, &err);
    if (status == STORE_OK)
        status = store_mailbox_delete(s->service->store, place.account, place.name, &err);
    return status == STORE_OK ? session_ok(s, "Deleted") : session_refused(s, status, NULL, &err);
}

enum outcome command_rename(struct session *s, struct parser *p) {
    struct str from, to;
    struct store_mailbox m;
    struct access_place old, new;
    struct err err;
    if (!take_name(p, &from) || !take_name(p, &to) || !parse_end(p))
        return session_syntax(s, p);
    if (has_wildcard(to))
        return session_no(s, "[CANNOT] A mailbox name has no * or %% in it");
    to = composed(s, without_last_slash(to));
    notify_own_mailbox(s, to);
    enum store_status status = access_find(s, from, RIGHT_REMOVE, &m, &old, &err);
    if (status == STORE_OK)
        status = access_place(s, to, &new, &err);
    if (status == STORE_OK)
        status = access_may_create(s, &new, &err);
    if (status == STORE_OK && new.account != old.account)
        return session_no(s, "[CANNOT] A mailbox stays with its owner");
    if (status == STORE_OK)
        status = store_mailbox_rename(s->service->store, old.account, old.name, new.name, &err);
    if (status == STORE_EXISTS && access_find(s, to, RIGHT_LOOKUP, &m, NULL, &err) != STORE_OK)
        status = STORE_DENIED;
    if (status == STORE_OK && s->rev2 && !str_eq(from, STR("INBOX"))) /* RFC 9051 section 6.3.6 */
        session_list(s, STR(""), to, from);
    return status == STORE_OK ? session_ok(s, "Renamed") : session_refused(s, status, NULL, &err);
}

/* Of another account's: whoever may look it up subscribes, and everybody leaves (RFC 4314 section 4). */
static enum store_status subscribe_shared(struct session *s, struct str name, const struct access_place *place,
                                          bool subscribed, struct err *err) {
    struct store_mailbox m;
    enum store_status status;
    if (subscribed) {
        status = access_find(s, name, RIGHT_LOOKUP, &m, NULL, err);
    } else {
        status = store_mailbox_find(s->service->store, &s->arena, place->account, place->name, &m, err);
        if (status == STORE_NOT_FOUND) /* which the session is not to know */
            return STORE_OK;
    }
    return status == STORE_OK
               ? store_shared_subscribe(s->service->store, s->account, place->account, m.id, subscribed, err)
               : status;
}

static enum outcome subscribe(struct session *s, struct parser *p, bool subscribed) {
    struct str name;
    struct access_place place;
    struct err err;
    if (!take_name(p, &name) || !parse_end(p))
        return session_syntax(s, p);
    notify_own_mailbox(s, name);
    enum store_status status = access_place(s, name, &place, &err);
    if (status == STORE_OK)
        status = place.own ? store_mailbox_subscribe(s->service->store, s->account, name, subscribed, &err)
                           : subscribe_shared(s, name, &place, subscribed, &err);
    if (status != STORE_OK)
        return session_refused(s, status, NULL, &err);
    return session_ok(s, subscribed ? "Subscribed" : "Unsubscribed");
}

enum outcome command_subscribe(struct session *s, struct parser *p) { return subscribe(s, p, true); }

enum outcome command_unsubscribe(struct session *s, struct parser *p) { return subscribe(s, p, false); }

enum outcome command_namespace(struct session *s, struct parser *p) {
    if (!parse_end(p))
        return session_syntax(s, p);
    conn_write(s->conn, STR("* NAMESPACE ((\"\" \"/\")) ((\"" STORE_OTHER_USERS "/\" \"/\")) ((\"" STORE_SHARED_FOLDERS
                            "/\" \"/\"))\r\n"));
    return session_ok(s, "Done");
}

/* ---- STATUS ---- */

static const struct {
    const char *name;
    unsigned item;
} status_items[] = {
    {"MESSAGES", STATUS_MESSAGES},
    {"RECENT", STATUS_RECENT},
    {"UIDNEXT", STATUS_UIDNEXT},
    {"UIDVALIDITY", STATUS_UIDVALIDITY},
    {"UNSEEN", STATUS_UNSEEN},
    {"DELETED", STATUS_DELETED},
    {"SIZE", STATUS_SIZE},
    {"APPENDLIMIT", STATUS_APPENDLIMIT},
    {"HIGHESTMODSEQ", STATUS_HIGHESTMODSEQ},
    {"MAILBOXID", STATUS_MAILBOXID},
    {"DELETED-STORAGE", STATUS_DELETED_STORAGE},
};

bool status_parse_items(struct parser *p, unsigned *items) {
    struct str name;
    *items = 0;
    if (!parse_byte(p, '('))
        return false;
    do {
        if (*items && !parse_space(p))
            return false;
        if (!parse_atom(p, &name))
            return false;
        unsigned item = 0;
        for (size_t i = 0; i < sizeof status_items / sizeof *status_items; i++)
            if (str_ieq(name, str_of(status_items[i].name)))
                item = status_items[i].item;
        if (!item)
            return parse_fail(p, "Unknown STATUS item");
        *items |= item;
    } while (parse_peek(p) != ')');
    return parse_byte(p, ')');
}

static uint64_t value_of(const struct session *s, const struct store_mailbox *m, unsigned item) {
    uint64_t recent = m->uidnext > m->first_recent ? m->uidnext - m->first_recent : 0;
    switch (item) {
    case STATUS_MESSAGES:
        return m->messages;
    case STATUS_RECENT: /* some of those UIDs may have gone since */
        return s->rev2 ? 0 : recent < m->messages ? recent : m->messages;
    case STATUS_UIDNEXT:
        return m->uidnext;
    case STATUS_UIDVALIDITY:
        return m->uidvalidity;
    case STATUS_UNSEEN:
        return m->unseen;
    case STATUS_DELETED:
        return m->deleted;
    case STATUS_SIZE:
        return m->bytes;
    case STATUS_HIGHESTMODSEQ:
        return m->highestmodseq;
    default:
        return s->service->append_limit;
    }
}

/* Asked of the store, where there is anything to ask for. Where it is away the item is left out. */
static unsigned without_unknown(struct session *s, const struct store_mailbox *m, unsigned items,
                                uint64_t *deleted_bytes) {
    struct err err;
    *deleted_bytes = 0;
    if (!(items & STATUS_DELETED_STORAGE) || !m->deleted ||
        store_deleted_bytes(s->service->store, m->account_id, m->id, deleted_bytes, &err) == STORE_OK)
        return items;
    return items & ~(unsigned)STATUS_DELETED_STORAGE;
}

void status_reply(struct session *s, const struct store_mailbox *m, unsigned items) {
    uint64_t deleted_bytes;
    struct buf *out = session_out(s);
    items = without_unknown(s, m, items, &deleted_bytes);
    buf_add_c(out, "* STATUS ");
    session_mailbox_name(s, m->name, out);
    const char *before = "(";
    buf_add_c(out, items ? " " : " (");
    for (size_t i = 0; i < sizeof status_items / sizeof *status_items; i++) {
        if (!(items & status_items[i].item))
            continue;
        buf_add_c(out, before);
        buf_add_c(out, status_items[i].name);
        buf_add_byte(out, ' ');
        if (status_items[i].item == STATUS_MAILBOXID)
            buf_printf(out, "(F%lld)", (long long)m->id);
        else if (status_items[i].item == STATUS_DELETED_STORAGE)
            buf_add_u64(out, deleted_bytes);
        else
            buf_add_u64(out, value_of(s, m, status_items[i].item));
        before = " ";
    }
    buf_add_c(out, ")\r\n");
}

enum outcome command_status(struct session *s, struct parser *p) {
    struct str name;
    unsigned items;
    struct store_mailbox m;
    struct err err;
    if (!take_name(p, &name) || !parse_space(p) || !status_parse_items(p, &items) || !parse_end(p))
        return session_syntax(s, p);
    enum store_status status = access_find(s, name, RIGHT_READ, &m, NULL, &err);
    if (status != STORE_OK)
        return session_refused(s, status, NULL, &err);
    status_reply(s, &m, items);
    if (items & STATUS_HIGHESTMODSEQ)
        s->condstore = true;
    return session_ok(s, "Done");
}
