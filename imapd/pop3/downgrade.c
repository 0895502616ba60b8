#include "pop3/downgrade.h"

#include "base/memory.h"
#include "mime/mime.h"

/* RFC 6858 section 2.1 */
#define NOWHERE "invalid@internationalized-address.invalid"

static bool is_ascii(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0x80)
            return false;
    return true;
}

/* On one line, so that it can be folded anew. */
static struct str unfold(struct arena *a, struct str body) {
    char *p = arena_alloc(a, body.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < body.n; i++)
        if (body.p[i] != '\r' && body.p[i] != '\n')
            p[n++] = body.p[i];
    return str_trim(str_n(p, n));
}

/* ---- addresses ---- */

static void add_quoted(struct str local, struct buf *out) {
    bool plain = local.n > 0;
    for (size_t i = 0; i < local.n; i++)
        plain =
            plain && (ascii_alpha(local.p[i]) || ascii_digit(local.p[i]) || strchr("!#$%&'*+-/=?^_`{|}~.", local.p[i]));
    if (!plain)
        buf_add_byte(out, '"');
    for (size_t i = 0; i < local.n; i++) {
        if (local.p[i] == '"' || local.p[i] == '\\')
            buf_add_byte(out, '\\');
        buf_add_byte(out, local.p[i]);
    }
    if (!plain)
        buf_add_byte(out, '"');
}

static void add_mailbox(struct arena *a, const struct mime_address *m, struct buf *out) {
    bool ascii = is_ascii(m->mailbox) && is_ascii(m->host);
    struct str name = m->name.p ? mime_decode_words(a, m->name) : STR("");
    if (!ascii && name.n == 0) /* so that people can see who it was */
        name = arena_printf(a, "%.*s@%.*s", STR_ARG(m->mailbox), STR_ARG(m->host));
    if (name.n) {
        mime_encode_phrase(name, out);
        buf_add_byte(out, ' ');
    }
    buf_add_byte(out, '<');
    if (ascii) {
        add_quoted(m->mailbox, out);
        buf_add_byte(out, '@');
        buf_add_str(out, m->host);
    } else {
        buf_add_c(out, NOWHERE);
    }
    buf_add_byte(out, '>');
}

static void add_addresses(struct arena *a, struct str body, struct buf *out) {
    struct mime_addresses list = mime_parse_addresses(a, body);
    bool first = true;
    for (size_t i = 0; i < list.count; i++) {
        const struct mime_address *m = &list.at[i];
        if (!m->host.p && !m->mailbox.p) { /* a group's end */
            buf_add_byte(out, ';');
            first = false;
            continue;
        }
        if (!first)
            buf_add_c(out, ",\r\n ");
        if (m->host.p) {
            add_mailbox(a, m, out);
            first = false;
        } else {
            mime_encode_phrase(mime_decode_words(a, m->mailbox), out);
            buf_add_byte(out, ':');
            first = true;
        }
    }
    if (list.count == 0)
        mime_encode_words(body, out);
}

/* ---- MIME's fields ---- */

/* The next piece up to a semicolon that is not in quotes. */
static bool next_piece(struct str *rest, struct str *piece) {
    bool quoted = false;
    size_t i = 0;
    if (!rest->n)
        return false;
    for (; i < rest->n && (quoted || rest->p[i] != ';'); i++) {
        if (rest->p[i] == '\\' && quoted && i + 1 < rest->n)
            i++;
        else if (rest->p[i] == '"')
            quoted = !quoted;
    }
    *piece = str_trim(str_sub(*rest, 0, i));
    *rest = str_sub(*rest, i < rest->n ? i + 1 : i, rest->n);
    return true;
}

static struct str unquote(struct arena *a, struct str value) {
    if (value.n < 2 || value.p[0] != '"' || value.p[value.n - 1] != '"')
        return value;
    char *p = arena_alloc(a, value.n);
    size_t n = 0;
    for (size_t i = 1; i + 1 < value.n; i++) {
        if (value.p[i] == '\\' && i + 2 < value.n)
            i++;
        p[n++] = value.p[i];
    }
    return str_n(p, n);
}

static void add_structured(struct arena *a, struct str body, struct buf *out) {
    struct str piece;
    bool first = true;
    while (next_piece(&body, &piece)) {
        ptrdiff_t equals = str_chr(piece, '=');
        struct str name = equals > 0 ? str_trim(str_sub(piece, 0, (size_t)equals)) : STR("");
        if (is_ascii(piece)) {
            if (!first)
                buf_add_c(out, ";\r\n ");
            buf_add_str(out, piece);
        } else if (!first && name.n && is_ascii(name)) {
            struct str value = str_trim(str_sub(piece, (size_t)equals + 1, piece.n));
            mime_encode_parameter(name, unquote(a, value), out);
        }
        first = false;
    }
}

/* ---- fields ---- */

static bool is_one_of(struct str name, const char *const *names) {
    for (; *names; names++)
        if (str_ieq(name, str_of(*names)))
            return true;
    return false;
}

static void add_field(struct arena *a, const struct mime_field *f, struct buf *out) {
    static const char *const addresses[] = {"From",
                                            "Sender",
                                            "Reply-To",
                                            "To",
                                            "Cc",
                                            "Bcc",
                                            "Resent-To",
                                            "Resent-Cc",
                                            "Resent-Bcc",
                                            "Resent-From",
                                            "Resent-Sender",
                                            "Return-Path",
                                            "Delivered-To",
                                            "Disposition-Notification-To",
                                            NULL};
    static const char *const structured[] = {"Content-Type", "Content-Disposition", NULL};
    if (is_ascii(f->raw)) {
        buf_add_str(out, f->raw);
        return;
    }
    if (!is_ascii(f->name)) /* no field could have that name */
        return;
    struct str body = unfold(a, f->body);
    buf_add_str(out, f->name);
    buf_add_c(out, ": ");
    if (is_one_of(f->name, addresses))
        add_addresses(a, body, out);
    else if (is_one_of(f->name, structured))
        add_structured(a, body, out);
    else
        mime_encode_words(mime_decode_words(a, body), out);
    buf_add_c(out, "\r\n");
}

bool downgrade_header(struct str header, struct buf *out) {
    if (is_ascii(header) || !str_is_utf8(header))
        return false;
    struct arena a = ARENA_EMPTY;
    struct mime_field field;
    bool empty_line = str_ends(header, STR("\n\n")) || str_ends(header, STR("\n\r\n"));
    while (mime_next_field(&header, &field)) {
        add_field(&a, &field, out);
        arena_reset(&a);
    }
    if (empty_line)
        buf_add_c(out, "\r\n");
    arena_free(&a);
    return true;
}
