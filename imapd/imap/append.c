#include "imap/append.h"

#include "base/log.h"
#include "imap/access.h"
#include "imap/append_parse.h"
#include "imap/catenate.h"
#include "imap/command.h"
#include "imap/copy.h"
#include "imap/limit.h"
#include "imap/notify.h"
#include "imap/spool.h"
#include "mime/convert.h"
#include "mime/mime.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    MAX_PIECE = 64 * 1024,     /* of the command between two literals */
    MAX_MESSAGES = 1000,       /* in one command */
    MAX_URLS = 4000,           /* the same */
    MAX_SIZES = 4,             /* how many times the size of one message all of them may have */
    MAX_CARD_BYTES = 32 << 20, /* of all of them */
    CONVERTED_PIECE = 64 * 1024,
};

/* One message: where it is in the spool. */
struct draft {
    struct flags flags;
    int64_t date; /* 0: now */
    uint64_t start, n;
};

struct append {
    struct append_syntax syntax;
    struct store_mailbox box;  /* where to; its strings are not kept */
    struct access_place place; /* the same */
    uint32_t replaced;         /* UID of the message that goes, 0: none does */
    struct draft *draft;       /* the last one may be open */
    size_t count, room, urls;
    struct spool spool;
    uint64_t left;     /* of the literal that is coming */
    bool binary;       /* which may hold NUL */
    bool nul;          /* the message has one */
    bool discard;      /* nothing is kept any more: it is only looked where the command ends */
    bool bad;          /* the refusal is a BAD */
    char refusal[400]; /* why it will be refused, with its response code; "" so far not at all */
};

void append_cancel(struct session *s) {
    struct append *a = s->append;
    if (!a)
        return;
    spool_free(&a->spool);
    free(a->draft);
    free(a);
    s->append = NULL;
}

static void refuse(struct append *a, const char *why) {
    if (!*a->refusal)
        str_to_c(str_sub(str_of(why), 0, sizeof a->refusal - 1), a->refusal, sizeof a->refusal);
    a->discard = true;
}

static void refuse_bad(struct append *a, const char *why) {
    a->bad = a->bad || !*a->refusal;
    refuse(a, why);
}

static void no_room(struct append *a, const struct err *err) {
    log_error("imap: %s", err->text);
    refuse(a, "[UNAVAILABLE] No room for the message at the moment, try again later");
}

static enum outcome send_refusal(struct session *s, const struct append *a) {
    return a->bad ? session_bad(s, "%s", a->refusal) : session_no(s, "%s", a->refusal);
}

/* ---- the messages ---- */

static void look_up(struct session *s, struct append *a, struct str name) {
    struct err err;
    switch (access_find(s, name, RIGHT_INSERT, &a->box, &a->place, &err)) {
    case STORE_OK:
        break;
    case STORE_DENIED:
        refuse(a, "[NOPERM] You have no right to do that there");
        break;
    case STORE_TEMPORARY:
        refuse(a, "[UNAVAILABLE] The mail store can't be reached at the moment, try again later");
        break;
    default:
        refuse(a, a->place.own ? "[TRYCREATE] No such mailbox" : "[NONEXISTENT] No such mailbox");
        break;
    }
}

static struct flags keep_flags(const struct flags *flags, struct arena *arena) {
    struct flags kept = {.system = flags->system, .count = flags->count};
    kept.keyword = arena_array(arena, flags->count, sizeof *kept.keyword);
    for (size_t i = 0; i < flags->count; i++)
        kept.keyword[i] = arena_str(arena, flags->keyword[i]);
    return kept;
}

static void begin_message(struct session *s, struct append *a, const struct append_step *step) {
    if (limit_forbids_saving(s, a->count + 1)) {
        char why[64];
        snprintf(why, sizeof why, "[MESSAGELIMIT %zu] Too many messages for one command", a->count);
        refuse(a, why);
        return;
    }
    if (a->count == MAX_MESSAGES) {
        refuse(a, "[LIMIT] More than 1000 messages in one command");
        return;
    }
    if (a->count == a->room) {
        a->room = a->room ? a->room * 2 : 1;
        a->draft = mem_resize(a->draft, a->room * sizeof *a->draft);
    }
    struct draft *d = &a->draft[a->count++];
    *d = (struct draft){.flags = keep_flags(&step->flags, &s->arena), .date = step->date, .start = a->spool.n};
    access_limit_flags(a->box.rights, &d->flags);
    a->nul = false;
}

