#include "imap/fetch.h"

#include "base/log.h"
#include "imap/binary.h"
#include "imap/command.h"
#include "imap/condstore.h"
#include "imap/limit.h"
#include "store/sharing.h"
#include "view/cards.h"

#include <time.h>

enum {
    BATCH = 256,          /* messages looked up at a time */
    CHUNK = 128 * 1024,   /* bytes of a body read at a time */
    MAX_HEADER = 4 << 20, /* looked at for HEADER.FIELDS */
};

struct fetch_job {
    struct fetch_request r;
    struct sequence set; /* ranges of sequence numbers */
    size_t range;        /* the next message to look up is `seq` in this range */
    uint32_t seq;

    /* the batch: those of it that are there */
    struct arena arena;
    uint32_t room, count, at;
    uint32_t *number;
    struct view_message *m;
    struct card **card;
    bool *seen_now; /* \Seen was set by this command */

    /* the message being written */
    const struct mime_card *structure;
    size_t item;
    bool begun;
    struct span rest; /* of a body still to be written */
    bool in_binary;   /* rest is of this, instead of the message */
    struct binary binary;
    bool unknown_encoding; /* of a part that was to be decoded */
    size_t mark;           /* where the message's response begins in the output; SIZE_MAX: some of it has been sent */

    bool whole;       /* a message is not interrupted, however much waits to be sent */
    const char *text; /* of the OK */
    bool missing, failed;
    enum store_status status;
    struct err err;
};

/* ---- batches ---- */

static void drop_binary(struct fetch_job *j) {
    if (j->in_binary)
        binary_free(&j->binary);
    j->in_binary = false;
}

static void drop_batch(struct fetch_job *j) {
    drop_binary(j);
    for (uint32_t i = 0; j->r.cards && i < j->count; i++)
        card_release(j->card[i]);
    j->count = j->at = 0;
    arena_reset(&j->arena);
}

/* The next messages of the set that still exist. */
static void read_messages(struct session *s, struct fetch_job *j) {
    while (j->range < j->set.count && j->count < j->room) {
        struct uid_range r = j->set.range[j->range];
        uint32_t n = r.last - j->seq + 1, from = j->count;
        if (n > j->room - from)
            n = j->room - from;
        view_read(s->client, j->seq, n, j->m + from);
        for (uint32_t i = 0; i < n; i++) {
            j->missing = j->missing || j->m[from + i].gone;
            if (j->m[from + i].gone || j->m[from + i].modseq <= j->r.since)
                continue;
            j->number[j->count] = j->seq + i;
            j->m[j->count++] = j->m[from + i];
        }
        j->seq += n;
        if (j->seq > r.last && ++j->range < j->set.count)
            j->seq = j->set.range[j->range].first;
    }
}

/* Those whose card is gone have just been expunged. */
static enum store_status read_cards(struct session *s, struct fetch_job *j) {
    uint32_t uid[BATCH], n = 0;
    for (uint32_t i = 0; i < j->count; i++) {
        uid[i] = j->m[i].uid;
        j->card[i] = NULL;
    }
    enum store_status status = cards_get(s->service->cards, s->owner, s->mailbox, uid, j->count, j->card, &j->err);
    if (status != STORE_OK) {
        j->count = 0;
        return status;
    }
    for (uint32_t i = 0; i < j->count; i++) {
        j->missing = j->missing || !j->card[i];
        if (!j->card[i])
            continue;
        j->number[n] = j->number[i];
        j->m[n] = j->m[i];
        j->card[n++] = j->card[i];
    }
    j->count = n;
    return STORE_OK;
}

/* Reading a body sets \Seen. */
static enum store_status set_seen(struct session *s, struct fetch_job *j) {
    struct uid_range range[BATCH];
    size_t ranges = 0;
    struct store_flag_change change = {.change = STORE_ADD, .flags = STORE_SEEN, .reader = s->reader, .by = s->client};
    for (uint32_t i = 0; i < j->count; i++) {
        j->seen_now[i] = !(j->m[i].flags & STORE_SEEN);
        if (j->seen_now[i])
            range[ranges++] = (struct uid_range){j->m[i].uid, j->m[i].uid};
    }
    if (ranges == 0)
        return STORE_OK;
    enum store_status status =
        store_change_flags(s->service->store, &j->arena, s->owner, s->mailbox, range, ranges, &change, &j->err);
    if (status != STORE_OK)
        return status;
    for (uint32_t i = 0; i < j->count; i++) {
        struct view_message m;
        view_read(s->client, j->number[i], 1, &m);
        if (!m.gone)
            j->m[i] = m;
    }
    return STORE_OK;
}

