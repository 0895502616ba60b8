#include "imap/condstore.h"

#include "imap/copy.h"

#include <stdio.h>
#include <stdlib.h>

/* "(uidvalidity modseq [known-uids] [(known-sequence-set known-uid-set)])"; what the last one would save is not worth
 * looking at: nothing is told twice anyway. */
static bool parse_qresync(struct parser *p, struct resync *r) {
    struct sequence ignored;
    r->wanted = true;
    if (!parse_space(p) || !parse_byte(p, '(') || !parse_number(p, &r->uidvalidity) || !parse_space(p) ||
        !parse_number64(p, &r->since))
        return false;
    if (r->uidvalidity == 0 || r->since == 0)
        return parse_fail(p, "Neither UIDVALIDITY nor a mod-sequence is 0");
    if (parse_peek(p) == ' ' && p->at + 1 < p->in.n && p->in.p[p->at + 1] != '(') {
        p->at++;
        if (!parse_sequence(p, &r->known))
            return false;
        if (r->known.saved)
            return parse_fail(p, "Nothing is saved of a mailbox that is not selected yet");
    }
    if (parse_peek(p) == ' ') {
        p->at++;
        if (!parse_numbers_allowed(p) || !parse_byte(p, '(') || !parse_sequence(p, &ignored) || !parse_space(p) ||
            !parse_sequence(p, &ignored) || !parse_byte(p, ')'))
            return false;
    }
    return parse_byte(p, ')');
}

struct select_request {
    struct session *s;
    struct resync *resync;
};

static bool take_parameter(struct parser *p, void *x) {
    struct select_request *r = x;
    if (parse_skip_word(p, STR("CONDSTORE"))) {
        condstore_enable(r->s);
        return true;
    }
    if (!parse_skip_word(p, STR("QRESYNC")))
        return parse_fail(p, "Unknown parameter");
    return r->s->qresync ? parse_qresync(p, r->resync) : parse_fail(p, "ENABLE QRESYNC first");
}

bool resync_parse(struct session *s, struct parser *p, struct resync *r) {
    *r = (struct resync){0};
    if (parse_peek(p) != ' ')
        return true;
    p->at++;
    return parse_parenthesized(p, take_parameter, &(struct select_request){s, r});
}

void vanished_write(struct session *s, const uint32_t *uid, size_t count, bool earlier) {
    if (count == 0)
        return;
    struct buf *out = session_out(s);
    buf_add_c(out, earlier ? "* VANISHED (EARLIER) " : "* VANISHED ");
    copy_write_uids(uid, count, out);
    buf_add_c(out, "\r\n");
}

static int by_number(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* What the client has in its mailbox just now it will be told of by itself, when it goes. */
static bool still_there(const struct session *s, uint32_t uid) {
    uint32_t seq = view_seq_at(s->client, uid);
    return seq <= s->client->count && view_uid(s->client, seq) == uid;
}

enum store_status vanished_since(struct session *s, struct sequence set, uint64_t since, struct err *err) {
    struct store_expunged *e;
    size_t count, n = 0, range = 0;
    enum store_status status =
        store_expunged(s->service->store, &s->arena, s->owner, s->mailbox, since, &e, &count, err);
    if (status != STORE_OK)
        return status;
    uint32_t *uid = arena_array(&s->arena, count ? count : 1, sizeof *uid);
    for (size_t i = 0; i < count; i++)
        if (!still_there(s, e[i].uid))
            uid[n++] = e[i].uid;
    qsort(uid, n, sizeof *uid, by_number);
    if (set.count) {
        size_t kept = 0;
        sequence_resolve(&set, UINT32_MAX);
        for (size_t i = 0; i < n && range < set.count;) {
            if (uid[i] > set.range[range].last)
                range++;
            else if (uid[i++] >= set.range[range].first)
                uid[kept++] = uid[i - 1];
        }
        n = kept;
    }
    vanished_write(s, uid, n, true);
    return STORE_OK;
}

void condstore_code(const struct session *s, char out[48]) {
    out[0] = 0;
    if (s->condstore && s->client)
        snprintf(out, 48, "[HIGHESTMODSEQ %llu] ", (unsigned long long)s->client->announced);
}
