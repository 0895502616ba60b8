/* Characters: UTF-8 sequences, and text made fit for one line of a screen. */
#include "mime/internal.h"

size_t mime_utf8_sequence(const char *text, size_t n) {
    const unsigned char *p = (const unsigned char *)text;
    if (p[0] < 0x80)
        return 1;
    size_t len = p[0] >= 0xc2 && p[0] <= 0xdf ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4 : 0;
    if (len == 0 || len > n)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool surrogate = p[0] == 0xed && p[1] > 0x9f;
    bool beyond = p[0] == 0xf4 && p[1] > 0x8f;
    return overlong || surrogate || beyond ? 0 : len;
}

size_t mime_ascii_run(const char *p, size_t n) {
    size_t i = 0;
    for (uint64_t word; i + sizeof word <= n; i += sizeof word) {
        memcpy(&word, p + i, sizeof word);
        if (word & UINT64_C(0x8080808080808080))
            break;
    }
    while (i < n && (unsigned char)p[i] < 0x80)
        i++;
    return i;
}

void mime_add_utf8(struct buf *out, uint32_t c) {
    char b[4];
    size_t n;
    if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        c = 0xfffd;
    if (c < 0x80) {
        b[0] = (char)c, n = 1;
    } else if (c < 0x800) {
        b[0] = (char)(0xc0 | c >> 6), b[1] = (char)(0x80 | (c & 63)), n = 2;
    } else if (c < 0x10000) {
        b[0] = (char)(0xe0 | c >> 12), b[1] = (char)(0x80 | (c >> 6 & 63)), b[2] = (char)(0x80 | (c & 63)), n = 3;
    } else {
        b[0] = (char)(0xf0 | c >> 18), b[1] = (char)(0x80 | (c >> 12 & 63));
        b[2] = (char)(0x80 | (c >> 6 & 63)), b[3] = (char)(0x80 | (c & 63)), n = 4;
    }
    buf_add(out, b, n);
}

void mime_add_line(struct buf *out, struct str text) {
    size_t from = 0, i = 0;
    while (i < text.n) {
        unsigned char c = (unsigned char)text.p[i];
        bool c1 = c == 0xc2 && i + 1 < text.n && (unsigned char)text.p[i + 1] < 0xa0;
        if (c >= 0x20 && c != 0x7f && !c1) {
            i++;
            continue;
        }
        buf_add(out, text.p + from, i - from);
        if (c == '\r' || c == '\n') {
            while (i < text.n && (text.p[i] == '\r' || text.p[i] == '\n'))
                i++;
            if (i < text.n && text.p[i] != ' ' && text.p[i] != '\t') /* no fold: RFC 5322 section 2.2.3 */
                buf_add_byte(out, ' ');
        } else {
            if (c == '\t')
                buf_add_byte(out, ' ');
            i += c1 ? 2 : 1;
        }
        from = i;
    }
    if (from < text.n)
        buf_add(out, text.p + from, text.n - from);
}

struct str mime_utf8_cut(struct str s, size_t n) {
    if (s.n <= n)
        return s;
    while (n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
        n--;
    return str_sub(s, 0, n);
}

int mime_hex(char c) {
    if (ascii_digit(c))
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void mime_add_quoted(struct str s, struct buf *out) {
    buf_reserve(out, s.n + 2);
    buf_add_byte(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\')
            buf_add_byte(out, '\\');
        buf_add_byte(out, s.p[i]);
    }
    buf_add_byte(out, '"');
}
