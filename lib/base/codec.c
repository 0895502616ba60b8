#include "base/codec.h"

#include "base/log.h"

#include <sys/random.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char alphabet_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void encode(struct str in, struct buf *out, const char *abc, bool pad) {
    buf_reserve(out, (in.n + 2) / 3 * 4);
    const unsigned char *p = (const unsigned char *)in.p;
    size_t i = 0;
    for (; i + 2 < in.n; i += 3) {
        char quad[4] = {abc[p[i] >> 2], abc[(p[i] & 3) << 4 | p[i + 1] >> 4], abc[(p[i + 1] & 15) << 2 | p[i + 2] >> 6],
                        abc[p[i + 2] & 63]};
        buf_add(out, quad, 4);
    }
    if (in.n - i == 1) {
        char tail[4] = {abc[p[i] >> 2], abc[(p[i] & 3) << 4], '=', '='};
        buf_add(out, tail, pad ? 4 : 2);
    } else if (in.n - i == 2) {
        char tail[4] = {abc[p[i] >> 2], abc[(p[i] & 3) << 4 | p[i + 1] >> 4], abc[(p[i + 1] & 15) << 2], '='};
        buf_add(out, tail, pad ? 4 : 3);
    }
}

void base64_encode(struct str in, struct buf *out) { encode(in, out, alphabet, true); }

void base64url_encode(struct str in, struct buf *out) { encode(in, out, alphabet_url, false); }

static int sextet(char c, bool url) {
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == (url ? '-' : '+'))
        return 62;
    if (c == (url ? '_' : '/'))
        return 63;
    return -1;
}

static bool decode(struct str in, struct buf *out, bool url) {
    size_t start = out->n, pad = 0;
    while (in.n && pad < 2 && in.p[in.n - 1] == '=')
        in.n--, pad++;
    if (in.n % 4 == 1 || ((pad || !url) && (in.n + pad) % 4 != 0))
        return false;
    uint32_t bits = 0;
    int have = 0;
    for (size_t i = 0; i < in.n; i++) {
        int v = sextet(in.p[i], url);
        if (v < 0) {
            out->n = start;
            return false;
        }
        bits = bits << 6 | (uint32_t)v;
        have += 6;
        if (have >= 8) {
            have -= 8;
            buf_add_byte(out, (char)(bits >> have));
            bits &= (1u << have) - 1;
        }
    }
    if (bits) { /* leftover bits must be zero (RFC 4648 section 3.5) */
        out->n = start;
        return false;
    }
    return true;
}

bool base64_decode(struct str in, struct buf *out) { return decode(in, out, false); }

bool base64url_decode(struct str in, struct buf *out) { return decode(in, out, true); }

void hex_encode(struct str in, struct buf *out) {
    static const char digit[] = "0123456789abcdef";
    for (size_t i = 0; i < in.n; i++) {
        buf_add_byte(out, digit[(unsigned char)in.p[i] >> 4]);
        buf_add_byte(out, digit[(unsigned char)in.p[i] & 15]);
    }
}

static int hex_value(char c) {
    c = ascii_lower(c);
    return ascii_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hex_decode(struct str in, struct buf *out) {
    size_t start = out->n;
    if (in.n % 2)
        return false;
    for (size_t i = 0; i < in.n; i += 2) {
        int hi = hex_value(in.p[i]), lo = hex_value(in.p[i + 1]);
        if (hi < 0 || lo < 0) {
            out->n = start;
            return false;
        }
        buf_add_byte(out, (char)(hi << 4 | lo));
    }
    return true;
}

static uint32_t crc32c_soft(uint32_t crc, const unsigned char *p, size_t n) {
    while (n--) {
        crc ^= *p++;
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (0x82f63b78u & (0u - (crc & 1)));
    }
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_hard(uint32_t crc, const unsigned char *p, size_t n) {
    uint64_t c = crc;
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        c = _mm_crc32_u64(c, word);
    }
    uint32_t r = (uint32_t)c;
    while (n--)
        r = _mm_crc32_u8(r, *p++);
    return r;
}
#endif

uint32_t crc32c(uint32_t crc, const void *p, size_t n) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2"))
        return ~crc32c_hard(~crc, p, n);
#endif
    return ~crc32c_soft(~crc, p, n);
}

void random_bytes(void *p, size_t n) {
    char *at = p;
    while (n) {
        ssize_t got = getrandom(at, n, 0);
        if (got < 0)
            log_panic("getrandom failed");
        at += got;
        n -= (size_t)got;
    }
}

void random_token(char *out, size_t size, size_t bytes) {
    unsigned char raw[64];
    if (bytes > sizeof raw || size < bytes * 4 / 3 + 2)
        log_panic("random_token: %zu bytes do not fit in %zu", bytes, size);
    random_bytes(raw, bytes);
    struct buf b = BUF_EMPTY;
    base64url_encode(str_n(raw, bytes), &b);
    memcpy(out, b.p, b.n + 1);
    buf_free(&b);
}

bool bytes_equal(struct str a, struct str b) {
    if (a.n != b.n)
        return false;
    unsigned char diff = 0;
    for (size_t i = 0; i < a.n; i++)
        diff |= (unsigned char)(a.p[i] ^ b.p[i]);
    return diff == 0;
}
