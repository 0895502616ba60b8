/* STORE (RFC 3501 section 6.4.6). */
#include "imap/access.h"
#include "imap/command.h"
#include "imap/condstore.h"
#include "imap/copy.h"
#include "imap/limit.h"

#include <stdlib.h>

enum { BATCH = 256 };

struct store_job {
    struct sequence set; /* ranges of sequence numbers; the next to be told is `seq` in `range` */
    size_t range;
    uint32_t seq;
    bool silent, missing, conditional;
    uint32_t *modified; /* numbers or UIDs of messages that had changed, ascending */
    size_t modified_count;
};

struct request {
    enum store_change change;
    bool silent, conditional;
    uint64_t unchanged_since;
    struct flags flags;
};

/* "(UNCHANGEDSINCE n) " (RFC 7162 section 3.1.3) */
static bool take_condition(struct parser *p, struct request *r) {
    if (parse_peek(p) != '(')
        return true;
    p->at++;
    r->conditional = true;
    return (parse_skip_word(p, STR("UNCHANGEDSINCE")) || parse_fail(p, "Expected UNCHANGEDSINCE")) && parse_space(p) &&
           parse_number64(p, &r->unchanged_since) && parse_byte(p, ')') && parse_space(p);
}

static bool take_request(struct parser *p, struct request *r) {
    *r = (struct request){.change = STORE_SET};
    if (!take_condition(p, r))
        return false;
    if (parse_peek(p) == '+' || parse_peek(p) == '-')
        r->change = p->in.p[p->at++] == '+' ? STORE_ADD : STORE_REMOVE;
    if (!parse_skip_word(p, STR("FLAGS")))
        return parse_fail(p, "Expected FLAGS");
    r->silent = parse_skip_word(p, STR(".SILENT"));
    return parse_space(p) && parse_store_flags(p, &r->flags);
}

static enum outcome finish(struct session *s, const struct store_job *j) {
    if (j->missing && !s->uid) /* RFC 2180 section 4.2 */
        return session_no(s, "[EXPUNGEISSUED] Some of the messages were expunged meanwhile");
    if (!j->modified_count)
        return session_ok(s, "Stored");
    struct buf set = BUF_EMPTY;
    copy_write_uids(j->modified, j->modified_count, &set);
    session_ok(s, "[MODIFIED %.*s] Not stored where others were quicker", STR_ARG(buf_str(&set)));
    buf_free(&set);
    return COMMAND_DONE;
}

/* "* n FETCH (UID u MODSEQ (m))": all that a client needs to know of what it asked for silently. */
static void tell_modseq(struct session *s, uint32_t seq, const struct view_message *m) {
    struct buf *out = session_out(s);
    session_fetch(s, seq, m->uid, out);
    if (s->uid_only)
        buf_printf(out, "MODSEQ (%llu)", (unsigned long long)m->modseq);
    else
        buf_printf(out, "UID %u MODSEQ (%llu)", m->uid, (unsigned long long)m->modseq);
    buf_add_c(out, ")\r\n");
}

static bool was_modified(const struct session *s, const struct store_job *j, uint32_t seq, uint32_t uid) {
    uint32_t n = s->uid ? uid : seq;
    size_t low = 0, high = j->modified_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (j->modified[middle] < n)
            low = middle + 1;
        else
            high = middle;
    }
    return low < j->modified_count && j->modified[low] == n;
}

static void tell_one(struct session *s, const struct store_job *j, uint32_t seq, const struct view_message *m) {
    if (m->gone || (j->modified_count && was_modified(s, j, seq, m->uid)))
        return;
    if (!j->silent)
        session_flags(s, seq, m, s->uid);
    else if (s->condstore)
        tell_modseq(s, seq, m);
}

/* Tells the flags as they are now. */
static enum outcome tell(struct session *s) {
    struct store_job *j = s->job;
    struct view_message m[BATCH];
    while ((!j->silent || s->condstore) && j->range < j->set.count) {
        if (conn_output_pending(s->conn) > OUTPUT_HIGH) {
            s->resume = tell;
            return COMMAND_MORE;
        }
        struct uid_range r = j->set.range[j->range];
        uint32_t n = r.last - j->seq + 1 < BATCH ? r.last - j->seq + 1 : BATCH;
        view_read(s->client, j->seq, n, m);
        for (uint32_t i = 0; i < n; i++)
            tell_one(s, j, j->seq + i, &m[i]);
        j->seq += n;
        if (j->seq > r.last && ++j->range < j->set.count)
            j->seq = j->set.range[j->range].first;
    }
    return finish(s, j);
}

