#include "mime/convert.h"

#include "mime/mime.h"

enum {
    LONGEST_LINE = 998, /* RFC 5322 section 2.1.1 */
    PIECE = 64 * 1024,
    BASE64_LINE = 57, /* bytes that become one line */
};

struct conversion {
    struct str message;
    enum convert_to to;
    struct buf *out;
    convert_take *take; /* gets what is in out whenever that is a piece; NULL: out holds all of it */
    void *context;
    bool failed;
};

static void hand_on(struct conversion *x, size_t at_least) {
    if (!x->take || x->out->n < at_least)
        return;
    x->failed = x->failed || !x->take(x->context, buf_str(x->out));
    buf_reset(x->out);
}

/* What is in a body that not everybody takes. */
struct content {
    bool nul, bare, long_line, eight_bit;
};

static struct content look(struct str s) {
    struct content c = {.nul = s.n && memchr(s.p, 0, s.n) != NULL};
    size_t start = 0;
    for (size_t i = 0; i < s.n; i++) {
        bool lf = s.p[i] == '\n', after_cr = i > 0 && s.p[i - 1] == '\r';
        c.eight_bit |= (unsigned char)s.p[i] >= 0x80;
        c.bare |= lf != after_cr; /* the one without the other */
        c.long_line |= i - start > LONGEST_LINE;
        if (lf)
            start = i + 1;
    }
    c.bare |= s.n && s.p[s.n - 1] == '\r';
    return c;
}

static bool is_too_much(const struct conversion *x, const struct content *c) {
    if (x->to == CONVERT_NO_NUL)
        return c->nul;
    return c->nul || c->bare || c->long_line || (c->eight_bit && x->to == CONVERT_7BIT);
}

static struct str body_of(const struct conversion *x, const struct mime_part *part) {
    return str_sub(x->message, (size_t)part->body_offset, (size_t)part->body_bytes);
}

/* Text that belongs to no part: boundaries, and what stands before and behind them. It is for nobody to read. */
static void add_between(struct conversion *x, size_t from, size_t to) {
    while (from < to) {
        size_t n = to - from < PIECE ? to - from : PIECE, start = x->out->n;
        buf_add(x->out, x->message.p + from, n);
        for (char *nul; (nul = memchr(x->out->p + start, 0, x->out->n - start));)
            *nul = ' ';
        from += n;
        hand_on(x, PIECE);
    }
}

/* The header with another encoding; what the part would be without a field that says so is said. */
static void add_header(struct conversion *x, const struct mime_part *part, const char *encoding) {
    struct str header = str_sub(x->message, (size_t)part->header_offset, (size_t)part->header_bytes);
    struct mime_field f;
    bool version = false, type = false;
    while (mime_next_field(&header, &f)) {
        version |= str_ieq(f.name, STR("MIME-Version"));
        type |= str_ieq(f.name, STR("Content-Type"));
        if (str_ieq(f.name, STR("Content-Transfer-Encoding")))
            continue;
        add_between(x, (size_t)(f.raw.p - x->message.p), (size_t)(f.raw.p - x->message.p) + f.raw.n);
        if (!str_ends(f.raw, STR("\n")))
            buf_add_c(x->out, "\r\n");
    }
    if (!version && !part->parent)
        buf_add_c(x->out, "MIME-Version: 1.0\r\n");
    if (!type) /* RFC 1428 section 3 */
        buf_printf(x->out, "Content-Type: text/plain; charset=%s\r\n",
                   str_is_utf8(body_of(x, part)) ? "utf-8" : "unknown-8bit");
    buf_printf(x->out, "Content-Transfer-Encoding: %s\r\n\r\n", encoding);
}

/* What the body stands for, as base64: one that is encoded already (and holds what no encoding does) is decoded first.
 */
