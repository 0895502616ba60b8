/* Transfer encodings both ways: base64 and quoted-printable (RFC 2045 sections 6.7 and 6.8), uuencode to read only. */
#include "mime/internal.h"

#include "base/codec.h"

enum {
    V = 0x40,
    PAD = 0x80,
    LONG_LINE = 64 * 1024, /* of quoted-printable; kept no longer than this */
};

/* For each byte of base64's alphabet V and its value; what is not of it is passed over (RFC 2045 section 6.8). */
static const unsigned char sextet[256] = {
    ['A'] = V | 0, V | 1,  V | 2,          V | 3,          V | 4,      V | 5,  V | 6,          V | 7,  V | 8,  V | 9,
    V | 10,        V | 11, V | 12,         V | 13,         V | 14,     V | 15, V | 16,         V | 17, V | 18, V | 19,
    V | 20,        V | 21, V | 22,         V | 23,         V | 24,     V | 25, ['a'] = V | 26, V | 27, V | 28, V | 29,
    V | 30,        V | 31, V | 32,         V | 33,         V | 34,     V | 35, V | 36,         V | 37, V | 38, V | 39,
    V | 40,        V | 41, V | 42,         V | 43,         V | 44,     V | 45, V | 46,         V | 47, V | 48, V | 49,
    V | 50,        V | 51, ['0'] = V | 52, V | 53,         V | 54,     V | 55, V | 56,         V | 57, V | 58, V | 59,
    V | 60,        V | 61, ['+'] = V | 62, ['/'] = V | 63, ['='] = PAD};

static void add_base64(struct mime_decoder *d, struct str piece, struct buf *out) {
    const unsigned char *p = (const unsigned char *)piece.p, *end = p + piece.n;
    buf_reserve(out, piece.n / 4 * 3 + 6);
    unsigned char *to = (unsigned char *)out->p + out->n;
    uint32_t bits = d->bits;
    unsigned have = d->have;
    while (p < end) {
        if (have == 0 && end - p >= 4) {
            unsigned a = sextet[p[0]], b = sextet[p[1]], c = sextet[p[2]], e = sextet[p[3]];
            if (a & b & c & e & V) {
                uint32_t triple = (a & 63) << 18 | (b & 63) << 12 | (c & 63) << 6 | (e & 63);
                to[0] = (unsigned char)(triple >> 16), to[1] = (unsigned char)(triple >> 8),
                to[2] = (unsigned char)triple;
                to += 3, p += 4;
                continue;
            }
        }
        unsigned v = sextet[*p++];
        if (v == PAD && have >= 2) { /* "may be taken as evidence that the end of the data has been reached" */
            d->ended = true;
            break;
        }
        if (!(v & V))
            continue;
        bits = bits << 6 | (v & 63);
        if (++have == 4) {
            to[0] = (unsigned char)(bits >> 16), to[1] = (unsigned char)(bits >> 8), to[2] = (unsigned char)bits;
            to += 3, have = 0, bits = 0;
        }
    }
    d->bits = bits, d->have = have;
    out->n = (size_t)((char *)to - out->p);
    out->p[out->n] = 0;
}

static void end_base64(const struct mime_decoder *d, struct buf *out) {
    if (d->have >= 2)
        buf_add_byte(out, (char)(d->bits >> (d->have == 2 ? 4 : 10)));
    if (d->have == 3)
        buf_add_byte(out, (char)(d->bits >> 2));
}

void mime_decode_base64(struct str body, struct buf *out) {
    struct mime_decoder d = {.kind = MIME_BASE64};
    add_base64(&d, body, out);
    end_base64(&d, out);
}

/* Appends s with its =XX undone; an '=' before anything else stays as it is. */
static void decode_escapes(struct str s, struct buf *out) {
    while (s.n) {
        ptrdiff_t at = str_chr(s, '=');
        size_t plain = at < 0 ? s.n : (size_t)at;
        buf_add(out, s.p, plain);
        s = str_sub(s, plain, s.n);
        if (s.n == 0)
            return;
        int high = s.n > 2 ? mime_hex(s.p[1]) : -1, low = s.n > 2 ? mime_hex(s.p[2]) : -1;
        bool escape = high >= 0 && low >= 0;
        buf_add_byte(out, escape ? (char)(high << 4 | low) : '=');
        s = str_sub(s, escape ? 3 : 1, s.n);
    }
}

