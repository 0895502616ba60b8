/* IMAP's ENVELOPE, BODY and BODYSTRUCTURE: RFC 9051 section 7.5.2 (RFC 3501 section 7.4.2) and the grammar of
 * section 9. */
#include "mime/internal.h"

enum { MAX_QUOTED_BYTES = 1000 }; /* longer ones go as literals: clients bound the length of a line */

/* What a quoted string may hold: no CR, LF or NUL; 8-bit only where the client took UTF-8 (RFC 6855 section 3). */
static bool is_quotable(struct str s, bool utf8) {
    if (s.n > MAX_QUOTED_BYTES)
        return false;
    bool ascii = true;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == 0)
            return false;
        ascii &= (unsigned char)s.p[i] < 0x80;
    }
    return ascii || (utf8 && str_is_utf8(s));
}

static void add_literal(struct str s, struct buf *out) {
    size_t nul = 0;
    for (size_t i = 0; i < s.n; i++)
        nul += s.p[i] == 0;
    buf_printf(out, "{%zu}\r\n", s.n - nul);
    for (size_t i = 0; i < s.n; i++) /* a literal holds no NUL either (RFC 9051 section 4.3): it is left out */
        if (s.p[i])
            buf_add_byte(out, s.p[i]);
}

static void add_string(struct str s, bool utf8, struct buf *out) {
    if (!is_quotable(s, utf8)) {
        add_literal(s, out);
        return;
    }
    mime_add_quoted(s, out);
}

static void add_nstring(struct str s, bool utf8, struct buf *out) {
    if (s.p)
        add_string(s, utf8, out);
    else
        buf_add(out, "NIL", 3);
}

void mime_render_nstring(struct str s, struct buf *out) { add_nstring(s, false, out); }

/* ---- envelope ---- */

static void add_addresses(const struct mime_addresses *list, bool utf8, struct buf *out) {
    if (list->count == 0) {
        buf_add(out, "NIL", 3);
        return;
    }
    buf_add_byte(out, '(');
    for (size_t i = 0; i < list->count; i++) {
        const struct mime_address *a = &list->at[i];
        buf_add_byte(out, '(');
        add_nstring(a->name, utf8, out);
        buf_add_byte(out, ' ');
        add_nstring(a->route, utf8, out);
        buf_add_byte(out, ' ');
        add_nstring(a->mailbox, utf8, out);
        buf_add_byte(out, ' ');
        add_nstring(a->host, utf8, out);
        buf_add_byte(out, ')');
    }
    buf_add_byte(out, ')');
}

void mime_render_envelope(const struct mime_envelope *e, bool utf8, struct buf *out) {
    /* RFC 9051 section 7.5.2: sender and reply-to are From where their field is absent or empty */
    const struct mime_addresses *lists[] = {
        &e->from, e->sender.count ? &e->sender : &e->from, e->reply_to.count ? &e->reply_to : &e->from, &e->to, &e->cc,
        &e->bcc};
    buf_add_byte(out, '(');
    add_nstring(e->date, utf8, out);
    buf_add_byte(out, ' ');
    add_nstring(e->subject, utf8, out);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        buf_add_byte(out, ' ');
        add_addresses(lists[i], utf8, out);
    }
    buf_add_byte(out, ' ');
    add_nstring(e->in_reply_to, utf8, out);
    buf_add_byte(out, ' ');
    add_nstring(e->message_id, utf8, out);
    buf_add_byte(out, ')');
}

/* ---- body structure ---- */

/* A value that is not ASCII goes out in RFC 2231's form, which every client reads whether or not it took UTF-8. */
static void add_parameter(const struct mime_parameter *p, struct buf *out) {
    if (is_quotable(p->value, false)) {
        add_string(p->name, false, out);
        buf_add_byte(out, ' ');
        add_string(p->value, false, out);
        return;
    }
    struct buf name = BUF_EMPTY, value = BUF_EMPTY;
    buf_add_str(&name, p->name);
    buf_add_byte(&name, '*');
    buf_add_c(&value, "utf-8''");
    mime_add_percent(p->value, &value);
    add_string(buf_str(&name), false, out);
    buf_add_byte(out, ' ');
    add_string(buf_str(&value), false, out);
    buf_free(&name), buf_free(&value);
}

static void add_parameters(const struct mime_parameter *p, size_t count, struct buf *out) {
    if (count == 0) {
        buf_add(out, "NIL", 3);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        buf_add_byte(out, i ? ' ' : '(');
        add_parameter(&p[i], out);
    }
    buf_add_byte(out, ')');
}

/* Content-Language is a comma-separated list (RFC 3282). */
static void add_languages(struct str list, struct buf *out) {
    struct str one;
    bool any = false;
    while (str_split(&list, ',', &one)) {
        one = str_trim(one);
        if (one.n == 0)
            continue;
        buf_add_byte(out, any ? ' ' : '(');
        add_string(one, false, out);
        any = true;
    }
    if (any)
        buf_add_byte(out, ')');
    else
        buf_add(out, "NIL", 3);
}

