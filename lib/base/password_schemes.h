/* password_schemes: what is shared by password.c and password_schemes.c. */
#ifndef BASE_PASSWORD_SCHEMES_H
#define BASE_PASSWORD_SCHEMES_H

#include "base/str.h"

/* Whether the password fits a stored hash that begins with a scheme in braces; false for unknown ones. */
bool scheme_verify(struct str stored, struct str password);
/* Whether the scheme in braces is known and what follows has its form. */
bool scheme_is_known(struct str stored);
/* A hash without braces: argon2's or crypt(3)'s own form. */
bool scheme_verify_bare(struct str hash, struct str password);
bool scheme_is_bare(struct str hash);
/* PBKDF2 with HMAC; `bits` is 256 or 1 (SHA-1). */
void scheme_pbkdf2(int bits, struct str password, struct str salt, uint32_t iterations, unsigned char *out, size_t n);
/* The keys of SCRAM out of the salted password (RFC 5802 section 3). */
void scheme_scram_keys(int bits, const unsigned char *salted, unsigned char *stored_key, unsigned char *server_key);

#endif