/* The UIDs that the store refused, as the client counts. */
static void take_modified(struct session *s, struct store_job *j, const uint32_t *uid, size_t count) {
    j->modified = arena_array(&s->arena, count ? count : 1, sizeof *j->modified);
    for (size_t i = 0; i < count; i++) {
        uint32_t seq = view_seq_at(s->client, uid[i]);
        if (s->uid || (seq <= s->client->count && view_uid(s->client, seq) == uid[i]))
            j->modified[j->modified_count++] = s->uid ? uid[i] : seq;
    }
}

/* Every message that is there was changed after mod-sequence 0. */
static enum outcome refuse_all(struct session *s, struct store_job *j, const struct sequence *uids, size_t asked) {
    uint32_t *uid = arena_array(&s->arena, asked, sizeof *uid);
    size_t n = 0;
    for (size_t i = 0; i < uids->count; i++)
        for (uint32_t seq = view_seq_at(s->client, uids->range[i].first);
             seq <= s->client->count && view_uid(s->client, seq) <= uids->range[i].last; seq++)
            uid[n++] = view_uid(s->client, seq);
    take_modified(s, j, uid, n);
    return finish(s, j);
}

/* Leaves what may not be changed as it is. False: the session may change nothing of what is asked (RFC 4314 section
 * 4). */
static bool limit(const struct session *s, struct request *r, struct store_flag_change *x) {
    const uint32_t all = STORE_SEEN | STORE_ANSWERED | STORE_FLAGGED | STORE_DELETED | STORE_DRAFT;
    uint32_t may = access_flags(s->rights);
    bool named = r->flags.system || r->flags.count;
    if (may == all)
        return true;
    access_limit_flags(s->rights, &r->flags);
    x->flags = r->flags.system;
    x->keyword_count = r->flags.count;
    x->keeps = all & ~may;
    x->keeps_keywords = !(s->rights & RIGHT_WRITE);
    return named ? r->flags.system || r->flags.count : may != 0;
}

enum outcome command_store(struct session *s, struct parser *p) {
    struct store_job *j = arena_alloc(&s->arena, sizeof *j);
    struct request r;
    struct err err;
    if (!parse_space(p) || !parse_sequence(p, &j->set) || !parse_space(p) || !take_request(p, &r) || !parse_end(p) ||
        !session_messages(s, p, &j->set, s->uid))
        return session_syntax(s, p);
    if (s->read_only)
        return session_no(s, "[CANNOT] The mailbox is open for reading only");
    if (j->set.count == 0)
        return session_ok(s, "No such messages");
    limit_keep_highest(s, &j->set);
    struct sequence uids = session_uids(s, &j->set);
    struct store_flag_change change = {.change = r.change,
                                       .flags = r.flags.system,
                                       .keyword = r.flags.keyword,
                                       .keyword_count = r.flags.count,
                                       .unchanged_since = r.unchanged_since,
                                       .reader = s->reader,
                                       .by = s->client};
    size_t asked = 0;
    if (!limit(s, &r, &change))
        return session_refused(s, STORE_DENIED, NULL, NULL);
    if (r.conditional)
        condstore_enable(s);
    for (size_t i = 0; i < j->set.count; i++)
        asked += j->set.range[i].last - j->set.range[i].first + 1;
    if (r.conditional && r.unchanged_since == 0)
        return refuse_all(s, j, &uids, asked);
    enum store_status status =
        store_change_flags(s->service->store, &s->arena, s->owner, s->mailbox, uids.range, uids.count, &change, &err);
    if (status != STORE_OK)
        return session_refused(s, status, NULL, &err);
    session_keywords(s, false);
    take_modified(s, j, change.failed, change.failed_count);
    j->missing = change.count + change.failed_count < asked;
    j->silent = r.silent;
    j->seq = j->set.range[0].first;
    s->job = j;
    return tell(s);
}