static void check_size(const struct session *s, struct append *a, uint64_t more) {
    uint64_t limit = s->service->append_limit, message = a->spool.n - a->draft[a->count - 1].start;
    if (more > limit || message + more > limit)
        refuse(a, "[TOOBIG] The message is larger than this server takes");
    else if (a->spool.n + more > MAX_SIZES * limit)
        refuse(a, "[TOOBIG] The messages together are larger than this server takes in one command");
}

static bool take_converted(void *spool, struct str piece) {
    struct err err;
    bool good = spool_add(spool, piece, &err);
    if (!good)
        log_error("imap: %s", err.text);
    return good;
}

/* Makes the message one without NUL, for clients that did not ask for binary (RFC 9051 section 4.3.1). BINARY gives the
 * content back as it came. */
static bool convert(struct append *a, struct spool *to, struct err *err) {
    uint64_t start = a->draft[a->count - 1].start;
    struct arena arena = ARENA_EMPTY;
    struct buf piece = BUF_EMPTY;
    struct str all;
    bool good = spool_view(&a->spool, &all, err);
    if (good && !convert_pieces(&arena, str_sub(all, (size_t)start, all.n), CONVERT_NO_NUL, take_converted, to))
        good = err_set(err, "a message that holds NUL can't be kept");
    good = good && spool_cut(&a->spool, start, err);
    for (uint64_t at = 0; good && at < to->n; at += CONVERTED_PIECE) {
        uint64_t n = to->n - at < CONVERTED_PIECE ? to->n - at : CONVERTED_PIECE;
        buf_reset(&piece);
        good = spool_read(to, at, n, &piece, err) && spool_add(&a->spool, buf_str(&piece), err);
    }
    buf_free(&piece);
    arena_free(&arena);
    return good;
}

static void end_message(struct session *s, struct append *a) {
    struct draft *d = &a->draft[a->count - 1];
    struct err err;
    if (a->spool.n == d->start)
        refuse(a, "[CANNOT] The message is empty");
    if (a->nul && !a->discard) {
        struct spool to;
        spool_init(&to, s->service->spool);
        if (!convert(a, &to, &err))
            no_room(a, &err);
        spool_free(&to);
    }
    d->n = a->spool.n - d->start;
}

static void add_url(struct session *s, struct append *a, struct str url) {
    uint64_t limit = s->service->append_limit, has = a->spool.n - a->draft[a->count - 1].start;
    struct str why;
    if (a->urls++ == MAX_URLS) {
        refuse(a, "[LIMIT] More than 4000 URLs in one command");
        return;
    }
    if (!catenate_add(s, url, limit - has, &a->spool, &a->nul, &why))
        refuse(a, why.p);
    else
        check_size(s, a, 0);
}

static void run_steps(struct session *s, struct append *a, const struct append_step *step, size_t count) {
    for (size_t i = 0; i < count && !a->discard; i++) {
        if (step[i].kind == APPEND_MESSAGE)
            begin_message(s, a, &step[i]);
        else if (step[i].kind == APPEND_URL)
            add_url(s, a, step[i].url);
        else
            end_message(s, a);
    }
}

/* ---- delivering ---- */

static struct store_delivery delivery(const struct append *a, const struct draft *d) {
    return (struct store_delivery){
        .account_id = a->box.account_id,
        .mailbox_id = a->box.id,
        .reader = a->box.reader,
        .quota_bytes = a->place.quota.bytes,
        .quota_messages = a->place.quota.messages,
        .prefix = STR(""),
        .flags = d->flags.system,
        .keyword = d->flags.keyword,
        .keyword_count = d->flags.count,
        .internal_date = d->date,
    };
}

static enum outcome reply(struct session *s, const struct store_delivery *d, size_t count) {
    uint32_t *uid = arena_array(&s->arena, count, sizeof *uid);
    struct buf uids = BUF_EMPTY;
    for (size_t i = 0; i < count; i++)
        uid[i] = d[i].uid;
    copy_write_uids(uid, count, &uids);
    notify_own_messages(s, d->into_mailbox, uid[0], uid[count - 1]);
    session_ok(s, "[APPENDUID %u %s] Appended", d->uidvalidity, uids.p);
    buf_free(&uids);
    return COMMAND_DONE;
}

