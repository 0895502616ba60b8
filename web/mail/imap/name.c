#include "mail/imap/name.h"

#include "base/codec.h"

static void add_code_point(struct buf *out, uint32_t c) {
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

/* UTF-16BE to UTF-8; false where a surrogate stands alone or a byte is left over. */
static bool add_utf16(struct buf *out, struct str units) {
    for (size_t i = 0; i < units.n; i += 2) {
        if (i + 1 >= units.n)
            return false;
        uint32_t c = (uint32_t)((unsigned char)units.p[i] << 8 | (unsigned char)units.p[i + 1]);
        if (c >= 0xd800 && c < 0xdc00 && i + 3 < units.n) {
            uint32_t low = (uint32_t)((unsigned char)units.p[i + 2] << 8 | (unsigned char)units.p[i + 3]);
            if (low < 0xdc00 || low > 0xdfff)
                return false;
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
            i += 2;
        } else if (c >= 0xd800 && c < 0xe000) {
            return false;
        }
        add_code_point(out, c);
    }
    return true;
}

/* The text of one shifted run, "&...-" without its ends. */
static bool decode_run(struct buf *out, struct str run) {
    struct buf plain = BUF_EMPTY, units = BUF_EMPTY;
    if (run.n == 0) {
        buf_add_byte(out, '&');
        return true;
    }
    for (size_t i = 0; i < run.n; i++)
        buf_add_byte(&plain, run.p[i] == ',' ? '/' : run.p[i]);
    while (plain.n % 4)
        buf_add_byte(&plain, '=');
    bool ok = base64_decode(buf_str(&plain), &units) && add_utf16(out, buf_str(&units));
    buf_free(&plain);
    buf_free(&units);
    return ok;
}

struct str name_decode(struct arena *a, struct str wire) {
    struct buf out = BUF_EMPTY;
    bool ok = true;
    for (size_t i = 0; ok && i < wire.n; i++) {
        if (wire.p[i] != '&') {
            buf_add_byte(&out, wire.p[i]);
            continue;
        }
        struct str rest = str_sub(wire, i + 1, wire.n);
        ptrdiff_t end = str_chr(rest, '-');
        ok = end >= 0 && decode_run(&out, str_sub(rest, 0, (size_t)end));
        i += (size_t)end + 1;
    }
    struct str name = ok && str_is_utf8(buf_str(&out)) ? buf_str(&out) : wire;
    name = arena_str(a, name);
    if (!str_is_utf8(name))
        for (size_t i = 0; i < name.n; i++)
            if ((unsigned char)name.p[i] >= 0x80)
                ((char *)name.p)[i] = '?';
    buf_free(&out);
    return name;
}

/* The code point at the start of s, which is valid UTF-8; *n: its bytes. */
static uint32_t code_point(struct str s, size_t *n) {
    unsigned char first = (unsigned char)s.p[0];
    *n = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    uint32_t c = *n == 1 ? first : first & (0x7fu >> *n);
    for (size_t i = 1; i < *n; i++)
        c = c << 6 | ((unsigned char)s.p[i] & 0x3f);
    return c;
}

static void add_unit(struct buf *out, uint32_t unit) {
    buf_add_byte(out, (char)(unit >> 8));
    buf_add_byte(out, (char)unit);
}

static void encode_run(struct buf *out, struct str units) {
    struct buf text = BUF_EMPTY;
    base64_encode(units, &text);
    buf_add_byte(out, '&');
    for (size_t i = 0; i < text.n && text.p[i] != '='; i++)
        buf_add_byte(out, text.p[i] == '/' ? ',' : text.p[i]);
    buf_add_byte(out, '-');
    buf_free(&text);
}

struct str name_encode(struct arena *a, struct str utf8) {
    struct buf out = BUF_EMPTY, units = BUF_EMPTY;
    for (size_t i = 0, n; i < utf8.n; i += n) {
        uint32_t c = code_point(str_sub(utf8, i, utf8.n), &n);
        bool plain = c >= 0x20 && c < 0x7f;
        if (plain && units.n) {
            encode_run(&out, buf_str(&units));
            buf_reset(&units);
        }
        if (c == '&') {
            buf_add_c(&out, "&-");
        } else if (plain) {
            buf_add_byte(&out, (char)c);
        } else if (c < 0x10000) {
            add_unit(&units, c);
        } else {
            add_unit(&units, 0xd800 + ((c - 0x10000) >> 10));
            add_unit(&units, 0xdc00 + ((c - 0x10000) & 0x3ff));
        }
    }
    if (units.n)
        encode_run(&out, buf_str(&units));
    struct str wire = arena_str(a, buf_str(&out));
    buf_free(&out);
    buf_free(&units);
    return wire;
}
