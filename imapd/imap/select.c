/* Selecting a mailbox, leaving it, and removing what is \Deleted. */
#include "base/clock.h"
#include "imap/access.h"
#include "imap/command.h"
#include "imap/condstore.h"
#include "imap/fetch.h"
#include "imap/limit.h"
#include "imap/notify.h"

static struct str attributes_of(struct session *s, const struct store_mailbox *m) {
    return arena_printf(&s->arena, "%s%s%.*s", m->subscribed ? "\\Subscribed" : "",
                        m->subscribed && m->special_use.n ? " " : "", STR_ARG(m->special_use));
}

static void describe(struct session *s, const struct store_mailbox *m) {
    struct view_client *c = s->client;
    session_keywords(s, true);
    conn_printf(s->conn, "* %u EXISTS\r\n", c->count);
    if (!s->rev2)
        conn_printf(s->conn, "* %u RECENT\r\n", view_recent_count(c));
    uint32_t unseen = s->rev2 || s->uid_only ? 0 : view_first_without(c, 1, STORE_SEEN);
    if (unseen)
        conn_printf(s->conn, "* OK [UNSEEN %u] First unseen\r\n", unseen);
    uint64_t uidnext = c->count ? (uint64_t)view_uid(c, c->count) + 1 : 1;
    if (m->uidnext > uidnext)
        uidnext = m->uidnext;
    conn_printf(s->conn, "* OK [UIDVALIDITY %u] UIDs are valid\r\n* OK [UIDNEXT %llu] Next UID\r\n", m->uidvalidity,
                (unsigned long long)uidnext);
    conn_printf(s->conn, "* OK [HIGHESTMODSEQ %llu] Highest\r\n* OK [MAILBOXID (F%lld)] Its identity\r\n",
                (unsigned long long)c->announced, (long long)m->id);
}

/* What the client missed since it was here last (RFC 7162 section 3.2.5): what went, then what changed. */
static enum outcome resynchronise(struct session *s, const struct resync *r, uint32_t uidvalidity) {
    struct err err;
    /* RFC 4314 section 5.2; \Seen is not shared, so it does not count. */
    const unsigned writes = RIGHT_INSERT | RIGHT_EXPUNGE | RIGHT_WRITE | RIGHT_DELETE;
    bool read_only = s->read_only || !(s->rights & writes);
    if (!r->wanted || r->uidvalidity != uidvalidity)
        return session_ok(s, "[READ-%s] Selected", read_only ? "ONLY" : "WRITE");
    enum store_status status = vanished_since(s, r->known, r->since, &err);
    if (status != STORE_OK) {
        session_unselect(s);
        return session_refused(s, status, NULL, &err);
    }
    return fetch_changed(s, &r->known, r->since, read_only ? "[READ-ONLY] Selected" : "[READ-WRITE] Selected");
}

static enum outcome open_mailbox(struct session *s, struct parser *p, bool read_only) {
    struct str name, as_given;
    struct store_mailbox m;
    struct resync resync;
    struct err err;
    if (!parse_space(p) || !parse_mailbox_as_given(p, &name, &as_given) || !resync_parse(s, p, &resync) ||
        !parse_end(p))
        return session_syntax(s, p);
    if (s->client && (s->qresync || s->rev2)) /* what comes behind it is of the new mailbox (RFC 7162 section 3.2.11) */
        conn_write(s->conn, STR("* OK [CLOSED] Previous mailbox closed\r\n"));
    session_unselect(s); /* also when this fails, RFC 3501 section 6.3.1 */
    enum store_status status = access_find(s, name, RIGHT_READ, &m, NULL, &err);
    if (status == STORE_OK)
        s->client = view_open(s->service->views, &m, conn_get_id(s->conn), read_only, &status, &err);
    if (status != STORE_OK)
        return session_refused(s, status, NULL, &err);
    s->owner = m.account_id;
    s->mailbox = m.id;
    s->reader = m.reader;
    s->rights = m.rights;
    s->rights_at = clock_monotonic();
    s->read_only = read_only;
    describe(s, &m);
    if (s->rev2) /* RFC 9051 section 6.3.2 */
        session_list(s, attributes_of(s, &m), m.name, as_given);
    s->state = SELECTED;
    notify_selected(s);
    return resynchronise(s, &resync, m.uidvalidity);
}

