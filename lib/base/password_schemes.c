/*
 * The password schemes of other servers. A stored hash is "{SCHEME}data", or "{SCHEME.HEX}data" and "{SCHEME.B64}data"
 * where it says how the bytes are written; without that, hexadecimal and base64 are told apart by the length. Names are
 * Dovecot's; Courier's {MD5}, {SHA}, {SHA256}, {SHA512}, {SSHA...} and {CRYPT} are the same or have a length of their
 * own.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* {CRAM-MD5} holds MD5's inner state, which only the old calls show */

#include "base/password_schemes.h"

#include "base/codec.h"
#include "base/memory.h"
#include "base/password.h"

#include <argon2.h>
#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/md5.h>
#include <openssl/sha.h>
#include <stdlib.h>

enum { MAX_PBKDF2_ITERATIONS = 10000000, CRAM_BYTES = 32, BLOCK_BYTES = 64, DES_BYTES = 13 };

enum kind {
    TEXT,   /* argon2's or crypt(3)'s own form */
    EITHER, /* crypt(3)'s $1$, or MD5's digest */
    DIGEST, /* the digest, and behind it the salt, if any */
    CLEAR,
    PBKDF2, /* $1$salt$iterations$hex */
    SCRAM,
    CRAM, /* the two states of HMAC-MD5 */
};

struct scheme {
    const char *name;
    enum kind kind;
    const EVP_MD *(*digest)(void);
    size_t bytes; /* of the digest */
    bool salted;
    enum password_scram scram;
};

static const struct scheme schemes[] = {
    {"ARGON2ID", TEXT, NULL, 0, false, 0},
    {"ARGON2I", TEXT, NULL, 0, false, 0},
    {"SHA512-CRYPT", TEXT, NULL, 0, false, 0},
    {"SHA256-CRYPT", TEXT, NULL, 0, false, 0},
    {"BLF-CRYPT", TEXT, NULL, 0, false, 0},
    {"MD5-CRYPT", TEXT, NULL, 0, false, 0},
    {"DES-CRYPT", TEXT, NULL, 0, false, 0},
    {"CRYPT", TEXT, NULL, 0, false, 0},
    {"PLAIN", CLEAR, NULL, 0, false, 0},
    {"CLEARTEXT", CLEAR, NULL, 0, false, 0},
    {"CLEAR", CLEAR, NULL, 0, false, 0},
    {"MD5", EITHER, EVP_md5, 16, false, 0},
    {"MD5RAW", DIGEST, EVP_md5, 16, false, 0}, /* Courier's hexadecimal one */
    {"PLAIN-MD5", DIGEST, EVP_md5, 16, false, 0},
    {"LDAP-MD5", DIGEST, EVP_md5, 16, false, 0},
    {"SMD5", DIGEST, EVP_md5, 16, true, 0},
    {"SHA", DIGEST, EVP_sha1, 20, false, 0},
    {"SHA1", DIGEST, EVP_sha1, 20, false, 0},
    {"SSHA", DIGEST, EVP_sha1, 20, true, 0},
    {"SHA256", DIGEST, EVP_sha256, 32, false, 0},
    {"SSHA256", DIGEST, EVP_sha256, 32, true, 0},
    {"SHA512", DIGEST, EVP_sha512, 64, false, 0},
    {"SSHA512", DIGEST, EVP_sha512, 64, true, 0},
    {"PBKDF2", PBKDF2, NULL, 20, false, 0},
    {"SCRAM-SHA-256", SCRAM, NULL, 32, false, PASSWORD_SCRAM_SHA256},
    {"SCRAM-SHA-1", SCRAM, NULL, 20, false, PASSWORD_SCRAM_SHA1},
    {"CRAM-MD5", CRAM, NULL, CRAM_BYTES, false, 0},
    {"HMAC-MD5", CRAM, NULL, CRAM_BYTES, false, 0},
};