static void next_batch(struct session *s, struct fetch_job *j) {
    drop_batch(j);
    read_messages(s, j);
    memset(j->seen_now, 0, j->room * sizeof *j->seen_now);
    j->status = j->r.cards && j->count ? read_cards(s, j) : STORE_OK;
    if (j->status == STORE_OK && j->r.sets_seen && !s->read_only && s->rights & RIGHT_SEEN)
        j->status = set_seen(s, j);
    j->failed = j->status != STORE_OK;
}

/* ---- items ---- */

/* "01-Feb-2026 12:00:00 +0000" (RFC 3501 section 9, date-time). */
static void write_date(int64_t t, struct buf *out) {
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t seconds = (time_t)(t >= 0 ? t / 1000000 : -((-t + 999999) / 1000000));
    struct tm tm;
    gmtime_r(&seconds, &tm);
    int year = tm.tm_year + 1900;
    if (year < 0 || year > 9999)
        year = year < 0 ? 0 : 9999;
    char text[] = "\"00-xxx-0000 00:00:00 +0000\"";
    const int value[] = {tm.tm_mday, year / 100, year % 100, tm.tm_hour, tm.tm_min, tm.tm_sec};
    static const int place[] = {1, 8, 10, 13, 16, 19};
    for (size_t i = 0; i < 6; i++) {
        text[place[i]] = (char)('0' + value[i] / 10);
        text[place[i] + 1] = (char)('0' + value[i] % 10);
    }
    memcpy(text + 4, months + tm.tm_mon * 3, 3);
    buf_add(out, text, sizeof text - 1);
}

static uint64_t message_bytes(const struct card *c) { return c->of.prefix.n + c->of.blob_size; }

/* Reads exactly the span; less there is a fault of the store. */
static enum store_status read_span(struct session *s, struct fetch_job *j, struct span span, struct buf *out) {
    size_t before = out->n;
    enum store_status status = store_read(s->service->store, &j->card[j->at]->of, span.offset, span.n, out, &j->err);
    if (status == STORE_OK && out->n - before != span.n) {
        log_error("account %lld, mailbox %lld, UID %u: the message is shorter than it should be", (long long)s->owner,
                  (long long)s->mailbox, j->m[j->at].uid);
        status = STORE_TEMPORARY;
    }
    return status;
}

/* The part of n bytes that a partial fetch asks for. */
static struct span clip(const struct fetch_item *item, struct span span) {
    if (!item->partial)
        return span;
    uint64_t from = item->from < span.n ? item->from : span.n, n = span.n - from;
    return (struct span){span.offset + from, n < item->most ? n : item->most};
}

static void write_literal(struct str bytes, struct buf *out) {
    buf_add_byte(out, '{');
    buf_add_u64(out, bytes.n);
    buf_add_c(out, "}\r\n");
    buf_add_str(out, bytes);
}

static enum store_status write_fields(struct session *s, struct fetch_job *j, const struct fetch_item *item,
                                      struct span span, struct buf *out) {
    struct buf header = BUF_EMPTY, chosen = BUF_EMPTY;
    if (span.n > MAX_HEADER)
        span.n = MAX_HEADER;
    enum store_status status = read_span(s, j, span, &header);
    if (status == STORE_OK) {
        section_fields(&item->section, buf_str(&header), &chosen);
        struct span part = clip(item, (struct span){0, chosen.n});
        write_literal(str_sub(buf_str(&chosen), (size_t)part.offset, (size_t)part.n), out);
    }
    buf_free(&header);
    buf_free(&chosen);
    return status;
}

/* The body itself is written by write_rest(). */
static enum store_status write_section(struct session *s, struct fetch_job *j, const struct fetch_item *item,
                                       struct buf *out) {
    const struct card *card = j->card[j->at];
    struct span span;
    buf_add_str(out, item->label);
    buf_add_byte(out, ' ');
    if (!section_span(&item->section, j->structure ? j->structure->root : NULL, card->of.prefix.n, message_bytes(card),
                      &span)) {
        buf_add_c(out, "NIL");
        return STORE_OK;
    }
    if (item->section.kind == SECTION_FIELDS || item->section.kind == SECTION_FIELDS_NOT)
        return write_fields(s, j, item, span, out);
    j->rest = clip(item, span);
    buf_add_byte(out, '{');
    buf_add_u64(out, j->rest.n);
    buf_add_c(out, "}\r\n");
    return STORE_OK;
}

