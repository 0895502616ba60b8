/* QUOTA (RFC 9208): what an account may hold, and what it holds. An account has one quota root, which all of its
 * mailboxes belong to. Quotas are set by its administrators, never by itself: so there is no QUOTASET. */
#include "imap/access.h"
#include "imap/command.h"

enum { UNIT = 1024 }; /* of STORAGE, bytes; section 5.1 */

static const char root[] = "account";

static void resource(struct buf *out, const char *name, uint64_t used, uint64_t limit) {
    if (out->p[out->n - 1] != '(')
        buf_add_byte(out, ' ');
    buf_add_c(out, name);
    buf_add_byte(out, ' ');
    buf_add_u64(out, used);
    buf_add_byte(out, ' ');
    buf_add_u64(out, limit);
}

/* Resources without a limit are not named (section 4.2.1). */
static enum store_status tell(struct session *s, struct err *err) {
    uint64_t bytes, messages;
    struct store_quota quota = session_quota(s);
    enum store_status status = store_usage(s->service->store, s->account, &bytes, &messages, err);
    if (status != STORE_OK)
        return status;
    struct buf *out = session_out(s);
    buf_printf(out, "* QUOTA \"%s\" (", root);
    if (quota.bytes >= 0)
        resource(out, "STORAGE", bytes / UNIT + (bytes % UNIT > 0), (uint64_t)quota.bytes / UNIT);
    if (quota.messages > 0)
        resource(out, "MESSAGE", messages, (uint64_t)quota.messages);
    buf_add_c(out, ")\r\n");
    return STORE_OK;
}

enum outcome command_getquota(struct session *s, struct parser *p) {
    struct str name;
    struct err err;
    if (!parse_space(p) || !parse_astring(p, &name) || !parse_end(p))
        return session_syntax(s, p);
    if (!str_eq(name, str_of(root)))
        return session_no(s, "[NONEXISTENT] There is no such quota root");
    enum store_status status = tell(s, &err);
    return status == STORE_OK ? session_ok(s, "Done") : session_refused(s, status, NULL, &err);
}

/* The mailbox need not be there: its quota is that of those that are (section 4.1.2). */
enum outcome command_getquotaroot(struct session *s, struct parser *p) {
    struct str name;
    struct err err;
    if (!parse_space(p) || !parse_mailbox(p, &name) || !parse_end(p))
        return session_syntax(s, p);
    struct access_place place;
    struct store_mailbox m;
    enum store_status status = access_place(s, name, &place, &err);
    if (status == STORE_OK && !place.own) /* what others hold is theirs */
        status = access_find(s, name, RIGHT_READ, &m, NULL, &err);
    if (status != STORE_OK)
        return session_refused(s, status, NULL, &err);
    struct buf *out = session_out(s);
    buf_add_c(out, "* QUOTAROOT ");
    session_mailbox_name(s, name, out);
    if (place.own)
        buf_printf(out, " \"%s\"", root);
    buf_add_c(out, "\r\n");
    status = place.own ? tell(s, &err) : STORE_OK;
    return status == STORE_OK ? session_ok(s, "Done") : session_refused(s, status, NULL, &err);
}

enum outcome command_setquota(struct session *s, struct parser *p) {
    struct str name, what;
    uint64_t limit;
    if (!parse_space(p) || !parse_astring(p, &name) || !parse_space(p) || !parse_byte(p, '('))
        return session_syntax(s, p);
    for (bool first = true; parse_peek(p) != ')'; first = false)
        if ((!first && !parse_space(p)) || !parse_atom(p, &what) || !parse_space(p) || !parse_number64(p, &limit))
            return session_syntax(s, p);
    if (!parse_byte(p, ')') || !parse_end(p))
        return session_syntax(s, p);
    return session_no(s, "[NOPERM] A quota is set by the administrators of the mailbox");
}
