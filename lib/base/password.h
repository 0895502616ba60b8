/*
 * password: stored password hashes. New ones are argon2id in its standard form ("$argon2id$v=19$m=..."); those of
 * crypt(3), bare or behind a scheme in braces ("{SHA512-CRYPT}$6$...", "{BLF-CRYPT}$2y$...", "{ARGON2ID}..."), are
 * understood, so that accounts can be taken over from other servers.
 */
#ifndef BASE_PASSWORD_H
#define BASE_PASSWORD_H

#include "base/err.h"
#include "base/str.h"

enum { PASSWORD_MIN = 8, PASSWORD_MAX = 1000 };

/* Appends a fresh hash of the password (argon2id, own salt). */
bool password_hash(struct str password, struct buf *out, struct err *err);
/* Whether the password fits the stored hash; false for unknown schemes too. */
bool password_verify(struct str stored, struct str password);
/* Good enough to be set: length within the limits, valid UTF-8, not the login. False with the reason. */
bool password_acceptable(struct str password, struct str login, struct err *err);

#endif