/* body-ext-1part and body-ext-mpart from the disposition on. */
static void add_extension(const struct mime_part *p, struct buf *out) {
    buf_add_byte(out, ' ');
    if (p->disposition.n) {
        buf_add_byte(out, '(');
        add_string(p->disposition, false, out);
        buf_add_byte(out, ' ');
        add_parameters(p->disposition_parameter, p->disposition_parameter_count, out);
        buf_add_byte(out, ')');
    } else {
        buf_add(out, "NIL", 3);
    }
    buf_add_byte(out, ' ');
    add_languages(p->language, out);
    buf_add_byte(out, ' ');
    add_nstring(p->location, false, out);
}

static void add_multipart(const struct mime_part *p, bool extensible, struct buf *out) {
    buf_add_byte(out, '(');
    for (const struct mime_part *child = p->child; child; child = child->next)
        mime_render_body(child, extensible, out);
    buf_add_byte(out, ' ');
    add_string(p->subtype, false, out);
    if (extensible) {
        buf_add_byte(out, ' ');
        add_parameters(p->parameter, p->parameter_count, out);
        add_extension(p, out);
    }
    buf_add_byte(out, ')');
}

/* The type of a part without parts. A multipart that has none is shown as the text it is to a reader, and a message
 * that was not looked into (bounds) as bytes: the grammar has no such multipart, and a message must show its envelope.
 */
static void add_type(const struct mime_part *p, struct buf *out) {
    struct str type = p->type, subtype = p->subtype;
    if (mime_is_multipart(p))
        type = STR("text"), subtype = STR("plain");
    else if (mime_is_message(p) && !p->child)
        type = STR("application"), subtype = STR("octet-stream");
    add_string(type, false, out);
    buf_add_byte(out, ' ');
    add_string(subtype, false, out);
}

static void add_single(const struct mime_part *p, bool extensible, struct buf *out) {
    bool hollow = mime_is_multipart(p);
    buf_add_byte(out, '(');
    add_type(p, out);
    buf_add_byte(out, ' ');
    add_parameters(hollow ? NULL : p->parameter, hollow ? 0 : p->parameter_count, out);
    buf_add_byte(out, ' ');
    add_nstring(p->id, false, out);
    buf_add_byte(out, ' ');
    add_nstring(p->description, false, out);
    buf_add_byte(out, ' ');
    add_string(p->encoding, false, out);
    buf_printf(out, " %llu", (unsigned long long)p->body_bytes);
    if (mime_is_message(p) && p->child) {
        static const struct mime_envelope none;
        buf_add_byte(out, ' ');
        mime_render_envelope(p->child->envelope ? p->child->envelope : &none, false, out);
        buf_add_byte(out, ' ');
        mime_render_body(p->child, extensible, out);
    }
    if (hollow || mime_is(p, STR("text")) || (mime_is_message(p) && p->child))
        buf_printf(out, " %llu", (unsigned long long)p->body_lines);
    if (extensible) {
        buf_add_byte(out, ' ');
        add_nstring(p->md5, false, out);
        add_extension(p, out);
    }
    buf_add_byte(out, ')');
}

/* Recursion is bounded by MIME_MAX_DEPTH, which parsing and decoding keep. */
void mime_render_body(const struct mime_part *root, bool extensible, struct buf *out) {
    if (mime_is_multipart(root) && root->child)
        add_multipart(root, extensible, out);
    else
        add_single(root, extensible, out);
}

/* ---- section numbers ---- */

static const struct mime_part *nth_child(const struct mime_part *part, uint32_t n) {
    const struct mime_part *child = part->child;
    while (child && child->number != n)
        child = child->next;
    return child;
}

/* Part `n` of the message whose outermost part is `part`: a message that is no multipart has its body as part 1. */
static const struct mime_part *part_of_message(const struct mime_part *part, uint32_t n) {
    if (mime_is_multipart(part) && part->child)
        return nth_child(part, n);
    return n == 1 ? part : NULL;
}

const struct mime_part *mime_find_part(const struct mime_part *root, const uint32_t *path, size_t count) {
    const struct mime_part *part = root;
    for (size_t i = 0; i < count && part; i++) {
        if (i == 0)
            part = part_of_message(part, path[i]);
        else if (mime_is_message(part) && part->child)
            part = part_of_message(part->child, path[i]);
        else
            part = mime_is_multipart(part) ? nth_child(part, path[i]) : NULL;
    }
    return part;
}

/* What a part adds to the path of the parts in it. */
static uint32_t own_number(const struct mime_part *p) {
    if (p->parent && mime_is_multipart(p->parent))
        return p->number;
    return mime_is_multipart(p) && p->child ? 0 : 1;
}

void mime_part_section(const struct mime_part *part, struct buf *out) {
    uint32_t path[MIME_MAX_DEPTH + 1];
    size_t n = 0;
    for (; part && n < sizeof path / sizeof *path; part = part->parent) {
        uint32_t number = own_number(part);
        if (number)
            path[n++] = number;
    }
    while (n-- > 0)
        buf_printf(out, n ? "%u." : "%u", path[n]);
}