/* The cards of all messages, one behind the other. */
static bool make_cards(struct append *a, struct store_append *m, struct str all, struct buf *cards) {
    size_t *end = mem_alloc(a->count * sizeof *end);
    for (size_t i = 0; i < a->count && cards->n <= MAX_CARD_BYTES; i++) {
        struct arena arena = ARENA_EMPTY;
        m[i].message = str_sub(all, (size_t)a->draft[i].start, (size_t)a->draft[i].n);
        mime_card_encode(mime_parse(&arena, m[i].message), cards);
        arena_free(&arena);
        end[i] = cards->n;
    }
    bool good = cards->n <= MAX_CARD_BYTES;
    for (size_t i = 0; good && i < a->count; i++) {
        size_t from = i ? end[i - 1] : 0;
        m[i].card = str_sub(buf_str(cards), from, end[i] - from);
    }
    free(end);
    return good;
}

static enum outcome refused(struct session *s, const struct append *a, enum store_status status,
                            const struct err *err) {
    return session_refused(s, status, status == STORE_NOT_FOUND && a->place.own ? "TRYCREATE" : NULL, err);
}

static enum outcome append_all(struct session *s, const struct append *a, const struct store_append *m,
                               struct store_delivery *d) {
    struct err err;
    enum store_status status = store_append(s->service->store, m, d, a->count, &err);
    return status == STORE_OK ? reply(s, d, a->count) : refused(s, a, status, &err);
}

/* RFC 8508 section 3.4: the UID before the EXPUNGE. */
static enum outcome replace(struct session *s, const struct append *a, const struct store_append *m,
                            struct store_delivery *d) {
    struct err err;
    enum store_status status =
        store_replace(s->service->store, &s->arena, s->owner, s->mailbox, a->replaced, m, d, &err);
    if (status == STORE_INVALID)
        return session_no(s, "[EXPUNGEISSUED] %s", err.text);
    if (status != STORE_OK)
        return refused(s, a, status, &err);
    conn_printf(s->conn, "* OK [APPENDUID %u %u] Replaced\r\n", d->uidvalidity, d->uid);
    if (view_refresh(s->client, -1, &err) == STORE_OK)
        session_announce(s, true);
    return session_ok(s, "Done");
}

static enum outcome deliver(struct session *s, struct append *a) {
    struct store_append *m = arena_array(&s->arena, a->count, sizeof *m);
    struct store_delivery *d = arena_array(&s->arena, a->count, sizeof *d);
    struct buf cards = BUF_EMPTY;
    struct str all;
    struct err err;
    if (!spool_view(&a->spool, &all, &err)) {
        no_room(a, &err);
        return send_refusal(s, a);
    }
    for (size_t i = 0; i < a->count; i++)
        d[i] = delivery(a, &a->draft[i]);
    enum outcome o;
    if (!make_cards(a, m, all, &cards))
        o = session_no(s, "[LIMIT] The messages have too many parts for one command");
    else if (a->replaced)
        o = replace(s, a, m, d);
    else
        o = append_all(s, a, m, d);
    buf_free(&cards);
    return o;
}

/* ---- the literals ---- */

static void keep(struct append *a, struct str bytes) {
    struct err err;
    if (a->discard)
        return;
    bool nul = memchr(bytes.p, 0, bytes.n) != NULL;
    if (nul && !a->binary) /* RFC 3501 section 9: a literal has no NUL, a literal8 may (RFC 3516) */
        refuse(a, "[CANNOT] The message holds a NUL byte");
    else if (!spool_add(&a->spool, bytes, &err))
        no_room(a, &err);
    a->nul = a->nul || nul;
}

/* A literal of so many bytes is announced. Where the client waits to be asked, a refusal is said instead, and that was
 * the command: then false. */
static bool expect(struct session *s, struct append *a, uint64_t size, bool unasked) {
    if (!a->discard)
        check_size(s, a, size);
    if (!a->discard && size == 0 && !a->syntax.catenate)
        refuse(a, "[CANNOT] The message is empty");
    a->left = size;
    if (unasked)
        return true;
    if (a->discard)
        send_refusal(s, a);
    else
        conn_write(s->conn, STR("+ OK\r\n"));
    return !a->discard;
}

/* ---- from literal to literal ---- */