static enum store_status write_binary(struct session *s, struct fetch_job *j, const struct fetch_item *item,
                                      struct buf *out) {
    bool only_size = item->kind == FETCH_BINARY_SIZE;
    const struct section *section = &item->section;
    const struct mime_part *part =
        section->path_count ? mime_find_part(j->structure->root, section->path, section->path_count) : NULL;
    buf_add_str(out, item->label);
    if (section->path_count && !part) {
        buf_add_c(out, only_size ? " 0" : " NIL");
        return STORE_OK;
    }
    enum store_status status =
        binary_decode(s, &j->card[j->at]->of, part, only_size ? BINARY_SIZE : BINARY_CONTENT, &j->binary, &j->err);
    j->in_binary = true;
    j->unknown_encoding = j->binary.unknown;
    if (status != STORE_OK || j->unknown_encoding)
        return status == STORE_OK ? STORE_INVALID : status;
    if (only_size) {
        buf_printf(out, " %llu", (unsigned long long)j->binary.n);
        drop_binary(j);
        return STORE_OK;
    }
    j->rest = clip(item, (struct span){0, j->binary.n});
    buf_printf(out, " %s{%llu}\r\n", j->binary.nul ? "~" : "", (unsigned long long)j->rest.n);
    return STORE_OK;
}

static enum store_status write_item(struct session *s, struct fetch_job *j, const struct fetch_item *item,
                                    struct buf *out) {
    static const char *const words[] = {
        [FETCH_UID] = "UID ",
        [FETCH_FLAGS] = "FLAGS ",
        [FETCH_INTERNALDATE] = "INTERNALDATE ",
        [FETCH_SIZE] = "RFC822.SIZE ",
        [FETCH_MODSEQ] = "MODSEQ (",
        [FETCH_SAVEDATE] = "SAVEDATE ",
        [FETCH_EMAILID] = "EMAILID (M",
        [FETCH_THREADID] = "THREADID NIL",
        [FETCH_BODY] = "BODY ",
        [FETCH_BODYSTRUCTURE] = "BODYSTRUCTURE ",
        [FETCH_ENVELOPE] = "ENVELOPE ",
        [FETCH_SECTION] = "",
        [FETCH_BINARY] = "",
        [FETCH_BINARY_SIZE] = "",
        [FETCH_PREVIEW] = "PREVIEW ",
        [FETCH_SNIPPET] = "SNIPPET (FUZZY ",
    };
    const struct view_message *m = &j->m[j->at];
    buf_add_c(out, words[item->kind]);
    switch (item->kind) {
    case FETCH_UID:
        buf_add_u64(out, m->uid);
        break;
    case FETCH_FLAGS:
        session_flag_list(s, m, out);
        j->seen_now[j->at] = false; /* they are told with it */
        break;
    case FETCH_INTERNALDATE:
        write_date(m->internal_date, out);
        break;
    case FETCH_SIZE:
        buf_add_u64(out, m->size);
        break;
    case FETCH_MODSEQ:
        buf_add_u64(out, m->modseq);
        buf_add_byte(out, ')');
        break;
    case FETCH_SAVEDATE:
        write_date(j->card[j->at]->of.saved_at, out);
        break;
    case FETCH_EMAILID:
        buf_add_u64(out, (uint64_t)j->card[j->at]->of.email_id);
        buf_add_byte(out, ')');
        break;
    case FETCH_THREADID: /* the store keeps no threads (RFC 8474 section 5.2) */
        break;
    case FETCH_ENVELOPE:
        mime_render_envelope(j->structure->envelope, s->utf8, out);
        break;
    case FETCH_BODY:
    case FETCH_BODYSTRUCTURE:
        mime_render_body(j->structure->root, item->kind == FETCH_BODYSTRUCTURE, out);
        break;
    case FETCH_PREVIEW:
        mime_render_nstring(j->structure->preview, out);
        break;
    case FETCH_SNIPPET:
        mime_render_nstring(j->structure->preview, out);
        buf_add_byte(out, ')');
        break;
    case FETCH_SECTION:
        return write_section(s, j, item, out);
    case FETCH_BINARY:
    case FETCH_BINARY_SIZE:
        return write_binary(s, j, item, out);
    }
    return STORE_OK;
}

/* ---- one message ---- */