enum outcome command_select(struct session *s, struct parser *p) { return open_mailbox(s, p, false); }

enum outcome command_examine(struct session *s, struct parser *p) { return open_mailbox(s, p, true); }

/* A checkpoint (RFC 3501 section 6.4.1): everything is on disk anyway; what others did is looked up. */
enum outcome command_check(struct session *s, struct parser *p) {
    struct err err;
    if (!parse_end(p))
        return session_syntax(s, p);
    enum store_status status = view_refresh(s->client, 0, &err);
    return status == STORE_OK ? session_ok(s, "Done") : session_refused(s, status, NULL, &err);
}

/* Removes the \Deleted messages among uids. */
static enum store_status expunge(struct session *s, const struct sequence *uids, struct err *err) {
    uint32_t *gone;
    size_t count;
    uint64_t modseq;
    if (uids->count == 0)
        return STORE_OK;
    enum store_status status = store_expunge(s->service->store, &s->arena, s->owner, s->mailbox, uids->range,
                                             uids->count, &gone, &count, &modseq, err);
    if (status == STORE_OK && count)
        view_expunged(s->client, gone, count, modseq);
    return status;
}

/* Removes what is \Deleted by now. The view knows which those are; asking the store would mean to look at every
 * message. */
static enum store_status expunge_all(struct session *s, struct err *err) {
    struct sequence uids = {0};
    enum store_status status = view_refresh(s->client, 0, err);
    if (status != STORE_OK)
        return status;
    uids.count = view_with_flags(s->client, &s->arena, STORE_DELETED, &uids.range);
    return expunge(s, &uids, err);
}

enum outcome command_close(struct session *s, struct parser *p) {
    struct err err;
    if (!parse_end(p))
        return session_syntax(s, p);
    bool expunges = !s->read_only && s->rights & RIGHT_EXPUNGE; /* else they stay (RFC 4314 section 4) */
    enum store_status status = expunges ? expunge_all(s, &err) : STORE_OK;
    if (status != STORE_OK && status != STORE_NOT_FOUND) /* the mailbox may have been deleted meanwhile */
        return session_refused(s, status, NULL, &err);
    session_unselect(s);
    return session_ok(s, "Closed");
}

/* RFC 3691 */
enum outcome command_unselect(struct session *s, struct parser *p) {
    if (!parse_end(p))
        return session_syntax(s, p);
    session_unselect(s);
    return session_ok(s, "Unselected");
}

enum outcome command_expunge(struct session *s, struct parser *p) {
    struct sequence set;
    struct err err;
    if (s->uid && (!parse_space(p) || !parse_sequence(p, &set)))
        return session_syntax(s, p);
    if (!parse_end(p) || (s->uid && !session_messages(s, p, &set, true)))
        return session_syntax(s, p);
    if (s->read_only)
        return session_no(s, "[CANNOT] The mailbox is open for reading only");
    if (!(s->rights & RIGHT_EXPUNGE))
        return session_refused(s, STORE_DENIED, NULL, NULL);
    struct sequence uids = {NULL, 0, false};
    if (s->uid) {
        limit_keep_flagged(s, &set, STORE_DELETED);
        uids = session_uids(s, &set);
    }
    enum store_status status = s->uid ? expunge(s, &uids, &err) : expunge_all(s, &err);
    if (status != STORE_OK)
        return session_refused(s, status, NULL, &err);
    session_announce(s, true);
    char code[48];
    condstore_code(s, code);
    return session_ok(s, "%sExpunged", code);
}
