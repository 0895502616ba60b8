#include "base/password.h"

#include "base/codec.h"
#include "base/password_schemes.h"

#include <argon2.h>
#include <openssl/crypto.h>

/* OWASP's recommendation for argon2id: 19 MiB, two passes, one lane: some 25 ms of one core. */
enum { ARGON2_PASSES = 2, ARGON2_KIB = 19456, ARGON2_LANES = 1, SALT_BYTES = 16, HASH_BYTES = 32, ENCODED_BYTES = 128 };
enum { MAX_STORED = 4096, MAX_ITERATIONS = 10000000 };

static const struct {
    const char *scheme;
    int bits;
    size_t key_bytes;
} scram[] = {
    [PASSWORD_SCRAM_SHA256] = {"{SCRAM-SHA-256}", 256, 32},
    [PASSWORD_SCRAM_SHA1] = {"{SCRAM-SHA-1}", 1, 20},
};

bool password_hash(struct str password, struct buf *out, struct err *err) {
    unsigned char salt[SALT_BYTES];
    char encoded[ENCODED_BYTES];
    random_bytes(salt, sizeof salt);
    int code = argon2id_hash_encoded(ARGON2_PASSES, ARGON2_KIB, ARGON2_LANES, password.p, password.n, salt, sizeof salt,
                                     HASH_BYTES, encoded, sizeof encoded);
    if (code != ARGON2_OK)
        return err_set(err, "the password could not be hashed: %s", argon2_error_message(code));
    buf_add_c(out, encoded);
    return true;
}

static void add_scram(enum password_scram which, struct str password, struct str salt, struct buf *out) {
    unsigned char salted[PASSWORD_KEY_MAX], stored[PASSWORD_KEY_MAX], server[PASSWORD_KEY_MAX];
    size_t n = scram[which].key_bytes;
    scheme_pbkdf2(scram[which].bits, password, salt, PASSWORD_SCRAM_ITERATIONS, salted, n);
    scheme_scram_keys(scram[which].bits, salted, stored, server);
    buf_printf(out, " %s%d,", scram[which].scheme, PASSWORD_SCRAM_ITERATIONS);
    base64_encode(salt, out);
    buf_add_byte(out, ',');
    base64_encode(str_n(stored, n), out);
    buf_add_byte(out, ',');
    base64_encode(str_n(server, n), out);
    OPENSSL_cleanse(salted, sizeof salted);
}

void password_scram_make(struct str password, struct str salt, struct buf *out) {
    add_scram(PASSWORD_SCRAM_SHA256, password, salt, out);
    add_scram(PASSWORD_SCRAM_SHA1, password, salt, out);
}

bool password_hash_scram(struct str password, struct str salt, struct buf *out, struct err *err) {
    if (!password_hash(password, out, err))
        return false;
    password_scram_make(password, salt, out);
    return true;
}

/* Our own form has more behind the hash; in those of others a blank may be part of it ({PLAIN}). */
static struct str first_part(struct str stored) {
    ptrdiff_t blank = str_starts(stored, STR("$")) ? str_chr(stored, ' ') : -1;
    return blank < 0 ? stored : str_sub(stored, 0, (size_t)blank);
}

bool password_verify(struct str stored, struct str password) {
    if (password.n > PASSWORD_MAX || str_chr(password, 0) >= 0 || stored.n > MAX_STORED || str_chr(stored, 0) >= 0)
        return false;
    struct str hash = first_part(stored);
    if (hash.n == 0)
        return false;
    return hash.p[0] == '{' ? scheme_verify(hash, password) : scheme_verify_bare(hash, password);
}

bool password_is_known(struct str stored) {
    if (stored.n == 0 || stored.n > MAX_STORED || str_chr(stored, 0) >= 0 || !str_is_utf8(stored))
        return false;
    struct str hash = first_part(stored);
    return hash.p[0] == '{' ? scheme_is_known(hash) : scheme_is_bare(hash);
}

bool password_is_current(struct str stored) {
    struct password_keys keys;
    return password_is_known(stored) && str_starts(stored, STR("$argon2id$v=19$m=19456,t=2,p=1$")) &&
           password_scram_keys(stored, PASSWORD_SCRAM_SHA256, &keys) && keys.iterations >= PASSWORD_SCRAM_ITERATIONS &&
           password_scram_keys(stored, PASSWORD_SCRAM_SHA1, &keys) && keys.iterations >= PASSWORD_SCRAM_ITERATIONS;
}

/* ---- SCRAM ---- */

static bool take_key(struct str *rest, unsigned char *key, size_t n) {
    struct str piece;
    struct buf bytes = BUF_EMPTY;
    bool good = str_split(rest, ',', &piece) && base64_decode(piece, &bytes) && bytes.n == n;
    if (good)
        memcpy(key, bytes.p, n);
    buf_free(&bytes);
    return good;
}

/* iterations,salt,StoredKey,ServerKey */
static bool parse_keys(struct str text, size_t key_bytes, struct password_keys *out) {
    struct str piece;
    struct buf salt = BUF_EMPTY;
    out->key_bytes = key_bytes;
    bool good = str_split(&text, ',', &piece) && str_u32(piece, &out->iterations) && out->iterations > 0 &&
                out->iterations <= MAX_ITERATIONS && str_split(&text, ',', &out->salt) && out->salt.n &&
                base64_decode(out->salt, &salt) && take_key(&text, out->stored_key, key_bytes) &&
                take_key(&text, out->server_key, key_bytes) && text.p == NULL;
    buf_free(&salt);
    return good;
}

bool password_scram_keys(struct str stored, enum password_scram which, struct password_keys *out) {
    struct str scheme = str_of(scram[which].scheme), piece;
    bool ours = !str_starts(stored, STR("{")); /* keys stand behind a hash, and are not all there is */
    memset(out, 0, sizeof *out);
    if (!ours && str_istarts(stored, scheme))
        return parse_keys(str_sub(stored, scheme.n, stored.n), scram[which].key_bytes, out);
    while (ours && str_split(&stored, ' ', &piece))
        if (str_starts(piece, scheme))
            return parse_keys(str_sub(piece, scheme.n, piece.n), scram[which].key_bytes, out);
    return false;
}

/* ---- what may be set ---- */

static size_t characters(struct str utf8) {
    size_t n = 0;
    for (size_t i = 0; i < utf8.n; i++)
        n += ((unsigned char)utf8.p[i] & 0xc0) != 0x80;
    return n;
}

bool password_acceptable(struct str password, struct str login, struct err *err) {
    if (!str_is_utf8(password) || str_chr(password, 0) >= 0)
        return err_set(err, "The password contains bytes that are no text.");
    if (characters(password) < PASSWORD_MIN)
        return err_set(err, "The password is too short: use at least %d characters.", PASSWORD_MIN);
    if (password.n > PASSWORD_MAX)
        return err_set(err, "The password is too long: use at most %d bytes.", PASSWORD_MAX);
    ptrdiff_t at = str_chr(login, '@');
    if (str_ieq(password, login) || (at > 0 && str_ieq(password, str_sub(login, 0, (size_t)at))))
        return err_set(err, "The password is the same as the login: choose another.");
    return true;
}
