#include "mime/utf7.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static int value_of(char c) {
    if (ascii_alpha(c))
        return c >= 'a' ? c - 'a' + 26 : c - 'A';
    if (ascii_digit(c))
        return c - '0' + 52;
    return c == '+' ? 62 : c == ',' ? 63 : -1;
}

static bool stands_for_itself(uint32_t c) { return c >= 0x20 && c <= 0x7e; }

static void add_utf8(struct buf *out, uint32_t c) {
    if (c < 0x80) {
        buf_add_byte(out, (char)c);
    } else if (c < 0x800) {
        buf_add_byte(out, (char)(0xc0 | c >> 6));
        buf_add_byte(out, (char)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        buf_add_byte(out, (char)(0xe0 | c >> 12));
        buf_add_byte(out, (char)(0x80 | (c >> 6 & 0x3f)));
        buf_add_byte(out, (char)(0x80 | (c & 0x3f)));
    } else {
        buf_add_byte(out, (char)(0xf0 | c >> 18));
        buf_add_byte(out, (char)(0x80 | (c >> 12 & 0x3f)));
        buf_add_byte(out, (char)(0x80 | (c >> 6 & 0x3f)));
        buf_add_byte(out, (char)(0x80 | (c & 0x3f)));
    }
}

/* One UTF-16 unit more; *high is a high surrogate that waits for its partner, or 0. */
static bool take_unit(uint32_t unit, uint32_t *high, struct buf *out) {
    if (*high) {
        if (unit < 0xdc00 || unit > 0xdfff)
            return false;
        add_utf8(out, 0x10000 + ((*high - 0xd800) << 10) + (unit - 0xdc00));
        *high = 0;
        return true;
    }
    if (unit >= 0xd800 && unit <= 0xdbff) {
        *high = unit;
        return true;
    }
    if (stands_for_itself(unit) || unit < 0x20 || unit == 0x7f || (unit >= 0xdc00 && unit <= 0xdfff))
        return false;
    add_utf8(out, unit);
    return true;
}

/* The base64 between "&" and "-". */
static bool decode_shifted(struct str in, struct buf *out) {
    uint32_t bits = 0, high = 0;
    int count = 0;
    for (size_t i = 0; i < in.n; i++) {
        int v = value_of(in.p[i]);
        if (v < 0)
            return false;
        bits = bits << 6 | (uint32_t)v;
        count += 6;
        if (count >= 16) {
            count -= 16;
            if (!take_unit(bits >> count & 0xffff, &high, out))
                return false;
            bits &= (1u << count) - 1;
        }
    }
    return !high && count < 6 && bits == 0;
}

static bool decode(struct str wire, struct buf *out) {
    bool shifted_before = false;
    for (size_t i = 0; i < wire.n; i++) {
        char c = wire.p[i];
        if (!stands_for_itself((unsigned char)c))
            return false;
        if (c != '&') {
            buf_add_byte(out, c);
            shifted_before = false;
            continue;
        }
        struct str rest = str_sub(wire, i + 1, wire.n);
        ptrdiff_t dash = str_chr(rest, '-');
        if (dash < 0)
            return false;
        if (dash == 0) {
            buf_add_byte(out, '&');
            shifted_before = false;
        } else { /* "&...-&...-" would be a second form of one longer run */
            if (shifted_before || !decode_shifted(str_sub(rest, 0, (size_t)dash), out))
                return false;
            shifted_before = true;
        }
        i += (size_t)dash + 1;
    }
    return true;
}

bool utf7_decode(struct str wire, struct buf *out) {
    size_t before = out->n;
    if (decode(wire, out))
        return true;
    out->n = before;
    return false;
}

/* ---- encoding ---- */

/* The character at *i of valid UTF-8; moves *i behind it. */
static uint32_t take_char(struct str s, size_t *i) {
    unsigned char lead = (unsigned char)s.p[(*i)++];
    if (lead < 0x80)
        return lead;
    uint32_t c = lead & (lead < 0xe0 ? 0x1f : lead < 0xf0 ? 0x0f : 0x07);
    while (*i < s.n && ((unsigned char)s.p[*i] & 0xc0) == 0x80)
        c = c << 6 | ((unsigned char)s.p[(*i)++] & 0x3f);
    return c;
}

struct shift {
    uint32_t bits;
    int count;
};

static void add_unit(struct shift *s, uint32_t unit, struct buf *out) {
    s->bits = s->bits << 16 | unit;
    s->count += 16;
    while (s->count >= 6) {
        s->count -= 6;
        buf_add_byte(out, alphabet[s->bits >> s->count & 0x3f]);
        s->bits &= (1u << s->count) - 1;
    }
}

static void end_shift(struct shift *s, struct buf *out) {
    if (s->count)
        buf_add_byte(out, alphabet[s->bits << (6 - s->count) & 0x3f]);
    buf_add_byte(out, '-');
    *s = (struct shift){0, 0};
}

void utf7_encode(struct str utf8, struct buf *out) {
    struct shift shift = {0, 0};
    bool shifted = false;
    for (size_t i = 0; i < utf8.n;) {
        uint32_t c = take_char(utf8, &i);
        if (stands_for_itself(c)) {
            if (shifted)
                end_shift(&shift, out);
            shifted = false;
            buf_add_byte(out, (char)c);
            if (c == '&')
                buf_add_byte(out, '-');
            continue;
        }
        if (!shifted)
            buf_add_byte(out, '&');
        shifted = true;
        if (c >= 0x10000) {
            add_unit(&shift, 0xd800 + ((c - 0x10000) >> 10), out);
            add_unit(&shift, 0xdc00 + ((c - 0x10000) & 0x3ff), out);
        } else {
            add_unit(&shift, c, out);
        }
    }
    if (shifted)
        end_shift(&shift, out);
}
