/*
 * codec: base64 (RFC 4648 section 4, and section 5 for tokens), hexadecimal, CRC-32C, random bytes and
 * constant-time comparison.
 */
#ifndef BASE_CODEC_H
#define BASE_CODEC_H

#include "base/str.h"

void base64_encode(struct str in, struct buf *out);    /* appends, with padding, no line breaks */
void base64url_encode(struct str in, struct buf *out); /* appends, without padding */
/* Appends the decoded bytes. Strict: padding right, no foreign bytes; false otherwise (out is then as before). */
bool base64_decode(struct str in, struct buf *out);
bool base64url_decode(struct str in, struct buf *out); /* padding optional */
void hex_encode(struct str in, struct buf *out);       /* lower case, appends */
bool hex_decode(struct str in, struct buf *out);
uint32_t crc32c(uint32_t crc, const void *p, size_t n); /* start with 0; hardware instruction where there is one */
void random_bytes(void *p, size_t n);                   /* from the kernel; panic where it has none */
/* A token of `bytes` random bytes as base64url, NUL-terminated; size must hold it (4 * bytes / 3 + 2). */
void random_token(char *out, size_t size, size_t bytes);
bool bytes_equal(struct str a, struct str b); /* in time that depends only on the lengths */

#endif