static void add_base64(struct conversion *x, const struct mime_part *part, struct str body) {
    struct mime_decoder decoder;
    struct buf plain = BUF_EMPTY;
    mime_decoder_init(&decoder, part->encoding);
    for (size_t at = 0; at < body.n; at += PIECE) {
        mime_decoder_add(&decoder, str_sub(body, at, PIECE), &plain);
        size_t whole = plain.n / BASE64_LINE * BASE64_LINE;
        mime_encode_base64(str_sub(buf_str(&plain), 0, whole), x->out);
        buf_consume(&plain, whole);
        hand_on(x, PIECE);
    }
    mime_decoder_end(&decoder, &plain);
    mime_encode_base64(buf_str(&plain), x->out);
    buf_free(&plain);
}

static void add_leaf(struct conversion *x, const struct mime_part *part) {
    struct str body = body_of(x, part);
    struct content c = look(body);
    bool composite = str_eq(part->type, STR("multipart")); /* one that could not be taken apart: never encoded */
    if (composite || !is_too_much(x, &c)) {
        add_between(x, (size_t)part->header_offset, (size_t)(part->body_offset + part->body_bytes));
        return;
    }
    struct mime_decoder known = {0};
    bool encoded = mime_decoder_init(&known, part->encoding) && known.kind != MIME_IDENTITY;
    bool text = str_eq(part->type, STR("text")) && !c.nul && !c.bare && !encoded;
    add_header(x, part, text ? "quoted-printable" : "base64");
    if (text)
        mime_encode_quoted_printable(body, x->out);
    else
        add_base64(x, part, body);
}

static void add_part(struct conversion *x, const struct mime_part *part);

static void add_composite(struct conversion *x, const struct mime_part *part) {
    size_t at = (size_t)part->body_offset;
    bool said = str_eq(part->encoding, STR("binary")) || str_eq(part->encoding, STR("8bit"));
    if (said && x->to != CONVERT_NO_NUL) /* there other parts stay what they are */
        add_header(x, part, x->to == CONVERT_8BIT ? "8bit" : "7bit");
    else
        add_between(x, (size_t)part->header_offset, at);
    for (const struct mime_part *child = part->child; child; child = child->next) {
        add_between(x, at, (size_t)child->header_offset);
        add_part(x, child);
        at = (size_t)(child->body_offset + child->body_bytes);
    }
    add_between(x, at, (size_t)(part->body_offset + part->body_bytes));
}

/* RFC 6532 section 3.7: a message inside whose header is in UTF-8 may be encoded as a whole, and has to be. */
static bool is_global(const struct mime_part *part) {
    return str_eq(part->type, STR("message")) && str_starts(part->subtype, STR("global"));
}

static void add_part(struct conversion *x, const struct mime_part *part) {
    if (part->child && !is_global(part))
        add_composite(x, part);
    else
        add_leaf(x, part);
}

static void convert(struct arena *a, struct conversion *x) {
    const struct mime_part *root = mime_parse(a, x->message)->root;
    add_part(x, root);
    size_t end = (size_t)(root->body_offset + root->body_bytes);
    if (end < x->message.n)
        add_between(x, end, x->message.n);
}

void convert_message(struct arena *a, struct str message, enum convert_to to, struct buf *out) {
    struct conversion x = {.message = message, .to = to, .out = out};
    convert(a, &x);
}

bool convert_pieces(struct arena *a, struct str message, enum convert_to to, convert_take *take, void *context) {
    struct buf out = BUF_EMPTY;
    struct conversion x = {.message = message, .to = to, .out = &out, .take = take, .context = context};
    convert(a, &x);
    hand_on(&x, 1);
    buf_free(&out);
    return !x.failed;
}

static bool has_signed(const struct mime_part *part) {
    if (str_eq(part->type, STR("multipart")) && str_eq(part->subtype, STR("signed")))
        return true;
    for (const struct mime_part *child = part->child; child; child = child->next)
        if (has_signed(child))
            return true;
    return false;
}

bool convert_breaks_signature(struct arena *a, struct str message) {
    return mime_header_get(a, message, STR("DKIM-Signature")).p || has_signed(mime_parse(a, message)->root);
}
