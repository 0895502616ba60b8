/*
 * err: how a function that can fail says why. It returns false (or NULL, or -1) and leaves one sentence for a
 * person: what failed, on what, what to do about it. The sentence never holds a secret.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

struct err {
    char text[320];
};

/* Sets the sentence (cut where too long) and returns false, for `return err_set(...)`. err may be NULL. */
bool err_set(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same, with ": " and strerror(errno) behind it. */
bool err_errno(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
