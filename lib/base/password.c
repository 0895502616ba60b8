#include "base/password.h"

#include "base/codec.h"
#include "base/memory.h"

#include <argon2.h>
#include <crypt.h>
#include <openssl/crypto.h>
#include <stdlib.h>

/* OWASP's recommendation for argon2id: 19 MiB, two passes, one lane: some 25 ms of one core. */
enum { ARGON2_PASSES = 2, ARGON2_KIB = 19456, ARGON2_LANES = 1, SALT_BYTES = 16, HASH_BYTES = 32, ENCODED_BYTES = 128 };

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

/* What a scheme in braces stands for: all of these are crypt(3)'s or argon2's own form behind it. */
static struct str without_scheme(struct str stored) {
    static const char *const known[] = {"{ARGON2ID}",  "{ARGON2I}",   "{SHA512-CRYPT}", "{SHA256-CRYPT}",
                                        "{BLF-CRYPT}", "{MD5-CRYPT}", "{DES-CRYPT}",    "{CRYPT}"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_istarts(stored, str_of(known[i])))
            return str_sub(stored, strlen(known[i]), stored.n);
    return stored;
}

static bool crypt_verify(const char *stored, const char *password) {
    struct crypt_data *data = mem_zero(sizeof *data);
    const char *got = crypt_r(password, stored, data);
    bool same = got && got[0] != '*' && bytes_equal(str_of(got), str_of(stored));
    OPENSSL_cleanse(data, sizeof *data);
    free(data);
    return same;
}

bool password_verify(struct str stored, struct str password) {
    if (password.n > PASSWORD_MAX || str_chr(password, 0) >= 0)
        return false;
    stored = without_scheme(stored);
    if (stored.n == 0 || stored.p[0] == '{' || str_chr(stored, 0) >= 0)
        return false;
    char *hash = str_dup(stored), *plain = str_dup(password);
    bool same;
    if (str_starts(stored, STR("$argon2id$")))
        same = argon2id_verify(hash, plain, password.n) == ARGON2_OK;
    else if (str_starts(stored, STR("$argon2i$")))
        same = argon2i_verify(hash, plain, password.n) == ARGON2_OK;
    else
        same = crypt_verify(hash, plain);
    OPENSSL_cleanse(plain, password.n);
    free(plain);
    free(hash);
    return same;
}

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
