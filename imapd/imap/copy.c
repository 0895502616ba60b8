/* COPY and MOVE (RFC 6851), with the UIDs that came of it (RFC 4315). */
#include "imap/copy.h"
#include "imap/access.h"
#include "imap/command.h"
#include "imap/limit.h"
#include "imap/notify.h"
#include "imap/progress.h"

void copy_write_uids(const uint32_t *uid, size_t count, struct buf *out) {
    for (size_t i = 0; i < count;) {
        size_t last = i;
        while (last + 1 < count && uid[last + 1] == uid[last] + 1)
            last++;
        if (i)
            buf_add_byte(out, ',');
        buf_add_u64(out, uid[i]);
        if (last > i) {
            buf_add_byte(out, ':');
            buf_add_u64(out, uid[last]);
        }
        i = last + 1;
    }
}

static void write_copyuid(const struct store_copying *c, struct buf *out) {
    buf_printf(out, "[COPYUID %u ", c->to_uidvalidity);
    copy_write_uids(c->from, c->count, out);
    buf_add_byte(out, ' ');
    copy_write_uids(c->to, c->count, out);
    buf_add_c(out, "] ");
}

static void tell_progress(void *session, size_t done) { progress_tick(session, done); }

/* own: the target is one of the session's own. */
static enum store_status copy(struct session *s, const struct sequence *uids, struct str name, struct store_copying *c,
                              bool *own, struct err *err) {
    struct store_mailbox to;
    struct access_place place;
    enum store_status status = access_find(s, name, RIGHT_INSERT, &to, &place, err);
    *own = place.own;
    if (status == STORE_OK && c->move && (s->rights & (RIGHT_DELETE | RIGHT_EXPUNGE)) != (RIGHT_DELETE | RIGHT_EXPUNGE))
        status = STORE_DENIED; /* RFC 6851 section 4.1 */
    if (status != STORE_OK || uids->count == 0)
        return status;
    c->account = s->owner;
    c->mailbox = s->mailbox;
    c->reader = s->reader;
    c->to_account = to.account_id;
    c->to_mailbox = to.id;
    c->to_reader = to.reader;
    c->drop_flags = ~access_flags(to.rights);
    c->drop_keywords = !(to.rights & RIGHT_WRITE);
    c->quota = place.quota;
    c->progress = tell_progress;
    c->context = s;
    progress_begin(s, limit_count(uids));
    status = store_copy(s->service->store, &s->arena, uids->range, uids->count, c, err);
    progress_end(s);
    return status;
}

static enum outcome run(struct session *s, struct parser *p, bool move) {
    struct sequence set;
    struct str name;
    struct store_copying c = {.move = move};
    bool own = true;
    struct err err;
    if (!parse_space(p) || !parse_sequence(p, &set) || !parse_space(p) || !parse_mailbox(p, &name) || !parse_end(p) ||
        !session_messages(s, p, &set, s->uid))
        return session_syntax(s, p);
    if (move && s->read_only)
        return session_no(s, "[CANNOT] The mailbox is open for reading only");
    if (!move && limit_forbids_saving(s, limit_count(&set)))
        return limit_refuse(s);
    limit_keep_highest(s, &set);
    struct sequence uids = session_uids(s, &set);
    enum store_status status = copy(s, &uids, name, &c, &own, &err);
    if (status != STORE_OK)
        return session_refused(s, status, status == STORE_NOT_FOUND && own ? "TRYCREATE" : NULL, &err);
    struct buf code = BUF_EMPTY;
    if (c.count) {
        write_copyuid(&c, &code);
        notify_own_messages(s, c.to_mailbox, c.to[0], c.to[c.count - 1]);
    }
    if (move && c.count) { /* RFC 6851 section 4.3: the UIDs before the EXPUNGEs */
        conn_printf(s->conn, "* OK %sMoved\r\n", code.p);
        buf_reset(&code);
        if (view_refresh(s->client, -1, &err) == STORE_OK)
            session_announce(s, true);
    }
    session_ok(s, "%.*s%s", STR_ARG(buf_str(&code)), move ? "Moved" : "Copied");
    buf_free(&code);
    return COMMAND_DONE;
}

enum outcome command_copy(struct session *s, struct parser *p) { return run(s, p, false); }

enum outcome command_move(struct session *s, struct parser *p) { return run(s, p, true); }
