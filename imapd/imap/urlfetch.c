/* URLFETCH (RFC 4467), with metadata and without transfer encodings (RFC 5524). */
#include "imap/binary.h"
#include "imap/command.h"
#include "imap/url_data.h"
#include "imap/urlauth.h"

enum {
    PIECE = 128 * 1024, /* of data, read at a time */
    MAX_URLS = 1000,    /* in one command */
};

/* What is asked for of a URL. */
enum wanted {
    WANTS_BODY = 1,
    WANTS_BINARY = 2,
    WANTS_STRUCTURE = 4,
    WANTS_METADATA = 8, /* the answer is in parentheses */
};

struct request {
    struct str url; /* as it was given */
    unsigned wanted;
};

struct urlfetch_job {
    struct request *request;
    size_t count, at;

    /* the URL that is being answered */
    bool open;
    struct imap_url url;
    struct url_data data;
    unsigned left; /* still to be answered */
    bool told;     /* something was */
    bool in_data;  /* data is being written: */
    struct span rest;
    bool in_binary; /* of this */
    struct binary binary;

    bool sent;   /* some of the response is on its way */
    size_t mark; /* where it begins in the output */
    enum store_status status;
    struct err err;
};

/* ---- arguments ---- */

static bool take_parameters(struct parser *p, struct request *r) {
    struct str word;
    r->wanted = WANTS_METADATA;
    while (parse_peek(p) == ' ') {
        if (!parse_space(p) || !parse_atom(p, &word))
            return false;
        if (str_ieq(word, STR("BODY")))
            r->wanted |= WANTS_BODY;
        else if (str_ieq(word, STR("BINARY")))
            r->wanted |= WANTS_BINARY;
        else if (str_ieq(word, STR("BODYPARTSTRUCTURE")))
            r->wanted |= WANTS_STRUCTURE;
        else
            return parse_fail(p, "Of a URL there is BODY, BINARY and BODYPARTSTRUCTURE");
    }
    if (r->wanted == WANTS_METADATA)
        r->wanted |= WANTS_BODY;
    return parse_byte(p, ')');
}

static bool take_request(struct parser *p, struct request *r) {
    bool metadata = parse_peek(p) == '(';
    struct str url;
    p->at += metadata;
    if (!parse_astring(p, &url))
        return false;
    *r = (struct request){arena_str(p->arena, url), WANTS_BODY};
    return !metadata || take_parameters(p, r);
}

static bool take_requests(struct parser *p, struct urlfetch_job *j) {
    j->request = arena_array(p->arena, MAX_URLS, sizeof *j->request);
    do {
        if (j->count == MAX_URLS)
            return parse_fail(p, "More than 1000 URLs");
        if (!parse_space(p) || !take_request(p, &j->request[j->count]))
            return false;
        j->count++;
    } while (parse_peek(p) == ' ');
    return parse_end(p);
}

/* ---- answering ---- */

static void drop_binary(struct urlfetch_job *j) {
    if (j->in_binary)
        binary_free(&j->binary);
    j->in_binary = false;
}

static void close_url(struct urlfetch_job *j) {
    drop_binary(j);
    if (j->open)
        url_data_close(&j->data);
    j->open = false;
}

/* Begins with the next URL: what it names, or NIL where it names nothing to this session. */
static void open_url(struct session *s, struct urlfetch_job *j, struct buf *out) {
    const struct request *r = &j->request[j->at];
    int64_t account = 0;
    j->data = (struct url_data){0};
    j->open = true;
    j->told = false;
    j->left = r->wanted & ~(unsigned)WANTS_METADATA;
    j->status = STORE_NOT_FOUND;
    if (imap_url_parse(&j->data.arena, r->url, &j->url) && j->url.mechanism.p)
        j->status = urlauth_check(s, &j->data.arena, &j->url, &account, &j->err);
    if (j->status == STORE_OK)
        j->status = url_data_open(s, account, &j->url, &j->data, &j->err);
    buf_add_byte(out, ' ');
    mime_render_nstring(r->url, out);
    if (j->status == STORE_NOT_FOUND) {
        j->status = STORE_OK;
        j->left = 0;
    }
}

