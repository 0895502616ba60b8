#include "imap/append.h"

#include "base/log.h"
#include "imap/command.h"
#include "mime/mime.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    IN_MEMORY = 256 * 1024, /* larger messages go to a file */
    MAX_TAIL = 1024,        /* what may stand behind the literal */
};

struct append {
    int64_t mailbox;
    struct flags flags;
    int64_t internal_date; /* 0: now */
    bool utf8;             /* "UTF8 (~{...}...)", RFC 6855 section 4 */
    uint64_t size, left;
    struct buf bytes;
    int fd;            /* -1: in memory */
    char refusal[160]; /* why it will be refused, with its response code; "" so far not at all */
};

/* ---- the command up to the literal ---- */

static bool take_head(struct parser *p, struct append *a, struct str *name) {
    if (!parse_space(p) || !parse_mailbox(p, name) || !parse_space(p))
        return false;
    if (parse_peek(p) == '(' && (!parse_flag_list(p, &a->flags) || !parse_space(p)))
        return false;
    if (parse_peek(p) == '"' && (!parse_date_time(p, &a->internal_date) || !parse_space(p)))
        return false;
    a->utf8 = p->utf8 && parse_skip_word(p, STR("UTF8 (~"));
    return parse_peek(p) == '{';
}

static void refuse(struct append *a, const char *why) {
    if (!*a->refusal)
        str_to_c(str_of(why), a->refusal, sizeof a->refusal);
}

static void look_up(struct session *s, struct append *a, struct str name) {
    struct store_mailbox m;
    struct err err;
    switch (store_mailbox_find(s->service->store, &s->arena, s->account, name, &m, &err)) {
    case STORE_OK:
        a->mailbox = m.id;
        break;
    case STORE_TEMPORARY:
        refuse(a, "[UNAVAILABLE] The mail store can't be reached at the moment, try again later");
        break;
    default:
        refuse(a, "[TRYCREATE] No such mailbox");
        break;
    }
    if (a->size > s->service->append_limit)
        refuse(a, "[TOOBIG] The message is larger than this server takes");
    if (a->size == 0)
        refuse(a, "[CANNOT] The message is empty");
}

static struct append *new_append(struct append *of) {
    struct append *a = mem_alloc(sizeof *a);
    *a = *of;
    return a;
}

static enum outcome take_message(struct session *s);

bool append_starts(struct session *s, struct str head, uint64_t size, bool unasked) {
    struct append a = {.size = size, .left = size, .fd = -1};
    struct parser p = {.in = head, .arena = &s->arena, .utf8 = s->utf8};
    struct str tag, word, name;
    if (!parse_tag(&p, &tag) || !parse_space(&p) || !parse_atom(&p, &word) || !str_ieq(word, STR("APPEND")) ||
        !take_head(&p, &a, &name))
        return false;
    s->tag = arena_str(&s->arena, tag);
    s->command = command_find(word, false);
    look_up(s, &a, name);
    conn_consume(s->conn, head.n);
    s->scanned = s->searched = 0;
    if (*a.refusal && !unasked) {
        session_no(s, "%s", a.refusal);
        return true;
    }
    if (!unasked)
        conn_write(s->conn, STR("+ OK\r\n"));
    s->append = new_append(&a);
    s->take_input = take_message;
    return true;
}

void append_cancel(struct session *s) {
    struct append *a = s->append;
    if (!a)
        return;
    if (a->fd >= 0)
        close(a->fd);
    buf_free(&a->bytes);
    free(a);
    s->append = NULL;
}

/* ---- the literal ---- */

static bool write_all(int fd, struct str bytes) {
    while (bytes.n) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n <= 0)
            return false;
        bytes = str_sub(bytes, (size_t)n, bytes.n);
    }
    return true;
}