static enum store_status begin_message(struct session *s, struct fetch_job *j, struct buf *out) {
    j->mark = out->n;
    j->begun = true;
    j->item = 0;
    j->rest = (struct span){0, 0};
    session_fetch(s, j->number[j->at], j->m[j->at].uid, out);
    arena_reset(&j->arena);
    j->structure = NULL;
    if (!j->r.structure)
        return STORE_OK;
    j->structure = mime_card_decode(&j->arena, j->card[j->at]->of.card);
    if (j->structure)
        return STORE_OK;
    log_error("account %lld, mailbox %lld, UID %u: the card can't be read", (long long)s->owner, (long long)s->mailbox,
              j->m[j->at].uid);
    return STORE_TEMPORARY;
}

static void end_message(struct session *s, struct fetch_job *j, struct buf *out) {
    drop_binary(j);
    if (j->seen_now[j->at]) {
        buf_add_c(out, " FLAGS ");
        session_flag_list(s, &j->m[j->at], out);
    }
    buf_add_c(out, ")\r\n");
    j->begun = false;
    j->at++;
}

/* Goes on with the message; false when the output is full. */
static bool write_message(struct session *s, struct fetch_job *j) {
    struct buf *out = session_out(s);
    if (!j->begun)
        j->status = begin_message(s, j, out);
    while (j->status == STORE_OK) {
        if (!j->whole && conn_output_pending(s->conn) > OUTPUT_HIGH)
            return false;
        if (j->rest.n) {
            struct span part = {j->rest.offset, j->rest.n < CHUNK ? j->rest.n : CHUNK};
            j->status = j->in_binary
                            ? binary_read(s, &j->card[j->at]->of, &j->binary, part.offset, part.n, out, &j->err)
                            : read_span(s, j, part, out);
            j->rest = (struct span){part.offset + part.n, j->rest.n - part.n};
        } else if (j->item < j->r.count) {
            drop_binary(j);
            if (j->item > 0)
                buf_add_byte(out, ' ');
            j->status = write_item(s, j, &j->r.item[j->item++], out);
        } else {
            end_message(s, j, out);
            return true;
        }
    }
    j->failed = true;
    return true;
}

/* ---- the command ---- */

/* A response that was begun is taken back; where the client has a part of it already, only hanging up is honest. */
static void take_back(struct session *s, struct fetch_job *j) {
    if (!j->begun)
        return;
    if (j->mark == SIZE_MAX)
        s->closing = true;
    else
        session_out(s)->n = j->mark;
}

static enum outcome finish(struct session *s, struct fetch_job *j) {
    if (j->failed)
        take_back(s, j);
    drop_batch(j);
    arena_free(&j->arena);
    if (s->closing)
        return COMMAND_DONE;
    if (j->unknown_encoding)
        return session_no(s, "[UNKNOWN-CTE] A part has a transfer encoding that is not known here");
    if (j->failed)
        return session_refused(s, j->status, NULL, &j->err);
    if (j->missing && !s->uid) /* RFC 2180 section 4.1 */
        return session_no(s, "[EXPUNGEISSUED] Some of the messages were expunged meanwhile");
    return session_ok(s, "%s", j->text);
}

/* The connection broke while the command was waiting. */
static void abandon(struct session *s) {
    struct fetch_job *j = s->job;
    drop_batch(j);
    arena_free(&j->arena);
}

static enum outcome go_on(struct session *s) {
    struct fetch_job *j = s->job;
    while (!j->failed && (j->at < j->count || j->range < j->set.count)) {
        if (j->at == j->count)
            next_batch(s, j);
        else if (!write_message(s, j) || conn_output_pending(s->conn) > OUTPUT_HIGH) {
            j->mark = SIZE_MAX;
            s->resume = go_on;
            s->abandon = abandon;
            return COMMAND_MORE;
        }
    }
    return finish(s, j);
}

static void make_room(struct session *s, struct fetch_job *j) {
    j->seq = j->set.count ? j->set.range[0].first : 0;
    for (size_t i = 0; i < j->set.count && j->room < BATCH; i++) {
        uint32_t n = j->set.range[i].last - j->set.range[i].first + 1;
        j->room = n < BATCH - j->room ? j->room + n : BATCH;
    }
    j->number = arena_array(&s->arena, j->room, sizeof *j->number);
    j->m = arena_array(&s->arena, j->room, sizeof *j->m);
    j->card = arena_array(&s->arena, j->room, sizeof *j->card);
    j->seen_now = arena_array(&s->arena, j->room, sizeof *j->seen_now);
}

/* Room for a batch, and off. */
static enum outcome begin(struct session *s, struct fetch_job *j, const char *text) {
    j->text = text;
    make_room(s, j);
    s->job = j;
    return go_on(s);
}