enum taken {
    TAKE_MORE,  /* input */
    TAKE_AGAIN, /* look at what is there */
    TAKE_DONE,  /* the reply is written */
};

static void consume(struct session *s, size_t n) {
    conn_consume(s->conn, n);
    s->scanned = s->searched = 0;
}

static enum taken end_command(struct session *s, struct append *a, size_t line_end) {
    s->command_bytes = line_end;
    if (a->discard)
        send_refusal(s, a);
    else
        deliver(s, a);
    s->command_bytes = 0;
    consume(s, line_end);
    return TAKE_DONE;
}

static enum taken go_on(struct session *s, struct append *a, size_t line_end, uint64_t size, bool unasked) {
    bool more = expect(s, a, size, unasked);
    consume(s, line_end);
    return more ? TAKE_AGAIN : TAKE_DONE;
}

/* A piece of the command up to a line end; announced: a literal follows. */
static enum taken take_piece(struct session *s, struct append *a, struct str piece, bool announced, uint64_t size,
                             bool unasked) {
    struct arena arena = ARENA_EMPTY; /* what is read again when more of it is there leaves nothing behind */
    struct parser p = {.in = piece, .arena = &arena, .utf8 = s->utf8};
    struct append_step *step;
    size_t count;
    enum append_stop stop = a->discard ? APPEND_BAD : append_parse(&p, &a->syntax, &step, &count, &a->binary);
    if (stop == APPEND_MORE && piece.n + size <= MAX_PIECE) {
        arena_free(&arena);
        if (!unasked)
            conn_write(s->conn, STR("+ OK\r\n"));
        s->scanned = s->searched = piece.n + (size_t)size;
        return TAKE_AGAIN;
    }
    if (stop >= APPEND_LITERAL)
        run_steps(s, a, step, count);
    else if (!a->discard)
        refuse_bad(a, p.error ? p.error : "A literal is too large");
    arena_free(&arena);
    return announced ? go_on(s, a, piece.n, size, unasked) : end_command(s, a, piece.n);
}

static enum taken take_line(struct session *s, struct append *a) {
    struct str in = conn_input(s->conn);
    ptrdiff_t newline = s->searched < in.n ? str_chr(str_sub(in, s->searched, in.n), '\n') : -1;
    if (newline < 0) {
        s->searched = s->searched > in.n ? s->searched : in.n;
        if (in.n <= MAX_PIECE && !conn_input_full(s->conn))
            return TAKE_MORE;
        s->closing = true;
        session_bad(s, "No line end behind the message");
        return TAKE_DONE;
    }
    size_t end = s->searched + (size_t)newline + 1, text = end - 1;
    if (text > s->scanned && in.p[text - 1] == '\r')
        text--;
    uint64_t size = 0;
    bool unasked = false;
    bool announced = parse_literal_announced(str_sub(in, s->scanned, text - s->scanned), &size, &unasked);
    return take_piece(s, a, str_sub(in, 0, end), announced, size, unasked);
}

static void take_bytes(struct session *s, struct append *a) {
    struct str in = conn_input(s->conn);
    if (a->left == 0 || in.n == 0)
        return;
    struct str bytes = str_sub(in, 0, a->left < in.n ? (size_t)a->left : in.n);
    keep(a, bytes);
    a->left -= bytes.n;
    conn_consume(s->conn, bytes.n);
}

static enum outcome take(struct session *s) {
    struct append *a = s->append;
    enum taken taken = TAKE_AGAIN;
    while (taken == TAKE_AGAIN) {
        take_bytes(s, a);
        taken = a->left ? TAKE_MORE : take_line(s, a);
    }
    if (taken == TAKE_MORE)
        return COMMAND_INPUT;
    append_cancel(s);
    return COMMAND_DONE;
}

/* ---- the command ---- */

struct head {
    struct str tag, word, name;
    bool uid, replaces;
    uint32_t number; /* of the message that is replaced; 0: the last one */
};

/* Behind the command's name: of which message, to which mailbox. */
static bool take_head(struct parser *p, struct head *h) {
    if (!parse_space(p))
        return false;
    if (h->replaces) {
        bool last = !h->uid && parse_peek(p) == '*';
        p->at += last;
        if (!last && (!parse_number(p, &h->number) || h->number == 0))
            return parse_fail(p, "Expected the number of a message");
        if (!parse_space(p))
            return false;
    }
    return parse_mailbox(p, &h->name);
}