enum encoding { ENCODING_GUESS, ENCODING_HEX, ENCODING_BASE64 };

/* ---- "{SCHEME.ENCODING}" ---- */

static const struct scheme *find(struct str stored, enum encoding *encoding, struct str *data) {
    ptrdiff_t close = str_chr(stored, '}');
    if (close < 2 || stored.p[0] != '{')
        return NULL;
    struct str name = str_sub(stored, 1, (size_t)close - 1), suffix = {NULL, 0};
    *data = str_sub(stored, (size_t)close + 1, stored.n);
    ptrdiff_t dot = str_chr(name, '.');
    *encoding = ENCODING_GUESS;
    if (dot >= 0) {
        suffix = str_sub(name, (size_t)dot + 1, name.n);
        name.n = (size_t)dot;
        if (str_ieq(suffix, STR("HEX")))
            *encoding = ENCODING_HEX;
        else if (str_ieq(suffix, STR("B64")) || str_ieq(suffix, STR("BASE64")))
            *encoding = ENCODING_BASE64;
        else
            return NULL;
    }
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (str_ieq(name, str_of(schemes[i].name)))
            return &schemes[i];
    return NULL;
}

/* The data's bytes. `bytes`: how many a digest has; 0: it is text, which stands there as it is unless it says
 * otherwise. */
static bool decode(struct str data, enum encoding encoding, size_t bytes, struct buf *out) {
    if (bytes == 0 && encoding == ENCODING_GUESS) {
        buf_add_str(out, data);
        return true;
    }
    if (encoding == ENCODING_GUESS)
        encoding = data.n == bytes * 2 && hex_decode(data, out) ? ENCODING_HEX : ENCODING_BASE64;
    buf_reset(out);
    if (encoding == ENCODING_HEX)
        return hex_decode(data, out);
    if (base64_decode(data, out))
        return true;
    /* some write no padding */
    struct buf padded = BUF_EMPTY;
    buf_add_str(&padded, data);
    while (padded.n % 4)
        buf_add_byte(&padded, '=');
    bool good = base64_decode(buf_str(&padded), out);
    buf_free(&padded);
    return good;
}

/* ---- argon2 and crypt(3) ---- */

static bool crypt_verify(const char *stored, const char *password) {
    struct crypt_data *data = mem_zero(sizeof *data);
    const char *got = crypt_r(password, stored, data);
    bool same = got && got[0] != '*' && bytes_equal(str_of(got), str_of(stored));
    OPENSSL_cleanse(data, sizeof *data);
    free(data);
    return same;
}

static bool salt_letter(char c) { return ascii_digit(c) || ascii_alpha(c) || c == '.' || c == '/'; }

bool scheme_is_bare(struct str hash) {
    if (str_starts(hash, STR("$")))
        return hash.n > 8 && str_is_ascii(hash);
    for (size_t i = 0; i < hash.n; i++)
        if (!salt_letter(hash.p[i]))
            return false;
    return hash.n == DES_BYTES;
}

bool scheme_verify_bare(struct str hash, struct str password) {
    if (!scheme_is_bare(hash))
        return false;
    char *stored = str_dup(hash), *plain = str_dup(password);
    bool same;
    if (str_starts(hash, STR("$argon2id$")))
        same = argon2id_verify(stored, plain, password.n) == ARGON2_OK;
    else if (str_starts(hash, STR("$argon2i$")))
        same = argon2i_verify(stored, plain, password.n) == ARGON2_OK;
    else
        same = crypt_verify(stored, plain);
    OPENSSL_cleanse(plain, password.n);
    free(plain);
    free(stored);
    return same;
}

/* ---- digests ---- */

