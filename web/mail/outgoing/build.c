#include "mail/outgoing/outgoing.h"

#include "base/clock.h"
#include "base/codec.h"
#include "mime/mime.h"

/* Text is sent flowed (RFC 3676): lines short enough for every reader, which join again where the reader can. */
enum { FLOWED_COLUMNS = 72, LINE_MAX_BYTES = 900 };

struct str outgoing_message_id(struct arena *a, struct str address) {
    char token[40];
    random_token(token, sizeof token, 18);
    ptrdiff_t at = str_rchr(address, '@');
    return arena_printf(a, "<%s@%.*s>", token, STR_ARG(str_sub(address, (size_t)(at + 1), address.n)));
}

static void add_field(struct buf *out, const char *name, struct str value) {
    buf_printf(out, "%s: ", name);
    mime_encode_words(value, out);
    buf_add_c(out, "\r\n");
}

static void add_recipients(struct buf *out, const char *name, const struct recipient *r, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (i == 0)
            buf_printf(out, "%s: ", name);
        else
            buf_add_c(out, ",\r\n ");
        if (r[i].name.n) {
            mime_encode_phrase(r[i].name, out);
            buf_printf(out, " <%.*s>", STR_ARG(r[i].address));
        } else {
            buf_add_str(out, r[i].address);
        }
    }
    if (count)
        buf_add_c(out, "\r\n");
}

/* Message-IDs of other people's mails: nothing but what can be one goes on, folded between them. */
static void add_ids(struct buf *out, const char *name, struct str ids) {
    size_t before = out->n, kept = 0;
    buf_printf(out, "%s:", name);
    for (struct str rest = ids; rest.n;) {
        ptrdiff_t open = str_chr(rest, '<');
        rest = open < 0 ? str_sub(rest, rest.n, 0) : str_sub(rest, (size_t)open, rest.n);
        ptrdiff_t close = str_chr(rest, '>');
        if (close < 0)
            break;
        struct str id = str_sub(rest, 0, (size_t)close + 1);
        rest = str_sub(rest, id.n, rest.n);
        bool good = str_is_ascii(id) && id.n > 2 && id.n <= 250;
        for (size_t i = 0; good && i < id.n; i++)
            good = id.p[i] > ' ' && id.p[i] < 0x7f;
        if (good)
            buf_printf(out, "%s %.*s", kept++ ? "\r\n" : "", STR_ARG(id));
    }
    if (kept)
        buf_add_c(out, "\r\n");
    else
        out->n = before;
}

/* ---- text ---- */

/* Where to break a line of text: behind the last blank within the columns, else behind the next one. 0: nowhere. */
static size_t break_at(struct str line) {
    size_t columns = 0, last = 0;
    for (size_t i = 0; i < line.n; i++) {
        columns += ((unsigned char)line.p[i] & 0xc0) != 0x80;
        if (line.p[i] == ' ' && i + 1 < line.n && line.p[i + 1] != ' ') {
            if (columns > FLOWED_COLUMNS && last)
                return last;
            last = i + 1;
        }
    }
    return columns > FLOWED_COLUMNS ? last : 0;
}

static void add_flowed_line(struct buf *out, struct str line, bool quoted) {
    bool stuff = !quoted && (str_starts(line, STR(" ")) || str_starts(line, STR("From ")));
    if (stuff)
        buf_add_byte(out, ' ');
    buf_add_str(out, line);
    buf_add_c(out, "\r\n");
}

