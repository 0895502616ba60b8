/*
 * password: stored password hashes. New ones are argon2id in its standard form ("$argon2id$v=19$m=..."). Where the
 * password is also for SCRAM (RFC 5802), the two keys that its server needs stand behind, each after a blank and in
 * Dovecot's form:
 *
 *     $argon2id$v=19$... {SCRAM-SHA-256}50000,salt,StoredKey,ServerKey {SCRAM-SHA-1}50000,salt,StoredKey,ServerKey
 *
 * One column holds all of it, so that a new password replaces all of it at once. What other servers stored is
 * understood, so that accounts can be taken over from them: the hashes of crypt(3), bare or behind a scheme in braces,
 * and the schemes of Dovecot and Courier (password_schemes.c has the table).
 */
#ifndef BASE_PASSWORD_H
#define BASE_PASSWORD_H

#include "base/err.h"
#include "base/str.h"

enum { PASSWORD_MIN = 8, PASSWORD_MAX = 1000 };

/* Appends a fresh hash of the password (argon2id, own salt). */
bool password_hash(struct str password, struct buf *out, struct err *err);
/* The same with the keys for SCRAM, made with this salt. Takes some 80 ms. */
bool password_hash_scram(struct str password, struct str salt, struct buf *out, struct err *err);
/* Whether the password fits the stored hash; false for unknown schemes too. */
bool password_verify(struct str stored, struct str password);
/* Whether the stored text is a hash that password_verify can use. */
bool password_is_known(struct str stored);
/* Whether it is what password_hash_scram makes today; else it is worth making anew when the password is known. */
bool password_is_current(struct str stored);
/* Good enough to be set: length within the limits, valid UTF-8, not the login. False with the reason. */
bool password_acceptable(struct str password, struct str login, struct err *err);

/* ---- SCRAM (RFC 5802, RFC 7677) ---- */

enum password_scram { PASSWORD_SCRAM_SHA256, PASSWORD_SCRAM_SHA1 };
/* Iterations for new keys: clients have to compute as many at each login, and Cyrus SASL refuses more than 65536. */
enum { PASSWORD_SCRAM_ITERATIONS = 50000, PASSWORD_SALT_BYTES = 16, PASSWORD_KEY_MAX = 32 };

struct password_keys {
    uint32_t iterations;
    struct str salt; /* base64, as stored */
    unsigned char stored_key[PASSWORD_KEY_MAX], server_key[PASSWORD_KEY_MAX];
    size_t key_bytes; /* 32 or 20 */
};
/* Finds the keys in what is stored; the salt points into it. False: there are none. */
bool password_scram_keys(struct str stored, enum password_scram which, struct password_keys *out);
/* Appends " {SCRAM-SHA-256}... {SCRAM-SHA-1}..." of the password. */
void password_scram_make(struct str password, struct str salt, struct buf *out);

#endif