static bool digest_verify(const struct scheme *s, struct str bytes, struct str password) {
    unsigned char got[EVP_MAX_MD_SIZE];
    if (s->salted ? bytes.n <= s->bytes : bytes.n != s->bytes)
        return false;
    struct buf text = BUF_EMPTY;
    buf_add_str(&text, password);
    buf_add(&text, bytes.p + s->bytes, bytes.n - s->bytes);
    bool good = EVP_Digest(text.p, text.n, got, NULL, s->digest(), NULL) == 1;
    if (text.p)
        OPENSSL_cleanse(text.p, text.n);
    buf_free(&text);
    return good && bytes_equal(str_n(got, s->bytes), str_sub(bytes, 0, s->bytes));
}

static void put_state(const MD5_CTX *c, unsigned char *out) {
    const unsigned word[4] = {c->A, c->B, c->C, c->D};
    for (int i = 0; i < 16; i++)
        out[i] = (unsigned char)(word[i / 4] >> i % 4 * 8);
}

/* The states that HMAC-MD5 (RFC 2104) has after the outer and the inner pad. */
static bool cram_verify(struct str bytes, struct str password) {
    unsigned char key[BLOCK_BYTES] = {0}, pad[BLOCK_BYTES], state[CRAM_BYTES];
    if (bytes.n != CRAM_BYTES)
        return false;
    if (password.n > sizeof key)
        MD5((const unsigned char *)password.p, password.n, key);
    else if (password.n)
        memcpy(key, password.p, password.n);
    for (int inner = 0; inner < 2; inner++) {
        MD5_CTX c;
        for (size_t i = 0; i < sizeof pad; i++)
            pad[i] = key[i] ^ (inner ? 0x36 : 0x5c);
        MD5_Init(&c);
        MD5_Update(&c, pad, sizeof pad);
        put_state(&c, state + (inner ? 16 : 0));
    }
    OPENSSL_cleanse(key, sizeof key);
    return bytes_equal(str_n(state, sizeof state), bytes);
}

/* ---- PBKDF2 and SCRAM ---- */

static const EVP_MD *sha(int bits) { return bits == 256 ? EVP_sha256() : EVP_sha1(); }

void scheme_pbkdf2(int bits, struct str password, struct str salt, uint32_t iterations, unsigned char *out, size_t n) {
    PKCS5_PBKDF2_HMAC(password.p, (int)password.n, (const unsigned char *)salt.p, (int)salt.n, (int)iterations,
                      sha(bits), (int)n, out);
}

void scheme_scram_keys(int bits, const unsigned char *salted, unsigned char *stored_key, unsigned char *server_key) {
    unsigned char client_key[EVP_MAX_MD_SIZE];
    int n = EVP_MD_get_size(sha(bits));
    HMAC(sha(bits), salted, n, (const unsigned char *)"Client Key", 10, client_key, NULL);
    EVP_Digest(client_key, (size_t)n, stored_key, NULL, sha(bits), NULL);
    HMAC(sha(bits), salted, n, (const unsigned char *)"Server Key", 10, server_key, NULL);
    OPENSSL_cleanse(client_key, sizeof client_key);
}

static bool scram_verify(struct str stored, enum password_scram which, struct str password) {
    struct password_keys keys;
    unsigned char salted[PASSWORD_KEY_MAX], stored_key[PASSWORD_KEY_MAX], server_key[PASSWORD_KEY_MAX];
    struct buf salt = BUF_EMPTY;
    int bits = which == PASSWORD_SCRAM_SHA256 ? 256 : 1;
    bool good = password_scram_keys(stored, which, &keys) && base64_decode(keys.salt, &salt);
    if (good) {
        scheme_pbkdf2(bits, password, buf_str(&salt), keys.iterations, salted, keys.key_bytes);
        scheme_scram_keys(bits, salted, stored_key, server_key);
        good = bytes_equal(str_n(stored_key, keys.key_bytes), str_n(keys.stored_key, keys.key_bytes));
        OPENSSL_cleanse(salted, sizeof salted);
    }
    buf_free(&salt);
    return good;
}