/* What follows for the session and the answer from mod-sequences that were asked for. */
static bool prepare_modseq(struct session *s, struct parser *p, struct fetch_request *r) {
    if (r->vanished && (!s->uid || !s->qresync))
        return parse_fail(p, "VANISHED is for UID FETCH, behind ENABLE QRESYNC");
    if (r->modseq)
        condstore_enable(s);
    bool tell = r->since_given || (s->condstore && r->sets_seen);
    return (!tell || fetch_want(p, r, FETCH_MODSEQ)) && (!r->vanished || s->uid_only || fetch_want(p, r, FETCH_UID));
}

enum outcome fetch_changed(struct session *s, const struct sequence *uids, uint64_t since, const char *text) {
    struct uid_range all = {1, 0};
    const struct sequence everything = {&all, 1, false};
    struct fetch_job *j = arena_alloc(&s->arena, sizeof *j);
    struct parser p = {.arena = &s->arena};
    j->set = sequence_copy(uids->count ? uids : &everything, &s->arena);
    if (!s->uid_only)
        fetch_want(&p, &j->r, FETCH_UID);
    fetch_want(&p, &j->r, FETCH_FLAGS), fetch_want(&p, &j->r, FETCH_MODSEQ);
    j->r.since = since;
    session_messages(s, &p, &j->set, true);
    return begin(s, j, text);
}

/* RFC 9394 section 3.3: of the messages asked for, and of those the ones that changed, only a page. */
static void take_page(struct session *s, struct fetch_job *j) {
    struct view_message m[BATCH];
    struct search_found f = {0};
    for (size_t i = 0; i < j->set.count; i++) {
        struct uid_range r = j->set.range[i];
        for (uint64_t seq = r.first; seq <= r.last; seq += BATCH) {
            uint32_t first = (uint32_t)seq, n = r.last - first + 1 < BATCH ? r.last - first + 1 : BATCH;
            view_read(s->client, first, n, m);
            for (uint32_t k = 0; k < n; k++)
                if (!m[k].gone && m[k].modseq > j->r.since)
                    search_add(s, &f, first + k, m[k].modseq);
        }
    }
    size_t from, n = search_page(&j->r.page, f.count, &from);
    j->set = search_ranges(&s->arena, f.seq + (n ? from : 0), n);
}

enum outcome command_fetch(struct session *s, struct parser *p) {
    struct fetch_job *j = arena_alloc(&s->arena, sizeof *j);
    struct err err;
    if (!parse_space(p) || !parse_sequence(p, &j->set) || !parse_space(p) ||
        !fetch_parse(p, s->uid && !s->uid_only, &j->r) || !fetch_parse_modifiers(p, &j->r) || !parse_end(p) ||
        !prepare_modseq(s, p, &j->r))
        return session_syntax(s, p);
    struct sequence as_given = sequence_copy(j->set.saved ? &s->saved : &j->set, &s->arena);
    bool nothing_saved = j->set.saved && as_given.count == 0;
    if (!session_messages(s, p, &j->set, s->uid))
        return session_syntax(s, p);
    enum store_status status =
        j->r.vanished && !nothing_saved ? vanished_since(s, as_given, j->r.since, &err) : STORE_OK;
    if (status != STORE_OK)
        return session_refused(s, status, NULL, &err);
    if (j->r.page.given && limit_forbids(s, (uint64_t)j->r.page.last - j->r.page.first + 1))
        return limit_refuse(s);
    if (j->r.page.given)
        take_page(s, j);
    else
        limit_keep_highest(s, &j->set);
    return begin(s, j, "Done");
}

bool fetch_untagged(struct session *s, const struct fetch_request *r, uint32_t seq, size_t most) {
    struct fetch_job *j = arena_alloc(&s->arena, sizeof *j);
    struct uid_range one = {seq, seq};
    const struct sequence set = {&one, 1, false};
    j->r = *r;
    j->whole = true;
    j->set = sequence_copy(&set, &s->arena);
    make_room(s, j);
    next_batch(s, j);
    size_t more = j->count && j->r.cards ? j->m[0].size : 0;
    bool fits = conn_output_pending(s->conn) + more <= most;
    if (fits && j->count && !j->failed)
        write_message(s, j);
    if (j->failed) {
        log_debug("imap: a new message could not be told: %s", j->err.text);
        take_back(s, j);
    }
    drop_batch(j);
    arena_free(&j->arena);
    return fits;
}