static bool take_words(struct parser *p, struct head *h) {
    if (!parse_tag(p, &h->tag) || !parse_space(p) || !parse_atom(p, &h->word))
        return false;
    h->uid = str_ieq(h->word, STR("UID"));
    if (h->uid && (!parse_space(p) || !parse_atom(p, &h->word)))
        return false;
    h->replaces = str_ieq(h->word, STR("REPLACE"));
    return h->replaces || (!h->uid && str_ieq(h->word, STR("APPEND")));
}

/* The message that goes, by its UID. */
static void find_replaced(struct session *s, struct append *a, const struct head *h) {
    struct parser p = {.uid_only = s->uid_only};
    if (s->state != SELECTED || (!h->uid && !parse_numbers_allowed(&p))) {
        refuse_bad(a, p.error ? p.error : "Select a mailbox first");
        return;
    }
    if (s->read_only) {
        refuse(a, "[CANNOT] The mailbox is open for reading only");
        return;
    }
    if ((s->rights & (RIGHT_DELETE | RIGHT_EXPUNGE)) != (RIGHT_DELETE | RIGHT_EXPUNGE)) {
        refuse(a, "[NOPERM] You have no right to do that there");
        return;
    }
    if (h->uid && !session_meet(s, h->number)) {
        refuse(a, "[UNAVAILABLE] The mail store can't be reached at the moment, try again later");
        return;
    }
    uint32_t count = s->client->count, seq = h->number ? h->number : count;
    if (h->uid)
        seq = view_seq_at(s->client, h->number);
    if (h->uid && (seq > count || view_uid(s->client, seq) != h->number))
        refuse(a, "[NONEXISTENT] There is no message with that UID");
    else if (seq == 0 || seq > count)
        refuse_bad(a, "There is no message with that number");
    else
        a->replaced = view_uid(s->client, seq);
}

static struct append *begin(struct session *s, const struct head *h, const struct append_syntax *syntax) {
    struct append *a = mem_zero(sizeof *a);
    spool_init(&a->spool, s->service->spool);
    a->syntax = *syntax;
    s->append = a;
    if (h->replaces)
        find_replaced(s, a, h);
    if (!a->discard)
        look_up(s, a, h->name);
    return a;
}

bool append_starts(struct session *s, struct str line, uint64_t size, bool unasked) {
    struct arena arena = ARENA_EMPTY;
    struct parser p = {.in = line, .arena = &arena, .utf8 = s->utf8};
    struct head head = {0};
    struct append_syntax syntax = {0};
    struct append_step *step;
    size_t count;
    bool binary, starts = take_words(&p, &head) && take_head(&p, &head);
    syntax.single = head.replaces;
    starts = starts && append_parse(&p, &syntax, &step, &count, &binary) == APPEND_LITERAL;
    if (starts) {
        s->tag = arena_str(&s->arena, head.tag);
        s->uid = head.uid;
        s->command = command_find(head.word, head.uid);
        struct append *a = begin(s, &head, &syntax);
        a->binary = binary;
        run_steps(s, a, step, count);
        if (go_on(s, a, line.n, size, unasked) == TAKE_DONE)
            append_cancel(s);
        else
            s->take_input = take;
    }
    arena_free(&arena);
    return starts;
}

/* Where there is no literal with bytes of a message: all of it is by URL, or the arguments are wrong. */
static enum outcome without_literal(struct session *s, struct parser *p, bool replaces) {
    struct head head = {.uid = s->uid, .replaces = replaces};
    struct append_step *step;
    struct append_syntax syntax = {.single = replaces};
    size_t count;
    bool binary;
    if (!take_head(p, &head) || append_parse(p, &syntax, &step, &count, &binary) != APPEND_END)
        return parse_fail(p, "The message has to be a literal"), session_syntax(s, p);
    struct append *a = begin(s, &head, &syntax);
    run_steps(s, a, step, count);
    enum outcome o = a->discard ? send_refusal(s, a) : deliver(s, a);
    append_cancel(s);
    return o;
}

enum outcome command_append(struct session *s, struct parser *p) { return without_literal(s, p, false); }

enum outcome command_replace(struct session *s, struct parser *p) { return without_literal(s, p, true); }