/* Dovecot's: $1$salt$iterations$hex of 20 bytes, with SHA-1. */
static bool pbkdf2_read(struct str data, struct str *salt, uint32_t *iterations, struct buf *bytes) {
    struct str piece;
    return str_split(&data, '$', &piece) && piece.n == 0 && str_split(&data, '$', &piece) && str_eq(piece, STR("1")) &&
           str_split(&data, '$', salt) && str_split(&data, '$', &piece) && str_u32(piece, iterations) &&
           *iterations > 0 && *iterations <= MAX_PBKDF2_ITERATIONS && hex_decode(data, bytes) && bytes->n == 20;
}

static bool pbkdf2_verify(struct str data, struct str password) {
    struct str salt;
    uint32_t iterations;
    unsigned char got[20];
    struct buf bytes = BUF_EMPTY;
    bool good = pbkdf2_read(data, &salt, &iterations, &bytes);
    if (good) {
        scheme_pbkdf2(1, password, salt, iterations, got, sizeof got);
        good = bytes_equal(str_n(got, sizeof got), buf_str(&bytes));
    }
    buf_free(&bytes);
    return good;
}

/* ---- all of them ---- */

static bool verify_bytes(const struct scheme *s, struct str stored, struct str bytes, struct str password) {
    switch (s->kind) {
    case TEXT:
        return scheme_verify_bare(bytes, password);
    case EITHER:
    case DIGEST:
        return digest_verify(s, bytes, password);
    case CLEAR:
        return bytes_equal(bytes, password);
    case PBKDF2:
        return pbkdf2_verify(bytes, password);
    case SCRAM:
        return scram_verify(stored, s->scram, password);
    case CRAM:
        return cram_verify(bytes, password);
    }
    return false;
}

/* Finds the scheme and the data's bytes. */
static const struct scheme *read_stored(struct str stored, struct buf *bytes) {
    enum encoding encoding;
    struct str data;
    const struct scheme *s = find(stored, &encoding, &data);
    if (!s)
        return NULL;
    if (s->kind == EITHER && str_starts(data, STR("$"))) /* Dovecot's {MD5} is crypt(3)'s */
        s = &schemes[0];
    bool binary = s->kind == EITHER || s->kind == DIGEST || s->kind == CRAM;
    if (!decode(data, encoding, binary ? s->bytes : 0, bytes))
        return NULL;
    return binary || str_chr(buf_str(bytes), 0) < 0 ? s : NULL;
}

bool scheme_verify(struct str stored, struct str password) {
    struct buf bytes = BUF_EMPTY;
    const struct scheme *s = read_stored(stored, &bytes);
    bool right = s && verify_bytes(s, stored, buf_str(&bytes), password);
    if (bytes.p)
        OPENSSL_cleanse(bytes.p, bytes.n);
    buf_free(&bytes);
    return right;
}

static bool has_form(const struct scheme *s, struct str stored, struct str bytes) {
    struct password_keys keys;
    struct str salt;
    uint32_t iterations;
    struct buf hash = BUF_EMPTY;
    bool good = true;
    switch (s->kind) {
    case TEXT:
        return scheme_is_bare(bytes);
    case EITHER:
    case DIGEST:
        return s->salted ? bytes.n > s->bytes : bytes.n == s->bytes;
    case CLEAR:
        return bytes.n > 0 && bytes.n <= PASSWORD_MAX;
    case PBKDF2:
        good = pbkdf2_read(bytes, &salt, &iterations, &hash);
        break;
    case SCRAM:
        return password_scram_keys(stored, s->scram, &keys);
    case CRAM:
        return bytes.n == CRAM_BYTES;
    }
    buf_free(&hash);
    return good;
}

bool scheme_is_known(struct str stored) {
    struct buf bytes = BUF_EMPTY;
    const struct scheme *s = read_stored(stored, &bytes);
    bool known = s && has_form(s, stored, buf_str(&bytes));
    buf_free(&bytes);
    return known;
}