static void add_flowed(struct buf *out, struct str text) {
    struct str line;
    while (text.n && str_split(&text, '\n', &line)) {
        bool signature = str_eq(line, STR("-- ")) || str_eq(line, STR("-- \r"));
        bool quoted = line.n && line.p[0] == '>';
        while (!signature && line.n && (line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\r'))
            line.n--; /* a blank at the end would join the next line to this one */
        if (signature)
            line = STR("-- ");
        for (size_t n; !quoted && (n = break_at(line)) > 0; line = str_sub(line, n, line.n))
            add_flowed_line(out, str_sub(line, 0, n), false);
        add_flowed_line(out, line, quoted);
    }
}

static bool fits_7bit(struct str text) {
    size_t line = 0;
    for (size_t i = 0; i < text.n; i++) {
        line = text.p[i] == '\n' ? 0 : line + 1;
        if (line > LINE_MAX_BYTES)
            return false;
    }
    return str_is_ascii(text);
}

static void add_text_part(struct buf *out, struct str text) {
    struct buf flowed = BUF_EMPTY;
    add_flowed(&flowed, text);
    bool plain = fits_7bit(buf_str(&flowed));
    buf_add_c(out, "Content-Type: text/plain; charset=utf-8; format=flowed\r\n");
    buf_printf(out, "Content-Transfer-Encoding: %s\r\n\r\n", plain ? "7bit" : "quoted-printable");
    if (plain)
        buf_add_str(out, buf_str(&flowed));
    else
        mime_encode_quoted_printable(buf_str(&flowed), out);
    buf_free(&flowed);
}

/* ---- attachments ---- */

static bool is_token(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (!ascii_alpha(s.p[i]) && !ascii_digit(s.p[i]) && !(s.p[i] && strchr("!#$&^_.+-", s.p[i])))
            return false;
    return s.n > 0 && s.n <= 100;
}

/* A media type that may be written, and goes with base64 (messages and multiparts do not: RFC 2045 section 6.4). */
static struct str media_type(struct str type) {
    ptrdiff_t slash = str_chr(type, '/');
    bool good = slash > 0 && is_token(str_sub(type, 0, (size_t)slash)) &&
                is_token(str_sub(type, (size_t)slash + 1, type.n)) && !str_istarts(type, STR("multipart/")) &&
                !str_istarts(type, STR("message/"));
    return good ? type : STR("application/octet-stream");
}

static void add_part_header(struct buf *out, struct str type, struct str name, const char *encoding) {
    buf_printf(out, "Content-Type: %.*s", STR_ARG(type));
    if (name.n)
        mime_encode_parameter(STR("name"), name, out);
    buf_add_c(out, "\r\nContent-Disposition: attachment");
    if (name.n)
        mime_encode_parameter(STR("filename"), name, out);
    buf_printf(out, "\r\nContent-Transfer-Encoding: %s\r\n\r\n", encoding);
}

static void add_file(struct buf *out, const struct outgoing_file *file) {
    add_part_header(out, media_type(file->type), file->name, "base64");
    mime_encode_base64(file->bytes, out);
}

/* A message within is taken as it is; anything else keeps a 7-bit encoding that it has, or gets one. */
static void add_taken_part(struct buf *out, const struct outgoing_part *part) {
    static const struct str KEPT[] = {{"base64", 6}, {"quoted-printable", 16}};
    bool message = str_ieq(part->type, STR("message/rfc822"));
    for (size_t i = 0; i < 2 && !message; i++)
        if (str_ieq(part->encoding, KEPT[i])) {
            add_part_header(out, media_type(part->type), part->name, KEPT[i].p);
            buf_add_str(out, part->body);
            return;
        }
    if (message) {
        add_part_header(out, part->type, part->name, str_is_ascii(part->body) ? "7bit" : "8bit");
        buf_add_str(out, part->body);
        return;
    }
    add_part_header(out, media_type(part->type), part->name, "base64");
    mime_encode_base64(part->body, out);
}

static void add_multipart(const struct outgoing *o, struct buf *out) {
    char boundary[48];
    random_token(boundary, sizeof boundary, 24);
    buf_printf(out, "Content-Type: multipart/mixed; boundary=\"=_%s\"\r\n\r\n", boundary);
    buf_printf(out, "--=_%s\r\n", boundary);
    add_text_part(out, o->text);
    for (size_t i = 0; i < o->file_count; i++) {
        buf_printf(out, "\r\n--=_%s\r\n", boundary);
        add_file(out, &o->file[i]);
    }
    for (size_t i = 0; i < o->part_count; i++) {
        buf_printf(out, "\r\n--=_%s\r\n", boundary);
        add_taken_part(out, &o->part[i]);
    }
    buf_printf(out, "\r\n--=_%s--\r\n", boundary);
}

void outgoing_build(const struct outgoing *o, bool with_bcc, struct buf *out) {
    buf_add_c(out, "Date: ");
    clock_rfc5322(o->date, out);
    buf_add_c(out, "\r\n");
    add_recipients(out, "From", &o->from, 1);
    add_recipients(out, "To", o->to.at, o->to.count);
    add_recipients(out, "Cc", o->cc.at, o->cc.count);
    if (with_bcc)
        add_recipients(out, "Bcc", o->bcc.at, o->bcc.count);
    add_field(out, "Subject", o->subject);
    buf_printf(out, "Message-ID: %.*s\r\n", STR_ARG(o->message_id));
    add_ids(out, "In-Reply-To", o->in_reply_to);
    add_ids(out, "References", o->references);
    buf_add_c(out, "User-Agent: Mansio\r\nMIME-Version: 1.0\r\n");
    if (o->file_count || o->part_count)
        add_multipart(o, out);
    else
        add_text_part(out, o->text);
}