static bool open_spool(struct session *s, struct append *a) {
    a->fd = open(s->service->spool, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    return a->fd >= 0 && write_all(a->fd, buf_str(&a->bytes));
}

static void keep(struct session *s, struct append *a, struct str bytes) {
    if (*a->refusal)
        return;
    if (memchr(bytes.p, 0, bytes.n)) { /* RFC 3501 section 9: a literal has no NUL */
        refuse(a, "[CANNOT] The message holds a NUL byte");
        return;
    }
    bool spooled = a->size > IN_MEMORY;
    if (!spooled) {
        buf_add_str(&a->bytes, bytes);
        return;
    }
    if ((a->fd < 0 && !open_spool(s, a)) || !write_all(a->fd, bytes)) {
        log_error("imap: can't keep a message of %llu bytes in %s: %m", (unsigned long long)a->size, s->service->spool);
        refuse(a, "[UNAVAILABLE] No room for the message at the moment, try again later");
    }
}

/* ---- delivering ---- */

static enum outcome reply(struct session *s, enum store_status status, const struct store_delivery *d,
                          const struct err *err) {
    if (status == STORE_OK && d->status == STORE_OK)
        return session_ok(s, "[APPENDUID %u %u] Appended", d->uidvalidity, d->uid);
    enum store_status why = status != STORE_OK ? status : d->status;
    return session_refused(s, why, why == STORE_NOT_FOUND ? "TRYCREATE" : NULL, err);
}

static enum outcome deliver(struct session *s, struct append *a, struct str message, int fd) {
    struct store_delivery d = {
        .account_id = s->account,
        .mailbox_id = a->mailbox,
        .quota_bytes = session_quota(s),
        .prefix = STR(""),
        .flags = a->flags.system,
        .keyword = a->flags.keyword,
        .keyword_count = a->flags.count,
        .internal_date = a->internal_date,
    };
    struct buf card = BUF_EMPTY;
    struct arena arena = ARENA_EMPTY;
    struct err err = {""};
    mime_card_encode(mime_parse(&arena, message), &card);
    arena_free(&arena);
    struct str bytes = fd < 0 ? message : (struct str){NULL, message.n};
    enum store_status status = store_deliver(s->service->store, bytes, fd, buf_str(&card), &d, 1, NULL, &err);
    buf_free(&card);
    return reply(s, status, &d, &err);
}

static enum outcome deliver_spooled(struct session *s, struct append *a) {
    void *p = mmap(NULL, (size_t)a->size, PROT_READ, MAP_PRIVATE, a->fd, 0);
    if (p == MAP_FAILED) {
        log_error("imap: can't map a message of %llu bytes: %m", (unsigned long long)a->size);
        return session_no(s, "[UNAVAILABLE] No room for the message at the moment, try again later");
    }
    enum outcome o = deliver(s, a, str_n(p, (size_t)a->size), a->fd);
    munmap(p, (size_t)a->size);
    return o;
}

/* Behind the literal the line ends. */
static enum outcome finish(struct session *s, struct append *a, struct str tail) {
    struct parser p = {.in = tail, .arena = &s->arena};
    if ((a->utf8 && !parse_byte(&p, ')')) || !parse_end(&p))
        return session_bad(s, "%s", p.error);
    if (*a->refusal)
        return session_no(s, "%s", a->refusal);
    return a->fd >= 0 ? deliver_spooled(s, a) : deliver(s, a, buf_str(&a->bytes), -1);
}

static enum outcome take_message(struct session *s) {
    struct append *a = s->append;
    struct str in = conn_input(s->conn);
    if (a->left && in.n) {
        struct str bytes = str_sub(in, 0, a->left < in.n ? (size_t)a->left : in.n);
        keep(s, a, bytes);
        a->left -= bytes.n;
        conn_consume(s->conn, bytes.n);
        in = conn_input(s->conn);
    }
    if (a->left)
        return COMMAND_INPUT;
    ptrdiff_t newline = str_chr(in, '\n');
    if (newline < 0 && in.n <= MAX_TAIL)
        return COMMAND_INPUT;
    if (newline < 0) {
        s->closing = true;
        return session_bad(s, "No line end behind the message");
    }
    s->command_bytes = (size_t)newline + 1;
    enum outcome o = finish(s, a, str_sub(in, 0, (size_t)newline + 1));
    conn_consume(s->conn, (size_t)newline + 1);
    s->command_bytes = 0;
    append_cancel(s);
    return o;
}

/* Reached only where the arguments were wrong, so that append_starts() did not take it. */
enum outcome command_append(struct session *s, struct parser *p) {
    struct append a = {.fd = -1};
    struct str name;
    if (take_head(p, &a, &name))
        parse_fail(p, "The message has to be a literal");
    else
        parse_fail(p, "Expected a mailbox, flags, a date and the message as a literal");
    return session_syntax(s, p);
}
