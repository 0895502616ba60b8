/* STORE (RFC 3501 section 6.4.6). */
#include "imap/command.h"

enum { BATCH = 256 };

struct store_job {
    struct sequence set; /* ranges of sequence numbers; the next to be told is `seq` in `range` */
    size_t range;
    uint32_t seq;
    bool silent, missing;
};

struct request {
    enum store_change change;
    bool silent;
    struct flags flags;
};

static bool take_request(struct parser *p, struct request *r) {
    *r = (struct request){.change = STORE_SET};
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
    return session_ok(s, "Stored");
}

/* Tells the flags as they are now. */
static enum outcome tell(struct session *s) {
    struct store_job *j = s->job;
    struct view_message m[BATCH];
    while (!j->silent && j->range < j->set.count) {
        if (conn_output_pending(s->conn) > OUTPUT_HIGH) {
            s->resume = tell;
            return COMMAND_MORE;
        }
        struct uid_range r = j->set.range[j->range];
        uint32_t n = r.last - j->seq + 1 < BATCH ? r.last - j->seq + 1 : BATCH;
        view_read(s->client, j->seq, n, m);
        for (uint32_t i = 0; i < n; i++)
            if (!m[i].gone)
                session_flags(s, j->seq + i, &m[i], s->uid);
        j->seq += n;
        if (j->seq > r.last && ++j->range < j->set.count)
            j->seq = j->set.range[j->range].first;
    }
    return finish(s, j);
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
    struct sequence uids = session_uids(s, &j->set);
    struct store_message *changed;
    size_t count, asked = 0;
    enum store_status status =
        store_change_flags(s->service->store, &s->arena, s->account, s->mailbox, uids.range, uids.count, r.change,
                           r.flags.system, r.flags.keyword, r.flags.count, 0, &changed, &count, NULL, NULL, &err);
    if (status != STORE_OK)
        return session_refused(s, status, NULL, &err);
    view_flags_changed(s->client, changed, count);
    session_keywords(s, false);
    for (size_t i = 0; i < j->set.count; i++)
        asked += j->set.range[i].last - j->set.range[i].first + 1;
    j->missing = count < asked;
    j->silent = r.silent;
    j->seq = j->set.range[0].first;
    s->job = j;
    return tell(s);
}