static void begin_data(struct urlfetch_job *j, const char *name, const char *kind, struct span span, struct buf *out) {
    if (j->request[j->at].wanted & WANTS_METADATA)
        buf_printf(out, " (%s", name);
    buf_printf(out, " %s{%llu}\r\n", kind, (unsigned long long)span.n);
    j->rest = span;
    j->in_data = j->told = true;
}

static void begin_binary(struct session *s, struct urlfetch_job *j, struct buf *out) {
    const struct mime_part *part = j->data.whole ? NULL : j->data.part;
    if (!j->data.whole && !part) { /* a header, a text: nothing is encoded in it */
        begin_data(j, "BINARY", "", (struct span){0, j->data.span.n}, out);
        return;
    }
    j->status = binary_decode(s, &j->data.card, part, BINARY_CONTENT, &j->binary, &j->err);
    j->in_binary = true;
    if (j->status != STORE_OK)
        return;
    if (j->binary.unknown) {
        drop_binary(j);
        buf_add_c(out, " (BINARY NIL)");
        j->told = true;
        return;
    }
    begin_data(j, "BINARY", j->binary.nul ? "~" : "", url_data_clip(&j->url, (struct span){0, j->binary.n}), out);
}

static void write_structure(struct urlfetch_job *j, struct buf *out) {
    if (!j->data.part)
        return;
    buf_add_c(out, " (BODYPARTSTRUCTURE ");
    mime_render_body(j->data.part, true, out);
    buf_add_byte(out, ')');
    j->told = true;
}

/* The next thing that is asked for of the URL. */
static void write_next(struct session *s, struct urlfetch_job *j, struct buf *out) {
    if (j->left & WANTS_STRUCTURE) {
        j->left &= ~(unsigned)WANTS_STRUCTURE;
        write_structure(j, out);
    } else if (j->left & WANTS_BINARY) {
        j->left &= ~(unsigned)WANTS_BINARY;
        begin_binary(s, j, out);
    } else if (j->left & WANTS_BODY) {
        j->left &= ~(unsigned)WANTS_BODY;
        begin_data(j, "BODY", "", (struct span){0, j->data.span.n}, out);
    } else {
        if (!j->told)
            buf_add_c(out, " NIL");
        close_url(j);
        j->at++;
    }
}

static void write_data(struct session *s, struct urlfetch_job *j, struct buf *out) {
    uint64_t n = j->rest.n < PIECE ? j->rest.n : PIECE;
    if (n)
        j->status = j->in_binary ? binary_read(s, &j->data.card, &j->binary, j->rest.offset, n, out, &j->err)
                                 : url_data_read(s, &j->data, j->rest.offset, n, out, &j->err);
    j->rest = (struct span){j->rest.offset + n, j->rest.n - n};
    if (j->rest.n)
        return;
    if (j->request[j->at].wanted & WANTS_METADATA)
        buf_add_byte(out, ')');
    drop_binary(j);
    j->in_data = false;
}

/* ---- the command ---- */

static void abandon(struct session *s) { close_url(s->job); }

static enum outcome finish(struct session *s, struct urlfetch_job *j) {
    close_url(j);
    if (j->status == STORE_OK) {
        conn_write(s->conn, STR("\r\n"));
        return session_ok(s, "Done");
    }
    if (j->sent) { /* the client has a part of it: only hanging up is honest */
        s->closing = true;
        return COMMAND_DONE;
    }
    session_out(s)->n = j->mark;
    return session_refused(s, j->status, NULL, &j->err);
}

static enum outcome go_on(struct session *s) {
    struct urlfetch_job *j = s->job;
    struct buf *out = session_out(s);
    while (j->status == STORE_OK && j->at < j->count) {
        if (conn_output_pending(s->conn) > OUTPUT_HIGH) {
            j->sent = true;
            s->resume = go_on;
            s->abandon = abandon;
            return COMMAND_MORE;
        }
        if (!j->open)
            open_url(s, j, out);
        else if (j->in_data)
            write_data(s, j, out);
        else
            write_next(s, j, out);
    }
    return finish(s, j);
}

enum outcome command_urlfetch(struct session *s, struct parser *p) {
    struct urlfetch_job *j = arena_alloc(&s->arena, sizeof *j);
    if (!take_requests(p, j))
        return session_syntax(s, p);
    struct buf *out = session_out(s);
    j->mark = out->n;
    buf_add_c(out, "* URLFETCH");
    s->job = j;
    return go_on(s);
}