static void decode_quoted_printable(struct str body, struct buf *out) {
    buf_reserve(out, body.n);
    for (size_t at = 0; at < body.n;) {
        size_t next;
        struct str line = mime_line(body, at, &next);
        size_t end = (size_t)(line.p - body.p) + line.n;
        while (line.n && (line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\t')) /* added on the way: rule 3 */
            line.n--;
        bool soft = line.n && line.p[line.n - 1] == '=';
        line.n -= soft;
        decode_escapes(line, out);
        if (!soft)
            buf_add(out, body.p + end, next - end);
        at = next;
    }
}

/* Of a line that does not end, what can be decoded without knowing how it goes on. */
static void flush_long_line(struct mime_decoder *d, struct buf *out) {
    size_t cut = d->line.n;
    while (cut && (d->line.p[cut - 1] == ' ' || d->line.p[cut - 1] == '\t'))
        cut--;
    for (size_t back = 1; back <= 2 && back < cut; back++)
        if (d->line.p[cut - back] == '=') {
            cut -= back;
            break;
        }
    if (cut == 0)
        cut = d->line.n;
    decode_escapes(str_sub(buf_str(&d->line), 0, cut), out);
    buf_consume(&d->line, cut);
}

/* Line by line: how one ends says what becomes of its blanks. */
static void add_quoted_printable(struct mime_decoder *d, struct str piece, struct buf *out) {
    ptrdiff_t first = str_chr(piece, '\n');
    if (d->line.n && first >= 0) {
        buf_add(&d->line, piece.p, (size_t)first + 1);
        decode_quoted_printable(buf_str(&d->line), out);
        buf_reset(&d->line);
        piece = str_sub(piece, (size_t)first + 1, piece.n);
    }
    size_t whole = (size_t)(str_rchr(piece, '\n') + 1);
    decode_quoted_printable(str_sub(piece, 0, whole), out);
    buf_add_str(&d->line, str_sub(piece, whole, piece.n));
    if (d->line.n > LONG_LINE)
        flush_long_line(d, out);
}

bool mime_decoder_init(struct mime_decoder *d, struct str encoding) {
    *d = (struct mime_decoder){.kind = MIME_IDENTITY};
    if (str_ieq(encoding, STR("base64")))
        d->kind = MIME_BASE64;
    else if (str_ieq(encoding, STR("quoted-printable")))
        d->kind = MIME_QUOTED_PRINTABLE;
    else
        return str_ieq(encoding, STR("7bit")) || str_ieq(encoding, STR("8bit")) || str_ieq(encoding, STR("binary"));
    return true;
}

void mime_decoder_add(struct mime_decoder *d, struct str piece, struct buf *out) {
    if (piece.n == 0 || d->ended)
        return;
    if (d->kind == MIME_BASE64)
        add_base64(d, piece, out);
    else if (d->kind == MIME_QUOTED_PRINTABLE)
        add_quoted_printable(d, piece, out);
    else
        buf_add_str(out, piece);
}

void mime_decoder_end(struct mime_decoder *d, struct buf *out) {
    if (d->kind == MIME_BASE64)
        end_base64(d, out);
    else if (d->kind == MIME_QUOTED_PRINTABLE)
        decode_quoted_printable(buf_str(&d->line), out);
    buf_free(&d->line);
}

void mime_decode_q(struct str text, struct buf *out) {
    for (size_t i = 0; i < text.n; i++) {
        int high = -1, low = -1;
        if (text.p[i] == '=' && i + 2 < text.n)
            high = mime_hex(text.p[i + 1]), low = mime_hex(text.p[i + 2]);
        if (high >= 0 && low >= 0) {
            buf_add_byte(out, (char)(high << 4 | low));
            i += 2;
        } else {
            buf_add_byte(out, text.p[i] == '_' ? ' ' : text.p[i]);
        }
    }
}

/* One line of uuencode: a length and four characters for each three bytes; trailing blanks may have been lost. */
static void decode_uu_line(struct str line, struct buf *out) {
    size_t length = (size_t)(line.p[0] - ' ') & 63;
    for (size_t i = 1; length > 0; i += 4) {
        uint32_t bits = 0;
        for (size_t k = 0; k < 4; k++)
            bits = bits << 6 | (i + k < line.n ? (uint32_t)(line.p[i + k] - ' ') & 63 : 0);
        char triple[3] = {(char)(bits >> 16), (char)(bits >> 8), (char)bits};
        size_t n = length < 3 ? length : 3;
        buf_add(out, triple, n);
        length -= n;
    }
}

static void decode_uu(struct str body, struct buf *out) {
    bool begun = false;
    for (size_t at = 0; at < body.n;) {
        struct str line = mime_line(body, at, &at);
        if (!begun) {
            begun = str_starts(line, STR("begin "));
            continue;
        }
        if (str_eq(str_trim(line), STR("end")))
            return;
        if (line.n && line.p[0] > ' ' && line.p[0] <= '`')
            decode_uu_line(line, out);
    }
}

void mime_decode_transfer(struct str encoding, struct str body, struct buf *out) {
    if (str_ieq(encoding, STR("base64")))
        mime_decode_base64(body, out);
    else if (str_ieq(encoding, STR("quoted-printable")))
        decode_quoted_printable(body, out);
    else if (str_ieq(encoding, STR("x-uuencode")) || str_ieq(encoding, STR("uuencode")) ||
             str_ieq(encoding, STR("x-uue")) || str_ieq(encoding, STR("uue")))
        decode_uu(body, out);
    else
        buf_add_str(out, body);
}

void mime_encode_base64(struct str body, struct buf *out) {
    buf_reserve(out, body.n / 57 * 78 + 80);
    for (size_t at = 0; at < body.n; at += 57) {
        base64_encode(str_sub(body, at, 57), out);
        buf_add(out, "\r\n", 2);
    }
}

/* Appends what stands for c; blanks are escaped at a line's end only (rule 3). */
static size_t quoted_printable_byte(unsigned char c, bool last, char to[3]) {
    static const char digit[] = "0123456789ABCDEF";
    bool plain = (c > ' ' && c < 0x7f && c != '=') || ((c == ' ' || c == '\t') && !last);
    to[0] = plain ? (char)c : '=';
    to[1] = digit[c >> 4], to[2] = digit[c & 15];
    return plain ? 1 : 3;
}

/* One line without its end, in pieces of at most 76 columns. A '.' or "From " at a start is escaped: mail systems that
 * stuff or quote lines then have nothing to change, and signatures stay whole (RFC 2049 section 3). */
static void encode_line(struct str line, struct buf *out) {
    size_t column = 0;
    for (size_t i = 0; i < line.n; i++) {
        char piece[3];
        bool last = i + 1 == line.n;
        size_t n = quoted_printable_byte((unsigned char)line.p[i], last, piece);
        if (column + n > (last ? 76u : 75u)) {
            buf_add(out, "=\r\n", 3);
            column = 0;
        }
        bool risky = column == 0 && (line.p[i] == '.' || str_starts(str_sub(line, i, 5), STR("From ")));
        if (risky) {
            buf_add_c(out, line.p[i] == '.' ? "=2E" : "=46");
            column = 3;
        } else {
            buf_add(out, piece, n);
            column += n;
        }
    }
}

void mime_encode_quoted_printable(struct str text, struct buf *out) {
    for (size_t at = 0; at < text.n;) {
        size_t next;
        struct str line = mime_line(text, at, &next);
        encode_line(line, out);
        if (next > at && text.p[next - 1] == '\n')
            buf_add(out, "\r\n", 2);
        at = next;
    }
}
